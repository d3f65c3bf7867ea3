#!/usr/bin/python3
"""Writes tests/golden/weights/: small files as torch.save makes them, and what is in them (Debian: python3-torch).

legacy.pth and script.pt hold memory addresses and the like, so their bytes differ from run to run.
"""
import json, os, pickle, zipfile
from collections import OrderedDict
import torch, torch.nn as nn

torch.manual_seed(6)
folder = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "weights")
os.makedirs(folder, exist_ok=True)
expected = {}


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.bn1(self.conv1(x)).mean((2, 3)))


def number(v):
    """JSON has no infinities and no NaN."""
    return v if abs(v) < float("inf") else str(v)


def save(name, content, tensors, **options):
    """`tensors`: what a reader should find, or nothing if it should refuse."""
    torch.save(content, os.path.join(folder, name), **options)
    expected[name] = {
        k: {"shape": list(t.shape), "data": [number(v) for v in t.detach().float().contiguous().flatten().tolist()]}
        for k, t in tensors.items() if not k.endswith("num_batches_tracked")
    }


net = Tiny()
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
for _ in range(2):
    net(torch.randn(2, 3, 5, 5)).square().mean().backward()
    optimizer.step()
state = net.state_dict()
save("state_dict.pth", state, state)
wrapped = nn.DataParallel(net).state_dict()
save("data_parallel.pth", wrapped, state)
# As the ImageNet example of PyTorch saves its checkpoints, and as torchvision's reference scripts do.
save("nested.pth", {"epoch": 3, "arch": "tiny", "state_dict": wrapped, "best_acc1": torch.tensor(12.5), "optimizer": optimizer.state_dict()}, state)
parameters = OrderedDict(net.named_parameters())
save("protocol4.pth", {"model": parameters, "seed": 2**63 + 5, "rate": 0.1}, parameters, pickle_protocol=4)

square, long = torch.arange(12.0).view(3, 4), torch.arange(40.0)
views = OrderedDict(
    transposed=square.t(), permuted=torch.arange(24.0).view(2, 3, 4).permute(2, 0, 1), tail=long[30:], every_third=long[1::3],
    channels_last=torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last), expanded=torch.tensor([1.0, 2.0, 3.0]).expand(4, 3),
    scalar=torch.tensor(2.5), empty=torch.zeros(0, 3), same=square, view_of_nothing=square[1:1],
)
save("views.pth", views, views)
special = [0.0, -0.0, 1.0, -2.5, float("inf"), float("-inf"), float("nan")]
types = OrderedDict(
    half=torch.tensor(special + [6e-8, -6e-8, 6.1e-5, 65504.0, 3e-5]).half(), bfloat16=torch.tensor(special + [1e-40, 3e38, 3.14159]).bfloat16(),
    double=torch.tensor(special + [0.1, 1e-300, 1e300, 1 + 2**-30], dtype=torch.float64), float=torch.tensor(special + [1e-45, 3.4e38]),
    int64=torch.tensor([-(2**24), 7, 2**24]), int32=torch.tensor([-3, 2**24], dtype=torch.int32), int16=torch.tensor([-32768, 32767], dtype=torch.int16),
    int8=torch.tensor([-128, 127], dtype=torch.int8), uint8=torch.tensor([0, 255], dtype=torch.uint8), bool=torch.tensor([True, False]),
    half_view=torch.arange(6.0).half().view(2, 3).t(), num_batches_tracked=torch.tensor(2**40),
)
save("types.pth", types, types)

# What must be refused.
save("legacy.pth", state, {}, _use_new_zipfile_serialization=False)
save("whole_module.pth", net.fc, {})
save("too_large_integer.pth", {"index": torch.tensor([2**24 + 1])}, {})


class Hostile:
    def __reduce__(self):
        return open, ("executed", "w")


save("executing.pth", {"fc.weight": Hostile()}, {})
with open(os.path.join(folder, "executing.pkl"), "wb") as f:
    pickle.dump(Hostile(), f, protocol=2)
torch.jit.save(torch.jit.script(nn.Linear(2, 2)), os.path.join(folder, "script.pt"))
compressed = os.path.join(folder, "compressed.pth")
with zipfile.ZipFile(os.path.join(folder, "state_dict.pth")) as source, zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as target:
    for name in source.namelist():
        target.writestr(zipfile.ZipInfo(name), source.read(name), zipfile.ZIP_DEFLATED)
with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump({k: v for k, v in expected.items() if v}, f, separators=(",", ":"))
for name in sorted(os.listdir(folder)):
    print(name, os.path.getsize(os.path.join(folder, name)))

#!/usr/bin/python3
"""Writes tests/golden/weights/foreign/: checkpoints as training scripts and other libraries save them (Debian:
python3-torchvision), and what a reader should find in them. The names of other libraries are made here, from torchvision's,
by lists of their own.
"""
import argparse, datetime, json, os, pathlib
from collections import OrderedDict, defaultdict
import numpy, torch, torch.nn as nn
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(7)
folder = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "weights", "foreign")
os.makedirs(folder, exist_ok=True)
expected = {}


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.bn1(self.conv1(x)).relu().mean((2, 3)))


def trained():
    net = Tiny()
    optimizer = torch.optim.AdamW(net.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    for _ in range(2):
        net(torch.randn(2, 3, 5, 5)).square().mean().backward()
        optimizer.step()
        schedule.step()
    return net, optimizer, schedule


def save(name, content, tensors, entry="", **options):
    torch.save(content, os.path.join(folder, name), **options)
    kept = {k: t for k, t in tensors.items() if not k.endswith("num_batches_tracked")}
    expected[name] = {
        "entry": entry,
        "tensors": {k: {"shape": list(t.shape), "data": t.detach().float().contiguous().flatten().tolist()} for k, t in kept.items()},
    }


net, optimizer, schedule = trained()
state = net.state_dict()
put = lambda prefix, s=state: OrderedDict((prefix + k, v) for k, v in s.items())
arguments = argparse.Namespace(lr=0.1, model="tiny", out=pathlib.PurePosixPath("/runs/1"), milestones=[3, 5])
extras = {
    "args": arguments, "best": numpy.float64(81.25), "count": numpy.int64(3), "curve": numpy.arange(6.0).reshape(2, 3),
    "started": datetime.datetime(2024, 2, 29, 12, 30), "out": pathlib.PurePosixPath("/runs/1"), "history": defaultdict(list, {"loss": [1.0, 0.5]}),
    "seen": {1, 2, 3}, "frozen": frozenset(["a"]), "key": b"bytes", "dtype": torch.float16, "device": torch.device("cpu"), "size": torch.Size([2, 3]), "scheduler": schedule.state_dict(), "z": 1 + 2j,
    "rng": torch.get_rng_state(), ("a", 1): "a key that is a tuple",
}
for protocol in (2, 3, 4, 5):
    save(f"script{protocol}.pth", {**extras, "model": state, "optimizer": optimizer.state_dict(), "epoch": 3}, state, "model", pickle_protocol=protocol)
save("script_legacy.pth", {**extras, "model": state, "optimizer": optimizer.state_dict()}, state, "model", _use_new_zipfile_serialization=False)
# As Lightning saves: the network is an attribute of the module, beside a loss with weights of its own.
lightning = OrderedDict([*put("model.").items(), ("criterion.weight", torch.ones(5))])
save("lightning.ckpt", {"epoch": 1, "pytorch-lightning_version": "2.0", "state_dict": lightning, "callbacks": {}, "hyper_parameters": arguments, "optimizer_states": [optimizer.state_dict()]}, state, "state_dict.model.")
averaged = AveragedModel(net)
averaged.update_parameters(net)
save("averaged.pth", averaged.state_dict(), averaged.module.state_dict(), "module.")
save("compiled.pth", {"net": put("_orig_mod.module.")}, state, "net._orig_mod.module.")
save("deep.pth", {"checkpoint": {"ema": {"params": put("backbone.")}}, "step": torch.tensor(3)}, state, "checkpoint.ema.params.backbone.")
save("list.pth", {"models": [put("encoder.")]}, state, "models.0.encoder.")
save("backbone.pth", OrderedDict((k, v) for k, v in state.items() if not k.startswith("fc.")), {k: v for k, v in state.items() if not k.startswith("fc.")})
save("two.pth", {"model": state, "model_ema": averaged.state_dict()}, {})
save("teacher.pth", {**put("student."), **put("teacher.")}, {})

shared = torch.arange(24.0)
views = OrderedDict(
    transposed=shared[:12].view(3, 4).t(), tail=shared[20:], scalar=torch.tensor(2.5), expanded=torch.tensor([1.0, 2.0, 3.0]).expand(4, 3),
    half=torch.tensor([1.5, -2.0]).half(), double=torch.tensor([0.1, 7.0], dtype=torch.float64), int64=torch.tensor([3, -4]), bool=torch.tensor([True, False]), empty=torch.zeros(0, 3),
)
save("legacy_views.pth", views, views, _use_new_zipfile_serialization=False)
save("legacy_parameters.pth", {"epoch": 3, "state_dict": OrderedDict(net.named_parameters())}, dict(net.named_parameters()), "state_dict", _use_new_zipfile_serialization=False)

# What must never be called.
class Hostile:
    def __reduce__(self):
        return os.system, ("touch executed",)

save("hostile.pth", {**state, "fc.weight": Hostile()}, {})
save("hostile_beside.pth", {"args": Hostile(), "model": state}, state, "model")
with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump({k: v for k, v in expected.items() if v["tensors"]}, f, separators=(",", ":"))
for name in sorted(os.listdir(folder)):
    print(name, os.path.getsize(os.path.join(folder, name)))

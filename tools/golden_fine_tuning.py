#!/usr/bin/python3
"""Writes tests/golden/fine_tuning.json: SGD steps of a small PyTorch network some of whose batch norms are in eval() and frozen
(Debian: python3-torch)."""
import json, os, torch
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)
BATCH, SHAPE, CLASSES, RATE, STEPS = 5, (3, 7, 9), 4, 0.05, 3


class Net(nn.Module):
    """A stem, a residual block with a projection, and a head: conv1, bn1, layer1.0, fc."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        block = nn.Module()
        block.conv1, block.bn1 = nn.Conv2d(4, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6)
        block.conv2, block.bn2 = nn.Conv2d(6, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6)
        block.downsample = nn.Sequential(nn.Conv2d(4, 6, 1, 2, bias=False), nn.BatchNorm2d(6))
        self.layer1 = nn.Sequential(block)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x):
        x, b = torch.relu(self.bn1(self.conv1(x))), self.layer1[0]
        y = b.bn2(b.conv2(torch.relu(b.bn1(b.conv1(x)))))
        return self.fc(torch.relu(y + b.downsample(x)).mean((2, 3)))


def flat(t):
    return [float("%.9g" % v) for v in t.detach().flatten().tolist()]


def state(net):
    return {k: {"shape": list(v.shape), "data": flat(v)} for k, v in net.state_dict().items() if "num_batches" not in k}


def run(start, frozen, head_steps=0):
    """Trains; `frozen` are prefixes of what stays, and before `head_steps` all but fc stays."""
    net = Net()
    net.load_state_dict(start)
    opt = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)
    losses = []
    for step in range(STEPS):
        head = step < head_steps
        stays = lambda name: any(name.startswith(p) for p in frozen) or (head and not name.startswith("fc."))
        net.train()
        for name, module in net.named_modules():
            if isinstance(module, nn.BatchNorm2d) and stays(name + ".weight"):
                module.eval()
        for name, parameter in net.named_parameters():
            parameter.requires_grad = not stays(name)
        opt.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return {"losses": losses, "after": state(net)}


net = Net()
with torch.no_grad():
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for t in (module.weight, module.running_var):
                t.uniform_(0.5, 1.5)
            for t in (module.bias, module.running_mean):
                t.normal_(0, 0.3)
start = {k: v.clone() for k, v in net.state_dict().items()}
images, labels = torch.randn(BATCH, *SHAPE), torch.randint(CLASSES, (BATCH,))
cases = [
    {"freeze": ["conv1.*", "bn1.*"], "prefixes": ["conv1.", "bn1."]},
    # In the middle of the network, so that gradients go through what is frozen.
    {"freeze": ["layer1.0.bn1.*", "layer1.0.downsample.*"], "prefixes": ["layer1.0.bn1.", "layer1.0.downsample."]},
    {"freeze": ["conv1.*", "bn1.*", "layer1.*"], "prefixes": ["conv1.", "bn1.", "layer1."]},
    {"freeze": [], "prefixes": [], "headSteps": 1},
]
golden = {
    "images": flat(images), "labels": labels.tolist(), "shape": SHAPE, "classes": CLASSES, "rate": RATE, "start": state(net),
    "cases": [{**{k: v for k, v in c.items() if k != "prefixes"}, **run(start, c["prefixes"], c.get("headSteps", 0))} for c in cases],
}
path = os.path.join(os.path.dirname(__file__), "../tests/golden/fine_tuning.json")
with open(path, "w") as f:
    json.dump(golden, f)
print(os.path.getsize(path), [c["losses"] for c in golden["cases"]])

#!/usr/bin/python3
"""Writes tests/golden/grey.png and grey.json: a grey image, and the probabilities that a ResNet-8 of one channel gives of it in
PyTorch, on its 28 x 28 pixels and resized to 32 (Debian: python3-torchvision). Weights are the formula of
tools/_golden_formula.py.
"""
import json, os
import numpy as np, torch, torch.nn as nn
from PIL import Image
from torchvision import transforms
from _golden_formula import fill

MEAN, STD = 0.286, 0.353


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = None if stride == 1 else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = (nn.Sequential(Block(*sizes)) for sizes in [(16, 16, 1), (16, 32, 2), (32, 64, 2)])
        self.fc = nn.Linear(64, 7)

    def forward(self, x):
        return self.fc(self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu()))).mean((2, 3)))


golden = os.path.join(os.path.dirname(__file__), "..", "tests", "golden")
y, x = np.mgrid[0:28, 0:28]
pixels = (127.5 + 90 * np.sin(x / 3) * np.cos(y / 4) + np.random.default_rng(5).uniform(-37, 37, (28, 28))).astype(np.uint8)
image = Image.fromarray(pixels)
image.save(os.path.join(golden, "grey.png"))
net = ResNet8().eval()
state = {k: v for k, v in net.state_dict().items() if v.dtype != torch.int64}
net.load_state_dict({k: fill(k, tuple(v.shape)) for k, v in state.items()}, strict=False)
as_tensor = [transforms.ToTensor(), transforms.Normalize([MEAN], [STD])]
ways = {"28": transforms.Compose(as_tensor), "32": transforms.Compose([transforms.Resize(32), transforms.CenterCrop(32), *as_tensor])}
with torch.no_grad():
    probabilities = {size: net(way(image)[None]).softmax(1)[0].tolist() for size, way in ways.items()}
with open(os.path.join(golden, "grey.json"), "w") as f:
    json.dump({"mean": MEAN, "std": STD, "tensors": {k: list(v.shape) for k, v in state.items()}, "probabilities": probabilities}, f, separators=(",", ":"))
print(probabilities)

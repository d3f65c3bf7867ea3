#!/usr/bin/python3
"""How far PyTorch's float32 is from its float64 over the first steps of a ResNet-20, since rounding grows from step to step.

    rounding.py FOLDER [--steps 20] [--batch 128] [--rate 0.01]    FOLDER: Fashion-MNIST's IDX files, or MNIST's

Prints, for two first weights and at each step, the relative distance of the loss from that of float64: with oneDNN, with
PyTorch's own convolutions, and with oneDNN when each batch is in the other order.
"""
import argparse, gzip, os, numpy as np, torch, torch.nn.functional as F
from _cifar_resnet import CifarResNet


def read(folder, name, start):
    path = os.path.join(folder, name)
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=start)


def losses(images, labels, dtype, seed, engine=True, flipped=False):
    torch.manual_seed(seed)
    net = CifarResNet(20, 10).to(dtype).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=given.rate, momentum=0.9)
    found = []
    with torch.backends.mkldnn.flags(enabled=engine):
        for x, y in zip(images.split(given.batch), labels.split(given.batch)):
            if flipped:
                x, y = x.flip(0), y.flip(0)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x.to(dtype)), y)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
    return np.array(found)


parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--rate", type=float, default=0.01)
given = parser.parse_args()
count = given.steps * given.batch
images = torch.from_numpy(read(given.folder, "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[:count].astype(np.float64))
images = ((images / 255 - 0.286) / 0.353).repeat(1, 3, 1, 1)
labels = torch.from_numpy(read(given.folder, "train-labels-idx1-ubyte", 8)[:count].astype(np.int64))
for seed in range(2):
    exact = losses(images, labels, torch.float64, seed)
    print(f"seed {seed}   loss", *(f"{loss:7.3f}" for loss in exact))
    for what, options in ("oneDNN", {}), ("own", {"engine": False}), ("flipped", {"flipped": True}):
        print(f"{what:>13}", *(f"{d:7.0e}" for d in abs(losses(images, labels, torch.float32, seed, **options) / exact - 1)))

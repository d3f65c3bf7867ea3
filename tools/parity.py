#!/usr/bin/python3
"""PyTorch's side of tools/parity.ts.

    parity.py make NAME FOLDER    random weights, in weights.pth and weights.safetensors, images.f32 and their logits.f32
    parity.py load NAME FOLDER    ours.safetensors in; the logits of the same images, in loaded.f32
    parity.py step NAME FOLDER    PyTorch's first weights, in weights.safetensors, four images.f32 of 64x64, and the gradients
                                  of all parameters in gradients32.safetensors and, of float64, in gradients64.safetensors
"""
import os, sys, numpy as np, torch, torch.nn as nn, torchvision.models as models
from _cifar_resnet import CifarResNet
from torchvision_weights import read_safetensors, write_safetensors

torch.set_num_threads(os.cpu_count())
CLASSES, SEED = 1000, 7


def network(name):
    if name.startswith("mobilenet_v2"):
        return models.mobilenet_v2(num_classes=CLASSES, width_mult=float((name + "_1.0").split("_")[2])), 224
    depth = int(name.removeprefix("resnet"))
    return (CifarResNet(depth, CLASSES), 32) if depth in (20, 110) else (getattr(models, name)(num_classes=CLASSES), 224)


def randomise(net, size):
    """PyTorch's own initialisation; running statistics near those of random images, so that signals neither die nor burst."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.momentum = 1.0
        nn.init.uniform_(m.weight, 0.5, 1.5)
        nn.init.normal_(m.bias, 0, 0.2)
    with torch.no_grad():
        net.train()(torch.randn(4, 3, size, size))
        for m in norms:
            m.running_mean += 0.2 * m.running_var.sqrt() * torch.randn_like(m.running_mean)
            m.running_var *= torch.empty_like(m.running_var).uniform_(0.6, 1.5)
    return net.eval()


def logits(net, folder, size):
    images = torch.from_numpy(np.fromfile(f"{folder}/images.f32", np.float32).reshape(-1, 3, size, size))
    with torch.no_grad():
        return net.eval()(images).numpy()


def gradients(net, images, dtype):
    net = net.to(dtype).train()
    net.zero_grad()
    torch.nn.functional.cross_entropy(net(images.to(dtype)), LABELS).backward()
    return {k: p.grad.float() for k, p in net.named_parameters()}


LABELS = torch.tensor([3, 500, 999, 0])
command, name, folder = sys.argv[1:]
torch.manual_seed(SEED)
net, size = network(name)
if command == "make":
    randomise(net, size)
    torch.randn(2, 3, size, size).numpy().tofile(f"{folder}/images.f32")
    torch.save(net.state_dict(), f"{folder}/weights.pth")
    write_safetensors(f"{folder}/weights.safetensors", net.state_dict())
    logits(net, folder, size).tofile(f"{folder}/logits.f32")
elif command == "step":
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    images = torch.randn(4, 3, 64, 64)
    images.numpy().tofile(f"{folder}/images.f32")
    write_safetensors(f"{folder}/weights.safetensors", net.state_dict())
    write_safetensors(f"{folder}/gradients32.safetensors", gradients(net, images, torch.float32))
    write_safetensors(f"{folder}/gradients64.safetensors", gradients(net, images, torch.float64))
else:
    net.load_state_dict(read_safetensors(f"{folder}/ours.safetensors"), strict=True)
    logits(net, folder, size).tofile(f"{folder}/loaded.f32")

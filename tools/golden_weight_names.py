#!/usr/bin/python3
"""Writes tests/golden/weights/names.json: for networks of torchvision, the names that Hugging Face's transformers and timm
give their tensors, as lists that are made block by block (Debian: python3-torchvision).

    tools/golden_weight_names.py                          the lists
    tools/golden_weight_names.py FOLDER                   and random weights of each network under each library's names
"""
import json, os, sys
import torch, torchvision

BATCH_NORM = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]


def conv_norm(pairs, ours, theirs):
    """Convolution and batch norm, whose names are given."""
    pairs.append((f"{ours[0]}.weight", f"{theirs[0]}.weight"))
    pairs += [(f"{ours[1]}.{part}", f"{theirs[1]}.{part}") for part in BATCH_NORM]


def transformers_resnet(net):
    pairs = []
    conv_norm(pairs, ("conv1", "bn1"), ("resnet.embedder.embedder.convolution", "resnet.embedder.embedder.normalization"))
    for stage, layer in enumerate([net.layer1, net.layer2, net.layer3, net.layer4]):
        for number, block in enumerate(layer):
            ours, theirs = f"layer{stage + 1}.{number}", f"resnet.encoder.stages.{stage}.layers.{number}"
            for k in range(3 if hasattr(block, "conv3") else 2):
                conv_norm(pairs, (f"{ours}.conv{k + 1}", f"{ours}.bn{k + 1}"), (f"{theirs}.layer.{k}.convolution", f"{theirs}.layer.{k}.normalization"))
            if block.downsample is not None:
                conv_norm(pairs, (f"{ours}.downsample.0", f"{ours}.downsample.1"), (f"{theirs}.shortcut.convolution", f"{theirs}.shortcut.normalization"))
    return pairs + [("fc.weight", "classifier.1.weight"), ("fc.bias", "classifier.1.bias")]


def timm_mobilenet(net):
    pairs, number = [], 1
    conv_norm(pairs, ("features.0.0", "features.0.1"), ("conv_stem", "bn1"))
    for stage, blocks in enumerate([1, 2, 3, 4, 3, 3, 1]):
        for block in range(blocks):
            ours, theirs = f"features.{number}.conv", f"blocks.{stage}.{block}"
            if stage == 0:  # no expansion
                conv_norm(pairs, (f"{ours}.0.0", f"{ours}.0.1"), (f"{theirs}.conv_dw", f"{theirs}.bn1"))
                conv_norm(pairs, (f"{ours}.1", f"{ours}.2"), (f"{theirs}.conv_pw", f"{theirs}.bn2"))
            else:
                conv_norm(pairs, (f"{ours}.0.0", f"{ours}.0.1"), (f"{theirs}.conv_pw", f"{theirs}.bn1"))
                conv_norm(pairs, (f"{ours}.1.0", f"{ours}.1.1"), (f"{theirs}.conv_dw", f"{theirs}.bn2"))
                conv_norm(pairs, (f"{ours}.2", f"{ours}.3"), (f"{theirs}.conv_pwl", f"{theirs}.bn3"))
            number += 1
    conv_norm(pairs, (f"features.{number}.0", f"features.{number}.1"), ("conv_head", "bn2"))
    return pairs + [("classifier.1.weight", "classifier.weight"), ("classifier.1.bias", "classifier.bias")]


LISTS = [("resnet18", "transformers", transformers_resnet), ("resnet50", "transformers", transformers_resnet), ("mobilenet_v2", "timm", timm_mobilenet)]
names = {}
for model, library, rename in LISTS:
    torch.manual_seed(9)
    net = getattr(torchvision.models, model)()
    pairs = rename(net)
    state = net.state_dict()
    assert {ours for ours, _ in pairs} == set(state) and len({theirs for _, theirs in pairs}) == len(state), model
    names[model] = {"library": library, "names": pairs}
    if len(sys.argv) > 1:
        torch.save(state, os.path.join(sys.argv[1], f"{model}.pth"))
        torch.save({theirs: state[ours] for ours, theirs in pairs}, os.path.join(sys.argv[1], f"{model}-{library}.pth"))
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "weights", "names.json")
with open(path, "w") as f:
    json.dump(names, f, separators=(",", ":"))

#!/usr/bin/python3
"""Writes tests/golden/evaluation/: images, and what torchvision's evaluation of them gives (tests/evaluation_test.ts).

The networks are torchvision's with weights by the formula of _golden_formula.py, the transform is the one that torchvision
publishes its accuracies with (transforms._presets.ImageClassification). metrics.json has the figures of random logits.
"""
import json, os
import numpy as np, torch, torch.nn.functional as F, torchvision.models as models
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification
from _golden_formula import fill

torch.set_num_threads(2)
folder = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "evaluation")
CLASSES = ["axe", "bow", "cup"]
SIZES = [(97, 71), (64, 64), (80, 133), (71, 72), (151, 90), (90, 84)]
CASES = [
    {"resize": 72, "crop": 65, "interpolation": "bilinear"},
    {"resize": 72, "crop": 65, "interpolation": "bicubic"},
    {"resize": 70, "crop": 70, "interpolation": "bilinear"},
]


rng = np.random.default_rng(7)
files = []
for k, (width, height) in enumerate(SIZES):
    # Waves of each colour with some noise: edges for the resize, and files that stay small.
    y, x = np.mgrid[0:height, 0:width]
    f = rng.uniform(0.05, 0.6, (3, 2))
    waves = np.stack([np.sin(x * a + y * b) for a, b in f], axis=-1)
    pixels = np.clip(128 + 110 * waves + rng.integers(-20, 21, waves.shape), 0, 255).astype(np.uint8)
    name = f"{CLASSES[k % 3]}/{k}.png"
    os.makedirs(os.path.join(folder, "images", CLASSES[k % 3]), exist_ok=True)
    Image.fromarray(pixels).save(os.path.join(folder, "images", name), optimize=True)
    files.append(name)
files.sort()
labels = torch.tensor([CLASSES.index(f.split("/")[0]) for f in files])

net = models.mobilenet_v2(num_classes=3, width_mult=0.25)
net.load_state_dict({k: v if v.dtype == torch.int64 else fill(k, tuple(v.shape)) for k, v in net.state_dict().items()})
net.double().eval()
cases = []
for case in CASES:
    transform = ImageClassification(crop_size=case["crop"], resize_size=case["resize"], interpolation=InterpolationMode(case["interpolation"]))
    images = [transform(Image.open(os.path.join(folder, "images", f)).convert("RGB")) for f in files]
    with torch.no_grad():
        logits = net(torch.stack(images).double())
    cases.append({**case, "logits": [[float("%.7g" % v) for v in row] for row in logits.tolist()],
                  "loss": F.cross_entropy(logits, labels).item(), "top1": (logits.argmax(1) == labels).double().mean().item()})
json.dump({"model": "mobilenet_v2_0.25", "files": files, "labels": labels.tolist(), "cases": cases}, open(os.path.join(folder, "torchvision.json"), "w"))

# Figures of classes by scikit-learn's formulas, zero_division=0. Class 5 has neither images nor predictions, class 4 no images.
count, classes = 60, 7
logits = rng.normal(size=(count, classes)).astype(np.float32)
truth = rng.choice([0, 1, 2, 3, 6], count)
logits[np.arange(count), truth] += 1.0
logits[:, 5] -= 20
logits[3, 4] += 9
predicted = logits.argmax(1)
per_class = []
for c in range(classes):
    tp, fp, fn = ((predicted == c) & (truth == c)).sum(), ((predicted == c) & (truth != c)).sum(), ((predicted != c) & (truth == c)).sum()
    divide = lambda a, b: float(a / b) if b else 0.0
    p, r = divide(tp, tp + fp), divide(tp, tp + fn)
    per_class.append({"images": int(tp + fn), "predicted": int(tp + fp), "right": int(tp), "precision": p, "recall": r, "f1": divide(2 * p * r, p + r)})
present = sorted(set(truth) | set(predicted))
macro = {k: float(np.mean([per_class[c][k] for c in present])) for k in ("precision", "recall", "f1")}
softmax = torch.tensor(logits).double().softmax(1)
answers = {"predicted": predicted.tolist(), "probability": softmax.amax(1).tolist(), "labelProbability": softmax[range(count), truth.tolist()].tolist()}
json.dump({"classes": classes, "logits": [float("%.9g" % v) for v in logits.flatten()], "labels": truth.tolist(), "perClass": per_class, "macro": macro, "answers": answers,
           "loss": F.cross_entropy(torch.tensor(logits).double(), torch.tensor(truth)).item()}, open(os.path.join(folder, "metrics.json"), "w"))

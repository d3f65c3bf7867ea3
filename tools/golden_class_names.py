"""Writes tests/golden/class_names.json: the class names of sets whose files hold none, as torchvision has them."""

import json
import pathlib

from torchvision.datasets import KMNIST, FashionMNIST

names = {dataset.__name__: list(dataset.classes) for dataset in (FashionMNIST, KMNIST)}
target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "class_names.json"
target.write_text(json.dumps(names, indent=2) + "\n")

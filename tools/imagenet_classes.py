#!/usr/bin/python3
"""Writes data/imagenet_classes.ts from torchvision's table, and tests/golden/published.json: the weights that torchvision
publishes (Debian: python3-torchvision)."""
import json, os, textwrap
from torchvision import models
from torchvision.models._meta import _IMAGENET_CATEGORIES as names

ROOT = os.path.join(os.path.dirname(__file__), "..")
NETWORKS = ["ResNet18", "ResNet34", "ResNet50", "ResNet101", "ResNet152", "MobileNet_V2"]

assert len(set(names)) == 1000 and not any(c in name for name in names for c in ",`\\$")
# Spaces within names do not break lines.
text = textwrap.fill(", ".join(name.replace(" ", "_") for name in names), 118, break_on_hyphens=False, break_long_words=False)
with open(os.path.join(ROOT, "data/imagenet_classes.ts"), "w") as f:
    f.write(f"""/** The names of ImageNet's classes, as `tools/imagenet_classes.py` writes them from torchvision's table. */

/**
 * The names of the 1000 classes of ImageNet (ILSVRC 2012), in the order of the outputs of networks that were trained on it:
 * that of WordNet's numbers, as of the set's folders.
 *
 * @example
 * ```ts
 * import {{ IMAGENET_CLASSES }} from "@residua/residua/data";
 * console.log(IMAGENET_CLASSES.length, IMAGENET_CLASSES[1]); // 1000 goldfish
 * ```
 */
export const IMAGENET_CLASSES: readonly string[] = `
{text}
`.trim().split(/,\\s/).map((name) => name.replaceAll("_", " "));
""")

rows = []
for network in NETWORKS:
    table = getattr(models, network + "_Weights")
    for weights in table:
        t = weights.transforms()
        rows.append({"model": network.lower(), "weights": weights.name, "url": weights.url, "default": weights is table.DEFAULT,
                     "resize": t.resize_size[0], "crop": t.crop_size[0], "mean": t.mean, "std": t.std, "interpolation": t.interpolation.value})
with open(os.path.join(ROOT, "tests/golden/published.json"), "w") as f:
    json.dump({"weights": rows, "classes": names}, f)
print(len(names), len(rows))

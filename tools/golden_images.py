"""Writes tests/golden/images/: small files of the formats that are read, and images.json, what PIL makes of each.

PIL's convert("RGB") is the reference for what a decoder must give: the bytes are the same.
"""

import json
import pathlib

import numpy as np
from PIL import Image

target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "images"
target.mkdir(exist_ok=True)
random = np.random.default_rng(3)

noise = random.integers(0, 256, (7, 13, 3), dtype=np.uint8)
image = Image.fromarray(noise)
grey = Image.fromarray(noise[:, :, 0])
palette = image.quantize(9)
# Flat blocks, of which lossy formats keep enough.
blocks = Image.fromarray(np.kron(random.integers(0, 256, (3, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)))

image.save(target / "noise.png")
palette.save(target / "palette.png")
image.save(target / "lossless.webp", lossless=True)
blocks.save(target / "lossy.webp", quality=80)
palette.save(target / "palette.gif")
grey.save(target / "grey.gif")
blocks.quantize(12).save(target / "frames.gif", save_all=True, append_images=[blocks.rotate(180).quantize(12)])
image.save(target / "plain.tiff")
image.save(target / "lzw.tif", compression="tiff_lzw")
image.save(target / "deflate.tif", compression="tiff_adobe_deflate")
grey.save(target / "grey.tif")
palette.save(target / "palette.tif")
Image.fromarray(noise[:, :, 0] > 99).save(target / "bits.tif", compression="group4")
image.save(target / "pages.tif", save_all=True, append_images=[image.rotate(180)])

expected = {}
for path in sorted(target.iterdir()):
    if path.suffix == ".json":
        continue
    pixels = np.asarray(Image.open(path).convert("RGB"))
    expected[path.name] = {"size": [pixels.shape[1], pixels.shape[0]], "pixels": pixels.ravel().tolist()}
(target / "images.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")

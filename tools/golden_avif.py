"""Writes tests/golden/avif/: small AVIF files, and avif.json, what PIL makes of each. It takes Pillow 11.3 or later.

PIL's convert("RGB"), after exif_transpose, is the reference; transparent pixels are laid on white, as all decoders here do.
"""

import json
import pathlib
import random

from PIL import Image, ImageOps

target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "avif"
target.mkdir(exist_ok=True)
random.seed(3)

colours = Image.frombytes("RGB", (4, 3), bytes(random.randrange(256) for _ in range(36)))
# Soft and odd in its size, so that halved colours are between pixels.
image = colours.resize((33, 25), Image.BICUBIC)

image.save(target / "full.avif", quality=90, subsampling="4:4:4")
image.save(target / "halved.avif", quality=75, subsampling="4:2:0")
image.convert("L").save(target / "grey.avif", quality=90)
see_through = image.convert("RGBA")
see_through.putalpha(Image.linear_gradient("L").resize(image.size))
see_through.save(target / "alpha.avif", quality=90, subsampling="4:4:4")
for orientation in (2, 3, 6):
    exif = Image.Exif()
    exif[274] = orientation
    image.save(target / f"turned{orientation}.avif", quality=90, subsampling="4:4:4", exif=exif)

expected = {}
for path in sorted(target.glob("*.avif")):
    opened = ImageOps.exif_transpose(Image.open(path))
    if opened.mode == "RGBA":
        opened = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened)
    expected[path.name] = {"size": opened.size, "pixels": list(opened.convert("RGB").tobytes())}
(target / "avif.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")

#!/usr/bin/python3
"""Writes tests/golden/draft.json: JPEG files, and what PIL makes of them in full and by its draft mode, at 32x32.

images/reduced_decode_test.ts holds images that are read smaller to them.
"""
import base64, io, json, os
import numpy as np
from PIL import Image, ImageOps

SIZE = 32
# Width, height, EXIF orientation, grey, progressive.
FILES = [(333, 290, 1, False, False), (421, 350, 6, False, True), (613, 701, 1, False, False), (402, 299, 3, True, False)]
random = np.random.default_rng(11)


def encode(image):
    return base64.b64encode(np.asarray(image).tobytes()).decode()


def photo(width, height):
    """Blobs of many sizes, as photographs have."""
    pixels = np.zeros((height, width, 3), np.float32)
    for cells in (3, 9, 30, 90, 200):
        small = np.clip(128 + 45 * random.normal(size=(cells, cells, 3)), 0, 255).astype(np.uint8)
        pixels += np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC), np.float32) - 128
    return Image.fromarray(np.clip(128 + 0.6 * pixels, 0, 255).astype(np.uint8))


def shrink(image):
    """Upright, its shorter side 32, the middle."""
    image = ImageOps.exif_transpose(image).convert("RGB")
    width, height = image.size
    longer = int(SIZE * max(image.size) / min(image.size))
    image = image.resize((SIZE, longer) if width <= height else (longer, SIZE), Image.Resampling.BILINEAR)
    left, top = round((image.width - SIZE) / 2), round((image.height - SIZE) / 2)
    return image.crop((left, top, left + SIZE, top + SIZE))


golden = []
for width, height, orientation, grey, progressive in FILES:
    image, file, exif = photo(width, height), io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    (image.convert("L") if grey else image).save(file, "JPEG", quality=85, exif=exif, progressive=progressive)
    drafted = Image.open(file)
    drafted.draft("L" if grey else "RGB", (SIZE, SIZE))
    golden.append({
        "file": base64.b64encode(file.getvalue()).decode(),
        "width": width,
        "height": height,
        "orientation": orientation,
        "full": encode(shrink(Image.open(file))),
        "draft": encode(shrink(drafted)),
    })
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "draft.json")
with open(path, "w") as out:
    json.dump(golden, out)
    out.write("\n")

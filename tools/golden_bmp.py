"""Writes tests/golden/bmp/: small BMP files of every kind, and bmp.json, what PIL's convert("RGB") makes of each.

PIL writes few kinds, so that most are put together here; PIL reads them all.
"""

import json
import pathlib
import struct

import numpy as np
from PIL import Image

target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "bmp"
target.mkdir(exist_ok=True)
random = np.random.default_rng(3)
WIDTH, HEIGHT = 13, 7

noise = random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
image = Image.fromarray(noise)
image.save(target / "rgb.bmp")
Image.fromarray(noise[:, :, 0]).save(target / "grey.bmp")
image.quantize(9).save(target / "palette8.bmp")
Image.fromarray(noise[:, :, 0] > 99).save(target / "bits.bmp")


def padded(row):
    return row + b"\0" * (-len(row) % 4)


def palette(colours):
    return b"".join(random.integers(0, 256, 3, dtype=np.uint8).tobytes() + b"\0" for _ in range(colours))


def write(name, bits, pixels, compression=0, colours=0, masks=b"", header=40, height=HEIGHT):
    table = palette(colours)
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(pixels), 2835, 2835, colours, 0)
    info += masks + b"\0" * max(0, header - 40 - len(masks))
    start = 14 + len(info) + len(table)
    (target / name).write_bytes(b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + table + pixels)


rows = b"".join(padded(row.tobytes()) for row in noise)
write("top_down.bmp", 24, rows, height=-HEIGHT)
nibbles = random.integers(0, 16, (HEIGHT, WIDTH + 1))
write("palette4.bmp", 4, b"".join(padded(bytes((row[0::2] << 4 | row[1::2]).tolist())) for row in nibbles), colours=16)
words = random.integers(0, 65536, (HEIGHT, WIDTH)).astype("<u2")
words = b"".join(padded(row.tobytes()) for row in words)
write("rgb555.bmp", 16, words)
write("rgb565.bmp", 16, words, 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
four = random.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
write("rgbx.bmp", 32, four.tobytes())
four[:, :, 3] = 255
write("masks_opaque.bmp", 32, four.tobytes(), 3, masks=struct.pack("<IIII", 255, 255 << 8, 255 << 16, 255 << 24), header=108)
runs = b""
for row in random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8):
    # A run of five, then the others one by one, which end on an even byte; then the end of the line.
    runs += bytes([5, row[0], 0, WIDTH - 5]) + row[5:].tobytes() + b"\0" * ((WIDTH - 5) % 2) + b"\0\0"
write("runs.bmp", 8, runs + b"\0\1", 1, colours=256)
core = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
(target / "os2.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + core + rows)

expected = {}
for path in sorted(target.glob("*.bmp")):
    pixels = np.asarray(Image.open(path).convert("RGB"))
    expected[path.name] = {"size": [pixels.shape[1], pixels.shape[0]], "pixels": pixels.ravel().tolist()}
(target / "bmp.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")

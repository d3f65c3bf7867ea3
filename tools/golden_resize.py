#!/usr/bin/python3
"""Writes tests/golden/resize.json: what PIL and torchvision make of images that a formula gives.

data/resize/resize_test.ts repeats the formula. Of each result: its size, a hash of its bytes, and the first and the middle pixel.
"""
import json, os
import numpy as np
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

# Width and height of the image, and the new width and height, or the shorter side and the crop's height and width.
RESIZED = [((67, 45), (20, 31)), ((67, 45), (67, 17)), ((9, 13), (40, 33)), ((301, 200), (7, 1)), ((1, 1), (5, 4)), ((3, 500), (64, 64)), ((32, 32), (32, 32))]
CROPPED = [((500, 333), 256, (224, 224)), ((333, 501), 256, (224, 224)), ((120, 90), 32, (32, 32)), ((31, 32), 32, (32, 32)),
           ((17, 5), 21, (20, 19)), ((5, 17), 21, (18, 21)), ((1, 1), 33, (32, 32)), ((40, 41), 96, (64, 95))]


def image(width, height):
    i = np.arange(width * height * 3, dtype=np.uint32)
    x = (i ^ np.uint32(width * 65536 + height)) * np.uint32(0x9E3779B9)
    x = (x ^ x >> np.uint32(15)) * np.uint32(0x85EBCA6B)
    return Image.fromarray((x >> np.uint32(24)).astype(np.uint8).reshape(height, width, 3))


def digest(result):
    pixels = np.asarray(result)
    h = 0x811C9DC5
    for byte in pixels.tobytes():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
    return {"width": result.width, "height": result.height, "hash": h, "first": pixels[0, 0].tolist(), "middle": middle.tolist()}


INTERPOLATIONS = ["bilinear", "bicubic"]
golden = {
    "resized": [
        {"from": size, "to": to, "interpolation": name, **digest(image(*size).resize(to, Image.Resampling[name.upper()]))}
        for name in INTERPOLATIONS for size, to in RESIZED
    ],
    "cropped": [
        {"from": size, "resize": resize, "crop": crop, "interpolation": name, **digest(transforms.Compose([
            transforms.Resize(resize, InterpolationMode(name)), transforms.CenterCrop(crop)])(image(*size)))}
        for name in INTERPOLATIONS for size, resize, crop in CROPPED
    ],
}
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "resize.json")
json.dump(golden, open(path, "w"), separators=(",", ":"))

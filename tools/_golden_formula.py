"""Weights and images that PyTorch and tests/_models_golden.ts compute by one formula."""
import math
import numpy as np, torch


def uniform(name, count):
    """Multiples of 2^-23 in [-1, 1): FNV-1a of the name, and an integer hash (murmur3's finaliser) of each index."""
    h = 0x811C9DC5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) ^ np.uint32(h)
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return ((x ^ x >> np.uint32(16)) >> np.uint32(8)) / 2.0**23 - 1


def fill(name, shape):
    """He-like weights; scales and variances within 0.5 to 1.5; the rest within ±0.2. Rounded to float32.

    The last scale of a bottleneck is a fifth of that: else gradients grow, down 16 blocks, to where float32 loses them.
    """
    u = uniform(name, math.prod(shape))
    if len(shape) == 4:
        v = u * math.sqrt(6 / math.prod(shape[1:]))
    elif len(shape) == 2:
        v = u / math.sqrt(shape[1])
    elif name.endswith(("weight", "running_var")):
        v = (1 + 0.5 * u) * (0.2 if name.endswith("bn3.weight") else 1)
    else:
        v = 0.2 * u
    return torch.from_numpy(v.astype(np.float32).reshape(shape).copy())


def batch_of(name, images, size):
    return torch.from_numpy((1.7 * uniform(name, images * 3 * size * size)).astype(np.float32).reshape(images, 3, size, size))

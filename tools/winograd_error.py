#!/usr/bin/python3
"""Rounding errors of Winograd's filtering in float32 for several sets of points, against a direct sum (needs numpy).

Prints the first table of docs/decisions/0003-winograd-points.md: 64 channels, normal inputs after a ReLU, He-initialised
3x3 kernels, random tiles.
"""
from fractions import Fraction

import numpy as np

SETS = {
    "F(2x2), 0, ±1": (2, ["0", "1", "-1"]),
    "F(4x4), 0, ±1, ±2": (4, ["0", "1", "-1", "2", "-2"]),
    "F(4x4), 0, ±3/4, ±3/2": (4, ["0", "3/4", "-3/4", "3/2", "-3/2"]),
}
TAPS, CHANNELS, OUTPUTS, TILES = 3, 64, 16, 256


def times(p, q):
    """The product of two polynomials."""
    result = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            result[i + j] += a * b
    return result


def transforms(outputs, texts):
    """The matrices of F(outputs, 3): of outputs, kernels and inputs, by interpolation at the points and infinity."""
    points, size = [Fraction(text) for text in texts], outputs + TAPS - 1
    back = [[point**k for point in points] + [Fraction(k == outputs - 1)] for k in range(outputs)]
    kernel, inputs = [], []
    for i, point in enumerate(points):
        scale, polynomial = Fraction(1), [Fraction(1)]
        for j, other in enumerate(points):
            if i != j:
                scale *= point - other
                polynomial = times(polynomial, [-other, Fraction(1)])
        kernel.append([point**k / scale for k in range(TAPS)])
        inputs.append(polynomial + [Fraction(0)] * (size - len(polynomial)))
    polynomial = [Fraction(1)]
    for point in points:
        polynomial = times(polynomial, [-point, Fraction(1)])
    kernel.append([Fraction(k == TAPS - 1) for k in range(TAPS)])
    inputs.append(polynomial)
    return [np.array(matrix, dtype=np.float64) for matrix in (back, kernel, inputs)]


def report(name, result, exact):
    error = np.abs(result - exact)
    print(f"{name:24s} {np.sqrt((error**2).mean() / (exact**2).mean()):.1e}  {error.max() / np.abs(exact).max():.1e}")


def main():
    random = np.random.default_rng(0)
    for name, (outputs, texts) in SETS.items():
        size = outputs + TAPS - 1
        x = np.maximum(random.normal(size=(TILES, CHANNELS, size, size)), 0).astype(np.float32)
        w = (random.normal(size=(OUTPUTS, CHANNELS, TAPS, TAPS)) * np.sqrt(2 / (9 * CHANNELS))).astype(np.float32)
        exact = np.zeros((TILES, OUTPUTS, outputs, outputs))
        direct = exact.astype(np.float32)
        for i in range(TAPS):
            for j in range(TAPS):
                exact += np.einsum("tcab,kc->tkab", x[:, :, i : i + outputs, j : j + outputs].astype(np.float64), w[:, :, i, j])
        for c in range(CHANNELS):
            for i in range(TAPS):
                for j in range(TAPS):
                    direct += x[:, c, None, i : i + outputs, j : j + outputs] * w[None, :, c, i, j, None, None]
        back, kernel, inputs = transforms(outputs, texts)
        assert np.allclose(back @ ((kernel @ np.ones(TAPS)) * (inputs @ np.ones(size))), TAPS)
        u = np.einsum("ia,kcab,jb->ijkc", kernel, w.astype(np.float64), kernel).astype(np.float32)
        b, a = inputs.astype(np.float32), back.astype(np.float32)
        v = np.einsum("jb,tcib->tcij", b, np.einsum("ia,tcab->tcib", b, x))
        products = np.zeros((size, size, TILES, OUTPUTS), np.float32)
        for c in range(CHANNELS):
            products += v[:, c].transpose(1, 2, 0)[..., None] * u[..., c][:, :, None]
        report(name, np.einsum("jb,tkib->tkij", a, np.einsum("ia,abtk->tkib", a, products)), exact)
        if name.startswith("F(2x2)"):
            report("direct sum", direct, exact)


main()

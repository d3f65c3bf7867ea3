"""Writes tests/golden/distributions.json: what numpy says of numbers that plots/distributions_test.ts makes too.

/usr/bin/python3 tools/golden_distributions.py
"""

import json
from pathlib import Path

import numpy as np


def numbers(count: int, scale: float, offset: float) -> np.ndarray:
    state, values = 12345, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**32
        values.append(offset + scale * (((state >> 8) / 2**24) ** 2 - 0.25))
    return np.array(values).astype(np.float32).astype(np.float64)


golden = {}
for count, scale, offset in [(1, 1, 0.5), (2, 3, 0), (777, 0.01, 0), (1024, 2, -1), (333, 0.001, 100)]:
    values = numbers(count, scale, offset)
    percentiles = np.percentile(values, [5, 25, 50, 75, 95])
    golden[f"{count} {scale} {offset}"] = [values.min(), values.max(), values.mean(), values.std(), *percentiles]
path = Path(__file__).parent.parent / "tests/golden/distributions.json"
path.write_text(json.dumps(golden, indent=1) + "\n")

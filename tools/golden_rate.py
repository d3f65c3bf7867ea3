#!/usr/bin/python3
"""Writes tests/golden/rate.json: losses of a range test, and what numpy makes of them.

The mean is pandas' ewm(alpha=0.1, adjust=True), written out; the slope is numpy.gradient over the logarithm of the rate.
"""
import json, os
import numpy as np

rng = np.random.default_rng(5)
rates = 1e-5 * (10 / 1e-5) ** (np.arange(90) / 99)
x = np.log10(rates)
losses = 2.3 - 1.4 / (1 + np.exp(-3 * (x + 1.9))) + np.exp(2.5 * (x - 0.1)) + rng.normal(0, 0.05, 90)
weights = 0.9 ** np.arange(90)
smoothed = np.array([(losses[: k + 1][::-1] * weights[: k + 1]).sum() / weights[: k + 1].sum() for k in range(90)])
least = 5 + int(smoothed[5:].argmin())
# The central difference of neighbours; numpy.gradient weighs them by their distances, which are equal here.
slope = np.gradient(smoothed, np.log(rates))
steepest = 5 + int(slope[5:least].argmin())
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "rate.json")
json.dump({"rates": rates.tolist(), "losses": losses.tolist(), "smoothed": smoothed.tolist(), "least": rates[least], "suggested": rates[steepest]}, open(path, "w"))

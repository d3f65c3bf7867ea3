#!/usr/bin/python3
"""Writes tests/golden/windows.json: what PyTorch gives for windows with a padding of four sides, ceil mode, dilation and
averages without the padding (Debian: python3-torch). PyTorch has no padding of four sides, so F.pad adds it."""
import json, os, torch, torch.nn.functional as F
from _golden_case import case

torch.manual_seed(7)
torch.set_num_threads(1)
cases = []


def r(*shape):
    """Normal, of two decimals, which keep the file short."""
    return torch.round(100 * torch.randn(*shape)) / 100


def add(*args, **more):
    cases.append(case(*args, digits=7, draw=r, **more))


def around(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def convolution(about, x, w, padding, stride=(1, 1), dilation=(1, 1), groups=1, bias=False, depthwise=False, **more):
    tensors = [r(*x), r(*w)] + ([r(w[0])] if bias else [])
    attributes = {"stride": stride, "padding": padding, "dilation": dilation}
    if depthwise:
        groups = x[1]
    else:
        attributes["groups"] = groups
    f = lambda x, w, b=None: F.conv2d(around(x, padding), w, b, stride, 0, dilation, groups)
    op = "depthwiseConv2d" if depthwise else "conv2d"
    add(op, f, tensors, attributes, list(range(len(tensors))), about=about, **more)


convolution("four sides, groups", (2, 4, 7, 6), (6, 2, 3, 3), (1, 0, 2, 3), (2, 1), (1, 2), groups=2, bias=True)
convolution("SAME, stride 2, even size", (2, 3, 8, 6), (5, 3, 3, 3), (0, 0, 1, 1), (2, 2))
convolution("3x3 of stride 1", (2, 5, 9, 7), (6, 5, 3, 3), (0, 2, 1, 0))
convolution("3x3 of stride 1 with much below and on the right", (1, 4, 6, 5), (4, 4, 3, 3), (1, 1, 3, 4))
convolution("1x1 with padding after alone", (2, 6, 5, 3), (7, 6, 1, 1), (0, 0, 0, 1), webgpu=True)
convolution("more padding than kernel", (1, 3, 4, 5), (4, 3, 2, 2), (3, 0, 1, 4), (2, 3))
convolution("as much as before", (2, 5, 7, 6), (5, 1, 3, 3), (1, 1, 1, 1), depthwise=True)
convolution("the input's size, shifted", (2, 5, 7, 6), (5, 1, 3, 3), (0, 2, 2, 0), depthwise=True)
convolution("less on the right", (1, 6, 8, 9), (6, 1, 3, 3), (1, 1, 1, 0), depthwise=True, bias=True)
convolution("SAME, stride 2, even size", (2, 5, 8, 10), (5, 1, 3, 3), (0, 0, 1, 1), (2, 2), depthwise=True)
convolution("stride 2, nothing after", (2, 5, 8, 10), (5, 1, 3, 3), (1, 1, 0, 0), (2, 2), depthwise=True)
convolution("stride 2, more after", (2, 5, 8, 10), (5, 1, 3, 3), (1, 1, 2, 3), (2, 2), depthwise=True)
convolution("a multiplier and more than the kernel", (2, 3, 5, 6), (6, 1, 2, 5), (3, 1, 2, 6), depthwise=True)


def max_pool(about, x, f, kernel, stride, padding, dilation=(1, 1), ceil=False):
    attributes = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceilMode": ceil}
    add("maxPool2d", f, [r(*x)], attributes, [0], about=about)


def padded_max(about, x, kernel, stride, padding, dilation=(1, 1)):
    f = lambda x: F.max_pool2d(around(x, padding, float("-inf")), kernel, stride, 0, dilation)
    max_pool(about, x, f, kernel, stride, padding, dilation)


def ceil_max(about, x, kernel, stride, padding, dilation=(1, 1)):
    f = lambda x: F.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode=True)
    max_pool(about, x, f, kernel, stride, padding, dilation, True)


ceil_max("ceil mode", (2, 3, 8, 7), (3, 2), (2, 2), (0, 0))
ceil_max("ceil mode, a window that would begin behind the input", (1, 3, 5, 7), (2, 3), (3, 3), (1, 1))
ceil_max("ceil mode and dilation", (1, 2, 9, 12), (3, 2), (2, 3), (1, 1), (2, 3))
padded_max("four sides", (2, 3, 7, 9), (3, 3), (2, 2), (0, 1, 1, 0))
padded_max("padding over half the window", (1, 3, 6, 5), (3, 4), (1, 2), (2, 3, 2, 1))
padded_max("dilation, four sides", (2, 2, 8, 9), (2, 3), (1, 2), (2, 1, 0, 3), (3, 2))


def average(about, x, f, kernel, stride, padding, ceil=False, include=True):
    attributes = {"kernel": kernel, "stride": stride, "padding": padding, "ceilMode": ceil, "countIncludePad": include}
    add("averagePool2d", f, [r(*x)], attributes, [0], about=about)


for ceil in (False, True):
    for include in (False, True):
        if ceil or not include:
            f = lambda x: F.avg_pool2d(x, (3, 2), (2, 3), (1, 1), ceil, include)
            average(f"ceil mode {ceil}, padding counts {include}", (2, 3, 8, 9), f, (3, 2), (2, 3), (1, 1), ceil, include)
f = lambda x: F.avg_pool2d(x, 3, 2, 0, True)
average("ceil mode without padding", (1, 3, 8, 10), f, (3, 3), (2, 2), (0, 0), True)
for include in (False, True):
    padding, kernel, stride = (0, 2, 1, 1), (3, 3), (2, 1)
    # The mean without padding is that with it, by the share of the window that counts.
    whole = lambda x: F.avg_pool2d(around(x, padding), kernel, stride)
    f = whole if include else lambda x: whole(x) / whole(torch.ones_like(x))
    average(f"four sides, padding counts {include}", (2, 3, 7, 8), f, kernel, stride, padding, False, include)

path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "windows.json")
json.dump(cases, open(path, "w"))

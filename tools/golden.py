#!/usr/bin/python3
"""Writes tests/golden/*.json: what PyTorch computes for ops and for the first steps of a small ResNet (Debian: python3-torch)."""
import json, os, torch, torch.nn as nn, torch.nn.functional as F
from _golden_case import case, flat

torch.manual_seed(1)
torch.set_num_threads(1)
folder = os.path.join(os.path.dirname(__file__), "..", "tests", "golden")
os.makedirs(folder, exist_ok=True)

r = torch.randn
cases = [
    case("conv2d", lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), (1, 2), 2), [r(2, 4, 7, 6), r(6, 2, 3, 3), r(6)],
         {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2}, [0, 1, 2]),
    case("depthwiseConv2d", lambda x, w: F.conv2d(x, w, None, 2, 1, 1, 3), [r(1, 3, 7, 7), r(6, 1, 3, 3)],
         {"stride": [2, 2], "padding": [1, 1]}, [0, 1]),
    case("batchNorm", lambda x, g, b, m, v: F.batch_norm(x, m.clone(), v.clone(), g, b, True, 0.1, 1e-5),
         [r(3, 4, 3, 5), r(4), r(4), r(4), torch.rand(4) + 0.5], {}, [0, 1, 2]),
    case("batchNormInference", lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b, False, 0.1, 1e-5),
         [r(3, 4, 3, 5), r(4), r(4), r(4), torch.rand(4) + 0.5], {}, [0, 1, 2]),
    case("maxPool2d", lambda x: F.max_pool2d(x, 3, 2, 1), [r(2, 3, 7, 6)], {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]}, [0]),
    case("averagePool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), [r(2, 3, 7, 6)], {"kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]}, [0]),
    case("globalAveragePool", lambda x: x.mean((2, 3)), [r(2, 3, 5, 7)], {}, [0]),
    case("linear", F.linear, [r(3, 5), r(4, 5), r(4)], {}, [0, 1, 2]),
    case("relu", F.relu, [r(2, 9)], {}, [0]),
    case("relu6", F.relu6, [r(2, 9) * 6], {}, [0]),
    case("add", torch.add, [r(2, 9), r(2, 9)], {}, [0, 1]),
    case("softmaxCrossEntropy", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), [r(4, 6) * 3, torch.tensor([0, 5, 2, 2])],
         {"labelSmoothing": 0.1}, [0]),
    case("subsamplePad", lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 3)), [r(2, 3, 7, 6)], {"stride": [2, 2], "channels": 6}, [0]),
]
json.dump(cases, open(os.path.join(folder, "ops.json"), "w"))

# SGD: three steps of torch.optim.SGD on one parameter.
p = nn.Parameter(r(5)); start = flat(p); opt = torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01); gradients, after = [], []
for _ in range(3):
    g = r(5); p.grad = g; opt.step(); gradients.append(flat(g)); after.append(flat(p))
json.dump({"start": start, "gradients": gradients, "after": after}, open(os.path.join(folder, "sgd.json"), "w"))

#!/usr/bin/python3
"""Writes tests/golden/explain.json: Grad-CAM and occlusion of torchvision's networks, of weights and images that a formula gives.

Grad-CAM is Selvaraju et al. 2017, equations 1 and 2, at the output of the last block; occlusion hides a square by zeros, and
gives each pixel the mean fall of the probability over the squares that cover it.
"""
import json, os, torch, torch.nn.functional as F, torchvision.models as models
from _golden_formula import batch_of, fill

torch.set_num_threads(2)
CLASSES, SIZE, OTHER = 7, 97, 2
PATCH, STRIDE = 20, 13
NETWORKS = {
    "resnet18": (lambda: models.resnet18(num_classes=CLASSES), lambda net: net.layer4),
    "resnet50": (lambda: models.resnet50(num_classes=CLASSES), lambda net: net.layer4),
    "mobilenet_v2_0.5": (lambda: models.mobilenet_v2(num_classes=CLASSES, width_mult=0.5), lambda net: net.features),
}


def grad_cam(net, layer, x, index):
    kept = {}
    hook = layer.register_forward_hook(lambda m, i, out: kept.update(a=out))
    logits = net(x)
    hook.remove()
    index = logits.argmax(1).item() if index is None else index
    (gradient,) = torch.autograd.grad(logits[0, index], kept["a"])
    weights = gradient.mean((2, 3), keepdim=True)
    return index, F.relu((weights * kept["a"]).sum(1))[0]


def starts(size):
    return sorted({*range(0, size - PATCH + 1, STRIDE), size - PATCH})


@torch.no_grad()
def occlusion(net, x, index):
    whole = net(x).softmax(1)[0, index]
    falls, covers = torch.zeros(SIZE, SIZE, dtype=x.dtype), torch.zeros(SIZE, SIZE)
    for top in starts(SIZE):
        for left in starts(SIZE):
            hidden = x.clone()
            hidden[..., top : top + PATCH, left : left + PATCH] = 0
            falls[top : top + PATCH, left : left + PATCH] += whole - net(hidden).softmax(1)[0, index]
            covers[top : top + PATCH, left : left + PATCH] += 1
    return falls / covers


def digits(values):
    return [float("%.6g" % v) for v in values.flatten().tolist()]


golden = []
for name, (make, layer_of) in NETWORKS.items():
    net = make()
    net.load_state_dict({k: v if v.dtype == torch.int64 else fill(k, tuple(v.shape)) for k, v in net.state_dict().items()})
    net = net.double().eval()
    x = batch_of("explained", 1, SIZE).double()
    maps = [grad_cam(net, layer_of(net), x, index) for index in (None, OTHER)]
    falls = occlusion(net, x, OTHER)
    # ResNet-18 is so sure of its class that hiding changes no probability.
    told = falls.abs().max() > 1e-3
    golden.append({
        "name": name, "classes": CLASSES, "size": SIZE, "patch": PATCH, "stride": STRIDE,
        "maps": [{"given": given, "index": i, "height": m.shape[0], "width": m.shape[1], "values": digits(m)}
                 for given, (i, m) in zip((False, True), maps)],
        # Every 7th pixel of every 7th row.
        **({"occlusion": {"index": OTHER, "step": 7, "values": digits(falls[::7, ::7])}} if told else {}),
    })
    print(name, [i for i, _ in maps], [(m > 0).sum().item() for _, m in maps], falls.abs().max().item())
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "explain.json")
json.dump(golden, open(path, "w"), separators=(",", ":"))

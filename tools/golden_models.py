#!/usr/bin/python3
"""Writes tests/golden/models.json: what torchvision's networks compute from weights and images that a formula gives.

tests/_models_golden.ts repeats the formula. The judge computes in float64; what float32 makes of it is printed beside.
"""
import json, os, torch, torch.nn.functional as F, torchvision.models as models
from _golden_formula import batch_of, fill

torch.set_num_threads(2)
CLASSES = 10
EVALUATED = {"images": 2, "size": 64}
TRAINED = {"images": 4, "size": 33}
# A ReLU whose input float32 puts on the other side of its kink changes every gradient before it by about a hundredth. So
# the training images are, of so many, among those that keep all inputs farthest from the kinks, those that float32 follows best.
CANDIDATES, FINALISTS = 64, 4
NETWORKS = {
    "resnet18": lambda: models.resnet18(num_classes=CLASSES),
    "resnet50": lambda: models.resnet50(num_classes=CLASSES),
    "mobilenet_v2_0.5": lambda: models.mobilenet_v2(num_classes=CLASSES, width_mult=0.5),
    "mobilenet_v2": lambda: models.mobilenet_v2(num_classes=CLASSES),
}


def build(make, dtype):
    net = make()
    net.load_state_dict({k: v if v.dtype == torch.int64 else fill(k, tuple(v.shape)) for k, v in net.state_dict().items()})
    for module in net.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return net.to(dtype)


def margin(net, x):
    """The smallest distance of a ReLU's input from a kink, in units of its tensor's root mean square."""
    distances = []

    def look(module, inputs):
        x = inputs[0].detach()
        d = torch.minimum(x.abs(), (x - 6).abs()) if isinstance(module, torch.nn.ReLU6) else x.abs()
        distances.append((d.min() / x.square().mean().sqrt()).item())

    hooks = [m.register_forward_pre_hook(look) for m in net.modules() if isinstance(m, (torch.nn.ReLU, torch.nn.ReLU6))]
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    return min(distances)


def evaluate(make, dtype):
    with torch.no_grad():
        return build(make, dtype).eval()(batch_of("evaluated", **EVALUATED).to(dtype))


def train(make, dtype, name):
    net = build(make, dtype).train()
    x = batch_of(name, **TRAINED).to(dtype)
    loss = F.cross_entropy(net(x), torch.arange(len(x)) * 3 % CLASSES)
    loss.backward()
    return loss.item(), {k: p.grad.double() for k, p in net.named_parameters()}


def follow(make, far, chosen):
    loss, gradients = train(make, torch.float64, chosen)
    _, gradients32 = train(make, torch.float32, chosen)
    floor = 1e-2 * max(g.norm().item() for g in gradients.values())
    noise = max((gradients32[k] - g).norm().item() / max(g.norm().item(), floor) for k, g in gradients.items())
    return (noise, far, chosen), loss, gradients


def digits(v):
    return float("%.7g" % v)


golden = []
for name, make in NETWORKS.items():
    net = build(make, torch.float64).train()
    logits, logits32 = evaluate(make, torch.float64), evaluate(make, torch.float32)
    farthest = sorted(((margin(net, batch_of(f"trained {k}", **TRAINED).double()), f"trained {k}") for k in range(CANDIDATES)), reverse=True)
    (noise, far, chosen), loss, gradients = min((follow(make, *candidate) for candidate in farthest[:FINALISTS]), key=lambda f: f[0])
    print(f"{name}: {chosen}, margin {far:.1e}; float32 to float64: logits {(logits32 - logits).abs().max() / logits.abs().max():.1e}, "
          f"gradients {noise:.1e}; loss {loss:.4f}, largest logit {logits.abs().max():.4g}")
    golden.append({
        "name": name, "classes": CLASSES, "evaluated": {"name": "evaluated", **EVALUATED}, "trained": {"name": chosen, **TRAINED},
        "tensors": {k: list(v.shape) for k, v in net.state_dict().items() if v.dtype != torch.int64},
        "logits": [digits(v) for v in logits.flatten().tolist()], "loss": digits(loss),
        # The norm, and the first, middle and last element.
        "gradients": {k: [digits(v) for v in [g.norm().item(), *(g.flatten()[i].item() for i in (0, g.numel() // 2, g.numel() - 1))]]
                      for k, g in gradients.items()},
    })
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "models.json")
json.dump(golden, open(path, "w"), separators=(",", ":"))

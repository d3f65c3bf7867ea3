#!/usr/bin/python3
"""Writes tests/golden/training.json: learning rates of PyTorch's schedulers, steps of its optimisers, weighted losses (Debian: python3-torch)."""
import json, os, torch
from torch.optim import lr_scheduler

torch.manual_seed(2)
torch.set_num_threads(1)


def flat(t):
    return [float("%.9g" % v) for v in torch.as_tensor(t).detach().flatten().tolist()]


def optimizer(rate, **options):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, **options)


def rates(make, steps, rate=0.1, values=None):
    opt = optimizer(rate)
    schedule, list_ = make(opt), []
    for step in range(steps):
        list_.append(opt.param_groups[0]["lr"])
        opt.step()
        schedule.step(*([] if values is None else [values[step]]))
    return list_


losses = [2.0, 1.5, 1.49995, 1.6, 1.6, 1.6, 1.2, 1.3, 1.3, 1.3, 1.3, 1.1999, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6]
plateaus = [{"factor": 0.1, "patience": 2}, {"factor": 0.5, "patience": 0, "cooldown": 2},
            {"factor": 0.1, "patience": 1, "threshold": 0.05, "min_lr": 0.005}, {"factor": 0.01, "patience": 0, "min_lr": 0}]
schedules = {
    "step": rates(lambda o: lr_scheduler.MultiStepLR(o, [7, 12], 0.1), 20),
    "cosine": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 20, 0.004), 20),
    "exponential": [r for r in rates(lambda o: lr_scheduler.ExponentialLR(o, 0.98), 5) for _ in range(4)],
    "onecycle": rates(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=20), 19),
    "warmup": rates(lambda o: lr_scheduler.LambdaLR(o, lambda k: min(1, (k + 1) / 6)), 10),
    "plateau": [{**p, "rates": rates(lambda o: lr_scheduler.ReduceLROnPlateau(o, "min", **p), len(losses), 0.1, losses)} for p in plateaus],
}


def steps(make, clip=None, shapes=((4, 3), (5,))):
    """Four steps on a weight and a bias: where they start, the gradients, where they end."""
    parameters = [torch.nn.Parameter(torch.randn(s)) for s in shapes]
    opt, case = make(parameters), {"start": [flat(p) for p in parameters], "shapes": shapes, "gradients": [], "after": []}
    for _ in range(4):
        gradients = [torch.randn(s) for s in shapes]
        case["gradients"].append([flat(g) for g in gradients])
        for p, g in zip(parameters, gradients):
            p.grad = g.clone()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        opt.step()
        case["after"].append([flat(p) for p in parameters])
    return case


def groups(p, decay):
    return [{"params": [p[0]], "weight_decay": decay}, {"params": [p[1]], "weight_decay": 0}]


class TensorFlowRmsprop:
    """tf.compat.v1.train.RMSPropOptimizer, from its documentation; PyTorch's RMSprop is another formula."""
    def __init__(self, parameters, rate, rho, momentum, epsilon):
        self.p, self.o = parameters, (rate, rho, momentum, epsilon)
        self.square, self.velocity = [torch.ones_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]

    def step(self):
        rate, rho, momentum, epsilon = self.o
        for k, p in enumerate(self.p):
            self.square[k] = rho * self.square[k] + (1 - rho) * p.grad**2
            self.velocity[k] = momentum * self.velocity[k] + rate * p.grad / torch.sqrt(self.square[k] + epsilon)
            p.data -= self.velocity[k]


optimizers = [
    {"name": "nesterov", **steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True))},
    {"name": "decay of weights", **steps(lambda p: torch.optim.SGD(groups(p, 0.1), lr=0.1, momentum=0.8))},
    {"name": "clipping", **steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), clip=0.5)},
    {"name": "clipping that does nothing", **steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), clip=50)},
    {"name": "rmsprop", **steps(lambda p: TensorFlowRmsprop(p, 0.045, 0.9, 0.9, 1.0))},
    {"name": "rmsprop, small epsilon", **steps(lambda p: TensorFlowRmsprop(p, 0.01, 0.8, 0.5, 1e-3))},
    {"name": "adamw", **steps(lambda p: torch.optim.AdamW(p, lr=1e-3))},
    {"name": "adamw, decay of weights", **steps(lambda p: torch.optim.AdamW(groups(p, 0.5), lr=0.1, betas=(0.7, 0.95), eps=1e-3))},
    {"name": "clipped adamw", **steps(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1), clip=0.5)},
]

# An average of weights, as torch.optim.swa_utils makes it of a given rule.
model = torch.nn.Linear(3, 2, bias=False)
average = torch.optim.swa_utils.AveragedModel(model, avg_fn=lambda a, p, n: 0.9 * a + 0.1 * p)
average.module.weight.data.copy_(model.weight.data)
average.n_averaged += 1
ema = {"start": flat(model.weight), "weights": [], "averages": []}
for _ in range(4):
    model.weight.data += torch.randn(2, 3)
    average.update_parameters(model)
    ema["weights"].append(flat(model.weight))
    ema["averages"].append(flat(average.module.weight))



def weighted(smoothing, mixed):
    """torch.nn.CrossEntropyLoss with weights of classes, for labels or for shares of two labels."""
    n, k = 6, 5
    logits, weights = (3 * torch.randn(n, k)).requires_grad_(True), 0.1 + 2 * torch.rand(k)
    labels, others, shares = torch.randint(k, (n,)), torch.randint(k, (n,)), torch.rand(n)
    one = torch.nn.functional.one_hot
    target = shares[:, None] * one(labels, k) + (1 - shares)[:, None] * one(others, k) if mixed else labels
    loss = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=smoothing)(logits, target)
    loss.backward()
    case = {"labelSmoothing": smoothing, "weights": flat(weights), "logits": flat(logits), "labels": labels.tolist()}
    if mixed:
        case["mixture"] = {"labels": others.tolist(), "shares": flat(shares)}
    return {**case, "loss": flat(loss)[0], "gradient": flat(logits.grad)}


class_weights = [weighted(smoothing, mixed) for mixed in (False, True) for smoothing in (0.0, 0.1)]

path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "training.json")
json.dump({"losses": losses, "schedules": schedules, "optimizers": optimizers, "ema": ema, "classWeights": class_weights}, open(path, "w"))

"""
PyTorch as a peer: answers the benchmark's requests on standard input.

On a GPU (`--device cuda`) runs are queued, and waited for once a burst. It computes in float32 without TF32, or with `--amp` in
mixed precision: float16, the loss scaled in training.
"""

import argparse
import json
import math
import os
import sys
import time

TRIAL_SECONDS, TRIAL_RUNS = 4, 4
# As in bench/gpu/burst.ts: seconds of a burst, and of work that brings the clocks up.
BURST_SECONDS, WARM_SECONDS = 50e-3, 75e-3
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 1e-4
parser = argparse.ArgumentParser()
parser.add_argument("threads", type=int)
parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
parser.add_argument("--amp", action="store_true", help="mixed precision")
parser.add_argument("--bursts", action="store_true", help="time bursts on the CPU as well, to try them without a GPU")
options = parser.parse_args()
threads, device = options.threads, options.device
bursts = options.bursts or device == "cuda"

# Standard output belongs to the answers.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def answer(value):
    answers.write(json.dumps(value) + "\n")


try:
    import numpy
    import torch
    import torch.nn.functional as F
    from torch import nn
except Exception as error:
    answer({"unavailable": str(error)})
    sys.exit(0)

if device == "cuda" and not torch.cuda.is_available():
    answer({"unavailable": f"PyTorch {torch.__version__} finds no CUDA device"})
    sys.exit(0)

torch.set_num_threads(threads)
torch.backends.mkldnn.enabled = True
torch.backends.cudnn.benchmark = True
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None


def mixed():
    return torch.autocast(device, torch.float16 if device == "cuda" else torch.bfloat16, enabled=options.amp)


def layout(tensor, format):
    return tensor.contiguous(memory_format=format) if tensor.dim() == 4 else tensor


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(Block(16, 16), Block(16, 16), Block(16, 16))
        self.layer2 = nn.Sequential(Block(16, 32), Block(32, 32), Block(32, 32))
        self.layer3 = nn.Sequential(Block(32, 64), Block(64, 64), Block(64, 64))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x))))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def product(tensors, transposed):
    a, b = tensors["a"], tensors["b"]
    if transposed:
        b = b.t().contiguous()
        return lambda: a @ b
    return lambda: F.linear(a, b)


def convolution(work, tensors, format):
    stride, padding, groups = [work["stride"]] * 2, [work["padding"]] * 2, work["groups"]
    if work["pass"] == "forward":
        x, w = layout(tensors["x"], format), layout(tensors["w"], format)
        return lambda: F.conv2d(x, w, None, stride, padding, 1, groups)
    size, kernel, dy = work["size"], work["kernel"], layout(tensors["dy"], format)
    w_shape = [work["outputs"], work["inputs"] // groups, kernel, kernel]
    x_shape = [work["batch"], work["inputs"], size, size]
    x = layout(tensors["x"] if "x" in tensors else torch.zeros(x_shape, device=device), format)
    w = layout(tensors["w"] if "w" in tensors else torch.zeros(w_shape, device=device), format)
    of_input = work["pass"] == "input-gradient"
    mask = [of_input, not of_input, False]

    def run():
        gradients = torch.ops.aten.convolution_backward(
            dy, x, w, None, stride, padding, [1, 1], False, [0, 0], groups, mask
        )
        return gradients[0 if of_input else 1]

    return run


def load(model, tensors):
    names = [name for name in tensors if name not in ("image", "label")]
    found = model.load_state_dict({name: tensors[name] for name in names}, strict=False)
    missing = [name for name in found.missing_keys if not name.endswith("num_batches_tracked")]
    if missing or found.unexpected_keys:
        raise RuntimeError(f"the network has other tensors: {missing} {found.unexpected_keys}")
    return names


def named(name):
    if name == "resnet20":
        return ResNet20()
    from torchvision import models

    return getattr(models, name)()


def training(work, tensors, format):
    model = named(work.get("network", "resnet20"))
    names = load(model, tensors)
    model = model.to(device, memory_format=format).train()
    image, label = layout(tensors["image"], format), tensors["label"].long()
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    scaler = getattr(torch.amp, "GradScaler", torch.cuda.amp.GradScaler)(enabled=options.amp and device == "cuda")

    def run():
        optimizer.zero_grad(set_to_none=True)
        with mixed():
            loss = F.cross_entropy(model(image), label)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return lambda: torch.cat([model.state_dict()[name].flatten() for name in names])

    return run


def inference(work, tensors, format, frozen):
    model = named(work.get("network", "resnet20"))
    load(model, tensors)
    model = model.to(device, memory_format=format).eval()
    image = layout(tensors["image"], format)
    if frozen:
        with torch.no_grad():
            model = torch.jit.optimize_for_inference(torch.jit.trace(model, image, check_trace=False))

    def run():
        with torch.inference_mode(), mixed():
            return model(image)

    return run


FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def trains(work):
    return work["kind"] == "training" or work.get("pass") == "training"


def ways(work, tensors):
    if options.amp != (work.get("precision") == "mixed"):
        raise RuntimeError("mixed precision only" if options.amp else "float32 only")
    if work["kind"] == "matmul":
        return [(name, lambda k=k: product(tensors, k)) for k, name in enumerate(["F.linear", "matmul"])]
    if work["kind"] == "convolution":
        return [(name, lambda f=f: convolution(work, tensors, f)) for name, f in FORMATS.items()]
    if trains(work):
        return [(name, lambda f=f: training(work, tensors, f)) for name, f in FORMATS.items()]
    # On a GPU it is measured in its eager mode.
    return [
        (name + (", optimize_for_inference" if frozen else ""), lambda f=f, k=frozen: inference(work, tensors, f, k))
        for frozen in ([False] if bursts else [True, False])
        for name, f in FORMATS.items()
    ]


def once(run, train):
    if train:
        return run()
    with torch.no_grad():
        return run()


def timed(run, train):
    started = time.perf_counter()
    result = once(run, train)
    synchronize()
    return time.perf_counter() - started, result


def burst(run, train, runs):
    """The seconds of a run, of many that are waited for once."""
    synchronize()
    started = time.perf_counter()
    for _ in range(runs):
        once(run, train)
    synchronize()
    return (time.perf_counter() - started) / runs


def burst_runs(span, seconds):
    return max(1, min(1000, math.ceil(span / seconds)))


def timed_burst(run, train):
    """The seconds of a run, by longer and longer bursts."""
    started, runs, seconds = time.perf_counter(), 1, burst(run, train, 1)
    while seconds * runs < BURST_SECONDS and runs < 1000 and time.perf_counter() - started < 1:
        runs = burst_runs(1.25 * BURST_SECONDS, seconds)
        seconds = burst(run, train, runs)
    return seconds


current, usual = None, 0


def prepare(work, tensors, output=None):
    global current, usual
    current, usual = None, float("inf")
    data = {
        name: torch.from_numpy(numpy.fromfile(file["path"], numpy.float32).reshape(file["shape"])).to(device)
        for name, file in tensors.items()
    }
    spent, tried, failures, best, train = 0, [], [], None, trains(work)
    try:
        choices = ways(work, data)
    except Exception as error:
        return {"unsupported": str(error)}
    for name, make in choices:
        # Whoever asks for results asks for those of every way.
        if current is not None and spent > TRIAL_SECONDS and output is None:
            break
        try:
            run = make()
            seconds, result = timed(run, train)
            spent += seconds
            if output is not None:
                result = result() if callable(result) else result
                result.detach().float().contiguous().cpu().numpy().tofile(f"{output}.{len(tried)}")
            if bursts:
                seconds = timed_burst(run, train)
            for k in range(1, 1 if bursts else TRIAL_RUNS):
                if seconds * k < TRIAL_SECONDS / 4:
                    again = timed(run, train)[0]
                    seconds, spent = min(seconds, again), spent + again
            tried.append(name)
            if seconds < usual:
                current, usual, best = (run, train), seconds, name
        except Exception as error:
            failures.append(f"{name}: {error}")
    if current is None:
        return {"unsupported": failures[0]}
    return {"variant": best, "variants": tried, "failures": failures, "seconds": usual}


def measure(budget):
    if bursts:
        # The clocks of an idle GPU are down; a long run brings them up by itself.
        if usual < 1:
            burst(*current, burst_runs(WARM_SECONDS, usual))
        runs = 1 if usual >= 1 else burst_runs(max(budget, BURST_SECONDS), usual)
        return {"seconds": [burst(*current, runs)], "runs": runs}
    seconds = []
    # The caches hold what the other peers left.
    if usual < budget / 3:
        timed(*current)
    started = time.perf_counter()
    while not seconds or time.perf_counter() - started < budget:
        seconds.append(timed(*current)[0])
    return {"seconds": seconds}


def correct_product():
    a, b = torch.randn(200, 300), torch.randn(300, 100)
    return (a @ b - (a.double() @ b.double()).float()).abs().max().item() < 1e-3


if not correct_product():
    answer({"unavailable": "its matrix product is wrong on this processor"})
    sys.exit(0)
if device == "cuda":
    where = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, eager, " + ("AMP" if options.amp else "no TF32")
else:
    where = f"{torch.get_num_threads()} threads"
answer({"ready": f"PyTorch {torch.__version__}, {where}"})
for line in sys.stdin:
    request = json.loads(line)
    answer(prepare(**request["prepare"]) if "prepare" in request else measure(request["measure"]))

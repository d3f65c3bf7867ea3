#!/usr/bin/python3
"""Writes tests/golden/ddp.json: SGD steps of a ResNet-8 under DistributedDataParallel, two processes over gloo, in float32 and in float64
(Debian: python3-torch). Weights and images are by tools/_golden_formula.py."""
import json, os, tempfile, torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from _golden_formula import batch_of, fill

RANKS, BATCH, BATCHES, SIZE, RATE, STEPS = 2, 6, 3, 9, 0.01, 20


class Block(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1, self.layer2 = nn.Sequential(Block(16, 16, 1)), nn.Sequential(Block(16, 32, 2))
        self.layer3, self.fc = nn.Sequential(Block(32, 64, 2)), nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def state_of(net):
    return {k: v for k, v in net.state_dict().items() if "num_batches" not in k}


def train(rank, store, dtype, out):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=RANKS)
    net = ResNet8()
    net.load_state_dict({k: fill(k, v.shape) for k, v in state_of(net).items()}, strict=False)
    ddp = DistributedDataParallel(net.to(dtype))
    opt = torch.optim.SGD(ddp.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)
    losses = []
    for step in range(STEPS):
        name = f"batch {step % BATCHES}"
        images = batch_of(name, BATCH, SIZE).to(dtype).chunk(RANKS)[rank]
        labels = torch.tensor([(7 * i + step % BATCHES) % 10 for i in range(BATCH)]).chunk(RANKS)[rank]
        opt.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(ddp(images), labels)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    torch.save({"losses": losses, "state": state_of(net)}, f"{out}.{rank}")
    dist.destroy_process_group()


def run(dtype):
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(train, (os.path.join(folder, "store"), dtype, os.path.join(folder, "out")), RANKS)
        return [torch.load(os.path.join(folder, f"out.{rank}")) for rank in range(RANKS)]


def flat(t):
    return [float("%.9g" % v) for v in t.flatten().tolist()]


if __name__ == "__main__":
    exact, rounded = run(torch.float64), run(torch.float32)
    # The largest distance of float32 from float64: of losses by the loss, of a tensor by its largest element.
    losses = max(abs(a - b) / b for e, r in zip(exact, rounded) for a, b in zip(r["losses"], e["losses"]))
    kept = [k for k, v in exact[0]["state"].items() if v.numel() <= 64]
    distances = {k: max(((r["state"][k] - e["state"][k]).abs().max() / e["state"][k].abs().max()).item() for r, e in zip(rounded, exact))
                 for k in kept}
    golden = {
        "batch": BATCH, "batches": BATCHES, "size": SIZE, "rate": RATE,
        "losses": [e["losses"] for e in exact], "lossDistance": losses, "distance": max(distances.values()),
        # Before each step rank 0's running statistics go to the others, so only its are a rank's own.
        "after": [{k: flat(e["state"][k]) for k in kept if rank == 0 or "running" not in k} for rank, e in enumerate(exact)],
    }
    path = os.path.join(os.path.dirname(__file__), "../tests/golden/ddp.json")
    with open(path, "w") as f:
        json.dump(golden, f)
    print(os.path.getsize(path), losses, sorted(distances.items(), key=lambda each: -each[1])[:4])
    print(golden["losses"][0])

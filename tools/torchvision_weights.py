#!/usr/bin/python3
"""Moves weights between torchvision and Residua, to see that they move (Debian: python3-torchvision).

    tools/torchvision_weights.py make MODEL CLASSES FOLDER     random weights as MODEL.pth and as MODEL.safetensors
    tools/torchvision_weights.py load FILE MODEL CLASSES       loads a safetensors file into torchvision's network, strictly
"""
import json, os, struct, sys
import torch, torchvision

TYPES = {"F32": torch.float32, "I64": torch.int64}


def read_safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        body = bytearray(f.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(body[slice(*t["data_offsets"])], dtype=TYPES[t["dtype"]]).reshape(t["shape"])
        for name, t in header.items()
    }


def write_safetensors(path, tensors):
    header, body = {}, b""
    for name, t in tensors.items():
        data = t.contiguous().numpy().tobytes()
        dtype = next(k for k, v in TYPES.items() if v == t.dtype)
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def make(model, classes, folder):
    torch.manual_seed(8)
    net = getattr(torchvision.models, model)(num_classes=int(classes)).train()
    with torch.no_grad():
        for _ in range(3):  # running statistics, and a count of batches
            net(torch.randn(4, 3, 64, 64))
    torch.save(net.state_dict(), os.path.join(folder, f"{model}.pth"))
    write_safetensors(os.path.join(folder, f"{model}.safetensors"), net.state_dict())


def load(path, model, classes):
    net, tensors = getattr(torchvision.models, model)(num_classes=int(classes)), read_safetensors(path)
    print(net.load_state_dict(tensors, strict=True))
    same = all(torch.equal(net.state_dict()[name], tensor) for name, tensor in tensors.items())
    print(f"{len(tensors)} tensors of the file, {len(net.state_dict())} of the network, {'the same' if same else 'NOT the same'} after loading")


if __name__ == "__main__":
    {"make": make, "load": load}[sys.argv[1]](*sys.argv[2:])

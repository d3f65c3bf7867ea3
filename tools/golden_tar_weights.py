#!/usr/bin/python3
"""Writes tests/golden/weights/tar/: files in the tar format of PyTorch before 0.1.2 (2017), and what is in them (Debian:
python3-torch). No PyTorch writes it any more, so it is written here; that torch.load reads the same is checked.

The archive has `sys_info`, a pickle of what the machine was; `pickle`, the value, in which a tensor is a persistent id, a number
as text; `tensors`, their count as a pickle, then for each a pickle of (number, its storage's number, its type), and the
dimensions as eight bytes, extents, strides and offset as int64; `storages`, their count, then for each a pickle of (number,
device, type), the elements as int64 and their bytes; and last the views of storages, (number, root's number, offset, elements).
"""
import io, json, os, pickle, struct, tarfile
from collections import OrderedDict
import torch

torch.manual_seed(12)
folder = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "weights", "tar")
os.makedirs(folder, exist_ok=True)


class Name:
    """A class that is pickled by its name."""

    def __init__(self, name):
        self.name = name


class Pickler(pickle._Pickler):
    """Protocol 2, with tensors as persistent ids; `python2` writes text and ordered dictionaries as Python 2 does."""

    def __init__(self, file, ids=None, python2=False):
        super().__init__(file, 2)
        self.ids, self.python2 = ids, python2

    def persistent_id(self, value):
        return str(self.ids[id(value)]) if self.ids is not None and isinstance(value, torch.Tensor) else None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Name):
            self.write(f"ctorch\n{value.name}\n".encode())
        elif self.python2 and isinstance(value, str):
            text = value.encode()
            self.write(b"U" + bytes([len(text)]) + text)
        elif self.python2 and isinstance(value, OrderedDict):
            self.save_reduce(OrderedDict, ([[k, v] for k, v in value.items()],), obj=value)
        else:
            super().save(value, save_persistent_id)


def dump(file, value, **options):
    Pickler(file, **options).dump(value)


def write(name, value, tensors, views={}, python2=False, leave_out=(), machine={}):
    """`views`: for a tensor's name, where a view of the root storage begins that its storage is."""
    ids, roots, parts = {}, {}, {part: io.BytesIO() for part in ("sys_info", "pickle", "tensors", "storages")}
    # Numbers like those of the addresses that PyTorch took.
    for number, tensor in enumerate(tensors.values()):
        ids[id(tensor)] = 140000000000000 + 64 * number
    dump(parts["sys_info"], {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}, **machine}, python2=python2)
    dump(parts["pickle"], value, ids=ids, python2=python2)
    dump(parts["tensors"], len(tensors))
    for key, tensor in tensors.items():
        root = roots.setdefault(tensor.storage().data_ptr(), (len(roots) + 1, tensor))[0]
        kind = tensor.type().split(".")[-1]
        number, offset = (root, tensor.storage_offset()) if key not in views else (1000 + root, tensor.storage_offset() - views[key])
        dump(parts["tensors"], (ids[id(tensor)], number, Name(kind)))
        parts["tensors"].write(struct.pack("<ii", tensor.dim(), 0) + struct.pack(f"<{2 * tensor.dim()}q", *tensor.shape, *tensor.stride()) + struct.pack("<q", offset))
    dump(parts["storages"], len(roots))
    for number, tensor in roots.values():
        whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.storage())
        dump(parts["storages"], (number, "cpu", Name(tensor.type().split(".")[-1].replace("Tensor", "Storage"))))
        parts["storages"].write(struct.pack("<q", whole.numel()) + whole.numpy().tobytes())
    rooted = [(*roots[tensors[key].storage().data_ptr()], start) for key, start in views.items()]
    dump(parts["storages"], [(1000 + root, root, start, len(tensor.storage()) - start) for root, tensor, start in rooted])
    path = os.path.join(folder, name)
    with tarfile.open(path, "w:", format=tarfile.PAX_FORMAT) as tar:
        for part, content in parts.items():
            if part in leave_out:
                continue
            info = tarfile.TarInfo(part)
            # A time that is no whole number makes Python put an extended header before the file, as it did then.
            info.size, info.mtime = len(content.getvalue()), 1480000000.25
            content.seek(0)
            tar.addfile(info, content)
    return path


shared = torch.arange(24.0)
state = OrderedDict([
    ("conv1.weight", torch.randn(4, 3, 3, 3)), ("bn1.running_mean", torch.randn(4)), ("fc.weight", shared[4:16].view(3, 4).t()), ("fc.bias", shared[20:23]),
    ("half", torch.tensor([1.5, -2.0]).half()), ("double", torch.tensor([[0.1], [7.0]], dtype=torch.float64)), ("long", torch.tensor([3, -4])), ("byte", torch.tensor([0, 255], dtype=torch.uint8)),
])
expected = {}
for name, value, options in [
    ("state_dict.pth", state, {}),
    ("python2.pth", state, {"python2": True}),
    ("nested.pth", {"epoch": 3, "arch": "tiny", "state_dict": state, "best": 0.5}, {"views": {"fc.bias": 17}}),
]:
    path = write(name, value, state, **options)
    loaded = torch.load(path)
    loaded = loaded.get("state_dict", loaded)
    assert list(loaded) == list(state) and all(torch.equal(loaded[k], state[k]) and loaded[k].stride() == state[k].stride() for k in state), name
    expected[name] = {k: {"shape": list(t.shape), "data": t.float().contiguous().flatten().tolist()} for k, t in loaded.items()}


class Hostile:
    def __reduce__(self):
        return os.system, ("touch executed",)


write("hostile.pth", OrderedDict([*state.items(), ("fc.weight", Hostile())]), state)
write("incomplete.pth", state, state, leave_out=("tensors",))
write("big_endian.pth", state, state, machine={"little_endian": False})
with open(os.path.join(folder, "expected.json"), "w") as f:
    json.dump(expected, f, separators=(",", ":"))
for name in sorted(os.listdir(folder)):
    print(name, os.path.getsize(os.path.join(folder, name)))

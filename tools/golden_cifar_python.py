"""Writes tests/golden/cifar/: few random images in the binary and the Python versions of CIFAR-10 and CIFAR-100.

The real Python versions were pickled by Python 2, whose text is bytes: Python2Pickler writes such pickles. The other folders
hold the same images as Python 3 pickles them.
"""

import pathlib
import pickle
import struct

import numpy as np

target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "cifar"
random = np.random.default_rng(8)

TEN = "airplane automobile bird cat deer dog frog horse ship truck".split()


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes alike by the opcodes SHORT_BINSTRING and BINSTRING, as Python 2 does by protocol 2."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_text(self, value):
        content = value.encode("ascii") if isinstance(value, str) else value
        short = len(content) < 256
        self.write(pickle.SHORT_BINSTRING + bytes([len(content)]) if short else
                   pickle.BINSTRING + struct.pack("<i", len(content)))
        self.write(content)
        self.memoize(value)

    dispatch[str] = save_text
    dispatch[bytes] = save_text


def dump(path, value, protocol):
    with open(path, "wb") as file:
        if protocol == "python2":
            Python2Pickler(file, 2).dump(value)
        else:
            pickle.dump(value, file, protocol=protocol)
    assert pickle.loads(path.read_bytes(), encoding="bytes").keys(), path


def images(count, classes):
    return {
        "data": random.integers(0, 256, (count, 3072), dtype=np.uint8),
        "labels": random.integers(0, classes, count).tolist(),
        "filenames": [f"image_s_{k:06}.png" for k in range(count)],
    }


def write_binary(path, batch, coarse=None):
    with open(path, "wb") as file:
        for k, row in enumerate(batch["data"]):
            file.write(bytes([batch["labels"][k]] if coarse is None else [coarse[k], batch["labels"][k]]))
            file.write(row.tobytes())


ten = {"data_batch_1": images(2, 10), "data_batch_2": images(1, 10), "test_batch": images(1, 10)}
binary = target / "cifar-10-batches-bin"
binary.mkdir(parents=True, exist_ok=True)
for name, batch in ten.items():
    write_binary(binary / f"{name}.bin", batch)
for folder, protocol in [("cifar-10-batches-py", "python2"), ("protocol2", 2), ("protocol4", 4), ("protocol5", 5)]:
    (target / folder).mkdir(exist_ok=True)
    for name, batch in ten.items():
        dump(target / folder / name, {"batch_label": "testing batch 1 of 1", **batch}, protocol)
    dump(target / folder / "batches.meta", {"num_cases_per_batch": 2, "label_names": TEN, "num_vis": 3072}, protocol)

hundred = {"train": images(2, 100), "test": images(1, 100)}
binary, python = target / "cifar-100-binary", target / "cifar-100-python"
names = [f"class_{k}" for k in range(100)]
for folder in (binary, python):
    folder.mkdir(exist_ok=True)
(binary / "fine_label_names.txt").write_text("\n".join(names) + "\n")
for name, batch in hundred.items():
    coarse = random.integers(0, 20, len(batch["labels"])).tolist()
    write_binary(binary / f"{name}.bin", batch, coarse)
    entries = {"data": batch["data"], "fine_labels": batch["labels"], "coarse_labels": coarse}
    dump(python / name, {"filenames": batch["filenames"], "batch_label": name, **entries}, "python2")
dump(python / "meta", {"fine_label_names": names, "coarse_label_names": names[:20]}, "python2")

#!/usr/bin/python3
"""Writes tests/golden/onnx_nodes.json: test vectors of ONNX's own operators, those that the ops cover (Debian:
python3-onnx). Tensors are float32 or uint32 in base64; of poolings the first channel alone is kept, which is exact."""
import base64, importlib, json, os
import numpy as np, onnx
from onnx.backend.test.case import node as cases

MODULES = ["add", "averagepool", "batchnorm", "conv", "gemm", "globalaveragepool", "maxpool", "relu"]
POOLS = ["AveragePool", "GlobalAveragePool", "MaxPool"]


def covered(node, attributes, inputs):
    if inputs[0].dtype != np.float32:
        return False
    if node.op_type in POOLS:
        return inputs[0].ndim == 4 and attributes.get("storage_order", 0) == 0
    if node.op_type == "BatchNormalization":
        return attributes.get("training_mode", 0) == 0
    if node.op_type == "Gemm":
        return attributes == {"transB": 1}
    if node.op_type == "Add":
        return inputs[0].shape == inputs[1].shape
    return node.op_type in ("Conv", "Relu")


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if isinstance(value, (list, tuple)) else value


def tensor(array):
    array = array.astype(np.float32 if array.dtype == np.float32 else np.uint32)
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"shape": list(array.shape), "dtype": "f32" if array.dtype == np.float32 else "u32", "data": data}


# Some vectors are drawn as they are made.
np.random.seed(0)
for module in MODULES:
    importlib.import_module(f"{cases.__name__}.{module}")
nodes = []
for each in cases._NodeTestCases:
    [node] = each.model.graph.node
    attributes = {a.name: plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
    inputs, outputs = each.data_sets[0]
    if not covered(node, attributes, inputs):
        continue
    if node.op_type in POOLS:
        inputs, outputs = [[t[:, :1] for t in tensors] for tensors in (inputs, outputs)]
    nodes.append({
        "name": each.name.replace("test_", "", 1), "operator": node.op_type, "attributes": attributes,
        "inputs": [tensor(t) for t in inputs], "outputs": [tensor(t) for t in outputs],
    })
path = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "onnx_nodes.json")
json.dump(nodes, open(path, "w"))

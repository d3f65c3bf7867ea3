"""A golden case of an op: what PyTorch gives for it, forward and backward."""
import torch


def flat(t, digits=9):
    return [float("%.*g" % (digits, v)) for v in t.detach().flatten().tolist()]


def case(op, f, tensors, attributes, differentiable, digits=9, draw=torch.randn, **more):
    for i in differentiable:
        tensors[i].requires_grad_(True)
    y = f(*tensors)
    dy = draw(y.shape)
    y.backward(dy)
    dtype = lambda t: "f32" if t.is_floating_point() else "u32"
    return {
        **more, "op": op, "attributes": attributes,
        "inputs": [{"shape": list(t.shape), "dtype": dtype(t), "data": flat(t, digits)} for t in tensors],
        "output": flat(y, digits), "outputGradient": flat(dy, digits),
        "gradients": [flat(t.grad, digits) if i in differentiable else None for i, t in enumerate(tensors)],
    }

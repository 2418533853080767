# SPDX-License-Identifier: BSD-2-Clause
# onnx_predict.py FOLDER: checks each FOLDER/N.onnx with onnx' checker and its shape inference, runs it on N.input, and
# compares with N.output to 1e-5. Debian's onnx has no evaluator yet: the operators are written down here, from their
# specification and by plain loops over windows.
import glob
import sys

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference


def windows(x, kernel, strides, pads, dilations, fill):
    """(N, C, P, Q, R, S): what each output position sees."""
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])], constant_values=fill)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    p, q = [(x.shape[2 + i] - reach[i]) // strides[i] + 1 for i in range(2)]
    out = np.empty(x.shape[:2] + (p, q) + tuple(kernel))
    for i in range(p):
        for j in range(q):
            top, left = i * strides[0], j * strides[1]
            out[:, :, i, j] = x[:, :, top:top + reach[0]:dilations[0], left:left + reach[1]:dilations[1]]
    return out


def conv(a, x, w, b=None):
    group, out = a["group"], []
    for g in range(group):
        channels, filters = x.shape[1] // group, w.shape[0] // group
        assert w.shape[1] == channels
        seen = windows(x[:, g * channels:(g + 1) * channels], a["kernel_shape"], a["strides"], a["pads"],
                       a["dilations"], 0)
        out.append(np.einsum("ncpqrs,kcrs->nkpq", seen, w[g * filters:(g + 1) * filters]))
    y = np.concatenate(out, axis=1)
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def average_pool(a, x):
    assert a["count_include_pad"] == 0
    seen = [windows(v, a["kernel_shape"], a["strides"], a["pads"], (1, 1), 0) for v in (x, np.ones_like(x))]
    return seen[0].sum(axis=(4, 5)) / seen[1].sum(axis=(4, 5))


def batch_normalization(a, x, scale, bias, mean, variance):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale, bias, mean, variance = [v.reshape(shape) for v in (scale, bias, mean, variance)]
    return (x - mean) / np.sqrt(variance + a["epsilon"]) * scale + bias


def softmax(a, x):
    e = np.exp(x - x.max(axis=a["axis"], keepdims=True))
    return e / e.sum(axis=a["axis"], keepdims=True)


OPERATORS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Conv": conv,
    "Flatten": lambda a, x: x.reshape(x.shape[0], -1),
    "Gemm": lambda a, x, w, b=0: x @ w + b,
    "GlobalAveragePool": lambda a, x: x.mean(axis=(2, 3), keepdims=True),
    "MaxPool": lambda a, x: windows(x, a["kernel_shape"], a["strides"], a["pads"], (1, 1), -np.inf).max(axis=(4, 5)),
    "Mul": lambda a, x, y: x * y,
    "Pad": lambda a, x, pads: np.pad(x, list(zip(pads[:4], pads[4:]))),
    "Relu": lambda a, x: np.maximum(x, 0),
    "Sigmoid": lambda a, x: 1 / (1 + np.exp(-x)),
    "Softmax": softmax,
    "Tanh": lambda a, x: np.tanh(x),
    "Transpose": lambda a, x: x.transpose(a["perm"]),
}


def run(model, x):
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    values = {k: v.astype(np.float64) if v.dtype == np.float32 else v for k, v in values.items()}
    values["input"] = x
    for node in model.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](attributes, *[values[i] for i in node.input])
        used.add(node.op_type)
    return values["output"]


def sizes(value):
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 13 and len(model.opset_import) == 1
    _, c, h, w = sizes(model.graph.input[0])
    stated = sizes(model.graph.output[0])
    # What is inferred from the operators has to be what the file says.
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = shape_inference.infer_shapes(model, strict_mode=True).graph.output[0]
    assert sizes(inferred)[1:] == stated[1:], (path, inferred, stated)
    x = np.fromfile(path.replace(".onnx", ".input"), "<f4").reshape(-1, h, w, c).transpose(0, 3, 1, 2)
    wanted = np.fromfile(path.replace(".onnx", ".output"), "<f4").reshape(len(x), -1)
    got = run(model, x.astype(np.float64))
    assert got.shape == wanted.shape, (path, got.shape, wanted.shape)
    worst = np.abs(got - wanted).max()
    assert worst < 1e-5, f"{path}: predictions differ by {worst}"
    assert wanted.std() > 1e-4, f"{path}: predictions say nothing"


used = set()
paths = sorted(glob.glob(sys.argv[1] + "/*.onnx"))
for each in paths:
    check(each)
assert paths and used == set(OPERATORS), f"not used: {set(OPERATORS) - used}"
print(f"{len(paths)} models, {len(used)} operators")

# SPDX-License-Identifier: BSD-2-Clause
"""Models as Keras has them, and what they compute, by numpy in double."""
import numpy as np

rng = np.random.default_rng(11)


# ---- what the models compute, in double ----

def activate(name, x):
    if name == "relu":
        return np.maximum(x, 0)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-x))
    if name == "tanh":
        return np.tanh(x)
    if name == "softmax":
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)
    return x


def window_starts(size, window, stride, dilation, padding):
    reach = (window - 1) * dilation + 1
    if padding == "same":
        out = -(-size // stride)
        return out, max((out - 1) * stride + reach - size, 0) // 2
    return (size - reach) // stride + 1, 0


def windows(x, r, s, strides, dilation, padding, fill):
    """(n, p, q, r, s, c): what each output sees, `fill` outside."""
    n, h, w, c = x.shape
    p, top = window_starts(h, r, strides[0], dilation[0], padding)
    q, left = window_starts(w, s, strides[1], dilation[1], padding)
    out = np.full((n, p, q, r, s, c), fill)
    for i in range(p):
        for j in range(q):
            for a in range(r):
                for b in range(s):
                    y, z = i * strides[0] + a * dilation[0] - top, j * strides[1] + b * dilation[1] - left
                    if 0 <= y < h and 0 <= z < w:
                        out[:, i, j, a, b] = x[:, y, z]
    return out


def run_layer(cls, c, v, x):
    if cls == "Conv2D":
        groups = c.get("groups", 1)
        seen = windows(x, *c["kernel_size"], c["strides"], c["dilation_rate"], c["padding"], 0.0)
        kernel, each, per = v[0], x.shape[-1] // groups, c["filters"] // groups
        parts = [np.einsum("npqrsc,rsck->npqk", seen[..., g * each:(g + 1) * each],
                           kernel[..., g * per:(g + 1) * per]) for g in range(groups)]
        return activate(c["activation"], np.concatenate(parts, -1) + (v[1] if c["use_bias"] else 0))
    if cls == "DepthwiseConv2D":
        seen = windows(x, *c["kernel_size"], c["strides"], c["dilation_rate"], c["padding"], 0.0)
        y = np.einsum("npqrsc,rscm->npqcm", seen, v[0])
        return activate(c["activation"], y.reshape(*y.shape[:3], -1) + (v[1] if c["use_bias"] else 0))
    if cls in ("MaxPooling2D", "AveragePooling2D"):
        strides = c["strides"] or c["pool_size"]
        seen = windows(x, *c["pool_size"], strides, (1, 1), c["padding"], np.nan)
        return np.nanmax(seen, (3, 4)) if cls[0] == "M" else np.nanmean(seen, (3, 4))
    if cls == "GlobalAveragePooling2D":
        return x.mean((1, 2))
    if cls == "Flatten":
        return x.reshape(len(x), -1)
    if cls == "Reshape":
        return x.reshape(len(x), *c["target_shape"])
    if cls == "Dense":
        return activate(c["activation"], x @ v[0] + (v[1] if c["use_bias"] else 0))
    if cls == "Activation":
        return activate(c["activation"], x)
    if cls in ("ReLU", "Softmax"):
        return activate(cls.lower(), x)
    if cls == "BatchNormalization":
        v = list(v)
        gamma = v.pop(0) if c["scale"] else 1
        beta = v.pop(0) if c["center"] else 0
        return (x - v[0]) / np.sqrt(v[1] + c["epsilon"]) * gamma + beta
    if cls == "ZeroPadding2D":
        return np.pad(x, [(0, 0), *c["padding"], (0, 0)])
    if cls == "Rescaling":
        return x * c["scale"] + c["offset"]
    assert cls == "Dropout", cls
    return x


# ---- models: (class, config, variables as (name, array, trained)) ----

def snake(cls):
    return {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "MaxPooling2D": "max_pooling2d",
            "AveragePooling2D": "average_pooling2d", "GlobalAveragePooling2D": "global_average_pooling2d",
            "BatchNormalization": "batch_normalization", "ZeroPadding2D": "zero_padding2d",
            "ReLU": "re_lu"}.get(cls, cls.lower())


def draw(shape, scale):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def variables(cls, c, shape):
    if cls in ("Conv2D", "DepthwiseConv2D"):
        deep = cls[0] == "D"
        inputs = shape[-1] // c.get("groups", 1)
        size = (*c["kernel_size"], inputs, c["depth_multiplier"] if deep else c["filters"])
        found = [("depthwise_kernel" if deep else "kernel", draw(size, 0.3), True)]
        outputs = size[-1] * (inputs if deep else 1)
    elif cls == "Dense":
        outputs = c["units"]
        found = [("kernel", draw((shape[-1], outputs), 0.3), True)]
    elif cls == "BatchNormalization":
        n = shape[-1]
        found = [("gamma", draw(n, 1) + 1, True)] * c["scale"] + [("beta", draw(n, 1), True)] * c["center"]
        return found + [("moving_mean", draw(n, 1), False), ("moving_variance", np.abs(draw(n, 1)) + 0.5, False)]
    else:
        return []
    return found + ([("bias", draw(outputs, 0.1), True)] if c["use_bias"] else [])


conv = dict(strides=[1, 1], padding="valid", dilation_rate=[1, 1], groups=1, activation="linear", use_bias=True,
            data_format="channels_last")
pool = dict(pool_size=[2, 2], strides=None, padding="valid", data_format="channels_last")


class Model:
    def __init__(self, shape, *layers):
        self.shape, self.layers = list(shape), []
        x = np.zeros((1, *shape))
        counts = {}
        for cls, config in layers:
            base = {"Conv2D": conv, "DepthwiseConv2D": conv, "MaxPooling2D": pool, "AveragePooling2D": pool,
                    "Dense": dict(activation="linear", use_bias=True),
                    "BatchNormalization": dict(axis=[3 if x.ndim == 4 else 1], momentum=0.99, epsilon=1e-3,
                                               center=True, scale=True)}.get(cls, {})
            number = counts[cls] = counts.get(cls, -1) + 1
            c = {**base, **config, "name": snake(cls) + (f"_{number}" if number else "")}
            if cls == "DepthwiseConv2D":
                c.pop("groups")
            v = variables(cls, c, x.shape)
            self.layers.append((cls, c, v))
            x = run_layer(cls, c, [a.astype(float) for _, a, _ in v], x)

    def run(self, x):
        for cls, c, v in self.layers:
            x = run_layer(cls, c, [a.astype(float) for _, a, _ in v], x)
        return x

    def trained(self):
        return [(c["name"], name, a) for _, c, v in self.layers for name, a, t in v if t]


def mnist_like(last="softmax"):
    return Model((12, 12, 1),
                 ("Conv2D", dict(filters=4, kernel_size=[5, 5], padding="same")), ("Activation", dict(activation="relu")),
                 ("MaxPooling2D", {}), ("Conv2D", dict(filters=6, kernel_size=[3, 3], activation="relu")),
                 ("Dropout", dict(rate=0.25)), ("Flatten", {}), ("Dense", dict(units=9, activation="relu")),
                 ("Dropout", dict(rate=0.5)), ("Dense", dict(units=5, activation=last)))


def normalized():
    return Model((11, 9, 2),
                 ("Rescaling", dict(scale=0.5, offset=-0.25)), ("ZeroPadding2D", dict(padding=[[1, 2], [0, 1]])),
                 ("Conv2D", dict(filters=6, kernel_size=[3, 3], use_bias=False, strides=[2, 2], padding="same")),
                 ("BatchNormalization", {}), ("ReLU", dict(max_value=None, negative_slope=0.0, threshold=0.0)),
                 ("DepthwiseConv2D", dict(kernel_size=[3, 3], depth_multiplier=2, padding="same", activation="relu")),
                 ("BatchNormalization", dict(scale=False, epsilon=0.01)),
                 ("AveragePooling2D", dict(pool_size=[2, 2], strides=[2, 2], padding="same")),
                 ("Conv2D", dict(filters=4, kernel_size=[2, 2], groups=2, activation="tanh")),
                 ("GlobalAveragePooling2D", {}), ("Dense", dict(units=8, activation="sigmoid", use_bias=False)),
                 ("Dense", dict(units=3)), ("Softmax", dict(axis=-1)))


def dilated(last="linear"):
    return Model((10, 10, 1),
                 ("Conv2D", dict(filters=3, kernel_size=[3, 2], dilation_rate=[2, 2], activation="relu")),
                 ("MaxPooling2D", dict(pool_size=[3, 3], strides=[2, 2], padding="same")), ("Flatten", {}),
                 ("Dense", dict(units=4, activation=last)))

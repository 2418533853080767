# SPDX-License-Identifier: BSD-2-Clause
"""Files as Keras 2.0, 2.4, 2.12 and 3 write them, by h5py alone, from the layouts that docs/models.md names.

make_keras_files.py make FOLDER: models NAME.h5 and NAME.keras with NAME.x, the images, and NAME.y, what numpy says that
the model predicts (raw float32; NAME.shape has their sizes); NAME.json with the optimizer's state; NAME.weights.h5 with
NAME.weights.y for NAME.h5; and files to be refused, with a part of the sentence in refused.txt.
make_keras_files.py check FOLDER: what tests/keras_files wrote of these models, NAME.again.h5 and NAME.again.keras, has
Keras' layout to the letter and the same numbers."""
import io
import json
import os
import struct
import sys
import zipfile

import h5py
import numpy as np

rng = np.random.default_rng(11)
K20, K24, K212, K3 = "2.0", "2.4", "2.12", "3"  # generations of files


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


# ---- JSON ----

def config_of(model, generation, name):
    """The model's config as that Keras spells it."""
    entries, shape = [], [None, *model.shape]
    for i, (cls, c, _) in enumerate(model.layers):
        c = dict(c, trainable=True)
        if cls in ("Conv2D", "Dense"):
            c.update(kernel_regularizer=None, bias_initializer={"class_name": "Zeros", "config": {}})
        c["dtype"] = "float32" if generation != K3 else {"module": "keras", "class_name": "DTypePolicy",
                                                       "config": {"name": "float32"}, "registered_name": None}
        if generation == K20:
            c.pop("dtype"), c.pop("groups", None)
            if i == 0:
                c.update(batch_input_shape=shape, dtype="float32")
        if cls == "BatchNormalization" and generation == K3:
            c["axis"] = -1
        entry = {"class_name": cls, "config": c}
        if generation == K3:
            entry.update(module="keras.layers", registered_name=None, build_config={"input_shape": shape})
        entries.append(entry)
    key = "batch_shape" if generation == K3 else "batch_input_shape"
    first = {"class_name": "InputLayer", "config": {key: shape, "dtype": "float32", "sparse": False, "name": "input_1"}}
    if generation == K20:
        return {"class_name": "Sequential", "config": entries}
    if name != "functional":
        return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [first, *entries]}}
    before = "input_1"
    first.update(name="input_1", inbound_nodes=[])
    for entry in entries:
        entry["name"] = entry["config"]["name"]
        entry["inbound_nodes"] = [[[before, 0, 0, {}]]] if generation != K3 else [
            {"args": [{"class_name": "__keras_tensor__",
                       "config": {"shape": shape, "dtype": "float32", "keras_history": [before, 0, 0]}}], "kwargs": {}}]
        before = entry["name"]
    outer = (lambda n: [n, 0, 0]) if generation == K3 else (lambda n: [[n, 0, 0]])
    return {"class_name": "Functional", "config": {"name": "model", "trainable": True, "layers": [first, *entries],
                                                   "input_layers": outer("input_1"), "output_layers": outer(before)}}


optimizer_settings = {
    "Adam": dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False),
    "SGD": dict(momentum=0.9, nesterov=True),
    "RMSprop": dict(rho=0.9, momentum=0.5, epsilon=1e-7, centered=False),
}


def training_of(generation, optimizer, logits, given=None):
    settings = dict(optimizer_settings.get(optimizer, {}))
    settings["lr" if generation == K20 else "learning_rate"] = 0.002
    if generation == K20:
        settings.update(decay=0.0), settings.pop("amsgrad", None), settings.pop("centered", None)
        if optimizer == "RMSprop":
            settings.pop("momentum")
    loss = "categorical_crossentropy"
    if given:
        loss = given
    elif logits:
        loss = {"class_name": "SparseCategoricalCrossentropy", "config": {"from_logits": True, "reduction": "auto"}}
    elif generation == K24:
        loss = {"dense_1": "sparse_categorical_crossentropy"}
    cls = "Custom>" + optimizer if generation == K212 else optimizer
    return {"optimizer_config": {"class_name": cls, "config": settings}, "loss": loss, "metrics": ["accuracy"],
            "loss_weights": None, "sample_weight_mode": None}


# ---- HDF5 ----

def put_text(where, name, text, generation):
    if generation == K20:
        where.attrs[name] = np.bytes_(text)
    else:
        where.attrs.create(name, text, dtype=h5py.string_dtype("utf-8" if generation != K3 else "ascii"))


def put_list(where, name, texts, generation, split=False):
    if not texts:
        where.attrs[name] = np.zeros((0,))
    elif split:
        for i in range(0, len(texts), 2):
            put_list(where, f"{name}{i // 2}", texts[i:i + 2], generation)
    elif generation == K20:
        where.attrs[name] = np.array([t.encode() for t in texts])
    else:
        where.attrs.create(name, texts, dtype=h5py.string_dtype("ascii"))


def put_weights(group, model, generation, split=False, names=True):
    put_text(group, "backend", "tensorflow", generation)
    put_text(group, "keras_version", versions[generation], generation)
    put_list(group, "layer_names", [c["name"] for _, c, _ in model.layers], generation, split)
    for cls, c, v in model.layers:
        layer = group.create_group(c["name"])
        inner = c["name"] if generation != K3 else "sequential/" + c["name"]
        end = ":0" if generation != K3 else ""
        listed = []
        for name, array, _ in v:
            listed.append(f"{inner}/{'kernel' if generation == K3 and 'kernel' in name else name}{end}")
            layer[listed[-1]] = array
        put_list(layer, "weight_names", listed, generation, split)
    if generation == K212:
        put_list(group.create_group("top_level_model_weights"), "weight_names", [], generation)


def state_of(model, optimizer, generation):
    """The steps, and for each variable its slots. RMSprop had no momentum in Keras 2.0, and did not count steps."""
    old = generation == K20 and optimizer == "RMSprop"
    slots = {"Adam": "mv", "SGD": "m", "RMSprop": "v" if old else "vm"}[optimizer]
    return {"steps": 0 if old else 37,
            "slots": {s: [np.abs(draw(a.shape, 0.01)) for _, _, a in model.trained()] for s in slots}}


def in_order(optimizer, slots, names):
    """(slot, number of the variable): since 2.11 RMSprop has its slots one behind the other, Adam side by side."""
    if optimizer == "RMSprop":
        return [(s, i) for s in slots for i in range(len(names))]
    return [(s, i) for i in range(len(names)) for s in slots]


def named_state(model, optimizer, state, generation):
    """(path, array) in the order in which that Keras lists them."""
    slots, names = state["slots"], [f"{layer}/{name}" for layer, name, _ in model.trained()]
    steps = np.int64(state["steps"])
    if generation == K20:
        flat = [a for s in slots.values() for a in s]
        if optimizer == "Adam":
            flat += [np.zeros(1, np.float32) for _ in names]
        steps = [] if optimizer == "RMSprop" else [("iterations:0", np.float32(steps))]
        return steps + [(f"Variable_{i}:0" if i else "Variable:0", a) for i, a in enumerate(flat)]
    if generation == K24:
        word = {"m": "m" if optimizer == "Adam" else "momentum", "v": "rms" if optimizer == "RMSprop" else "v"}
        return [(f"{optimizer}/iter:0", steps)] + [(f"{optimizer}/{n}/{word[s]}:0", a) for s in slots
                                                   for n, a in zip(names, slots[s])]
    if generation == K212:
        word = {"m": "momentum", "v": "velocity"} if optimizer == "RMSprop" else {"m": "m", "v": "v"}
        return [("iteration:0", steps)] + [(f"{optimizer}/{word[s]}/{names[i]}:0", slots[s][i])
                                           for s, i in in_order(optimizer, slots, names)]
    word, lower = {"m": "momentum", "v": "velocity"}, optimizer.lower()
    return [(f"{lower}/iteration", steps), (f"{lower}/learning_rate", np.float32(0.002))] + [
        (f"{lower}/sequential_{names[i].replace('/', '_')}_{word[s]}", slots[s][i])
        for s, i in in_order(optimizer, slots, names)]


versions = {K20: "2.0.8", K24: "2.4.0", K212: "2.12.0", K3: "3.5.0"}


def write_h5(path, model, generation, optimizer="Adam", state=None, name="", logits=False, split=False,
             loss=None):
    with h5py.File(path, "w") as f:
        put_text(f, "keras_version", versions[generation], generation)
        put_text(f, "backend", "tensorflow", generation)
        put_text(f, "model_config", json.dumps(config_of(model, generation, name)), generation)
        training = training_of(generation, optimizer, logits, loss)
        if loss == "null":
            training["loss"] = None
        if loss != "none":
            put_text(f, "training_config", json.dumps(training), generation)
        put_weights(f.create_group("model_weights"), model, generation, split)
        if state:
            group = f.create_group("optimizer_weights")
            listed = named_state(model, optimizer, state, generation)
            put_list(group, "weight_names", [n for n, _ in listed], generation)
            for n, array in listed:
                group[n] = array


def vars_h5(model, optimizer=None, state=None):
    memory = io.BytesIO()
    with h5py.File(memory, "w") as f:
        counts = {}
        for cls, c, v in model.layers:
            number = counts[cls] = counts.get(cls, -1) + 1
            group = f.create_group(f"layers/{snake(cls)}" + (f"_{number}" if number else "") + "/vars")
            group.attrs["name"] = c["name"]
            for i, (_, array, _) in enumerate(v):
                group[str(i)] = array
        if state:
            for i, (_, array) in enumerate(named_state(model, optimizer, state, K3)):
                f[f"optimizer/vars/{i}"] = array
    return memory.getvalue()


def write_keras(path, model, optimizer="Adam", state=None, name="", method=zipfile.ZIP_STORED):
    config = config_of(model, K3, name)
    training = training_of(K3, optimizer, False)
    config["compile_config"] = {"optimizer": {"module": "keras.optimizers", "registered_name": None,
                                              **training["optimizer_config"]}, "loss": training["loss"],
                                "metrics": ["accuracy"]}
    with zipfile.ZipFile(path, "w", method) as z:
        z.writestr("metadata.json", json.dumps({"keras_version": "3.5.0", "date_saved": "2024-09-01@12:00:00"}))
        z.writestr("config.json", json.dumps(config))
        z.writestr("model.weights.h5", vars_h5(model, optimizer, state))


# ---- all of them ----

def note(folder, name, model, state=None, optimizer="Adam", logits=False):
    x = rng.random((3, *model.shape), dtype=np.float32)
    y = model.run(x.astype(float))
    if logits:
        y = activate("softmax", y)
    x.tofile(f"{folder}/{name}.x")
    y.astype(np.float32).tofile(f"{folder}/{name}.y")
    kept = {"optimizer": optimizer, "steps": state["steps"] if state else 0, "slots": {
        s: [a.ravel().tolist() for a in arrays] for s, arrays in state["slots"].items()} if state else {}}
    with open(f"{folder}/{name}.json", "w") as f:
        json.dump(kept, f)


def make_models(folder):
    for generation in versions:
        for optimizer in ("Adam", "SGD", "RMSprop"):
            model = mnist_like()
            state = state_of(model, optimizer, generation)
            name = f"mnist-{generation}-{optimizer}"
            write_h5(f"{folder}/{name}.h5", model, generation, optimizer, state)
            note(folder, name, model, state, optimizer)
        if generation != K20:
            model = normalized()
            write_h5(f"{folder}/normal-{generation}.h5", model, generation, split=generation == K212)
            note(folder, f"normal-{generation}", model)
            model = mnist_like()
            write_h5(f"{folder}/chain-{generation}.h5", model, generation, name="functional")
            note(folder, f"chain-{generation}", model)
        model = dilated()
        write_h5(f"{folder}/logits-{generation}.h5", model, generation, logits=generation != K20)
        note(folder, f"logits-{generation}", model, logits=True)
    for last, loss in (("sigmoid", "binary_crossentropy"), ("linear", "mse"), ("linear", "mean_absolute_error"),
                       ("softmax", "mse")):
        model = mnist_like(last)
        write_h5(f"{folder}/ends-{last}-{loss}.h5", model, K3, loss=loss)
        note(folder, f"ends-{last}-{loss}", model)
    for loss in ("none", "null"):  # one output is as it is, several are a classifier's
        for units in (1, 4):
            model = Model((5,), ("Dense", dict(units=units)))
            write_h5(f"{folder}/{loss}-{units}.h5", model, K3, loss=loss)
            note(folder, f"{loss}-{units}", model, logits=units > 1)
    model = mnist_like()
    write_h5(f"{folder}/unknown.h5", model, K20, "Adadelta")
    note(folder, "unknown", model)
    for optimizer in ("Adam", "SGD", "RMSprop"):
        model = mnist_like()
        state = state_of(model, optimizer, K3)
        write_keras(f"{folder}/zip-{optimizer}.keras", model, optimizer, state)
        note(folder, f"zip-{optimizer}", model, state, optimizer)
    model = Model((4,), *[("Dense", dict(units=4, use_bias=False, activation=a)) for a in ("relu", "softmax")])
    state = state_of(model, "Adam", K3)  # all shapes are the same: the order alone tells what is what
    write_keras(f"{folder}/zip-square.keras", model, "Adam", state)
    note(folder, "zip-square", model, state)
    model = normalized()
    write_keras(f"{folder}/deflated.keras", model, name="functional", method=zipfile.ZIP_DEFLATED)
    note(folder, "deflated", model)
    make_weights(folder)


def make_weights(folder):
    for name in ("legacy", "modern"):
        write_h5(f"{folder}/{name}.h5", normalized(), K24)
        other = normalized()
        note(folder, name, other)
        with open(f"{folder}/{name}.weights.h5", "wb") as f:
            f.write(vars_h5(other))
        if name == "legacy":
            with h5py.File(f"{folder}/{name}.weights.h5", "w") as f:
                put_weights(f, other, K24)


def make_refused(folder):
    """Each is a good file with one fault."""
    listed = []

    def fault(name, sentence, change=None, config=None, model=None):
        model = model or mnist_like()
        path = f"{folder}/refused-{name}.h5"
        write_h5(path, model, K24)
        with h5py.File(path, "r+") as f:
            if config:
                parsed = json.loads(f.attrs["model_config"])
                changed = config(parsed["config"]["layers"], parsed)
                del f.attrs["model_config"]
                put_text(f, "model_config", changed or json.dumps(parsed), K24)
            if change:
                change(f)
        listed.append(f"refused-{name}.h5\t{sentence}")

    kernel = "model_weights/conv2d/conv2d/kernel:0"

    def replaced(maker):
        def change(f):
            array = f[kernel][()]
            del f[kernel]
            maker(f, array)
        return change

    def virtual(f, array):
        f["hidden"] = array
        layout = h5py.VirtualLayout(array.shape, "f4")
        layout[...] = h5py.VirtualSource(f["hidden"])
        f.create_virtual_dataset(kernel, layout)

    def external(f, array):
        f.create_dataset(kernel, array.shape, "f4", external=[("secret.bin", 0, array.nbytes)])

    fault("lambda", "layer boo (Lambda): a Lambda layer", config=lambda l, _: l.insert(
        2, {"class_name": "Lambda", "config": {"name": "boo", "function": "x"}}))
    fault("class", "layer lstm (LSTM): layers of this class", config=lambda l, _: l.insert(
        2, {"class_name": "LSTM", "config": {"name": "lstm"}}))
    fault("first", "layer conv2d (Conv2D): data_format is channels_first",
          config=lambda l, _: l[1]["config"].update(data_format="channels_first"))
    fault("float64", "layer conv2d (Conv2D): dtype is float64", config=lambda l, _: l[1]["config"].update(dtype="float64"))
    fault("nested", "models within models", config=lambda l, p: l.insert(2, json.loads(json.dumps(p | {
        "config": {"name": "inner", "layers": []}}))))
    fault("activation", "the activation gelu", config=lambda l, _: l[1]["config"].update(activation="gelu"))
    fault("bomb", "layers have more weights", config=lambda l, _: l[-1]["config"].update(units=10 ** 7))
    fault("size", "dimension 1 of the input", config=lambda l, _: l[0]["config"].update(
        batch_input_shape=[None, None, 12, 1]))
    fault("large", "of the input is no fixed size, or a too large one", config=lambda l, _: l[0]["config"].update(
        batch_input_shape=[None, 2 ** 20, 2 ** 20, 1]))
    fault("nan", "no JSON", config=lambda l, p: json.dumps(p).replace("0.25", "NaN"))
    fault("shape", "has not the shape of the kernel of conv2d", config=lambda l, _: l[1]["config"].update(
        kernel_size=[3, 3]))
    fault("soft", "is a soft or external link", replaced(lambda f, a: f.update({"o": a}) or f.__setitem__(
        kernel, h5py.SoftLink("/o"))))
    fault("link", "is a soft or external link", replaced(lambda f, a: f.__setitem__(
        kernel, h5py.ExternalLink("o.h5", "/o"))))
    fault("virtual", "is virtual", replaced(virtual))
    fault("external", "lies in another file", replaced(external))
    fault("chunked", "is chunked or compressed", replaced(lambda f, a: f.create_dataset(kernel, data=a,
                                                                                         compression="gzip")))
    fault("ranks", "has more than 8 dimensions", replaced(lambda f, a: f.__setitem__(kernel, a.reshape(
        *a.shape, 1, 1, 1, 1, 1))))
    fault("promise", "is not stored as large as it is declared", replaced(lambda f, a: f.create_dataset(
        kernel, a.shape, "f4")))
    fault("short", "is not stored as large as it is declared")
    with h5py.File(f"{folder}/refused-short.h5") as f:
        place = struct.pack("<QQ", f[kernel].id.get_offset(), f[kernel].nbytes)
    with open(f"{folder}/refused-short.h5", "r+b") as f:
        f.seek(f.read().index(place) + 8)
        f.write(struct.pack("<Q", 8))
    fault("text", "holds texts; IEEE's float32", replaced(lambda f, a: f.__setitem__(kernel, np.full(a.shape, b"x"))))
    half = Model((100,), ("Dense", dict(units=100)))  # fewer bytes than four for each weight
    half.layers[0][2][0] = ("kernel", half.layers[0][2][0][1].astype("f2"), True)
    fault("half", "the data set dense/kernel:0 holds float16", model=half)
    fault("missing", "there is no conv2d/kernel:0", replaced(lambda f, a: None))
    fault("no-config", "it has no attribute model_config", lambda f: f.attrs.__delitem__("model_config"))
    fault("no-weights", "there is no model_weights", lambda f: f.__delitem__("model_weights"))
    make_refused_graphs(folder, listed)
    with open(f"{folder}/refused.txt", "w") as f:
        f.write("\n".join(listed) + "\n")


def make_refused_graphs(folder, listed):
    def graph(name, sentence, change):
        path = f"{folder}/refused-{name}.h5"
        write_h5(path, mnist_like(), K24, name="functional")
        with h5py.File(path, "r+") as f:
            parsed = json.loads(f.attrs["model_config"])
            change(parsed["config"], {l["name"]: l for l in parsed["config"]["layers"]})
            put_text(f, "model_config", json.dumps(parsed), K24)
        listed.append(f"refused-{name}.h5\t{sentence}")

    graph("shared", "the layer dropout is used 2 times", lambda c, l: l["dropout"]["inbound_nodes"].append(
        [["flatten", 0, 0, {}]]))
    graph("merge", "does not take the output of one other layer", lambda c, l: l["dropout"]["inbound_nodes"][0].append(
        ["conv2d", 0, 0, {}]))
    graph("branch", "both take conv2d", lambda c, l: l["flatten"].update(inbound_nodes=[[["conv2d", 0, 0, {}]]]))
    graph("inputs", "both take no input", lambda c, l: l["flatten"].update(inbound_nodes=[]))
    graph("outputs", "the model has 2 outputs", lambda c, l: c["output_layers"].append(["dense", 0, 0]))
    graph("middle", "the model's output is not its last layer", lambda c, l: c.update(output_layers=[["dense", 0, 0]]))


# ---- what was written ----

def expect(condition, *what):
    if not condition:
        print("FAIL:", *what)
        sys.exit(1)


def texts(where, name):
    value = where.attrs[name]
    if value.dtype == np.float64:
        expect(value.shape == (0,), name, "is not an empty list of doubles")
        return []
    return list(value)


def check_array(data, expected, what):
    expect(data.dtype == np.dtype("<f4") and data.chunks is None and data.compression is None, what, data.dtype)
    expect(data.shape == expected.shape and np.array_equal(data[()], expected), what, "differs")


def check_config(layers, model_file, modern):
    expect(layers[0]["class_name"] == "InputLayer", "no InputLayer")
    key = "batch_shape" if modern else "batch_input_shape"
    expect(layers[0]["config"][key][0] is None and set(layers[0]["config"]) == {key, "dtype", "name"},
           layers[0]["config"])
    keys = {"Conv2D": {"filters", "kernel_size", "strides", "padding", "data_format", "use_bias", "activation"},
            "MaxPooling2D": {"pool_size", "strides", "padding", "data_format"}, "Flatten": set(),
            "Dense": {"units", "use_bias", "activation"}, "Dropout": {"rate"}, "Activation": {"activation"},
            "DepthwiseConv2D": {"depth_multiplier", "kernel_size", "strides", "padding", "data_format", "use_bias",
                                "activation"}, "BatchNormalization": {"axis", "momentum", "epsilon", "center", "scale"},
            "AveragePooling2D": {"pool_size", "strides", "padding", "data_format"},
            "GlobalAveragePooling2D": {"data_format"}, "ZeroPadding2D": {"padding", "data_format"},
            "Rescaling": {"scale", "offset"}}
    for layer in layers[1:]:
        outer = {"class_name", "config"} | ({"module", "registered_name"} if modern else set())
        expect(set(layer) == outer, "an entry has", sorted(layer))
        found = set(layer["config"]) - {"name", "dtype", "groups", "dilation_rate"}
        expect(found == keys[layer["class_name"]], layer["class_name"], "has", sorted(found))
        expect(layer["config"]["dtype"] == "float32", "dtype")


def source_arrays(folder, name):
    """{layer: arrays in order} and the layers' order, from the file that was read."""
    path = f"{folder}/{name}.h5"
    if not os.path.exists(path):
        return None
    with h5py.File(path) as f:
        group = f["model_weights"]
        names = list(group.attrs.get("layer_names", [n for i in range(99) for n in group.attrs.get(f"layer_names{i}", [])]))
        names = [n.decode() if isinstance(n, bytes) else n for n in names]
        found = {}
        for n in names:
            listed = group[n].attrs.get("weight_names", None)
            if listed is None:
                listed = [w for i in range(9) for w in group[n].attrs.get(f"weight_names{i}", [])]
            found[n] = [group[n][w][()] for w in listed]
        return names, found


def check_h5(folder, name):
    names, arrays = source_arrays(folder, name)
    with h5py.File(f"{folder}/{name}.again.h5") as f:
        for key in ("backend", "keras_version", "model_config", "training_config"):
            expect(h5py.check_string_dtype(f.attrs.get_id(key).dtype).length is None and f.attrs.get_id(key).shape == (),
                   key, "is no text of variable length")
        expect(f.attrs["fastcnn_input_scale"] == 0.5 and f.attrs["fastcnn_input_offset"] == -1, "scale")
        config = json.loads(f.attrs["model_config"])
        expect(config["class_name"] == "Sequential" and set(config["config"]) == {"name", "layers"}, "config")
        check_config(config["config"]["layers"], name, False)
        training = json.loads(f.attrs["training_config"])
        expect({"optimizer_config", "loss", "metrics", "loss_weights"} <= set(training), "training_config")
        group = f["model_weights"]
        expect(texts(group, "layer_names") == names, "layer_names", texts(group, "layer_names"), names)
        expect({"backend", "keras_version"} <= set(group.attrs), "model_weights has no versions")
        for n in names:
            listed = texts(group[n], "weight_names")
            expect(len(listed) == len(arrays[n]), n, listed)
            for path, array in zip(listed, arrays[n]):
                expect(path.startswith(f"sequential/{n}/"), path)
                check_array(group[n][path], array, path)


def check_state(f, kept):
    group, lower = f["optimizer_weights"], kept["optimizer"].lower()
    if not kept["slots"]:
        return
    listed = texts(group, "weight_names")
    expect(listed[:2] == [f"{lower}/iteration", f"{lower}/learning_rate"], listed[:2])
    expect(group[listed[0]].dtype == np.int64 and group[listed[0]][()] == kept["steps"], "iteration")
    expect(group[listed[1]].shape == () and group[listed[1]][()] == np.float32(0.002), "learning rate")
    word = {"m": "_momentum", "v": "_velocity"}
    names = next(iter(kept["slots"].values()))
    expected = [(word[s], kept["slots"][s][i]) for s, i in in_order(kept["optimizer"], kept["slots"], names)]
    expect(len(listed) == 2 + len(expected), "slots", len(listed))
    for path, (end, array) in zip(listed[2:], expected):
        expect(path.startswith(f"{lower}/sequential_") and path.endswith(end), path)
        expect(np.array_equal(group[path][()].ravel(), np.float32(array)), path, "differs")


def check_keras(folder, name):
    with zipfile.ZipFile(f"{folder}/{name}.again.keras") as z:
        expect(z.namelist() == ["metadata.json", "config.json", "model.weights.h5"] and z.testzip() is None,
               z.namelist())
        expect(all(m.compress_type == zipfile.ZIP_STORED for m in z.infolist()), "not stored")
        expect("keras_version" in json.loads(z.read("metadata.json")), "metadata")
        config = json.loads(z.read("config.json"))
        check_config(config["config"]["layers"], name, True)
        expect(set(config["compile_config"]) >= {"optimizer", "loss", "metrics"}, "compile_config")
        with h5py.File(f"{folder}/{name}.again.h5") as whole, h5py.File(io.BytesIO(z.read("model.weights.h5"))) as f:
            counts = {}
            for entry in config["config"]["layers"][1:]:
                cls, n = entry["class_name"], entry["config"]["name"]
                number = counts[cls] = counts.get(cls, -1) + 1
                group = f[f"layers/{snake(cls)}" + (f"_{number}" if number else "") + "/vars"]
                expect(group.attrs["name"] == n, group.name)
                listed = texts(whole["model_weights"][n], "weight_names")
                expect(sorted(group) == [str(i) for i in range(len(listed))], group.name, list(group))
                for i, path in enumerate(listed):
                    check_array(group[str(i)], whole["model_weights"][n][path][()], group.name)
            listed = texts(whole["optimizer_weights"], "weight_names")
            expect(len(f["optimizer/vars"]) == len(listed), "optimizer/vars")
            for i, path in enumerate(listed):
                expect(np.array_equal(f[f"optimizer/vars/{i}"][()], whole["optimizer_weights"][path][()]), path)


def check(folder):
    count = 0
    for file in sorted(os.listdir(folder)):
        if not file.endswith(".json"):
            continue
        name = file[:-5]
        if source_arrays(folder, name):
            check_h5(folder, name)
        check_keras(folder, name)
        with open(f"{folder}/{name}.json") as kept, h5py.File(f"{folder}/{name}.again.h5") as f:
            check_state(f, json.load(kept))
        count += 1
    expect(count > 20, count, "models were found")
    print(count, "models")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make_models(sys.argv[2])
        make_refused(sys.argv[2])
    else:
        check(sys.argv[2])

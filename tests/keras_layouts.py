# SPDX-License-Identifier: BSD-2-Clause
"""Models written as Keras 2.0, 2.4, 2.12 and 3 write them, by h5py alone, from the layouts that docs/models.md names."""
import io
import json
import zipfile

import h5py
import numpy as np

from keras_models import draw, snake

K20, K24, K212, K3 = "2.0", "2.4", "2.12", "3"  # generations of files


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
        where.attrs.create(name, [t.encode() for t in texts], dtype=h5py.string_dtype("ascii"))


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

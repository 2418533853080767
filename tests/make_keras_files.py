# SPDX-License-Identifier: BSD-2-Clause
"""make_keras_files.py FOLDER: files in the layouts of all generations of Keras. Models NAME.h5 and NAME.keras with NAME.x,
the images, and NAME.y, what numpy says that the model predicts (raw float32); NAME.json with the optimizer's state;
NAME.weights.h5 with NAME.weights.y for NAME.h5; and files to be refused, with a part of the sentence in refused.txt."""
import json
import struct
import sys
import zipfile

import h5py
import numpy as np

from keras_layouts import (K20, K24, K212, K3, put_text, put_weights, state_of, vars_h5, versions, write_h5,
                           write_keras)
from keras_models import Model, activate, dilated, mnist_like, normalized, rng


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


if __name__ == "__main__":
    make_models(sys.argv[1])
    make_refused(sys.argv[1])

# SPDX-License-Identifier: BSD-2-Clause
"""verify_keras_files.py FOLDER: what tests/keras_files wrote of the models of make_keras_files.py, NAME.again.h5 and
NAME.again.keras, has Keras' layout to the letter and the same numbers."""
import io
import json
import os
import sys
import zipfile

import h5py
import numpy as np

from keras_layouts import in_order
from keras_models import snake


def expect(condition, *what):
    if not condition:
        print("FAIL:", *what)
        sys.exit(1)


def texts(where, name):
    value = where.attrs[name]
    if value.dtype == np.float64:
        expect(value.shape == (0,), name, "is not an empty list of doubles")
        return []
    expect(value.dtype.kind == "S", name, "is no list of texts of one length, as old Keras needs them")
    return [t.decode() for t in value]


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
            if group.attrs["backend"] == b"theano":  # whose filters are turned when they are read
                found[n] = [a[::-1, ::-1] if a.ndim == 4 else a for a in found[n]]
        return names, found


def check_h5(folder, name):
    names, arrays = source_arrays(folder, name)
    with h5py.File(f"{folder}/{name}.again.h5") as f:
        for key in ("backend", "keras_version", "model_config", "training_config"):
            kind = h5py.check_string_dtype(f.attrs.get_id(key).dtype)
            expect(kind.length is None and kind.encoding == "ascii" and f.attrs.get_id(key).shape == (),
                   key, "is no ASCII text of variable length")
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
            expect(f["vars"].attrs["name"] == "sequential" and not len(f["vars"]), "the model's own vars")
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
    check(sys.argv[1])

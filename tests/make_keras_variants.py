# SPDX-License-Identifier: BSD-2-Clause
"""More of what files of Keras 2.0 to 3 say, with every key that each generation writes (read in keras/engine/saving.py,
keras/engine/sequential.py, keras/src/legacy/saving, keras/src/models, keras/src/optimizers of keras-team/keras):
vectors as input, dense layers on images, batch normalization on either side of an activation, one output, Theano.

make_keras_variants.py FOLDER: like make_keras_files.py make FOLDER, for verify_keras_files.py too."""
import io
import json
import sys
import zipfile

import h5py
import numpy as np

from keras_layouts import K20, K24, K212, K3, named_state, put_list, put_text, put_weights, state_of, vars_h5
from keras_models import Model
from make_keras_files import note

K23 = "2.3"  # Keras with backends of its own: configs have names, the input's shape is the first layer's
WEIGHTS = {K20: K20, K23: K20, K24: K24, K212: K212, K3: K3}
VERSIONS = {K20: "2.0.8", K23: "2.3.1", K24: "2.10.0", K212: "2.15.0", K3: "3.8.0"}
BACKENDS = {K20: "tensorflow", K23: "tensorflow", K24: "tensorflow", K212: "tensorflow", K3: "jax"}


# ---- models ----

def perceptron():
    return Model((49,), ("Dense", dict(units=12, activation="relu")), ("Dropout", dict(rate=0.2)),
                 ("Dense", dict(units=8, activation="relu")), ("Dropout", dict(rate=0.2)),
                 ("Dense", dict(units=5, activation="softmax")))


def pixels():
    return Model((10, 9, 2), ("Conv2D", dict(filters=4, kernel_size=[5, 5], padding="same", activation="relu")),
                 ("Dense", dict(units=6, activation="relu")), ("MaxPooling2D", {}),
                 ("Dense", dict(units=3, activation="tanh", use_bias=False)), ("Flatten", {}),
                 ("Dense", dict(units=4, activation="softmax")))


def normalized_twice():
    return Model((11, 11, 1), ("Conv2D", dict(filters=4, kernel_size=[5, 5], padding="same", use_bias=False)),
                 ("BatchNormalization", {}), ("Activation", dict(activation="relu")), ("BatchNormalization", {}),
                 ("AveragePooling2D", dict(pool_size=[3, 3], strides=[2, 2], padding="same")),
                 ("Conv2D", dict(filters=5, kernel_size=[3, 3], strides=[2, 2], padding="same", activation="relu")),
                 ("BatchNormalization", {}), ("Flatten", {}), ("Dense", dict(units=6)), ("BatchNormalization", {}),
                 ("Activation", dict(activation="tanh")), ("Dense", dict(units=3)),
                 ("Activation", dict(activation="softmax")))


def reshaped(size):
    """A flatten() in other words."""
    return Model((9, 8, 1), ("Conv2D", dict(filters=3, kernel_size=[3, 3], activation="relu")), ("MaxPooling2D", {}),
                 ("Reshape", dict(target_shape=[size])), ("Dense", dict(units=5, activation="relu")),
                 ("Dense", dict(units=3, activation="softmax")))


def one_output(last):
    return Model((8, 8, 3), ("Conv2D", dict(filters=4, kernel_size=[3, 3], activation="relu")),
                 ("MaxPooling2D", {}), ("Flatten", {}), ("Dense", dict(units=1, activation=last)))


# ---- configs ----

def initializer(name, generation):
    settings = {"Zeros": {}, "Ones": {}}.get(name, {"seed": None})
    if name == "GlorotUniform" and generation in (K20, K23):
        return {"class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}}
    found = {"class_name": name, "config": settings}
    if generation in (K212, K3):
        found.update(module="keras.initializers", registered_name=None)
    return found


def weighted(generation):
    keys = dict(kernel_initializer=initializer("GlorotUniform", generation),
                bias_initializer=initializer("Zeros", generation), kernel_regularizer=None, bias_regularizer=None,
                activity_regularizer=None, kernel_constraint=None, bias_constraint=None)
    if generation == K3:
        keys.pop("activity_regularizer")
        keys.update(lora_rank=None, quantization_config=None)
    return keys


def complete(cls, given, generation, shape):
    """A layer's config with all keys of its generation."""
    c = dict(given, trainable=True)
    if generation not in (K24, K212, K3):
        c.pop("groups", None)
    if generation in (K23, K24, K212):
        c["dtype"] = "float32"
    if generation == K3:
        c["dtype"] = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"},
                      "registered_name": None, "shared_object_id": 1}
    if cls in ("Conv2D", "Dense"):
        c.update(weighted(generation))
    if cls == "Dropout":
        c.update(noise_shape=None, seed=None)
    if cls == "Flatten":
        c["data_format"] = "channels_last"
    if cls == "BatchNormalization":
        c.update({n + "_initializer": initializer(i, generation) for n, i in (
            ("beta", "Zeros"), ("gamma", "Ones"), ("moving_mean", "Zeros"), ("moving_variance", "Ones"))})
        c.update(beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None)
        c["axis"] = [len(shape) - 1] if generation in (K24, K212) else -1
        if generation == K3:
            c.update(renorm=None, synchronized=False)
    return c


def entry(cls, config, generation, shape):
    found = {"class_name": cls, "config": config}
    if generation in (K212, K3):
        found.update(module="keras.layers", registered_name=None, build_config={"input_shape": shape})
    return found


def tensor_of(name, shape):
    return {"class_name": "__keras_tensor__",
            "config": {"shape": shape, "dtype": "float32", "keras_history": [name, 0, 0]}}


def input_of(shape, generation):
    key = "batch_shape" if generation == K3 else "batch_input_shape"
    config = {key: shape, "dtype": "float32", "sparse": False, "ragged": False, "name": "input_1"}
    if generation == K3:
        config.update(optional=False)
    return {"class_name": "InputLayer", "config": config}


def shapes_of(model):
    """Of each layer's input."""
    found, part = [], Model(model.shape)
    for layer in model.layers:
        found.append([None, *part.run(np.zeros((1, *model.shape))).shape[1:]])
        part.layers.append(layer)
    return found


def config_of(model, generation, functional=False):
    shape, shapes = [None, *model.shape], shapes_of(model)
    entries = [entry(cls, complete(cls, c, generation, s), generation, s)
               for (cls, c, _), s in zip(model.layers, shapes)]
    if functional:
        return functional_of(entries, shapes, shape, generation)
    if generation in (K20, K23):
        entries[0]["config"].update(batch_input_shape=shape, dtype="float32")
        return {"class_name": "Sequential", "config": entries if generation == K20 else {
            "name": "sequential_1", "layers": entries}}
    config = {"name": "sequential", "layers": [input_of(shape, generation), *entries]}
    if generation == K3:
        config.update(trainable=True, dtype="float32", build_input_shape=shape)
    found = {"class_name": "Sequential", "config": config}
    if generation in (K212, K3):
        found.update(module="keras", registered_name=None, build_config={"input_shape": shape})
    return found


def functional_of(entries, shapes, shape, generation):
    first, before = dict(input_of(shape, generation), name="input_1", inbound_nodes=[]), "input_1"
    for e, s in zip(entries, shapes):
        name = e["name"] = e["config"]["name"]
        e["inbound_nodes"] = [{"args": [tensor_of(before, s)], "kwargs": {"training": False}}] if generation == K3 \
            else [[[before, 0, 0, {}]]]
        before = name
    ends = [["input_1", 0, 0]], [[before, 0, 0]]
    if generation == K3:
        ends = ["input_1", 0, 0], [before, 0, 0]
    class_name = "Model" if generation in (K20, K23) else "Functional"
    return {"class_name": class_name, "config": {"name": "model", "trainable": True, "layers": [first, *entries],
                                                 "input_layers": ends[0], "output_layers": ends[1]}}


def optimizer_of(optimizer, generation):
    settings = {"Adam": dict(beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False),
                "SGD": dict(momentum=0.9, nesterov=True),
                "RMSprop": dict(rho=0.9, momentum=0.5, epsilon=1e-7, centered=False)}[optimizer]
    settings["lr" if generation == K20 else "learning_rate"] = 0.002
    if generation in (K20, K23):
        settings["decay"] = 0.0
        settings.pop("centered", None)
        if optimizer == "RMSprop":
            settings.pop("momentum")
    if generation == K24:
        settings.update(decay=0.0, name=optimizer)
    if generation in (K212, K3):
        settings.update(name=optimizer, weight_decay=None, clipnorm=None, global_clipnorm=None, clipvalue=None,
                        use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None)
    if generation == K212:
        settings.update(jit_compile=True, is_legacy_optimizer=False)
    if generation == K3:
        settings.update(name=optimizer.lower(), loss_scale_factor=None, gradient_accumulation_steps=None)
    found = {"class_name": optimizer, "config": settings}
    if generation == K212:
        found.update(module="keras.optimizers", registered_name=None)
    return found


def training_of(optimizer, generation, loss):
    found = {"loss": loss, "metrics": ["accuracy"], "loss_weights": None, "weighted_metrics": None,
             "optimizer_config": optimizer_of(optimizer, generation)}
    if generation in (K20, K23):
        found["sample_weight_mode"] = None
    if generation in (K24, K212):
        found["metrics"] = [[{"class_name": "MeanMetricWrapper", "config": {
            "name": "accuracy", "dtype": "float32", "fn": "categorical_accuracy"}}]]
    if generation in (K212, K3):
        found.update(steps_per_execution=1 if generation == K3 else None, jit_compile=None, run_eagerly=False)
    return found


# ---- files ----

def state_names(model, optimizer, state, generation):
    """Keras 2.3's names; the others' are known."""
    if generation != K23:
        return named_state(model, optimizer, state, WEIGHTS[generation])
    word = {"m": "m" if optimizer == "Adam" else "moment", "v": "accumulator" if optimizer == "RMSprop" else "v"}
    found = [(f"{optimizer}/iterations:0", np.int64(state["steps"]))]
    found += [(f"training/{optimizer}/{word[s]}_{i}:0", a) for s, arrays in state["slots"].items()
              for i, a in enumerate(arrays)]
    if optimizer == "Adam":
        found += [(f"training/Adam/vhat_{i}:0", np.zeros(1, "f4")) for i in range(len(model.trained()))]
    return found


def write_h5(path, model, generation, optimizer, state, loss, functional=False):
    with h5py.File(path, "w") as f:
        put_text(f, "keras_version", VERSIONS[generation], WEIGHTS[generation])
        put_text(f, "backend", BACKENDS[generation], WEIGHTS[generation])
        put_text(f, "model_config", json.dumps(config_of(model, generation, functional)), WEIGHTS[generation])
        put_text(f, "training_config", json.dumps(training_of(optimizer, generation, loss)), WEIGHTS[generation])
        put_weights(f.create_group("model_weights"), model, WEIGHTS[generation])
        if state:
            group, listed = f.create_group("optimizer_weights"), state_names(model, optimizer, state, generation)
            put_list(group, "weight_names", [n for n, _ in listed], WEIGHTS[generation])
            for n, array in listed:
                group[n] = array


def write_keras(path, model, optimizer, state, generation, functional=False, blocks=False,
                named=True):
    """blocks: all momenta, then all velocities, as some Keras 3 made Adam's; 2.15 calls its layers otherwise."""
    config = dict(config_of(model, generation, functional), module="keras", registered_name=None)
    training = training_of(optimizer, generation, "categorical_crossentropy")
    config["compile_config"] = dict(training, optimizer=dict(training.pop("optimizer_config"), registered_name=None,
                                                             module="keras.optimizers"))
    if not named:
        del config["compile_config"]["optimizer"]
    weights = io.BytesIO(vars_h5(model, optimizer, state))
    with h5py.File(weights, "r+") as f:
        if blocks:
            names, vars_ = model.trained(), f["optimizer/vars"]
            arrays = [state["slots"][s][i] for s in state["slots"] for i in range(len(names))]
            for i, array in enumerate(arrays):
                del vars_[str(i + 2)]
                vars_[str(i + 2)] = array
        for cls, c, _ in model.layers:
            if cls == "Dropout" and generation == K3:  # the state of its random numbers, which is no weight
                number = c["name"][len("dropout"):]
                f.create_dataset(f"layers/dropout{number}/seed_generator/vars/0", data=[1, 2], dtype="u4")
        if generation == K212:
            f.move("layers", "_layer_checkpoint_dependencies")
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("metadata.json", json.dumps({"keras_version": VERSIONS[generation],
                                                "date_saved": "2025-01-01@12:00:00"}))
        z.writestr("config.json", json.dumps(config))
        z.writestr("model.weights.h5", weights.getvalue())


def make_whole(folder, name, model, generation, optimizer, functional=False):
    state = state_of(model, optimizer, K24 if generation == K23 else WEIGHTS[generation])
    if generation == K23 and optimizer == "RMSprop":
        state["slots"].pop("m")
    write_h5(f"{folder}/{name}.h5", model, generation, optimizer, state, "categorical_crossentropy", functional)
    note(folder, name, model, state, optimizer)


def make_theano(folder):
    """Keras turned such filters by half a turn, of the optimizer's state too."""
    model = pixels()
    make_whole(folder, "mnist-theano", model, K20, "SGD")
    with h5py.File(f"{folder}/mnist-theano.h5", "r+") as f:
        for where in (f, f["model_weights"]):
            del where.attrs["backend"]
            put_text(where, "backend", "theano", K20)
        for path in ("model_weights/conv2d/conv2d/kernel:0", "optimizer_weights/Variable:0"):
            f[path][...] = f[path][()][::-1, ::-1]


def make_sorted(folder):
    """Until 2.0.5 Keras sorted by name what an optimizer trains. With Theano the steps have no group, but a slash."""
    for optimizer in ("Adam", "SGD", "RMSprop"):
        model, path = normalized_twice(), f"{folder}/mnist-sorted-{optimizer}.h5"
        state = state_of(model, optimizer, K20)
        names = [f"{layer}/{name}" for layer, name, _ in model.trained()]
        order = sorted(range(len(names)), key=names.__getitem__)
        written = {s: [arrays[i] for i in order] for s, arrays in state["slots"].items()}
        write_h5(path, model, K20, optimizer, dict(state, slots=written), "categorical_crossentropy")
        note(folder, f"mnist-sorted-{optimizer}", model, state, optimizer)
        with h5py.File(path, "r+") as f:
            f.attrs["keras_version"] = np.bytes_("2.0.5")
            if optimizer != "RMSprop":
                f.move("optimizer_weights/iterations:0", "iterations")
                listed = [n.decode() for n in f["optimizer_weights"].attrs["weight_names"]]
                put_list(f["optimizer_weights"], "weight_names", ["/iterations", *listed[1:]], K20)


def named(model):
    """HDF5 keeps links in another way where one has a name that is not ASCII, and again in another one beyond 8."""
    model.layers[1][1]["name"] = "Größe 1"
    return model


def make_untrained(folder):
    """Saved before training, with no state but the steps; and a .keras that tells its optimizer's state and not which
    optimizer, as Keras 3 writes it behind an .h5 of the same model."""
    for optimizer in ("Adam", "SGD", "RMSprop"):
        model, name = perceptron(), f"begun-{optimizer}"
        write_h5(f"{folder}/{name}.h5", model, K3, optimizer, {"steps": 0, "slots": {}}, "categorical_crossentropy")
        note(folder, name, model)
    model = Model((4,), *[("Dense", dict(units=4, use_bias=False, activation=a)) for a in ("relu", "softmax")])
    write_keras(f"{folder}/unnamed.keras", model, "RMSprop", state_of(model, "RMSprop", K3), K3, named=False)
    note(folder, "unnamed", model)


def make(folder):
    logits = {"class_name": "BinaryCrossentropy", "config": {
        "name": "binary_crossentropy", "reduction": "auto", "from_logits": True, "label_smoothing": 0.0, "axis": -1}}
    for generation in VERSIONS:
        for optimizer in ("Adam", "SGD", "RMSprop"):
            make_whole(folder, f"mnist-mlp-{generation}-{optimizer}", perceptron(), generation, optimizer)
            make_whole(folder, f"mnist-bn-{generation}-{optimizer}", normalized_twice(), generation, optimizer)
        make_whole(folder, f"mnist-pixels-{generation}", pixels(), generation, "Adam")
        make_whole(folder, f"mnist-chain-{generation}", pixels(), generation, "RMSprop", functional=True)
        for last, loss in (("sigmoid", "binary_crossentropy"), ("linear", logits)):
            model = one_output(last)
            write_h5(f"{folder}/binary-{last}-{generation}.h5", model, generation, "Adam", None, loss)
            note(folder, f"binary-{last}-{generation}", model)
    for number, (model, functional) in enumerate(((perceptron, False), (pixels, True), (normalized_twice, True))):
        for generation, blocks in ((K212, False), (K3, False), (K3, True)):
            made, name = model(), f"zip-{number}-{generation}-{'blocks' if blocks else 'pairs'}"
            state = state_of(made, "Adam", K3)
            write_keras(f"{folder}/{name}.keras", made, "Adam", state, generation, functional, blocks)
            note(folder, name, made, state)
    for size in (-1, 27):
        make_whole(folder, f"mnist-reshaped-{abs(size)}", reshaped(size), K24, "RMSprop")
    make_theano(folder)
    make_sorted(folder)
    make_untrained(folder)
    for generation in (K20, K3):
        make_whole(folder, f"mnist-unicode-{generation}", named(perceptron()), generation, "Adam")


def make_refused(folder):
    """Of layers that this library has, with settings that it has not; in the words of each generation."""
    def hidden(config):
        return lambda layers: layers[-2].update(config(layers[-2]["config"]))

    def other(class_name, **settings):
        return hidden(lambda c: {"class_name": class_name, "config": {"name": c["name"], **settings}})

    faults = (
        ("leaky", "layer dropout_1 (LeakyReLU): layers of this class", other("LeakyReLU", alpha=0.3)),
        ("relu6", "the activation relu6 is not in this library", hidden(lambda c: {
            "class_name": "Activation", "config": {"name": c["name"], "activation": "relu6"}})),
        ("slope", "layer dropout_1 (ReLU): this negative_slope", other("ReLU", max_value=None, negative_slope=0.1)),
        ("noise", "layer dropout_1 (GaussianNoise): layers of this class", other("GaussianNoise", stddev=0.1)),
        ("reshape", "layer dropout_1 (Reshape): the target shape does not hold 8 numbers", other(
            "Reshape", target_shape=[9])),
        ("rank", "layer dropout_1 (Conv2D): its input has 2 dimensions", other(
            "Conv2D", filters=2, kernel_size=[1, 1])),
    )
    with open(f"{folder}/refused.txt", "w", encoding="utf-8") as listed:
        for generation in VERSIONS:
            for name, sentence, change in faults:
                path, model = f"refused-{name}-{generation}.h5", perceptron()
                write_h5(f"{folder}/{path}", model, generation, "Adam", None, "categorical_crossentropy")
                with h5py.File(f"{folder}/{path}", "r+") as f:
                    config = json.loads(f.attrs["model_config"])
                    change(config["config"] if generation == K20 else config["config"]["layers"])
                    put_text(f, "model_config", json.dumps(config), WEIGHTS[generation])
                listed.write(f"{path}\t{sentence}\n")
        model = named(normalized_twice())
        write_h5(f"{folder}/refused-unicode.h5", model, K3, "Adam", None, "categorical_crossentropy")
        listed.write("refused-unicode.h5\thas names that are not ASCII, and more than are read then\n")


if __name__ == "__main__":
    make(sys.argv[1])
    make_refused(sys.argv[1])

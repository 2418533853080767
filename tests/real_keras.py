# SPDX-License-Identifier: BSD-2-Clause
"""real_keras.py make FOLDER: models of the Keras that is installed, trained a step where its backend trains, in all its
formats, with images NAME.x and what it predicts, NAME.y, for tests/keras_files; a file to be refused.
real_keras.py verify FOLDER: loads what tests/keras_files wrote of them, and predicts the same.

Of the packages of Keras only what all of them have, 2.3 to 3: sequential models by add(), optimizers by name."""
import glob
import shutil
import sys

import keras
import numpy as np
from keras import layers

IMAGES = 3
modern = keras.__version__[0] == "3"
load = keras.saving.load_model if modern else keras.models.load_model


def start(shape):
    model = keras.models.Sequential()
    model.add(keras.Input(shape) if modern else layers.Activation("linear", input_shape=shape))
    return model


def mnist():
    yield layers.Conv2D(8, (5, 5), padding="same", activation="relu")
    yield layers.MaxPooling2D((2, 2))
    yield layers.Conv2D(6, (3, 3))
    yield layers.BatchNormalization()
    yield layers.Activation("relu")
    yield layers.Dropout(0.25)
    yield layers.Flatten()
    yield layers.Dense(9, activation="tanh")
    yield layers.Dense(5, activation="softmax")


def mixed():
    yield layers.ZeroPadding2D(((1, 0), (2, 1)))
    yield layers.Conv2D(6, (3, 3), strides=(2, 2), use_bias=False)
    yield layers.BatchNormalization(scale=False, epsilon=0.01)
    yield layers.AveragePooling2D((2, 2), strides=(1, 1))
    yield layers.Conv2D(4, (1, 1), activation="sigmoid")
    yield layers.GlobalAveragePooling2D()
    yield layers.Dense(5)
    yield layers.Activation("softmax")


def trains(model, x):
    """Keras' numpy backend does not train."""
    try:
        model.fit(x, np.arange(IMAGES) % 5, verbose=0)
        return True
    except NotImplementedError:
        return False


def save(folder, model, name, x):
    x.tofile(f"{folder}/{name}.x")
    np.asarray(model.predict(x, verbose=0)).astype("f4").tofile(f"{folder}/{name}.y")
    if modern:  # first: behind an .h5 Keras forgets the optimizer
        model.save(f"{folder}/{name}-3.keras")
        for end in "xy":
            shutil.copy(f"{folder}/{name}.{end}", f"{folder}/{name}-3.{end}")
    model.save(f"{folder}/{name}.h5")


def make(folder):
    x = np.random.default_rng(3).random((IMAGES, 12, 11, 2), dtype=np.float32)
    for optimizer in ("adam", "sgd", "rmsprop"):
        for maker in (mnist, mixed):
            model = start(x.shape[1:])
            for layer in maker():
                model.add(layer)
            model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
            kind = "mnist" if trains(model, x) else "still"  # "mnist": with an optimizer's state
            save(folder, model, f"{kind}-{maker.__name__}-{optimizer}", x)
    model = start(x.shape[1:])
    model.add(layers.GlobalMaxPooling2D())
    model.save(f"{folder}/refused-max.h5")
    with open(f"{folder}/refused.txt", "w", encoding="ascii") as listed:
        listed.write("refused-max.h5\t(GlobalMaxPooling2D): layers of this class are not in this library\n")


def verify(folder):
    paths = glob.glob(f"{folder}/*.again.*")
    for path in paths:
        if path.endswith(".keras") and not modern:
            continue
        base = path[:path.rindex(".again.")]
        x, y = np.fromfile(base + ".x", "f4").reshape(IMAGES, 12, 11, 2), np.fromfile(base + ".y", "f4")
        error = abs(np.asarray(load(path).predict(x, verbose=0)).ravel() - y).max()
        if not error < 2e-5:
            sys.exit(f"FAIL: {path}: Keras predicts something else, by {error}")
    if not paths:
        sys.exit("FAIL: nothing was written")
    print(len(paths), "files in Keras", keras.__version__)


if __name__ == "__main__":
    {"make": make, "verify": verify}[sys.argv[1]](sys.argv[2])

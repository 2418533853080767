#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The network of `fastcnn train` in PyTorch, at its best settings. Driven by compare_pytorch.sh.

Reads IDX files, tries settings against each other, which warms it up, and prints "ready"; then trains one epoch for
every empty line of standard input and answers with the seconds that took; at the end it prints its test accuracy. A
line with a number is a seed: a new model with Keras' initial weights trains five epochs, and on until 99 % of the
validation images are right; the answer is its test accuracy after five, the epochs and seconds of training to 99 %.
Data lie in memory as one tensor, no DataLoader; neither loss nor accuracy is read out while it trains."""
import argparse
import gzip
import itertools
import os
import statistics
import struct
import sys
import time

import torch
from torch import nn

TRIAL_STEPS = 40
EPOCHS, MOST_EPOCHS, GOAL = 5, 50, 0.99


def read_idx(folder, name):
    """An IDX file, plain or .gz, as a tensor of bytes."""
    path = os.path.join(folder, name)
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as file:
        data = bytearray(file.read())
    sizes = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    return torch.frombuffer(data, dtype=torch.uint8, offset=4 + 4 * data[3]).reshape(sizes)


def load(folder, part):
    images = read_idx(folder, part + "-images-idx3-ubyte").unsqueeze(1).float() / 255
    return images, read_idx(folder, part + "-labels-idx1-ubyte").long()


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(inplace=True), nn.Flatten(),
        nn.Linear(576, 64), nn.ReLU(inplace=True), nn.Linear(64, 10))


class Training:
    """One model with its optimizer, in one combination of settings."""

    def __init__(self, example, channels_last, foreach, traced, seed=1, as_keras=False):
        torch.manual_seed(seed)
        self.choice = (channels_last, foreach, traced)
        self.settings = ", ".join(("channels_last" if channels_last else "contiguous",
                                   "foreach Adam" if foreach else "Adam", "traced" if traced else "eager"))
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = network().to(memory_format=self.format)
        if as_keras:
            for layer in self.model:
                if hasattr(layer, "weight"):
                    nn.init.xavier_uniform_(layer.weight)
                    nn.init.zeros_(layer.bias)
        if traced:
            self.model = torch.jit.trace(self.model, example.contiguous(memory_format=self.format))
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, eps=1e-7, foreach=foreach)

    def train(self, images, labels, batch):
        """One pass in random order; seconds."""
        begin = time.perf_counter()
        for chosen in torch.randperm(len(labels)).split(batch):
            self.optimizer.zero_grad(set_to_none=True)
            x = images.index_select(0, chosen).contiguous(memory_format=self.format)
            self.loss(self.model(x), labels.index_select(0, chosen)).backward()
            self.optimizer.step()
        return time.perf_counter() - begin

    def accuracy(self, images, labels):
        with torch.no_grad():
            right = sum(int((self.model(x).argmax(1) == y).sum())
                        for x, y in zip(images.split(1000), labels.split(1000)))
        return right / len(labels)


def reach(training, train, validation, test, batch):
    """Test accuracy after EPOCHS; epochs and seconds of training until GOAL of the validation images are right."""
    seconds, goal, accuracy = 0.0, None, None
    for epoch in range(1, MOST_EPOCHS + 1):
        seconds += training.train(*train, batch)
        if not goal and training.accuracy(*validation) >= GOAL:
            goal = (epoch, seconds)
        if epoch == EPOCHS:
            accuracy = training.accuracy(*test)
        if goal and epoch >= EPOCHS:
            break
    return accuracy, *(goal or (0, 0.0))


def best_training(images, labels, batch):
    """The fastest combination: each trains some steps to get warm, then, in turns, three times as many."""
    some = slice(0, TRIAL_STEPS * batch)
    candidates = [Training(images[:batch], *choice) for choice in itertools.product((True, False), repeat=3)]
    for candidate in candidates:
        candidate.train(images[some], labels[some], batch)
    seconds = {candidate: [] for candidate in candidates}
    for _ in range(3):
        for candidate in candidates:
            seconds[candidate].append(candidate.train(images[some], labels[some], batch))
    medians = {candidate: statistics.median(times) for candidate, times in seconds.items()}
    for candidate in sorted(candidates, key=medians.get):
        print(f"tried {1e3 * medians[candidate] / TRIAL_STEPS:.2f} ms a step: {candidate.settings}", file=sys.stderr)
    return min(candidates, key=medians.get)


def blas():
    """The file that the dynamic linker took for BLAS (PyTorch's dense layers)."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        names = {line.split()[-1] for line in maps if "blas" in line and ".so" in line}
    return " ".join(sorted(names)) or "built in"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with MNIST's IDX files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--limit", type=int, default=60000, help="use at most so many training images")
    parser.add_argument("--validation-split", type=float, default=0.2, help="part that is not trained on")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    images, labels = load(options.data, "train")
    limit = min(options.limit, len(labels))
    count = int(limit * (1 - options.validation_split))
    validation = images[count:limit], labels[count:limit]
    images, labels = images[:count], labels[:count]
    print(f"PyTorch {torch.__version__}, oneDNN {torch.backends.mkldnn.is_available()}, BLAS {blas()}", file=sys.stderr)
    training = best_training(images, labels, options.batch_size)
    print(f"PyTorch trains with: {training.settings}, denormals flushed, {torch.get_num_threads()} threads",
          file=sys.stderr)
    print("ready", flush=True)
    for line in sys.stdin:
        if not line.strip():
            print(f"{training.train(images, labels, options.batch_size):.6f}", flush=True)
            continue
        model = Training(images[:options.batch_size], *training.choice, seed=int(line), as_keras=True)
        accuracy, epochs, seconds = reach(model, (images, labels), validation, load(options.data, "t10k"),
                                          options.batch_size)
        print(f"{accuracy:.4f} {epochs} {seconds:.3f}", flush=True)
    print(f"PyTorch's test accuracy: {training.accuracy(*load(options.data, 't10k')):.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()

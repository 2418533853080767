#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Predictions of the MNIST model by PyTorch at its best, and by `fastcnn-bench --model`, in turns. Called by
compare_pytorch.sh --predict.

PyTorch's settings are tried against each other first: memory formats; eager, traced and frozen, or
optimized for inference; for 10,000 images also how many it takes at once. All run in inference_mode, denormals are
flushed, images lie in memory as one tensor, and softmax is inside, as it is in fcnn_predict(). Times are taken alike on
both sides: one image by the clock, many by the calling thread's time where there is one thread, else by the clock."""
import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn

from pytorch_mnist import network

IMAGES, SOME, CALLS = 10000, 1000, 300
ONE, P99, MANY = (1, "median"), (1, "p99"), (IMAGES, "median")


class Candidate:
    """The model in one combination of settings, for batches of `size`."""

    def __init__(self, images, size, channels_last, how):
        self.settings = f"{'channels_last' if channels_last else 'contiguous'}, {how}"
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.parts = [part.contiguous(memory_format=self.format) for part in images.split(size)]
        self.model = nn.Sequential(network(), nn.Softmax(1)).eval().to(memory_format=self.format)
        if how != "eager":
            self.model = torch.jit.freeze(torch.jit.trace(self.model, self.parts[0]))
        if how == "optimized":
            self.model = torch.jit.optimize_for_inference(self.model)

    def predict(self, clock):
        """All images; seconds."""
        begin = clock()
        for part in self.parts:
            self.model(part)
        return clock() - begin


def best(images, sizes, clock, trials):
    """The fastest combination and its size, after two calls of each to get warm, by the median of `trials` in turns."""
    settings = itertools.product(sizes, (True, False), ("eager", "frozen", "optimized"))
    candidates = [(size, rest, Candidate(images, size, *rest)) for size, *rest in settings]
    seconds = [[] for _ in candidates]
    for _ in range(2 + trials):
        for (_, _, candidate), times in zip(candidates, seconds):
            times.append(candidate.predict(clock))
    medians = [statistics.median(times[2:]) for times in seconds]
    for median, (size, _, candidate) in sorted(zip(medians, candidates), key=lambda pair: pair[0]):
        print(f"tried {len(images)} image{'s'[:len(images) > 1]}, {size} at once: {1e6 * median:.1f} us, "
              f"{candidate.settings}", file=sys.stderr)
    return candidates[medians.index(min(medians))][:2]


def ours(bench, threads):
    """What fastcnn-bench --model measures in two seconds: its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        result = subprocess.run([bench, "--model", f"--threads={threads}", "--budget=2", f"--json={path}"],
                                stdout=subprocess.DEVNULL, check=False)
        if result.returncode:
            sys.exit(f"compare_pytorch: {bench} --model: exit status {result.returncode}")
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def entry(program, threads, key, seconds, calls):
    """As fastcnn-bench --model writes it."""
    images, what = key
    name = f"mnist.model/{program.split()[0]}/predict@{images}_{what}"
    return {"name": name, "run_name": name, "run_type": "aggregate", "aggregate_name": what, "iterations": calls,
            "real_time": 1e6 * seconds, "cpu_time": 1e6 * seconds, "time_unit": "us",
            "items_per_second": images / seconds, "program": program, "threads": threads, "images": images}


def round_of(alone, many, clock):
    """PyTorch's numbers of one round, and how many calls they are from."""
    times = sorted(alone.predict(time.perf_counter) for _ in range(CALLS))
    return {ONE: (statistics.median(times), CALLS), P99: (times[int(0.99 * (CALLS - 1))], CALLS),
            MANY: (statistics.median(many.predict(clock) for _ in range(3)), 3)}


def take(document):
    return {(one["images"], one["aggregate_name"]): (one["real_time"] / 1e6, one["iterations"])
            for one in document["benchmarks"]}


def middle(rounds, key):
    """Median over rounds, the least and the greatest, calls of all."""
    seconds = [one[key][0] for one in rounds]
    return statistics.median(seconds), min(seconds), max(seconds), sum(one[key][1] for one in rounds)


def write(path, document, programs, threads):
    document["benchmarks"] = [entry(program, threads, key, middle(rounds, key)[0], middle(rounds, key)[3])
                              for program, rounds in programs.items() for key in (ONE, P99, MANY)]
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="./fastcnn-bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", help="write the medians of both there")
    options = parser.parse_args()
    if options.json and not os.access(os.path.dirname(options.json) or ".", os.W_OK):
        sys.exit(f"compare_pytorch: {options.json}: cannot be written")
    clock = time.perf_counter if options.threads > 1 else time.thread_time
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    images = torch.rand(IMAGES, 1, 28, 28)
    with torch.inference_mode():
        alone = Candidate(images[:1], 1, *best(images[:1], (1,), time.perf_counter, 50)[1])
        size, how = best(images[:SOME], (50, 200, SOME), clock, 3)
        many = Candidate(images, size, *how)
        for _ in range(50):
            alone.predict(clock)
        many.predict(clock)
        print(f"PyTorch predicts one image with: {alone.settings}; {IMAGES} with: {many.settings}, {size} at once; "
              f"{torch.get_num_threads()} threads", file=sys.stderr)
        mine, theirs = [], []
        for _ in range(options.rounds):
            document = ours(options.bench, options.threads)
            mine.append(take(document))
            theirs.append(round_of(alone, many, clock))
    programs = {document["benchmarks"][0]["program"]: mine, f"PyTorch {torch.__version__}": theirs}
    print(f"The MNIST model, threads: {options.threads}, "
          f"median (least to greatest) of {options.rounds} rounds in turns:")
    for key, what in ((ONE, "1 image"), (P99, "1 image, p99"), (MANY, f"{IMAGES} images")):
        for program, rounds in programs.items():
            median, least, most, _ = middle(rounds, key)
            unit, scale = ("us", 1e6) if key[0] == 1 else ("ms", 1e3)
            print(f"{what:14} {program:18} {scale * median:8.1f} {unit} ({scale * least:.1f} to {scale * most:.1f})"
                  f"{key[0] / median:10.0f} images/s")
        ratio = middle(theirs, key)[0] / middle(mine, key)[0]
        print(f"{what:14} PyTorch / fastcnn  {ratio:8.2f}")
    if options.json:
        write(options.json, document, programs, options.threads)


if __name__ == "__main__":
    main()

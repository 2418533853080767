#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/receipts/make.sh FASTCNN FOLDER: makes the receipts that are committed here. Where they differ from these,
# either "numerics N" has risen, and they are to be replaced, or a bit is wrong.
set -eu
fastcnn=$1 to=$2 here=$(dirname "$0")
export FASTCNN_TUNING=off
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_ISA
make() { name=$1; shift; $fastcnn train --quiet "$@" --receipt "$to/$name.json" >/dev/null; }
make tiny --model "$here/tiny.txt" --limit 20 --validation-split 0.5 --batch-size 4 --epochs 2 --trail "$to/tiny.trail"
rm -f "$to/tiny.trail"
make mnist --limit 40 --batch-size 16 --epochs 2
make layers --model "$here/layers.txt" --limit 100 --batch-size 32 --epochs 2
make layers_amd --model "$here/layers.txt" --limit 100 --batch-size 32 --epochs 2 --seed 3
make mnist_amd --limit 40 --batch-size 16 --epochs 2 --seed 3
make winograd_f2 --model "$here/winograd.txt" --limit 24 --batch-size 8 --epochs 1 --math exact,winograd_f2
make winograd_f4 --model "$here/winograd.txt" --limit 24 --batch-size 8 --epochs 1 --math exact,winograd_f4

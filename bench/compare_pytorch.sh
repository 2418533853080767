#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One epoch of the MNIST network in turns: fastcnn, PyTorch, fastcnn, PyTorch, ... Prints medians, spread and ratio.
# PyTorch stays one warm process at its best settings (pytorch_mnist.py); fastcnn starts cold for every epoch.
# Exit status: 0, 1 if something failed, 64 usage, 77 without PyTorch or without data.

usage() {
    cat <<'END'
Usage: bench/compare_pytorch.sh [--data=DIR] [--rounds=N] [--threads=N] [--limit=N]
  --data=DIR   folder with MNIST's IDX files (default ../shared/mnist)
  --rounds=N   epochs of each (default 5)
  --threads=N  of each (default 2)
  --limit=N    train with at most N images (default 60000, of which 0.2 are kept for validation)
FASTCNN names the program (default ./fastcnn), PYTHON the interpreter that has PyTorch.
END
}

data=../shared/mnist rounds=5 threads=2 limit=60000
for argument; do
    case $argument in
    --data=*) data=${argument#*=} ;;
    --rounds=*) rounds=${argument#*=} ;;
    --threads=*) threads=${argument#*=} ;;
    --limit=*) limit=${argument#*=} ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
    esac
done
case $rounds.$threads.$limit in
*[!0-9.]* | .* | *..* | *.) usage >&2 && exit 64 ;;
esac

fastcnn=${FASTCNN:-./fastcnn}
here=$(dirname "$0")
trap '' PIPE # a PyTorch that ended is reported below
[ -x "$fastcnn" ] || { echo "compare_pytorch: $fastcnn is not there: run make, or set FASTCNN" >&2 && exit 1; }
for python in ${PYTHON:-python3 /usr/bin/python3}; do
    "$python" -c 'import torch' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "SKIP: no PyTorch (Debian: apt-get install python3-torch libopenblas0-openmp)" && exit 77; }
[ -e "$data/train-images-idx3-ubyte.gz" ] || [ -e "$data/train-images-idx3-ubyte" ] ||
    { echo "SKIP: no IDX files in $data (--data=DIR)" && exit 77; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/compare_pytorch.XXXXXX") || exit 1
mkfifo "$folder/go" "$folder/answer"
# OpenBLAS with threads of its own would compete with PyTorch's.
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=$threads "$python" "$here/pytorch_mnist.py" --data="$data" \
    --threads="$threads" --limit="$limit" <"$folder/go" >"$folder/answer" &
child=$!
trap 'kill $child 2>/dev/null; rm -rf "$folder"' EXIT
exec 3>"$folder/go" 4<"$folder/answer"

fail() {
    echo "compare_pytorch: $*" >&2
    exit 1
}

read -r ready <&4 || fail "PyTorch did not get ready"
[ "$ready" = ready ] || fail "PyTorch said $ready"
: >"$folder/times"
round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    "$fastcnn" train --data="$data" --limit="$limit" --threads="$threads" --epochs=1 --quiet --json \
        >"$folder/fastcnn.json" || fail "$fastcnn train failed"
    ours=$(sed -n 's/.*"training_seconds": *\([0-9.e-]*\).*/\1/p' "$folder/fastcnn.json")
    echo >&3
    read -r theirs <&4 || fail "PyTorch ended early"
    echo "round $round: fastcnn $ours s, PyTorch $theirs s"
    echo "$ours $theirs" >>"$folder/times"
done
exec 3>&- # PyTorch sees the end, tests and leaves
wait $child || fail "PyTorch failed"
accuracy=$(sed -n '/"test"/,/}/s/.*"accuracy": *\([0-9.]*\).*/\1/p' "$folder/fastcnn.json")
echo "fastcnn's test accuracy: $accuracy, after one epoch"

# report NAME UNIT < NUMBERS: their median, least and greatest.
report() {
    sort -n | awk -v name="$1" -v unit="$2" '{ x[NR] = $1 }
        END { median = (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2
              printf "%-18s %.3f%s (%.3f to %.3f)\n", name, median, unit, x[1], x[NR] }'
}
echo "Training steps of one epoch, threads: $threads, median (least to greatest) of $rounds rounds in turns:"
awk '{ print $1 }' "$folder/times" | report fastcnn ' s'
awk '{ print $2 }' "$folder/times" | report PyTorch ' s'
awk '{ print $2 / $1 }' "$folder/times" | report 'PyTorch / fastcnn' ''

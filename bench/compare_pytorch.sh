#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One epoch of the MNIST network in turns: fastcnn, PyTorch, fastcnn, PyTorch, ... Prints medians, spread and ratio.
# With --seeds whole trainings: the test accuracy after five epochs, and the time to 99 % of the validation images.
# With --predict the latency of one image and the prediction of 10,000 (pytorch_predict.py), without any data.
# PyTorch stays one warm process at its best settings (pytorch_mnist.py); fastcnn starts cold for every epoch.
# Exit status: 0, 1 if something failed, 64 usage, 77 without PyTorch or without data.

usage() {
    cat <<'END'
Usage: bench/compare_pytorch.sh [--data=DIR] [--rounds=N | --seeds=N] [--threads=N] [--limit=N]
       bench/compare_pytorch.sh --predict [--rounds=N] [--threads=N] [--json=FILE]
  --data=DIR   folder with MNIST's IDX files (default ../shared/mnist)
  --rounds=N   epochs of each, or looks at predictions (default 5)
  --seeds=N    seeds 1 to N of each, for each five epochs and as many as it takes to reach 99 %
  --threads=N  of each (default 2)
  --limit=N    train with at most N images (default 60000, of which 0.2 are kept for validation)
  --json=FILE  the medians of both, for fastcnn-bench --report
FASTCNN names the program (default ./fastcnn), FASTCNN_BENCH that of --predict (default ./fastcnn-bench), PYTHON the
interpreter that has PyTorch.
END
}

data=../shared/mnist rounds=5 seeds=0 threads=2 limit=60000 predict='' json=''
for argument; do
    case $argument in
    --data=*) data=${argument#*=} ;;
    --rounds=*) rounds=${argument#*=} ;;
    --seeds=*) seeds=${argument#*=} rounds=0 ;;
    --threads=*) threads=${argument#*=} ;;
    --limit=*) limit=${argument#*=} ;;
    --predict) predict=yes ;;
    --json=?*) json=$argument ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
    esac
done
case $rounds.$seeds.$threads.$limit in
*[!0-9.]* | .* | *..* | *. | 0.0.*) usage >&2 && exit 64 ;;
esac

[ "$threads" -gt 0 ] || { usage >&2 && exit 64; }
# --json and --seeds are of one kind of comparison each
[ -n "$predict" ] || [ -z "$json" ] || { usage >&2 && exit 64; }
[ -z "$predict" ] || [ "$seeds" = 0 ] || { usage >&2 && exit 64; }

fastcnn=${FASTCNN:-./fastcnn} bench=${FASTCNN_BENCH:-./fastcnn-bench}
here=$(dirname "$0")
trap '' PIPE # a PyTorch that ended is reported below
needed=$fastcnn variable=FASTCNN
[ -z "$predict" ] || needed=$bench variable=FASTCNN_BENCH
[ -x "$needed" ] || { echo "compare_pytorch: $needed is not there: run make, or set $variable" >&2 && exit 1; }
for python in ${PYTHON:-python3 /usr/bin/python3}; do
    "$python" -c 'import torch' 2>/dev/null && break
    python=
done
[ -n "$python" ] || { echo "SKIP: no PyTorch (Debian: apt-get install python3-torch libopenblas0-openmp)" && exit 77; }
# OpenBLAS with threads of its own would compete with PyTorch's.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS="$threads"
if [ -n "$predict" ]; then
    exec "$python" -B "$here/pytorch_predict.py" --bench="$bench" --rounds="$rounds" --threads="$threads" \
        ${json:+"$json"}
fi
[ -e "$data/train-images-idx3-ubyte.gz" ] || [ -e "$data/train-images-idx3-ubyte" ] ||
    { echo "SKIP: no IDX files in $data (--data=DIR)" && exit 77; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/compare_pytorch.XXXXXX") || exit 1
mkfifo "$folder/go" "$folder/answer"
"$python" "$here/pytorch_mnist.py" --data="$data" \
    --threads="$threads" --limit="$limit" <"$folder/go" >"$folder/answer" &
child=$!
trap 'kill $child 2>/dev/null; rm -rf "$folder"' EXIT
exec 3>"$folder/go" 4<"$folder/answer"

fail() {
    echo "compare_pytorch: $*" >&2
    exit 1
}

# ours OPTION...: what `fastcnn train` prints as JSON, in $folder/fastcnn.json. member NAME AFTER: a number in it, the
# first of that name behind the line with AFTER.
ours() {
    "$fastcnn" train --data="$data" --limit="$limit" --threads="$threads" --quiet --json "$@" \
        >"$folder/fastcnn.json" || fail "$fastcnn train failed"
}
member() {
    sed -n "/\"$2\"/,\$s/.*\"$1\": *\([0-9.e+-]*\).*/\1/p" "$folder/fastcnn.json" | head -n 1
}

# report NAME UNIT < NUMBERS: their median, least and greatest.
report() {
    sort -n | awk -v name="$1" -v unit="$2" '{ x[NR] = $1 }
        END { median = (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2
              printf "%-18s %.4g%s (%.4g to %.4g)\n", name, median, unit, x[1], x[NR] }'
}
column() { awk -v n="$1" '{ print $n }' "$folder/times"; }

read -r ready <&4 || fail "PyTorch did not get ready"
[ "$ready" = ready ] || fail "PyTorch said $ready"
: >"$folder/times"
round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    ours --epochs=1
    mine=$(member training_seconds history)
    echo >&3
    read -r theirs <&4 || fail "PyTorch ended early"
    echo "round $round: fastcnn $mine s, PyTorch $theirs s"
    echo "$mine $theirs" >>"$folder/times"
done
seed=0
while [ $seed -lt "$seeds" ]; do
    seed=$((seed + 1))
    ours --epochs=5 --seed=$seed
    accuracy=$(member accuracy test)
    ours --until=0.99 --seed=$seed
    epochs=$(member epochs until) seconds=$(member training_seconds until)
    echo $seed >&3
    read -r theirs <&4 || fail "PyTorch ended early"
    echo "$accuracy $epochs $seconds $theirs" | tee -a "$folder/times" | sed "s/^/seed $seed: /
s/\(.*\) \(.*\) \(.*\) \(.*\) \(.*\) \(.*\)/\1 after 5 epochs, 99 % in \2 epochs, \3 s; PyTorch \4, \5 epochs, \6 s/"
done
exec 3>&- # PyTorch sees the end, tests and leaves
wait $child || fail "PyTorch failed"
if [ "$seeds" -gt 0 ]; then
    echo "Test accuracy after 5 epochs, seconds of training steps to 99 % of the validation images; threads: $threads,"
    echo "median (least to greatest) of seeds 1 to $seeds:"
    column 1 | report fastcnn ''
    column 4 | report PyTorch ''
    column 3 | report fastcnn ' s'
    column 6 | report PyTorch ' s'
    exit
fi
echo "fastcnn's test accuracy: $(member accuracy test), after one epoch"
echo "Training steps of one epoch, threads: $threads, median (least to greatest) of $rounds rounds in turns:"
column 1 | report fastcnn ' s'
column 2 | report PyTorch ' s'
awk '{ print $2 / $1 }' "$folder/times" | report 'PyTorch / fastcnn' ''

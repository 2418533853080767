#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does Winograd change what training reaches? Trains on MNIST with five seeds, exact and with Winograd allowed, and
# prints the test accuracies. Minutes. Exit status: 0, 1 if something failed, 64 usage, 77 without data.

usage() {
    cat <<'END_OF_USAGE'
Usage: bench/winograd_accuracy.sh DIR
DIR is the folder with MNIST's IDX files. FASTCNN names the program (default ./fastcnn).
END_OF_USAGE
}

[ "$*" = --help ] && usage && exit 0
case ${1-} in
-* | '') usage >&2 && exit 64 ;;
esac
[ $# -eq 1 ] || { usage >&2 && exit 64; }
data=$1
fastcnn=${FASTCNN:-./fastcnn}
[ -x "$fastcnn" ] || { echo "winograd_accuracy: $fastcnn is not there: run make, or set FASTCNN" >&2 && exit 1; }
[ -e "$data/train-images-idx3-ubyte.gz" ] || [ -e "$data/train-images-idx3-ubyte" ] ||
    { echo "SKIP: no IDX files in $data" && exit 77; }

# accuracy CLASSES SEED: what the test says, or the end of all.
accuracy() {
    printed=$(FASTCNN_MATH=$1 "$fastcnn" train --data "$data" --seed "$2" --verbose 0) &&
        reached=$(echo "$printed" | sed -n 's/^test .*accuracy //p') && [ -n "$reached" ] && return
    echo "winograd_accuracy: $fastcnn train failed with seed $2" >&2
    exit 1
}

list=
printf '%-6s %10s %14s\n' seed exact winograd_f4
for seed in 1 2 3 4 5; do
    accuracy exact $seed && exact=$reached
    accuracy exact,winograd_f4 $seed
    printf '%-6s %10s %14s\n' $seed "$exact" "$reached"
    list="$list$exact $reached
"
done
printf %s "$list" | awk '
    { e[NR] = $1; w[NR] = $2; se += $1; sw += $2 }
    END { for (i = 1; i <= NR; i++) { de += (e[i] - se / NR) ^ 2; dw += (w[i] - sw / NR) ^ 2 }
          printf "%-6s %10.4f %14.4f\n", "mean", se / NR, sw / NR
          printf "%-6s %10.4f %14.4f\n", "stddev", sqrt(de / (NR - 1)), sqrt(dw / (NR - 1)) }'

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Whole programs, from start to exit, timed by hyperfine: `fastcnn train` on synthetic digits, one epoch, with one
# thread and two, and with less than dispatch would take. Drawing the digits, measuring the peak and
# evaluating are inside. fastcnn-bench --report takes what this writes.
# Exit status: 0, 1 if a program failed, 64 usage, 77 without hyperfine.

usage() {
    cat <<'END'
Usage: bench/programs.sh [--runs=N] [--limit=N] [--out=FOLDER] [PROGRAM]
  --runs=N      of each command (default 10)
  --limit=N     synthetic digits to train with (default 12000, of which 0.2 are kept for validation)
  --out=FOLDER  for programs.json, programs.md and train *.json (default bench/out)
PROGRAM is fastcnn (default ./fastcnn).
END
}

runs=10 limit=12000 out=bench/out fastcnn=./fastcnn
for argument; do
    case $argument in
    --runs=*) runs=${argument#*=} ;;
    --limit=*) limit=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --help) usage && exit 0 ;;
    -*) usage >&2 && exit 64 ;;
    *) fastcnn=$argument ;;
    esac
done
case $runs.$limit in
*[!0-9.]* | .* | *. | [01].*) usage >&2 && exit 64 ;; # one run has no spread
esac
command -v hyperfine >/dev/null || { echo "SKIP: no hyperfine (Debian: hyperfine)" && exit 77; }
[ -x "$fastcnn" ] || { echo "programs: $fastcnn is not there: run make, or name it" >&2 && exit 1; }
mkdir -p "$out" || exit 1

# name|options
variants="1 thread|--threads=1
2 threads|--threads=2
1 thread, no pool-sparse kernels|--threads=1 --kernel='*_direct_*'
1 thread, im2col|--threads=1 --kernel='*_im2col_*'
1 thread, avx2|--threads=1 --isa=avx2
1 thread, Winograd allowed|--threads=1 --math=exact,winograd_f4"
train="'$fastcnn' train --quiet --epochs=1 --limit=$limit"

set --
while IFS='|' read -r name options; do
    set -- "$@" --command-name="$name" "$train $options"
done <<END
$variants
END
# Commands run one after the other, so that a slow minute hits one of them: read the spread beside the means.
hyperfine --shell=none --warmup=1 --runs="$runs" --export-json="$out/programs.json" \
    --export-markdown="$out/programs.md" "$@" || exit 1

# Each once more, for what it says of its epoch and of the bound.
while IFS='|' read -r name options; do
    eval "$train $options --json" </dev/null >"$out/train $name.json" || exit 1
done <<END
$variants
END
echo "Written: $out/programs.json, $out/programs.md, $out/train *.json"

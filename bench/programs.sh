#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Whole programs, from start to exit, timed by hyperfine: `fastcnn train` on synthetic digits, one epoch, with one
# thread and two, and with less than dispatch would take. Drawing the digits, measuring the peak and
# evaluating are inside.
# Exit status: 0, 1 if a program failed, 64 usage, 77 without hyperfine.

usage() {
    cat <<'END'
Usage: bench/programs.sh [--runs=N] [--limit=N] [--out=FOLDER] [PROGRAM]
  --runs=N      of each command (default 10)
  --limit=N     synthetic digits to train with (default 12000, of which 0.2 are kept for validation)
  --out=FOLDER  for programs.json and programs.md (default bench/out)
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

train="'$fastcnn' train --quiet --epochs=1 --limit=$limit"
# Commands run one after the other, so that a slow minute hits one of them: read the spread beside the means.
hyperfine --shell=none --warmup=1 --runs="$runs" --export-json="$out/programs.json" \
    --export-markdown="$out/programs.md" \
    --command-name='1 thread' "$train --threads=1" \
    --command-name='2 threads' "$train --threads=2" \
    --command-name='1 thread, no pool-sparse kernels' "$train --threads=1 --kernel='*_direct_*'" \
    --command-name='1 thread, im2col' "$train --threads=1 --kernel='*_im2col_*'" \
    --command-name='1 thread, avx2' "$train --threads=1 --isa=avx2" \
    --command-name='1 thread, Winograd allowed' "$train --threads=1 --math=exact,winograd_f4" || exit 1
echo "Written: $out/programs.json, $out/programs.md"

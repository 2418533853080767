#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The commands of docs/tutorial.md: the blocks marked sh run in order, in an empty folder, and each of their commands
# succeeds; what the text says of them holds. Run in the build folder; FCNN_RUN precedes the program.
set -u
if [ -n "${FCNN_RUN-}" ]; then
    echo "SKIP: takes too long behind FCNN_RUN"
    exit 77
fi
export FASTCNN_TUNING=off
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_NUM_THREADS OMP_NUM_THREADS
tutorial=$(realpath "${top_srcdir-.}/docs/tutorial.md")
build=$PWD
work=$(mktemp -d "$PWD/check_tutorial.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/scratch"
# libtool's script finds the library by the folder that it is called in.
printf '#!/bin/sh\nexec "%s/fastcnn" "$@"\n' "$build" >"$work/bin/fastcnn"
chmod +x "$work/bin/fastcnn"
PATH=$work/bin:$PATH

awk '/^```sh$/ { on = 1; next } /^```/ { on = 0 } on' "$tutorial" >"$work/commands"
commands=$(grep -c '^fastcnn ' "$work/commands")
[ "$commands" -gt 8 ] || { echo "FAIL: only $commands commands found in $tutorial"; exit 1; }

if command -v bash >/dev/null; then shell=bash; else shell=sh; fi
cd "$work/scratch" || exit 1
if ! $shell -e -x "$work/commands" >"$work/out" 2>"$work/err"; then
    echo "FAIL: a command of docs/tutorial.md fails; the last lines of what was said:"
    tail -n 5 "$work/out" "$work/err"
    if grep -q 'without HDF5' "$work/err"; then echo 'SKIP: built without HDF5'; exit 77; fi
    exit 1
fi
failed=0
for file in digits.keras digits.h5 best.keras kept.keras small.keras first.json second.csv digits.html digits.png \
    blurred.png edges.png horizontal.png; do
    [ -s $file ] || { echo "FAIL: no $file"; failed=1; }
done
# 3 + 1 epochs are 4: the second and the third training.
grep '^receipt' "$work/out" | sed -n '2p;3p' | uniq | wc -l | grep -qx 1 ||
    { echo "FAIL: training that goes on ends elsewhere:"; grep '^receipt' "$work/out"; failed=1; }
grep -q '^reached   accuracy 0\.[89]' "$work/out" || { echo "FAIL: --until 0.8 reached nothing"; failed=1; }
[ $failed -eq 0 ] && echo "$commands commands"
exit $failed

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No memory: the program with its n-th allocation failing, and with all from the n-th on. It either does what it does
# otherwise, bit for bit, or ends with a sentence and exit status 71 (out of memory). Run in the build folder.
set -u
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_ISA FCNN_BREAK_AT FCNN_BREAK_COUNT
export FASTCNN_TUNING=off
export FASTCNN_NUM_THREADS=1
skip() { echo "SKIP: $*"; exit 77; }
[ -z "${FCNN_RUN-}" ] || skip 'an emulator would take long'
case ${CFLAGS-} in *-fsanitize*) skip 'sanitizers have allocators of their own' ;; esac
program=$PWD/tests/broken_fastcnn
[ -x "$program" ] || skip "$program was not built"
work=$(mktemp -d "$PWD/check_memory.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failed=0 runs=0 refused=0

# Without what differs from run to run.
timeless() { sed -e '/^epoch /d' -e '/^bound /d' -e '/ the epoch runs at /d' -e '/^repeated /d' "$1"; }

try() # which allocation, how many fail, then arguments of the program
{
    at=$1 count=$2; shift 2
    FCNN_BREAK_AT=$at FCNN_BREAK_COUNT=$count "$program" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    runs=$((runs + 1))
    case $got in
    0) timeless "$work/out" >"$work/now"; cmp -s "$work/now" "$work/want" && return ;;
    71) refused=$((refused + 1)); [ -s "$work/err" ] && return ;;
    esac
    failed=$((failed + 1))
    echo "FAIL: FCNN_BREAK_AT=$at FCNN_BREAK_COUNT=$count fastcnn $*: exit status $got"
    head -n 3 "$work/err"
}

each() # numbers of allocations, then arguments of the program
{
    numbers=$1; shift
    "$program" "$@" >"$work/all" 2>"$work/err" || { cat "$work/err"; echo "FAIL: fastcnn $*"; exit 1; }
    timeless "$work/all" >"$work/want"
    for n in $numbers; do
        try "$n" 1 "$@"
        try "$n" 1000000 "$@"
    done
}

few='1 2 3 4 5 6 7 8 9 10 12 14 17 20 25 30 40 50 70 100 150 200 300'
each "$few" --version
each "$few" list --op relu
each "$few 500 1000" list --json
each "$few" explain 'conv2d forward mb2ic3ih9oc5kh3'
each "$few" explain --json 'conv2d forward mb2ic3ih9oc5kh3'
each "$few" train --limit 20 --epochs 1 --batch-size 8 --quiet
"$program" train --limit 20 --epochs 1 --quiet --receipt "$work/run.json" --trail "$work/run.trail" \
    >"$work/out" || exit 1
each "$few 500 700 1000" verify --quiet "$work/run.json" --trail "$work/run.trail"
each "$few" trail "$work/run.trail" "$work/run.trail"

[ "$refused" -gt 20 ] || { echo "FAIL: only $refused of $runs runs ended for lack of memory"; exit 1; }
echo "$runs runs, $refused ended for lack of memory"
[ "$failed" -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The weight hashes in README.md's table are what the commands beside them end at. The families of kernels that
# `prove` compares are for check_training; here one run with the same images and batches stands for them. Run in the
# build folder; FCNN_RUN goes before the program. FCNN_TEST_LONG=1: the five epochs of `train` too.
set -u
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE
export FASTCNN_TUNING=off
readme=$top_srcdir/README.md
failed=0

published() # the hash beside a command, and that it is the only one
{
    sed -n "s,^| \`$1\` | \`\([0-9a-f]\{32\}\)\` |\$,\1,p" "$readme"
}

compare() # command in the table, then the arguments of fastcnn that end at the same weights
{
    command=$1; shift
    want=$(published "$command")
    [ -n "$want" ] || { echo "FAIL: README.md has no hash for $command"; failed=1; return; }
    got=$(${FCNN_RUN-} ./fastcnn "$@" --quiet | sed -n 's/^receipt *weights *//p')
    [ "$got" = "$want" ] && echo "$command: $got" && return
    echo "FAIL: README.md has $want for $command; fastcnn $* ends at ${got:-nothing}"
    failed=1
}

compare './fastcnn prove --quick' train --limit 128 --batch-size 32 --epochs 1 --validation-split 0
if [ -z "${FCNN_RUN-}" ]; then
    compare './fastcnn prove' train --limit 256 --batch-size 32 --epochs 1 --validation-split 0
fi
if [ -n "${FCNN_TEST_LONG-}" ]; then
    compare './fastcnn train' train
else
    echo 'SKIP: the five epochs of ./fastcnn train; FCNN_TEST_LONG=1 runs them'
fi
quick=$(published './fastcnn prove --quick')
grep -q "All [0-9]* runs ended at the same weights: $quick" "$readme" ||
    { echo "FAIL: README.md's table of prove has another hash than the list of commands"; failed=1; }
exit $failed

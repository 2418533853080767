#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn-bench in small: exit status, tables, JSON, filters, options that cannot be understood.
# FASTCNN_BENCH names the program (default ./fastcnn-bench); skipped where it was not built.

bench=${FASTCNN_BENCH:-./fastcnn-bench}
if [ ! -x "$bench" ]; then
    echo "SKIP: $bench was not built (it needs g++ and Google Benchmark)"
    exit 77
fi
# What the caller's environment pins or caps is not the subject here.
unset FASTCNN_ISA FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_NUM_THREADS

folder=$(mktemp -d "${TMPDIR:-/tmp}/check_bench.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
failures=0
short="--benchmark_min_time=0.0005 --benchmark_repetitions=2"

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# expect STATUS ARGUMENT...: runs the program, keeps what it prints.
expect() {
    wanted=$1
    shift
    "$bench" "$@" >"$folder/out" 2>"$folder/err"
    status=$?
    [ $status -eq "$wanted" ] && return
    fail "fastcnn-bench $*: exit status $status, expected $wanted"
    sed 's/^/    /' "$folder/err"
}

has() { # has FILE TEXT
    grep -qF -- "$2" "$folder/$1" || fail "no \"$2\" in $1 of: $last"
}

last="one small layer"
# $short is several words
# shellcheck disable=SC2086
expect 0 --filter='mnist.dense2/*' --json="$folder/new/kernels.json" $short
for text in dense_fwd_naive dense_bwd_data_naive dense_bwd_weights_naive 'dense forward mb8ic64oc10' GFLOP/s 'peak%' \
    'x naive'; do
    has out "$text"
done
grep -q '^\* dense_fwd_' "$folder/out" || fail "dispatch's choice is not marked"
if command -v jq >/dev/null; then
    json=$folder/new/kernels.json
    jq -e '.context.kernel_threads == "1"' "$json" >/dev/null || fail "the JSON file does not parse or has no context"
    jq -e '[.benchmarks[] | select(.name == "mnist.dense2/dense_fwd_naive/real_time" and .run_type == "iteration")]
           | length == 2 and all(.[]; .["GFLOP/s"] > 0 and .percent_of_peak > 0 and .bytes > 0 and .error < 16)' \
        "$json" >/dev/null || fail "the JSON file lacks names or counters"
else
    echo "note: no jq, the JSON file was not read"
fi

last="a problem from the command line, two threads"
# shellcheck disable=SC2086
expect 0 --problem='maxpool backward_data mb2ic5ih13oh7kh3sh2ph1' --threads=2 --json="$folder/k.json" $short
has out maxpool_bwd_data_naive

last="no time"
expect 0 --filter='mnist.dense2/*' --budget=0.000001 --json="$folder/k.json"
has out 'not timed'

last="--list"
expect 0 --list
has out 'mnist.conv2_pool: conv2d+relu+maxpool backward_weights'
has out 'adam_update_naive'

last="--help"
expect 0 --help
has out 'Usage:'

last="nothing matches"
expect 64 --filter='no_such_kernel*' --json="$folder/k.json"
has err 'no_such_kernel*'
expect 64 --benchmark_filter=no_such_kernel --json="$folder/k.json"
has err 'no_such_kernel'

last="bad options"
expect 64 --no-such-option
expect 64 --threads=0
expect 64 --threads=2x
expect 64 --budget=fast
expect 64 --problem='conv2d sideways mb1'
has err 'sideways'
: >"$folder/file"
expect 73 --filter='mnist.dense2/*' --json="$folder/file/k.json"

[ $failures -eq 0 ] && echo "all checks passed"
[ $failures -eq 0 ]

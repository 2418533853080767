# SPDX-License-Identifier: BSD-2-Clause
# What tests of the program fastcnn-bench begin with: $bench, a $folder of their own, short runs, fail and expect, which
# count $failures. Exit status 77 where the program was not built.

bench=${FASTCNN_BENCH:-./fastcnn-bench}
if [ ! -x "$bench" ]; then
    echo "SKIP: $bench was not built (it needs g++ and Google Benchmark)"
    exit 77
fi
# What the caller's environment pins or caps is not the subject here.
top_srcdir=${top_srcdir:-.}
unset FASTCNN_ISA FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_NUM_THREADS
export FASTCNN_TUNING=off

folder=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
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

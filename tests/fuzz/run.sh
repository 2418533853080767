#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libFuzzer on what reads files of strangers: every tests/fuzz/NAME.c with the seeds in tests/fuzz/seeds/NAME, for
# FUZZ_SECONDS each (default 60), under the address and undefined-behaviour sanitizers; with FUZZ_RUNS=N instead the
# same N inputs in every run, which is what CI wants. FUZZ_TARGETS='png idx': these alone. The library is built here,
# with the naive kernels alone. What is found lies in fuzz/ of the build folder, where inputs of interest are kept from
# run to run. An input has at most 16 KiB: a reader that asks for 256 MiB at once for it is a finding, and so is a leak.
# Exit status 77: there is no clang with libFuzzer.
set -u
clang=${CLANG-clang} seconds=${FUZZ_SECONDS-60} source=$(cd "$top_srcdir" && pwd)
unset FASTCNN_ISA FASTCNN_MATH FASTCNN_KERNEL FASTCNN_NUM_THREADS FASTCNN_VERBOSE FASTCNN_CACHES
rm -rf fuzz/objects # of sources that are gone
mkdir -p fuzz/objects && cd fuzz || exit 1
checks='-fsanitize=address,undefined -fno-sanitize-recover=all'
echo 'int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n) { return b && n > 9; }' >probe.c
if ! command -v "$clang" >/dev/null || ! "$clang" -w -fsanitize=fuzzer,address probe.c -o probe 2>/dev/null; then
    echo "SKIP: $clang has no libFuzzer (apt-get install clang libclang-rt-14-dev)"
    exit 77
fi

# One object for each source, its name with the folder.
mkdir -p tree/kernels
grep -v '^KERNEL' "$source/kernels/kernels.def" >tree/kernels/kernels.def
grep '^KERNEL(.*_naive' "$source/kernels/kernels.def" >>tree/kernels/kernels.def
flags="-O1 -g -w -std=gnu11 -ffp-contract=off -D_GNU_SOURCE -DPACKAGE_VERSION=\"$FCNN_VERSION\" $checks"
flags="$flags -fsanitize=fuzzer-no-link -Itree -I$source -I$source/kernels -I$source/lib -I$source/lib/net"
flags="$flags ${OPENMP_CFLAGS--fopenmp} ${IO_CFLAGS-}"
# Of the programs what reads files, and what that needs.
programs='cli/history.c cli/json.c cli/kernel_text.c bench/context.c bench/json.c bench/json_read.c bench/results.c
    bench/shape_file.c bench/statistics.c tests/complaint.c'
for file in "$source"/lib/*.c "$source"/lib/tuning/*.c "$source"/lib/net/*.c "$source"/lib/io/*.c \
    "$source"/kernels/peak/*_scalar.c "$source"/reference/*.c $(printf "$source/%s " $programs); do
    case $file in *_double.c) continue ;; esac
    object=objects/$(echo "${file#"$source"/}" | tr / -).o
    echo "$clang $flags -c $file -o $object"
done >commands
xargs -P "$(nproc)" -I{} sh -c '{}' <commands || { echo 'FAIL: the library does not build'; exit 1; }
rm -f programs.a && ar rc programs.a objects/cli-* objects/bench-* objects/tests-* || exit 1
rm objects/cli-* objects/bench-* objects/tests-*

if [ -n "${FUZZ_RUNS-}" ]; then
    limit="-runs=$FUZZ_RUNS -seed=1"
    rm -rf corpus-*
else
    limit=-max_total_time=$seconds
fi
limit="$limit -max_len=16384 -malloc_limit_mb=256 -rss_limit_mb=1024 -timeout=10"
export ASAN_OPTIONS="${ASAN_OPTIONS+$ASAN_OPTIONS:}quarantine_size_mb=16:detect_leaks=1"
failed=0
for name in ${FUZZ_TARGETS-$(cd "$source/tests/fuzz" && ls *.c | sed 's/\.c$//')}; do
    file=$source/tests/fuzz/$name.c
    mkdir -p "corpus-$name"
    "$clang" $flags -fsanitize=fuzzer "$file" objects/*.o programs.a ${IO_LIBS-} -lm -lpthread -o "$name" ||
        { echo "FAIL: $name does not build"; failed=1; continue; }
    if ./"$name" $limit -artifact_prefix="found-$name-" -print_final_stats=1 \
        "corpus-$name" "$source/tests/fuzz/seeds/$name" >"$name.log" 2>&1; then
        echo "PASS: $name: $(grep number_of_executed_units "$name.log" | tr -dc '0-9') inputs"
    else
        tail -n 40 "$name.log"
        grep -E '^[^ ]+\.[ch]:[0-9]+|ERROR: ' "$name.log"
        echo "FAIL: $name"
        failed=1
    fi
done
exit "$failed"

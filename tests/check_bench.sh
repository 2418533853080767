#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn-bench in small: exit status, summary, tables, files, filters, options that cannot be understood.
# FASTCNN_BENCH names the program (default ./fastcnn-bench); skipped where it was not built.

. "${top_srcdir:-.}/tests/run_bench.sh"

has() { # has FILE TEXT
    grep -qF -- "$2" "$folder/$1" || fail "no \"$2\" in $1 of: $last"
}

last="one small layer"
# $short is several words
# shellcheck disable=SC2086
expect 0 --filter='mnist.dense2/*' --json="$folder/new/kernels.json" $short
for text in dense_fwd_naive dense_bwd_data_naive dense_bwd_weights_naive 'dense forward mb8ic64oc10' GFLOP/s 'peak%' \
    'mem%' 'x naive' 'Allocations and page faults inside the timed windows of our kernels: 0 and '; do
    has out "$text"
done
# The counters do count: preparations allocate.
grep -q 'preparations included: [1-9][0-9]* and [1-9]' "$folder/out" || fail "nothing is counted"
grep -q '^\* dense_fwd_' "$folder/out" || fail "dispatch's choice is not marked"
if command -v jq >/dev/null; then
    json=$folder/new/kernels.json
    jq -e '.context.kernel_threads == 1' "$json" >/dev/null || fail "the JSON file does not parse or has no context"
    jq -e '[.benchmarks[] | select(.name == "mnist.dense2/dense_fwd_naive/real_time" and .run_type == "iteration")]
           | length == 2 and all(.[]; .["GFLOP/s"] > 0 and .percent_of_peak > 0 and .bytes > 0 and .error < 16
                                      and .percent_of_memory > 0 and .threads == 1)' \
        "$json" >/dev/null || fail "the JSON file lacks names or counters"
    jq -e '[.benchmarks[] | select(.run_type == "iteration")]
           | length > 2 and all(.[]; .allocations == 0 and .page_faults >= 0)' \
        "$json" >/dev/null || fail "a kernel allocates while it runs"
    jq -e '[.benchmarks[] | select(.chosen)] | length > 0 and all(.[]; .problem and .class == "exact" and .kernel)' \
        "$json" >/dev/null || fail "the JSON file does not say what dispatch takes"
    # jq takes NaN for null, JSON does not know it
    grep -qi ': *-*\(nan\|inf\)' "$json" && fail "the JSON file has numbers that JSON does not know"
    # shellcheck disable=SC2086
    expect 0 --filter='mnist.relu1/*_naive' --benchmark_format=json $short
    jq -e '.benchmarks | length > 0' "$folder/out" >/dev/null || fail "--benchmark_format=json prints no JSON"
else
    echo "note: no jq, the JSON file was not read"
fi

last="a problem from the command line, two threads"
# shellcheck disable=SC2086
expect 0 --problem='maxpool backward_data mb2ic5ih13oh7kh3sh2ph1' --threads=2 --json="$folder/k.json" $short
has out maxpool_bwd_data_naive

last="no multiply-adds"
# shellcheck disable=SC2086
expect 0 --filter='mnist.relu1/*' --json="$folder/k.json" $short
grep -q '^\* relu_fwd_.*  -  *[0-9.]*  *[0-9.]*  *-  *-$' "$folder/out" || fail "relu has a peak%, or no mem%"

last="what dispatch takes"
expect 0 --list --choice --no-peers --filter='mnist.conv3/*'
has out '3 kernels on '

last="scaling"
# shellcheck disable=SC2086
expect 0 --scaling --no-peers --filter='mnist.dense2/*' --json="$folder/k.json" $short
for text in 'Times faster with 2 threads' 'a millisecond or more'; do has out "$text"; done
[ "$(grep -c '^  mnist\.dense2  .* [0-9.]*  *[0-9.]*  *[0-9.]*$' "$folder/out")" -eq 3 ] || fail "not three rows"
# shellcheck disable=SC2086
expect 0 --scaling --threads=3 --no-peers --problem='conv2d forward ic32ih56oc32kh3ph1' --json="$folder/k.json" $short
has out 'Times faster with 3 threads'
if command -v jq >/dev/null; then
    jq -e '[.benchmarks[] | select(.run_type == "iteration") | .threads] | sort == [1, 1, 3, 3]' "$folder/k.json" \
        >/dev/null || fail "the JSON file lacks windows of one or three threads"
fi
expect 64 --scaling --threads=1

last="no time"
expect 0 --filter='mnist.dense2/*' --budget=0.000001
has out 'not timed, or in too few windows'
has out 'windows were not timed'

last="no file where none is asked for"
mkdir "$folder/empty"
program=$(cd "$(dirname "$bench")" && pwd)/$(basename "$bench")
# shellcheck disable=SC2086
(cd "$folder/empty" && "$program" --filter='mnist.dense2/*' --no-peers $short >/dev/null 2>&1) || fail "$last: failed"
[ -z "$(ls -A "$folder/empty")" ] || fail "$last: there is $(ls -A "$folder/empty")"

last="more problems than tables are printed for: one screen, and files"
# shellcheck disable=SC2086
expect 0 --filter='mnist.dense2/*' --filter='mnist.softmax/*' --no-peers --tables="$folder/o/t.txt" \
    --csv="$folder/o/k.csv" --output=github:"$folder/o/g.json" --output=bencher:"$folder/o/b.json" $short
for text in 'Peak of ' 'mnist ' 'worst' '0 allocations and ' 'wrong bits: none' \
    "$folder/o/t.txt " "--layers=mnist --filter='mnist."; do
    has out "$text"
done
[ "$(wc -l <"$folder/out")" -le 24 ] || fail "$last: more than 24 lines"
has err ' (--budget)'
grep -q '^\* dense_fwd_' "$folder/o/t.txt" || fail "$last: no table in the file"
[ "$(grep -c '^mnist.dense2,forward,' "$folder/o/k.csv")" -gt 1 ] || fail "$last: no lines in the CSV file"
if command -v jq >/dev/null; then
    jq -e 'length > 5 and all(.[]; .name and .unit and .value > 0) and
           any(.[]; .name == "mnist.dense2/forward: time over reference" and .value < 1)' "$folder/o/g.json" \
        >/dev/null || fail "$last: not what github-action-benchmark reads"
    jq -e 'all(.[]; all(.[]; .value > 0)) and ."mnist.dense2/dense_fwd_naive".latency.lower_value > 0' \
        "$folder/o/b.json" >/dev/null || fail "$last: not what Bencher reads"
fi
# shellcheck disable=SC2086
expect 0 --filter='mnist.dense2/*' --filter='mnist.softmax/*' --no-peers --tables $short
for text in 'x naive' 'what dispatch takes' 'Where to look next'; do has out "$text"; done

last="several filters, values as words of their own"
# shellcheck disable=SC2086
expect 0 --filter 'mnist.dense2/dense_fwd_naive' --filter 'mnist.softmax/*_naive' --no-peers --json "$folder/k.json" \
    $short
for text in dense_fwd_naive softmax_fwd_naive; do has out $text; done
grep -q 'dense_bwd\|conv2d' "$folder/out" && fail "two filters let other rows through"
[ -s "$folder/k.json" ] || fail "--json FILE wrote nothing"

last="a terminal that knows nothing, none at all"
grep -q "$(printf '\033')" "$folder/out" "$folder/err" && fail "escape sequences in files"

last="outputs that cannot be written"
# /dev/full is Linux's
if [ -c /dev/full ]; then
    # shellcheck disable=SC2086
    expect 74 --filter='mnist.dense2/dense_fwd_naive' --no-peers --json=/dev/full $short
    has err '/dev/full'
    "$bench" --help >/dev/full 2>"$folder/err"
    [ $? -eq 74 ] || fail "--help > /dev/full: not 74"
    # shellcheck disable=SC2086
    "$bench" --filter='mnist.dense2/dense_fwd_naive' --no-peers $short >/dev/full 2>"$folder/err"
    [ $? -eq 74 ] || fail "tables > /dev/full: not 74"
    has err 'standard output'
fi

last="SIGTERM"
mkdir "$folder/term"
echo old >"$folder/term/k.json"
: >"$folder/err" # what another program said is no sign of this one
"$bench" --no-peers --filter='mnist.relu1/relu_fwd_naive' --benchmark_repetitions=20000 --budget=100000 \
    --benchmark_min_time=0.01 --json="$folder/term/k.json" >"$folder/out" 2>"$folder/err" &
child=$!
while kill -0 $child 2>/dev/null && ! grep -q 'at most' "$folder/err"; do sleep 0.1; done # signals are caught now
kill -TERM $child
wait $child
[ $? -eq 143 ] || fail "SIGTERM: exit status is not 143"
has out 'Interrupted after'
[ "$(wc -l <"$folder/out")" -lt 20 ] || fail "SIGTERM: a long report"
[ "$(ls "$folder/term")" = k.json ] || fail "SIGTERM leaves $(ls "$folder/term")"
if command -v jq >/dev/null; then
    jq -e '.context.interrupted and (.benchmarks | length >= 0)' "$folder/term/k.json" >/dev/null ||
        fail "SIGTERM leaves JSON that is none"
fi

last="--list"
expect 0 --list
has out 'mnist.conv2_pool: conv2d+relu+maxpool backward_weights'
has out 'adam_update_naive'

last="--layers"
expect 0 --list --layers=vgg16,tails
has out 'vgg16.conv1_2: conv2d backward_weights'
has out 'tails.dilated'
grep -q 'mnist\|resnet' "$folder/out" && fail "--layers=vgg16,tails lists other layers"
expect 0 --list --layers=all
for text in mnist.adam vgg16.conv5_1 resnet50.conv5_shortcut mobilenet.depthwise14 tails.pooled; do
    has out "$text: "
done
expect 0 --list --layers=tails --filter='conv2d_fwd_naive'
has out conv2d_fwd_naive
expect 64 --list --layers=vgg16,vgg19
has err '"vgg19"'
expect 64 --list --layers=

last="wrong bits"
if [ -x tests/wrong_bench ]; then
    # shellcheck disable=SC2086
    FCNN_TEST_FAULTY=softmax_fwd_vector_scalar tests/wrong_bench --filter='mnist.softmax/*' --no-peers \
        --json="$folder/k.json" $short >"$folder/out" 2>"$folder/err"
    status=$?
    [ $status -eq 1 ] || fail "$last: exit status $status, expected 1"
    has out 'softmax_fwd_vector_scalar'
    has out 'wrong: dst[3] is '
    has err 'WRONG softmax_fwd_vector_scalar'
    if command -v jq >/dev/null; then
        jq -e '[.benchmarks[] | select(.error_occurred)] | length == 1 and .[0].kernel == "softmax_fwd_vector_scalar"' \
            "$folder/k.json" >/dev/null || fail "$last: the JSON file does not say so"
    fi
    # shellcheck disable=SC2086
    FCNN_TEST_FAULTY=softmax_fwd_vector_scalar tests/wrong_bench --filter='mnist.softmax/*' \
        --filter='mnist.dense2/*_naive' --no-peers $short >"$folder/out" 2>"$folder/err"
    [ $? -eq 1 ] || fail "$last: in the summary, exit status is not 1"
    has out 'Wrong bits, or failed: 1'
fi

last="a file of benchdnn's problems"
printf '%s\n' '# pasted' '--reset --dt=f32 --dir=FWD_B mb1ic8ih5oc8kh3n"net:one" ic8ih5oc8kh1n"net:two"' \
    'mb1ic8id5ih5oc8kd3kh3' '--batch=shapes_more' >"$folder/shapes.txt"
expect 0 --list --no-peers --choice --layers="$folder/shapes.txt"
for text in 'net.one: conv2d backward_weights' 'net.two: conv2d forward mb2ic8ih5' '6 kernels on 6 problems'; do
    has out "$text"
done
has err 'shapes.txt:3: left out: '
has err 'shapes.txt:4: left out: --batch'
long=$(printf '%030d:%030d' 1 2) # of which 61 characters are kept, 55 beside the images of a batch
printf '%s\n' 'ic8ih7oc8kh3n"mnist:conv3"' "$(printf '\033')[31mred" "ic8ih7oc8kh1n\"$long\" ic8ih7oc8kh3n\"$long\"" \
    'ic8ih9oc8kh1 ic8ih9oc8kh3' >"$folder/again.txt"
expect 0 --list --no-peers --choice --layers="mnist,$folder/again.txt,$folder/again.txt" --batch=1,2
[ -z "$(grep ': conv2d' "$folder/out" | cut -d: -f1,2 | cut -d' ' -f1,3 | sort | uniq -d)" ] ||
    fail "$last: two layers have one name"
has out 'mnist.conv3~3@2: conv2d forward mb2ic8ih7'
has out 'again.4@1: conv2d forward mb1ic8ih9oc8oh9kh1'
has out 'again.4~2@2: conv2d forward mb2ic8ih9oc8oh7kh3'
has out 'again.4~4@1: conv2d forward'
grep -q "$(printf '\033')" "$folder/err" && fail "$last: a file's escape sequences reach the terminal"

last="Winograd beside exact kernels"
# shellcheck disable=SC2086
expect 0 --no-peers --problem='conv2d forward ic32ih14kh3ph1oc32' --problem='conv2d backward_data ic16ih8kh3ph1oc16' \
    --filter='*_scalar' --json="$folder/k.json" $short
has out 'exact kernel of scalar'
[ "$(grep -cE '^  winograd_f[24] +(14 to 27|below 14) +1 ' "$folder/out")" -eq 4 ] ||
    fail "not four lines about Winograd"
grep -q '28 and more' "$folder/out" && fail "a line about maps that were not timed"

last="no peer"
expect 0 --list --no-peers
grep -q 'onednn\|openblas\|xnnpack' "$folder/out" && fail "--no-peers lists peers"
expect 64 --list --peers=nobody
has err 'no peer "nobody"; there are onednn openblas xnnpack'

# peer NAME PROBLEMS PACKAGE: computes right on layers of all kinds, with one thread and two, or says why it does not.
peer() {
    last="$1 on layers of all kinds"
    if ! "$bench" --peers="$1" --list >"$folder/out" 2>"$folder/err"; then
        grep -q "$1: .*$3\|$1: .*\(cannot be limited\|beyond this\|does not support\)" "$folder/err" ||
            fail "--peers=$1 does not say why it fails"
        echo "note: no comparison with $1 was tested: $(cat "$folder/err")"
        return 1
    fi
    for threads in 1 2; do
        # shellcheck disable=SC2086
        expect 0 --peers="$1" --conversions --threads=$threads --layers=tails,mnist --filter="$1*" \
            --tables --benchmark_min_time=0.0001 --benchmark_repetitions=1
        grep -i '^.*wrong:\|not timed\|failed:' "$folder/out" "$folder/err" && fail "$1's results were not accepted"
        count=$(grep ' peer  .*us\| peer  .*ms' "$folder/out" | grep -vc 'converted)')
        [ "$count" -ge "$2" ] || fail "$1 was timed on $count problems, not $2"
    done
}
peer openblas 51 libopenblas-dev
peer xnnpack 17 libxnnpack-dev
if peer onednn 51 libdnnl-dev; then
    grep -q 'converted)  *[^ ]*  *peer  .*[mu]s' "$folder/out" || fail "no conversions were timed"
    last="oneDNN beside our kernels"
    # shellcheck disable=SC2086
    expect 0 --peers=onednn --filter='mnist.conv3/*' --threads=2 --json="$folder/k.json" $short
    for text in 'What dispatch takes' '< 0.95' 'backward_weights        1' 'all                     3'; do
        has out "$text"
    done
    below=$(awk '$1 == "all" { print $5 }' "$folder/out")
    [ "$below" -eq "$(grep -c '^  [0-9.]*  mnist.conv3/.* against ' "$folder/out")" ] ||
        fail "$below layers are below 0.95, but others were listed"
    if command -v jq >/dev/null; then
        jq -e '[.benchmarks[] | select((.name | contains("onednn")) and .run_type == "iteration")]
               | length == 6 and all(.[]; .["GFLOP/s"] > 0 and .error < 64 and (.label | contains("(")))' \
            "$folder/k.json" >/dev/null || fail "the JSON file lacks oneDNN's windows, labels or counters"
    fi
    last="oneDNN limited like our kernels"
    FASTCNN_ISA=avx2 "$bench" --list --peers --layers=resnet50 >"$folder/out" 2>&1
    grep -q avx512 "$folder/out" && fail "FASTCNN_ISA=avx2 does not limit oneDNN"
    has out 'onednn'
fi

last="results with conversions, read back"
# shellcheck disable=SC2086
if "$bench" --peers=onednn --list >/dev/null 2>&1; then
    expect 0 --peers=onednn --conversions --choice --filter='mnist.conv3/*' --json="$folder/k.json" $short
    expect 0 --report="$folder/page.html" "$folder/k.json"
    grep -q 'converted)' "$folder/page.html" || fail "$last: the page does not have them"
fi

last="the whole model"
# shellcheck disable=SC2086
expect 0 --model --budget=1 --json="$folder/k.json"
for text in 'MNIST model' '1 image ' '10000 images '; do has out "$text"; done
if command -v jq >/dev/null; then
    jq -e '[.benchmarks[] | select(.real_time > 0 and .time_unit == "us") | .aggregate_name]
           == ["median", "p99", "median"]' "$folder/k.json" >/dev/null || fail "the model's JSON lacks numbers"
fi
: >"$folder/file.k"
for what in --model --orders --estimate; do
    expect 73 $what --budget=0.1 --problem='relu forward mb1ic9' --no-peers --json="$folder/file.k/k.json"
    [ ! -s "$folder/out" ] || fail "$what measures before it looks at its file"
done

last="other batches"
expect 0 --list --no-peers --layers=mnist --batch=1,64 --filter='mnist.conv3@*'
has out 'mnist.conv3@1: conv2d+relu forward mb1ic64'
has out 'mnist.conv3@64: conv2d+relu forward mb64ic64'

expect 0 --list --no-peers --layers=mnist --batch=8,8 --filter='mnist.conv3@*' --choice
has out '3 kernels on 3 problems'

last="whole programs"
programs=$top_srcdir/bench/programs.sh
if command -v hyperfine >/dev/null && [ -x ./fastcnn ]; then
    sh "$programs" --runs=2 --limit=80 --out="$folder/programs" ./fastcnn >"$folder/out" 2>"$folder/err" ||
        fail "bench/programs.sh: exit status $?"
    [ "$(grep -c '^| `' "$folder/programs/programs.md")" -eq 6 ] || fail "not six programs were timed"
    [ -s "$folder/programs/programs.json" ] || fail "no programs.json"
fi
sh "$programs" --runs=one >/dev/null 2>&1
[ $? -eq 64 ] || fail "bench/programs.sh took --runs=one"

for words in --json=x '--predict --seeds=2' '--predict --threads=0' '--predict --rounds=0'; do
    # shellcheck disable=SC2086
    sh "$top_srcdir/bench/compare_pytorch.sh" $words >/dev/null 2>&1
    [ $? -eq 64 ] || fail "bench/compare_pytorch.sh took $words"
done

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
expect 64 --threads
expect 64 --json=
expect 64 --csv=
expect 64 --output=yaml:k.yaml
has err 'bencher'
expect 64 --output=csv
expect 64 --estimate --csv=k.csv
expect 64 --model --csv=k.csv
has err 'writes JSON alone'
expect 64 --model --json=k.json --json=k2.json
has err 'writes one file'
expect 64 mnist
expect 64 --benchmark_repetitions=0
expect 64 --benchmark_format=yaml
expect 64 --budget=fast
expect 64 --problem='conv2d sideways mb1'
has err 'sideways'
: >"$folder/file"
expect 73 --filter='mnist.dense2/*' --json="$folder/file/k.json"
expect 73 --filter='mnist.dense2/*' --json="$folder/k2.json" --csv="$folder/file/k.csv"
[ ! -e "$folder/k2.json" ] || fail "a file was written though another could not be"

[ $failures -eq 0 ] && echo "all checks passed"
[ $failures -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The program: each subcommand, each kind of bad input (exit status and message), what goes to which stream, JSON,
# colour, the progress bar, Ctrl-C, and the man page against --help. Run in the build folder; FCNN_RUN precedes it.
set -u
. "${top_srcdir-.}/tests/program.sh"
isa=${FASTCNN_ISA-} page=${top_srcdir-.}/docs/fastcnn.1
slow=${FCNN_RUN:+yes} # an emulator or valgrind

# ---- data: 40 + 10 grey images; labels 0..9 ----

images() # number, rows, byte of all pixels (octal): an IDX file on stdout
{
    printf "\\000\\000\\010\\003\\000\\000\\000\\$(printf %o "$1")"
    printf "\\000\\000\\000\\$(printf %o "$2")\\000\\000\\000\\034"
    head -c $(($1 * $2 * 28)) /dev/zero | tr '\000' "\\$3"
}
labels() # tens of labels
{
    printf "\\000\\000\\010\\001\\000\\000\\000\\$(printf %o $(($1 * 10)))"
    for _ in $(seq "$1"); do printf '\000\001\002\003\004\005\006\007\010\011'; done
}
folder() # a new folder of good data, named by the argument
{
    data=$work/$1
    mkdir "$data"
    images 40 28 100 >"$data/train-images-idx3-ubyte"
    labels 4 >"$data/train-labels-idx1-ubyte"
    images 10 28 100 >"$data/t10k-images.idx3-ubyte"
    labels 1 >"$data/t10k-labels-idx1-ubyte"
}
folder good
good=$data

# ---- the program itself ----

gives 0 --help;    has out 'Usage: fastcnn'; has out explain; silent err
gives 0 --version; has out 'fastcnn 0.'; has out BSD-2-Clause; has out 'scalar  built'; silent err
gives 64;          has err 'expected a command; the commands are train, '; has err '--help'; silent out
gives 64 fly;      has err "unknown command 'fly'"; has err explain; silent out
gives 64 --bogus;  has err bogus; silent out
gives 64 train --lim 9 --s 3;    has err "option '--s' is ambiguous"; silent out # not the first one that begins so
gives 64 prove --data '';        has err '--data: expected a name, found nothing'
for option in model data history receipt trail checkpoint save best; do
    gives 64 train --limit 9 --$option ''; has err "--$option: expected a name, found nothing"; silent out
done
gives 64 verify '';              has err 'expected RECEIPT, found an empty argument'; silent out
gives 64 trail "$0" '';          has err 'expected A B, found an empty argument'
commands=$(${FCNN_RUN-} ./fastcnn --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
checks=$((checks + 1)); [ "$(echo $commands | wc -w)" -gt 7 ] || fail "fastcnn --help: too few commands found"
for command in $commands; do
    gives 0 $command --help;     has out "Usage: fastcnn $command"; silent err
    gives 0 $command --version;  has out BSD-2-Clause
    gives 64 $command --bogus;   has err bogus; has err "fastcnn $command --help"; silent out
    gives 64 $command --color=x; has err "expected auto, always or never, found 'x'"
done

FASTCNN_ISA=sse9 fastcnn list;            [ $? -eq 64 ] || fail "FASTCNN_ISA=sse9 passed"
has err FASTCNN_ISA; has err sse9; has err "expected scalar"; silent out
FASTCNN_KERNEL=conv9 fastcnn info;        [ $? -eq 64 ] || fail "FASTCNN_KERNEL=conv9 passed"
has err FASTCNN_KERNEL; has err conv9
FASTCNN_MATH=sloppy fastcnn train;        [ $? -eq 64 ] || fail "FASTCNN_MATH=sloppy passed"
has err FASTCNN_MATH; has err sloppy
FASTCNN_NUM_THREADS=many fastcnn prove;   [ $? -eq 64 ] || fail "FASTCNN_NUM_THREADS=many passed"
has err FASTCNN_NUM_THREADS; has err many
for threads in abc 0 -1 3000 4x; do
    OMP_NUM_THREADS=$threads fastcnn list; [ $? -eq 64 ] || fail "OMP_NUM_THREADS=$threads passed"
    has err "OMP_NUM_THREADS is \"$threads\"; expected a number from 1 to 1024"; silent out
done
OMP_NUM_THREADS=2,1 fastcnn list;         [ $? -eq 0 ] || fail "OMP_NUM_THREADS=2,1 refused"
FASTCNN_ISA=sse9 fastcnn train --help;    [ $? -eq 0 ] || fail "--help fails under a bad setting"

# ---- list, info, explain ----

gives 0 list; has out conv2d_fwd_naive; has out backward_weights; has out direction; silent err
gives 0 list --op relu --isa scalar; has out relu_fwd_naive; lacks out conv2d; lacks out avx
gives 0 list --json; json '.kernels | length > 20'; json '.kernels[0] | has("name") and has("available")'; silent err
gives 0 list --op sgd --json; json 'all(.kernels[]; .operation == "sgd")'
gives 64 list --op flap;  has err "'flap'"; has err conv2d; silent out
gives 64 list --isa mmx;  has err "'mmx'"; has err avx2; silent out
if [ "${HOST_CPU-x86_64}" = x86_64 ]; then
    gives 64 list --isa neon; has err 'no kernel matches --isa neon'; silent out
fi
gives 64 list stray;      has err "unexpected argument 'stray'"

gives 0 info; has out 'CPU '; has out GFLOP/s; has out 'adam update'; has out cross_entropy; silent err
OMP_THREAD_LIMIT=2 FASTCNN_NUM_THREADS=3 fastcnn info; has out '2 threads by default'
gives 0 info --json; json '.peak_gflops.scalar > 0'; json '.mnist_kernels | length > 5'
FASTCNN_TUNING=off fastcnn info --json; json '.tuning == []'
FASTCNN_TUNING=/nowhere/tuning fastcnn info; has out '/nowhere/tuning (FASTCNN_TUNING, written)'
has out 'it does not exist'
FASTCNN_TUNING=/nowhere/tuning fastcnn info --json; json '.tuning[0].verdict == "it does not exist"'
json '.cores > 0'; json '.huge_pages | length > 0'; silent err

if [ -z "$slow" ]; then # the number has a point by our own hand: locales with commas are not everywhere to try
    FASTCNN_VERBOSE=exec fastcnn train --limit 8 --batch-size 8 --epochs 1 --quiet --threads 1
    checks=$((checks + 1))
    [ "$(grep -c '^fastcnn_verbose,exec,' "$err")" -gt 10 ] || fail "executions are not shown"
    ! grep -v '^fastcnn_verbose,denormals,' "$err" |
        grep -qvE '^fastcnn_verbose,exec,[^,]+,[a-z0-9_]+,[0-9]+\.[0-9]{6}$' ||
        fail "other lines"
fi

problem='conv2d forward mb64ic32ih13oc64oh11kh3ph0'
gives 0 explain "$problem"; has out "$problem"; has out taken:; has out conv2d_fwd_naive; lacks out conv2d_bwd
silent err
checks=$((checks + 1)); [ "$(grep -c taken: "$out")" = 1 ] || fail "not one kernel taken"
gives 0 explain conv2d forward mb64ic32ih13oc64oh11kh3ph0; has out taken:
gives 0 explain "$problem" --kernel conv2d_fwd_naive; has out 'taken: asked for by name'; has out 'another one'
gives 0 explain "$problem" --isa scalar --json; json '.taken | test("scalar|naive")'
json '[.kernels[] | select(.taken)] | length == 1'
gives 0 explain conv2d backward_data mb8ic64ih5oc64kh3 --math exact,winograd_f4
has out 'usable, but not preferred: tiles and transforms'; has out 'direct'
gives 64 explain;                       has err 'expected a problem'
gives 64 explain 'conv9 forward mb1';   has err conv9; silent out
gives 64 explain 'conv2d sideways mb1'; has err sideways
gives 64 explain 'conv2d forward mb1ic1ih5oc1kh9'; has err 'the output would be empty'; silent out
gives 64 explain 'conv2d forward mb2147483647ic2147483647ih2147483647oc1kh1'; silent out
gives 64 explain "$problem" --kernel nothing; has err nothing; silent out
gives 64 explain "$problem" --isa mmx;        has err mmx; silent out

# ---- train ----

gives 0 train --data "$good" --limit 2 --batch-size 1 --epochs 1
has out "IDX files in $good; 2 training + 10 test images"; has out 'accuracy 0.'; has out 'seed 1, shards 8, steps 1'
has out 'numerics exact'; has out GFLOP/s; matches err '^1/1 - [0-9]+s - '; lacks err Epoch
if [ -n "$slow" ]; then
    echo 'SKIP: only the shortest training runs behind FCNN_RUN'
else
    gives 0 train --data "$good" --epochs 2 --batch-size 8
    has out '40 training + 10 test images'; has out 'steps 8'
    lacks out synthetic; lacks out Epoch; lacks out "$(printf '\r')"
    has err 'Epoch 1/2'; matches err '^4/4 - [0-9]+s - '; has err 'Epoch 2/2'
    has err '/step - accuracy: '; has err ' - val_accuracy: '; lacks err "$(printf '\r')"
    one=$(sed -n 's/.*weights  //p' "$out")
    gives 0 train --data "$good" --epochs 2 --batch-size 8 --threads 3 --kernel '*_naive' --quiet; silent err
    has out "$one"
    gives 0 train --data "$good" --epochs 2 --batch-size 8 --json --verbose 2; has err 'Epoch 1/2'
    json '.data.synthetic == false'; json '.history | length == 2'; json '.history | all(.page_faults >= 0)'
    json ".receipt.weights == \"$one\""
    json '.receipt.seed == 1'; json '.speed.peak_gflops > 0'; json '.data.training_images == 40'
    json '.speed.threads <= 8 and .epochs == 2 and .batch_size == 8 and .optimizer == "adam"'
    json '.speed.bound_seconds > 0 and .speed.epoch_seconds > 0 and .validation_split == 0.2'
    json '.history | all(.accuracy >= 0 and .accuracy <= 1 and .val_accuracy >= 0 and .seconds >= .training_seconds)'
    json '.receipt.steps == 8 and .receipt.shards == 8 and .receipt.classes == "exact" and .test.accuracy <= 1'
    FASTCNN_NUM_THREADS=9 fastcnn train --data "$good" --limit 8 --epochs 1 --quiet --shards 2
    has out 'measured with 2 threads'
    gives 0 train --data "$good" --limit 20 --epochs 1 --optimizer sgd --momentum 0.9 --learning-rate 0.1 --shards 2 \
        --seed 5 --quiet
    has out '20 training'; has out 'seed 5, shards 2'; lacks out "$one"
    gives 0 train --data "$good" --validation-split 0 --epochs 1; lacks err val_loss
    diverging="train --data $good --epochs 2 --quiet --optimizer sgd --learning-rate 1e6"
    gives 1 $diverging; has err diverged; silent out
    gives 1 $diverging --receipt "$work/receipt.json"; cp "$work/receipt.json" "$out"; json '.result.diverged_step > 0'
    gives 0 $diverging --keep-going; has err 'diverged in step'; has out 'diverged in step'
    gives 0 $diverging --keep-going --json; json '.receipt.diverged_step > 0 and (.history | length == 2)'
    rm "$work/receipt.json"
    gives 0 train --data "$good" --epochs 2 --batch-size 8 --quiet --receipt "$work/receipt.json"; silent err
    has out "$one"; cp "$work/receipt.json" "$out"
    json ".result.weights_xxh3 == \"$one\" and .result.steps == 8 and .result.diverged_step == null"
    gives 0 train --data "$good" --epochs 2 --batch-size 8 --quiet --threads 3 --receipt "$work/again.json"
    cmp -s "$work/receipt.json" "$work/again.json" || fail "another receipt"
    checks=$((checks + 1))
    gives 74 train --data "$good" --receipt "$work/none/receipt.json"
    has err "$work/none/receipt.json cannot be written"; silent out
    gives 74 train --data "$good" --receipt "$work"; has err "$work cannot be written"; silent out
    gives 1 train --data "$good" --epochs 1 --quiet --min-accuracy 0.99; has err '--min-accuracy asks for 0.99'
    has out receipt
    gives 0 train --data "$good" --epochs 1 --quiet --color=always; has out "$(printf '\033[')"
    gives 0 train --data "$good" --epochs 1 --quiet; lacks out "$(printf '\033')"
    gives 0 train --limit 40 --epochs 1
    has out 'synthetic digits'; has out 'on synthetic digits'; has err 'synthetic digits'
    gives 0 train --limit 40 --epochs 1 --json --quiet; json .data.synthetic; json '.data.source == "synthetic digits"'
    silent err
    folder gz; gzip "$data"/t*
    gives 0 train --data "$data" --epochs 2 --batch-size 8 --quiet; has out "$one"
fi

for bad in '--epochs 0' '--epochs x' '--epochs 1x' '--epochs=' '--batch-size 0' '--batch-size -3' \
    '--validation-split 1' '--validation-split nan' '--limit 0' '--threads 0' '--threads 99999' '--shards 0' \
    '--shards 1025' '--learning-rate -1' '--seed -1' '--seed 99999999999999999999' '--verbose 3' '--min-accuracy 2' \
    '--optimizer lion' '--momentum 2' '--momentum 0.9'; do
    gives 64 train --data "$good" $bad
    option=${bad%%[ =]*}
    has err "$option"; silent out
done
gives 64 train --data "$good" --limit 1; has err '1 images leaves none to train on'; silent out
gives 64 train --data "$good" --validation-split 1e-17; has err '40 images leaves none to validate with'; silent out
gives 64 train --data "$good" --shards; has err "'--shards' requires an argument"; silent out
gives 64 train --data "$good" --quiet=1; has err "'--quiet' doesn't allow an argument"; silent out
gives 64 train --data "$good" --epo 1 --ver 1; has err "'--ver' is ambiguous"; silent out
gives 64 train --data "$good" --isa mmx; has err mmx
gives 64 train --data "$good" --kernel nothing; has err nothing
gives 64 train --data "$good" --math sloppy; has err sloppy
gives 64 train "$good"; has err "unexpected argument '$good'"

# ---- bad data ----

gives 66 train --data "$work/none";  has err "$work/none: No such file or directory"; silent out
gives 66 prove --data "$work/none";  has err "$work/none"
folder missing; rm "$data"/t10k-labels*
gives 66 train --data "$data";       has err t10k-labels-idx1-ubyte; has err t10k-labels-idx1-ubyte.gz; silent out
folder swapped; labels 4 >"$data/train-images-idx3-ubyte"
gives 65 train --data "$data";       has err 'expected images, magic number 0x00000803; found 0x00000801: labels'
silent out
folder short; images 40 28 100 | head -c 30000 >"$data/train-images-idx3-ubyte"
gives 65 train --data "$data";       has err 'truncated: expected 31360 bytes of data after the header, found 29984'
folder long; printf x >>"$data/train-labels-idx1-ubyte"
gives 65 train --data "$data";       has err 'expected the file to end after the 40 bytes'
folder fewer; labels 3 >"$data/train-labels-idx1-ubyte"
gives 65 train --data "$data";       has err 'images, 40; found 30'
folder range; { labels 4 | head -c 47; printf '\012'; } >"$data/train-labels-idx1-ubyte"
gives 65 train --data "$data";       has err 'label 39'; has err 'expected 0 to 9, found 10'
folder size; images 40 27 100 >"$data/train-images-idx3-ubyte"
gives 65 train --data "$data";       has err '27 x 28'; has err '28 x 28'
folder cut; gzip "$data"/t*
gzip -cd "$data/train-labels-idx1-ubyte.gz" | gzip | head -c 30 >"$work/part"
mv "$work/part" "$data/train-labels-idx1-ubyte.gz"
gives 65 train --data "$data";       has err train-labels-idx1-ubyte.gz; has err gzip; silent out

# ---- prove ----

[ -n "$slow" ] && few=1 || few=16
gives 0 prove --images $few --batch-size 8
has out 'synthetic digits'; has out naive; has out 'direct scalar'; has out 'im2col scalar'; has out reference
has out 'ended at the same weights'
lacks out DIFFERENT; silent err
checks=$((checks + 1))
[ "$(grep -cE ' (reference|same)  ' "$out")" = "$(sed -n 's/^All \([0-9]*\) runs.*/\1/p' "$out")" ] ||
    fail "another number of rows than of runs"
proof=$(sed -n 's/.*the same weights: //p' "$out")
wrong=0123456789abcdef0123456789abcdef
gives 64 prove --expect 12; has err "found '12'"; silent out
if [ -z "$slow" ]; then
    gives 1 prove --images 1 --batch-size 8 --expect $wrong
    has out DIFFERENT; has out 'did NOT end at the expected weights'
    gives 0 prove --images $few --batch-size 8 --json --expect "$proof"; silent err
    json .identical; json ".weights == \"$proof\""; json '.runs | length >= 9'; json '.data.synthetic'
    json 'has("skipped")'
    json '[.runs[].threads] | unique | . == [range(1; length + 1)]'
    json '.runs | all(.same and (.loss | . > 0) and .accuracy >= 0 and .accuracy <= 1 and .seconds >= 0)'
    json '.runs[0].variant == "naive" and (.runs | map(.variant) | unique | length >= 4)'
    json '.seed == 1 and .shards == 8 and .batch_size == 8 and .epochs == 1 and .data.training_images == 16'
    export FASTCNN_MATH=winograd_f4,exact FASTCNN_KERNEL=conv2d_fwd_naive FASTCNN_ISA=scalar FASTCNN_NUM_THREADS=1
    gives 0 prove --images 8 --batch-size 8 --json # a row has its own settings, whatever the environment says
    json '.identical and (.runs | length >= 9) and any(.runs[]; .threads == 3)'; silent err
    proof8=$(sed -n 's/^ *"weights": "\(.*\)",*$/\1/p' "$out" | sort -u)
    unset FASTCNN_MATH FASTCNN_KERNEL FASTCNN_NUM_THREADS
    if [ -n "${isa-}" ]; then export FASTCNN_ISA="$isa"; else unset FASTCNN_ISA; fi
    gives 0 train --limit 8 --batch-size 8 --epochs 1 --validation-split 0 --quiet; has out "weights  $proof8"
    OMP_THREAD_LIMIT=2 fastcnn prove --images 1 --batch-size 8 --json
    json '[.runs[].threads] | unique | . == [1, 2]'
    json '.skipped | any(.variant == "naive, 3 threads" and .reason == "OMP_THREAD_LIMIT or the system gave 2 threads")'
    OMP_THREAD_LIMIT=1 fastcnn prove --images 1 --batch-size 8
    has out 'naive, 2 threads          skipped: OMP_THREAD_LIMIT or the system gave 1 thread'
    has out 'naive, 3 threads          skipped'; lacks err fastcnn
    gives 0 prove --data "$good" --images 8 --quick; has out "IDX files in $good"
    gives 0 prove --images $few --batch-size 8 --seed 2; lacks out "$proof"
fi

# ---- streams and signals ----

last='fastcnn list >/dev/full'
if [ -w /dev/full ]; then
    ${FCNN_RUN-} ./fastcnn list >/dev/full 2>"$err"
    [ $? -eq 74 ] || fail "not 74"
    has err 'writing the results failed'
fi
last='fastcnn list | head -n 1'
: >"$out"
${FCNN_RUN-} ./fastcnn list 2>"$err" | head -n 1 >"$out"
has out kernel; silent err

last='fastcnn train, interrupted'
: >"$err"
# A shell has its background jobs ignore the signal, and the program respects that.
env --default-signal=INT ${FCNN_RUN-} ./fastcnn train --data "$good" --limit 2 --batch-size 1 --epochs 1000000 \
    >"$out" 2>"$err" &
pid=$!
for _ in $(seq 300); do grep -q 'Epoch 1/' "$err" && break; sleep 0.1; done
kill -INT $pid
for _ in $(seq 600); do grep -q interrupted "$err" && break; sleep 0.1; done
grep -q interrupted "$err" || kill -KILL $pid
wait $pid
[ $? -eq 130 ] || fail "not 130"
has err 'interrupted in epoch'; silent out

if [ -z "$slow" ] && script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    last='fastcnn train on a terminal'
    bar="env TERM=xterm ./fastcnn train --epochs 1 --data '$good'"
    LC_ALL=C.UTF-8 script -qec "$bar" /dev/null >"$out" 2>"$err" </dev/null
    has out '━━━━━━━━━━━━━━━━━━━━'; has out "$(printf '\r')"; has out "$(printf '\033[32m')"
    has out "$(printf '\033[1m1/1\033[0m \033[32m━')"
    matches out "$(printf '\033\\[1m[0-9]+s\033\\[0m ')"; has out ' - val_loss: '
    LC_ALL=C NO_COLOR=1 script -qec "$bar" /dev/null >"$out" 2>"$err" </dev/null
    has out '===================='; lacks out ━; lacks out "$(printf '\033[32m')"
    TERM=dumb script -qec "./fastcnn train --epochs 1 --data '$good'" /dev/null >"$out" 2>"$err" </dev/null
    matches out '^1/1 - [0-9]+s - '; lacks out "$(printf '\033')"
else
    echo 'SKIP: the progress bar needs script(1), a pseudo-terminal and no FCNN_RUN'
fi

# ---- the man page has the options of --help, and no others ----

: >"$out"; : >"$err"
for command in "" $commands; do ${FCNN_RUN-} ./fastcnn $command --help; done |
    grep -o -- '--[a-z][a-z-]*' | sort -u >"$work/help"
sed 's/\\-/-/g' "$page" | grep -o -- '--[a-z][a-z-]*' | sort -u >"$work/page"
last='docs/fastcnn.1'
for option in $(comm -23 "$work/help" "$work/page"); do fail "$last lacks $option"; done
for option in $(comm -13 "$work/help" "$work/page"); do fail "$last has $option, --help does not"; done
checks=$((checks + 1)); [ "$(wc -l <"$work/help")" -gt 15 ] || fail "too few options found"
for operation in $(${FCNN_RUN-} ./fastcnn list | sed 1d | awk '$2 ~ /^[a-z]/ && NF == 6 { print $2 }' | sort -u); do
    checks=$((checks + 1))
    grep -qF -e "$operation," -e "$operation." "$page" || fail "$last lacks the operation $operation"
done
for variable in FASTCNN_ISA FASTCNN_KERNEL FASTCNN_MATH FASTCNN_NUM_THREADS OMP_NUM_THREADS FASTCNN_VERBOSE NO_COLOR; do
    grep -q $variable "$page" || fail "$last lacks $variable"
done
if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 man -l --warnings "$page" >/dev/null 2>"$err" || fail "man fails"
    silent err
fi

conclude

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train is killed (SIGKILL) at random moments, every other time in the middle of writing its checkpoint, and
# goes on with --resume, each time with other threads and another instruction set: its receipt and history are those of
# a run that was not killed. KILLS=200: so many kills (default 12). Run in the build folder.
set -u
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_ISA FASTCNN_NUM_THREADS FCNN_DIE_AT
export FASTCNN_TUNING=off
skip() { echo "SKIP: $*"; exit 77; }
[ -z "${FCNN_RUN-}" ] || skip 'an emulator would take long'
program=$PWD/fastcnn dying=$PWD/tests/dying_fastcnn
[ -x "$dying" ] || skip "$dying was not built"
work=$(mktemp -d "$PWD/check_kill.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# Whatever a step can depend on: batch normalization, dropout, a schedule; early stopping keeps a best epoch.
cat >net.txt <<'END'
input 28x28x1
max_pooling2d 2x2
conv2d 6 3x3 relu
batch_normalization
max_pooling2d
dropout 0.25
flatten
dense 10
END
options='--model net.txt --limit 240 --batch-size 16 --epochs 4 --patience 3 --seed 3 --quiet
    --schedule cosine --schedule-steps 48'
random() { od -An -N4 -tu4 /dev/urandom | awk -v most="$1" '{ print $1 % most + 1 }'; } # 1 to $1
die() { echo "FAIL: $*"; cat err; exit 1; }

begin=$(date +%s%N)
"$program" train $options --receipt want.json --history want.csv >out 2>err || die 'a run that is not killed'
took=$((($(date +%s%N) - begin) / 1000000)) # ms
kills=0 resumes=0 runs=0 writing=0 tries=0
wanted=${KILLS-12}
while [ $kills -lt "$wanted" ]; do
    tries=$((tries + 1))
    [ $tries -le $((20 * wanted + 100)) ] || die "$kills kills in $tries tries"
    case $((tries % 3)) in 0) unset FASTCNN_ISA ;; 1) export FASTCNN_ISA=scalar ;; 2) export FASTCNN_ISA=avx2 ;; esac
    export FASTCNN_NUM_THREADS=$((tries % 2 + 1))
    case " $FCNN_ISAS " in *" ${FASTCNN_ISA-scalar} "*) ;; *) unset FASTCNN_ISA ;; esac
    there=0
    [ -e run.ckpt ] && there=1
    more="$options --checkpoint run.ckpt --every 2 --resume --receipt got.json --history got.csv"
    in=$((tries % 2))
    ( # which says that it was killed
        if [ $in -eq 1 ]; then FCNN_DIE_AT=$(random 60) "$dying" train $more >out 2>err
        else timeout -s KILL "$(random $((took + took / 2)) | awk '{ print $1 / 1000 }')" "$program" train $more \
            >out 2>err
        fi
        exit $?
    ) 2>/dev/null
    status=$?
    resumes=$((resumes + there))
    case $status in
    137) kills=$((kills + 1)) writing=$((writing + in)) ;;
    0)
        runs=$((runs + 1))
        cmp want.json got.json || die 'another receipt'
        cmp want.csv got.csv || die 'another history'
        rm -f run.ckpt got.json got.csv
        ;;
    *) die "exit status $status" ;;
    esac
done
unset FASTCNN_ISA
"$program" train $options --checkpoint run.ckpt --every 2 --resume --receipt got.json --history got.csv >out 2>err ||
    die 'the last run does not end'
cmp want.json got.json && cmp want.csv got.csv || die 'the last run has another end'
resumes=$((resumes + 1)) runs=$((runs + 1))
rm -f run.ckpt
[ -z "$(ls -A | grep '\.tmp$')" ] || die "left behind: $(ls -A | grep '\.tmp$')"
echo "$kills kills, $writing of them while writing; $resumes resumes; all $runs runs ended at one receipt"

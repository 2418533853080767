#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train is killed (SIGKILL) at random moments, every other time in the middle of writing its checkpoint, and
# goes on with --resume, each time with other threads and another instruction set: its receipt and history are those of
# a run that was not killed. KILLS=200: so many kills (default 12), each with its resume. Run in the build folder.
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
kills=0 early=0 resumes=0 runs=0 writing=0 tries=0
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
    137) # before the first checkpoint there is nothing to go on with
        if [ -e run.ckpt ]; then kills=$((kills + 1)) writing=$((writing + in))
        else early=$((early + 1))
        fi
        ;;
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
[ ! -e run.ckpt ] || resumes=$((resumes + 1))
"$program" train $options --checkpoint run.ckpt --every 2 --resume --receipt got.json --history got.csv >out 2>err ||
    die 'the last run does not end'
cmp want.json got.json && cmp want.csv got.csv || die 'the last run has another end'
runs=$((runs + 1))
rm -f run.ckpt
[ -z "$(ls -A | grep '\.tmp$')" ] || die "left behind: $(ls -A | grep '\.tmp$')"
# ---- the clock begins at 0 where the machine was started anew; what the run took before counts ----
wall() { head -c 65536 run.ckpt | grep -a -o 'wall_seconds[^,]*' | head -n 1 | sed 's/.*://'; }
more='--model net.txt --limit 240 --batch-size 16 --seed 3 --quiet --checkpoint run.ckpt'
FCNN_CLOCK=1000 "$dying" train $more --epochs 2 >out 2>err || die 'two epochs'
before=$(wall)
FCNN_CLOCK=1 "$dying" train $more --resume --epochs 3 >out 2>err || die 'it does not go on'
awk -v before="$before" -v after="$(wall)" 'BEGIN { exit !(after > before) }' || die "$before s, then $(wall) s"
rm -f run.ckpt

# ---- seconds: of all processes together; the speed is of epochs that one process did ----
one="$options --checkpoint run.ckpt --every 2"
FCNN_DIE_AT=30 sh -c '"$@" >out 2>err' - "$dying" train $one 2>/dev/null && die 'it does not die'
before=$(head -c 65536 run.ckpt | tr '\0' ' ' | grep -a -o 'epoch_seconds[^]]*]' | head -n 1)
case $before in *,0.0]) die "it died between two epochs: $before" ;; esac
before=$(echo "$before" | sed 's/.*,\([0-9.e-]*\)]/\1/')
"$program" train $one --resume --json >out 2>err || die 'it does not go on'
tr -d ' \n' <out >flat
sed 's/.*"history":\[{[^}]*"training_seconds":\([0-9.e-]*\).*/\1/' flat |
    awk -v before="$before" '{ exit !($1 > before + 0) }' || die "the first epoch has not the $before s before the kill"
grep -q '"epoch_seconds":[0-9]' flat || die 'no epoch is timed'
"$program" train $one --resume --json >out 2>err || die 'it is finished and does not say so'
tr -d ' \n' <out | grep -q '"epoch_seconds":null,"bound_seconds":null' || die 'an epoch of another process is timed'
"$program" train $one --resume >out 2>err || die 'it is finished and does not say so'
! grep -q '^epoch \|^bound ' out || die 'an epoch of another process is timed'
rm -f run.ckpt

[ $resumes -eq "$kills" ] || die "$kills kills, but $resumes resumes"
echo "$kills kills and resumes, $writing of them while a file was written, and $early kills before there was one;" \
    "all $runs runs ended at one receipt and history"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train --checkpoint, --every, --resume: Ctrl-C and SIGTERM, what a resumed run takes from its file and what is
# refused, results as of a run that did not stop, and files that cannot be written. check_kill.sh kills. Run in the
# build folder.
set -u
inside=yes
. "${top_srcdir-.}/tests/program.sh"
verb=train

says() { checks=$((checks + 1)); grep -q -e "$1" err || fail "does not say $1"; }
await() { for _ in $(seq 1200); do [ ! -s "$1" ] || return 0; sleep 0.05; done; fail "$1 was not written"; }
same() { checks=$((checks + 1)); cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
alone() { checks=$((checks + 1)); [ -z "$(ls -A | grep 'tmp$')" ] || fail "left behind: $(ls -A | grep 'tmp$')"; }

cat >net.txt <<'END'
input 28x28x1
max_pooling2d 4x4
flatten
dense 10
END
plain='--model net.txt --limit 120 --batch-size 24 --learning-rate 0.02'

# ---- a run in parts is the run ----
gives 0 $plain --epochs 4 --seed 5 --receipt want.json --history want.csv --best want.safetensors
gives 0 $plain --epochs 2 --seed 5 --receipt got.json --history got.csv --best got.safetensors --checkpoint a
gives 64 $plain --epochs 2 --seed 5 --checkpoint a
says 'a is there already: --resume goes on with its run; else name another file'
gives 0 --checkpoint a --resume --epochs 4 --receipt got.json --history got.csv --best got.safetensors
says 'Going on from a: epoch 3 of 4, after 0 steps of it'
same want.json got.json; same want.csv got.csv; same want.safetensors got.safetensors; alone
# What is finished says so, and makes its results again.
rm got.json got.csv
gives 0 --checkpoint a --resume --receipt got.json --history got.csv; says 'its run of 4 epochs is finished; --epochs'
same want.json got.json; same want.csv got.csv
gives 64 --checkpoint a --resume --epochs 3; says 'epochs 3: the run of a is in its epoch 4'
# Without a file a run begins; --quiet says nothing.
gives 0 $plain --epochs 4 --seed 5 --checkpoint b --every 3 --resume --receipt got.json; says 'b is not there yet'
same want.json got.json
gives 0 --checkpoint b --resume --quiet; checks=$((checks + 1)); [ ! -s err ] || fail '--quiet speaks'
# It is a model.
checks=$((checks + 1))
$program evaluate b >out 2>err && $program summary b >out 2>err || fail 'a checkpoint is no model'
gives 0 --model b --limit 120 --epochs 1 --quiet

# ---- options ----
gives 0 $plain --seed 5 --epochs 4 --validation-split 0.2 --optimizer adam --shards 8 --checkpoint a --resume
for option in '--seed 6' '--batch-size 25' '--validation-split 0.3' '--optimizer sgd' '--learning-rate 0.03' \
    '--momentum 0.5' '--shards 4' '--limit 121' '--model mnist-cnn' '--until 0.5' '--patience 3' \
    '--monitor accuracy' '--keep-going' '--loss mean_squared_error' '--schedule cosine'; do
    gives 64 --checkpoint a --resume $option; says "${option%% *} is not what the run of a has"
done
gives 64 $plain --epochs 10001 --checkpoint x; says 'epochs 10001: with --checkpoint, .* at most 10000'
gives 64 $plain --epochs 10001 --receipt x; says 'epochs 10001: with --receipt, .* at most 10000'
gives 64 --epochs 10001 --checkpoint a --resume; says 'epochs 10001: with --checkpoint'
checks=$((checks + 1)); [ ! -e x ] || fail 'x is there'
gives 64 $plain --every 3; says 'every goes with --checkpoint'
gives 64 $plain --resume; says 'resume goes with --checkpoint'
gives 64 $plain --checkpoint x --save x; says 'name one file'
FASTCNN_NUM_THREADS=1 FASTCNN_ISA=scalar gives 0 --checkpoint a --resume --verbose 2

# 0 would be the default in silence, and another value with --resume.
gives 64 $plain --optimizer adamw --weight-decay 0; says 'weight-decay 0: adamw without decay is --optimizer adam'
gives 64 $plain --optimizer rmsprop --rho 0; says 'rho 0: expected a number above 0'
gives 64 $plain --schedule step --schedule-steps 4 --schedule-factor 0; says 'schedule-factor 0: nothing would be'
for more in '--schedule cosine --schedule-steps 8 --schedule-factor 0' '--optimizer sgd --momentum 0 --until 0' \
    '--optimizer adamw --weight-decay 0.01' '--optimizer rmsprop --rho 0.8 --validation-split 0 --seed 0' \
    '--schedule step --schedule-steps 4'; do
    rm -f z
    for run in first same; do gives 0 $plain --epochs 1 $more --checkpoint z --resume --quiet; done
done

# ---- classes of numerics, and the kernels that decide between them ----
fast='--limit 64 --batch-size 32 --quiet' # with the default model, whose convolutions have several classes
gives 0 $fast --epochs 2 --math winograd_f4,exact,winograd_f2 --receipt want.json
gives 0 $fast --epochs 2 --receipt got.json
checks=$((checks + 1)); ! cmp -s want.json got.json || fail '--math changes nothing'
gives 0 $fast --epochs 1 --math winograd_f4,exact,winograd_f2 --checkpoint w
gives 0 --checkpoint w --resume --epochs 2 --receipt got.json; same want.json got.json
gives 64 --checkpoint w --resume --math exact; says '--math is not what the run of w has'
gives 64 --checkpoint w --resume --kernel '*_naive'; says '--kernel is not what the run of w has'
FASTCNN_MATH=winograd_f2 gives 64 --checkpoint w --resume; says ' FASTCNN_MATH is not what the run of w has'
FASTCNN_KERNEL='*_naive' gives 64 --checkpoint w --resume; says ' FASTCNN_KERNEL is not what the run of w has'
gives 64 --checkpoint a --resume --math winograd_f2; says '--math is not what the run of a has'
pins='conv2d_fwd_winograd_*,conv2d_*_im2col_*'
gives 0 $fast --epochs 2 --math exact,winograd_f2 --kernel "$pins" --receipt want.json
FASTCNN_KERNEL=$pins gives 0 $fast --epochs 1 --math exact,winograd_f2 --checkpoint k
gives 0 --checkpoint k --resume --math winograd_f2,exact --epochs 2 --receipt got.json; same want.json got.json
gives 0 --checkpoint a --resume --kernel '*_scalar' # of one class: the results are the same

# ---- other data ----
gives 0 $plain --epochs 1 --checkpoint c
sed 's/"seed\\":1,/"seed\\":2,/' c >other # another seed draws other digits; but the checksum is not right
gives 65 --checkpoint other --resume; says 'other: it is damaged'
head -c 5000 c >other
gives 65 --checkpoint other --resume; says 'other: '
: >other
gives 65 --checkpoint other --resume; says 'it is no checkpoint'
gives 0 $plain --epochs 1 --save model.safetensors --quiet
gives 65 --checkpoint model.safetensors --resume; says 'it is no checkpoint'

mkdir data
images() # 120 of 28 x 28
{
    printf '\000\000\010\003\000\000\000\170\000\000\000\034\000\000\000\034'
    yes "$1" | head -c 94080
}
images 'some digits' >data/train-images-idx3-ubyte
images 'other digits' >data/t10k-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\170' && yes 012345678 | head -c 120 | tr '0-8\n' '\000-\011'; } |
    tee data/train-labels-idx1-ubyte >data/t10k-labels-idx1-ubyte
gives 0 --model net.txt --data data --epochs 1 --checkpoint q --quiet
mv data moved
gives 66 --checkpoint q --resume --epochs 2; says data
gives 0 --checkpoint q --resume --epochs 2 --data moved --quiet
cp q before
altered() # FILE WORD: one byte of it is another one
{
    cp moved/$1 kept
    printf '\006' | dd of=moved/$1 bs=1 seek=100 conv=notrunc status=none
    gives 65 --checkpoint q --resume --epochs 3 --data moved
    says "these are not the data of the run of q: its $2 images are others"
    same q before
    cp kept moved/$1
}
altered train-images-idx3-ubyte training
altered train-labels-idx1-ubyte training
altered t10k-images-idx3-ubyte test
gives 64 --checkpoint q --resume --epochs 3 --data moved --limit 120; says limit
gives 0 --checkpoint q --resume --epochs 3 --data moved --quiet

# ---- early stopping: the best epoch is in the file, too ----
stop='--patience 2 --monitor accuracy --learning-rate 1 --optimizer sgd --momentum 0.9 --seed 2'
stop="--model net.txt --limit 120 --batch-size 24 $stop"
gives 0 $stop --epochs 30 --receipt want.json --history want.csv --save want.safetensors
grep -q '^stopped   after epoch' out || fail 'nothing was stopped early'
final=$(sed -n 's/^stopped   after epoch \([0-9]*\).*/\1/p' out)
gives 0 $stop --epochs $((final - 1)) --checkpoint s --quiet
gives 0 --checkpoint s --resume --epochs 30 --receipt got.json --history got.csv --save got.safetensors
same want.json got.json; same want.csv got.csv; same want.safetensors got.safetensors
gives 0 --checkpoint s --resume --epochs 30 --receipt got.json --save got.safetensors; says 'is finished$'
same want.json got.json; same want.safetensors got.safetensors
# More epochs than it was to have there will not be; the same command line again is no mistake.
gives 0 --checkpoint s --resume --epochs 31 --quiet
says "epochs 31 trains no more: the run of s ended with epoch $final, as --patience asks"
gives 0 --checkpoint s --resume --epochs 30 --quiet
checks=$((checks + 1)); [ ! -s err ] || fail '--quiet speaks'

# ---- --best: of a run that is finished, too; from its beginning, or not at all ----
gives 0 $stop --epochs 4 --checkpoint e --best want.safetensors --quiet
cp want.safetensors got.safetensors
rm want.safetensors
gives 0 --checkpoint e --resume --best want.safetensors; same want.safetensors got.safetensors
gives 0 --checkpoint s --resume --best late.safetensors; says 'is finished$' # --patience has it
gives 0 $stop --epochs 30 --best got.safetensors --quiet; same late.safetensors got.safetensors
gives 0 $plain --epochs 6 --seed 2 --learning-rate 1 --best want.safetensors --quiet
gives 0 $plain --epochs 3 --seed 2 --learning-rate 1 --best got.safetensors --checkpoint g --quiet
gives 0 --checkpoint g --resume --epochs 4 # without saying it again: it is kept none the less
rm got.safetensors
gives 0 --checkpoint g --resume --epochs 6 --best got.safetensors; same want.safetensors got.safetensors
gives 64 --checkpoint b --resume --best x.h5; says 'best is new to the run of b, which did not keep the best of its 4 '
# --until: what was reached is known later, too.
gives 0 $plain --until 0.3 --epochs 40 --receipt want.json --checkpoint u
grep -q '^reached   accuracy 0' out || fail 'nothing was reached'
grep '^reached' out >first
gives 0 --checkpoint u --resume --epochs 41 --quiet; says 'epochs 41 trains no more: .* as --until asks'
gives 0 --checkpoint u --resume --receipt got.json
grep '^reached' out | cmp -s - first || fail 'what was reached is forgotten'
same want.json got.json

# ---- a model that is trained on: the initial weights go along ----
gives 0 --model model.safetensors --limit 120 --epochs 2 --receipt want.json
gives 0 --model model.safetensors --limit 120 --epochs 1 --checkpoint m
gives 0 --checkpoint m --resume --epochs 2 --receipt got.json
same want.json got.json

# ---- its file, which is named again: what was edited in between is told ----
cat >edit.txt <<'END'
input 28x28x1
max_pooling2d 4x4
flatten
dense 10
compile sgd lr=0.02
END
edited() # FILE SED SENTENCE: the file, of any format, with another line
{
    sed "$2" edit.txt >other.txt
    rm -f $1
    case $1 in *.txt) cp other.txt $1 ;; *) $program convert other.txt $1 >out 2>err || fail "convert to $1" ;; esac
    gives 64 --model $1 --checkpoint n --resume --quiet; says " $1 is not the model that the run of n has: $3"
    same n before
    rm $1
}
for file in m.txt m.keras m.h5 m.safetensors; do
    rm -f n
    $program convert edit.txt $file >out 2>err || fail "convert to $file"
    gives 0 --model $file --limit 120 --epochs 1 --momentum 0.5 --checkpoint n --quiet
    cp n before
    gives 0 --model $file --checkpoint n --resume --quiet; same n before
    edited $file 's/28x28x1/56x14x1/' "its input is 'input 56x14x1' in the file, 'input 28x28x1' in the run; leave"
    edited $file 's/4x4/7x7/' "layer 1 is 'max_pooling2d 7x7' in the file, 'max_pooling2d 4x4' in the run"
    edited $file 's/flatten/flatten\ndropout 0.5/' "layer 3 is 'dropout 0.5' in the file, 'dense 10' in the run"
    edited $file 's/dense 10/&\n&/' "layer 4 is 'dense 10' in the file, 'missing' in the run"
    edited $file 's/0.02/0.03/' "how it is compiled is 'compile sgd lr=0.03' in the file, 'compile sgd lr=0.02'"
    edited $file 's/sgd lr=0.02/adam lr=0.02/' "how it is compiled is 'compile adam lr=0.02' in"
    case $file in *.txt) edited $file '/compile/d' "how it is compiled is 'left open' in the file, 'compile sgd" ;; esac
    gives 0 --model $file --checkpoint n --resume --quiet; same n before # it is gone, and not needed
    # Another spelling, or what --save made of it, is the same model.
    { echo '# a model' && sed 's/4x4/4x4 stride=4/; s/0.02/2e-2/' edit.txt; } >other.txt
    $program convert other.txt $file >out 2>err || fail "convert to $file"
    gives 0 --model $file --checkpoint n --resume --quiet; same n before
    case $file in *.txt) continue ;; esac
    gives 0 --checkpoint n --resume --quiet --save $file
    gives 0 --model $file --checkpoint n --resume --quiet; same n before
done

# ---- a trail begins with its run, and ends with the best epoch where that is what the run leaves ----
worse='--patience 9 --monitor accuracy --learning-rate 1 --optimizer sgd --momentum 0.9 --seed 2'
worse="--model net.txt --limit 120 --batch-size 24 $worse"
gives 0 $worse --epochs $final --checkpoint t --trail t.trail
grep -q '^best      epoch' out || fail 'the best epoch is the last one'
gives 0 --checkpoint t --resume --trail t.trail --receipt want.json
gives 65 --checkpoint t --resume --trail t.trail --epochs $((final + 1))
says 'without --trail the run can be trained on'
gives 0 $worse --epochs 2 --checkpoint cut --trail u.trail
head -n $(($(wc -l <u.trail) - 2)) u.trail >cut.trail
gives 65 --checkpoint cut --resume --trail cut.trail; says 'it ends before the step of the checkpoint'
gives 66 --checkpoint t --resume --trail new.trail --epochs $((final + 1)); says 'new.trail is not there: a run goes on'
gives 0 --checkpoint t --resume --epochs $((final + 1)) --receipt got.json; says 'Going on from t: epoch'
checks=$((checks + 1)); grep -q '"trail_sha256": null\|"trail": null' got.json || fail 'a receipt with half a trail'

# ---- a run that diverges ends, in the process that finds it and in the next one ----
printf 'input 28x28x1\nflatten\ndense 10\n' >linear.txt
steep='--model linear.txt --loss mean_squared_error --limit 100 --batch-size 1000 --optimizer sgd --learning-rate 1e5'
for more in '--epochs 30' '--epochs 4'; do # a weight is not finite after the step of the last epoch of 4
    rm -f d
    gives 1 $steep $more --checkpoint d --receipt want.json --history want.csv; says 'training has diverged'
    gives 1 --checkpoint d --resume --receipt got.json --history got.csv; says 'training has diverged'
    same want.json got.json; same want.csv got.csv
done
gives 0 $steep --epochs 6 --keep-going --receipt want.json --history want.csv
rm -f d
gives 0 $steep --epochs 4 --keep-going --checkpoint d
gives 0 --checkpoint d --resume --epochs 6 --receipt got.json --history got.csv; same want.json got.json
same want.csv got.csv

# ---- Ctrl-C, SIGTERM, SIGHUP: the batch is finished, the file is written ----
for signal in INT TERM HUP; do
    checks=$((checks + 2))
    rm -f i
    env --default-signal=$signal $program train $plain --epochs 10000 --seed 5 --checkpoint i --trail i.trail --quiet \
        >out 2>err &
    first=$!
    await i
    sleep 0.2
    # Another process does not take the run over while it goes on: neither of its files.
    $program train --checkpoint i --resume --trail i.trail --quiet >out2 2>err2
    status=$?
    [ $status -eq 74 ] && grep -q 'i cannot be written: another run goes on with it' err2 ||
        fail "two processes, one checkpoint: exit status $status: $(cat err2)"
    kill -$signal $first
    wait $first
    status=$?
    [ $status -eq 130 ] || fail "SIG$signal: exit status $status instead of 130"
    says 'resume goes on from i'
    epoch=$(sed -n 's/.*interrupted in epoch \([0-9]*\) of.*/\1/p' err)
    gives 0 --checkpoint i --resume --epochs $((epoch + 1)) --trail i.trail --receipt got.json --history got.csv
    gives 0 $plain --epochs $((epoch + 1)) --seed 5 --trail want.trail --receipt want.json --history want.csv
    same want.json got.json; same want.csv got.csv; same want.trail i.trail; alone
done

# ---- two processes, one trail, no checkpoint: the second is told, whenever it comes; the trail is the first one's ----
checks=$((checks + 2))
rm -f l.trail
env --default-signal=INT $program train $plain --epochs 10000 --seed 5 --trail l.trail --quiet >out2 2>err2 &
first=$!
await l.trail
gives 74 $plain --epochs 1 --seed 6 --trail l.trail --quiet
says 'l.trail cannot be written: another run goes on with it'
kill -INT $first
wait $first
status=$?
[ $status -eq 130 ] || fail "SIGINT: exit status $status instead of 130"
gives 0 $plain --epochs 1 --seed 5 --trail want5.trail --quiet
gives 0 $plain --epochs 1 --seed 6 --trail want6.trail --quiet
head -n $(wc -l <want5.trail) l.trail | cmp -s - want5.trail || fail 'the trail is not that of the first run'
gives 0 $plain --epochs 1 --seed 6 --trail l.trail --quiet; same l.trail want6.trail # once it has ended
for try in 1 2 3; do # at once, from nothing
    checks=$((checks + 1))
    rm -f l.trail
    $program train $plain --epochs 1 --seed 5 --trail l.trail --quiet >out2 2>err2 &
    $program train $plain --epochs 1 --seed 6 --trail l.trail --quiet >out 2>err
    second=$?
    wait $!
    case $?,$second in
    0,74) cmp -s l.trail want5.trail || fail 'the trail is not that of the run that ended well' ;;
    74,0) cmp -s l.trail want6.trail || fail 'the trail is not that of the run that ended well' ;;
    0,0) cmp -s l.trail want5.trail || cmp -s l.trail want6.trail || fail 'a trail of two runs' ;;
    *) fail "two runs, one trail: exit status $second" ;;
    esac
done
# From nothing, one after the other: the second has looked for a trail and a checkpoint that are there before the first
# begins, and is stopped while it draws its many digits: then it has said what of its model it leaves out. It is
# refused, and leaves nothing of its own; what the first has written stays.
late() # FILE SENTENCE OPTION...: the first run has begun to write FILE
{
    begun=$1 sentence=$2
    shift 2
    rm -f l.trail first second err
    $program train --model model.safetensors --optimizer sgd --limit 60000 --epochs 1 --quiet "$@" >out 2>err &
    slow=$!
    await err
    kill -STOP $slow
    env --default-signal=INT $program train $plain --epochs 10000 --trail l.trail --checkpoint first --quiet \
        >out2 2>err2 &
    quick=$!
    await "$begun"
    kill -CONT $slow
    wait $slow
    status=$?
    checks=$((checks + 1)); [ $status -eq 74 ] || fail "late $*: exit status $status instead of 74"
    says "$sentence"
    says "optimizer's state is that of adam and is left out"
    kill -INT $quick
    wait $quick
    checks=$((checks + 1)); [ -s l.trail ] && [ -s first ] || fail 'what the first run wrote is gone'
    alone
}
late l.trail 'l.trail cannot be written: another run goes on' --trail l.trail --checkpoint second
checks=$((checks + 1)); [ ! -e second ] || fail 'a refused run leaves a checkpoint'
late first 'first cannot be written: another run has begun' --trail other.trail --checkpoint first
checks=$((checks + 1)); [ ! -e other.trail ] || fail 'a refused run leaves a trail'
gives 74 $plain --trail new.trail --checkpoint none/x --quiet; gives 74 $plain --trail new.trail --save none/x.h5
checks=$((checks + 1)); [ ! -e new.trail ] || fail 'a run that cannot begin leaves a trail'
# Somebody removes it: what was written since has no name, which the run tells at its end.
checks=$((checks + 1))
rm -f l.trail
$program train $plain --epochs 2000 --seed 5 --trail l.trail --quiet >out 2>err &
await l.trail
kill -STOP $!
rm l.trail
kill -CONT $!
wait $!
status=$?
[ $status -eq 74 ] || fail "a trail that was removed: exit status $status instead of 74"
says 'l.trail cannot be written: No such file or directory'
mkfifo pipe.trail
timeout 60 cat pipe.trail >got.trail &
gives 0 $plain --epochs 1 --seed 5 --trail pipe.trail --quiet
wait $!
same got.trail want5.trail
gives 0 $plain --epochs 1 --trail /dev/null --quiet

# ---- one that the program was started to ignore, as by nohup ----
checks=$((checks + 2))
rm -f i
env --ignore-signal=HUP $program train $plain --epochs 10000 --checkpoint i --quiet >out 2>err &
await i
kill -HUP $!
sleep 0.5
kill -TERM $! || fail 'SIGHUP, ignored: the run has ended'
wait $!
status=$?
[ $status -eq 130 ] || fail "SIGTERM after an ignored SIGHUP: exit status $status instead of 130"

# ---- what cannot be written ----
gives 64 $plain --receipt out; says 'receipt names the file that the standard output goes to'
gives 0 --model mnist-cnn --limit 64 --epochs 1 --history mnist-cnn --receipt ./mnist.json --quiet # a name, no file
gives 0 --model mnist-cnn --limit 64 --epochs 1 --history mnist-cnn --quiet
gives 64 --model ./mnist-cnn --history mnist-cnn; says 'history would write over what --model reads, mnist-cnn'
gives 64 $plain --trail /dev/stderr; says 'trail names the file that the standard error goes to'
for file in receipt history trail; do
    gives 64 $plain --$file net.txt; says "$file would write over what --model reads, net.txt"
done
gives 64 --model net.txt --data moved/train-images-idx3-ubyte --history moved/../moved/train-images-idx3-ubyte
says 'history would write over what --data reads'
gives 64 --model net.txt --data moved --history moved/train-images-idx3-ubyte
says 'history would write over what --data reads, moved/train-images-idx3-ubyte'
# A receipt that has no room at the end: all else is there, and is said.
prlimit --fsize=2000 $program train $plain --epochs 1 --receipt r --history h.csv --json >out 2>err
[ $? -eq 74 ] || fail 'no room for a receipt'
says 'r cannot be written: File too large'
checks=$((checks + 1)); [ -s h.csv ] && [ ! -e r ] && grep -q '"accuracy"' out || fail 'the rest is lost, too'
for file in receipt history trail; do
    gives 74 $plain --epochs 1 --$file /dev/full; says '/dev/full cannot be written: No space left on device'
done
mkdir folder closed
gives 74 $plain --checkpoint folder; says 'folder cannot be written: Is a directory'
gives 74 $plain --checkpoint none/x; says 'none/x cannot be written'
gives 64 $plain --checkpoint /dev/null; says 'a checkpoint is a regular file'
chmod a-w closed
if [ "$(id -u)" -ne 0 ]; then gives 74 $plain --checkpoint closed/x; says 'closed/x cannot be written'; fi
# A limit in bytes: at once; when the best epoch comes to it, after the first one.
prlimit --fsize=2048 $program train $plain --checkpoint f >out 2>err
[ $? -eq 74 ] || fail 'a limit of 2048 bytes'
says 'f: it cannot be written: File too large'; alone
checks=$((checks + 1)); [ ! -e f ] || fail 'f is there'
gives 0 $plain --epochs 1 --checkpoint f --patience 9 --quiet
cp f before
limit=$(($(wc -c <f) / 3 * 2)) # room for the model, not for the best epoch beside it
prlimit --fsize=$limit $program train --checkpoint f --resume --epochs 3 --quiet >out 2>err
[ $? -eq 74 ] || fail "a limit of $limit bytes"
says 'training stops, the checkpoint before is whole'; same f before; alone
gives 0 --checkpoint f --resume --epochs 3 --receipt got.json
gives 0 $plain --epochs 3 --patience 9 --receipt want.json
same want.json got.json
# What ends before its first step has no history, and leaves the one that is there.
echo kept >kept.csv
gives 74 $plain --epochs 1 --trail /dev/full --history kept.csv
checks=$((checks + 1)); [ "$(cat kept.csv)" = kept ] || fail 'an empty history'
# Of the trail: training stops, the model is saved; once there is room the run goes on behind the torn line.
prlimit --fsize=20000 $program train $plain --epochs 60 --checkpoint o --every 1000 --trail o.trail \
    --save o.safetensors --quiet >out 2>err
[ $? -eq 74 ] || fail 'no room for a trail'
says 'o.trail cannot be written: File too large'
checks=$((checks + 1)); [ -s o.safetensors ] || fail 'the model is lost'
gives 0 --checkpoint o --resume --trail o.trail --receipt got.json --quiet
gives 0 $plain --epochs 60 --trail want.trail --receipt want.json --quiet
same want.trail o.trail; same want.json got.json
# Through a symbolic link; histories, too.
: >real.csv
ln -s real.csv link.csv
gives 0 $plain --epochs 1 --history link.csv --quiet
checks=$((checks + 1))
[ -L link.csv ] && grep -q loss real.csv || fail '--history replaces a link'

conclude

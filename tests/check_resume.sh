#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train on a saved model: what its file says of training holds but for the options that are given; it goes on as
# if it had not stopped, data included. Run in the build folder.
set -u
export FASTCNN_TUNING=off
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_ISA FASTCNN_VERBOSE FASTCNN_NUM_THREADS
work=$(mktemp -d "$PWD/check_resume.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failed=0 checks=0

fail()
{
    failed=$((failed + 1))
    echo "FAIL: fastcnn train $*"
    sed 's/^/    /' "$work/out" "$work/err" | head -n 20
}
# train STATUS OPTION...: on 120 digits
train()
{
    wanted=$1
    shift
    checks=$((checks + 1))
    ${FCNN_RUN-} ./fastcnn train --limit 120 --quiet "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ $status -eq "$wanted" ] || fail "$*: exit status $status instead of $wanted"
}
# says TEXT: the last run did
says()
{
    checks=$((checks + 1))
    grep -q "$1" "$work/out" "$work/err" || fail "...: does not say $1"
}
weights() { sed -n 's/^receipt *weights *//p' "$work/out"; }

cat >"$work/net.txt" <<'END'
input 28x28x1
max_pooling2d 4x4
flatten
dense 10
compile sgd lr=0.05 momentum=0.9
END
train 0 --model "$work/net.txt" --epochs 1 --save "$work/sgd.keras"
says 'seed 1,' # as all training but that of a text that names another
text=$(weights)
train 0 --model "$work/net.txt" --epochs 1 --seed 9
says 'seed 9,'
[ "$(weights)" != "$text" ] || fail "--seed 9 changes nothing of a text with \"compile\""

# Two steps an epoch. An option changes what it names; momentum, steps and all else go on.
train 0 --model "$work/sgd.keras" --epochs 1 --learning-rate 0.02
says '; sgd,' && says 'steps 4,'
slower=$(weights)
train 0 --model "$work/sgd.keras" --epochs 1 --learning-rate 0.05
same=$(weights)
train 0 --model "$work/sgd.keras" --epochs 1
[ "$(weights)" = "$same" ] || fail "an option that says what the file says changes the result"
[ "$(weights)" != "$slower" ] || fail "--learning-rate changes nothing"
train 0 --model "$work/sgd.keras" --epochs 1 --nesterov --momentum 0.5
says '; sgd,' && says 'steps 4,'
train 0 --model "$work/sgd.keras" --epochs 1 --optimizer adam # the default, but not the file's
says '; adam,' && says 'steps 2,'
says "the optimizer's state is that of sgd and is left out"
train 64 --model "$work/sgd.keras" --epochs 1 --rho 0.5
says 'rho goes with --optimizer rmsprop'
train 64 --epochs 1 --nesterov
says 'nesterov goes with --optimizer sgd'

# The same digits, without being told again which.
train 0 --epochs 1 --seed 77 --save "$work/begun.h5"
train 0 --model "$work/begun.h5" --epochs 1
resumed=$(weights)
train 0 --epochs 2 --seed 77
[ "$(weights)" = "$resumed" ] || fail "--model after --seed 77 does not go on as if it had not stopped"

echo "$failed of $checks checks failed"
[ $failed -eq 0 ]

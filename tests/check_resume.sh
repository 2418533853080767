#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train on a saved model: what its file says of training holds but for the options that are given; it goes on as
# if it had not stopped, data included. Run in the build folder.
set -u
inside=yes
. "${top_srcdir-.}/tests/program.sh"
verb='train --limit 120 --quiet'

weights() { sed -n 's/^receipt *weights *//p' "$out"; }
are() { checks=$((checks + 1)); [ "$(weights)" = "$1" ] || fail "$2"; }
differ() { checks=$((checks + 1)); [ "$(weights)" != "$1" ] || fail "$2"; }

cat >net.txt <<'TEXT'
input 28x28x1
max_pooling2d 4x4
flatten
dense 10
compile sgd lr=0.05 momentum=0.9
TEXT
gives 0 --model net.txt --epochs 1 --save sgd.keras
has out 'seed 1,' # as all training but that of a text that names another
text=$(weights)
gives 0 --model net.txt --epochs 1 --seed 9; has out 'seed 9,'
differ "$text" '--seed 9 changes nothing of a text with "compile"'

# Two steps an epoch. An option changes what it names; momentum, steps and all else go on.
gives 0 --model sgd.keras --epochs 1 --learning-rate 0.02; has out '; sgd,'; has out 'steps 4,'
slower=$(weights)
gives 0 --model sgd.keras --epochs 1 --learning-rate 0.05
same=$(weights)
gives 0 --model sgd.keras --epochs 1
are "$same" 'an option that says what the file says changes the result'
differ "$slower" '--learning-rate changes nothing'
gives 0 --model sgd.keras --epochs 1 --nesterov --momentum 0.5; has out '; sgd,'; has out 'steps 4,'
gives 0 --model sgd.keras --epochs 1 --optimizer adam # the default, but not the file's
has out '; adam,'; has out 'steps 2,'; has err "the optimizer's state is that of sgd and is left out"
gives 64 --model sgd.keras --epochs 1 --rho 0.5; has err 'rho goes with --optimizer rmsprop'
gives 64 --epochs 1 --nesterov; has err 'nesterov goes with --optimizer sgd'

# The same digits, without being told again which.
gives 0 --epochs 1 --seed 77 --save begun.h5
gives 0 --model begun.h5 --epochs 1
resumed=$(weights)
gives 0 --epochs 2 --seed 77
are "$resumed" '--model after --seed 77 does not go on as if it had not stopped'

conclude

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Files in the layouts of Keras 2.0, 2.4, 2.12 and 3, made by h5py: what they predict is what numpy predicts, what they
# hold is written again in Keras' layout, which h5py reads, bad ones are refused with the right sentence. Keras itself
# is not run here. Exit status 77: there is no Python with h5py, or this library was built without HDF5.
set -u
test -x tests/keras_files || { echo 'SKIP: built without HDF5'; exit 77; }
for python in python3 /usr/bin/python3; do
    "$python" -c 'import h5py, numpy' 2>/dev/null && break
    python=
done
test -n "$python" || { echo 'SKIP: no python3 with h5py (apt-get install python3-h5py)'; exit 77; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/keras_files.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
# fastcnn train asks before it trains by another loss than a file's.
refuses_to_train() # model, sentence
{
    ${FCNN_RUN-} ./fastcnn train --model "$folder/$1" 2>"$folder/err" >"$folder/out"
    got=$?
    [ $got -eq 65 ] && grep -qF -- "$2" "$folder/err" && return
    echo "FAIL: train --model $1: exit status $got, no \"$2\" in:"
    cat "$folder/err"
    exit 1
}

for made in files variants; do
    mkdir "$folder/$made"
    "$python" -B "$top_srcdir/tests/make_keras_$made.py" "$folder/$made" &&
        ${FCNN_RUN-} tests/keras_files "$folder/$made" &&
        "$python" -B "$top_srcdir/tests/verify_keras_files.py" "$folder/$made" || exit 1
done
refuses_to_train variants/binary-sigmoid-2.4.h5 'the model has one output; labels train models with one for each class'
refuses_to_train files/ends-sigmoid-binary_crossentropy.h5 '--loss mean_squared_error trains it by that'
refuses_to_train files/ends-softmax-mse.h5 '--loss categorical_crossentropy trains it by that'

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Where Keras is installed: its files predict here what they predict there, and what is written of them again does so in
# Keras. Exit status 77: there is no Python with Keras and h5py, or this library was built without HDF5.
set -u
test -x tests/keras_files || { echo 'SKIP: built without HDF5'; exit 77; }
for python in python3 /usr/bin/python3; do
    "$python" -c 'import h5py, keras' >/dev/null 2>&1 && break
    python=
done
test -n "$python" || { echo 'SKIP: no python3 with keras and h5py'; exit 77; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/real_keras.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
"$python" -B "$top_srcdir/tests/real_keras.py" make "$folder" 2>"$folder/err" || { cat "$folder/err"; exit 1; }
${FCNN_RUN-} tests/keras_files "$folder" || exit 1
"$python" -B "$top_srcdir/tests/real_keras.py" verify "$folder" 2>"$folder/err" || { cat "$folder/err"; exit 1; }

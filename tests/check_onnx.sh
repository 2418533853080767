#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ONNX files of models with every kind of layer: valid for onnx' checker, and they predict what the library does. Needs
# a Python with onnx and numpy. Run in the build folder.
set -u
python=
for each in python3 /usr/bin/python3; do
    "$each" -c 'import numpy, onnx' 2>/dev/null && python=$each && break
done
[ -n "$python" ] || { echo "SKIP: no Python has onnx and numpy (Debian: apt-get install python3-onnx)"; exit 77; }
work=$(mktemp -d "$PWD/check_onnx.XXXXXX") && trap 'rm -rf "$work"' EXIT
${FCNN_RUN-} tests/make_onnx "$work" || { echo 'FAIL: tests/make_onnx'; exit 1; }
"$python" -B "$top_srcdir/tests/onnx_predict.py" "$work" || { echo 'FAIL: onnx_predict.py'; exit 1; }

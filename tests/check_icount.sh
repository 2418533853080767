#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# No scalar or AVX2 row executes more instructions than the committed baseline says (bench/README.md, the gate).
[ -z "$FCNN_RUN" ] || { echo "SKIP: callgrind does not count what runs behind FCNN_RUN"; exit 77; }
exec "${SHELL:-/bin/sh}" "$top_srcdir/bench/icount.sh" ./fastcnn-icount

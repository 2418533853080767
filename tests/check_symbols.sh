#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The shared library exports the functions that fastcnn.h declares, and nothing else. Run in the build folder.
set -u
library=.libs/libfastcnn.so
grep -q "^dlname=''" libfastcnn.la && { echo "SKIP: no $library (--disable-shared)"; exit 77; }

work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
sed -n 's:/\*.*::; s/^FCNN_API .*\(fcnn_[a-z0-9_]*\)(.*/\1/p' "$top_srcdir/lib/fastcnn.h" "$top_srcdir/lib/net/fastcnn_net.h" | sort >"$work/declared"
$NM -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
[ -s "$work/declared" ] || { echo "FAIL: found no declaration in lib/fastcnn.h"; exit 1; }
diff "$work/declared" "$work/exported" && echo "$(wc -l <"$work/exported") functions" ||
    { echo "FAIL: < declared in fastcnn.h, > exported by $library"; exit 1; }

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The names of the interface: what the headers declare, what lib/libfastcnn.symbols lists and what the shared library
# exports are the same. A name that leaves the list breaks programs; one that enters it is there to stay. The static
# library, as it is installed, has no global name without our prefix. Run in the build folder.
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
listed=$top_srcdir/lib/libfastcnn.symbols
checked=0

cat "$top_srcdir/lib/fastcnn.h" "$top_srcdir/lib/fastcnn_tuning.h" "$top_srcdir/lib/net/fastcnn_net.h" |
    sed -n 's:/\*.*::; s/^FCNN_API .*\(fcnn_[a-z0-9_]*\)(.*/\1/p' | sort >"$work/declared"
[ -s "$work/declared" ] || { echo "FAIL: found no declaration in lib/fastcnn.h"; exit 1; }
[ "${1-}" != --list ] || { cat "$work/declared"; exit 0; }
diff "$work/declared" "$listed" ||
    { echo "FAIL: < declared in headers, > in lib/libfastcnn.symbols; make update-symbols rewrites the list"; exit 1; }

library=.libs/libfastcnn.so
if [ -e "$library" ]; then
    $NM -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
    diff "$listed" "$work/exported" || { echo "FAIL: < in lib/libfastcnn.symbols, > exported by $library"; exit 1; }
    echo "$library: $(wc -l <"$work/exported") functions"
    checked=1
fi

library=.libs/libfastcnn.a
case $CFLAGS in *-fsanitize*) library= ;; esac # instrumented objects have names of the sanitizer's
if [ -e "$library" ] && [ -n "$OBJCOPY" ]; then
    cp "$library" "$work/prefixed.a"
    "$top_srcdir/lib/prefix_static.sh" "$work/prefixed.a" || { echo "FAIL: lib/prefix_static.sh"; exit 1; }
    $NM -g --defined-only "$work/prefixed.a" | awk 'NF == 3 && $2 != "W" && $2 != "V" { print $3 }' | sort -u \
        >"$work/names"
    grep -v '^fcnn_' "$work/names" && { echo "FAIL: names without a prefix in the static library"; exit 1; }
    comm -23 "$listed" "$work/names" | grep . && { echo "FAIL: not in the static library"; exit 1; }
    # Nothing that the library defined under its old name is still used under it.
    $NM -g --defined-only "$library" | awk 'NF == 3 && $3 !~ /^fcnn_/ { print $3 }' | sort -u >"$work/before"
    $NM -u "$work/prefixed.a" | awk 'NF == 2 { print $2 }' | sort -u | comm -12 - "$work/before" | grep . &&
        { echo "FAIL: the static library uses names that it no longer has"; exit 1; }
    echo "$library, as installed: $(wc -l <"$work/names") names, all with our prefix"
    checked=1
fi
[ "$checked" = 1 ] || { echo "SKIP: neither a shared library nor a static one with objcopy"; exit 77; }

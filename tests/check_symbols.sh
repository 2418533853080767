#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The names of each library's interface: what the headers declare, what its list (lib/libfastcnn.symbols) has, what the
# shared library exports are the same. A name that leaves the list breaks programs; one that enters it is there to stay.
# The static library, as it is installed, has no global name without our prefix. The library of kernels needs the
# system's libraries alone, whatever that of files needs. Run in the build folder; --list LIBRARY prints what the
# headers declare.
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
checked=0

headers() # of a library
{
    case $1 in
    fastcnn) echo "$top_srcdir/lib/fastcnn.h $top_srcdir/lib/fastcnn_tuning.h $top_srcdir/lib/net/fastcnn_net.h \
        $top_srcdir/lib/net/fastcnn_run.h" ;;
    fastcnn-io) echo "$top_srcdir/lib/io/fastcnn_io.h" ;;
    esac
}

declared() # by a library's headers
{
    cat $(headers "$1") | sed -n 's:/\*.*::; s/^FCNN_API .*\(fcnn_[a-z0-9_]*\)(.*/\1/p' | sort
}

check_shared() # the library's file, its list
{
    [ -e "$1" ] || return 0
    $NM -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
    diff "$2" "$work/exported" || { echo "FAIL: < in $2, > exported by $1"; exit 1; }
    echo "$1: $(wc -l <"$work/exported") functions"
    checked=1
}

check_static()
{
    case $CFLAGS in *-fsanitize*) return ;; esac # instrumented objects have names of the sanitizer's
    [ -e "$1" ] && [ -n "$OBJCOPY" ] || return 0
    cp "$1" "$work/prefixed.a"
    "$top_srcdir/lib/prefix_static.sh" "$work/prefixed.a" || { echo "FAIL: lib/prefix_static.sh"; exit 1; }
    $NM -g --defined-only "$work/prefixed.a" | awk 'NF == 3 && $2 != "W" && $2 != "V" { print $3 }' | sort -u \
        >"$work/names"
    grep -v '^fcnn_' "$work/names" && { echo "FAIL: names without a prefix in the static library"; exit 1; }
    comm -23 "$2" "$work/names" | grep . && { echo "FAIL: not in the static library"; exit 1; }
    # Nothing that the library defined under its old name is still used under it.
    $NM -g --defined-only "$1" | awk 'NF == 3 && $3 !~ /^fcnn_/ { print $3 }' | sort -u >"$work/before"
    $NM -u "$work/prefixed.a" | awk 'NF == 2 { print $2 }' | sort -u | comm -12 - "$work/before" | grep . &&
        { echo "FAIL: the static library uses names that it no longer has"; exit 1; }
    echo "$1, as installed: $(wc -l <"$work/names") names, all with our prefix"
    checked=1
}

[ "${1-}" != --list ] || { declared "$2"; exit 0; }

for name in fastcnn fastcnn-io; do
    case $name in fastcnn) listed=$top_srcdir/lib/libfastcnn.symbols ;;
    *) listed=$top_srcdir/lib/io/lib$name.symbols ;;
    esac
    declared $name >"$work/declared"
    [ -s "$work/declared" ] || { echo "FAIL: found no declaration in $(headers $name)"; exit 1; }
    diff "$work/declared" "$listed" ||
        { echo "FAIL: < declared in headers, > in $listed; make update-symbols rewrites the list"; exit 1; }
    check_shared ".libs/lib$name.so" "$listed"
    check_static ".libs/lib$name.a" "$listed"
done

if [ -e .libs/libfastcnn.so ]; then
    $OBJDUMP -p .libs/libfastcnn.so | awk '$1 == "NEEDED" { print $2 }' >"$work/needed"
    grep -q '^libc\.' "$work/needed" || { echo 'FAIL: found no library that libfastcnn.so needs'; exit 1; }
    grep -vE '^(lib(c|m|dl|rt|pthread|gcc_s|gomp|omp|asan|ubsan|tsan|clang_rt.*)|ld-linux.*)\.' "$work/needed" &&
        { echo 'FAIL: libfastcnn.so needs these, which only libfastcnn-io may'; exit 1; }
fi
[ "$checked" = 1 ] || { echo "SKIP: neither shared libraries nor static ones with objcopy"; exit 77; }

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs into a folder of the build (or takes the tree installed under DESTDIR $1), builds the example out of tree with
# what pkg-config says, against the shared and the static library, and runs it. Run in the build folder.
set -u
work=$PWD/tests/install.tmp
rm -rf "$work" && mkdir -p "$work" && trap 'rm -rf "$work"' EXIT
if [ $# -eq 1 ]; then
    root=$1
else
    root=$work/root
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$MAKE" -s install DESTDIR="$root" >"$work/log" 2>&1 ||
        { cat "$work/log"; echo "FAIL: make install"; exit 1; }
fi
example=$(cd "$top_srcdir" && pwd)/examples/conv2d.c
library=$root$LIBDIR
export PKG_CONFIG_PATH="$library/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -z "$root" ] || export PKG_CONFIG_SYSROOT_DIR="$root"

build_and_run() # name of the program, then the linker's arguments
{
    program=$work/$1; shift
    echo "$CC $CFLAGS $($PKG_CONFIG --cflags fastcnn) conv2d.c $*"
    $CC $CFLAGS $($PKG_CONFIG --cflags fastcnn) "$example" -o "$program" "$@" &&
        $FCNN_RUN "$program" >"$program.out" && cat "$program.out"
}

[ "$($PKG_CONFIG --modversion fastcnn)" = "$FCNN_VERSION" ] || { echo "FAIL: fastcnn.pc is missing or has another version"; exit 1; }
built=0
if [ -e "$library/libfastcnn.so" ]; then
    build_and_run shared $($PKG_CONFIG --libs fastcnn) || { echo "FAIL: example with libfastcnn.so"; exit 1; }
    built=$((built + 1))
fi
if [ -e "$library/libfastcnn.a" ]; then
    build_and_run static $($PKG_CONFIG --static --libs fastcnn | sed 's/-lfastcnn/-l:libfastcnn.a/') &&
        ! ldd "$work/static" | grep libfastcnn || { echo "FAIL: example with libfastcnn.a"; exit 1; }
    built=$((built + 1))
fi
[ "$built" -gt 0 ] || { echo "FAIL: no library in $library"; exit 1; }
[ "$built" -lt 2 ] || cmp "$work/shared.out" "$work/static.out" || { echo "FAIL: shared and static library compute different things"; exit 1; }

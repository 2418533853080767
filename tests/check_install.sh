#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs into a folder of the build (or takes the tree installed under DESTDIR $1), builds the example out of tree
# with what pkg-config says and with CMake, against the shared and the static library, and runs it; the same with CMake
# on a moved tree of stripped files. Run in the build folder.
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

[ "$($PKG_CONFIG --modversion fastcnn)" = "$FCNN_VERSION" ] ||
    { echo "FAIL: fastcnn.pc is missing or has another version"; exit 1; }
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
cp "$program.out" "$work/reference.out" || exit 1
[ "$built" -lt 2 ] || cmp "$work/shared.out" "$work/static.out" ||
    { echo "FAIL: shared and static library compute different things"; exit 1; }

[ -e "$root$DOCDIR/numerics.md" ] || { echo "FAIL: numerics.md, which fastcnn.h cites, is not installed"; exit 1; }

# ---- CMake, on a tree that lies elsewhere than configured, stripped where this run installs itself ----

command -v cmake >/dev/null || { echo 'SKIP: the CMake package was not tried, cmake is missing'; exit 0; }
libdir=${LIBDIR#"$PREFIX"} includedir=${INCLUDEDIR#"$PREFIX"}
if [ "$libdir" = "$LIBDIR" ] || [ "$includedir" = "$INCLUDEDIR" ]; then
    echo 'SKIP: the CMake package was not tried, not all is below one prefix'
    exit 0
fi
source=$root
if [ $# -eq 0 ]; then
    source=$work/stripped
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$MAKE" -s install-strip DESTDIR="$source" >"$work/log" 2>&1 ||
        { cat "$work/log"; echo "FAIL: make install-strip"; exit 1; }
fi
moved=$work/moved
mkdir -p "$moved$libdir/cmake" "$moved$includedir" && cp -R "$source$LIBDIR/cmake/fastcnn" "$moved$libdir/cmake" &&
    cp -P "$source$LIBDIR"/libfastcnn* "$moved$libdir" &&
    cp "$source$INCLUDEDIR"/fastcnn*.h "$moved$includedir" || exit 1

mkdir "$work/cmake" && cp "$example" "$work/cmake" || exit 1
cat >"$work/cmake/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.13)
project(example C)
find_package(fastcnn $FCNN_VERSION EXACT REQUIRED)
find_package(fastcnn ${FCNN_VERSION%.*} REQUIRED)
add_executable(default conv2d.c)
target_link_libraries(default fastcnn::fastcnn)
if(TARGET fastcnn::static)
    add_executable(static conv2d.c)
    target_link_libraries(static fastcnn::static)
endif()
find_package(fastcnn 99 QUIET)
if(fastcnn_FOUND)
    message(FATAL_ERROR "version 99 was found")
endif()
END
unset LD_LIBRARY_PATH
{
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL CC="${CC#ccache }" CFLAGS="$CFLAGS" \
        cmake -S "$work/cmake" -B "$work/cmake/build" -Dfastcnn_DIR="$moved$libdir/cmake/fastcnn" &&
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL cmake --build "$work/cmake/build"
} >"$work/log" 2>&1 || { cat "$work/log"; echo "FAIL: CMake"; exit 1; }
for program in "$work/cmake/build/default" "$work/cmake/build/static"; do
    [ -e "$program" ] || continue
    $FCNN_RUN "$program" >"$program.out" && cmp "$program.out" "$work/reference.out" ||
        { echo "FAIL: $program"; exit 1; }
done
[ ! -e "$library/libfastcnn.a" ] || [ -e "$work/cmake/build/static" ] ||
    { echo "FAIL: no target fastcnn::static"; exit 1; }
echo 'CMake: the moved tree works'

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs into a folder of the build (or takes the tree installed under DESTDIR $1), builds the examples of both
# libraries out of tree with what pkg-config says and with CMake, against the shared and the static library, and runs
# them; the same with CMake on a moved tree of stripped files. Run in the build folder.
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
examples=$(cd "$top_srcdir" && pwd)/examples
library=$root$LIBDIR
export PKG_CONFIG_PATH="$library/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
export LD_LIBRARY_PATH="$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -z "$root" ] || export PKG_CONFIG_SYSROOT_DIR="$root"

# What pkg-config says, but the system's own root where ours precedes folders of the system's.
flags()
{
    for word in $($PKG_CONFIG "$@"); do
        case $word in
        -[IL]"$root"/*)
            folder=${word#-?}
            [ -d "$folder" ] || word=${word%"$folder"}${SYSTEM_ROOT-}${folder#"$root"}
        esac
        printf '%s ' "$word"
    done
}

build() # library, example, name of the program, then the linker's arguments
{
    library_name=$1 source=$2.c program=$work/$3; shift 3
    echo "$CC $CFLAGS $(flags --cflags "$library_name") $source ${LDFLAGS-} $*"
    $CC $CFLAGS $(flags --cflags "$library_name") "$examples/$source" -o "$program" ${LDFLAGS-} "$@"
}

build_and_run()
{
    build fastcnn conv2d "$@" && $FCNN_RUN "$program" >"$program.out" && cat "$program.out"
}

# The libraries' archives by name, since the linker prefers shared ones.
static_libs() { flags --static --libs "$1" | sed 's/-lfastcnn-io/-l:libfastcnn-io.a/; s/-lfastcnn /-l:libfastcnn.a /'; }

[ "$($PKG_CONFIG --modversion fastcnn)" = "$FCNN_VERSION" ] ||
    { echo "FAIL: fastcnn.pc is missing or has another version"; exit 1; }
built=0
if [ -e "$library/libfastcnn.so" ]; then
    build_and_run shared $(flags --libs fastcnn) || { echo "FAIL: example with libfastcnn.so"; exit 1; }
    built=$((built + 1))
fi
if [ -e "$library/libfastcnn.a" ]; then
    build_and_run static $(static_libs fastcnn) &&
        ! ldd "$work/static" | grep libfastcnn || { echo "FAIL: example with libfastcnn.a"; exit 1; }
    built=$((built + 1))
fi
[ "$built" -gt 0 ] || { echo "FAIL: no library in $library"; exit 1; }
cp "$program.out" "$work/reference.out" || exit 1
[ "$built" -lt 2 ] || cmp "$work/shared.out" "$work/static.out" ||
    { echo "FAIL: shared and static library compute different things"; exit 1; }

# ---- the library of files: layers as text, saved with weights, loaded again; without HDF5 this works too ----

cat >"$work/net.txt" <<END
input 8x8x1
conv2d 4 3x3 relu
flatten
dense 3
END

save_and_load() # the program, then what precedes the names of its outputs
{
    $FCNN_RUN "$1" "$work/net.txt" "$work/$2.safetensors" >"$work/$2.out" 2>"$work/$2.err" &&
        $FCNN_RUN "$1" "$work/$2.safetensors" "$work/$2.onnx" >"$work/$2.again" &&
        cmp "$work/$2.out" "$work/$2.again" && [ -s "$work/$2.onnx" ] && grep -q 'no weights' "$work/$2.err"
}

if [ "$FCNN_IO" = no ]; then
    [ ! -e "$root$INCLUDEDIR/fastcnn_io.h" ] && [ ! -e "$library/pkgconfig/fastcnn-io.pc" ] ||
        { echo 'FAIL: parts of libfastcnn-io are installed, in spite of --disable-io'; exit 1; }
    echo 'SKIP: libfastcnn-io is not installed (--disable-io)'
else
    [ "$($PKG_CONFIG --modversion fastcnn-io)" = "$FCNN_VERSION" ] ||
        { echo "FAIL: fastcnn-io.pc is missing or has another version"; exit 1; }
    if [ -e "$library/libfastcnn-io.so" ]; then
        build fastcnn-io keras io_shared $(flags --libs fastcnn-io) && save_and_load "$program" io_shared ||
            { echo 'FAIL: example with libfastcnn-io.so'; exit 1; }
    fi
    if [ -e "$library/libfastcnn-io.a" ]; then
        build fastcnn-io keras io_static $(static_libs fastcnn-io) && save_and_load "$program" io_static &&
            ! ldd "$program" | grep libfastcnn || { echo 'FAIL: example with libfastcnn-io.a'; exit 1; }
    fi
    cat "$program.out"
    cp "$program.out" "$work/io_reference.out" || exit 1
    [ ! -e "$work/io_shared.out" ] || cmp "$work/io_shared.out" "$work/io_reference.out" ||
        { echo 'FAIL: shared and static library of files predict different things'; exit 1; }
fi

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

mkdir "$work/cmake" && cp "$examples"/*.c "$work/cmake" || exit 1
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
if("$FCNN_IO" STREQUAL "no")
    find_package(fastcnn COMPONENTS io QUIET)
    if(fastcnn_FOUND)
        message(FATAL_ERROR "the component io was found")
    endif()
else()
    find_package(fastcnn REQUIRED COMPONENTS io)
    add_executable(io_default keras.c)
    target_link_libraries(io_default fastcnn::io)
    if(TARGET fastcnn::io_static)
        add_executable(io_static keras.c)
        target_link_libraries(io_static fastcnn::io_static)
    endif()
endif()
find_package(fastcnn 99 QUIET)
if(fastcnn_FOUND)
    message(FATAL_ERROR "version 99 was found")
endif()
END
unset LD_LIBRARY_PATH
{
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL CC="${CC#ccache }" CFLAGS="$CFLAGS" \
        LDFLAGS="${LDFLAGS-}" \
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
for name in io_default io_static; do
    [ -e "$work/cmake/build/$name" ] || continue
    save_and_load "$work/cmake/build/$name" "cmake_$name" && cmp "$work/cmake_$name.out" "$work/io_reference.out" ||
        { echo "FAIL: $name"; exit 1; }
done
[ ! -e "$library/libfastcnn-io.a" ] || [ -e "$work/cmake/build/io_static" ] ||
    { echo 'FAIL: no target fastcnn::io_static'; exit 1; }
echo 'CMake: the moved tree works'

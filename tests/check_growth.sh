#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs outlive headers: tests/growth.c, compiled against today's headers, runs with a library in which every public
# struct has more members and every enum one more; and compiled against those headers it runs with today's library. The
# grown library is built here from a copy of the sources, with the naive kernels alone. Run in the build folder.
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
unset FASTCNN_ISA FASTCNN_MATH FASTCNN_KERNEL FASTCNN_NUM_THREADS FASTCNN_VERBOSE
export FASTCNN_TUNING=off
source=$(cd "$top_srcdir" && pwd)
fail() { echo "FAIL: $*"; exit 1; }

for folder in lib lib/net lib/tuning kernels kernels/peak kernels/simd reference; do
    mkdir -p "$work/$folder"
    cp "$source/$folder"/*.[ch] "$work/$folder/" || fail "no $folder"
done
chmod -R u+w "$work"
grep -v '^KERNEL' "$source/kernels/kernels.def" >"$work/kernels/kernels.def"
grep '^KERNEL(.*_naive' "$source/kernels/kernels.def" >>"$work/kernels/kernels.def"

# Members at the end of every struct and enum that a header of ours defines with a typedef of the same name.
for header in kernels/fastcnn_problem.h lib/fastcnn.h lib/fastcnn_tuning.h lib/net/fastcnn_net.h \
    lib/net/fastcnn_run.h; do
    awk '
        function grown(name) {
            return kind == "struct" ? "int64_t grown_1; double grown_2[3];" : "GROWN_" name ","
        }
        /^typedef (struct|enum) fcnn_[a-z0-9_]+ \{/ { kind = $2; name = $3; count++ }
        /^typedef (struct|enum) fcnn_[a-z0-9_]+ \{.*\}/ {
            separator = kind == "enum" && $0 !~ /, *\}/ ? ", " : " "
            sub(/ *\} fcnn_[a-z0-9_]+;/, separator grown(name) " } " name ";")
            kind = ""
        }
        kind && $0 == "} " name ";" { print "    " grown(name); kind = "" }
        { print }
        END { exit count < 3 }' "$source/$header" >"$work/$header" || fail "$header defines too little"
    cmp -s "$source/$header" "$work/$header" && fail "$header did not grow"
done

# What an old program did not give is 0 to the library.
sed 's/if (!fcnn_sized_take(\(.*\)))/if (!fcnn_sized_take(\1) || name.grown_1)/' "$source/lib/sized.h" \
    >"$work/lib/sized.h"
cmp -s "$source/lib/sized.h" "$work/lib/sized.h" && fail "lib/sized.h has another FCNN_TAKE"

flags="$CFLAGS -O0 -std=gnu11 -w -ffp-contract=off -fvisibility=hidden $OPENMP_CFLAGS -D_GNU_SOURCE"
library="-DPACKAGE_VERSION=\"$FCNN_VERSION\" -I$work -I$work/kernels -I$work/lib -I$work/lib/net"
rm "$work"/reference/*_double.c
# Some names are there twice.
for sources in 'lib/*.c' 'lib/net/*.c' 'lib/tuning/*.c' 'kernels/peak/*_scalar.c' 'reference/*.c'; do
    (cd "$work/$(dirname "$sources")" && $CC $flags $library -c $(basename "$sources")) ||
        fail "$sources with structs that have grown"
done

old="-I$source/kernels -I$source/lib -I$source/lib/net"
new="-I$work/kernels -I$work/lib -I$work/lib/net"
$CC $flags $old "$source/tests/growth.c" $(find "$work" -name "*.o") -lm -lpthread -o "$work/old" ||
    fail "old program"
echo "old program, grown library:"
$FCNN_RUN "$work/old" || fail "an old program does not run with a library that has grown"
[ -e .libs/libfastcnn.so ] || exit 0
$CC $flags $new "$source/tests/growth.c" .libs/libfastcnn.so -Wl,-rpath,"$PWD/.libs" -o "$work/new" ||
    fail "new program"
echo "new program, today's library:"
$FCNN_RUN "$work/new" || fail "a new program does not run with a library that is older"

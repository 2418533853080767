#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn filter: known answers of every kernel, strides, padding, edges, alpha, rounding, clipping, large pictures in
# bands, kernels in files with their errors, and that nothing is left behind after a failure. Run in the build folder.
set -u
. "${top_srcdir-.}/tests/program.sh"
verb=filter

picture() { ${FCNN_RUN-} tests/picture "$@"; }
is() # the picture that was written: "H W C", then its numbers
{
    checks=$((checks + 1))
    found=$(picture read "$work/o.png" | tr '\n' ' ')
    [ "$found" = "$* " ] || fail "$found instead of $*"
}
make() # H W C, then numbers
{
    h=$1 w=$2 c=$3; shift 3
    echo "$*" | picture write "$work/i.png" "$h" "$w" "$c" || fail 'no picture to begin with'
}
filter() { gives 0 "$work/i.png" "$work/o.png" "$@"; }

if ! echo 1 | picture write "$work/i.png" 1 1 1 2>"$err"; then
    grep -q 'built without libpng' "$err" && { echo 'SKIP: built without libpng'; exit 77; }
fi

# An impulse in the middle gives the kernel, turned by half a turn: networks do not turn it over.
make 5 5 1 0 0 0 0 0  0 0 0 0 0  0 0 252 0 0  0 0 0 0 0  0 0 0 0 0
filter --kernel blur
is 5 5 1 0 0 0 0 0 0 28 28 28 0 0 28 28 28 0 0 28 28 28 0 0 0 0 0 0
printf '0 .25 .5 # a comment\n\n1/4,  0 1\n-1\t0.125 1/12\n' >"$work/k"
filter --kernel "$work/k"
is 5 5 1 0 0 0 0 0 0 21 32 0 0 0 252 0 63 0 0 126 63 0 0 0 0 0 0 0
filter --kernel blur --padding valid
is 3 3 1 28 28 28 28 28 28 28 28 28
filter --kernel blur --strides 2
is 3 3 1 0 0 0 0 28 0 0 0 0

# An upright edge: dark on the left.
make 3 6 1 10 10 10 50 50 50  10 10 10 50 50 50  10 10 10 50 50 50
filter --kernel sobel-x
is 3 6 1 128 128 255 255 128 128 128 128 255 255 128 128 128 128 255 255 128 128
filter --kernel sobel-x --offset 0 --padding valid
is 1 4 1 0 160 160 0
filter --kernel sobel-y
is 3 6 1 128 128 128 128 128 128 128 128 128 128 128 128 128 128 128 128 128 128
filter --kernel edge --padding valid
is 1 4 1 0 0 120 0
filter --kernel sharpen --padding valid
is 1 4 1 10 0 90 50
filter --kernel emboss --padding valid
is 1 4 1 10 130 170 50

# What is outside: the edge's pixels, or zeros.
make 2 2 1 90 90 90 90
filter --kernel blur
is 2 2 1 90 90 90 90
filter --kernel blur --edges zero
is 2 2 1 40 40 40 40

# TensorFlow's "same": 4 columns with strides 2 and a window of 3 pad one column, on the right.
make 1 4 1 10 20 30 40
printf '1 0 0' >"$work/k"; filter --kernel "$work/k" --strides 2
is 1 2 1 10 30
printf '1 0' >"$work/k"; filter --kernel "$work/k"
is 1 4 1 10 20 30 40
printf '1' >"$work/k"; filter --kernel "$work/k" --strides 3
is 1 2 1 10 40
printf '0.45' >"$work/k"; filter --kernel "$work/k" --offset 2
is 1 4 1 7 11 16 20

# Colours by themselves; alpha as it was, that of the middle where pixels are left out.
make 1 3 4 255 0 9 1  255 0 9 2  255 0 9 3
filter --kernel blur
is 1 3 4 255 0 9 1 255 0 9 2 255 0 9 3
filter --kernel blur --strides 2
is 1 2 4 255 0 9 1 255 0 9 3
make 4 1 2 255 1  255 2  255 3  255 4
filter --kernel blur --strides 2
is 2 1 2 255 2 255 4
printf '1\n0\n0' >"$work/k"; filter --kernel "$work/k" --padding valid
is 2 1 2 255 2 255 3
make 2 4 2 255 11  255 12  255 13  255 14  255 21  255 22  255 23  255 24
printf '.25 .25\n.25 .25' >"$work/k"; filter --kernel "$work/k" # an even kernel moves no alpha
is 2 4 2 255 11 255 12 255 13 255 14 255 21 255 22 255 23 255 24
make 1 3 2 30 7 60 8 90 9
filter --kernel blur
is 1 3 2 40 7 60 8 80 9
make 1 2 3 10 20 30 40 50 60
printf '1' >"$work/k"; filter --kernel "$work/k"
is 1 2 3 10 20 30 40 50 60

# More rows than a band has, with any number of threads and any instruction set: a slope stays a slope.
awk 'BEGIN { for (y = 0; y < 900; y++) for (x = 0; x < 1500; x++) print (x + y) % 3 * 90 }' |
    picture write "$work/i.png" 900 1500 1
printf '0 0 0\n0 0 0\n0 0 1' >"$work/k"; filter --kernel "$work/k" --threads 1 --padding valid
picture read "$work/i.png" | awk 'NR > 3 { $1 = ""; $2 = ""; print }' | tr -s ' ' | sed 's/^ //' >"$work/want"
picture read "$work/o.png" | sed 1d >"$work/found"
checks=$((checks + 1)); cmp -s "$work/want" "$work/found" || fail "not moved by one row and column"
filter --kernel blur --strides 2 --threads 1; cp "$work/o.png" "$work/one.png"
filter --kernel blur --strides 2 --threads 3 --isa scalar
checks=$((checks + 1)); cmp -s "$work/o.png" "$work/one.png" || fail "another picture"

# ---- errors ----

rm "$work/o.png"
make 2 2 1 1 2 3 4
bad() # what the file holds, then where and what is wrong with it
{
    printf "$1" >"$work/k"
    gives 65 "$work/i.png" "$work/o.png" --kernel "$work/k"; has err "$work/k:$2"
}
bad '1 2\n3 4 5\n' "2:6: a row of 3 numbers; expected 2, as above"
bad '1 2\n3\n' "2:2: a row of 1 number; expected 2"
bad '1 x2 3\n' "1:3: expected a number, found 'x2'"
bad '1 2\n\n  3,,4\n' "3:5: expected a number, found ','"
bad '1, 2,\n' "1:6: expected a number, found the end of the line"
bad '1 1/0\n' "1:3: expected a number, found '1/0'"
bad '1 nan\n' "1:3: expected a number, found 'nan'"
bad '1 1/2/3\n' "1:3: expected a number, found '1/2/3'"
bad '# nothing\n\n' ' no numbers'
bad "$(seq -s ' ' 64)" "1:181: a row has at most 63 numbers"
bad "$(seq 64)" "64:1: a kernel has at most 63 rows"
gives 66 "$work/i.png" "$work/o.png" --kernel "$work/none"; has err "$work/none"
gives 65 "$work/k" "$work/o.png" --kernel blur; has err 'not a PNG file'
gives 66 "$work/none.png" "$work/o.png" --kernel blur; has err none.png
gives 65 "$work/i.png" "$work/o.png" --kernel blur --padding valid; has err "fewer than the kernel's 3 x 3"
gives 74 "$work/i.png" "$work/none/o.png" --kernel blur; has err "$work/none/o.png"
gives 64 "$work/i.png" "$work/o.png"; has err 'expected --kernel'
gives 64 "$work/i.png" --kernel blur; has err 'a picture to read and one to write'
gives 64 "$work/i.png" "$work/o.png" --kernel blur --strides 0; has err --strides
gives 64 "$work/i.png" "$work/o.png" --kernel blur --edges soft; has err 'expected repeat or zero'
gives 64 "$work/i.png" "$work/o.png" --kernel blur --isa mmx; has err mmx
[ ! -e "$work/o.png" ] || fail 'a failure left a picture behind'
gives 0 "$work/i.png" "$work/i.png" --kernel blur --json; has out '"offset"' # over the picture itself
ls -A "$work" | grep -q 'fastcnn-.*tmp' && fail 'a temporary file was left behind'

conclude

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kernels/kernels.def against the objects: every variant has exactly one row, every row of a built instruction set has
# its variant, every source file of kernels/ is built. Run in the build folder.
set -u
table=$top_srcdir/kernels/kernels.def
failed=

complain() # what is wrong, then the names
{
    what=$1; shift
    [ $# -eq 0 ] || { failed=1; echo "FAIL: $what:"; printf '    %s\n' "$@"; }
}

work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
isas=$(echo $FCNN_ISAS | tr 'a-z ' 'A-Z|')
sed -n 's/^KERNEL(\([a-z0-9_]*\),.*/\1/p' "$table" | sort >"$work/rows"
sed -En "s/^KERNEL\(([a-z0-9_]*),[^,]*,[^,]*, *($isas),.*/\1/p" "$table" | sort -u >"$work/built"

# The data that a kernel's object shows the linker is its variants (and what kernels share, called fcnn_...);
# lib/naive.c holds the variants of the reference.
find kernels -name '*.o' -exec $NM -g --defined-only {} + |
    awk '$2 ~ /[BDGRSV]/ && $3 !~ /^(__|fcnn_)/ { print $3 }' >"$work/all"
find lib -name '*naive.o' -exec $NM -g --defined-only {} + |
    awk '$2 ~ /[BDGRSV]/ && $3 ~ /_naive$/ && $3 !~ /^__/ { print $3 }' >>"$work/all"
sort -u "$work/all" >"$work/symbols"

complain "no variant in any object" $([ -s "$work/symbols" ] || echo "$PWD")
complain "rows that occur twice" $(uniq -d "$work/rows")
complain "variants without a row in kernels/kernels.def" $(comm -23 "$work/symbols" "$work/rows")
complain "rows without a variant" $(comm -13 "$work/symbols" "$work/built")
complain "files that no list in kernels/kernels.mk names" \
    $(cd "$top_srcdir" && find kernels -name '*.c' | while read -r file; do
        grep -q "^ *$file\( \|$\)" kernels/kernels.mk || echo "$file"
    done)
[ -z "$failed" ] || exit 1
echo "$(wc -l <"$work/rows") rows, $(wc -l <"$work/symbols") variants in objects"

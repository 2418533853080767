#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A test that no list names never runs, or nobody knows what it is for: every tests/check_* is in tests/tests.mk and has
# a line in tests/README.md, once. Two of one name would write one log.
set -u
cd "$top_srcdir/tests" || exit 1
failed=
once() # FILE EXPRESSION NAME: one line of the file is about the test
{
    lines=$(grep -c "$2" "$1")
    [ "$lines" -eq 1 ] || { failed=1; echo "FAIL: $lines lines of tests/$1 in place of one are about $3"; }
}
for file in check_*.c check_*.sh; do
    name=${file%.c}
    once tests.mk "^ *tests/$name\( \\\\\|\$\)" "$name"
    once README.md "^| \`$name\` | ." "$name"
    [ "$file" != "$name" ] || [ ! -e "${file%.sh}.c" ] ||
        { failed=1; echo "FAIL: $file and ${file%.sh}.c write one log"; }
done
[ -z "$failed" ]

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A test that no list names never runs, or nobody knows what it is for: every tests/check_* is in tests/tests.mk and has
# a line in tests/README.md. Two of one name would write one log.
set -u
cd "$top_srcdir/tests" || exit 1
failed=
for file in check_*.c check_*.sh; do
    name=${file%.c}
    grep -q "^ *tests/$name\( \\\\\|\$\)" tests.mk || { failed=1; echo "FAIL: tests/tests.mk does not run $name"; }
    grep -q "^| \`$name\` | ." README.md ||
        { failed=1; echo "FAIL: no line of tests/README.md says what $name checks"; }
    [ "$file" != "$name" ] || [ ! -e "${file%.sh}.c" ] ||
        { failed=1; echo "FAIL: $file and ${file%.sh}.c write one log"; }
done
[ -z "$failed" ]

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# embed.sh {NAME FILE}...: C on the standard output, an array of lines for each pair.

echo '#include "bench/report/page.h"'
while [ $# -gt 1 ]; do
    echo "const char *const $1[] = {"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/    "&\\n",/' "$2" || exit 1
    echo '    NULL};'
    shift 2
done

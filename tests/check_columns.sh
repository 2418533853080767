#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Lines of sources, scripts and makefiles have at most 120 columns. A character is one column whatever the locale: bytes
# that continue one in UTF-8 do not count. Nor do copies that another test makes and removes
# meanwhile, and what is generated.
set -u
cd "$top_srcdir" || exit 1

files=$(find reference kernels lib cli examples tests bench ! -path '*.tmp/*' ! -name page_files.c \
    \( -name '*.[ch]' -o -name '*.cc' -o -name '*.def' -o -name '*.mk' -o -name '*.sh' \) | sort)
LC_ALL=C awk '
FNR == 1 { files++ }
{ gsub(/[\200-\277]/, "") }
length($0) > 120 { print FILENAME ":" FNR ": " length($0) " columns"; failed = 1 }
END {
    if (files < 200) { print "FAIL: found only " files " files"; exit 1 }
    if (failed) { print "FAIL: the lines above are longer than 120 columns"; exit 1 }
    print files " files"
}' bootstrap configure.ac Makefile.am m4/fcnn_*.m4 $files

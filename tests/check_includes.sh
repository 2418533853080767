#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Dependencies point one way: cli, bench, tests, examples -> lib -> kernels, and the naive kernels -> reference.
# Lists every #include "..." that points elsewhere. Paths are relative to the top of the sources.
set -u
cd "$top_srcdir" || exit 1

# What a file may include, as a regular expression; the first pattern that matches the file counts.
allowed()
{
    case $1 in
    reference/*) echo 'reference/ref\.h' ;;
    kernels/*) echo 'kernels/.*' ;;
    lib/fastcnn.h | lib/net/fastcnn_net.h) echo 'fastcnn(_problem|_net)?\.h' ;; # as they lie installed
    lib/net/*) echo 'lib/(error|fastcnn|fpmode|pool|team|threads)\.h|lib/net/.*\.h' ;;
    lib/io/*) echo 'lib/fastcnn\.h|lib/io/.*\.h' ;;
    lib/naive*.[ch]) echo 'lib/[a-z_]*\.h|kernels/kernel\.h|reference/ref\.h' ;;
    lib/peak.c) echo 'lib/[a-z_]*\.h|kernels/peak/peak\.h' ;;
    lib/registry.c) echo 'lib/[a-z_]*\.h|kernels/kernel\.h|kernels/kernels\.def' ;;
    lib/*) echo 'lib/[a-z_]*\.h|kernels/kernel\.h' ;;
    cli/*) echo 'lib/fastcnn\.h|lib/io/io\.h|cli/.*\.h' ;;
    examples/*) echo '' ;; # only <fastcnn.h>, installed
    tests/*) echo '(lib|kernels|reference|tests)/.*' ;;
    bench/*) echo '(lib|kernels|reference|bench)/.*' ;;
    *) echo '' ;;
    esac
}

files=$(find reference kernels lib cli examples tests bench -name '*.[ch]' -o -name '*.def' -o -name '*.cc' | sort)
count=0
for file in $files; do
    pattern=$(allowed "$file")
    grep -nE '^ *# *include *"' "$file" | grep -vE "\"($pattern)\"" | sed "s|^|$file:|" | grep . && failed=1
    count=$((count + 1))
done
[ "$count" -gt 20 ] || { echo "FAIL: found only $count source files in $PWD"; exit 1; }
[ -z "${failed-}" ] || { echo "FAIL: the includes above point the wrong way (docs/architecture.md)"; exit 1; }
echo "$count files"

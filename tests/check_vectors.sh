#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Instruction sets are known in kernels/simd/ alone: bodies of kernels use its vector API, so that a new instruction set
# is a header and stubs. Lists every intrinsic, assembler statement and question for a width elsewhere in kernels/.
set -u
cd "$top_srcdir" || exit 1

intrinsics='\b_mm[0-9]*_|\b__m(mask)?[0-9]+|<[a-z0-9]*(intrin|neon|sve)\.h>|__builtin_ia32|\bSleef_'
assembler='\b(__asm__|__asm|asm)\b *(volatile)? *\('
widths='\bVL *(==|!=|<|>|<=|>=) *[0-9]'

files=$(find kernels -name '*.[ch]' ! -path 'kernels/simd/*' | sort)
count=0
for file in $files; do
    grep -nE "$intrinsics|$assembler|$widths" "$file" | sed "s|^|$file:|" | grep . && failed=1
    count=$((count + 1))
done
[ "$count" -gt 20 ] || { echo "FAIL: found only $count source files in $PWD"; exit 1; }
[ -z "${failed-}" ] || { echo "FAIL: the lines above belong to kernels/simd/ (docs/adding-a-kernel.md)"; exit 1; }
echo "$count files"

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Code that runs on every CPU must hold no AVX: disassembles all objects but those of the AVX libraries and fails on
# VEX- or EVEX-encoded instructions, with the object, the function and the instruction. Run in the build folder.
set -u

case $HOST_CPU in
x86_64) ;;
*) echo "SKIP: looks for AVX, and this is $HOST_CPU"; exit 77 ;;
esac
case " $CC $CFLAGS " in
*" -m"[!6]*) echo "SKIP: CFLAGS ask for an instruction set: $CC $CFLAGS"; exit 77 ;;
esac

objects=$(find reference lib kernels cli -name '*.o' ! -name 'libfcnn_avx*_la-*' | sort)
[ -n "$objects" ] || { echo "FAIL: no objects in $PWD"; exit 1; }

# Mnemonics that begin with v (but verr, verw and the vm* of virtualisation), the VEX-encoded ones of BMI, mask moves.
for object in $objects; do
    $OBJDUMP -d --no-show-raw-insn "$object" | awk -F '\t' -v object="$object" '
        /^[0-9a-f]+ </ { name = $1; sub(/^[0-9a-f]+ /, "", name) }
        $2 ~ /^v/ && $2 !~ /^(verr|verw|vm[a-z]+) / ||
        $2 ~ /^(andn|bextr|bls[a-z]+|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|k[a-z]+[bwdq]) / || $2 ~ /%[yz]mm/ {
            if (!found++) printf "%s %s %s\n", object, name, $2
        }
        END { exit found > 0 }' || leaks=1
done
[ -z "${leaks-}" ] || { echo "FAIL: the objects above need AVX or BMI, but run on every CPU"; exit 1; }
echo "$(echo "$objects" | wc -l) objects without AVX"

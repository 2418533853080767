#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The gate, tier 0, for what callgrind cannot run: the hot loops of vector kernels as objdump shows them. Of each
# function with multiply-adds in a loop that is the innermost loop with the most of them (of several the worst). It may
# have no more vectors on the stack than the committed list says, and no smaller share of multiply-adds (3 % of it is
# left to the compiler). Run in the build folder.
# Exit status: 0, 1 if a loop is worse, 64 usage, 77 without baseline or objects.

usage() {
    cat <<'END'
Usage: bench/hot_loops.sh [--record] [--baseline=FOLDER] PROGRAM
  --record           write the list to the folder in place of comparing
  --baseline=FOLDER  of hot-loops-COMPILER-ISA.txt (default: baseline beside this script)
PROGRAM is fastcnn-icount, which knows how it was compiled.
END
}

. "$(dirname "$0")/tier0.sh"
key=$(echo "$key" | sed -n '/^compiler \|^flags /{s/  */ /g; s/ $//; p; }')

. "$(dirname "$0")/loops.sh"
for isa in avx512 neon; do
    objects=$(find kernels -name "libfcnn_${isa}_la-*.o" | sort)
    [ -z "$objects" ] || break
done
[ -n "$objects" ] || skip "no kernels here whose hot loops are looked at (AVX-512, NEON)"
file=$folder/hot-loops-$name-$isa.txt
if [ -z "$record" ]; then
    [ -f "$file" ] || skip "no list for $name, only $(cd "$folder" 2>/dev/null && echo hot-loops-*);" \
        "make bench-baseline makes one of this build"
    [ "$(sed -n 's/^# //p' "$file" | sed '/^columns/d')" = "$key" ] ||
        skip "$file is of" $(sed -n 's/^# //p' "$file" | sed '/^columns/d'), "this build of" $key \
            "(make bench-baseline makes one of it)"
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# "OBJECT FUNCTION FMAS INSTRUCTIONS STACK" of the hot loop of each function.
for object in $objects; do hot_loops "$isa" "$object"; done >"$work/loops"
[ -s "$work/loops" ] || fail "no loop with multiply-adds in $(echo $objects)"

if [ -n "$record" ]; then
    mkdir -p "$folder" && { echo "$key" | sed 's/^/# /' && echo '# columns: object function FMAs instructions stack' &&
        cat "$work/loops"; } >"$file.new" && mv "$file.new" "$file" || fail "cannot write $file"
    echo "$file: $(wc -l <"$work/loops") loops"
    exit 0
fi
awk -v isa="$isa" '
    /^#/ { next }
    FNR == NR { fma[$1 " " $2] = $3; all[$1 " " $2] = $4; stack[$1 " " $2] = $5; next }
    {
        loop = $1 " " $2
        count++
        if (!(loop in fma)) { print "not in the list: " loop "; make bench-baseline takes it in"; next }
        seen[loop] = 1
        if ($5 > stack[loop]) {
            printf "FAIL: %s: its loop of %d multiply-adds has %d vectors on the stack, %d in the list\n", loop, $3, $5,
                stack[loop]
            failed++
        }
        if ($3 / $4 < 0.97 * fma[loop] / all[loop]) {
            printf "FAIL: %s: %d of %d instructions of its loop are multiply-adds, %d of %d in the list\n", loop, $3,
                $4, fma[loop], all[loop]
            failed++
        }
    }
    END {
        for (loop in fma) if (!(loop in seen)) print "in the list, but there is no such loop: " loop
        printf "%s: %d hot loops, %d worse than in the list\n", isa, count, failed
        exit failed > 0
    }' "$file" "$work/loops"

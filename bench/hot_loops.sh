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

# An instruction set: multiply-adds, vectors and masks on the stack, jumps (of ARM those under a condition: others come
# back from cold code). Another one is a line here.
for isa in avx512 neon; do
    case $isa in
    avx512) fma='^vfn?m(add|sub)' stack='^[vk].*\(%rsp' jump='^j[a-z]+ ' ;;
    neon) fma='^(fml[as]|fn?m(add|sub)) ' stack='^(ldr|str|ldp|stp|ld1|st1).*[qv][0-9].*\[sp' jump='^(b[.]|cb|tb)' ;;
    esac
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
for object in $objects; do
    ${OBJDUMP:-objdump} -d --no-show-raw-insn "$object" |
        awk -v object="$(echo "$object" | sed 's|^kernels/||; s|\.libs/||; s|lib[^/]*_la-||; s|\.o$||')" \
            -v fma_is="$fma" -v stack_is="$stack" -v jump_is="$jump" '
        function number(hex,    i, n)
        {
            for (i = 1; i <= length(hex); i++) n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
            return n
        }
        # A loop is a jump backwards and what lies between; it is innermost if no other lies within.
        function is_innermost(i,    j)
        {
            for (j = 1; j <= loops; j++)
                if (start[j] >= start[i] && end[j] <= end[i] && end[j] - start[j] < end[i] - start[i]) return 0
            return 1
        }
        function finish(    i, k, fma, all, stack, hot_fma, hot_all, hot_stack)
        {
            for (i = 1; i <= loops; i++) {
                if (!is_innermost(i)) continue
                fma = all = stack = 0
                for (k = 1; k <= count; k++) {
                    if (address[k] < start[i] || address[k] > end[i]) continue
                    all++
                    if (text[k] ~ fma_is) fma++
                    if (text[k] ~ stack_is) stack++
                }
                if (fma < hot_fma || !fma) continue
                if (fma > hot_fma) hot_all = hot_stack = 0
                hot_fma = fma
                if (all > hot_all) hot_all = all
                if (stack > hot_stack) hot_stack = stack
            }
            if (hot_fma) print object, name, hot_fma, hot_all, hot_stack
            loops = count = 0
        }
        /^[0-9a-f]+ <.*>:$/ { finish(); name = $2; gsub(/[<>:]/, "", name); next }
        /^ *[0-9a-f]+:\t/ {
            at = number(substr($1, 1, length($1) - 1))
            line = $0
            sub(/^[^\t]*\t/, "", line)
            gsub(/[ \t]+/, " ", line)
            sub(/ *\/\/.*/, "", line) # objdump explains conditions of ARM
            address[++count] = at
            text[count] = line
            if (line !~ jump_is || !match(line, /[0-9a-f]+ <[^>]*>$/)) next
            target = substr(line, RSTART)
            sub(/ .*/, "", target)
            if (number(target) > at) next
            start[++loops] = number(target)
            end[loops] = at
        }
        END { finish() }'
done >"$work/loops"
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

# SPDX-License-Identifier: BSD-2-Clause
# The hot loops of an object as objdump shows them, for hot_loops.sh and mca: of each function with multiply-adds in a
# loop that is the innermost loop with the most of them.

# What an instruction set's look like: multiply-adds, vectors and masks on the stack, jumps (of ARM those under a
# condition: others come back from cold code). Another one is a line here.
patterns() {
    case $1 in
    avx512 | avx2) fma='^vfn?m(add|sub)' stack='^[vk].*\(%rsp' jump='^j[a-z]+ ' ;;
    neon) fma='^(fml[as]|fn?m(add|sub)) ' stack='^(ldr|str|ldp|stp|ld1|st1).*[qv][0-9].*\[sp' jump='^(b[.]|cb|tb)' ;;
    esac
}

# hot_loops ISA OBJECT [all]: "OBJECT FUNCTION FMAS INSTRUCTIONS STACK" for each; where several loops have the most
# multiply-adds, the worst numbers among them. `all`: of these the one with the fewest instructions, and below its line
# its instructions, each behind a tab, with "loop" as where a jump goes.
hot_loops() {
    patterns "$1"
    ${OBJDUMP:-objdump} -d --no-show-raw-insn "$2" |
        awk -v object="$(echo "$2" | sed 's|^.*kernels/||; s|\.libs/||; s|lib[^/]*_la-||; s|\.o$||')" \
            -v fma_is="$fma" -v stack_is="$stack" -v jump_is="$jump" -v show="${3-}" '
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
        function print_loop(i,    k, line)
        {
            for (k = 1; k <= count; k++) {
                if (address[k] < start[i] || address[k] > end[i]) continue
                line = text[k]
                sub(/[0-9a-f]+ <[^>]*>$/, "loop", line)
                print "\t" line
            }
        }
        function finish(    i, k, fma, all, stack, hot_fma, hot_all, hot_stack, shown)
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
                if (fma > hot_fma) hot_all = hot_stack = shown = 0
                hot_fma = fma
                if (show ? !shown || all < hot_all : all > hot_all) { hot_all = all; shown = i }
                if (stack > hot_stack) hot_stack = stack
            }
            if (hot_fma) print object, name, hot_fma, hot_all, hot_stack
            if (hot_fma && show) print_loop(shown)
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
}

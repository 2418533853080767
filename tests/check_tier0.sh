#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The gate's tier 0 itself, on made-up counts and loops: a program that names a compiler, a valgrind that counts what it
# is told, an objdump that prints what it is told. What is worse must be red, what cannot be judged must be 77.
set -u
unset FCNN_RUN # the program is a script
bench=$(cd "$top_srcdir/bench" && pwd)
work=$(mktemp -d) && cd "$work" && mkdir -p bin kernels/toy || exit 1
trap 'cd / && rm -rf "$work"' EXIT
touch kernels/toy/libfcnn_avx512_la-toy.o

cat >program <<'END'
#!/bin/sh
printf 'name gcc-12\ncompiler gcc 12.2.0\nflags -O2   -g \nlibc 2.36\n'
END
# Its arguments end with --callgrind-out-file=FILE and the program; counts: "COUNT KERNEL PROBLEM" a line.
cat >bin/valgrind <<END
#!/bin/sh
for argument; do case \$argument in --callgrind-out-file=*) out=\${argument#*=} ;; esac; done
n=0
while read -r count name; do
    n=\$((n + 1))
    printf 'desc: Trigger: Client Request: %s\nsummary: %s\ntotals: %s\n' "\$name" "\$count" "\$count" >"\$out.\$n"
done <"$work/counts"
printf 'desc: Trigger: Program termination\ntotals: 5\n' >"\$out.\$((n + 1))"
echo 'uncovered toy_fwd_new_avx2'
END
cat >bin/objdump <<END
#!/bin/sh
cat "$work/disassembly"
END
chmod +x program bin/*
PATH=$work/bin:$PATH OBJDUMP=objdump
export PATH OBJDUMP

failed=
# expect STATUS TEXT TOOL...: runs it; its exit status, and a line that contains the text.
expect() {
    status=$1 text=$2
    shift 2
    "${SHELL:-/bin/sh}" "$bench/$@" ./program >out 2>&1
    got=$?
    [ "$got" -eq "$status" ] && grep -qF -e "$text" out && return
    failed=1
    echo "FAIL: expected $status with \"$text\" of $*, got $got with:" && cat out
}
icount() { printf '%s\n' "100000 toy_fwd_a_scalar relu" "$1 toy_fwd_a_avx2 relu" ${2+"$2"} >counts; }
icount 100000 '300 toy_fwd_b_avx2 relu'
expect 77 'no baseline for gcc-12' icount.sh --baseline=base
expect 0 'icount-gcc-12-avx2.txt: 2 counts' icount.sh --record --baseline=base
expect 0 'avx2: 2 counts, 0 above' icount.sh --baseline=base
expect 0 'uncovered toy_fwd_new_avx2' icount.sh --baseline=base
icount 100600 '300 toy_fwd_b_avx2 relu'
expect 1 'FAIL: toy_fwd_a_avx2 relu: +0.60 % instructions, 100600 in place of 100000' icount.sh --baseline=base
icount 100400 '300 toy_fwd_b_avx2 relu'
expect 0 'avx2: 2 counts, 0 above' icount.sh --baseline=base
icount 97900 '300 toy_fwd_c_avx2 relu'
expect 0 'fewer: toy_fwd_a_avx2 relu: -2.10 %' icount.sh --baseline=base
expect 0 'not in the baseline: toy_fwd_c_avx2 relu' icount.sh --baseline=base
expect 0 'in the baseline, but not counted: toy_fwd_b_avx2 relu' icount.sh --baseline=base
: >counts
expect 77 'without callgrind' icount.sh --baseline=base

# A function with a loop of two multiply-adds, $1 between them, inside a longer one.
loop() {
    printf '%s\n' '' 'toy.o:     file format elf64-x86-64' '' '0000000000000000 <run>:' \
        '   0:	vmovups 0x8(%rsp),%zmm9' '   4:	vmovups (%rdi),%zmm0' '   8:	vfmadd231ps %zmm0,%zmm1,%zmm2' \
        "   c:	$1" "  10:	$2" '  14:	vfmadd231ps (%rsi),%zmm1,%zmm3' '  18:	jne    4 <run+0x4>' \
        '  1c:	vmovups %zmm9,0x8(%rsp)' '  20:	jmp    0 <run>' >disassembly
}
loop 'add    $0x40,%rdi' 'add    $0x40,%rsi'
expect 77 'no list for gcc-12' hot_loops.sh --baseline=base
expect 0 'hot-loops-gcc-12-avx512.txt: 1 loops' hot_loops.sh --record --baseline=base
grep -qx 'toy/toy run 2 6 0' base/hot-loops-gcc-12-avx512.txt || { failed=1 && cat base/hot*; }
expect 0 'avx512: 1 hot loops, 0 worse' hot_loops.sh --baseline=base
loop 'add    $0x40,%rdi' 'vmovaps 0x48(%rsp),%zmm1'
expect 1 'FAIL: toy/toy run: its loop of 2 multiply-adds has 1 vectors on the stack, 0 in the list' \
    hot_loops.sh --baseline=base
loop 'add    $0x40,%rdi' 'mov    0x48(%rsp),%rsi' # a pointer is no vector
expect 0 'avx512: 1 hot loops, 0 worse' hot_loops.sh --baseline=base
loop 'add    $0x40,%rdi' 'nop
  12:	nop'
expect 1 'FAIL: toy/toy run: 2 of 7 instructions of its loop are multiply-adds, 2 of 6 in the list' \
    hot_loops.sh --baseline=base
sed -i 's/12.2.0/12.3.0/' program
expect 77 'is of compiler gcc 12.2.0 flags -O2 -g, this build of compiler gcc 12.3.0' hot_loops.sh --baseline=base
expect 77 'is of compiler gcc 12.2.0 flags -O2 -g libc 2.36, this build of compiler gcc 12.3.0' \
    icount.sh --baseline=base
[ -z "$failed" ] && echo 'what is worse is red, what cannot be judged is 77'

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bench/mca: its arithmetic on made-up loops and a made-up llvm-mca, then what the real one says of loops whose speed is
# known. Exit status 77: there is no real one; all else was checked.
set -u
unset FCNN_RUN # what it runs are scripts
mca=$(cd "$top_srcdir/bench" && pwd)/mca
work=$(mktemp -d) && cd "$work" && mkdir -p bin build/kernels/tile || exit 1
trap 'cd / && rm -rf "$work"' EXIT
OBJDUMP=$work/bin/objdump
export OBJDUMP
printf '#!/bin/sh\ncat "%s/disassembly"\n' "$work" >bin/objdump

# Says of each region how long "NAME CYCLES" of the file `cycles` lets it take, and knows no CPU but one.
cat >bin/made-up <<END
#!/bin/sh
for file; do
    case \$file in
    --version) echo 'LLVM version 1.2.3' && exit ;;
    -mcpu=known | -mcpu=sapphirerapids) ;;
    -mcpu=*) echo "'\${file#-mcpu=}' is not a recognized processor for this target" >&2 && exit ;;
    esac
done
echo "\$*" >"$work/asked"
cp "\$file" "$work/code"
sed -n 's/^# LLVM-MCA-BEGIN //p' "\$file" | while read -r name; do
    sed -n "s/^\$name /[0] Code Region - \$name\nTotal Cycles: /p" "$work/cycles"
    printf 'Resources:\n[0.0] - ToyUnitA\n[1] - OtherUnitB\n'
done
END
chmod +x bin/*

failed=
# expect STATUS TEXT OPTION...: runs bench/mca; its exit status, and a line that begins with the text.
expect() {
    status=$1 text=$2
    shift 2
    "${SHELL:-/bin/sh}" "$mca" "$@" build >out 2>&1
    got=$?
    [ "$got" -eq "$status" ] && awk -v text="$text" 'index($0, text) == 1 { n++ } END { exit !n }' out && return
    failed=1
    echo "FAIL: expected $status with \"$text\" of $*, got $got with:" && cat out
}

# tile NAME TARGET JUMP INSTRUCTION...: a function with these instructions in a loop.
tile() {
    printf '\n0000000000001000 <%s>:\n    1000:\tnop\n' "$1"
    name=$1 jump=$2 n=4100
    shift 2
    for line; do printf '    %x:\t%s\n' $n "$line" && n=$((n + 4)); done
    printf '    %x:\t%s 1004 <%s+0x4>\n    %x:\tret\n' $n "$jump" "$name" $((n + 4))
}

export LLVM_MCA="$work/bin/made-up"
expect 77 'SKIP: no tile kernels of avx2 avx512 neon in build'
touch build/kernels/tile/libfcnn_avx512_la-tile_avx512.o
for shape in gather_4x6 gather_4x5 gather_2x12 straight_4x6 straight_4x5 outer_4x3 masked_2x9 summed_2x9; do
    tile $shape 'jne   ' 'vmovups (%rdi),%zmm0' 'vfmadd231ps (%rsi),%zmm0,%zmm1' 'vfmadd231ps %zmm0,%zmm3,%zmm2'
done >disassembly
# Another loop of summed_2x9, with as many multiply-adds: the shorter one counts.
printf '    %s\n' '1020:	nop' '1024:	vfmadd231ps %zmm4,%zmm3,%zmm2' '1028:	vfmadd231ps %zmm5,%zmm3,%zmm1' \
    '102c:	jne    1024 <summed_2x9+0x24>' >>disassembly
# The peak: 24 multiply-adds, 300 times, in 3600 cycles are 2 a cycle; a loop of two in 400 cycles 1.5.
printf '%s\n' 'peak 3600' 'gather_4x6 400' 'gather_4x5 300' 'gather_2x12 333' 'straight_4x6 335' 'straight_4x5 600' \
    'outer_4x3 3000' 'summed_2x9 1200' 'masked_2x9 1500' >cycles
expect 0 '| gather_4x6 | 2 of 4 | MNIST and ResNet, forward and data | 75 | - |' --cpu=known,foreign
expect 0 '| gather_4x5 | 2 of 4 | the same, where pixels do not divide | 100 | - |' --cpu=known,foreign
expect 0 '| summed_2x9 | 2 of 3 | MNIST'\''s first layer with pooling, weights | 25 | - |' --cpu=known,foreign
expect 0 '| masked_2x9 | 2 of 4 | MNIST'\''s first layer, weights | 20 | - |' --cpu=known,foreign
expect 0 "| LLVM's model |  |  | Toy | - |" --cpu=known,foreign
expect 0 '| multiply-adds per cycle: modelled (real) |  |  | 2.0 (?) | - |' --cpu=known,foreign
expect 0 '| 90 or more, of 8 loops |  |  | 3 | - |' --cpu=known,foreign # 100, 90.09 and 89.6, which is printed as 90
expect 0 '| outer_4x3 | 2 of 4 |  | 10 |' --cpu=known --all
expect 64 'Usage' --no-such-option
grep -q -e '-mtriple=x86_64 -mcpu=known -iterations=300' asked || { failed=1 && echo 'FAIL: asked' && cat asked; }
[ "$(grep -c 'vfmadd231ps %zmm30, %zmm31, %zmm[0-9]*$' code)" -eq 24 ] && grep -qx '	jne loop' code ||
    { failed=1 && echo 'FAIL: not the code of the loops:' && cat code; }

# Floors: of this compiler and this llvm-mca, or nothing is said; what is worse by more than 3 % of itself is red.
cat >build/fastcnn-icount <<'END'
#!/bin/sh
printf 'name gcc-12\ncompiler gcc 12.2.0\nflags -O2   -g \nlibc 2.36\n'
END
chmod +x build/fastcnn-icount
expect 77 'SKIP: no floors for gcc-12' --check --baseline=base
expect 0 'base/mca-gcc-12-avx512.txt: 8 estimates of llvm-mca 1' --record --baseline=base
expect 0 'avx512, llvm-mca 1: 8 estimates, 0 below their floors, 5 below the goal of 90 %:' --check --baseline=base
expect 0 '  sapphirerapids gather_4x6 75' --check --baseline=base
sed -i 's/^gather_4x6 400/gather_4x6 410/' cycles
expect 0 'avx512, llvm-mca 1: 8 estimates, 0 below' --check --baseline=base
sed -i 's/^gather_4x6 410/gather_4x6 415/' cycles
expect 1 'FAIL: avx512: sapphirerapids gather_4x6: 72 % of the modelled multiply-adds, 75 in the list' \
    --check --baseline=base
sed -i '/gather_4x6/d' base/mca-gcc-12-avx512.txt
expect 0 'not in the list: sapphirerapids gather_4x6; bench/mca --record takes it in' --check --baseline=base
sed -i 's/version 1.2.3/version 12.0.1/' bin/made-up
expect 77 'SKIP: base/mca-gcc-12-avx512.txt has no floors of llvm-mca 12, only of 1' --check --baseline=base
expect 0 'base/mca-gcc-12-avx512.txt: 8 estimates of llvm-mca 12' --record --baseline=base
expect 0 'avx512, llvm-mca 12: 8 estimates, 0 below' --check --baseline=base
[ "$(grep -c '^1 ' base/mca*) $(grep -c '^12 ' base/mca*)" = '7 8' ] || { failed=1 && cat base/mca*; }
sed -i 's/12.2.0/12.3.0/' build/fastcnn-icount
expect 77 'SKIP: base/mca-gcc-12-avx512.txt is of compiler gcc 12.2.0 flags -O2 -g, this build of compiler gcc 12.3.0' \
    --check --baseline=base
expect 64 'Usage' --check --all
sed -i 's/^gather_4x6 415/gather_4x6 400/' cycles

if command -v jq >/dev/null; then # the best median, of this instruction set, of 3x3 layers
    row() { printf '{"aggregate_name":"%s","run_name":"%s","problem":"%s","isa":"%s","percent_of_peak":%s}%s' "$@"; }
    { echo '{"benchmarks":[' && row median mnist.conv2/conv2d_fwd_direct_avx512 ic32kh3 avx512 71.4 , &&
        row median resnet18.a/conv2d_bwd_data_direct_avx512 kh3 avx512 82.6 , &&
        row median resnet50.b/conv2d_fwd_direct_avx512 kh1 avx512 97 , &&
        row median mnist.conv2/conv2d_fwd_winograd_f2_avx512 kh3 avx512 98 , &&
        row median mnist.conv2/conv2d_fwd_direct_avx2 kh3 avx2 99 , &&
        row mean mnist.conv2/conv2d_fwd_direct_avx512 kh3 avx512 96 ']}'; } >measured.json
    expect 0 '| gather_4x6 | 2 of 4 | MNIST and ResNet, forward and data | 75 | 83 |' --cpu=known \
        --measured=measured.json
    expect 0 "| outer_4x3 | 2 of 4 | MNIST's first layer, data | 10 | - |" --cpu=known --measured=measured.json
    echo '{}' >measured.json
    expect 65 'measured.json: not what fastcnn-bench --json writes' --cpu=known --measured=measured.json
fi
sed -i 's/summed_2x9/summed_2x8/' disassembly
expect 1 'FAIL: no hot loop of summed_2x9' --cpu=known
: >disassembly
expect 1 "FAIL: $OBJDUMP shows no loop with multiply-adds in build/kernels/tile/libfcnn_avx512_la-tile_avx512.o"
[ -z "$failed" ] || exit 1

# Two units of four cycles' latency: two chains use a quarter of them, and so do eight that wait for 32 loads, of which
# two begin in a cycle. ARM: 24 chains.
unset LLVM_MCA
fma() { for i in $(seq 1 "$1"); do echo "vfmadd231ps %zmm30,%zmm31,%zmm$i"; done; }
IFS='
'
{
    tile gather_1x2 'jne   ' $(fma 2)
    tile gather_2x12 'jne   ' $(fma 24)
    tile outer_1x8 'jne   ' $(fma 8) $(for i in $(seq 32); do echo "vmovups 0x$i(%rdi),%zmm0"; done)
} >disassembly
"${SHELL:-/bin/sh}" "$mca" --all --cpu=skylake-avx512 build >out 2>&1
if grep '^SKIP: no .*llvm-mca' out; then exit 77; fi
expect 0 '| gather_1x2 | 2 of 3 |  | 25 |' --all --cpu=skylake-avx512
expect 0 '| gather_2x12 | 24 of 25 |  | 100 |' --all --cpu=skylake-avx512
expect 0 '| outer_1x8 | 8 of 41 |  | 25 |' --all --cpu=skylake-avx512
rm build/kernels/tile/* && touch build/kernels/tile/libfcnn_neon_la-tile_neon.o
tile gather_2x12 'b.ne' $(for i in $(seq 0 23); do echo "fmla	v$i.4s, v30.4s, v31.s[0]"; done) >disassembly
expect 0 '| gather_2x12 | 24 of 25 |  | 100 |' --all --cpu=neoverse-n1
[ -z "$failed" ] && echo 'estimates are what was made up, and those of known loops what they are known for'

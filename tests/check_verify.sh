#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn verify and trail: the committed receipts, on each instruction set and at 1 and 2 threads; each kind of run;
# that no receipt with a changed digit, pixel or constant is verified; which step and tensor differ. Run in the build
# folder; FCNN_RUN precedes the program. FCNN_TEST_SMALL=1: the committed receipts once and little else, for emulators.
set -u
. "${top_srcdir-.}/tests/program.sh"
unset FASTCNN_ISA
receipts=$(cd "$top_srcdir/tests/receipts" && pwd)

train() { gives 0 train --quiet "$@"; }
verify() { want=$1; shift; gives "$want" verify --quiet "$@"; }
# signed FILE: with a hash of its own, as a liar would write it
signed()
{
    sum=$(sed 's/^\( "receipt_sha256": "\)[^"]*/\1/' "$1" | sha256sum | cut -c1-64)
    sed "s/^\\( \"receipt_sha256\": \"\\)[^\"]*/\\1$sum/" "$1" >"$1.signed" && mv "$1.signed" "$1"
}

# ---- the committed receipts ----

small=${FCNN_TEST_SMALL-}
isas=default
[ "$small" ] || case $HOST_CPU in x86_64 | amd64) isas='default scalar avx2' ;; *) isas='default scalar' ;; esac
for receipt in "$receipts"/*.json; do
    for isa in $isas; do
        for threads in 1 ${small:-2}; do
            [ "$isa" = default ] && cap= || cap="--isa=$isa"
            verify 0 "$receipt" $cap --threads "$threads"
            has out VERIFIED
        done
    done
done
checks=$((checks + 1))
[ $checks -gt 8 ] || fail "only $checks checks of committed receipts"

# The same run writes the same bytes, whichever machine made the committed one.
cp "$receipts/tiny.txt" "$work/tiny.txt"
tiny="--model $work/tiny.txt --limit 20 --validation-split 0.5 --batch-size 4 --epochs 2"
train $tiny --receipt "$work/tiny.json" --trail "$work/tiny.trail"
last='the tiny run'
cmp -s "$work/tiny.json" "$receipts/tiny.json" || fail "not the receipt that is committed"
t=$work/tiny.json trail=$work/tiny.trail
verify 0 "$t" --trail "$trail"; has out 'each step held against the trail'
sed 's/lr=0.05/lr=0.06/' "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 1 "$work/lie.json"; has out 'after epoch 1'
[ ! "$small" ] || conclude

# ---- every changed digit, with a hash of its own too ----

# change FILE LINE COLUMN: its digit becomes the next one
change()
{
    awk -v line="$2" -v at="$3" 'NR == line {
        digit = substr($0, at, 1); $0 = substr($0, 1, at - 1) (digit + 1) % 10 substr($0, at + 1) } { print }' \
        "$t" >"$1"
}
# Places of digits: all but those of hashes, of which the first and the last one stand for the others, and those of the
# text that says who made it.
places()
{
    awk '/"(versions|receipt_sha256)":/ { next }
        { hash = match($0, /"[0-9a-f]{32,64}"/) ? RSTART : 0; end = hash ? hash + RLENGTH - 1 : 0; first = last = 0
          for (i = 1; i <= length($0); i++) {
              if (substr($0, i, 1) !~ /[0-9]/) continue
              if (i > hash && i < end) { if (!first) first = i; last = i } else print NR, i }
          if (first) print NR, first
          if (last > first) print NR, last }' "$t"
}
case ${CFLAGS-} in *-fsanitize*) every=8 ;; *) every=1 ;; esac # sanitized programs begin slowly
places >"$work/places"
checks=$((checks + 1))
[ "$(wc -l <"$work/places")" -gt 150 ] || fail "only $(wc -l <"$work/places") digits in $t"
awk -v every=$every 'NR % every == 0' "$work/places" >"$work/some"
while read -r line column; do
    change "$work/lie.json" "$line" "$column"
    signed "$work/lie.json"
    last="digit $column of line $line changed: $(sed -n "${line}p" "$work/lie.json")"
    ${FCNN_RUN-} ./fastcnn verify --quiet --threads 1 "$work/lie.json" >"$out" 2>"$err" </dev/null
    got=$?
    checks=$((checks + 1))
    case $got in 1 | 2) ;; *) fail "exit status $got" ;; esac
done <"$work/some"
sed 's/"epochs": 2/"epochs": 1/' "$t" >"$work/damaged.json"
verify 2 "$work/damaged.json"; has out 'CANNOT BE VERIFIED' && has out 'damaged'
verify 2 --epochs 1 "$work/damaged.json"
sed 's/ "epochs"/  "epochs"/' "$t" >"$work/damaged.json"
verify 2 "$work/damaged.json"; has out 'not how fastcnn writes it'
: >"$work/empty.json"
verify 2 "$work/empty.json"; has out 'CANNOT BE VERIFIED'

# ---- one constant, other numerics, unknown members ----

sed 's/lr=0.05/lr=0.051/; s/"learning_rate": 0.05[0-9]*/"learning_rate": 0.05099999904632568/' "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 1 "$work/lie.json"; has out 'after epoch 1' && has out 'DIFFERS'
sed 's/"numerics": 1,/"numerics": 2,/' "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 2 "$work/lie.json"; has out 'numerics 2'
# 313 GB of digits, where a machine has less.
if awk '/^MemTotal:/ { small = $2 < 300000000 } END { exit !small }' /proc/meminfo 2>/dev/null; then
    sed 's/"images": 20,/"images": 100000000,/; s/"images": 10,/"images": 99999990,/' "$t" >"$work/lie.json"
    signed "$work/lie.json"
    verify 2 "$work/lie.json"; has out '100000000 synthetic digits need 314 GB'
fi
sed 's/^ "math": \[/ "maths": 1,\n&/' "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 2 "$work/lie.json"
sed 's/^ "versions": "[^"]*"/ "versions": "another library"/' "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 0 "$work/lie.json" # says who made it, and nothing is computed from it

# ---- prefixes ----

verify 0 --epochs 1 "$t"; has out 'a prefix: the first 1 of 2 epochs'
verify 0 --epochs 1 "$t" --trail "$trail"
verify 2 --epochs 3 "$t"; has out 'asks for more'
verify 64
verify 64 "$t" "$t"
verify 66 "$work/nothing.json"

# ---- data in files: one pixel ----

# 20 images of 4 x 4; test images too, which train looks at.
mkdir "$work/data" "$work/changed"
for part in train t10k; do
    { printf '\000\000\010\003\000\000\000\024\000\000\000\004\000\000\000\004'
      awk 'BEGIN { for (i = 0; i < 320; i++) printf "%c", 32 + i * 37 % 90 }'; } >"$work/data/$part-images-idx3-ubyte"
    { printf '\000\000\010\001\000\000\000\024'
      printf '\000\001\002\003\004\005\006\007\010\011\000\001\002\003\004\005\006\007\010\011'; } \
        >"$work/data/$part-labels-idx1-ubyte"
done
cp "$work/data"/* "$work/changed"
cat >"$work/flat.txt" <<'END'
input 4x4x1
flatten
dense 10
compile adam seed=7
END
d=$work/data.json
train --model "$work/flat.txt" --data "$work/data" --limit 15 --batch-size 4 --epochs 2 --receipt "$d"
verify 0 "$d" --data "$work/data"
verify 2 "$d"; has out '--data=PATH'
verify 2 "$t" --data "$work/data"; has out 'leave --data out'
verify 66 "$d" --data "$work/nothing"
# The same images in files of another kind: the SHA-256 decides. What a terminal obeys is not shown to one.
sed 's/^\(  "kind": \)".*"/\1"A\\u001B[31m B"/' "$d" >"$work/kind.json"
signed "$work/kind.json"
verify 0 "$work/kind.json" --data "$work/data"; has out 'images of A?[31m B;'
sed '/"result": {/,$s/"weights_sha256": "[^"]*"/"weights_sha256": null/' "$d" >"$work/lie.json"
signed "$work/lie.json"
verify 2 "$work/lie.json" --data "$work/data"; has out 'weights_sha256 is missing'
for pixel in 20 250; do # of an image that trained, of one that validated
    { head -c "$pixel" "$work/data/train-images-idx3-ubyte"; printf '\377'
      tail -c "+$((pixel + 2))" "$work/data/train-images-idx3-ubyte"; } >"$work/changed/train-images-idx3-ubyte"
    verify 2 "$d" --data "$work/changed"; has out 'another SHA-256'
done

# ---- given weights, patience, divergence, classes ----

train $tiny --save "$work/first.safetensors"
g=$work/given.json
train --model "$work/first.safetensors" --limit 20 --epochs 2 --batch-size 5 --receipt "$g" --save "$work/g.safetensors"
verify 2 "$g"; has out '--initial=FILE'
verify 0 "$g" --initial "$work/first.safetensors"
verify 2 "$g" --initial "$work/g.safetensors"; has out 'not those that the run began with'
verify 2 "$g" --initial "$work/flat.txt"; has out 'other layers'
verify 2 "$t" --initial "$work/first.safetensors"
train $tiny --epochs 30 --patience 1 --monitor val_accuracy --receipt "$work/p.json" --trail "$work/p.trail"
verify 0 "$work/p.json" --trail "$work/p.trail"
gives 1 train --quiet $tiny --learning-rate 1e6 --loss mean_squared_error --epochs 90 --receipt "$work/diverged.json"
verify 0 "$work/diverged.json"
has out "which diverged"

# ---- trails ----

train $tiny --trail "$work/again.trail" --threads 1 --isa scalar
gives 0 trail "$trail" "$work/again.trail"; has out 'the same: 6 steps'
cmp -s "$trail" "$work/again.trail" || fail 'the trails differ in bytes'
train $tiny --epochs 1 --batch-size 1000 --trail "$work/one.trail" --receipt "$work/one.json"
gives 0 trail "$work/one.trail" "$work/one.trail"
checks=$((checks + 1)); grep -q 'the same: 1 step$' "$out" || fail 'one step is several'
verify 0 "$work/one.json"; has out ': 1 epoch, 1 step, '; has out 'repeated  1 epoch, 1 step in'
# The hash of the second tensor after the fourth step.
awk '$2 == 4 && NF > 6 { $5 = substr($5, 1, 15) (substr($5, 16) == "0" ? "1" : "0") } { print }' "$trail" \
    >"$work/other.trail"
gives 1 trail "$trail" "$work/other.trail"; has out 'step 4 (epoch 2): dense/bias is the first of 1 tensor of 4'
gives 1 trail --json "$trail" "$work/other.trail"; has out '"tensor": "dense/bias"'
head -n 12 "$trail" >"$work/short.trail"
gives 1 trail "$trail" "$work/short.trail"; has out 'ends after step'
sed '2s/1/2/' "$trail" >"$work/other.trail"
gives 2 trail "$trail" "$work/other.trail"; has out 'numerics'
sed 's/^3 /x /; 10s/ 1 / 7 /' "$trail" >"$work/other.trail"
gives 2 trail "$trail" "$work/other.trail"; has out "$work/other.trail:"
train --model "$work/flat.txt" --data "$work/data" --trail "$work/flat.trail"
gives 2 trail "$trail" "$work/flat.trail"; has out 'tensor'
gives 66 trail "$trail" "$work/nothing.trail"
gives 64 trail "$trail"
# A run that was another one from a step on: its trail and receipt agree with each other.
awk '$2 >= 4 && NF > 6 { $5 = "0123456789abcdef" } { print }' "$trail" >"$work/lie.trail"
sum=$(sha256sum <"$work/lie.trail" | cut -c1-64)
sed "/\"trail\"/,/}/s/[0-9a-f]\\{64\\}/$sum/" "$t" >"$work/lie.json"
signed "$work/lie.json"
verify 1 "$work/lie.json" --trail "$work/lie.trail"
has out 'step 4 (epoch 2) leaves another dense/bias; 1 of 4 tensors differ'
verify 1 "$work/lie.json"; has out 'trail.sha256'
verify 2 "$t" --trail "$work/lie.trail"; has out 'not the trail that the receipt names'
verify 2 "$g" --trail "$trail" --initial "$work/first.safetensors"; has out 'names no trail'

# ---- checkpoints ----

# A run that is killed when its trail has 4 steps, then goes on: the same receipt and trail. From each of its
# checkpoints the rest is verified.
c=$work/checkpoint
train $tiny --epochs 1 --checkpoint "$c" --trail "$work/b.trail"
cp "$c" "$work/epoch"
head -c 50 "$trail" >"$work/cut.trail"
gives 65 train --quiet --epochs 2 --checkpoint "$c" --resume --trail "$work/cut.trail"
printf '1 4 2.2 00' >>"$work/b.trail" # a line that was being written
train --epochs 2 --checkpoint "$c" --resume --receipt "$work/b.json" --trail "$work/b.trail"
cmp -s "$t" "$work/b.json" || fail 'the receipt of a resumed run is another one'
cmp -s "$trail" "$work/b.trail" || fail 'the trail of a resumed run is another one'
verify 0 "$t" --from-checkpoint "$work/epoch"; has out 'from step 3 on'
verify 0 "$t" --from-checkpoint "$work/epoch" --trail "$trail"
verify 2 "$t" --from-checkpoint "$c"; has out 'has the run after step '; has out 'nothing is left of what is to be'
verify 64 "$t" --isa sse; has err 'the option isa is "sse"'; silent out
verify 64 "$t" --kernel nothing; has err 'the option kernel names "nothing"'; silent out
echo '{"loss": [1]}' >"$work/history.json"
for file in "$c" "$work/history.json"; do
    verify 2 "$file"; has out "it is no receipt: 'fastcnn train --receipt=FILE' writes one"
done
verify 2 "$d" --data "$work/data" --from-checkpoint "$work/epoch"; has out 'another run'
verify 2 "$t" --from-checkpoint "$t"
verify 64 "$t" --from-checkpoint "$c" --initial "$c"
train $tiny --seed 2 --epochs 1 --checkpoint "$work/seed2"
verify 2 "$t" --from-checkpoint "$work/seed2"
train $tiny --validation-split 0 --epochs 1 --batch-size 7 --checkpoint "$work/other"
verify 2 "$t" --from-checkpoint "$work/other"; has out 'not what the receipt has after epoch 1'

# ---- files that cannot be written ----

gives 74 train --quiet $tiny --trail "$work/no/folder"
gives 64 train --quiet $tiny --trail "$work/x" --receipt "$work/x"
# More epochs than what can be read again holds.
gives 64 train --quiet $tiny --epochs 10001 --receipt "$work/x"
if [ -w /dev/full ]; then gives 74 train --quiet $tiny --trail /dev/full; fi

conclude

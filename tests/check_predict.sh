#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn predict and evaluate: the same digit inverted, moved, larger, in colour, transparent or faint is one class;
# nonsense is refused; what was done is said; data sets, CSV, JSON, exit codes. The model is trained here. Run in the
# build folder.
set -u
[ -z "${FCNN_RUN-}" ] || { echo 'SKIP: an emulator would take long to train'; exit 77; }
. "${top_srcdir-.}/tests/program.sh"
export LC_ALL=C
model=$work/m.safetensors
# A picture from another by an awk program that sees v[y, x] of h x w and prints "H W C" and numbers.
change() # from, to, program
{
    tests/picture read "$1" | awk "NR == 1 { h = \$1; w = \$2; next }
        { for (x = 0; x < w; x++) v[NR - 2, x] = \$(x + 1) }
        END { $3 }" >"$work/numbers"
    { read -r h w c; tests/picture write "$2" "$h" "$w" "$c"; } <"$work/numbers" || fail "$2 could not be made"
}
draw() # to, H W C, what each number is, of y, x and c
{
    awk "BEGIN { srand(1); for (y = 0; y < $2; y++) for (x = 0; x < $3; x++) for (c = 0; c < $4; c++) print int($5) }" |
        tests/picture write "$1" "$2" "$3" "$4"
}

if ! echo 1 | tests/picture write "$work/i.png" 1 1 1 2>"$err"; then
    grep -q 'built without libpng' "$err" && { echo 'SKIP: built without libpng'; exit 77; }
fi
tests/picture model "$model" 3000 >"$out" 2>"$err" || { cat "$err"; exit 1; }

# ---- one digit in many ways ----

each='for (y = 0; y < h; y++) for (x = 0; x < w; x++)'
for number in 1 4 8 9 11 14; do
    digit=$(tests/picture digit "$work/d.png" $number)
    change "$work/d.png" "$work/inverted.png" "print h, w, 1; $each print 255 - v[y, x]"
    change "$work/d.png" "$work/moved.png" "print 60, 50, 1; for (y = 0; y < 60; y++) for (x = 0; x < 50; x++)
        print v[y - 3, x - 20] + 0"
    change "$work/inverted.png" "$work/larger.png" "print 5 * h, 5 * w, 1; for (y = 0; y < 5 * h; y++)
        for (x = 0; x < 5 * w; x++) print v[int(y / 5), int(x / 5)]"
    change "$work/d.png" "$work/colour.png" "print h, w, 3; $each { print v[y, x]; print v[y, x]; print 0 }"
    change "$work/d.png" "$work/clear.png" "print h, w, 4; $each { print 10; print 20; print 30; print v[y, x] }"
    change "$work/d.png" "$work/bright.png" "print h, w, 2; $each { print 240; print v[y, x] }"
    change "$work/inverted.png" "$work/faint.png" "print h, w, 1; $each print int(v[y, x] / 3) + 90"
    gives 0 predict "$model" "$work/d.png" "$work/inverted.png" "$work/moved.png" "$work/larger.png" \
        "$work/colour.png" "$work/clear.png" "$work/bright.png" "$work/faint.png" --csv --threads 2
    for name in d inverted moved larger colour clear bright faint; do has out "$name.png,$digit,0"; done
done

# ---- what it says ----

gives 0 predict "$model" "$work/inverted.png"
has out 'dark on light: inverted'; has out 'resized to'; has out 'centre of mass'; has out '28 x 28, grey'
has out '+--------------------------------------------------------+'; lacks out "$(printf '\033')"
checks=$((checks + 1)); [ "$(grep -c '^  |.*|$' "$out")" = 28 ] || fail "not 28 rows"
checks=$((checks + 1)); [ "$(grep -c ' %$' "$out")" = 10 ] || fail "not 10 bars"
gives 0 predict "$model" "$work/clear.png"; has out 'transparent parts over white'; has out 'colours to grey'
gives 0 predict "$model" "$work/bright.png"; has out 'transparent parts over black'; lacks out inverted
gives 0 predict "$model" "$work/faint.png"; has out 'contrast raised'
gives 0 predict "$model" "$work/d.png" --as-is; has out 'as it is'; lacks out resized
gives 0 predict "$model" "$work/d.png" --no-center; lacks out resized; lacks out mass
gives 0 predict "$model" "$work/inverted.png" --as-is --invert --csv; as_is=$(sed 1d "$out" | cut -d , -f 2-)
gives 0 predict "$model" "$work/d.png" --as-is --csv; has out "$as_is"
COLUMNS=40 gives 0 predict "$model" "$work/d.png"; has out '+----------------------------+'
LC_ALL=C.UTF-8 gives 0 predict "$model" "$work/d.png"; has out '┌'
LC_ALL=C.UTF-8 gives 0 predict "$model" "$work/d.png" --color=always; has out '▀'; has out "$(printf '\033[38;5;')"
gives 0 predict "$model" "$work/d.png" --brief; lacks out '|'; has out "$work/d.png: "
gives 0 predict "$model" "$work/d.png" "$work/inverted.png" --json
json '.predictions | length == 2 and all(.probabilities | length == 10)'
json '.predictions[1] | .steps[0] == "dark on light: inverted" and (.class >= 0) and .probability > 0.1'

# ---- nonsense ----

refused() # picture, words, options
{
    file=$work/$1 words=$2; shift 2
    gives 65 predict "$model" "$file" "$@"; has err "$words"; has err "$file"; lacks out %
}
draw "$work/blank.png" 30 30 1 255;                          refused blank.png 'blank: all grey values lie between 255'
draw "$work/grey.png" 30 30 3 '120 + rand() * 20';           refused grey.png blank
draw "$work/noise.png" 28 28 1 '255 * rand()';               refused noise.png 'no even background'
draw "$work/slope.png" 40 60 1 'x * 4';                      refused slope.png 'no even background'
draw "$work/block.png" 40 40 1 'x > 5 && x < 35 && y > 5 && y < 35 ? 0 : 255'
refused block.png 'a filled block of 29 x 29'
draw "$work/speck.png" 40 40 1 'x == 7 && y == 9 ? 0 : 255'; refused speck.png 'a speck of 1 x 1'
draw "$work/comb.png" 28 28 1 'x < 2 || y < 2 || x > 25 || y > 25 ? 0 : (x + y) % 2 * 255'
refused comb.png 'no strokes but noise' --no-center
draw "$work/tiny.png" 4 30 1 'x * 8';                        refused tiny.png 'too small'
refused inverted.png 'nothing is brighter than the border' --no-invert
draw "$work/large.png" 29 28 1 'x * 8'
refused large.png "as it is it must have the model's 28 x 28" --as-is
echo text >"$work/text.png";                                 refused text.png 'not a PNG file'
gives 66 predict "$model" "$work/none.png"; has err "$work/none.png"
gives 65 predict "$model" "$work/blank.png" "$work/d.png" "$work/none.png" --brief # the others are told all the same
has err blank; has err none.png; has out "$work/d.png: "
gives 65 predict "$model" "$work/blank.png" --json; json '.predictions[0].error | test("blank")'

# ---- data sets ----

tests/picture data "$work/set" 40 || fail 'no data set'
gives 0 evaluate "$model" --data "$work/set"
has out 'PNG files in'; has out '40 images'; has out 'of 40)'; has out precision; has out confusion
has out '93,322 parameters'
gives 0 evaluate "$model" --data "$work/set" --json
json '.images == 40 and .accuracy > 0.8 and .correct == .accuracy * 40 and .loss > 0 and (.classes | length == 10)'
json '([.confusion[][]] | add == 40) and ([range(10) as $i | .confusion[$i][$i]] | add) == .correct'
json '.classes | all(.name | test("^[0-9]$"))'
accuracy=$(sed -n 's/^  "accuracy": \([0-9.]*\),*$/\1/p' "$out")
gives 0 evaluate "$model" --data "$work/set" --min-accuracy 0.8 --threads 1
gives 1 evaluate "$model" --data "$work/set" --min-accuracy 1; has err '--min-accuracy asks for 1'
gives 0 predict "$model" "$work/set"; has out 'of 40 right'
gives 0 predict "$model" "$work/set" --csv
checks=$((checks + 1))
[ "$(grep -c '/set/test/\([0-9]\)/[0-9]*\.png,[0-9],[01][.0-9e-]*,\1$' "$out")" = 40 ] || fail "not 40 rows"
gives 0 predict "$model" "$work/set" --json
json ".predictions[0] | .accuracy == $accuracy and (.images | length == 40 and
    all(.label >= 0 and .class >= 0 and (.file | test(\"png$\"))))"
gives 0 evaluate "$model"; has out 'synthetic digits'; has out '2,000 images'
gives 66 evaluate "$model" --data "$work/set" --part train; has err 'there is no folder train'
gives 66 evaluate "$model" --data "$work/none"; has err "$work/none: No such file"
mkdir -p "$work/wide/a"; cp "$work/large.png" "$work/wide/a"
gives 65 evaluate "$model" --data "$work/wide"; has err '29 x 28 x 1; the model takes 28 x 28 x 1'
mkdir "$work/flat"; gives 66 predict "$model" "$work/flat"; has err 'no data'

# Names of folders: those of classes in CSV; a terminal gets none of their control characters, JSON has them.
escape=$(printf '\033[31m')
mkdir "$work/named"
mv "$work/set/test/0" "$work/named/${escape}zero, \"0\"" && mv "$work/set/test/1" "$work/named/one"
gives 0 predict "$model" "$work/named" --csv; lacks out "$escape"; has out '/one/'
has out ',"?[31mzero, ""0"""'; has out ',one'; lacks out '#'
gives 0 evaluate "$model" --data "$work/named"; lacks out "$escape"; has out '?[31mzero, "0"'
gives 0 evaluate "$model" --data "$work/named" --json; json '.classes[0].name | startswith("\u001b[31m")'

# ---- models that take vectors: pictures row by row ----

printf 'input 784\ndense 32 relu\ndense 10\n' >"$work/vector.txt"
printf 'input 28x28x1\nflatten\ndense 32 relu\ndense 10\n' >"$work/flat.txt"
for name in vector flat; do
    gives 0 train --model "$work/$name.txt" --limit 600 --epochs 2 --quiet --save "$work/$name.safetensors"
    gives 0 predict "$work/$name.safetensors" "$work/d.png" "$work/larger.png" "$work/set" --csv
    sed "s/$name\.safe/model.safe/" "$out" >"$work/$name.csv"
    gives 0 evaluate "$work/$name.safetensors" --data "$work/set" --json; sed /model/d "$out" >"$work/$name.json"
done
checks=$((checks + 2))
cmp "$work/vector.csv" "$work/flat.csv" || fail 'a vector is not the picture row by row'
cmp "$work/vector.json" "$work/flat.json" || fail 'a vector is evaluated otherwise'
gives 0 predict "$work/vector.safetensors" "$work/d.png"; has out '28 x 28, grey'
checks=$((checks + 1)); [ "$(grep -c '^  |.*|$' "$out")" = 28 ] || fail "not 28 rows"
printf 'input 192\ndense 3\n' >"$work/colours.txt"; printf 'input 812\ndense 3\n' >"$work/odd.txt"
for name in colours odd; do gives 0 convert "$work/$name.txt" "$work/$name.safetensors"; done
gives 0 predict "$work/colours.safetensors" "$work/colour.png"; has out 'resized to 8 x 8'; has out RGB
gives 65 predict "$work/odd.safetensors" "$work/large.png"; has err 'a vector of 812 numbers, which make no square'
gives 0 predict "$work/odd.safetensors" "$work/large.png" --as-is; has out '29 x 28, grey'
gives 65 predict "$work/odd.safetensors" "$work/d.png" --as-is; has err '--as-is takes pictures of 812 pixels'
gives 0 evaluate "$work/odd.safetensors" --data "$work/wide"; has out '1 images'
gives 65 evaluate "$work/odd.safetensors" --data "$work/named"
has err 'images are 28 x 28 x 1, which are 784 numbers; the model takes 812'

# ---- outputs that are no probabilities, or no numbers ----

no_parts() { checks=$((checks + 1)); ! grep -q '[0-9] %' "$out" || fail "per cents"; }
printf 'input 28x28x1\nflatten\ndense 1\ncompile sgd loss=mean_squared_error\n' >"$work/one.txt"
printf 'input 28x28x1\nflatten\ndense 10\ncompile sgd loss=mean_squared_error\n' >"$work/ten.txt"
for name in one ten; do gives 0 convert "$work/$name.txt" "$work/$name.safetensors"; done
gives 0 predict "$work/one.safetensors" "$work/d.png"; has out 'd.png: value '; no_parts
gives 0 predict "$work/one.safetensors" "$work/d.png" "$work/named" --csv
has out 'file,class,value,label'; has out 'd.png,,'; has out ',one'
gives 0 predict "$work/one.safetensors" "$work/named"; has out 'the model has one output, which is no class'
gives 0 predict "$work/one.safetensors" "$work/d.png" --json
json '.predictions[0] | .class == null and .value != null and (.values | length == 1) and (has("probability") | not)'
gives 0 predict "$work/ten.safetensors" "$work/d.png"; has out '(value '; no_parts
gives 65 train --model "$work/one.txt"; has err "the model has one output; labels train models with one for each"
gives 65 evaluate "$work/one.safetensors"; has err 'synthetic digits: test label 0'; lacks err null
cp "$work/ten.safetensors" "$work/nan.safetensors" # the last float is a bias
printf '\377\377\377\177' | dd of="$work/nan.safetensors" bs=1 conv=notrunc 2>"$err" \
    seek=$(($(wc -c <"$work/nan.safetensors") - 4))
gives 65 evaluate "$work/nan.safetensors"; has err "the model's output for 2,000 of 2,000 images is not finite"
has out 'accuracy 0.0000 (0 of 2,000)'
gives 65 evaluate "$work/nan.safetensors" --json
json '.loss == null and .not_finite == 2000 and .correct == 0 and .classes[3].images > 100'
json '[.confusion[][]] | add == 0'
gives 65 predict "$work/nan.safetensors" "$work/d.png"; has out 'd.png: not finite'; no_parts
has err "the model's output for 1 of 1 image is not finite"
gives 65 predict "$work/nan.safetensors" "$work/d.png" --csv; has out 'd.png,,,'
gives 65 predict "$work/nan.safetensors" "$work/d.png" --json; json '.predictions[0].class == null'

# ---- one output that is a probability: that of the second of two classes ----

printf 'input 28x28x1\nflatten\ndense 1 sigmoid\ncompile sgd loss=mean_squared_error\n' >"$work/sigmoid.txt"
gives 0 convert "$work/sigmoid.txt" "$work/sigmoid.safetensors"
mkdir "$work/two" && cp -r "$work/set/test/2" "$work/set/test/3" "$work/two"
gives 0 evaluate "$work/sigmoid.safetensors" --data "$work/two"; has out '(binary cross-entropy), accuracy'
gives 0 evaluate "$work/sigmoid.safetensors" --data "$work/two" --json; cp "$out" "$work/two.json"
json '.classes | length == 2 and .[0].images > 0 and .[1].images > 0 and .[0].name == "2"'
gives 0 predict "$work/sigmoid.safetensors" "$work/two" --json
json '.predictions[0] | .images | all(.probability >= 0.5 and (.class == 0 or .class == 1))'
# Class 0 has 1 - p: the loss and the accuracy again from the probabilities.
json "\$two[0] as \$e | .predictions[0] | .accuracy == \$e.accuracy and (([.images[] |
    if .class == .label then .probability else 1 - .probability end | -log] | add / length) - \$e.loss | fabs < 1e-4)" \
    --slurpfile two "$work/two.json"
gives 0 predict "$work/sigmoid.safetensors" "$work/d.png"; has out ' %)'
checks=$((checks + 1)); [ "$(grep -c ' %$' "$out")" = 2 ] || fail "not 2 bars"
gives 65 evaluate "$work/sigmoid.safetensors" --data "$work/set"; has err 'expected 0 to 1'

# ---- usage ----

gives 65 predict mnist-cnn "$work/d.png"; has err 'mnist-cnn has no weights'
gives 65 evaluate mnist-cnn; has err 'mnist-cnn has no weights'
gives 66 predict "$work/none.h5" "$work/d.png"; has err none.h5
gives 64 predict; has err 'expected a model and files'
gives 64 predict "$model"; has err 'expected files'
gives 64 evaluate; has err 'expected a model'
gives 64 evaluate "$model" more; has err "unexpected argument 'more'"
gives 64 predict "$model" "$work/d.png" --csv --json; has err 'exclude each other'
gives 64 evaluate "$model" --part half; has err 'auto, test or train'

conclude

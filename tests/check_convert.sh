#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn summary and fastcnn convert: a model goes through every format and back without a changed bit, what a format
# cannot hold is said, what is no model is refused with an exit status and a sentence. Run in the build folder.
set -u
. "${top_srcdir-.}/tests/program.sh"

cat >"$work/net.txt" <<END
input 10x9x2
conv2d 5 3x2 relu same
max_pooling2d 2x2
conv2d 4 2x2 stride=2 nobias
flatten
dropout 0.5
dense 6 relu
dense 3
compile sgd lr=0.05 momentum=0.9 seed=3
END

# ---- summary ----

gives 0 summary mnist-cnn; silent err
has out 'conv2d_2 (Conv2D)'; has out '(None, 3, 3, 64)'; has out '36,928'; has out 'Total params: 93,322 (364.54 KB)'
has out '(None, 576)'; has out 'Non-trainable params: 0 (0.00 B)'; has out 'FLOPs per image: 5.588 M to predict'
gives 0 summary --json "$work/net.txt"; silent err
if command -v jq >/dev/null; then
    checks=$((checks + 1))
    jq -e '.parameters.total == 65 + 80 + 102 + 21 and .input == [10, 9, 2] and .format == "text" and
           (.layers | length) == 7 and .layers[3].output == [16] and .layers[0].output == [10, 9, 5] and
           .layers[4].class == "Dropout"' "$out" >"$work/jq" || fail 'summary --json'
fi
printf 'input 8x6x3\ndense 4 relu\nflatten\ndense 3\n' >"$work/pixels.txt" # of each pixel's channels
gives 0 summary "$work/pixels.txt"; has out '(None, 8, 6, 4)'; has out '(None, 192)'; has out 'Total params: 595'
printf 'input 784\ndropout 0.1\ndense 3\n' >"$work/vector.txt"
gives 0 summary "$work/vector.txt"; has out 'Input: (None, 784)'
if command -v jq >/dev/null; then
    gives 0 summary "$work/vector.txt" --json
    jq -e '.input == [784] and .layers[0].output == [784]' "$out" >"$work/jq" || fail 'summary --json of a vector'
fi
gives 66 summary "$work/$(printf 'a\033[31m\377\302\233\303\251')"; has err "/a?[31m???$(printf '\303\251')"
gives 0 convert "$work/net.txt" "$work/n.safetensors" # "\\u001b" is as long as "flatten"
sed 's/\\"name\\":\\"flatten\\"/\\"name\\":\\"\\\\u001b\\"/' "$work/n.safetensors" >"$work/escape.safetensors"
gives 0 summary "$work/escape.safetensors"; has out '? (Flatten)'
gives 64 summary; has err 'expected one MODEL'
echo '{"receipt": 2}' >"$work/receipt.json"
gives 65 summary "$work/receipt.json"; has err 'receipt.json: it is JSON, and no model'
gives 66 summary nothing; has err 'nor is it the name of a model: mnist-cnn'
gives 66 summary "$work/nothing.h5"; has err 'nothing.h5'
mkfifo "$work/fifo" # nobody writes to it; it is not waited for
gives 66 summary "$work/fifo"; has err 'fifo: it is not a regular file'
gives 66 summary "$work"; has err 'Is a directory'
echo 'input 10x9x2
conv2d 5 3x2 rleu' >"$work/wrong.txt"
gives 65 summary "$work/wrong.txt"; has err "wrong.txt:2:14: "; has err "did you mean 'relu'?"

# ---- convert: from text into each format, and from there to where bits can be compared ----

gives 0 convert "$work/net.txt" "$work/start.safetensors"; silent err
has out '7 layers, 268 parameters'; has out 'weights: initial ones'
formats='safetensors'
gives 0 convert "$work/start.safetensors" "$work/a.txt"; has out 'left out: the weights'
cmp "$work/net.txt" "$work/a.txt" || fail 'the text is another one'
gives 0 convert "$work/start.safetensors" "$work/a.onnx"; has out 'left out: how the model is compiled'
if ${FCNN_RUN-} ./fastcnn convert "$work/start.safetensors" "$work/a.h5" >"$out" 2>"$err"; then
    formats='safetensors h5 keras'
    gives 0 convert "$work/start.safetensors" "$work/a.weights.h5"; has out "left out: the layers' settings"
    sed 's/seed=3/seed=4/' "$work/net.txt" >"$work/other.txt"
    gives 0 convert "$work/other.txt" "$work/given.safetensors" --weights "$work/a.weights.h5"
    gives 0 convert "$work/other.txt" "$work/named.safetensors" --weights "$work/start.safetensors"
    gives 0 convert "$work/other.txt" "$work/drawn.safetensors"
    checks=$((checks + 1))
    cmp "$work/given.safetensors" "$work/named.safetensors" || fail '--weights: by name and by file differ'
    ! cmp -s "$work/given.safetensors" "$work/drawn.safetensors" || fail '--weights does not take the weights'
    gives 65 convert "$work/a.weights.h5" "$work/b.h5"
    has err "a.weights.h5: it holds weights alone: 'fastcnn convert NET OUT --weights FILE'"
else
    grep -q 'built without HDF5' "$err" || fail a.h5
    echo 'SKIP: Keras files, which this build does not know'
fi
for from in $formats; do
    gives 0 convert "$work/start.safetensors" "$work/from.$from"
    for to in $formats; do
        gives 0 convert "$work/from.$from" "$work/to.$to"
        gives 0 convert "$work/to.$to" "$work/end.safetensors"
        for each in start end; do # 268 floats; the seed is nowhere in Keras' files
            tail -c 1072 "$work/$each.safetensors" >"$work/$each.weights"
        done
        checks=$((checks + 1))
        cmp "$work/start.weights" "$work/end.weights" || fail "$from, $to: other bits"
    done
done

gives 64 convert "$work/net.txt"; has err 'expected two arguments'
cp "$work/net.txt" "$work/kept.txt"
gives 64 convert "$work/kept.txt" "$work/../$(basename "$work")/kept.txt"; has err 'would be written over without its'
checks=$((checks + 1)); cmp -s "$work/net.txt" "$work/kept.txt" || fail 'a text is written over'
cp "$work/start.safetensors" "$work/kept.safetensors"
gives 0 convert "$work/kept.safetensors" "$work/kept.safetensors" --no-state
gives 64 convert "$work/net.txt" "$work/a.pt"; has err 'no format of models has that end'
gives 65 convert "$work/a.onnx" "$work/b.h5"; has err 'not read'
gives 74 convert "$work/net.txt" /nowhere/a.safetensors; has err '/nowhere/a.safetensors'
gives 65 convert mnist-cnn "$work/b.safetensors" --weights "$work/start.safetensors"
has err "of the model's 10 tensors it has 7 by name"

conclude

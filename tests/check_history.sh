#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn train: histories (JSON and CSV say the same, also of runs that end early), --until, --patience, --monitor,
# --best, --save (refused before training where it cannot be written; a saved model trains on as the first would),
# Ctrl-C. Run in the build folder; FCNN_RUN precedes the program.
set -u
. "${top_srcdir-.}/tests/program.sh"
verb='train --quiet'

there() { checks=$((checks + 1)); [ -s "$1" ] || fail "no $1"; }
none() { checks=$((checks + 1)); [ -z "$(ls -A "$1")" ] || fail "left $(ls -A "$1")"; }
weights() { sed -n 's/.*weights  //p' "$out"; }

# Few digits, in many steps; accuracies that rise within some epochs.
some='--limit 100 --batch-size 10 --epochs 3'

# ---- histories ----

h=$work/history
gives 0 $some --history "$h.json"; silent err; one=$(weights)
gives 0 $some --history "$h.csv"
holds "$h.json" 'keys == ["accuracy", "loss", "val_accuracy", "val_loss"] and all(.[]; length == 3)'
last='JSON and CSV'
checks=$((checks + 1))
[ "$(head -n 1 "$h.csv")" = epoch,accuracy,loss,val_accuracy,val_loss ] || fail "$h.csv: $(head -n 1 "$h.csv")"
# The same texts of numbers, in the same order: transposed.
tail -n +2 "$h.csv" | awk -F, '{ for (i = 2; i <= NF; i++) x[i, NR] = $i }
    END { for (i = 2; i <= 5; i++) for (j = 1; j <= NR; j++) print x[i, j] + 0 }' >"$work/from_csv"
sed -n 's/^ *\([0-9][0-9.e-]*\),*$/\1/p' "$h.json" | awk '{ print $1 + 0 }' >"$work/from_json"
checks=$((checks + 1))
cmp -s "$work/from_csv" "$work/from_json" && [ "$(wc -l <"$work/from_csv")" = 12 ] || fail "other numbers"
gives 0 $some --history "$h.json" --json
holds "$out" '.history | length == 3'
if [ "$jq" ]; then # the document's numbers have 10 digits
    checks=$((checks + 1))
    jq -e --slurpfile h "$h.json" '[.history[].val_loss] as $a | $h[0].val_loss as $b |
        all(range(3); ($a[.] - $b[.]) | fabs < 1e-8)' "$out" >/dev/null || fail "two histories"
fi
gives 0 $some --validation-split 0 --history "$h.json"
holds "$h.json" 'keys == ["accuracy", "loss"]'
gives 1 $some --optimizer sgd --learning-rate 1e6 --keep-going --min-accuracy 1 --history "$h.csv" # NaN is a number too
checks=$((checks + 1)); [ "$(wc -l <"$h.csv")" = 4 ] || fail "no four lines"
gives 1 $some --optimizer sgd --learning-rate 1e6 --history "$h.json" --save "$work/diverged.safetensors"
has err diverged
holds "$h.json" '. == {"accuracy": [], "loss": []}'
checks=$((checks + 1)); [ ! -e "$work/diverged.safetensors" ] || fail "a diverged model was saved"
gives 74 $some --history "$work/none/h.json"; has err "$work/none/h.json cannot be written"; silent out

# ---- --until, --patience, --monitor ----

gives 0 $some --until 0.01 --history "$h.json"; has out 'on the validation images after 1 epoch:'; first=$(weights)
holds "$h.json" '.loss | length == 1'
gives 0 $some --epochs 1; checks=$((checks + 1))
[ "$first" = "$(weights)" ] || fail "other weights than those of --until after one epoch"
gives 0 $some --until 0.01 --json
holds "$out" '.until.reached and .until.epochs == 1 and .until.measured_on == "validation images"'
holds "$out" '.until.wall_seconds > .until.training_seconds and .until.training_seconds > 0 and .epochs == 1'
holds "$out" '.until.reached_accuracy >= 0.01 and .best == null and .peak_memory_bytes > 1000000'
gives 0 $some --until 0.01 --validation-split 0; has out 'on the test images after 1 epoch:'
gives 1 $some --until 1; has err 'no epoch had an accuracy of 1 on the validation images'; has out 'never in 3 epochs'
# So small a learning rate that the loss only rises or stays: patience runs out after the first epoch.
still="$some --epochs 9 --optimizer sgd --learning-rate 1e-12"
gives 0 $still --patience 2 --monitor val_accuracy --history "$h.json" --receipt "$work/stopped.json"
has out 'stopped   after epoch 3: no better val_accuracy for 2 epochs'; has out 'those of a run of 1 epoch'
holds "$h.json" '.loss | length == 3'
gives 0 $still --epochs 1 --receipt "$work/short.json"
checks=$((checks + 1))
cmp -s "$work/stopped.json" "$work/short.json" || fail "another receipt than --patience's"
gives 0 $still --patience 2 --monitor val_accuracy --json
holds "$out" '.best | .monitor == "val_accuracy" and .epoch == 1 and .value >= 0 and .stopped and .restored'
gives 64 $some --patience 2 --validation-split 0; has err '--validation-split is 0'
gives 64 $some --best "$work/x.safetensors" --validation-split 0; has err '--best looks at'
gives 0 $some --patience 2 --validation-split 0 --monitor loss
gives 64 $some --monitor loss; has err '--monitor goes with --patience or --best'
gives 64 $some --monitor speed; has err 'expected val_loss, val_accuracy, loss or accuracy'
for bad in '--nesterov' '--rho 0.5' '--weight-decay 0.1' '--schedule-steps 5' '--schedule-factor 0.5' \
    '--schedule cosine' '--optimizer adam --momentum 0.5'; do
    gives 64 $some $bad; has err 'fastcnn train: --'; silent out
done

# ---- --save, --best, --model ----

mkdir "$work/models"
gives 64 $some --save "$work/models/m.nonsense"; has err "$work/models/m.nonsense: no format"; silent out
gives 74 $some --save "$work/none/m.safetensors"; has err "$work/none/m.safetensors cannot be written"; silent out
for option in save best; do
    gives 64 $some --$option "$work/models/m.txt"; has err "$work/models/m.txt: a text holds layers alone"; silent out
done
gives 64 $some --save "$work/models/m.safetensors" --best "$work/models/../models/m.safetensors"; silent out
has err '--save and --best name one file'
gives 64 $some --history "$work/x" --receipt "$work/x"; has err '--history and --receipt name one file'
none "$work/models"
gives 0 $some --save "$work/m.onnx"; has out "left out  the optimizer's state"; has out 'left out  how the model is'
gives 0 $some --save "$work/m.onnx" --json; holds "$out" '.left_out | length == 2'
gives 66 $some --model "$work/none.safetensors"; has err "$work/none.safetensors"; silent out
for end in ${FORMATS-h5 keras safetensors}; do
    m=$work/models/m.$end
    gives 0 $some --save "$m"
    if [ $got -eq 64 ] && grep -q 'without HDF5' "$err"; then
        echo "SKIP: .$end: built without HDF5"
        continue
    fi
    there "$m"; has out "saved     $m"
    checks=$((checks + 1)); [ "$one" = "$(weights)" ] || fail "other weights than without --save"
    # Loaded, it trains on as if it had not stopped: weights, moments, number of the epoch, how it was compiled.
    gives 0 $some --model "$m" --epochs 2; on=$(weights); has out "model     $m"
    gives 0 $some --epochs 5
    checks=$((checks + 1)); [ "$on" = "$(weights)" ] || fail ".$end: 3 + 2 epochs are not 5"
done
gives 0 $some --best "$work/models/best.safetensors" --monitor accuracy; there "$work/models/best.safetensors"
gives 0 $still --patience 1 --monitor val_accuracy --best "$work/models/still.safetensors" --save \
    "$work/models/kept.safetensors" # both are of the first epoch
checks=$((checks + 1))
cmp -s "$work/models/still.safetensors" "$work/models/kept.safetensors" || fail "--best and --save differ"

# ---- Ctrl-C: what was trained is kept where that was asked for ----

last='fastcnn train, interrupted'
: >"$err"
env --default-signal=INT ${FCNN_RUN-} ./fastcnn train --limit 20 --batch-size 4 --epochs 1000000 --history "$h.json" \
    --save "$work/models/interrupted.safetensors" >"$out" 2>"$err" &
pid=$!
for _ in $(seq 300); do grep -q 'Epoch 3/' "$err" && break; sleep 0.1; done
kill -INT $pid
for _ in $(seq 600); do grep -q interrupted "$err" && break; sleep 0.1; done
grep -q interrupted "$err" || kill -KILL $pid
wait $pid
[ $? -eq 130 ] || fail "not 130"
has err 'interrupted in epoch'; has err 'the model as it is now is in'; silent out
there "$work/models/interrupted.safetensors"
holds "$h.json" '.loss | length >= 2'

ls -A "$work/models" | grep -q '^\.' && fail "left over: $(ls -A "$work/models")"
conclude

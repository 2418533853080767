#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn tune: what it measures and what it does not, the file that it keeps, --check, --diff, --merge, --prune, homes
# that cannot be written, and explain and list with knobs. No time is looked at. Run in the build folder.
set -u
[ -z "${FCNN_RUN-}" ] || { echo 'SKIP: nothing to measure on an emulator'; exit 77; }
. "${top_srcdir-.}/tests/program.sh"
unset FASTCNN_ISA FASTCNN_TUNING

relu='relu forward mb1ic3ih5'
conv='conv2d forward mb1ic3ih9oc17oh9kh3ph1'
file=$work/tuning
# Budgets that no search of such small problems needs, even on a busy machine: it ends when all is tried.
fast="--threads 1 --budget 20 --file $file"

# ---- measuring, and not measuring ----

gives 0 tune $fast "$relu" "$conv"; has out "$relu"; has out "$conv"; has out '2 measured'; lacks out known
[ "$(grep -c -e '->' "$file")" = 2 ] || fail "not two lines in the file"
cp "$file" "$work/first"
gives 0 tune $fast "$relu" "$conv"; has out '(known)'; has out '0 measured'
cmp -s "$file" "$work/first" || fail 'a second run changed the file'
gives 0 tune $fast --json "$relu"; json '.measured == 0 and (.problems[0].measured | not)'
gives 0 tune $fast --again --verbose "$conv"; has out ' us '; has out ' thread'
gives 0 tune $fast --quiet "$conv"; [ -s "$out" ] && fail '--quiet printed'
printf '# a comment\n--reset --dir=FWD_D\nmb1ic3ih5oc4kh3ph1n"mine"\nnonsense\n' >"$work/list"
gives 0 tune --threads 1 --budget 30 --file "$file" --layers "$work/list"; has err "$work/list:4:"
has out 'backward_weights mb1ic3ih5oc4oh5kh3ph1'; has out '3 problems'
gives 64 tune;                         has err 'expected problems'
gives 64 tune 'conv9 forward mb1';     has err conv9
gives 66 tune --layers "$work/none";   has err none; has err mobilenet
gives 64 tune --check --prune;         has err 'only one of'
gives 64 tune --diff "$file";          has err 'two files'
gives 64 tune --budget 0 "$relu";      has err budget

# ---- explain, list ----

FASTCNN_TUNING=$file
export FASTCNN_TUNING
gives 0 explain --threads 1 "$conv"; has out 'estimate  conv2d_fwd_'; has out 'tuning table'
gives 0 explain --threads 1 --json "$conv"; json '.plan.origin == "tuned" and .estimate.origin == "estimate"'
gives 0 explain --threads 1 --time --budget 5 "$conv"; has out ' us '
gives 0 explain --threads 1 --time --budget 5 --json "$conv"
json '[.kernels[] | select(.seconds)] | length > 0 and
      all(.[]; .percent_of_peak > 0 and .percent_of_memory > 0 and .error > 0 and .error < 16)'
gives 0 explain --threads 1 --kernel conv2d_fwd_naive "$conv"; has out 'asked for by name'
gives 0 list --json; json 'all(.kernels[]; has("knobs"))'; json '[.kernels[].knobs | length] | max > 0'

# ---- --check, --diff, --merge, --prune ----

gives 0 tune --prune; has out '0 stale lines'
sed 's/revision=[0-9]*/revision=999/' "$file" >"$work/stale"
gives 0 tune --prune --file "$work/stale"; has out 'stale lines taken out'; lacks out '0 stale'
gives 0 tune --diff "$file" "$file"; [ -s "$out" ] && fail 'a file differs from itself'
grep -v relu "$file" >"$work/less"
gives 1 tune --diff "$file" "$work/less"; has out "- $relu"
gives 0 tune --merge --file "$work/less" "$file"
gives 0 tune --diff "$file" "$work/less"
./fastcnn tune --check --budget 20 >"$out" 2>"$err"; got=$? last='fastcnn tune --check'
[ $got -le 1 ] || fail "exit status $got"
has out 'lines checked'

# ---- where nothing can be kept ----

FASTCNN_TUNING=off
gives 0 tune --threads 1 --budget 20 "$relu"; has err 'for this run only'; has out "$relu"
unset FASTCNN_TUNING
mkdir "$work/home"
: >"$work/home/.config" # no folder can be made there, not even by root
HOME=$work/home XDG_CONFIG_HOME= gives 0 tune --threads 1 --budget 20 "$relu" "$conv"; has out "$relu"
[ "$(grep -c 'for this run only' "$err")" = 1 ] || fail 'said more or less than once'
gives 66 tune --threads 1 --budget 20 --file "$work/home/.config/tuning" "$relu"

conclude

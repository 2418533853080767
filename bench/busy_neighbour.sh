#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Training, or plans, on two cores of which another process wants one: two threads must not be slower than one. Four
# situations in turns: quiet or with the neighbour, one thread or two. The neighbour is a shell's endless loop on the
# first core. Exit status: 0, 1 if two threads were slower by more than 5 % (plans: 20 %), 64 usage, 77 without two
# cores or taskset.

usage() {
    cat <<'END'
Usage: bench/busy_neighbour.sh [--plans] [--rounds=N] [--limit=N] [--data=DIR]
  --plans      executions of single plans, from microseconds to milliseconds, instead of training
  --rounds=N   of the four situations (default 5)
  --limit=N    images of the epoch that is timed (default 6000, of which 0.2 are kept for validation)
  --data=DIR   folder with MNIST's IDX files (default: synthetic digits)
FASTCNN names the program (default ./fastcnn), PLAN_TIME the one for plans (default ./plan-time).
END
}

rounds=5 limit=6000 data= plans=
for argument; do
    case $argument in
    --plans) plans=yes ;;
    --rounds=*) rounds=${argument#*=} ;;
    --limit=*) limit=${argument#*=} ;;
    --data=*) data=$argument ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 64 ;;
    esac
done
case $rounds.$limit in
*[!0-9.]* | .* | *.) usage >&2 && exit 64 ;;
esac

fastcnn=${FASTCNN:-./fastcnn} plan_time=${PLAN_TIME:-./plan-time}
[ -z "$plans" ] || fastcnn=$plan_time
[ -x "$fastcnn" ] || { echo "busy_neighbour: $fastcnn is not there: run make, or set ${plans:+PLAN_TIME or }FASTCNN" >&2
                       exit 1; }
command -v taskset >/dev/null || { echo "SKIP: no taskset (Debian: util-linux)" && exit 77; }
# The first two of the cores that this process may use: "0-3,8" is 0 1 2 3 8.
cores=$(taskset -cp $$ | sed 's/.*: //' | tr , '\n' | awk -F- '{ for (i = $1; i <= $NF; i++) print i }' | head -n 2)
first=$(echo "$cores" | sed -n 1p) second=$(echo "$cores" | sed -n 2p)
[ -n "$second" ] || { echo "SKIP: this process may use one core only" && exit 77; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/busy_neighbour.XXXXXX") || exit 1
taskset -c "$first" sh -c 'while :; do :; done' &
neighbour=$!
trap 'kill -KILL $neighbour 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# situation SIGNAL NAME THREADS: stops or continues the neighbour, trains, keeps the seconds.
situation() {
    kill "-$1" $neighbour
    # ${data:+...}: one word or none
    taskset -c "$first,$second" "$fastcnn" train --limit="$limit" --threads="$3" --epochs=1 --quiet --json \
        ${data:+"$data"} >"$folder/json" || { echo "busy_neighbour: $fastcnn train failed" >&2 && exit 1; }
    sed -n 's/.*"training_seconds": *\([0-9.e-]*\).*/\1/p' "$folder/json" >>"$folder/$2$3"
}

median() { sort -n "$folder/$1" | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }

# table UNIT MOST: the medians of the four situations; fails if two threads are slower than MOST times one.
table() {
    awk -v q1="$(median quiet1)" -v q2="$(median quiet2)" -v b1="$(median busy1)" -v b2="$(median busy2)" \
        -v unit="$1" -v most="$2" 'BEGIN {
        printf "%-32s%13s%13s%24s\n", "", "1 thread", "2 threads", "1 thread / 2 threads"
        printf "%-32s%10.3f %-2s%10.3f %-2s%24.2f\n", "quiet", q1, unit, q2, unit, q1 / q2
        printf "%-32s%10.3f %-2s%10.3f %-2s%24.2f\n", "a neighbour on core '"$first"'", b1, unit, b2, unit, b1 / b2
        if (b2 <= most * b1) exit 0
        print "With a busy neighbour two threads are slower than one."
        exit 1
    }'
}

# rounds_of COMMAND: the four situations in turns.
rounds_of() {
    round=0
    while [ $round -lt "$rounds" ]; do
        round=$((round + 1))
        for threads in 1 2; do
            "$1" STOP quiet $threads
            "$1" CONT busy $threads
        done
    done
}

if [ -z "$plans" ]; then
    rounds_of situation
    echo "Training steps of one epoch on cores $first and $second, median of $rounds rounds in turns:"
    table s 1.05
    exit
fi

execution() {
    kill "-$1" $neighbour
    taskset -c "$first,$second" "$fastcnn" "$problem" "$3" 0.5 >>"$folder/$2$3" || exit 1
}

failed=0
for problem in 'conv2d forward mb1ic32ih13oc64kh3' 'conv2d forward mb8ic32ih13oc64kh3' \
    'conv2d backward_weights mb8ic64ih28oc64kh3ph1' 'conv2d forward mb16ic64ih56oc64kh3ph1'; do
    rm -f "$folder"/quiet? "$folder"/busy?
    rounds_of execution
    echo "$problem, mean of 0.5 s on cores $first and $second, median of $rounds rounds in turns:"
    table us 1.2 || failed=1
done
exit $failed

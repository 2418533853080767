#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the gate finds, and what it only believes to find: `make bench-gate-trial`. In a built tree, which is compared
# with itself:
#     slow one      one kernel 10 % slower                     wanted: slower, at least 19 of 20
#     slow all      all kernels 5 % slower                     wanted: slower, at least 19 of 20
#     nothing       base against itself                        wanted: at most 1 of 50 slower
#     neighbour     a busy process on every core               wanted: undecided, never slower
#     uncovered     a kernel without a case 10 % slower        wanted: named as uncovered
# Exit status: 0 if all is as wanted, 1 if not, 64 usage, 77 if the machine was too noisy for half of the runs.

usage() {
    cat <<'END'
Usage: bench/gate_trial.sh [OPTION]...
  --runs=N       of each planted slow-down (default 20); 5/2 of that without one, a quarter with a neighbour
  --filter=GLOB  the kernels that are compared; may be repeated (default: nine, of all operations)
  --rounds=N --sample=MS   as for fastcnn-compare (default 11 and 1)
  --out=FOLDER   for what each run said (default bench/out/trial)
END
}

runs=20 rounds=11 sample=1 out=bench/out/trial filters=''
for argument; do
    case $argument in
    --help) usage && exit 0 ;;
    --runs=*) runs=${argument#*=} ;;
    --rounds=*) rounds=${argument#*=} ;;
    --sample=*) sample=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --filter=*) filters="$filters $argument" ;;
    *) usage >&2 && exit 64 ;;
    esac
done
case $runs in '' | *[!0-9]* | 0*) usage >&2 && exit 64 ;; esac
set -f # the filters are patterns, not files
[ -n "$filters" ] || filters='--filter=conv2d_fwd_direct_avx2 --filter=conv2d_fwd_im2col_avx2
    --filter=conv2d_bwd_data_direct_avx2 --filter=conv2d_bwd_weights_direct_avx2 --filter=dense_fwd_gemm_avx2
    --filter=dense_fwd_gemm_scalar --filter=maxpool_fwd_direct_avx2 --filter=relu_fwd_vector_avx2
    --filter=adam_update_vector_avx2'
mkdir -p "$out" || exit 73
neighbours=''
trap 'kill $neighbours 2>/dev/null' EXIT
trap 'exit 130' INT TERM HUP

# Runs the gate N times and counts its verdicts: slower, undecided, other (same, faster).
try() { # try NAME N OPTION...
    name=$1 left=$2 slower=0 undecided=0 other=0 seed=0
    shift 2
    while [ $seed -lt "$left" ]; do
        seed=$((seed + 1))
        ./fastcnn-compare $filters --rounds="$rounds" --sample="$sample" --seed=$((seed * 10)) "$@" .libs .libs \
            >"$out/$name.$seed.txt" 2>"$out/log"
        case $? in
        0) other=$((other + 1)) ;;
        1) slower=$((slower + 1)) ;;
        77) undecided=$((undecided + 1)) ;;
        *) echo "gate_trial: fastcnn-compare failed:" >&2 && cat "$out/log" >&2 && exit 70 ;;
        esac
    done
    all_undecided=$((all_undecided + undecided)) all=$((all + left))
}

failed='' all=0 all_undecided=0
row() { # row WANTED CONDITION...: a line of the table, about the last try()
    wanted=$1
    shift
    if [ "$@" ]; then mark=good; else mark=MISSED failed=yes; fi
    printf '%-10s %5d %7d %10d %6d  %-6s %s\n' "$name" "$left" $slower $undecided $other $mark "$wanted"
}

one=$(echo "$filters" | tr ' ' '\n' | sed -n 's/^--filter=//p' | head -n 1)
sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *\([0-9]*\) /CPU: \1 x /'
printf '%-10s %5s %7s %10s %6s\n' planted runs slower undecided same
try one "$runs" --plant="$one:10"
row "10 % in $one: slower in 19 of 20" $((slower * 20)) -ge $((left * 19))
try all "$runs" --plant='*:5'
row '5 % in all: slower in 19 of 20' $((slower * 20)) -ge $((left * 19))
try nothing $(((runs * 5 + 1) / 2))
row 'nothing: slower in 1 of 50 at most' $((slower * 50)) -le "$left"
quiet=$all quiet_undecided=$all_undecided
try uncovered 1 --plant="$one:10" --omit="$one"
found=$(grep -c "$one .*uncovered" "$out/uncovered.1.txt")
row 'a kernel without a case: named' "$found" -eq 1
for core in $(seq "$(nproc)"); do
    (while :; do :; done) &
    neighbours="$neighbours $!"
done
try neighbour $(((runs + 3) / 4))
row 'busy neighbours: undecided' $undecided -eq "$left"
echo "rounds $rounds, samples of $sample ms, $(echo $filters | wc -w) kernels; what each run said: $out"
if [ $((quiet_undecided * 2)) -gt "$quiet" ]; then
    echo "SKIP: the machine was too noisy in $quiet_undecided of $quiet runs: no score"
    exit 77
fi
[ -z "$failed" ]

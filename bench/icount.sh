#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The gate, tier 0: instructions that each scalar and AVX2 row executes, counted by callgrind, against the committed
# ones. A count is the same on every machine that has the compiler, its flags and the libc of the baseline.
# Exit status: 0, 1 if a row executes more than 0.5 % more, 64 usage, 77 without valgrind or baseline.

usage() {
    cat <<'END'
Usage: bench/icount.sh [--record] [--baseline=FOLDER] PROGRAM
  --record           write the counts to the folder in place of comparing
  --baseline=FOLDER  of icount-COMPILER-ISA.txt (default: baseline beside this script)
PROGRAM is fastcnn-icount.
END
}

. "$(dirname "$0")/tier0.sh"
command -v valgrind >/dev/null || skip "counting instructions needs valgrind: apt-get install valgrind"
key=$(echo "$key" | sed '/^name /d; s/  */ /g; s/ $//')
isas='scalar avx2'

# Whether there is a baseline to compare with, before the work.
if [ -z "$record" ]; then
    for isa in $isas; do
        file=$folder/icount-$name-$isa.txt
        [ -f "$file" ] || skip "no baseline for $name, only $(cd "$folder" 2>/dev/null && echo icount-*);" \
            "make bench-baseline makes one of this build"
        [ "$(sed -n 's/^# //p' "$file")" = "$key" ] || skip "$file is of" $(sed -n 's/^# //p' "$file"), \
            "this build of" $key "(make bench-baseline makes one of it)"
    done
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

# Nothing of the caller's environment, one thread, caches of no machine, a stack of one size: what runs is the same.
(cd "$work" && ulimit -s 8192 && exec env -i PATH="$PATH" LC_ALL=C LD_BIND_NOW=1 OMP_THREAD_LIMIT=1 OMP_NUM_THREADS=1 \
    FASTCNN_ISA=avx2 FASTCNN_TUNING=off FASTCNN_CACHES=32K,1M,2M valgrind --tool=callgrind --collect-atstart=no \
    --callgrind-out-file="$work/counts" "$program" >"$work/uncovered" 2>"$work/log") || {
    cat "$work/log"
    grep -q 'valgrind:.*\(cannot\|not found\)\|Unrecognised instruction' "$work/log" &&
        skip "valgrind cannot run this program here"
    fail "$program under valgrind"
}

# One dump per kernel and problem: "COUNT KERNEL PROBLEM".
for dump in "$work"/counts.*; do
    sed -n 's/^desc: Trigger: Client Request: //p; s/^\(summary\|totals\): //p' "$dump" | awk '
        /^[a-z]/ { name = $0 }
        /^[0-9]/ { count = $1 }
        END { if (name != "" && count > 0) print count, name }'
done | sort -k 2 >"$work/all"
[ -s "$work/all" ] || skip "built without callgrind's headers: apt-get install valgrind, then build again"

status=0
for isa in $isas; do
    grep "^[0-9]* [a-z0-9_]*_$isa " "$work/all" >"$work/$isa" ||
        { echo "no $isa row ran on this machine" && continue; }
    file=$folder/icount-$name-$isa.txt
    if [ -n "$record" ]; then
        mkdir -p "$folder" && { echo "$key" | sed 's/^/# /'; cat "$work/$isa"; } >"$file.new" &&
            mv "$file.new" "$file" || fail "cannot write $file"
        echo "$file: $(wc -l <"$work/$isa") counts"
        continue
    fi
    awk -v isa="$isa" '
        /^#/ { next }
        { count = $1; sub(/^[0-9]+ /, "") }
        FNR == NR { base[$0] = count; next }
        !($0 in base) { print "not in the baseline: " $0 "; make bench-baseline takes it in"; next }
        {
            seen[$0] = 1
            all++
            change = 100 * (count / base[$0] - 1)
            if (change > 0.5) {
                printf "FAIL: %s: %+.2f %% instructions, %d in place of %d\n", $0, change, count, base[$0]
                failed++
            } else if (change < -2) {
                printf "fewer: %s: %+.2f %% instructions; run make bench-baseline to keep it so\n", $0, change
            }
        }
        END {
            for (row in base) if (!(row in seen)) print "in the baseline, but not counted: " row
            printf "%s: %d counts, %d above their baseline by more than 0.5 %%\n", isa, all, failed
            exit failed > 0
        }' "$file" "$work/$isa" || status=1
done
cat "$work/uncovered"
exit $status

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Does Winograd change what training reaches? Trains on MNIST with five seeds, exact and with Winograd allowed, and
# prints the test accuracies: bench/winograd_accuracy.sh DIR, run where ./fastcnn is. Minutes.
set -eu
data=${1:?usage: $0 DIR-WITH-THE-MNIST-FILES}

accuracy() { FASTCNN_MATH=$1 ./fastcnn train --data "$data" --seed "$2" --verbose 0 | sed -n 's/^test .*accuracy //p'; }

printf '%-6s %10s %14s\n' seed exact winograd_f4
for seed in 1 2 3 4 5; do
    printf '%-6s %10s %14s\n' "$seed" "$(accuracy exact "$seed")" "$(accuracy exact,winograd_f4 "$seed")"
done | awk '
    { print; fflush(); e[NR] = $2; w[NR] = $3; se += $2; sw += $3 }
    END { for (i = 1; i <= NR; i++) { de += (e[i] - se / NR) ^ 2; dw += (w[i] - sw / NR) ^ 2 }
          printf "%-6s %10.4f %14.4f\n", "mean", se / NR, sw / NR
          printf "%-6s %10.4f %14.4f\n", "stddev", sqrt(de / (NR - 1)), sqrt(dw / (NR - 1)) }'

/* SPDX-License-Identifier: BSD-2-Clause
 * The short summary that a run ends with: one screen, and where to look next. */
#ifndef BENCH_SUMMARY_H
#define BENCH_SUMMARY_H

#include "bench/exports.h"
#include "bench/names.h"
#include "bench/summaries.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What dispatch takes on the layers of one network: how many times faster than each opponent, by direction, the last
 * for all of them. The part of a layer's name before the dot is its network; a name without is no network's. */
struct bench_network {
    char name[24];
    struct bench_mean means[1 + BENCH_MOST_PEERS][BENCH_DIRECTIONS + 1]; /* of the reference, then of the peers */
};

struct bench_overview {
    struct bench_comparison against[1 + BENCH_MOST_PEERS]; /* the same order */
    int opponents;
    struct bench_network *networks; /* in the order of their first layers; behind the last one: all together */
    int count;                      /* without that */
    struct bench_names names;       /* of the networks, by their places */
};

int bench_overview_make(const struct bench_results *results, struct bench_overview *overview); /* 0: no memory */
void bench_overview_free(struct bench_overview *overview);

/* exports: files that have been written. 0: no memory. */
int bench_print_summary(const struct bench_results *results, const struct bench_exports *exports, FILE *out);

#ifdef __cplusplus
}
#endif
#endif

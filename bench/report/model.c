/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/names.h"
#include "bench/report/page.h"

void report_network(const char *layer, char *name, size_t size)
{
    const char *dot = strchr(layer, '.');
    snprintf(name, size, "%.*s", dot ? (int)(dot - layer) : 8, dot ? layer : "problems");
}

int report_is_choice(const struct bench_results *results, const struct bench_result *row)
{
    return row->is_chosen && row->threads == results->threads && bench_is_timed(row);
}

/* ---- groups ---- */

static void add_ratio(struct bench_mean *mean, double ratio)
{
    if (ratio > 0 && isfinite(ratio)) bench_mean_add(mean, ratio);
}

static void add(const struct bench_results *results, const struct bench_result *row, struct report_group *group)
{
    group->layers++;
    add_ratio(&group->reference, bench_ratio(results, row, BENCH_REFERENCE));
    for (int peer = 0; peer < results->peer_count; peer++)
        add_ratio(&group->peers[peer], bench_ratio(results, row, peer));
}

/* Directions, then their sum, of each network; behind the last network those of all. */
enum { SUMS = BENCH_DIRECTIONS + 1 };

static void add_to_sums(const struct bench_results *results, const struct bench_result *row, const char *network,
                        struct report_group sums[SUMS])
{
    const int both[] = {(int)row->of->problem.direction, BENCH_DIRECTIONS};
    for (int i = 0; i < 2; i++) {
        struct report_group *group = &sums[both[i]];
        snprintf(group->network, sizeof group->network, "%s", network);
        group->direction = both[i];
        add(results, row, group);
    }
}

static int network_of(const struct bench_result *row, struct bench_names *networks, char name[64])
{
    report_network(row->of->layer, name, 64);
    return bench_names_number(networks, "%s", name);
}

/* 0: no memory. */
static int find_networks(const struct bench_results *results, struct bench_names *networks)
{
    char name[64];
    for (int i = 0; i < results->row_count; i++)
        if (report_is_choice(results, &results->rows[i]) && network_of(&results->rows[i], networks, name) < 0) return 0;
    return 1;
}

/* Those that have layers move to the front. Returns their number. */
static int leave_out_empty(struct report_group *groups, int count)
{
    int left = 0;
    for (int i = 0; i < count; i++)
        if (groups[i].layers) groups[left++] = groups[i];
    return left;
}

struct report_group *report_groups(const struct bench_results *results, int *count)
{
    struct bench_names networks = {0};
    int there = find_networks(results, &networks);
    const int all = networks.count;
    struct report_group *groups = there ? calloc((size_t)(all + 1) * SUMS, sizeof *groups) : NULL;
    there = groups != NULL;
    for (int i = 0; there && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        char name[64];
        if (!report_is_choice(results, row)) continue;
        const int network = network_of(row, &networks, name);
        there = network >= 0;
        if (there) add_to_sums(results, row, name, &groups[network * SUMS]);
        if (there) add_to_sums(results, row, "", &groups[all * SUMS]);
    }
    bench_names_free(&networks);
    if (there) return *count = leave_out_empty(groups, (all == 1 ? 1 : all + 1) * SUMS), groups;
    free(groups);
    return NULL;
}

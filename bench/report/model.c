/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Rows of a problem lie side by side. */
static const struct bench_result *first_beside(const struct bench_results *results, const struct bench_result *row)
{
    while (row > results->rows && row[-1].of == row->of) row--;
    return row;
}

double report_times_faster(const struct bench_results *results, const struct bench_result *row, enum bench_kind than,
                           int peer)
{
    const struct bench_result *end = results->rows + results->row_count;
    for (const struct bench_result *other = first_beside(results, row); other < end && other->of == row->of; other++)
        if (other->kind == than && other->threads == row->threads &&
            (than == BENCH_OURS ? other->is_reference : other->peer == peer))
            return other->time.lower / row->time.lower;
    return NAN;
}

const struct bench_result *report_same(const struct bench_results *other, const struct bench_result *row)
{
    for (int i = 0; i < other->row_count; i++) {
        const struct bench_result *there = &other->rows[i];
        if (there->is_chosen && there->threads == row->threads && bench_is_timed(there) &&
            !strcmp(there->of->layer, row->of->layer) && !strcmp(there->of->text, row->of->text))
            return there;
    }
    return NULL;
}

/* ---- groups ---- */

static void add_ratio(struct bench_mean *mean, double ratio)
{
    if (ratio > 0 && isfinite(ratio)) bench_mean_add(mean, ratio);
}

static void add(const struct bench_results *results, const struct bench_result *row, struct report_group *group)
{
    group->layers++;
    add_ratio(&group->reference, report_times_faster(results, row, BENCH_OURS, 0));
    for (int peer = 0; peer < results->peer_count; peer++)
        add_ratio(&group->peers[peer], report_times_faster(results, row, BENCH_PEER, peer));
}

static struct report_group *find(struct report_group *groups, int *count, const char *network, int direction)
{
    for (int i = 0; i < *count; i++)
        if (!strcmp(groups[i].network, network) && groups[i].direction == direction) return &groups[i];
    struct report_group *made = &groups[(*count)++];
    memset(made, 0, sizeof *made);
    snprintf(made->network, sizeof made->network, "%s", network);
    made->direction = direction;
    return made;
}

/* Directions before their sum, networks in the order of the results. */
static int is_before(const struct report_group *a, const struct report_group *b, const struct report_group *all)
{
    int network_a = 0, network_b = 0;
    while (strcmp(all[network_a].network, a->network) != 0) network_a++;
    while (strcmp(all[network_b].network, b->network) != 0) network_b++;
    return network_a != network_b ? network_a < network_b : a->direction < b->direction;
}

static void sort(struct report_group *groups, int count, const struct report_group *as_found)
{
    for (int i = 1; i < count; i++) {
        const struct report_group one = groups[i];
        int at = i;
        for (; at > 0 && is_before(&one, &groups[at - 1], as_found); at--) groups[at] = groups[at - 1];
        groups[at] = one;
    }
}

struct report_group *report_groups(const struct bench_results *results, int *count)
{
    const size_t most = 2 * (size_t)results->row_count + BENCH_DIRECTIONS + 1;
    struct report_group *groups = calloc(most, sizeof *groups), *copy = calloc(most, sizeof *copy);
    struct report_group all[BENCH_DIRECTIONS + 1] = {{.layers = 0}};
    *count = 0;
    for (int i = 0; groups && copy && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        char network[64];
        if (!report_is_choice(results, row)) continue;
        report_network(row->of->layer, network, sizeof network);
        add(results, row, find(groups, count, network, row->of->problem.direction));
        add(results, row, find(groups, count, network, BENCH_DIRECTIONS));
        add(results, row, &all[row->of->problem.direction]);
        add(results, row, &all[BENCH_DIRECTIONS]);
    }
    if (groups && copy) {
        memcpy(copy, groups, most * sizeof *copy);
        sort(groups, *count, copy);
        const int is_one = *count && !strcmp(groups[0].network, groups[*count - 1].network);
        for (int d = 0; d <= BENCH_DIRECTIONS && !is_one; d++) {
            all[d].direction = d;
            if (all[d].layers) groups[(*count)++] = all[d];
        }
    }
    free(copy);
    if (groups && copy) return groups;
    free(groups);
    return NULL;
}

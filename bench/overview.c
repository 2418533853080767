/* SPDX-License-Identifier: BSD-2-Clause
 * The numbers of the summary: see summary.h. */
#include <stdlib.h>
#include <string.h>

#include "bench/summary.h"

static void network_of(const struct bench_problem *problem, char name[24])
{
    const size_t length = strcspn(problem->layer, ".");
    if (problem->layer[length]) snprintf(name, 24, "%.*s", (int)length, problem->layer);
    else snprintf(name, 24, "(none)");
}

/* Adds it where it is new; room is there for one per row, and one more. NULL: no memory. */
static struct bench_network *find_network(struct bench_overview *o, const struct bench_problem *problem)
{
    char name[24];
    network_of(problem, name);
    const int place = bench_names_number(&o->names, "%s", name);
    if (place == o->count) memcpy(o->networks[o->count++].name, name, sizeof name);
    return place < 0 ? NULL : &o->networks[place];
}

static int is_compared(const struct bench_results *results, const struct bench_result *row)
{
    for (int i = BENCH_REFERENCE; i < results->peer_count; i++)
        if (bench_ratio(results, row, i) > 0) return 1;
    return 0;
}

/* 0: no memory. */
static int add_pairs(struct bench_overview *o, int opponent)
{
    struct bench_network *all = &o->networks[o->count];
    for (int i = 0; i < o->against[opponent].count; i++) {
        const struct bench_pair *pair = &o->against[opponent].pairs[i];
        const fcnn_direction direction = pair->ours->of->problem.direction;
        struct bench_network *network = find_network(o, pair->ours->of);
        if (!network) return 0;
        bench_mean_add(&network->means[opponent][direction], pair->ratio);
        bench_mean_add(&network->means[opponent][BENCH_DIRECTIONS], pair->ratio);
        bench_mean_add(&all->means[opponent][direction], pair->ratio);
        bench_mean_add(&all->means[opponent][BENCH_DIRECTIONS], pair->ratio);
    }
    return 1;
}

int bench_overview_make(const struct bench_results *results, struct bench_overview *o)
{
    *o = (struct bench_overview){.opponents = 1 + results->peer_count};
    int there = (o->networks = calloc((size_t)results->row_count + 1, sizeof *o->networks)) != NULL;
    for (int i = 0; i < o->opponents; i++) there &= bench_compare(results, i + BENCH_REFERENCE, &o->against[i]);
    if (!there) return 0;
    for (int i = 0; there && i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->is_chosen && is_compared(results, row)) there = find_network(o, row->of) != NULL;
    }
    snprintf(o->networks[o->count].name, sizeof o->networks->name, "all");
    for (int i = 0; there && i < o->opponents; i++) there = add_pairs(o, i);
    return there;
}

void bench_overview_free(struct bench_overview *o)
{
    for (int i = 0; i < o->opponents; i++) bench_comparison_free(&o->against[i]);
    free(o->networks);
    bench_names_free(&o->names);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * One task of an elementwise operation: 4096 elements, of n * h * w * c. 16 KiB of each array stay in L1 and are long
 * enough to be worth handing out. */
#ifndef FCNN_CHUNKS_H
#define FCNN_CHUNKS_H

enum { CHUNK = 4096 };

static inline int64_t chunk_count(const fcnn_problem *g) { return g->n * g->h * g->w * g->c; }

static inline void chunk_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *g = query->problem;
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(chunk_count(g), CHUNK);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * One task of an elementwise operation: 4096 elements, of n * h * w * c. 16 KiB of each array stay in L1 and are long
 * enough to be worth handing out. */
#ifndef FCNN_CHUNKS_H
#define FCNN_CHUNKS_H

enum { CHUNK = 4096 };

static inline int64_t chunk_count(const fcnn_problem *g) { return g->n * g->h * g->w * g->c; }

static inline const char *chunk_unsupported(const fcnn_problem *g)
{
    (void)g;
    return NULL;
}

static inline void chunk_demand(const fcnn_problem *g, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(chunk_count(g), CHUNK);
}

#endif

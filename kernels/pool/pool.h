/* SPDX-License-Identifier: BSD-2-Clause
 * Windows of pooling: which taps are inside the image, which windows hold a pixel. A task is one row of the output
 * (forward) or of d_src (backward data) in one image. */
#ifndef FCNN_POOL_H
#define FCNN_POOL_H

/* lo .. hi-1, never negative in length */
struct range {
    int64_t lo, hi;
};

/* The taps of a window at `origin` (negative: in the padding) that are inside 0 .. size-1. */
static inline struct range pool_taps(int64_t origin, int64_t window, int64_t size)
{
    const int64_t lo = fcnn_max(0, -origin);
    return (struct range){lo, fcnn_max(lo, fcnn_min(window, size - origin))};
}

/* The windows of 0 .. count-1 that hold the element at `at`, counted from the start of the padding: window i holds
 * i * stride .. i * stride + window - 1. */
static inline struct range pool_windows(int64_t at, int64_t window, int64_t stride, int64_t count)
{
    const int64_t lo = at < window ? 0 : (at - window) / stride + 1;
    return (struct range){lo, fcnn_max(lo, fcnn_min(count, at / stride + 1))};
}

static inline void pool_forward_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *g = query->problem;
    demand->tasks[FCNN_COMPUTE] = g->n * g->p;
}

static inline void pool_backward_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *g = query->problem;
    demand->tasks[FCNN_COMPUTE] = g->n * g->h;
}

#endif

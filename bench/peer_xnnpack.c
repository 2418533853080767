/* SPDX-License-Identifier: BSD-2-Clause
 * The peer XNNPACK: forward passes, in its own threads. Images have our layout; filters are packed when an operator is
 * created, as ours are. It may read some bytes behind the input, which is copied for that. */
#include "bench/peer.h"

#include <math.h>
#include <pthreadpool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

struct xnnpack_peer {
    struct bench_peer base;
    struct ref_conv2d g;
    pthreadpool_t pool; /* NULL: the calling thread alone */
    xnn_operator_t convolution, pooling;
    float *src, *full;  /* full: what is pooled */
};

static int is_pooled(const struct bench_peer *peer) { return peer->of->about.problem.op == FCNN_CONV2D_POOL; }

/* ---- the library ---- */

static const char *name(void) { return "xnnpack" BENCH_XNNPACK_VERSION; }

/* What XNNPACK takes of the machine; it knows no limit. */
static fcnn_isa isa_of_machine(void)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    if (strstr(machine.features, "avx512f")) return FCNN_AVX512;
    return strstr(machine.features, "fma") ? FCNN_AVX2 : FCNN_SCALAR;
}

static const char *start(fcnn_isa isa)
{
    if (isa_of_machine() > isa) return "XNNPACK cannot be limited: it takes the instruction sets that the CPU has";
    return xnn_initialize(NULL) == xnn_status_success ? NULL : "XNNPACK does not support this CPU";
}

/* A run has one number of threads above 1. */
static pthreadpool_t pool_of(int threads)
{
    static pthreadpool_t pool;
    if (threads == 1) return NULL;
    if (!pool) pool = pthreadpool_create((size_t)threads);
    return pool;
}

static void close_peer(struct bench_peer *peer)
{
    struct xnnpack_peer *p = (struct xnnpack_peer *)peer;
    xnn_delete_operator(p->convolution);
    xnn_delete_operator(p->pooling);
    free(p->src);
    free(p->full);
    free(p);
}

static struct bench_peer *open_peer(const struct bench_case *c, int threads, enum bench_kind kind)
{
    const fcnn_problem *problem = &c->about.problem;
    if ((problem->op != FCNN_CONV2D && problem->op != FCNN_CONV2D_POOL) || problem->direction != FCNN_FORWARD ||
        kind != BENCH_PEER)
        return NULL;
    struct xnnpack_peer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->base = (struct bench_peer){.library = &bench_peer_xnnpack, .of = c, .threads = threads};
    p->g = bench_geometry(problem);
    return &p->base;
}

static const char *implementation(const struct bench_peer *peer)
{
    const struct ref_conv2d *g = &((const struct xnnpack_peer *)peer)->g;
    return g->groups == g->c && g->groups == g->k && g->groups > 1 ? "nhwc depthwise" : "nhwc";
}

static fcnn_isa isa_of(const struct bench_peer *peer)
{
    (void)peer;
    return isa_of_machine();
}

/* ---- loading ---- */

/* RSCK to [G] K R S C: what a filter is there. NULL: no memory. */
static float *filters_of(const struct ref_conv2d *g, const float *weights)
{
    const int64_t c = g->c / g->groups, places = g->r * g->s;
    float *filters = malloc((size_t)(g->k * places * c) * sizeof *filters);
    for (int64_t k = 0; filters && k < g->k; k++)
        for (int64_t i = 0; i < places * c; i++) filters[k * places * c + i] = weights[i * g->k + k];
    return filters;
}

static enum xnn_status create_convolution(struct xnnpack_peer *p, const float *filters)
{
    const fcnn_problem *problem = &p->base.of->about.problem;
    const struct ref_conv2d *g = &p->g;
    const float least = g->relu && !is_pooled(&p->base) ? 0 : -INFINITY;
    return xnn_create_convolution2d_nhwc_f32(
        (uint32_t)problem->pad_top, (uint32_t)problem->pad_right, (uint32_t)problem->pad_bottom,
        (uint32_t)problem->pad_left, (uint32_t)g->r, (uint32_t)g->s, (uint32_t)g->stride_h, (uint32_t)g->stride_w,
        (uint32_t)g->dilation_h, (uint32_t)g->dilation_w, (uint32_t)g->groups, (size_t)(g->c / g->groups),
        (size_t)(g->k / g->groups), (size_t)g->c, (size_t)g->k, filters, p->base.of->tensors.arrays.bias, least,
        INFINITY, 0, &p->convolution);
}

/* ReLU comes with the pooling, which has a quarter of the values. */
static enum xnn_status make_pooling(struct xnnpack_peer *p)
{
    const struct ref_conv2d *g = &p->g;
    const size_t k = (size_t)g->k;
    const enum xnn_status status = xnn_create_max_pooling2d_nhwc_f32(0, 0, 0, 0, 2, 2, 2, 2, 1, 1, k, k, k, 0, INFINITY,
                                                                     0, &p->pooling);
    if (status != xnn_status_success) return status;
    return xnn_setup_max_pooling2d_nhwc_f32(p->pooling, (size_t)g->n, (size_t)g->p, (size_t)g->q, p->full,
                                            p->base.of->tensors.arrays.dst, p->pool);
}

static enum xnn_status make_operators(struct xnnpack_peer *p, const float *filters)
{
    const struct ref_conv2d *g = &p->g;
    float *dst = p->full ? p->full : p->base.of->tensors.arrays.dst;
    enum xnn_status status = create_convolution(p, filters);
    if (status == xnn_status_success)
        status = xnn_setup_convolution2d_nhwc_f32(p->convolution, (size_t)g->n, (size_t)g->h, (size_t)g->w, p->src, dst,
                                                  p->pool);
    if (status == xnn_status_success && is_pooled(&p->base)) status = make_pooling(p);
    return status;
}

static const char *load(struct bench_peer *peer)
{
    struct xnnpack_peer *p = (struct xnnpack_peer *)peer;
    const struct ref_conv2d *g = &p->g;
    const fcnn_tensors *t = &peer->of->tensors.arrays;
    const size_t bytes = (size_t)(g->n * g->h * g->w * g->c) * sizeof *t->src;
    enum xnn_status status = xnn_status_out_of_memory;
    p->pool = pool_of(peer->threads);
    p->src = malloc(bytes + XNN_EXTRA_BYTES);
    if (p->src) memcpy(p->src, t->src, bytes);
    if (is_pooled(peer)) p->full = malloc((size_t)(g->n * g->p * g->q * g->k) * sizeof *p->full + XNN_EXTRA_BYTES);
    float *filters = filters_of(g, t->weights);
    if (p->src && filters && (p->full || !is_pooled(peer)) && (p->pool || peer->threads == 1))
        status = make_operators(p, filters);
    free(filters);
    if (status == xnn_status_success) return NULL;
    peer->lacks = status == xnn_status_unsupported_parameter || status == xnn_status_unsupported_hardware;
    if (peer->lacks) return "XNNPACK does not support this problem";
    return status == xnn_status_out_of_memory ? "XNNPACK: no memory" : "XNNPACK: a call failed";
}

/* ---- running ---- */

static void execute(const struct bench_peer *peer)
{
    const struct xnnpack_peer *p = (const struct xnnpack_peer *)peer;
    xnn_run_operator(p->convolution, p->pool);
    if (p->pooling) xnn_run_operator(p->pooling, p->pool);
}

static const char *store(struct bench_peer *peer)
{
    (void)peer; /* outputs are the case's tensors */
    return NULL;
}

const struct bench_peer_library bench_peer_xnnpack = {
    .name = name, .start = start, .open = open_peer, .close = close_peer, .implementation = implementation,
    .isa = isa_of, .load = load, .execute = execute, .store = store,
};

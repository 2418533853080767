/* SPDX-License-Identifier: BSD-2-Clause
 * The peer oneDNN. Every tensor has the layout that the convolution asks for (format tag `any`). Conversions happen in
 * load and store, outside of timing, or, for BENCH_PEER_CONVERTED, as steps of the chain. ReLU is a post-op of the
 * forward convolution; backward it is a primitive of its own, before pooling's where there is one (the two commute, and
 * the pooled gradient is a quarter). Fused pooling is compared with convolution, then pooling: what a framework built
 * on oneDNN would run. */
#include "bench/peer.h"

#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/onednn.h"

struct onednn_peer {
    struct bench_peer base;
    int converts; /* in every execution */
    struct ref_conv2d g;
    struct onednn o;
    struct onednn_convolution plain, any; /* in the case's layouts, in those that oneDNN likes best */
    dnnl_primitive_desc_t forward, conv;  /* conv: in the case's direction; forward: the hint for it, or NULL */
    struct { dnnl_memory_t best, plain; } outputs[2];
    int output_count;
    const char *implementation;
};

/* ---- layouts ---- */

static onednn_layout *image(struct onednn *o, int64_t n, int64_t c, int64_t h, int64_t w, dnnl_format_tag_t tag)
{
    return onednn_layout_by_tag(o, 4, (dnnl_dims_t){n, c, h, w}, tag);
}

/* RSCK as oneDNN's dimensions [G] K C R S, or any layout. */
static onednn_layout *filter(struct onednn *o, const struct ref_conv2d *g, int any)
{
    const int64_t c = g->c / g->groups, k = g->k / g->groups;
    const dnnl_dims_t sizes = {g->groups, k, c, g->r, g->s};
    const dnnl_dims_t steps = {k, 1, g->k, g->s * c * g->k, c * g->k};
    const int grouped = g->groups > 1;
    if (any) return onednn_layout_by_tag(o, 4 + grouped, sizes + !grouped, dnnl_format_tag_any);
    return onednn_layout_by_strides(o, 4 + grouped, sizes + !grouped, steps + !grouped);
}

static struct onednn_convolution describe_layouts(struct onednn_peer *p, dnnl_alg_kind_t algorithm, int any)
{
    const fcnn_problem *problem = &p->base.of->about.problem;
    const struct ref_conv2d *g = &p->g;
    const dnnl_format_tag_t tag = any ? dnnl_format_tag_any : dnnl_nhwc;
    return (struct onednn_convolution){
        .algorithm = algorithm, .src = image(&p->o, g->n, g->c, g->h, g->w, tag), .weights = filter(&p->o, g, any),
        .bias = problem->no_bias ? NULL : onednn_layout_by_tag(&p->o, 1, (dnnl_dims_t){g->k}, dnnl_a),
        .dst = image(&p->o, g->n, g->k, g->p, g->q, tag), .strides = {g->stride_h, g->stride_w},
        .dilations = {g->dilation_h - 1, g->dilation_w - 1}, .before = {problem->pad_top, problem->pad_left},
        .after = {problem->pad_bottom, problem->pad_right}};
}

static onednn_layout *pooled(struct onednn_peer *p, dnnl_format_tag_t tag)
{
    const fcnn_problem *problem = &p->base.of->about.problem;
    return image(&p->o, p->g.n, p->g.k, problem->p, problem->q, tag);
}

/* ---- tensors ---- */

/* A copy in another layout, made once. */
static dnnl_memory_t constant(struct onednn_peer *p, onednn_layout *best, onednn_layout *plain, const float *data)
{
    dnnl_memory_t from = onednn_hold(&p->o, plain, (void *)(uintptr_t)data), to = onednn_allocate(&p->o, best);
    onednn_convert(&p->o, from, to);
    return to;
}

/* The same, made in every execution where these convert. */
static dnnl_memory_t input(struct onednn_peer *p, onednn_layout *best, onednn_layout *plain, const float *data)
{
    if (!p->converts) return constant(p, best, plain, data);
    dnnl_memory_t from = onednn_hold(&p->o, plain, (void *)(uintptr_t)data);
    if (*p->o.failure || dnnl_memory_desc_equal(best, plain)) return from;
    dnnl_memory_t to = onednn_allocate(&p->o, best);
    onednn_add_conversion(&p->o, from, to);
    return to;
}

/* Its way back to `data` is the store's, or add_ways_back()'s. */
static dnnl_memory_t output(struct onednn_peer *p, onednn_layout *best, onednn_layout *plain, float *data)
{
    dnnl_memory_t to = onednn_hold(&p->o, plain, data);
    if (p->converts && !*p->o.failure && dnnl_memory_desc_equal(best, plain)) return to;
    dnnl_memory_t from = onednn_allocate(&p->o, best);
    p->outputs[p->output_count].best = from;
    p->outputs[p->output_count++].plain = to;
    return from;
}

static void add_ways_back(struct onednn_peer *p)
{
    for (int i = 0; i < p->output_count; i++) onednn_add_conversion(&p->o, p->outputs[i].best, p->outputs[i].plain);
    p->output_count = 0;
}

/* A gradient through ReLU. Where executions convert, `gradient` may be the case's own. */
static dnnl_memory_t through_relu(struct onednn_peer *p, onednn_layout *layout, dnnl_memory_t dst,
                                  dnnl_memory_t gradient)
{
    dnnl_memory_t masked = p->converts ? onednn_allocate(&p->o, layout) : gradient;
    onednn_add_relu_backward(&p->o, layout, dst, gradient, masked);
    return masked;
}

/* ---- pooling ---- */

static void add_pooling(struct onednn_peer *p, dnnl_primitive_desc_t pooling, dnnl_memory_t src, dnnl_memory_t dst,
                        dnnl_memory_t workspace)
{
    struct onednn_step *step = onednn_add(&p->o, pooling);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_DST, dst);
    onednn_give(step, DNNL_ARG_WORKSPACE, workspace);
}

/* Pools once, outside of timing: into dst, which ReLU's backward reads, and the workspace, which says where each
 * maximum was. Starts from the reference's convolution: with oneDNN's own sums, near ties could fall another way. */
static void pool_once(struct onednn_peer *p, dnnl_primitive_desc_t pooling, dnnl_memory_t dst, dnnl_memory_t workspace)
{
    float *activations = bench_case_unpooled(p->base.of);
    onednn_layout *full = onednn_layout_of(pooling, dnnl_query_src_md);
    if (!activations) onednn_ok(&p->o, dnnl_out_of_memory, "forward");
    else add_pooling(p, pooling, constant(p, full, p->plain.dst, activations), dst, workspace);
    onednn_run_once(&p->o);
    free(activations);
}

/* d_dst of a pooled layer, taken back through ReLU and pooling to the layout `full`. */
static dnnl_memory_t unpooled_gradient(struct onednn_peer *p, onednn_layout *full)
{
    dnnl_primitive_desc_t pooling = onednn_describe_pooling(&p->o, full, pooled(p, dnnl_format_tag_any));
    if (!pooling) return NULL;
    onednn_layout *small = onednn_layout_of(pooling, dnnl_query_dst_md);
    dnnl_memory_t dst = onednn_allocate(&p->o, small);
    dnnl_memory_t workspace = onednn_allocate(&p->o, onednn_layout_of(pooling, dnnl_query_workspace_md));
    pool_once(p, pooling, dst, workspace);

    dnnl_memory_t gradient = input(p, small, pooled(p, dnnl_nhwc), p->base.of->tensors.arrays.d_dst);
    dnnl_memory_t spread = onednn_allocate(&p->o, full);
    gradient = through_relu(p, small, dst, gradient);
    dnnl_primitive_desc_t unpooling = onednn_describe_unpooling(&p->o, full, small, pooling);
    struct onednn_step *step = onednn_add(&p->o, unpooling);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_WORKSPACE, workspace);
    onednn_give(step, DNNL_ARG_DIFF_SRC, spread);
    dnnl_primitive_desc_destroy(unpooling);
    dnnl_primitive_desc_destroy(pooling);
    return spread;
}

/* ---- the directions ---- */

static void load_forward(struct onednn_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    const int pools = p->base.of->about.problem.op == FCNN_CONV2D_POOL;
    onednn_layout *full = onednn_layout_of(p->conv, dnnl_query_dst_md);
    dnnl_memory_t src = input(p, onednn_layout_of(p->conv, dnnl_query_src_md), p->plain.src, t->src);
    dnnl_memory_t weights =
        constant(p, onednn_layout_of(p->conv, dnnl_query_weights_md), p->plain.weights, t->weights);
    dnnl_memory_t dst = pools ? onednn_allocate(&p->o, full) : output(p, full, p->plain.dst, t->dst);
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_WEIGHTS, weights);
    onednn_give(step, DNNL_ARG_DST, dst);
    if (t->bias) onednn_give(step, DNNL_ARG_BIAS, constant(p, p->plain.bias, p->plain.bias, t->bias));
    if (!pools) return;
    dnnl_primitive_desc_t pooling = onednn_describe_pooling(&p->o, full, pooled(p, dnnl_format_tag_any));
    if (!pooling) return;
    dnnl_memory_t small = output(p, onednn_layout_of(pooling, dnnl_query_dst_md), pooled(p, dnnl_nhwc), t->dst);
    add_pooling(p, pooling, dst, small, onednn_allocate(&p->o, onednn_layout_of(pooling, dnnl_query_workspace_md)));
    dnnl_primitive_desc_destroy(pooling);
}

/* The gradient of the convolution itself, in its layout. */
static dnnl_memory_t gradient_of(struct onednn_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    onednn_layout *best = onednn_layout_of(p->conv, dnnl_query_diff_dst_md);
    if (p->base.of->about.problem.op == FCNN_CONV2D_POOL) return unpooled_gradient(p, best);
    dnnl_memory_t gradient = input(p, best, p->plain.dst, t->d_dst);
    return p->g.relu ? through_relu(p, best, input(p, best, p->plain.dst, t->dst), gradient) : gradient;
}

static void load_backward_data(struct onednn_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    dnnl_memory_t gradient = gradient_of(p);
    dnnl_memory_t weights =
        constant(p, onednn_layout_of(p->conv, dnnl_query_weights_md), p->plain.weights, t->weights);
    dnnl_memory_t d_src = output(p, onednn_layout_of(p->conv, dnnl_query_diff_src_md), p->plain.src, t->d_src);
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_WEIGHTS, weights);
    onednn_give(step, DNNL_ARG_DIFF_SRC, d_src);
}

static void load_backward_weights(struct onednn_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    onednn_layout *best = onednn_layout_of(p->conv, dnnl_query_diff_weights_md);
    dnnl_memory_t gradient = gradient_of(p);
    dnnl_memory_t src = input(p, onednn_layout_of(p->conv, dnnl_query_src_md), p->plain.src, t->src);
    dnnl_memory_t d_weights = output(p, best, p->plain.weights, t->d_weights);
    dnnl_memory_t d_bias = t->d_bias ? output(p, p->plain.bias, p->plain.bias, t->d_bias) : NULL;
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_DIFF_WEIGHTS, d_weights);
    if (d_bias) onednn_give(step, DNNL_ARG_DIFF_BIAS, d_bias);
}

/* ---- opening ---- */

static const char *name(void)
{
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "onednn_%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

static const char *start(fcnn_isa isa)
{
    if (isa == FCNN_SCALAR) return "oneDNN cannot be limited to scalar code: it begins at SSE 4.1";
    if (dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict) == dnnl_success &&
        (isa != FCNN_AVX2 || dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) == dnnl_success))
        return NULL;
    return "oneDNN cannot be limited to this instruction set";
}

static void close_peer(struct bench_peer *peer)
{
    struct onednn_peer *p = (struct onednn_peer *)peer;
    dnnl_primitive_desc_destroy(p->conv);
    dnnl_primitive_desc_destroy(p->forward);
    onednn_close(&p->o);
    free(p);
}

static dnnl_primitive_desc_t describe_forward(struct onednn_peer *p, int with_relu)
{
    dnnl_primitive_attr_t attributes = with_relu ? onednn_relu_after(&p->o) : NULL;
    dnnl_primitive_desc_t made = onednn_describe_forward(&p->o, &p->any, attributes);
    dnnl_primitive_attr_destroy(attributes);
    return made;
}

static struct onednn_peer *open_with(const struct bench_case *c, int threads, dnnl_alg_kind_t algorithm)
{
    struct onednn_peer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    const fcnn_direction direction = c->about.problem.direction;
    omp_set_num_threads(threads); /* oneDNN asks OpenMP, when it describes, builds and runs a primitive */
    p->base = (struct bench_peer){.library = &bench_peer_onednn, .of = c, .threads = threads};
    p->g = bench_geometry(&c->about.problem);
    p->implementation = "none";
    onednn_open(&p->o);
    p->plain = describe_layouts(p, algorithm, 0);
    p->any = describe_layouts(p, algorithm, 1);
    dnnl_primitive_desc_t forward = describe_forward(p, p->g.relu && direction == FCNN_FORWARD);
    if (direction != FCNN_FORWARD) p->forward = forward;
    if (direction == FCNN_FORWARD) p->conv = forward;
    else if (direction == FCNN_BACKWARD_DATA) p->conv = onednn_describe_backward_data(&p->o, &p->any, forward);
    else p->conv = onednn_describe_backward_weights(&p->o, &p->any, forward);
    if (p->conv) dnnl_primitive_desc_query(p->conv, dnnl_query_impl_info_str, 0, &p->implementation);
    return p;
}

/* NULL: no other algorithm than `direct`. */
static struct onednn_peer *open_other(const struct onednn_peer *direct)
{
    struct onednn_peer *any = open_with(direct->base.of, direct->base.threads, dnnl_convolution_auto);
    if (any && !*any->o.failure && strcmp(any->implementation, direct->implementation)) return any;
    if (any) close_peer(&any->base);
    return NULL;
}

static struct bench_peer *open_peer(const struct bench_case *c, int threads, enum bench_kind kind)
{
    if (c->about.problem.op != FCNN_CONV2D && c->about.problem.op != FCNN_CONV2D_POOL) return NULL;
    struct onednn_peer *direct = open_with(c, threads, dnnl_convolution_direct);
    if (!direct) return NULL;
    direct->converts = kind == BENCH_PEER_CONVERTED;
    if (kind != BENCH_PEER_AUTO) return &direct->base;
    struct onednn_peer *other = open_other(direct);
    close_peer(&direct->base);
    return other ? &other->base : NULL;
}

static const char *implementation(const struct bench_peer *peer)
{
    return ((const struct onednn_peer *)peer)->implementation;
}

static fcnn_isa isa_of(const struct bench_peer *peer)
{
    if (strstr(implementation(peer), "avx512")) return FCNN_AVX512;
    return strstr(implementation(peer), "avx2") ? FCNN_AVX2 : FCNN_SCALAR;
}

/* ---- running ---- */

static void make_chain(struct onednn_peer *p)
{
    const fcnn_direction direction = p->base.of->about.problem.direction;
    omp_set_num_threads(p->base.threads);
    if (direction == FCNN_FORWARD) load_forward(p);
    else if (direction == FCNN_BACKWARD_DATA) load_backward_data(p);
    else load_backward_weights(p);
    if (p->converts) add_ways_back(p);
}

static const char *load(struct bench_peer *peer)
{
    struct onednn_peer *p = (struct onednn_peer *)peer;
    if (!*p->o.failure) make_chain(p);
    peer->lacks = p->o.lacks;
    return *p->o.failure ? p->o.failure : NULL;
}

static void execute(const struct bench_peer *peer)
{
    omp_set_num_threads(peer->threads);
    onednn_run(&((const struct onednn_peer *)peer)->o);
}

static const char *store(struct bench_peer *peer)
{
    struct onednn_peer *p = (struct onednn_peer *)peer;
    for (int i = 0; i < p->output_count; i++) onednn_convert(&p->o, p->outputs[i].best, p->outputs[i].plain);
    return *p->o.failure ? p->o.failure : NULL;
}

const struct bench_peer_library bench_peer_onednn = {
    .name = name, .start = start, .open = open_peer, .close = close_peer, .implementation = implementation,
    .isa = isa_of, .load = load, .execute = execute, .store = store,
};

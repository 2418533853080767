/* SPDX-License-Identifier: BSD-2-Clause
 * The peer oneDNN. Every tensor has the layout that the convolution asks for (format tag `any`); conversions happen in
 * load and store, outside of timing. ReLU is a post-op of the forward convolution; backward it is a primitive of its
 * own, before pooling's where there is one (the two commute, and the pooled gradient is a quarter). Fused pooling is
 * compared with convolution, then pooling: what a framework built on oneDNN would run. */
#include "bench/peer.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/onednn.h"

/* A convolution's four tensors and what else describes it. */
struct shape {
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_dims_t strides, dilations, before, after;
};

struct bench_peer {
    const struct bench_case *of;
    int threads;
    struct ref_conv2d g;
    struct shape plain; /* the case's layouts */
    struct onednn o;
    dnnl_primitive_desc_t forward, conv; /* conv: in the case's direction; forward: the hint for it, or NULL */
    struct { dnnl_memory_t best, plain; } outputs[2];
    int output_count;
    const char *implementation;
};

/* ---- shapes ---- */

static dnnl_memory_desc_t image(int64_t n, int64_t c, int64_t h, int64_t w, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t d = {0};
    dnnl_memory_desc_init_by_tag(&d, 4, (dnnl_dims_t){n, c, h, w}, dnnl_f32, tag);
    return d;
}

/* RSCK as oneDNN's dimensions [G] K C R S, or any layout. */
static dnnl_memory_desc_t filter(const struct ref_conv2d *g, int any)
{
    dnnl_memory_desc_t d = {0};
    const int64_t c = g->c / g->groups, k = g->k / g->groups;
    const dnnl_dims_t sizes = {g->groups, k, c, g->r, g->s};
    const dnnl_dims_t steps = {k, 1, g->k, g->s * c * g->k, c * g->k};
    const int grouped = g->groups > 1;
    if (any) dnnl_memory_desc_init_by_tag(&d, 4 + grouped, sizes + !grouped, dnnl_f32, dnnl_format_tag_any);
    else dnnl_memory_desc_init_by_strides(&d, 4 + grouped, sizes + !grouped, dnnl_f32, steps + !grouped);
    return d;
}

static struct shape shape_of(const fcnn_problem *p, const struct ref_conv2d *g, int any)
{
    const dnnl_format_tag_t tag = any ? dnnl_format_tag_any : dnnl_nhwc;
    struct shape s = {.src = image(g->n, g->c, g->h, g->w, tag), .weights = filter(g, any),
                      .dst = image(g->n, g->k, g->p, g->q, tag), .strides = {g->stride_h, g->stride_w},
                      .dilations = {g->dilation_h - 1, g->dilation_w - 1}, .before = {p->pad_top, p->pad_left},
                      .after = {p->pad_bottom, p->pad_right}};
    dnnl_memory_desc_init_by_tag(&s.bias, 1, (dnnl_dims_t){g->k}, dnnl_f32, dnnl_a);
    return s;
}

static dnnl_memory_desc_t pooled(const struct bench_peer *p, dnnl_format_tag_t tag)
{
    return image(p->g.n, p->g.k, p->of->about.problem.p, p->of->about.problem.q, tag);
}

static dnnl_memory_t output(struct bench_peer *p, onednn_layout *best, onednn_layout *plain, float *data)
{
    dnnl_memory_t memory = onednn_allocate(&p->o, best);
    p->outputs[p->output_count].best = memory;
    p->outputs[p->output_count++].plain = onednn_hold(&p->o, plain, data);
    return memory;
}

/* ---- pooling ---- */

static const dnnl_dims_t two = {2, 2}, none = {0, 0};

static dnnl_primitive_desc_t describe_pooling(struct bench_peer *p, onednn_layout *src)
{
    const dnnl_memory_desc_t dst = pooled(p, dnnl_format_tag_any);
    dnnl_pooling_desc_t operation;
    onednn_ok(&p->o, dnnl_pooling_forward_desc_init(&operation, dnnl_forward_training, dnnl_pooling_max, src, &dst, two,
                                                    two, none, none), "pooling");
    return onednn_describe(&p->o, &operation, NULL, NULL, "pooling");
}

static void add_pooling(struct bench_peer *p, dnnl_primitive_desc_t pooling, dnnl_memory_t src, dnnl_memory_t dst,
                        dnnl_memory_t workspace)
{
    struct onednn_step *step = onednn_add(&p->o, pooling);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_DST, dst);
    onednn_give(step, DNNL_ARG_WORKSPACE, workspace);
}

/* Pools once, outside of timing: into dst, which ReLU's backward reads, and the workspace, which says where each
 * maximum was. Starts from the reference's convolution: with oneDNN's own sums, near ties could fall another way. */
static void pool_once(struct bench_peer *p, dnnl_primitive_desc_t pooling, dnnl_memory_t dst, dnnl_memory_t workspace)
{
    float *activations = bench_case_unpooled(p->of);
    onednn_layout *full = onednn_layout_of(pooling, dnnl_query_src_md);
    if (!activations) onednn_ok(&p->o, dnnl_out_of_memory, "forward");
    else add_pooling(p, pooling, onednn_input(&p->o, full, &p->plain.dst, activations), dst, workspace);
    onednn_run_once(&p->o);
    free(activations);
}

/* d_dst of a pooled layer, taken back through ReLU and pooling to the layout `full`. */
static dnnl_memory_t unpooled_gradient(struct bench_peer *p, onednn_layout *full)
{
    const dnnl_memory_desc_t plain = pooled(p, dnnl_nhwc);
    dnnl_primitive_desc_t pooling = describe_pooling(p, full);
    if (!pooling) return NULL;
    onednn_layout *small = onednn_layout_of(pooling, dnnl_query_dst_md);
    dnnl_memory_t dst = onednn_allocate(&p->o, small);
    dnnl_memory_t workspace = onednn_allocate(&p->o, onednn_layout_of(pooling, dnnl_query_workspace_md));
    pool_once(p, pooling, dst, workspace);

    dnnl_memory_t gradient = onednn_input(&p->o, small, &plain, p->of->tensors.arrays.d_dst);
    dnnl_memory_t spread = onednn_allocate(&p->o, full);
    onednn_add_relu_backward(&p->o, small, dst, gradient);
    dnnl_pooling_desc_t operation;
    onednn_ok(&p->o, dnnl_pooling_backward_desc_init(&operation, dnnl_pooling_max, full, small, two, two, none, none),
              "unpooling");
    dnnl_primitive_desc_t unpooling = onednn_describe(&p->o, &operation, NULL, pooling, "unpooling");
    struct onednn_step *step = onednn_add(&p->o, unpooling);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_WORKSPACE, workspace);
    onednn_give(step, DNNL_ARG_DIFF_SRC, spread);
    dnnl_primitive_desc_destroy(unpooling);
    dnnl_primitive_desc_destroy(pooling);
    return spread;
}

/* ---- the directions ---- */

static void load_forward(struct bench_peer *p)
{
    const fcnn_tensors *t = &p->of->tensors.arrays;
    const int pools = p->of->about.problem.op == FCNN_CONV2D_POOL;
    onednn_layout *full = onednn_layout_of(p->conv, dnnl_query_dst_md);
    dnnl_memory_t src = onednn_input(&p->o, onednn_layout_of(p->conv, dnnl_query_src_md), &p->plain.src, t->src);
    dnnl_memory_t weights =
        onednn_input(&p->o, onednn_layout_of(p->conv, dnnl_query_weights_md), &p->plain.weights, t->weights);
    dnnl_memory_t dst = pools ? onednn_allocate(&p->o, full) : output(p, full, &p->plain.dst, t->dst);
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_WEIGHTS, weights);
    onednn_give(step, DNNL_ARG_DST, dst);
    if (t->bias) onednn_give(step, DNNL_ARG_BIAS, onednn_input(&p->o, &p->plain.bias, &p->plain.bias, t->bias));
    dnnl_primitive_desc_t pooling = pools ? describe_pooling(p, full) : NULL;
    if (!pooling) return;
    const dnnl_memory_desc_t plain = pooled(p, dnnl_nhwc);
    dnnl_memory_t small = output(p, onednn_layout_of(pooling, dnnl_query_dst_md), &plain, t->dst);
    add_pooling(p, pooling, dst, small, onednn_allocate(&p->o, onednn_layout_of(pooling, dnnl_query_workspace_md)));
    dnnl_primitive_desc_destroy(pooling);
}

/* The gradient of the convolution itself, in its layout. */
static dnnl_memory_t gradient_of(struct bench_peer *p)
{
    const fcnn_tensors *t = &p->of->tensors.arrays;
    onednn_layout *best = onednn_layout_of(p->conv, dnnl_query_diff_dst_md);
    if (p->of->about.problem.op == FCNN_CONV2D_POOL) return unpooled_gradient(p, best);
    dnnl_memory_t gradient = onednn_input(&p->o, best, &p->plain.dst, t->d_dst);
    if (p->g.relu)
        onednn_add_relu_backward(&p->o, best, onednn_input(&p->o, best, &p->plain.dst, t->dst), gradient);
    return gradient;
}

static void load_backward_data(struct bench_peer *p)
{
    const fcnn_tensors *t = &p->of->tensors.arrays;
    dnnl_memory_t gradient = gradient_of(p);
    dnnl_memory_t weights =
        onednn_input(&p->o, onednn_layout_of(p->conv, dnnl_query_weights_md), &p->plain.weights, t->weights);
    dnnl_memory_t d_src = output(p, onednn_layout_of(p->conv, dnnl_query_diff_src_md), &p->plain.src, t->d_src);
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_WEIGHTS, weights);
    onednn_give(step, DNNL_ARG_DIFF_SRC, d_src);
}

static void load_backward_weights(struct bench_peer *p)
{
    const fcnn_tensors *t = &p->of->tensors.arrays;
    onednn_layout *best = onednn_layout_of(p->conv, dnnl_query_diff_weights_md);
    dnnl_memory_t gradient = gradient_of(p);
    dnnl_memory_t src = onednn_input(&p->o, onednn_layout_of(p->conv, dnnl_query_src_md), &p->plain.src, t->src);
    dnnl_memory_t d_weights = output(p, best, &p->plain.weights, t->d_weights);
    dnnl_memory_t d_bias = t->d_bias ? output(p, &p->plain.bias, &p->plain.bias, t->d_bias) : NULL;
    struct onednn_step *step = onednn_add(&p->o, p->conv);
    onednn_give(step, DNNL_ARG_DIFF_DST, gradient);
    onednn_give(step, DNNL_ARG_SRC, src);
    onednn_give(step, DNNL_ARG_DIFF_WEIGHTS, d_weights);
    if (d_bias) onednn_give(step, DNNL_ARG_DIFF_BIAS, d_bias);
}

/* ---- opening ---- */

static dnnl_primitive_desc_t describe_forward(struct bench_peer *p, dnnl_alg_kind_t algorithm, int with_relu)
{
    const struct shape s = shape_of(&p->of->about.problem, &p->g, 1);
    onednn_layout *bias = p->of->about.problem.no_bias ? NULL : &s.bias;
    dnnl_convolution_desc_t operation;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    onednn_ok(&p->o, dnnl_dilated_convolution_forward_desc_init(&operation, dnnl_forward_training, algorithm, &s.src,
                                                                &s.weights, bias, &s.dst, s.strides, s.dilations,
                                                                s.before, s.after), "forward");
    onednn_ok(&p->o, dnnl_primitive_attr_create(&attributes), "attributes");
    onednn_ok(&p->o, dnnl_post_ops_create(&after), "attributes");
    if (with_relu) {
        onednn_ok(&p->o, dnnl_post_ops_append_eltwise(after, 1, dnnl_eltwise_relu, 0, 0), "attributes");
        onednn_ok(&p->o, dnnl_primitive_attr_set_post_ops(attributes, after), "attributes");
    }
    dnnl_primitive_desc_t made = onednn_describe(&p->o, &operation, attributes, NULL, "forward");
    dnnl_post_ops_destroy(after);
    dnnl_primitive_attr_destroy(attributes);
    return made;
}

static dnnl_primitive_desc_t describe_backward(struct bench_peer *p, dnnl_alg_kind_t algorithm)
{
    const struct shape s = shape_of(&p->of->about.problem, &p->g, 1);
    onednn_layout *bias = p->of->about.problem.no_bias ? NULL : &s.bias;
    dnnl_convolution_desc_t operation;
    dnnl_status_t status;
    if (p->of->about.problem.direction == FCNN_BACKWARD_DATA)
        status = dnnl_dilated_convolution_backward_data_desc_init(&operation, algorithm, &s.src, &s.weights, &s.dst,
                                                                  s.strides, s.dilations, s.before, s.after);
    else
        status = dnnl_dilated_convolution_backward_weights_desc_init(&operation, algorithm, &s.src, &s.weights, bias,
                                                                     &s.dst, s.strides, s.dilations, s.before, s.after);
    onednn_ok(&p->o, status, "backward");
    return onednn_describe(&p->o, &operation, NULL, p->forward, "backward");
}

static struct bench_peer *open_with(const struct bench_case *c, int threads, dnnl_alg_kind_t algorithm)
{
    struct bench_peer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    const int backward = c->about.problem.direction != FCNN_FORWARD;
    omp_set_num_threads(threads); /* oneDNN asks OpenMP, when it describes, builds and runs a primitive */
    p->of = c;
    p->threads = threads;
    p->g = bench_geometry(&c->about.problem);
    p->plain = shape_of(&c->about.problem, &p->g, 0);
    p->implementation = "none";
    onednn_open(&p->o);
    dnnl_primitive_desc_t forward = describe_forward(p, algorithm, p->g.relu && !backward);
    if (backward) p->forward = forward;
    p->conv = backward ? describe_backward(p, algorithm) : forward;
    if (p->conv) dnnl_primitive_desc_query(p->conv, dnnl_query_impl_info_str, 0, &p->implementation);
    return p;
}

/* ---- the interface ---- */

const char *bench_peer_name(void)
{
    static char name[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(name, sizeof name, "onednn_%d.%d.%d", v->major, v->minor, v->patch);
    return name;
}

int bench_peer_start(fcnn_isa isa)
{
    if (isa == FCNN_SCALAR) return 0; /* oneDNN begins at SSE 4.1 */
    return dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict) == dnnl_success &&
           (isa != FCNN_AVX2 || dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) == dnnl_success);
}

struct bench_peer *bench_peer_open(const struct bench_case *c, int threads, int variant)
{
    if (c->about.problem.op != FCNN_CONV2D && c->about.problem.op != FCNN_CONV2D_POOL) return NULL;
    struct bench_peer *direct = open_with(c, threads, dnnl_convolution_direct);
    if (!variant || !direct) return direct;
    struct bench_peer *any = open_with(c, threads, dnnl_convolution_auto);
    const int differs = any && !*any->o.failure && strcmp(any->implementation, direct->implementation);
    bench_peer_close(direct);
    if (differs) return any;
    bench_peer_close(any);
    return NULL;
}

void bench_peer_close(struct bench_peer *p)
{
    if (!p) return;
    dnnl_primitive_desc_destroy(p->conv);
    dnnl_primitive_desc_destroy(p->forward);
    onednn_close(&p->o);
    free(p);
}

const char *bench_peer_implementation(const struct bench_peer *p) { return p->implementation; }

fcnn_isa bench_peer_isa(const struct bench_peer *p)
{
    if (strstr(p->implementation, "avx512")) return FCNN_AVX512;
    return strstr(p->implementation, "avx2") ? FCNN_AVX2 : FCNN_SCALAR;
}

const char *bench_peer_load(struct bench_peer *p)
{
    const fcnn_direction direction = p->of->about.problem.direction;
    if (*p->o.failure) return p->o.failure;
    omp_set_num_threads(p->threads);
    if (direction == FCNN_FORWARD) load_forward(p);
    else if (direction == FCNN_BACKWARD_DATA) load_backward_data(p);
    else load_backward_weights(p);
    return *p->o.failure ? p->o.failure : NULL;
}

void bench_peer_execute(const struct bench_peer *p)
{
    omp_set_num_threads(p->threads);
    onednn_run(&p->o);
}

const char *bench_peer_store(struct bench_peer *p)
{
    for (int i = 0; i < p->output_count; i++) onednn_convert(&p->o, p->outputs[i].best, p->outputs[i].plain);
    return *p->o.failure ? p->o.failure : NULL;
}

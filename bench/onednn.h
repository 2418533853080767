/* SPDX-License-Identifier: BSD-2-Clause
 * A chain of oneDNN primitives and their memories. The first call that fails leaves its sentence in `failure`; after it
 * every function here returns at once.
 *
 * Versions 2 and 3 have other C APIs: in 2 a layout is a struct that the caller owns, and an operation is described
 * twice; in 3 layouts are the library's. What differs is in onednn2.c and onednn3.c, of which one is built. */
#ifndef BENCH_ONEDNN_H
#define BENCH_ONEDNN_H

#include <dnnl.h>
#include <dnnl_version.h>

enum { ONEDNN_STEPS = 9, ONEDNN_MEMORIES = 32, ONEDNN_LAYOUTS = 16, ONEDNN_ARGUMENTS = 5 };

#if DNNL_VERSION_MAJOR < 3
typedef const dnnl_memory_desc_t onednn_layout;
#else
typedef const struct dnnl_memory_desc onednn_layout;
#endif

struct onednn_step {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t arguments[ONEDNN_ARGUMENTS];
};

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct onednn_step steps[ONEDNN_STEPS];
    int step_count;
    dnnl_memory_t memories[ONEDNN_MEMORIES];
    int memory_count;
    onednn_layout *layouts[ONEDNN_LAYOUTS];
    int layout_count;
    char failure[128];
    int lacks; /* it is that this oneDNN has no such primitive, or none for these sizes */
};

void onednn_open(struct onednn *o);
void onednn_close(struct onednn *o);
int onednn_ok(struct onednn *o, dnnl_status_t status, const char *what); /* 0: something failed, now or before */

/* ---- layouts (float32): they live until onednn_close() ---- */

onednn_layout *onednn_layout_by_tag(struct onednn *o, int rank, const dnnl_dims_t sizes, dnnl_format_tag_t tag);
onednn_layout *onednn_layout_by_strides(struct onednn *o, int rank, const dnnl_dims_t sizes, const dnnl_dims_t strides);

/* ---- memories: they live until onednn_close() ---- */

dnnl_memory_t onednn_hold(struct onednn *o, onednn_layout *layout, void *memory); /* the caller's array */
dnnl_memory_t onednn_allocate(struct onednn *o, onednn_layout *layout);
void onednn_convert(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to); /* now */

/* ---- what an operation is: its description, which the caller destroys ---- */

/* A convolution's four tensors and what else describes it. bias: NULL without one. */
struct onednn_convolution {
    dnnl_alg_kind_t algorithm;
    onednn_layout *src, *weights, *bias, *dst;
    dnnl_dims_t strides, dilations, before, after;
};

dnnl_primitive_desc_t onednn_describe_forward(struct onednn *o, const struct onednn_convolution *c,
                                              dnnl_primitive_attr_t attributes);
dnnl_primitive_desc_t onednn_describe_backward_data(struct onednn *o, const struct onednn_convolution *c,
                                                    dnnl_primitive_desc_t forward);
dnnl_primitive_desc_t onednn_describe_backward_weights(struct onednn *o, const struct onednn_convolution *c,
                                                       dnnl_primitive_desc_t forward);

/* Max pooling 2x2, stride 2. */
dnnl_primitive_desc_t onednn_describe_pooling(struct onednn *o, onednn_layout *src, onednn_layout *dst);
dnnl_primitive_desc_t onednn_describe_unpooling(struct onednn *o, onednn_layout *src, onednn_layout *dst,
                                                dnnl_primitive_desc_t forward);

/* ReLU's backward pass reads the output of the ReLU. */
dnnl_primitive_desc_t onednn_describe_relu(struct onednn *o, onednn_layout *layout);
dnnl_primitive_desc_t onednn_describe_relu_backward(struct onednn *o, onednn_layout *layout,
                                                    dnnl_primitive_desc_t forward);

/* An operation that ReLU follows; the caller destroys them. */
dnnl_primitive_attr_t onednn_relu_after(struct onednn *o);
onednn_layout *onednn_layout_of(dnnl_primitive_desc_t description, dnnl_query_t what);

/* ---- the chain ---- */

/* One more step, without arguments; and its arguments. */
struct onednn_step *onednn_add(struct onednn *o, dnnl_primitive_desc_t description);
void onednn_give(struct onednn_step *step, int index, dnnl_memory_t memory);

void onednn_add_conversion(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to);
/* In place is fine: doing it again changes nothing. dst: the output of the ReLU. */
void onednn_add_relu_backward(struct onednn *o, onednn_layout *layout, dnnl_memory_t dst, dnnl_memory_t d_dst,
                              dnnl_memory_t d_src);

void onednn_run(const struct onednn *o);
void onednn_run_once(struct onednn *o); /* then forgets the steps */

/* ---- what onednn.c needs of a version ---- */

void onednn_free_layout(onednn_layout *layout);
dnnl_status_t onednn_append_relu(dnnl_post_ops_t operations);

#endif

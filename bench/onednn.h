/* SPDX-License-Identifier: BSD-2-Clause
 * A chain of oneDNN primitives (C API of version 2) and their memories. The first call that fails leaves its sentence
 * in `failure`; after it every function here returns at once. */
#ifndef BENCH_ONEDNN_H
#define BENCH_ONEDNN_H

#include <dnnl.h>

enum { ONEDNN_STEPS = 3, ONEDNN_MEMORIES = 24, ONEDNN_ARGUMENTS = 5 };

typedef const dnnl_memory_desc_t onednn_layout;

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
    char failure[128];
};

void onednn_open(struct onednn *o);
void onednn_close(struct onednn *o);
int onednn_ok(struct onednn *o, dnnl_status_t status, const char *what); /* 0: something failed, now or before */

/* ---- memories: they live until onednn_close() ---- */

dnnl_memory_t onednn_hold(struct onednn *o, onednn_layout *layout, void *memory); /* the caller's array */
dnnl_memory_t onednn_allocate(struct onednn *o, onednn_layout *layout);
dnnl_memory_t onednn_input(struct onednn *o, onednn_layout *best, onednn_layout *plain, const float *data); /* a copy */
void onednn_convert(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to);

/* ---- primitives ---- */

/* A primitive's description and what it answers; the caller destroys it. `operation`: one of the dnnl_*_desc_t. */
dnnl_primitive_desc_t onednn_describe(struct onednn *o, const void *operation, dnnl_primitive_attr_t attributes,
                                      dnnl_primitive_desc_t hint, const char *what);
onednn_layout *onednn_layout_of(dnnl_primitive_desc_t description, dnnl_query_t what);

/* One more step of the chain, without arguments; and its arguments. */
struct onednn_step *onednn_add(struct onednn *o, dnnl_primitive_desc_t description);
void onednn_give(struct onednn_step *step, int index, dnnl_memory_t memory);

/* ReLU's backward pass in place (doing it again changes nothing). dst: the output of the ReLU. */
void onednn_add_relu_backward(struct onednn *o, onednn_layout *layout, dnnl_memory_t dst, dnnl_memory_t gradient);

void onednn_run(const struct onednn *o);
void onednn_run_once(struct onednn *o); /* then forgets the steps */

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * oneDNN's engine, memories, conversions and steps, with the first failure kept: what all versions have alike. */
#include "bench/onednn.h"

#include <dnnl_debug.h>
#include <stdio.h>

int onednn_ok(struct onednn *o, dnnl_status_t status, const char *what)
{
    if (status != dnnl_success && !*o->failure) {
        snprintf(o->failure, sizeof o->failure, "oneDNN: %s: %s", what, dnnl_status2str(status));
        o->lacks = status == dnnl_unimplemented;
    }
    return !*o->failure;
}

void onednn_open(struct onednn *o)
{
    *o = (struct onednn){0};
    if (onednn_ok(o, dnnl_engine_create(&o->engine, dnnl_cpu, 0), "engine"))
        onednn_ok(o, dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags), "stream");
}

static void forget_steps(struct onednn *o)
{
    for (int i = 0; i < o->step_count; i++) dnnl_primitive_destroy(o->steps[i].primitive);
    o->step_count = 0;
}

void onednn_close(struct onednn *o)
{
    forget_steps(o);
    for (int i = 0; i < o->memory_count; i++) dnnl_memory_destroy(o->memories[i]);
    for (int i = 0; i < o->layout_count; i++) onednn_free_layout(o->layouts[i]);
    dnnl_stream_destroy(o->stream);
    dnnl_engine_destroy(o->engine);
}

/* ---- memories ---- */

dnnl_memory_t onednn_hold(struct onednn *o, onednn_layout *layout, void *memory)
{
    dnnl_memory_t made = NULL;
    if (*o->failure || !onednn_ok(o, dnnl_memory_create(&made, layout, o->engine, memory), "memory")) return NULL;
    return o->memories[o->memory_count++] = made;
}

dnnl_memory_t onednn_allocate(struct onednn *o, onednn_layout *layout)
{
    return onednn_hold(o, layout, DNNL_MEMORY_ALLOCATE);
}

static dnnl_primitive_desc_t describe_conversion(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to)
{
    onednn_layout *source = NULL, *target = NULL;
    dnnl_primitive_desc_t description = NULL;
    if (*o->failure) return NULL;
    dnnl_memory_get_memory_desc(from, &source);
    dnnl_memory_get_memory_desc(to, &target);
    onednn_ok(o, dnnl_reorder_primitive_desc_create(&description, source, o->engine, target, o->engine, NULL),
              "reorder");
    return description;
}

void onednn_convert(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t description = describe_conversion(o, from, to);
    dnnl_primitive_t reorder = NULL;
    if (!*o->failure && onednn_ok(o, dnnl_primitive_create(&reorder, description), "reorder")) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        onednn_ok(o, dnnl_primitive_execute(reorder, o->stream, 2, arguments), "reorder");
        dnnl_stream_wait(o->stream);
    }
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(description);
}

/* ---- the chain ---- */

dnnl_primitive_attr_t onednn_relu_after(struct onednn *o)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t after = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (!status) status = dnnl_post_ops_create(&after);
    if (!status) status = onednn_append_relu(after);
    if (!status) status = dnnl_primitive_attr_set_post_ops(attributes, after);
    dnnl_post_ops_destroy(after);
    onednn_ok(o, status, "attributes");
    return attributes;
}

onednn_layout *onednn_layout_of(dnnl_primitive_desc_t description, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(description, what, 0);
}

struct onednn_step *onednn_add(struct onednn *o, dnnl_primitive_desc_t description)
{
    struct onednn_step *step = &o->steps[o->step_count];
    step->count = 0;
    if (*o->failure) return step;
    o->step_count += onednn_ok(o, dnnl_primitive_create(&step->primitive, description), "primitive");
    return step;
}

void onednn_give(struct onednn_step *step, int index, dnnl_memory_t memory)
{
    step->arguments[step->count++] = (dnnl_exec_arg_t){index, memory};
}

void onednn_add_conversion(struct onednn *o, dnnl_memory_t from, dnnl_memory_t to)
{
    dnnl_primitive_desc_t description = describe_conversion(o, from, to);
    struct onednn_step *step = onednn_add(o, description);
    onednn_give(step, DNNL_ARG_FROM, from);
    onednn_give(step, DNNL_ARG_TO, to);
    dnnl_primitive_desc_destroy(description);
}

void onednn_add_relu_backward(struct onednn *o, onednn_layout *layout, dnnl_memory_t dst, dnnl_memory_t d_dst,
                              dnnl_memory_t d_src)
{
    dnnl_primitive_desc_t forward = onednn_describe_relu(o, layout);
    dnnl_primitive_desc_t backward = onednn_describe_relu_backward(o, layout, forward);
    struct onednn_step *step = onednn_add(o, backward);
    onednn_give(step, DNNL_ARG_DST, dst);
    onednn_give(step, DNNL_ARG_DIFF_DST, d_dst);
    onednn_give(step, DNNL_ARG_DIFF_SRC, d_src);
    dnnl_primitive_desc_destroy(backward);
    dnnl_primitive_desc_destroy(forward);
}

void onednn_run(const struct onednn *o)
{
    for (int i = 0; i < o->step_count; i++)
        dnnl_primitive_execute(o->steps[i].primitive, o->stream, o->steps[i].count, o->steps[i].arguments);
    dnnl_stream_wait(o->stream);
}

void onednn_run_once(struct onednn *o)
{
    if (!*o->failure) onednn_run(o);
    forget_steps(o);
}

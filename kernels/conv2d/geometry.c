/* SPDX-License-Identifier: BSD-2-Clause
 * Geometry of convolutions: see geometry.h. Runs once per plan, or once per task for small things. */
#include "kernels/conv2d/conv2d.h"

const char *fcnn_conv2d_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if ((p->h + p->pad_top + p->pad_bottom) * (p->w + p->pad_left + p->pad_right) > INT32_MAX / p->c)
        return "padded images of 2^31 values or more";
    if (p->op == FCNN_CONV2D_POOL && p->direction == FCNN_FORWARD && p->groups > 1 && p->k / p->groups % 16)
        return "pooled groups of a channel count that is not a multiple of 16";
    return NULL;
}

int fcnn_is_padded(const fcnn_problem *p)
{
    return p->pad_top || p->pad_left || p->pad_bottom || p->pad_right;
}

fcnn_problem fcnn_conv_of(const fcnn_problem *problem, int haloed)
{
    fcnn_problem conv = *problem;
    if (conv.op == FCNN_CONV2D_POOL) conv.p *= 2, conv.q *= 2;
    if (haloed) {
        conv.h += conv.pad_top + conv.pad_bottom;
        conv.w += conv.pad_left + conv.pad_right;
        conv.pad_top = conv.pad_left = conv.pad_bottom = conv.pad_right = 0;
    }
    return conv;
}

struct fcnn_gather fcnn_gather_of(const fcnn_problem *conv)
{
    const fcnn_problem *p = conv;
    struct fcnn_gather g = {.images = p->n, .groups = p->groups, .taps_h = p->r, .taps_w = p->s};
    int forward = p->direction == FCNN_FORWARD;
    g.src_h = forward ? p->h : p->p, g.src_w = forward ? p->w : p->q, g.src_pixel = forward ? p->c : p->k;
    g.dst_h = forward ? p->p : p->h, g.dst_w = forward ? p->q : p->w, g.dst_pixel = forward ? p->k : p->c;
    g.depth = g.src_pixel / p->groups, g.width = g.dst_pixel / p->groups;
    g.src_row = g.src_w * g.src_pixel, g.src_image = g.src_h * g.src_row;
    g.dst_row = g.dst_w * g.dst_pixel, g.dst_image = g.dst_h * g.dst_row;
    return g;
}

/* One axis of a problem, input and output of the *forward* pass. */
struct axis {
    int64_t in, out, taps, stride, dilation, pad;
    int forward;
};

static struct axis axis_of(const fcnn_problem *p, int vertical)
{
    int forward = p->direction != FCNN_BACKWARD_DATA;
    if (vertical) return (struct axis){p->h, p->p, p->r, p->stride_h, p->dilation_h, p->pad_top, forward};
    return (struct axis){p->w, p->q, p->s, p->stride_w, p->dilation_w, p->pad_left, forward};
}

static int64_t meet(const struct axis *a, int64_t out, int64_t tap)
{
    if (a->forward) {
        int64_t in = out * a->stride + tap * a->dilation - a->pad;
        return in >= 0 && in < a->in ? in : -1;
    }
    int64_t scaled = out + a->pad - tap * a->dilation;
    return scaled >= 0 && scaled % a->stride == 0 && scaled / a->stride < a->out ? scaled / a->stride : -1;
}

int64_t fcnn_axis_meet(const fcnn_problem *conv, int vertical, int64_t out, int64_t tap)
{
    struct axis a = axis_of(conv, vertical);
    return meet(&a, out, tap);
}

/* The class of one output alone. The real taps of an output are evenly spaced: in the forward pass they are neighbours, in
 * the backward pass those congruent modulo the stride. */
static struct fcnn_axis_class class_of_one(const struct axis *a, int64_t out)
{
    struct fcnn_axis_class c = {.first = out, .step = a->forward ? 1 : a->stride, .count = 1, .tap_step = 1,
                                .stride = a->forward ? a->stride : 1};
    for (int64_t tap = 0; tap < a->taps; tap++) {
        int64_t in = meet(a, out, tap);
        if (in < 0) continue;
        if (c.taps == 0) c.tap = tap, c.origin = in;
        if (c.taps == 1) c.tap_step = tap - c.tap, c.advance = in - c.origin;
        c.taps++;
    }
    return c;
}

static int continues(const struct fcnn_axis_class *c, const struct fcnn_axis_class *next)
{
    return next->taps == c->taps && next->tap == c->tap && next->tap_step == c->tap_step && next->advance == c->advance &&
           (!c->taps || next->origin == c->origin + c->count * c->stride);
}

int64_t fcnn_axis_classes(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes)
{
    struct axis a = axis_of(conv, vertical);
    int64_t outputs = a.forward ? a.out : a.in, phases = a.forward ? 1 : a.stride, count = 0;
    for (int64_t phase = 0; phase < phases; phase++) {
        int64_t begin = count;
        for (int64_t out = phase; out < outputs; out += phases) {
            struct fcnn_axis_class one = class_of_one(&a, out);
            if (count > begin && continues(&classes[count - 1], &one)) classes[count - 1].count++;
            else classes[count++] = one;
        }
    }
    return count;
}

void fcnn_axis_taps(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes)
{
    struct axis a = axis_of(conv, vertical);
    int64_t outputs = a.forward ? a.out : a.in;
    for (int64_t tap = 0; tap < a.taps; tap++) {
        struct fcnn_axis_class c = {.tap = tap, .step = 1, .stride = 1, .taps = 1};
        for (int64_t out = 0; out < outputs; out++) {
            int64_t in = meet(&a, out, tap);
            if (in < 0) continue;
            if (c.count == 0) c.first = out, c.origin = in;
            if (c.count == 1) c.step = out - c.first, c.stride = in - c.origin;
            c.count++;
        }
        classes[tap] = c;
    }
}

struct fcnn_panels fcnn_panels_of(int64_t channels, int64_t granule, int64_t most)
{
    int64_t granules = (channels + granule - 1) / granule;
    return (struct fcnn_panels){channels, granule, granules, (granules + most - 1) / most};
}

struct fcnn_panel fcnn_panel_at(const struct fcnn_panels *panels, int64_t i)
{
    int64_t even = panels->granules / panels->count, longer = panels->granules % panels->count;
    int64_t from = (i * even + (i < longer ? i : longer)) * panels->granule;
    int64_t to = from + (even + (i < longer)) * panels->granule;
    return (struct fcnn_panel){from, (to < panels->channels ? to : panels->channels) - from};
}

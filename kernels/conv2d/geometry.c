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

/* Windows of one axis lie side by side and cover it. */
static int is_tiled(int64_t in, int64_t out, int64_t taps, int64_t stride, int64_t dilation, int64_t before,
                    int64_t after)
{
    return in == out * taps && (out == 1 || stride == taps) && (taps == 1 || dilation == 1) && !before && !after;
}

fcnn_problem fcnn_folded(const fcnn_problem *problem)
{
    fcnn_problem p = *problem;
    if (p.op != FCNN_CONV2D || p.groups > 1) return p;
    if (!is_tiled(p.w, p.q, p.s, p.stride_w, p.dilation_w, p.pad_left, p.pad_right)) return p;
    p.c *= p.s, p.w = p.q, p.s = p.stride_w = p.dilation_w = 1;
    if (p.w > 1 || !is_tiled(p.h, p.p, p.r, p.stride_h, p.dilation_h, p.pad_top, p.pad_bottom)) return p;
    p.c *= p.r, p.h = p.p, p.r = p.stride_h = p.dilation_h = 1;
    return p;
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

/* One axis of a problem, input and output of the *forward* pass. Backwards an output meets the taps that are congruent
 * to (output + pad) / common * inverse modulo `period`, or none where `common` does not divide output + pad. */
struct axis {
    int64_t in, out, taps, stride, dilation, pad;
    int64_t common, period, inverse; /* backwards: gcd of stride and dilation; stride, 1 / dilation without it */
    int forward;
};

/* Sets axis->common and axis->inverse by Euclid's extended algorithm. */
static void invert_dilation(struct axis *axis)
{
    int64_t a = axis->dilation, b = axis->stride, x = 1,
            next = 0; /* a = x * dilation modulo stride, b = next * dilation */
    while (b) {
        const int64_t quotient = a / b, rest = a % b, after = x - quotient * next;
        a = b, b = rest, x = next, next = after;
    }
    axis->common = a;
    axis->period = axis->stride / a;
    axis->inverse = (x % axis->period + axis->period) % axis->period;
}

static struct axis axis_of(const fcnn_problem *p, int vertical)
{
    struct axis a = vertical ? (struct axis){p->h, p->p, p->r, p->stride_h, p->dilation_h, p->pad_top, 1, 1, 0, 1}
                             : (struct axis){p->w, p->q, p->s, p->stride_w, p->dilation_w, p->pad_left, 1, 1, 0, 1};
    a.forward = p->direction != FCNN_BACKWARD_DATA;
    if (!a.forward) invert_dilation(&a);
    return a;
}

int64_t fcnn_axis_meet(const fcnn_problem *p, int vertical, int64_t out, int64_t tap)
{
    const int64_t in = vertical ? p->h : p->w, stride = vertical ? p->stride_h : p->stride_w;
    const int64_t reach = tap * (vertical ? p->dilation_h : p->dilation_w) - (vertical ? p->pad_top : p->pad_left);
    if (p->direction != FCNN_BACKWARD_DATA) {
        const int64_t at = out * stride + reach;
        return at >= 0 && at < in ? at : -1;
    }
    const int64_t scaled = out - reach;
    return scaled >= 0 && scaled % stride == 0 && scaled / stride < (vertical ? p->p : p->q) ? scaled / stride : -1;
}

/* Rounded down, also below 0; b > 0. */
static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* The least of the multiples of a that reaches b is ceil_at(b, a) * a, or 0. */
static int64_t ceil_at(int64_t b, int64_t a) { return b > 0 ? (b - 1) / a + 1 : 0; }

/* The class of one output alone. The real taps of an output are evenly spaced: in the forward pass they are neighbours,
 * in the backward pass those congruent modulo the stride. */
static struct fcnn_axis_class class_of_one(const struct axis *a, int64_t out)
{
    struct fcnn_axis_class c = {.first = out, .step = a->forward ? 1 : a->stride, .count = 1, .tap_step = 1,
                                .stride = a->forward ? a->stride : 1};
    const int64_t at = a->forward ? a->pad - out * a->stride : out + a->pad; /* tap * dilation that meets input 0 */
    int64_t from, to; /* taps that fall on the input */
    if (a->forward) {
        from = ceil_at(at, a->dilation), to = floor_div(at + a->in - 1, a->dilation);
    } else {
        if (at % a->common) return c;
        from = ceil_at(at - (a->out - 1) * a->stride, a->dilation), to = at / a->dilation;
        const int64_t least = at / a->common % a->period * a->inverse % a->period;
        from += ((least - from) % a->period + a->period) % a->period;
    }
    to = to < a->taps ? to : a->taps - 1;
    if (from > to) return c;
    c.tap = from, c.taps = (to - from) / a->period + 1;
    c.origin = a->forward ? from * a->dilation - at : (at - from * a->dilation) / a->stride;
    if (c.taps > 1) c.tap_step = a->period, c.advance = a->forward ? a->dilation : -(a->dilation / a->common);
    return c;
}

static int continues(const struct fcnn_axis_class *c, const struct fcnn_axis_class *next)
{
    return next->taps == c->taps && next->tap == c->tap && next->tap_step == c->tap_step &&
           next->advance == c->advance && (!c->taps || next->origin == c->origin + c->count * c->stride);
}

int64_t fcnn_axis_classes(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes)
{
    struct axis a = axis_of(conv, vertical);
    int64_t outputs = a.forward ? a.out : a.in, count = 0;
    int64_t phases = a.forward ? 1 : a.stride < outputs ? a.stride : outputs;
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

static struct fcnn_axis_class class_of_tap(const struct axis *a, int64_t tap)
{
    struct fcnn_axis_class c = {.tap = tap, .step = 1, .stride = 1, .taps = 1};
    /* of the forward pass: input i = output o * stride - shift */
    const int64_t shift = a->pad - tap * a->dilation, from = ceil_at(shift, a->stride);
    const int64_t last = floor_div(a->in - 1 + shift, a->stride), to = last < a->out ? last : a->out - 1;
    if (to < from) return c;
    c.count = to - from + 1;
    c.first = from, c.origin = from * a->stride - shift;
    if (c.count > 1) c.stride = a->stride;
    if (a->forward) return c;
    const int64_t first = c.origin, step = c.stride;
    c.origin = c.first, c.stride = c.step;
    c.first = first, c.step = step;
    return c;
}

struct fcnn_axis_class fcnn_axis_tap(const fcnn_problem *conv, int vertical, int64_t tap)
{
    const struct axis a = axis_of(conv, vertical);
    return class_of_tap(&a, tap);
}

void fcnn_axis_taps(const fcnn_problem *conv, int vertical, struct fcnn_axis_class *classes)
{
    const struct axis a = axis_of(conv, vertical);
    for (int64_t tap = 0; tap < a.taps; tap++) classes[tap] = class_of_tap(&a, tap);
}

struct fcnn_axis_class fcnn_axis_part(const struct fcnn_axis_class *whole, int64_t from, int64_t to)
{
    struct fcnn_axis_class part = *whole;
    const int64_t begin = ceil_at(from - whole->first, whole->step), end = ceil_at(to - whole->first, whole->step);
    part.count = (end < whole->count ? end : whole->count) - begin;
    part.first += begin * whole->step, part.origin += begin * whole->stride;
    if (part.count < 0) part.count = 0;
    return part;
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

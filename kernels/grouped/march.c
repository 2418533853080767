/* SPDX-License-Identifier: BSD-2-Clause
 * Grouped forward and backward data by a march: from the first row of a band to its last. Some rows of the input are
 * copied at once, as many as stay in the first-level cache, or read in place; then outputs of all classes move on by so
 * many, in tiles of few columns. Windows whose taps ascend while rows descend, of backward data, are marched through
 * from below. */
#include <string.h>

#include "kernels/grouped/gather.h"

int64_t fcnn_grouped_age(const fcnn_problem *p)
{
    if (p->dilation_h != 1 || p->r < p->stride_h) return 0; /* rows that lie side by side, each of them met */
    const int64_t age = fcnn_ceil_div(p->r, p->stride_h);
    return age <= FCNN_GROUPED_AGE ? age : 0;
}

/* Copied rows of a strip; for each of its tiles the unfinished sums of each class of rows and of columns, and offsets
 * as fcnn_grouped_list_offsets() lists them. */
struct scratch {
    float *rows, *carry;
    int64_t *offsets, *outside; /* outside: in place, see struct fcnn_grouped_march */
    float *zeros;
    size_t bytes;
};

/* Floats of a class. */
static int64_t carried(const struct fcnn_grouped_cut *cut)
{
    return cut->age * cut->copy.loops->marching[cut->age - 1] * cut->lanes.lanes;
}

/* A vector, or all channels of a group. */
static int64_t zeros_of(const struct fcnn_grouped_cut *cut) { return fcnn_max(cut->lanes.lanes, cut->lanes.depth); }

static struct scratch scratch_of(const struct fcnn_grouped_cut *cut, void *memory)
{
    const int64_t classes = cut->phases_h * cut->phases_w, taps = cut->tiles * cut->phases_w * cut->gather.taps_w;
    const size_t rows = fcnn_line((size_t)cut->ring * sizeof(float));
    const size_t carry = rows + fcnn_line((size_t)(cut->tiles * classes * carried(cut)) * sizeof(float));
    const size_t offsets = carry + fcnn_line((size_t)(3 * taps) * sizeof(int64_t));
    struct scratch s = {.bytes = offsets + (size_t)zeros_of(cut) * sizeof(float)};
    char *base = memory;
    if (!base) return s;
    s.rows = memory, s.carry = (float *)(base + rows), s.offsets = (int64_t *)(base + carry);
    s.outside = s.offsets + taps, s.zeros = (float *)(base + offsets);
    return s;
}

size_t fcnn_grouped_march_scratch(const struct fcnn_grouped_cut *cut) { return scratch_of(cut, NULL).bytes; }

/* A strip of a vector. Step u of a march is row `first` + u * sign of the halo. */
struct march {
    const struct fcnn_grouped_cut *cut;
    const struct fcnn_grouped_classes *classes;
    const fcnn_tensors *tensors;
    const float *packed;
    struct scratch scratch;
    struct fcnn_grouped_vector at;
    int64_t n, from, to;    /* output columns of the strip */
    struct fcnn_span met;   /* columns of the halo */
    struct fcnn_span rows;  /* output rows */
    int64_t first, sign, steps;
    struct fcnn_span real; /* steps that are rows of the image */
    struct fcnn_grouped_fetch *fetch;
};

/* The row that the first output of a class meets first, in the order of the march. */
static int64_t begin_of(const struct march *m, const struct fcnn_axis_class *v)
{
    return m->sign > 0 ? v->origin : v->origin + (v->count - 1) * v->stride;
}

static int64_t steps_of(const struct fcnn_axis_class *v) { return (v->count - 1) * v->stride + v->taps; }

/* From the first to the last row that is met at all. */
static void plan_steps(struct march *m)
{
    const struct fcnn_halo *halo = &m->cut->copy.halo;
    int64_t from = INT64_MAX, to = INT64_MIN;
    m->sign = halo->conv.direction == FCNN_FORWARD ? 1 : -1;
    for (int64_t i = 0; i < m->classes->rows; i++) {
        const struct fcnn_axis_class v = fcnn_axis_part(&m->classes->list[i], m->rows.from, m->rows.to);
        if (v.count == 0) continue;
        const int64_t begin = m->sign * begin_of(m, &v);
        from = fcnn_min(from, begin), to = fcnn_max(to, begin + steps_of(&v));
    }
    m->first = m->sign * from, m->steps = to - from;
    const int64_t top = m->sign > 0 ? halo->top : -(halo->top + halo->h - 1); /* like `from` */
    m->real = (struct fcnn_span){fcnn_max(0, top - from), fcnn_min(m->steps, top + halo->h - from)};
}

/* Some of its output columns, at most a tile of the inner loops for each class. */
struct tile {
    int64_t from, to;
    int64_t *offsets, *outside;
    float *carry;
};

static struct tile tile_at(const struct march *m, int64_t i)
{
    const struct fcnn_grouped_cut *cut = m->cut;
    const int64_t taps = cut->phases_w * cut->gather.taps_w, columns = m->to - m->from;
    return (struct tile){.from = m->from + columns * i / cut->tiles, .to = m->from + columns * (i + 1) / cut->tiles,
                         .offsets = m->scratch.offsets + i * taps, .outside = m->scratch.outside + i * 2 * taps,
                         .carry = m->scratch.carry + i * cut->phases_h * cut->phases_w * carried(cut)};
}

/* Steps from .. to-1 into their slots; a slot's padding is written by the first one. */
static void copy_rows(const struct march *m, int64_t from, int64_t to)
{
    const struct fcnn_grouped_cut *cut = m->cut;
    for (int64_t u = fcnn_max(from, m->real.from); u < fcnn_min(to, m->real.to); u++) {
        struct fcnn_grouped_fill fill;
        fcnn_grouped_begin_fill(cut, m->classes, m->tensors, &m->at, m->n, m->first + u * m->sign, &fill);
        fill.out = m->scratch.rows + (u - from) * cut->copy.row;
        fcnn_grouped_copy_row(&cut->copy, &fill, m->met.from, m->met.to - m->met.from, u - cut->slots < m->real.from);
    }
}

/* In place offsets are from a row's first pixel. */
static void list_in_place(const struct march *m, const struct tile *tile)
{
    const struct fcnn_grouped_cut *cut = m->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    for (int64_t k = 0; k < m->classes->columns; k++) {
        const struct fcnn_axis_class *h = &m->classes->list[cut->gather.dst_h + k];
        const struct fcnn_span part = fcnn_grouped_part(h, tile->from, tile->to);
        for (int64_t s = 0; s < h->taps; s++) {
            const int64_t at = k * cut->gather.taps_w + s;
            const int64_t first = h->origin + s * h->advance + part.from * h->stride - halo->left;
            const int64_t last = first + (part.to - part.from - 1) * h->stride;
            tile->offsets[at] = first * halo->pixel;
            tile->outside[2 * at] = first < 0 || first >= halo->w;
            tile->outside[2 * at + 1] = last < 0 || last >= halo->w;
        }
    }
}

/* Where the input lies: in scratch from step `from` on, or in place. */
static void find_rows(const struct march *m, const struct fcnn_axis_class *h, int64_t from, int64_t begin,
                      struct fcnn_grouped_march *march)
{
    const struct fcnn_grouped_cut *cut = m->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    march->plane = cut->copy.plane;
    march->x = m->scratch.rows + (begin - from) * cut->copy.row, march->row = cut->copy.row;
    if (!cut->in_place) return;
    const float *src = halo->conv.direction == FCNN_FORWARD ? m->tensors->src : m->tensors->d_dst;
    const int64_t row = m->n * halo->h + m->first + begin * m->sign - halo->top, length = halo->w * halo->pixel;
    march->x = FCNN_BEYOND(src, row * length + m->at.spread), march->row = m->sign * length;
    march->pixel = h->stride * halo->pixel;
}

/* The same steps of a tile's outputs of classes i (of rows) and k (of columns). */
static void march_class(const struct march *m, const struct tile *tile, int64_t i, int64_t k, int64_t from, int64_t to)
{
    const struct fcnn_grouped_cut *cut = m->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_axis_class v = fcnn_axis_part(&m->classes->list[i], m->rows.from, m->rows.to);
    const struct fcnn_axis_class *h = &m->classes->list[g->dst_h + k];
    const struct fcnn_span part = fcnn_grouped_part(h, tile->from, tile->to);
    if (v.count == 0 || part.from >= part.to) return;
    const int64_t late = m->sign * (begin_of(m, &v) - m->first), steps = steps_of(&v); /* step u is step u - late */
    const int64_t begin = fcnn_max(from, late), end = fcnn_min(to - late, steps);
    if (begin - late >= end) return;
    const fcnn_problem *conv = &cut->copy.halo.conv;
    const int forward = conv->direction == FCNN_FORWARD;
    const int64_t tap = cut->lanes.depth * cut->lanes.lanes, top = m->sign > 0 ? 0 : v.count - 1;
    struct fcnn_grouped_march march = {
        .in_place = cut->in_place, .outside = tile->outside + 2 * k * g->taps_w, .zeros = m->scratch.zeros,
        .offsets = tile->offsets + k * g->taps_w,
        .weights = m->packed + cut->lanes.lanes + (v.tap * g->taps_w + h->tap) * tap, .init = m->packed,
        .carry = tile->carry + (i * cut->phases_w + k) * carried(cut),
        .dst = (forward ? m->tensors->dst : m->tensors->d_src) + m->n * g->dst_image +
               (v.first + top * v.step) * g->dst_row + (h->first + part.from * h->step) * g->dst_pixel + m->at.channel,
        .dst_row = m->sign * v.step * g->dst_row,
        .taps = h->taps, .tap = h->tap_step * tap, .tap_row = v.tap_step * g->taps_w * tap,
        .height = v.taps, .stride = v.stride, .age = fcnn_ceil_div(v.taps, v.stride),
        .from = begin - late, .to = end, .last = steps - 1, .full = v.count * v.stride - 1,
        .real_from = m->real.from - late, .real_to = m->real.to - late,
        .depth = cut->lanes.depth, .columns = part.to - part.from, .step = h->step * g->dst_pixel,
        .lanes = m->at.lanes, .relu = forward && conv->activation == FCNN_RELU_ACTIVATION, .way = cut->lanes.way,
        .index = m->classes->index};
    find_rows(m, h, from, begin, &march);
    if (m->fetch->from == m->fetch->end) m->fetch[0] = m->fetch[1], m->fetch[1].from = m->fetch[1].end;
    march.fetch = m->fetch->from, march.fetch_end = m->fetch->end;
    cut->copy.loops->march(&march);
    m->fetch->from = march.fetch;
}

/* A strip of a vector. */
static void march_strip(const struct march *m)
{
    for (int64_t u = 0, next; u < m->steps; u = next) {
        next = m->cut->in_place ? m->steps : fcnn_min(m->steps, u + m->cut->slots);
        if (!m->cut->in_place) copy_rows(m, u, next);
        for (int64_t t = 0; t < m->cut->tiles; t++) {
            const struct tile tile = tile_at(m, t);
            for (int64_t i = 0; i < m->classes->rows; i++)
                for (int64_t k = 0; k < m->classes->columns; k++) march_class(m, &tile, i, k, u, next);
        }
    }
}

static void list_tiles(const struct march *m)
{
    for (int64_t t = 0; t < m->cut->tiles; t++) {
        const struct tile tile = tile_at(m, t);
        if (m->cut->in_place) list_in_place(m, &tile);
        else fcnn_grouped_list_offsets(m->cut, m->classes, tile.from, tile.to, m->met.from, tile.offsets);
    }
}

void fcnn_grouped_march_band(const struct fcnn_grouped_cut *cut, const fcnn_tensors *tensors,
                             const struct fcnn_memory *memory, int64_t n, int64_t first, int64_t last,
                             const struct fcnn_span *rows, struct fcnn_grouped_fetch fetch[2])
{
    const int64_t width = cut->gather.dst_w;
    struct march m = {.cut = cut, .classes = memory->tables, .tensors = tensors, .n = n, .rows = *rows, .fetch = fetch,
                      .scratch = scratch_of(cut, memory->scratch)};
    plan_steps(&m);
    memset(m.scratch.zeros, 0, (size_t)zeros_of(cut) * sizeof(float));
    for (int64_t strip = 0; strip < cut->strips; strip++) {
        m.from = width * strip / cut->strips, m.to = width * (strip + 1) / cut->strips;
        m.met = fcnn_halo_met(&cut->copy.halo, 0, m.from, m.to);
        list_tiles(&m);
        for (int64_t i = first; i < last; i++) {
            m.at = fcnn_grouped_vector_at(&cut->lanes, i);
            m.packed = (const float *)memory->packed + i * fcnn_grouped_packed(cut);
            march_strip(&m);
        }
    }
}

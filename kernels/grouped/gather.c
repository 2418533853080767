/* SPDX-License-Identifier: BSD-2-Clause
 * Grouped convolution, forward and backward data: see grouped.h. A task is a band of output rows of some vectors of one
 * image. It walks over strips of columns; rows of the input are spread as outputs meet them, into a ring that holds
 * those of one window, in the first-level cache. */
#include <string.h>

#include "kernels/grouped/gather.h"
#include "kernels/simd/common.h"

enum { MARCH, BESIDE, COLUMNS, ROWS, HELD };

/* The most positions that `count` outputs meet. */
static int64_t most_met(const struct fcnn_halo *halo, int vertical, int64_t count)
{
    const struct fcnn_span met = fcnn_halo_met(halo, vertical, 0, count);
    const fcnn_problem *conv = &halo->conv;
    const int64_t reach = ((vertical ? conv->r : conv->s) - 1) * (vertical ? conv->dilation_h : conv->dilation_w);
    const int64_t stride = vertical ? conv->stride_h : conv->stride_w;
    if (conv->direction == FCNN_FORWARD) return met.to - met.from;
    return fcnn_min(vertical ? halo->rows : halo->columns, fcnn_ceil_div(reach + count - 1, stride) + 1);
}

/* `columns` is moot in a march, `held` elsewhere. */
static struct fcnn_grouped_cut cut_of(const struct fcnn_query *query, const int64_t *knobs)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const struct fcnn_halo halo = fcnn_halo_of(p);
    struct fcnn_grouped_cut cut = {.gather = fcnn_gather_of(&halo.conv),
                                   .lanes = fcnn_grouped_lanes_of(p, loops->lanes), .phases_h = 1, .phases_w = 1};
    if (halo.conv.direction != FCNN_FORWARD) {
        cut.phases_h = fcnn_min(halo.conv.stride_h, cut.gather.dst_h);
        cut.phases_w = fcnn_min(halo.conv.stride_w, cut.gather.dst_w);
    }
    cut.age = knobs[MARCH] ? fcnn_grouped_age(p) : 0;
    int64_t columns = cut.age ? cut.phases_w * loops->marching[cut.age - 1] : knobs[COLUMNS];
    cut.strips = fcnn_ceil_div(cut.gather.dst_w, columns);
    columns = most_met(&halo, 0, fcnn_ceil_div(cut.gather.dst_w, cut.strips));
    cut.copy = fcnn_grouped_copy_of(loops, &halo, columns, cut.lanes.planes);
    cut.slots = cut.age ? fcnn_min(knobs[HELD], halo.h) : most_met(&halo, 1, 1);
    cut.ring = cut.slots * cut.copy.row;
    cut.beside = fcnn_min(knobs[BESIDE], cut.lanes.vectors);
    cut.sets = fcnn_ceil_div(cut.lanes.vectors, cut.beside);
    cut.rows = fcnn_min(knobs[ROWS], cut.gather.dst_h);
    cut.bands = fcnn_ceil_div(cut.gather.dst_h, cut.rows);
    return cut;
}

static struct fcnn_grouped_cut gather_cut_of(const struct fcnn_query *query) { return cut_of(query, query->knobs); }

/* ---- knobs ---- */

/* So that a pixel's outputs fill a cache line. */
static int64_t standard_beside(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const struct fcnn_grouped_lanes lanes = fcnn_grouped_lanes_of(query->problem, loops->lanes);
    const int64_t outputs = fcnn_min(lanes.lanes, lanes.together * lanes.width);
    return lanes.vectors == 1 ? FCNN_MOOT : fcnn_max(1, 16 / outputs);
}

/* Pays where rows meet several outputs: a stride leaves too few sums to a tile, unless spreading is what costs. Strips
 * must be wide enough that at most a quarter of a row is spread for two of them. */
static int64_t standard_march(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t age = fcnn_grouped_age(p);
    if (!age) return FCNN_MOOT;
    const int64_t common = (p->s - 1) * p->dilation_w, columns = loops->marching[age - 1] * p->stride_w;
    if (age == 1 || columns < 4 * common) return 0;
    return p->stride_h == 1 || !fcnn_grouped_lanes_of(p, loops->lanes).broadcast;
}

/* As many tiles as leave half of the first-level cache to outputs, weights and the image; one at least. */
static int64_t standard_columns(const struct fcnn_query *query)
{
    const struct fcnn_grouped *loops = query->context;
    if (query->knobs[MARCH]) return FCNN_MOOT;
    int64_t knobs[] = {[MARCH] = 0, [BESIDE] = 1, [COLUMNS] = loops->pixels, [ROWS] = 1, [HELD] = 1};
    const int64_t most = cut_of(query, knobs).gather.dst_w;
    if (most <= loops->pixels) return most;
    int64_t columns = loops->pixels;
    const int64_t room = query->caches->l1 / 2 / (int64_t)sizeof(float);
    for (;;) {
        knobs[COLUMNS] = columns + loops->pixels;
        if (columns >= most || cut_of(query, knobs).ring > room) return columns;
        columns = knobs[COLUMNS];
    }
}

/* Neighbouring bands of a call are one: small ones cost nothing but where a call begins. */
static int64_t standard_rows(const struct fcnn_query *query)
{
    const int64_t knobs[] = {[MARCH] = 0, [BESIDE] = 1, [COLUMNS] = 1, [ROWS] = 1, [HELD] = 1};
    const struct fcnn_grouped_cut cut = cut_of(query, knobs);
    return cut.gather.dst_h == 1 ? FCNN_MOOT : fcnn_max(2 * cut.slots, fcnn_ceil_div(cut.gather.dst_h, 4));
}

/* Rows that leave as much, too. */
static int64_t standard_held(const struct fcnn_query *query)
{
    const int64_t knobs[] = {[MARCH] = 1, [BESIDE] = 1, [COLUMNS] = 1, [ROWS] = 1, [HELD] = 1};
    if (!query->knobs[MARCH]) return FCNN_MOOT;
    return query->caches->l1 / 2 / (cut_of(query, knobs).copy.row * (int64_t)sizeof(float));
}

const struct fcnn_knob fcnn_grouped_gather_knobs[FCNN_GROUPED_GATHER_KNOBS] = {
    [MARCH] = {"march", 2, {0, 1}, standard_march},
    [BESIDE] = {"vectors", 4, {1, 2, 4, 8}, standard_beside},
    [COLUMNS] = {"columns", 8, {7, 10, 14, 20, 28, 42, 56, 112}, standard_columns},
    [ROWS] = {"rows", 6, {1, 2, 4, 8, 16, 64}, standard_rows},
    [HELD] = {"held_rows", 6, {1, 2, 4, 8, 16, 32}, standard_held},
};

/* ---- demand ---- */

/* Scratch: first the rings, one for each vector of a set, then for each of its rows which one it is; the rows that an
 * output row meets; for each class of columns and tap where in a row its first pixel lies. */
struct scratch {
    float *rings;
    int64_t *held;
    struct fcnn_grouped_row *met;
    int64_t *offsets;
    size_t bytes;
};

static struct scratch scratch_of(const struct fcnn_grouped_cut *cut, void *memory)
{
    const struct fcnn_gather *g = &cut->gather;
    const size_t rings = fcnn_line((size_t)(cut->beside * cut->ring) * sizeof(float));
    const size_t held = rings + fcnn_line((size_t)(cut->beside * cut->slots) * sizeof(int64_t));
    const size_t met = held + fcnn_line((size_t)g->taps_h * sizeof(struct fcnn_grouped_row));
    char *base = memory;
    struct scratch s = {.bytes = met + (size_t)(cut->phases_w * g->taps_w) * sizeof(int64_t)};
    if (!base) return s;
    s.rings = memory, s.held = (int64_t *)(base + rings), s.met = (struct fcnn_grouped_row *)(base + held);
    s.offsets = (int64_t *)(base + met);
    return s;
}

void fcnn_grouped_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_grouped_cut cut = gather_cut_of(query);
    demand->tables =
        sizeof(struct fcnn_grouped_classes) +
        (size_t)(cut.gather.dst_h + cut.gather.dst_w) * sizeof(struct fcnn_axis_class);
    demand->packed = (size_t)(cut.lanes.vectors * fcnn_grouped_packed(&cut)) * sizeof(float);
    demand->scratch = cut.age ? fcnn_grouped_march_scratch(&cut) : scratch_of(&cut, NULL).bytes;
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = cut.lanes.vectors;
    demand->tasks[FCNN_COMPUTE] = cut.gather.images * cut.sets * cut.bands;
}

/* ---- packing ---- */

static void pack_vector(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, int64_t i, float *out)
{
    const struct fcnn_grouped_lanes *lanes = &cut->lanes;
    const struct fcnn_grouped_vector v = fcnn_grouped_vector_at(lanes, i);
    const fcnn_problem *conv = &cut->copy.halo.conv;
    const int forward = conv->direction == FCNN_FORWARD;
    const size_t bytes = (size_t)v.lanes * sizeof(float);
    memset(out, 0, (size_t)fcnn_grouped_packed(cut) * sizeof(float));
    if (forward && !conv->no_bias) memcpy(out, t->bias + v.channel, bytes);
    out += lanes->lanes;
    for (int64_t row = 0; row < conv->r * conv->s * lanes->depth; row++, out += lanes->lanes) {
        const int64_t tap = row / lanes->depth, spread = row % lanes->depth;
        if (forward) memcpy(out, t->weights + row * conv->k + v.channel, bytes);
        else
            for (int64_t lane = 0; lane < v.lanes; lane++) {
                const int64_t group = (v.channel + lane) / lanes->width, c = (v.channel + lane) % lanes->width;
                out[lane] = t->weights[(tap * lanes->width + c) * conv->k + group * lanes->depth + spread];
            }
    }
}

/* ---- computing ---- */

/* A set of vectors of an image, a strip of its columns. */
struct job {
    const struct fcnn_grouped_cut *cut;
    const struct fcnn_grouped_classes *classes;
    const fcnn_tensors *tensors;
    const float *packed;
    struct scratch scratch;
    int64_t n, first, last; /* vectors */
    int64_t from, to;       /* output columns */
    struct fcnn_span met;  /* columns of the halo */
};

void fcnn_grouped_list_offsets(const struct fcnn_grouped_cut *cut, const struct fcnn_grouped_classes *classes,
                               int64_t from, int64_t to, int64_t met, int64_t *offsets)
{
    const struct fcnn_grouped_copy *copy = &cut->copy;
    for (int64_t i = 0; i < classes->columns; i++, offsets += cut->gather.taps_w) {
        const struct fcnn_axis_class *h = &classes->list[cut->gather.dst_h + i];
        const int64_t origin = h->origin + fcnn_grouped_part(h, from, to).from * h->stride - met;
        for (int64_t s = 0; s < h->taps; s++) {
            const int64_t column = origin + s * h->advance;
            offsets[s] = column % copy->phases * copy->phase + column / copy->phases * copy->loops->lanes;
        }
    }
}

struct fcnn_grouped_fill fcnn_grouped_fill_of(const struct fcnn_grouped_cut *cut,
                                              const struct fcnn_grouped_classes *classes, const fcnn_tensors *tensors,
                                              const struct fcnn_grouped_vector *at, int64_t n, int64_t row)
{
    const struct fcnn_halo *halo = &cut->copy.halo;
    const int forward = halo->conv.direction == FCNN_FORWARD;
    const int64_t first = (n * halo->h + row - halo->top) * halo->w * halo->pixel + at->spread;
    return (struct fcnn_grouped_fill){
        .src = (forward ? tensors->src : tensors->d_dst) + first,
        .dst = !forward && halo->conv.activation == FCNN_RELU_ACTIVATION ? tensors->dst + first : NULL,
        .reach = (at->groups - 1) * cut->lanes.depth + 1,
        .room = cut->lanes.broadcast ? cut->lanes.depth : halo->pixel - at->spread,
        .index = cut->lanes.broadcast ? NULL : classes->index};
}

/* Row `row` of the halo for a vector, from its ring. */
static const float *row_at(const struct job *job, const struct fcnn_grouped_vector *v, int64_t i, int64_t row)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    const int64_t slot = i * cut->slots + (int32_t)row % (int32_t)cut->slots; /* a short division */
    float *out = job->scratch.rings + slot * cut->copy.row;
    if (job->scratch.held[slot] == row) return out;
    struct fcnn_grouped_fill fill = fcnn_grouped_fill_of(cut, job->classes, job->tensors, v, job->n, row);
    fill.out = out, fill.ahead = halo->w * halo->pixel;
    fcnn_grouped_copy_row(&cut->copy, &fill, job->met.from, job->met.to - job->met.from,
                          job->scratch.held[slot] < 0);
    job->scratch.held[slot] = row;
    return out;
}

/* Output m of a class of rows, for one vector. */
static void run_row(const struct job *job, const struct fcnn_axis_class *v, int64_t m, int64_t vector)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_halo *halo = &cut->copy.halo;
    const struct fcnn_grouped_vector at = fcnn_grouped_vector_at(&cut->lanes, vector);
    const float *packed = job->packed + vector * fcnn_grouped_packed(cut);
    const int forward = halo->conv.direction == FCNN_FORWARD;
    const int64_t tap = cut->lanes.depth * cut->lanes.lanes;
    struct fcnn_grouped_run run = {.rows = job->scratch.met, .depth = cut->lanes.depth, .plane = cut->copy.plane,
                                   .init = packed, .lanes = at.lanes, .broadcast = cut->lanes.broadcast,
                                   .relu = forward && halo->conv.activation == FCNN_RELU_ACTIVATION};
    for (int64_t i = 0; i < v->taps; i++) {
        const int64_t row = v->origin + m * v->stride + i * v->advance;
        if (row < halo->top || row >= halo->top + halo->h) continue;
        job->scratch.met[run.count].x = row_at(job, &at, vector - job->first, row);
        job->scratch.met[run.count++].weights =
            packed + cut->lanes.lanes + (v->tap + i * v->tap_step) * g->taps_w * tap;
    }
    float *dst = (forward ? job->tensors->dst : job->tensors->d_src) + job->n * g->dst_image +
                 (v->first + m * v->step) * g->dst_row + at.channel;
    for (int64_t i = 0; i < job->classes->columns; i++) {
        const struct fcnn_axis_class *h = &job->classes->list[g->dst_h + i];
        const struct fcnn_span part = fcnn_grouped_part(h, job->from, job->to);
        if (part.from >= part.to) continue;
        run.offsets = job->scratch.offsets + i * g->taps_w;
        run.taps = h->taps, run.tap = h->tap_step * tap, run.skip = h->tap * tap;
        run.dst = dst + (h->first + part.from * h->step) * g->dst_pixel;
        run.step = h->step * g->dst_pixel;
        run.columns = part.to - part.from;
        cut->copy.loops->run(&run);
    }
}

/* Output rows first .. last-1 of a strip. */
static void run_strip(const struct job *job, int64_t first, int64_t last)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    for (int64_t i = 0; i < cut->beside * cut->slots; i++) job->scratch.held[i] = -1;
    fcnn_grouped_list_offsets(cut, job->classes, job->from, job->to, job->met.from, job->scratch.offsets);
    for (int64_t row = first; row < last; row++) {
        const struct fcnn_axis_class *v = job->classes->list;
        while (row < v->first || (row - v->first) % v->step || (row - v->first) / v->step >= v->count) v++;
        for (int64_t i = job->first; i < job->last; i++) run_row(job, v, (row - v->first) / v->step, i);
    }
}

static void compute(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    const struct fcnn_gather *g = &cut->gather;
    struct job job = {.cut = cut, .classes = memory->tables, .tensors = t, .packed = memory->packed,
                      .scratch = scratch_of(cut, memory->scratch)};
    for (int64_t task = first, end; task < last; task = end) {
        const int64_t band = task % cut->bands, set = task / cut->bands % cut->sets;
        end = fcnn_min(last, task - band + cut->bands);
        job.n = task / cut->bands / cut->sets;
        job.first = set * cut->beside, job.last = fcnn_min(cut->lanes.vectors, job.first + cut->beside);
        const struct fcnn_span rows = {band * cut->rows, fcnn_min(g->dst_h, (band + end - task) * cut->rows)};
        if (cut->age) fcnn_grouped_march_band(cut, t, memory, job.n, job.first, job.last, &rows);
        for (int64_t strip = 0; !cut->age && strip < cut->strips; strip++) {
            job.from = g->dst_w * strip / cut->strips, job.to = g->dst_w * (strip + 1) / cut->strips;
            job.met = fcnn_halo_met(&cut->copy.halo, 0, job.from, job.to);
            run_strip(&job, rows.from, rows.to);
        }
    }
}

void fcnn_grouped_gather_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_grouped_cut cut = gather_cut_of(query);
    struct fcnn_grouped_classes *classes = memory->tables;
    if (stage == FCNN_TABLES) {
        fcnn_grouped_list_index(&cut.lanes, classes->index);
        classes->rows = fcnn_axis_classes(&cut.copy.halo.conv, 1, classes->list);
        classes->columns = fcnn_axis_classes(&cut.copy.halo.conv, 0, classes->list + cut.gather.dst_h);
    } else if (stage == FCNN_PACK) {
        for (; first < last; first++)
            pack_vector(&cut, t, first, (float *)memory->packed + first * fcnn_grouped_packed(&cut));
    } else {
        compute(&cut, t, memory, first, last);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Grouped convolution, forward and backward data: see grouped.h. A task is a band of output rows of some vectors of one
 * image. It walks over strips of columns; rows of the input are spread as outputs meet them, into a ring that holds
 * those of one window, in the first-level cache; planar ones of all vectors that a task has at a time may need the
 * second. Where sets take turns, lines of the next band are fetched meanwhile. */
#include <string.h>

#include "kernels/grouped/gather.h"
#include "kernels/simd/common.h"

#define LEAST_SQUARE 16 /* weights of a group and tap for which transposing in registers pays */

/* ---- demand ---- */

/* Scratch: first the rings, one for each vector of a set, then for each of its rows which one it is; the rows that an
 * output row meets; for each class of columns the outputs of the strip, and for each tap where in a row its first pixel
 * lies; planar: a row of sums. */
struct scratch {
    float *rings;
    int64_t *held;
    struct fcnn_grouped_row *met;
    struct fcnn_span *parts;
    int64_t *offsets;
    float *sums;
    size_t bytes;
};

static struct scratch scratch_of(const struct fcnn_grouped_cut *cut, void *memory)
{
    const struct fcnn_gather *g = &cut->gather;
    const size_t rings = fcnn_line((size_t)(cut->beside * cut->ring) * sizeof(float));
    const size_t held = rings + fcnn_line((size_t)(cut->beside * cut->slots) * sizeof(int64_t));
    const size_t met = held + fcnn_line((size_t)g->taps_h * sizeof(struct fcnn_grouped_row));
    char *base = memory;
    const size_t parts = met + fcnn_line((size_t)cut->phases_w * sizeof(struct fcnn_span));
    const size_t offsets = parts + fcnn_line((size_t)(cut->phases_w * g->taps_w) * sizeof(int64_t));
    struct scratch s = {.bytes = offsets};
    if (cut->planar) s.bytes += (size_t)(cut->lanes.lanes * cut->pitch) * sizeof(float);
    if (!base) return s;
    s.rings = memory, s.held = (int64_t *)(base + rings), s.met = (struct fcnn_grouped_row *)(base + held);
    s.parts = (struct fcnn_span *)(base + met), s.offsets = (int64_t *)(base + parts);
    s.sums = (float *)(base + offsets);
    return s;
}

void fcnn_grouped_gather_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_grouped_cut cut = fcnn_grouped_gather_cut(query);
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

/* Backward: weights of one group and tap, transposed: out[i * step + c] of its spread channel i and of `count`
 * channels c from `first` on. */
static void transpose_tap(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, int64_t group, int64_t tap,
                          int64_t first, int64_t count, float *out, int64_t step)
{
    const int64_t k = cut->copy.halo.conv.k, depth = cut->lanes.depth;
    const float *weights = t->weights + (tap * cut->lanes.width + first) * k + group * depth;
    cut->copy.loops->planar_fill(&(struct fcnn_grouped_fill){
        .src = weights, .step = k, .columns = count, .room = depth, .out = out, .plane = step});
}

/* Planar: its groups one after the other, for each its initial values, then for each tap and input its outputs. */
static void pack_planar(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, int64_t i, float *out)
{
    const struct fcnn_grouped_vector v = fcnn_grouped_vector_at(&cut->lanes, i);
    const fcnn_problem *conv = &cut->copy.halo.conv;
    const int64_t width = cut->lanes.width, depth = cut->lanes.depth, taps = conv->r * conv->s;
    const int forward = conv->direction == FCNN_FORWARD;
    const size_t bytes = (size_t)width * sizeof(float);
    memset(out, 0, (size_t)fcnn_grouped_packed(cut) * sizeof(float)); /* the last vector may have fewer groups */
    for (int64_t group = v.group; group < v.group + v.groups; group++, out += (1 + taps * depth) * width) {
        if (forward && !conv->no_bias) memcpy(out, t->bias + group * width, bytes);
        for (int64_t row = 0; forward && row < taps * depth; row++)
            memcpy(out + (1 + row) * width, t->weights + row * conv->k + group * width, bytes);
        for (int64_t tap = 0; !forward && tap < taps; tap++)
            transpose_tap(cut, t, group, tap, 0, width, out + (1 + tap * depth) * width, width);
    }
}

/* Lane by lane, over zeros. */
static void pack_lanes(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, const struct fcnn_grouped_vector v,
                       float *out)
{
    const struct fcnn_grouped_lanes *lanes = &cut->lanes;
    const fcnn_problem *conv = &cut->copy.halo.conv;
    const int forward = conv->direction == FCNN_FORWARD;
    const int64_t taps = conv->r * conv->s, depth = lanes->depth, width = lanes->width, k = conv->k;
    const int64_t next = forward ? k : 1, next_tap = forward ? depth * k : width * k; /* of weights */
    for (int64_t lane = 0; lane < lanes->lanes; lane++) {
        const int64_t channel = fcnn_grouped_channel(lanes, width, lane), to = v.channel + channel;
        if (channel < 0 || channel >= v.lanes) continue;
        const float *weights = t->weights + (forward ? to : to % width * k + to / width * depth);
        float *at = out + lane;
        if (forward && !conv->no_bias) *at = t->bias[to];
        for (int64_t tap = 0; tap < taps; tap++)
            for (int64_t i = 0; i < depth; i++) *(at += lanes->lanes) = weights[tap * next_tap + i * next];
    }
}

/* For each vector its initial values, then for each tap and spread channel its weights. */
static void pack_vector(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, int64_t i, float *out)
{
    const struct fcnn_grouped_lanes *lanes = &cut->lanes;
    const struct fcnn_grouped_vector v = fcnn_grouped_vector_at(lanes, i);
    const fcnn_problem *conv = &cut->copy.halo.conv;
    const int64_t taps = conv->r * conv->s, depth = lanes->depth, first = v.part * lanes->lanes;
    const int forward = conv->direction == FCNN_FORWARD;
    const size_t bytes = (size_t)v.lanes * sizeof(float);
    memset(out, 0, (size_t)fcnn_grouped_packed(cut) * sizeof(float));
    if (fcnn_grouped_interleaves(lanes->way) || (!forward && lanes->width * depth < LEAST_SQUARE)) {
        pack_lanes(cut, t, v, out);
        return;
    }
    if (forward && !conv->no_bias) memcpy(out, t->bias + v.channel, bytes);
    out += lanes->lanes;
    for (int64_t row = 0; forward && row < taps * depth; row++)
        memcpy(out + row * lanes->lanes, t->weights + row * conv->k + v.channel, bytes);
    for (int64_t tap = 0; !forward && tap < taps; tap++)
        for (int64_t j = 0; j < v.groups; j++)
            transpose_tap(cut, t, v.group + j, tap, first, fcnn_min(lanes->width, v.lanes),
                          out + tap * depth * lanes->lanes + j * lanes->width, lanes->lanes);
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
    struct fcnn_grouped_fetch *fetch;   /* two, the first one first */
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
            const int64_t phase = column % copy->phases;
            offsets[s] = phase * copy->phase + column / copy->phases * copy->lane + fcnn_grouped_shift(copy, phase);
        }
    }
}

void fcnn_grouped_begin_fill(const struct fcnn_grouped_cut *cut, const struct fcnn_grouped_classes *classes,
                             const fcnn_tensors *tensors, const struct fcnn_grouped_vector *at, int64_t n, int64_t row,
                             struct fcnn_grouped_fill *fill)
{
    const struct fcnn_halo *halo = &cut->copy.halo;
    const int forward = halo->conv.direction == FCNN_FORWARD;
    const int interleaved = !cut->planar && fcnn_grouped_interleaves(cut->lanes.way);
    const int indexed = interleaved || (!cut->planar && cut->lanes.way == FCNN_SPREAD);
    const int64_t first = (n * halo->h + row - halo->top) * halo->w * halo->pixel + at->spread;
    fill->src = (forward ? tensors->src : tensors->d_dst) + first;
    fill->dst = !forward && halo->conv.activation == FCNN_RELU_ACTIVATION ? tensors->dst + first : NULL;
    fill->reach = interleaved ? at->groups * cut->lanes.depth : (at->groups - 1) * cut->lanes.depth + 1;
    fill->room = indexed ? halo->pixel - at->spread : at->groups * cut->lanes.depth;
    fill->index = indexed ? classes->index : NULL;
    fill->bias = NULL, fill->ahead = 0;
}

/* Row `row` of the halo for a vector, from its ring. */
static const float *row_at(const struct job *job, const struct fcnn_grouped_vector *v, int64_t i, int64_t row)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    const int64_t slot = i * cut->slots + (int32_t)row % (int32_t)cut->slots; /* a short division */
    float *out = job->scratch.rings + slot * cut->copy.row;
    if (job->scratch.held[slot] == row) return out;
    struct fcnn_grouped_fill fill;
    fcnn_grouped_begin_fill(cut, job->classes, job->tensors, v, job->n, row, &fill);
    fill.out = out;
    if (cut->planar && cut->lanes.vectors > 1) fill.ahead = halo->w * halo->pixel;
    fcnn_grouped_copy_row(&cut->copy, &fill, job->met.from, job->met.to - job->met.from,
                          job->scratch.held[slot] < 0);
    job->scratch.held[slot] = row;
    return out;
}

/* Group by group in planes, then all of them into pixels. Meanwhile lines are fetched: from run->fetch on, then
 * those of `next`. */
static void run_planar(const struct job *job, const struct fcnn_grouped_vector *at, struct fcnn_grouped_fetch *next,
                       struct fcnn_grouped_run *run)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const int64_t packed = fcnn_grouped_packed_group(cut), step = run->step;
    const float *const init = run->init;
    float *const dst = run->dst;
    run->dst = job->scratch.sums, run->step = cut->pitch, run->lanes = cut->lanes.width, run->start = 0;
    run->ahead = cut->lanes.depth * run->plane;
    for (int64_t i = 0; i < at->groups; i++) {
        cut->copy.loops->planar_run(run);
        if (run->fetch == run->fetch_end) run->fetch = next->from, run->fetch_end = next->from = next->end;
        run->init += packed, run->skip += packed, run->start += cut->lanes.depth * run->plane;
        run->dst += run->lanes * run->step;
    }
    run->init = init;
    cut->copy.loops->planar_store(job->scratch.sums, run->step, at->lanes, run->columns, dst, step);
}

/* The rows that output m of a class meets, in the order of its taps; the row of the image behind the last one. */
static int64_t meet_rows(const struct job *job, const struct fcnn_axis_class *v, int64_t m, int64_t vector,
                         const struct fcnn_grouped_vector *at, struct fcnn_grouped_run *run)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    const int64_t lanes = cut->planar ? cut->lanes.width : cut->lanes.lanes, tap = cut->lanes.depth * lanes;
    int64_t next = 0;
    for (int64_t i = 0; i < v->taps; i++) {
        const int64_t row = v->origin + m * v->stride + i * v->advance;
        if (row < halo->top || row >= halo->top + halo->h) continue;
        next = fcnn_max(next, row - halo->top + 1);
        job->scratch.met[run->count].x = row_at(job, at, vector - job->first, row);
        job->scratch.met[run->count++].weights =
            run->init + lanes + (v->tap + i * v->tap_step) * cut->gather.taps_w * tap;
    }
    return next;
}

/* Whole pixels of what is needed next: those of the output row, then (`rest`) of the next rows; or the band's list. */
static void plan_fetch(const struct job *job, const float *dst, int64_t next, struct fcnn_grouped_run *run,
                       struct fcnn_grouped_fetch *rest)
{
    const struct fcnn_halo *halo = &job->cut->copy.halo;
    const int forward = halo->conv.direction == FCNN_FORWARD;
    if (job->cut->turns) {
        run->fetch = job->fetch->from, run->fetch_end = job->fetch->end, *rest = job->fetch[1];
    } else if (job->cut->planar) {
        const int64_t length = halo->w * halo->pixel, later = next + (forward ? halo->conv.stride_h : 1);
        const float *image = (forward ? job->tensors->src : job->tensors->d_dst) + job->n * halo->h * length;
        run->fetch = dst, run->fetch_end = dst + job->cut->gather.dst_row;
        *rest = (struct fcnn_grouped_fetch){image + next * length, image + fcnn_min(halo->h, later) * length};
    }
}

/* Output m of a class of rows, for one vector. */
static void run_row(const struct job *job, const struct fcnn_axis_class *v, int64_t m, int64_t vector)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_gather *g = &cut->gather;
    const struct fcnn_grouped_vector at = fcnn_grouped_vector_at(&cut->lanes, vector);
    const int forward = cut->copy.halo.conv.direction == FCNN_FORWARD;
    const int64_t tap = cut->lanes.depth * (cut->planar ? cut->lanes.width : cut->lanes.lanes);
    struct fcnn_grouped_run run = {.rows = job->scratch.met, .depth = cut->lanes.depth, .plane = cut->copy.plane,
                                   .init = job->packed + vector * fcnn_grouped_packed(cut), .lanes = at.lanes,
                                   .way = cut->lanes.way, .index = job->classes->sums,
                                   .relu = forward && cut->copy.halo.conv.activation == FCNN_RELU_ACTIVATION};
    struct fcnn_grouped_fetch rest = {NULL, NULL};
    float *dst = (forward ? job->tensors->dst : job->tensors->d_src) + job->n * g->dst_image +
                 (v->first + m * v->step) * g->dst_row + at.channel;
    plan_fetch(job, dst, meet_rows(job, v, m, vector, &at, &run), &run, &rest);
    for (int64_t i = 0; i < job->classes->columns; i++) {
        const struct fcnn_axis_class *h = &job->classes->list[g->dst_h + i];
        const struct fcnn_span part = job->scratch.parts[i];
        if (part.from >= part.to) continue;
        run.offsets = job->scratch.offsets + i * g->taps_w;
        run.taps = h->taps, run.tap = h->tap_step * tap, run.skip = h->tap * tap;
        run.dst = dst + (h->first + part.from * h->step) * g->dst_pixel;
        run.step = h->step * g->dst_pixel;
        run.columns = part.to - part.from;
        if (cut->planar) run_planar(job, &at, &rest, &run);
        else cut->copy.loops->run(&run);
        if (run.fetch == run.fetch_end) run.fetch = rest.from, run.fetch_end = rest.from = rest.end;
    }
    if (cut->turns) job->fetch[0] = (struct fcnn_grouped_fetch){run.fetch, run.fetch_end}, job->fetch[1] = rest;
}

/* Which of a class's outputs a row is, or -1. No division where there is none, see fcnn_grouped_part(). */
static int64_t output_of(const struct fcnn_axis_class *v, int64_t row)
{
    const int64_t past = row - v->first, m = v->step == 1 ? past : past / v->step;
    return past < 0 || m * v->step != past || m >= v->count ? -1 : m;
}

/* Output rows first .. last-1 of a strip. */
static void run_strip(const struct job *job, int64_t first, int64_t last)
{
    const struct fcnn_grouped_cut *cut = job->cut;
    for (int64_t i = 0; i < cut->beside * cut->slots; i++) job->scratch.held[i] = -1;
    fcnn_grouped_list_offsets(cut, job->classes, job->from, job->to, job->met.from, job->scratch.offsets);
    for (int64_t i = 0; i < job->classes->columns; i++)
        job->scratch.parts[i] = fcnn_grouped_part(&job->classes->list[cut->gather.dst_h + i], job->from, job->to);
    for (int64_t row = first; row < last; row++) {
        const struct fcnn_axis_class *v = job->classes->list;
        int64_t m;
        while ((m = output_of(v, row)) < 0) v++;
        for (int64_t i = job->first; i < job->last; i++) run_row(job, v, m, i);
    }
}

/* Share `set` of `sets` of `rows` rows of `length` floats. */
static struct fcnn_grouped_fetch share_of(const float *from, int64_t rows, int64_t length, int64_t set, int64_t sets)
{
    return (struct fcnn_grouped_fetch){from + rows * length * set / sets, from + rows * length * (set + 1) / sets};
}

/* The set's share of the band behind `rows`, of its inputs and of its outputs. */
static void list_fetch(const struct job *job, const struct fcnn_span *rows, int64_t set,
                       struct fcnn_grouped_fetch fetch[2])
{
    const struct fcnn_grouped_cut *cut = job->cut;
    const struct fcnn_halo *halo = &cut->copy.halo;
    const struct fcnn_gather *g = &cut->gather;
    const int forward = halo->conv.direction == FCNN_FORWARD;
    const float *src = forward ? job->tensors->src : job->tensors->d_dst;
    float *dst = (forward ? job->tensors->dst : job->tensors->d_src) + job->n * g->dst_image;
    const int64_t end = cut->turns ? fcnn_min(g->dst_h, rows->to + cut->rows) : rows->to;
    const int64_t length = halo->w * halo->pixel;
    const int64_t met = fcnn_halo_met(halo, 1, rows->from, rows->to).to - halo->top;
    const int64_t last = end == rows->to ? met : fcnn_halo_met(halo, 1, rows->to, end).to - halo->top;
    const int64_t from = fcnn_max(0, fcnn_min(halo->h, met)), to = fcnn_max(from, fcnn_min(halo->h, last));
    fetch[0] = share_of(src + (job->n * halo->h + from) * length, to - from, length, set, cut->sets);
    fetch[1] = share_of(dst + rows->to * g->dst_row, end - rows->to, g->dst_row, set, cut->sets);
}

/* Neighbouring bands of a set are computed as one; or the sets of a band take turns. */
static void compute(const struct fcnn_grouped_cut *cut, const fcnn_tensors *t, const struct fcnn_memory *memory,
                    int64_t first, int64_t last)
{
    const struct fcnn_gather *g = &cut->gather;
    struct fcnn_grouped_fetch fetch[2];
    struct job job = {.cut = cut, .classes = memory->tables, .tensors = t, .packed = memory->packed,
                      .scratch = scratch_of(cut, memory->scratch), .fetch = fetch};
    for (int64_t task = first, end; task < last; task = end) {
        const int64_t inner = cut->turns ? cut->sets : cut->bands, outer = cut->turns ? cut->bands : cut->sets;
        const int64_t band = cut->turns ? task / inner % outer : task % inner;
        const int64_t set = cut->turns ? task % inner : task / inner % outer;
        end = cut->turns ? task + 1 : fcnn_min(last, task - band + cut->bands);
        job.n = task / inner / outer;
        job.first = set * cut->beside, job.last = fcnn_min(cut->lanes.vectors, job.first + cut->beside);
        const struct fcnn_span rows = {band * cut->rows, fcnn_min(g->dst_h, (band + end - task) * cut->rows)};
        list_fetch(&job, &rows, set, fetch);
        if (cut->age) fcnn_grouped_march_band(cut, t, memory, job.n, job.first, job.last, &rows, fetch);
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
    const struct fcnn_grouped_cut cut = fcnn_grouped_gather_cut(query);
    struct fcnn_grouped_classes *classes = memory->tables;
    if (stage == FCNN_TABLES) {
        if (!cut.planar) {
            fcnn_grouped_list_index(&cut.lanes, cut.lanes.depth, classes->index);
            fcnn_grouped_list_lanes(&cut.lanes, cut.lanes.width, classes->sums);
        }
        classes->rows = fcnn_axis_classes(&cut.copy.halo.conv, 1, classes->list);
        classes->columns = fcnn_axis_classes(&cut.copy.halo.conv, 0, classes->list + cut.gather.dst_h);
    } else if (stage == FCNN_PACK) {
        for (; first < last; first++)
            (cut.planar ? pack_planar : pack_vector)(&cut, t, first, (float *)memory->packed +
                                                                         first * fcnn_grouped_packed(&cut));
    } else {
        compute(&cut, t, memory, first, last);
    }
}

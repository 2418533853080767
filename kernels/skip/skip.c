/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Forward convolution that skips zeros of its input: packing, bands, and the walk over rows (skip.h).
 *
 * Which channels of a pixel are not zero is marked once, for all panels. A task is one image and one panel of output
 * channels. The sums of a band of output rows lie in scratch; each filter row passes over the band, so that its weights
 * stay in the L1 cache; then the band goes to dst, through ReLU or pooling. A filter row with a weight that is not
 * finite skips nothing: 0 times it is NaN (numerics.md, rule 7). */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/simd/common.h"
#include "kernels/skip/skip.h"

#define HEADER 16 /* floats before the weights of a filter row; the first one is 0 if they are finite */

struct skip_cut {
    fcnn_problem conv;
    int64_t panel, panels;
    int64_t row, stride;     /* floats of a packed filter row; of a panel, which begins with its bias */
    int64_t words;           /* of a pixel */
    int64_t band_rows;
    size_t all_bytes;        /* of a row of pixels whose channels are all live */
};

/* Sums of a band should stay in the L2 cache beside what they meet. */
static int64_t standard_bytes(const struct fcnn_query *query) { return query->caches->l2 / 8; }

const struct fcnn_knob fcnn_skip_knobs[] = {
    {"band_bytes", 6, {8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 512 << 10}, standard_bytes},
};

static struct skip_cut skip_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_skip *isa = query->context;
    struct skip_cut cut = {.conv = fcnn_conv_of(query->problem, 0), .panel = isa->panel};
    const fcnn_problem *p = &cut.conv;
    cut.panels = fcnn_ceil_div(p->k, cut.panel);
    cut.row = HEADER + p->c * FCNN_SKIP_TAPS * cut.panel;
    cut.stride = cut.panel + p->r * cut.row;
    cut.words = fcnn_ceil_div(p->c, FCNN_LIVE_WORD);
    const int64_t pairs = query->knobs[0] / (2 * p->q * cut.panel * (int64_t)sizeof(float));
    cut.band_rows = fcnn_min(2 * fcnn_max(1, pairs), p->p);
    cut.all_bytes = fcnn_line((size_t)(p->w * cut.words) * sizeof(uint64_t));
    return cut;
}

const char *fcnn_skip_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->s != FCNN_SKIP_TAPS) return "filters that are not three columns wide";
    if (p->stride_w > 1 || p->dilation_w > 1) return "strides or dilation along rows";
    if (p->groups > 1) return "groups";
    return fcnn_conv2d_unsupported(query);
}

const char *fcnn_skip_doubt(const struct fcnn_query *query)
{
    (void)query;
    return "nothing says that half of the input is zero";
}

void fcnn_skip_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct skip_cut cut = skip_cut_of(query);
    demand->packed = (size_t)(cut.panels * cut.stride) * sizeof(float);
    demand->shared = (size_t)(cut.conv.n * cut.conv.h * cut.conv.w * cut.words) * sizeof(uint64_t);
    demand->scratch = cut.all_bytes + (size_t)(cut.band_rows * cut.conv.q * cut.panel) * sizeof(float);
    demand->tasks[FCNN_PACK] = cut.panels * (1 + cut.conv.r);
    demand->tasks[FCNN_GATHER] = cut.conv.n;
    demand->tasks[FCNN_COMPUTE] = cut.conv.n * cut.panels;
}

/* `width` floats, filled up with zeros. */
static void put_row(const struct skip_cut *cut, const float *from, int64_t width, float *to)
{
    if (from) memcpy(to, from, (size_t)width * sizeof(float));
    else width = 0;
    memset(to + width, 0, (size_t)(cut->panel - width) * sizeof(float));
}

/* The bias of a panel, then its filter rows. */
static void pack(const struct fcnn_skip *isa, const struct skip_cut *cut, const fcnn_tensors *t, float *packed,
                 int64_t task)
{
    const fcnn_problem *p = &cut->conv;
    const int64_t at = task / (1 + p->r), r = task % (1 + p->r) - 1, channel = at * cut->panel;
    const int64_t width = fcnn_min(cut->panel, p->k - channel);
    packed += at * cut->stride;
    if (r < 0) {
        put_row(cut, p->no_bias ? NULL : t->bias + channel, width, packed);
        return;
    }
    float *header = packed + cut->panel + r * cut->row, *row = header + HEADER;
    for (int64_t c = 0; c < p->c; c++)
        for (int64_t s = 0; s < FCNN_SKIP_TAPS; s++)
            put_row(cut, t->weights + ((r * FCNN_SKIP_TAPS + s) * p->c + c) * p->k + channel, width,
                    row + (c * FCNN_SKIP_TAPS + s) * cut->panel);
    memset(header, 0, HEADER * sizeof(float));
    header[0] = isa->is_finite(cut->row - HEADER, row) ? 0.0f : 1.0f;
}

/* What a task works with. */
struct job {
    const struct fcnn_skip *isa;
    const struct skip_cut *cut;
    const float *src;    /* the image */
    const float *packed; /* the panel */
    const uint64_t *live, *all; /* [pixel][words]: of the image; of a row without zeros */
    float *sums;         /* of the band */
    int64_t from, to;    /* the band's output rows */
    struct fcnn_skip_rows rows;
};

/* All channels of `pixels` pixels are live. */
static void mark_all(const struct skip_cut *cut, int64_t pixels, uint64_t *live)
{
    for (int64_t i = 0; i < pixels * cut->words; i++) {
        const int64_t rest = cut->conv.c - i % cut->words * FCNN_LIVE_WORD;
        live[i] = rest >= FCNN_LIVE_WORD ? ~UINT64_C(0) : (UINT64_C(1) << rest) - 1;
    }
}

/* Filter row r into `count` output rows from p on. */
static void add_rows(struct job *job, int64_t r, int64_t p, int64_t count)
{
    const fcnn_problem *conv = &job->cut->conv;
    const int64_t h = p * conv->stride_h + r * conv->dilation_h - conv->pad_top;
    const float *header = job->packed + job->cut->panel + r * job->cut->row;
    struct fcnn_skip_rows *rows = &job->rows;
    rows->src = job->src + h * conv->w * conv->c;
    rows->weights = header + HEADER;
    rows->out = job->sums + (p - job->from) * conv->q * job->cut->panel;
    rows->out_below = count > 1 ? rows->out + conv->q * job->cut->panel : rows->out;
    rows->live = header[0] > 0 ? job->all : job->live + h * conv->w * job->cut->words;
    rows->live_below = rows->live;
    if (count > 1 && header[0] <= 0) rows->live_below += conv->stride_h * conv->w * job->cut->words;
    job->isa->add[count](rows);
}

/* All rows of the band that meet filter row r, two by two. */
static void add_filter_row(struct job *job, int64_t r)
{
    const fcnn_problem *conv = &job->cut->conv;
    const struct fcnn_axis_class met = fcnn_axis_tap(conv, 1, r);
    const int64_t end = fcnn_min(job->to, met.first + met.count);
    int64_t p = fcnn_max(job->from, met.first);
    for (; p < end; p += 2) add_rows(job, r, p, fcnn_min(2, end - p));
}

static void put_band(const struct job *job, const fcnn_tensors *t, int64_t n, int64_t channel)
{
    const fcnn_problem *conv = &job->cut->conv;
    const int64_t row = conv->q * job->cut->panel, words = (conv->k + 15) / 16 * 3;
    const int64_t width = fcnn_min(job->cut->panel, conv->k - channel);
    for (int64_t p = job->from; p < job->to; p++) {
        const float *sums = job->sums + (p - job->from) * row;
        if (conv->op != FCNN_CONV2D_POOL) {
            job->isa->put(conv->q, sums, width, conv->activation == FCNN_RELU_ACTIVATION,
                          t->dst + (n * conv->p + p) * conv->q * conv->k + channel, conv->k);
        } else if (p % 2 == 0) {
            const int64_t window = (n * (conv->p / 2) + p / 2) * (conv->q / 2);
            job->isa->pool(conv->q / 2, sums, row, channel, conv->k, t->choice + window * words,
                           t->dst + window * conv->k + channel);
        }
    }
}

static void compute(const struct fcnn_skip *isa, const struct skip_cut *cut, const fcnn_tensors *t,
                    const struct fcnn_memory *memory, int64_t task)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t n = task % conv->n, panel = task / conv->n;
    struct job job = {.isa = isa, .cut = cut, .src = t->src + n * conv->h * conv->w * conv->c,
                      .packed = (const float *)memory->packed + panel * cut->stride, .all = memory->scratch,
                      .live = (const uint64_t *)memory->shared + n * conv->h * conv->w * cut->words,
                      .sums = (float *)((char *)memory->scratch + cut->all_bytes)};
    job.rows = (struct fcnn_skip_rows){
        .from = conv->pad_left, .to = fcnn_min(conv->pad_left + conv->w, conv->q + FCNN_SKIP_TAPS - 1),
        .pixel = conv->c, .below = conv->stride_h * conv->w * conv->c, .channels = conv->c, .words = cut->words,
        .columns = conv->q};
    mark_all(cut, conv->w, memory->scratch);
    for (; job.from < conv->p; job.from = job.to) {
        job.to = fcnn_min(conv->p, job.from + cut->band_rows);
        isa->start((job.to - job.from) * conv->q, job.packed, job.sums);
        for (int64_t r = 0; r < conv->r; r++) add_filter_row(&job, r);
        put_band(&job, t, n, panel * cut->panel);
    }
}

void fcnn_skip_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                   enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_skip *isa = query->context;
    const struct skip_cut cut = skip_cut_of(query);
    const int64_t pixels = cut.conv.h * cut.conv.w;
    if (stage == FCNN_GATHER)
        isa->mark((last - first) * pixels, cut.conv.c, t->src + first * pixels * cut.conv.c,
                  (uint64_t *)memory->shared + first * pixels * cut.words);
    for (int64_t task = first; task < last; task++) {
        if (stage == FCNN_PACK) pack(isa, &cut, t, memory->packed, task);
        else if (stage == FCNN_COMPUTE) compute(isa, &cut, t, memory, task);
    }
}

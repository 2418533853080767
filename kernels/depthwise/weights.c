/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, backward weights and bias: see depthwise.h. A task sums a few filter elements of a block of channels
 * over everything: images in blocks of FCNN_BLOCK, one chain per block over n, p, q; blocks along the fixed tree. */
#include "kernels/conv2d/weights_sum.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define BLOCK_BYTES (24 << 10) /* of the rows that one band reads */
#define CHANNEL_GRANULE 16
#define BAND_PIXELS 64 /* output pixels for which sums stay in registers, at least, if the image has them */

struct cut {
    struct fcnn_gather gather; /* forward */
    struct fcnn_panels blocks, taps; /* of channels; of flat filter elements */
    int64_t band_rows;
};

static struct cut cut_of(const fcnn_problem *p)
{
    fcnn_problem forward = *p;
    forward.direction = FCNN_FORWARD;
    struct cut cut = {.gather = fcnn_gather_of(&forward), .taps = fcnn_panels_of(p->r * p->s, 1, FCNN_DEPTHWISE_TAPS)};
    cut.band_rows = fcnn_ceil_div(BAND_PIXELS, p->q);
    int64_t src_rows = p->r + (cut.band_rows - 1) * p->stride_h;
    int64_t bytes = (src_rows * p->w + cut.band_rows * p->q) * CHANNEL_GRANULE * (int64_t)sizeof(float);
    cut.blocks = fcnn_panels_of(p->c, CHANNEL_GRANULE, fcnn_max(1, BLOCK_BYTES / bytes));
    return cut;
}

/* Tables: for each panel of taps the columns where all are real, and the bits of all rows and columns. */
struct taps_table {
    int64_t inner_first, inner_last;
    uint16_t real[]; /* rows, then columns */
};

static size_t table_bytes(const fcnn_problem *p)
{
    size_t bytes = sizeof(struct taps_table) + (size_t)(p->p + p->q) * sizeof(uint16_t);
    return (bytes + 7) / 8 * 8;
}

static struct taps_table *table_of(const fcnn_problem *p, void *tables, int64_t panel)
{
    return (struct taps_table *)((char *)tables + (size_t)panel * table_bytes(p));
}

static uint16_t real_bits(const fcnn_problem *p, int vertical, int64_t out, struct fcnn_panel taps)
{
    unsigned bits = 0;
    for (int64_t t = 0; t < taps.width; t++) {
        int64_t tap = taps.from + t;
        if (fcnn_axis_meet(p, vertical, out, vertical ? tap / p->s : tap % p->s) >= 0) bits |= 1u << t;
    }
    return (uint16_t)bits;
}

static void fill_table(const fcnn_problem *p, struct fcnn_panel taps, struct taps_table *table)
{
    table->inner_first = table->inner_last = p->q;
    for (int64_t row = 0; row < p->p; row++) table->real[row] = real_bits(p, 1, row, taps);
    for (int64_t column = p->q - 1; column >= 0; column--) {
        unsigned bits = table->real[p->p + column] = real_bits(p, 0, column, taps);
        if (bits + 1 != 1u << taps.width) continue;
        if (table->inner_first == p->q) table->inner_last = column + 1;
        table->inner_first = column;
    }
}

void fcnn_depthwise_weights_demand(const struct fcnn_depthwise *loops, const fcnn_problem *p, struct fcnn_demand *demand)
{
    struct cut cut = cut_of(p);
    (void)loops;
    demand->tables = (size_t)cut.taps.count * table_bytes(p);
    demand->scratch = fcnn_weights_sum_bytes(p);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_COMPUTE] = cut.blocks.count * cut.taps.count;
}

/* A task: some taps of some channels. */
struct job {
    const struct fcnn_depthwise *loops;
    const fcnn_problem *problem;
    const struct cut *cut;
    const fcnn_tensors *tensors;
    struct fcnn_weights_sum sum;
    struct fcnn_panel channels, taps;
    int bias;
};

static void sum_image(const struct job *job, struct fcnn_depthwise_sum *sum, int64_t n)
{
    const fcnn_problem *p = job->problem;
    const fcnn_tensors *t = job->tensors;
    const int64_t dst = n * p->p * p->q * p->k + job->channels.from;
    sum->src = t->src + n * job->cut->gather.src_image + job->channels.from;
    sum->d_dst = t->d_dst + dst;
    sum->dst = p->activation == FCNN_RELU_ACTIVATION ? t->dst + dst : sum->d_dst;
    for (int64_t row = 0; row < p->p; row += job->cut->band_rows) {
        sum->first_row = row;
        sum->last_row = fcnn_min(row + job->cut->band_rows, p->p);
        job->loops->sum(sum);
        sum->carry = 1;
    }
}

static void add_slot(const struct job *job, int64_t into)
{
    const struct fcnn_panel *channels = &job->channels;
    for (int64_t i = 0; i < job->taps.width + job->bias; i++) {
        int is_bias = i == job->taps.width;
        int64_t at = channels->from + (is_bias ? 0 : (job->taps.from + i) * job->problem->k);
        float *a = (is_bias ? fcnn_weights_sum_bias(&job->sum, into) : fcnn_weights_sum_weights(&job->sum, into)) + at;
        const float *b = (is_bias ? fcnn_weights_sum_bias(&job->sum, into + 1) : fcnn_weights_sum_weights(&job->sum, into + 1)) + at;
        for (int64_t c = 0; c < channels->width; c++) a[c] += b[c];
    }
}

static void run_job(const struct job *job, struct fcnn_depthwise_sum *sum)
{
    const fcnn_problem *p = job->problem;
    struct fcnn_tree tree = {0};
    for (int64_t image = 0; image < p->n; image += FCNN_BLOCK) {
        int64_t slot = fcnn_tree_push(&tree);
        float *weights = fcnn_weights_sum_weights(&job->sum, slot) + job->channels.from;
        for (int64_t i = 0; i < job->taps.width; i++) sum->out[i] = weights + (job->taps.from + i) * p->k;
        sum->bias = job->bias ? fcnn_weights_sum_bias(&job->sum, slot) + job->channels.from : NULL;
        sum->carry = 0;
        for (int64_t n = image; n < fcnn_min(image + FCNN_BLOCK, p->n); n++) sum_image(job, sum, n);
        for (int64_t into; (into = fcnn_tree_merge(&tree, image + FCNN_BLOCK >= p->n)) >= 0;) add_slot(job, into);
    }
}

void fcnn_depthwise_weights_run(const struct fcnn_depthwise *loops, const fcnn_problem *p, const fcnn_tensors *t,
                                const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct cut cut = cut_of(p);
    const struct fcnn_gather *g = &cut.gather;
    if (stage == FCNN_TABLES) {
        for (int64_t i = 0; i < cut.taps.count; i++) fill_table(p, fcnn_panel_at(&cut.taps, i), table_of(p, memory->tables, i));
        return;
    }
    struct job job = {.loops = loops, .problem = p, .cut = &cut, .tensors = t, .sum = fcnn_weights_sum_of(p, t, memory->scratch)};
    for (int64_t task = first; task < last; task++) {
        const struct taps_table *table = table_of(p, memory->tables, task % cut.taps.count);
        job.channels = fcnn_panel_at(&cut.blocks, task / cut.taps.count);
        job.taps = fcnn_panel_at(&cut.taps, task % cut.taps.count);
        job.bias = !p->no_bias && job.taps.from == 0;
        struct fcnn_depthwise_sum sum = {.src_row = p->stride_h * g->src_row, .src_pixel = p->stride_w * g->src_pixel, .columns = p->q,
                                         .dst_pixel = p->k, .real_rows = table->real, .real_columns = table->real + p->p,
                                         .inner_first = table->inner_first, .inner_last = table->inner_last,
                                         .taps = job.taps.width, .channels = job.channels.width};
        for (int64_t i = 0; i < sum.taps; i++) {
            int64_t tap = job.taps.from + i;
            sum.offset[i] = (tap / p->s * p->dilation_h - p->pad_top) * g->src_row +
                            (tap % p->s * p->dilation_w - p->pad_left) * g->src_pixel;
        }
        run_job(&job, &sum);
    }
}

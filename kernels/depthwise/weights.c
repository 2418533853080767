/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, backward weights and bias: see depthwise.h. A task sums all filter elements of a block of
 * channels over everything: images in blocks of FCNN_BLOCK, one chain per block over n, p, q; blocks along the fixed
 * tree. */
#include "kernels/conv2d/weights_sum.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* Bands of output rows, with the part of the image that they meet in scratch. */
struct cut {
    struct fcnn_depthwise_map map;
    struct fcnn_panels taps;          /* flat filter elements */
    int64_t blocks, bands, band_rows; /* rows: of the map, at most */
};

/* Rows of the map that so many output rows meet. */
static int64_t map_rows(const fcnn_problem *p, int64_t rows)
{
    return (rows - 1) * p->stride_h + (p->r - 1) * p->dilation_h + 1;
}

static struct cut cut_of(const fcnn_problem *p)
{
    fcnn_problem haloed = fcnn_conv_of(p, 1);
    struct cut cut = {.map = {p->h, p->w, p->c, p->pad_top, p->pad_left, haloed.h, haloed.w},
                      .taps = fcnn_panels_of(p->r * p->s, 1, FCNN_DEPTHWISE_TAPS),
                      .blocks = fcnn_ceil_div(p->c, WIDTH)};
    while (cut.bands < p->p) {
        int64_t rows = fcnn_ceil_div(p->p, ++cut.bands);
        cut.band_rows = map_rows(p, rows);
        if (cut.band_rows * haloed.w * WIDTH * (int64_t)sizeof(float) <= FCNN_DEPTHWISE_BYTES || rows <= p->r) break;
    }
    return cut;
}

/* Scratch: image, sums of blocks. */
static size_t map_bytes(const struct cut *cut)
{
    return (size_t)(cut->band_rows * cut->map.columns * WIDTH) * sizeof(float);
}

void fcnn_depthwise_weights_demand(const struct fcnn_depthwise *loops, const fcnn_problem *p,
                                   struct fcnn_demand *demand)
{
    struct cut cut = cut_of(p);
    (void)loops;
    demand->scratch = map_bytes(&cut) + fcnn_weights_sum_bytes(p);
    demand->tasks[FCNN_COMPUTE] = cut.blocks;
}

/* A task. */
struct job {
    const struct fcnn_depthwise *loops;
    const fcnn_problem *problem;
    const struct cut *cut;
    const fcnn_tensors *tensors;
    float *map; /* scratch */
    struct fcnn_weights_sum sum;
    struct fcnn_panel channels;
};

/* All filter elements over output rows from .. to-1 of an image; the part of the image that they meet is in scratch. */
static void sum_band(const struct job *job, int64_t slot, int64_t n, int64_t from, int64_t to, int carry)
{
    const fcnn_problem *p = job->problem;
    const struct cut *cut = job->cut;
    const int64_t dst = (n * p->p + from) * p->q * p->k + job->channels.from;
    struct fcnn_depthwise_sum sum = {.src = job->map,
                                     .d_dst = job->tensors->d_dst + dst,
                                     .rows = to - from,
                                     .columns = p->q,
                                     .src_row = p->stride_h * cut->map.columns * WIDTH,
                                     .src_column = p->stride_w * WIDTH,
                                     .dst_row = p->q * p->k,
                                     .dst_column = p->k,
                                     .channels = job->channels.width,
                                     .carry = carry};
    sum.dst = p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst + dst : sum.d_dst;
    for (int64_t i = 0; i < cut->taps.count; i++) {
        struct fcnn_panel taps = fcnn_panel_at(&cut->taps, i);
        sum.taps = taps.width;
        sum.bias = i == 0 && !p->no_bias ? fcnn_weights_sum_bias(&job->sum, slot) + job->channels.from : NULL;
        for (int64_t j = 0; j < taps.width; j++) {
            int64_t tap = taps.from + j;
            sum.offset[j] = (tap / p->s * p->dilation_h * cut->map.columns + tap % p->s * p->dilation_w) * WIDTH;
            sum.out[j] = fcnn_weights_sum_weights(&job->sum, slot) + tap * p->k + job->channels.from;
        }
        job->loops->sum(&sum);
    }
}

static void sum_image(const struct job *job, int64_t slot, int64_t n, int carry)
{
    const fcnn_problem *p = job->problem;
    const float *src = job->tensors->src + n * p->h * p->w * p->c + job->channels.from;
    for (int64_t band = 0; band < job->cut->bands; band++) {
        int64_t from = p->p * band / job->cut->bands, to = p->p * (band + 1) / job->cut->bands,
                top = from * p->stride_h;
        job->loops->fill(&job->cut->map, src, NULL, top, top + map_rows(p, to - from), job->channels.width, job->map,
                         0);
        sum_band(job, slot, n, from, to, carry || band > 0);
    }
}

static void add_slot(const struct job *job, int64_t into)
{
    const fcnn_problem *p = job->problem;
    const int64_t rows = p->r * p->s;
    for (int64_t i = 0; i < rows + !p->no_bias; i++) {
        int64_t at = job->channels.from + (i < rows ? i * p->k : 0);
        float *a = (i < rows ? fcnn_weights_sum_weights(&job->sum, into) : fcnn_weights_sum_bias(&job->sum, into)) + at;
        const float *b =
            (i < rows ? fcnn_weights_sum_weights(&job->sum, into + 1) : fcnn_weights_sum_bias(&job->sum, into + 1)) +
            at;
        for (int64_t c = 0; c < job->channels.width; c++) a[c] += b[c];
    }
}

void fcnn_depthwise_weights_run(const struct fcnn_depthwise *loops, const fcnn_problem *p, const fcnn_tensors *t,
                                const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    struct cut cut = cut_of(p);
    char *scratch = memory->scratch;
    struct job job = {.loops = loops,
                      .problem = p,
                      .cut = &cut,
                      .tensors = t,
                      .map = memory->scratch,
                      .sum = fcnn_weights_sum_of(p, t, scratch + map_bytes(&cut))};
    (void)stage; /* only one */
    for (int64_t task = first; task < last; task++) {
        struct fcnn_tree tree = {0};
        job.channels = (struct fcnn_panel){task * WIDTH, fcnn_min(WIDTH, p->c - task * WIDTH)};
        for (int64_t image = 0; image < p->n; image += FCNN_BLOCK) {
            int64_t slot = fcnn_tree_push(&tree);
            for (int64_t n = image; n < fcnn_min(image + FCNN_BLOCK, p->n); n++) sum_image(&job, slot, n, n > image);
            for (int64_t into; (into = fcnn_tree_merge(&tree, image + FCNN_BLOCK >= p->n)) >= 0;) add_slot(&job, into);
        }
    }
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise backward weights in place: see weights_inplace.h. A task sums all filter elements of a block of channels:
 * images in blocks of FCNN_BLOCK, one chain per block over n, p, q; blocks along the fixed tree. Sums are continued
 * where the output is, or a slot of the tree. */
#include "kernels/conv2d/weights_sum.h"
#include "kernels/depthwise/weights_inplace.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

const char *fcnn_depthwise_weights_inplace_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->r != p->s || p->r < 2 || p->r > 3) return "windows other than 3x3 and 2x2";
    return fcnn_depthwise_unsupported(query);
}

/* Lines some power of two apart, up to 4 KB, share a part of a first-level cache: so far apart are pixels. */
static int64_t apart_of(const fcnn_problem *p)
{
    const int64_t pixel = p->c * (int64_t)sizeof(float);
    return fcnn_max(64, fcnn_min(4096, pixel & -pixel));
}

/* Do `room` bytes of it hold, for a vector of channels, a row of gradients and what of the source the next row of
 * outputs meets again? Else that is read from further away. */
static int share_sets(const struct fcnn_query *query, int64_t room)
{
    const fcnn_problem *p = query->problem;
    const int64_t apart = apart_of(p), again = fcnn_max(0, (p->r - 1) * p->dilation_h + 1 - p->stride_h);
    return apart >= 1024 || (again * p->w + p->q) * apart > room;
}

/* Bytes of the rows that are met again, if they are kept. */
static int64_t kept_bytes(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_weights_inplace *loops = query->context;
    return FCNN_DEPTHWISE_KEPT * loops->lanes * query->problem->w * (int64_t)sizeof(float);
}

/* Whether keeping rows helps. */
static int can_keep(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_weights_inplace *loops = query->context;
    return loops->can_slide(query->problem) && 2 * kept_bytes(query) <= query->caches->l1;
}

const char *fcnn_depthwise_weights_inplace_doubt(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (share_sets(query, query->caches->l1) && !can_keep(query)) return "pixels that share cache sets";
    if (p->c > 2 * WIDTH && fcnn_leaves_share(query->caches, fcnn_depthwise_bytes(p))) /* copies ask ahead */
        return "inputs that come from memory";
    return fcnn_depthwise_doubt(query);
}

/* ---- knobs ---- */

enum { BLOCKS, SLIDE, BAND_BYTES, MASKED };
enum { SLIDE_NOT, SLIDE_IN_PLACE, SLIDE_KEPT }; /* values of SLIDE */

/* Long pieces of memory are read best. */
static int64_t standard_blocks(const struct fcnn_query *query)
{
    return query->problem->c <= WIDTH ? FCNN_MOOT : 8;
}

/* Whether windows slide, and what of the source is met again is kept: where the cache has no room for it otherwise,
 * with a stride already where pixels are a multiple of 512 bytes apart. With a stride windows leave registers for two
 * vectors beside each other; without one, more of each pixel is read at once where they do not slide, which matters
 * where the cache holds only just what is met again. */
static int64_t standard_slide(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_weights_inplace *loops = query->context;
    if (!loops->can_slide(query->problem)) return FCNN_MOOT;
    if (query->problem->stride_h > 1)
        return apart_of(query->problem) >= 512 && can_keep(query) ? SLIDE_KEPT : SLIDE_IN_PLACE;
    if (share_sets(query, query->caches->l1)) return can_keep(query) ? SLIDE_KEPT : SLIDE_NOT;
    return share_sets(query, query->caches->l1 / 4 * 3) ? SLIDE_NOT : SLIDE_IN_PLACE;
}

/* What a band reads, all blocks side by side. A band reads its first rows once more to keep them; that is not worth it
 * where what is next to a vector of channels stays near until its turn. */
static int64_t standard_band_bytes(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t all = fcnn_depthwise_bytes(p);
    const int stays = all <= query->caches->l2 / 2 || fcnn_stays_in_share(query->caches, all);
    return query->knobs[SLIDE] == SLIDE_KEPT && stays ? INT64_MAX : query->caches->l2 / 4;
}

/* Whether windows load under a mask that holds no lane back. Some CPUs (AMD Zen 5) fetch lines beside or behind what is
 * loaded otherwise, which come too early where pixels are far apart and many. In itself a masked load is slower, on
 * Intel's CPUs it takes a place among the multiply-adds; with a stride the loop waits for lines, several for each
 * output, rather than for either. */
static int64_t standard_masked(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_weights_inplace *loops = query->context;
    const int64_t channels = fcnn_min(query->problem->c, query->knobs[BLOCKS] * WIDTH); /* single vectors always do */
    if (!loops->can_mask || query->knobs[SLIDE] == SLIDE_NOT || channels < 2 * loops->lanes) return FCNN_MOOT;
    return query->problem->stride_h > 1;
}

const struct fcnn_knob fcnn_depthwise_weights_inplace_knobs[FCNN_DEPTHWISE_WEIGHTS_INPLACE_KNOBS] = {
    [BLOCKS] = {"blocks", 5, {1, 4, 8, 16, 64}, standard_blocks},
    [SLIDE] = {"slide", 3, {SLIDE_NOT, SLIDE_IN_PLACE, SLIDE_KEPT}, standard_slide},
    [BAND_BYTES] = {"band_bytes", 6, {4 << 10, 16 << 10, 40 << 10, 128 << 10, 512 << 10, 4 << 20},
                    standard_band_bytes},
    [MASKED] = {"masked", 2, {0, 1}, standard_masked}};

void fcnn_depthwise_weights_inplace_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->sums = fcnn_weights_sum_bytes(query->problem);
    if (query->knobs[SLIDE] == SLIDE_KEPT) demand->scratch = (size_t)kept_bytes(query);
    demand->tasks[FCNN_COMPUTE] = fcnn_ceil_div(query->problem->c, WIDTH);
}

/* ---- sums ---- */

/* A task, or neighbouring ones. */
struct job {
    const struct fcnn_depthwise_weights_inplace *loops;
    const fcnn_problem *problem;
    const fcnn_tensors *tensors;
    struct fcnn_weights_sum sum;
    struct fcnn_panel channels;
    int64_t band; /* rows at a time */
    int slide, masked;
    float *scratch;
};

static void add_slot(void *context, int64_t into)
{
    const struct job *job = context;
    const fcnn_problem *p = job->problem;
    fcnn_weights_sum_add(&job->sum, into, 0, p->r * p->s, job->channels.from, job->channels.width);
    if (!p->no_bias) fcnn_weights_sum_add_bias(&job->sum, into, job->channels.from, job->channels.width);
}

/* The chain of a block of images, into a slot of the tree. */
static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct job *job = context;
    const fcnn_problem *p = job->problem;
    const int64_t channel = job->channels.from;
    struct fcnn_depthwise_sweep sweep = {.problem = p, .channels = job->channels.width, .begins = 1,
                                         .slides = job->slide != SLIDE_NOT, .kept = job->slide == SLIDE_KEPT,
                                         .masks = job->masked, .scratch = job->scratch};
    sweep.sums = fcnn_weights_sum_weights(&job->sum, slot) + channel;
    if (!p->no_bias) sweep.bias = fcnn_weights_sum_bias(&job->sum, slot) + channel;
    for (int64_t n = image; n < image + images; n++) {
        const int64_t outputs = n * p->p * p->q * p->k + channel;
        sweep.src = job->tensors->src + n * p->h * p->w * p->c + channel;
        sweep.d_dst = job->tensors->d_dst + outputs;
        sweep.dst = p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst + outputs : sweep.d_dst;
        for (sweep.from = 0; sweep.from < p->p; sweep.from = sweep.to, sweep.begins = 0) {
            sweep.to = fcnn_min(p->p, sweep.from + job->band);
            job->loops->sweep(&sweep);
        }
    }
}

void fcnn_depthwise_weights_inplace_run(const struct fcnn_query *query, const fcnn_tensors *t,
                                        const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first,
                                        int64_t last)
{
    const struct fcnn_depthwise_weights_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t blocks = fcnn_min(query->knobs[BLOCKS], fcnn_ceil_div(p->c, WIDTH));
    const int64_t row_bytes = blocks * WIDTH * (fcnn_min(p->stride_h, p->h) * p->w + p->q) * (int64_t)sizeof(float);
    struct job job = {.loops = loops,
                      .problem = p,
                      .tensors = t,
                      .sum = fcnn_weights_sum_of(p, t, memory->sums, loops->add_sums),
                      .band = fcnn_max(1, query->knobs[BAND_BYTES] / row_bytes),
                      .slide = (int)query->knobs[SLIDE],
                      .masked = (int)query->knobs[MASKED],
                      .scratch = memory->scratch};
    (void)stage; /* only one */
    for (int64_t next; first < last; first = next) {
        next = fcnn_min(last, first + blocks);
        job.channels = (struct fcnn_panel){first * WIDTH, fcnn_min(next * WIDTH, p->c) - first * WIDTH};
        fcnn_sum_blocks(p->n, sum_block, add_slot, &job);
    }
}

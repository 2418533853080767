/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, backward weights and bias: see depthwise.h. A task sums all filter elements of a block of
 * channels over everything: images in blocks of FCNN_BLOCK, one chain per block over n, p, q; blocks along the fixed
 * tree. Windows of three neighbouring columns go row by row of the source, which is read once, in place; any other
 * window tap by tap over a copy of the source with its padding. */
#include <string.h>

#include "kernels/conv2d/weights_sum.h"
#include "kernels/depthwise/depthwise.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH
#define BLOCK_BYTES (WIDTH * (int64_t)sizeof(float))
#define SLOTS_BYTES (32 << 10) /* that slots aim at */
#define FRESH_ENOUGH 4
#define LONG_ROW (8 << 10) /* bytes of two blocks */

/* Row by row of the source. Rows of gradients lie in slots, so that the filter rows that meet them later find them in
 * the first-level cache. Filter rows meet the same rows of the source if they are a multiple of `apart` apart; the next
 * one then meets the output row that lies `behind` rows before. */
struct slots {
    int64_t count, fresh; /* of them filled at a time */
    int64_t apart, behind;
};

/* Bands of output rows, with the part of the image that they meet in scratch. */
struct bands {
    struct fcnn_depthwise_map map;
    struct fcnn_panels taps; /* flat filter elements */
    int64_t count, rows;     /* rows: of the map, at most */
};

struct depthwise_weights_cut {
    int three;              /* three neighbouring columns: slots, else bands */
    int64_t blocks, beside; /* of channels; of these side by side */
    struct slots slots;
    struct bands bands;
    size_t bytes; /* of scratch */
};

/* Rows of the map that so many output rows meet. */
static int64_t map_rows(const fcnn_problem *p, int64_t rows)
{
    return (rows - 1) * p->stride_h + (p->r - 1) * p->dilation_h + 1;
}

static struct bands bands_of(const fcnn_problem *p)
{
    fcnn_problem haloed = fcnn_conv_of(p, 1);
    struct bands bands = {.map = {p->h, p->w, p->c, p->pad_top, p->pad_left, haloed.h, haloed.w},
                          .taps = fcnn_panels_of(p->r * p->s, 1, FCNN_DEPTHWISE_TAPS)};
    while (bands.count < p->p) {
        int64_t rows = fcnn_ceil_div(p->p, ++bands.count);
        bands.rows = map_rows(p, rows);
        if (bands.rows * haloed.w * BLOCK_BYTES <= FCNN_DEPTHWISE_BYTES || rows <= p->r) break;
    }
    return bands;
}

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

/* The slots of `beside` blocks: as many as fit the first-level cache beside the source, at least those of a window. */
static struct slots slots_of(const fcnn_problem *p, int64_t beside)
{
    const int64_t window = fcnn_min(p->p, (p->r - 1) * p->dilation_h / p->stride_h + 1);
    const int64_t fit = SLOTS_BYTES / (beside * p->q * BLOCK_BYTES);
    const int64_t common = common_divisor(p->stride_h, p->dilation_h);
    struct slots slots = {.apart = p->stride_h / common, .behind = p->dilation_h / common};
    slots.count = fcnn_min(p->p, fcnn_max(window, fit));
    slots.fresh = slots.count - window + 1;
    return slots;
}

/* Blocks side by side: memory is read in longer pieces, but they share the first-level cache. Measured: 8 where whole
 * images of gradients fit, 4 where that leaves a few fresh rows at a time, else 2; 1 where the source itself has long
 * rows. */
static int64_t beside_of(const fcnn_problem *p)
{
    if (8 * p->p * p->q * BLOCK_BYTES <= SLOTS_BYTES) return 8;
    const struct slots slots = slots_of(p, 4);
    if (p->w * 2 * BLOCK_BYTES > LONG_ROW) return 1;
    return slots.fresh >= FRESH_ENOUGH || slots.count == p->p ? 4 : 2;
}

static struct depthwise_weights_cut depthwise_weights_cut_of(const fcnn_problem *p)
{
    struct depthwise_weights_cut cut = {.three = p->s == 3 && p->dilation_w == 1 && p->stride_w <= 2,
                                        .blocks = fcnn_ceil_div(p->c, WIDTH), .beside = 1};
    int64_t floats;
    if (cut.three) {
        cut.beside = fcnn_min(cut.blocks, beside_of(p));
        cut.slots = slots_of(p, cut.beside);
        floats = cut.beside * WIDTH * (3 * p->r + 1 + cut.slots.count * p->q);
    } else {
        cut.bands = bands_of(p);
        floats = cut.bands.rows * cut.bands.map.columns * WIDTH;
    }
    cut.bytes = (size_t)floats * sizeof(float);
    return cut;
}

void fcnn_depthwise_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_weights_cut cut = depthwise_weights_cut_of(p);
    (void)loops;
    demand->sums = fcnn_weights_sum_bytes(p);
    demand->scratch = cut.bytes;
    demand->tasks[FCNN_COMPUTE] = cut.blocks;
}

/* A task, or neighbouring ones. */
struct job {
    const struct fcnn_depthwise *loops;
    const fcnn_problem *problem;
    const struct depthwise_weights_cut *cut;
    const fcnn_tensors *tensors;
    float *scratch; /* cut->bytes */
    struct fcnn_weights_sum sum;
    struct fcnn_panel channels;
};

/* ---- tap by tap ---- */

/* All filter elements over output rows from .. to-1 of an image; the part of the image that they meet is in scratch. */
static void sum_band(const struct job *job, int64_t slot, int64_t n, int64_t from, int64_t to, int carry)
{
    const fcnn_problem *p = job->problem;
    const struct bands *bands = &job->cut->bands;
    const int64_t dst = (n * p->p + from) * p->q * p->k + job->channels.from;
    struct fcnn_depthwise_sum sum = {.src = job->scratch,
                                     .d_dst = job->tensors->d_dst + dst,
                                     .rows = to - from,
                                     .columns = p->q,
                                     .src_row = p->stride_h * bands->map.columns * WIDTH,
                                     .src_column = p->stride_w * WIDTH,
                                     .dst_row = p->q * p->k,
                                     .dst_column = p->k,
                                     .channels = job->channels.width,
                                     .carry = carry};
    sum.dst = p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst + dst : sum.d_dst;
    for (int64_t i = 0; i < bands->taps.count; i++) {
        struct fcnn_panel taps = fcnn_panel_at(&bands->taps, i);
        sum.taps = taps.width;
        sum.bias = i == 0 && !p->no_bias ? fcnn_weights_sum_bias(&job->sum, slot) + job->channels.from : NULL;
        for (int64_t j = 0; j < taps.width; j++) {
            int64_t tap = taps.from + j;
            sum.offset[j] = (tap / p->s * p->dilation_h * bands->map.columns + tap % p->s * p->dilation_w) * WIDTH;
            sum.out[j] = fcnn_weights_sum_weights(&job->sum, slot) + tap * p->k + job->channels.from;
        }
        job->loops->sum(&sum);
    }
}

static void sum_bands(const struct job *job, int64_t slot, int64_t n, int carry)
{
    const fcnn_problem *p = job->problem;
    const float *src = job->tensors->src + n * p->h * p->w * p->c + job->channels.from;
    const struct bands *bands = &job->cut->bands;
    for (int64_t band = 0; band < bands->count; band++) {
        int64_t from = p->p * band / bands->count, to = p->p * (band + 1) / bands->count, top = from * p->stride_h;
        job->loops->fill(&bands->map, src, NULL, top, top + map_rows(p, to - from), job->channels.width, job->scratch,
                         0);
        sum_band(job, slot, n, from, to, carry || band > 0);
    }
}

/* ---- row by row of the source ---- */

/* Sums in scratch (for each filter element, then bias, `width` floats: whole blocks), then slots. */
struct rows {
    float *sums, *bias, *slots;
    int64_t width;
};

static struct rows rows_of(const struct job *job)
{
    const int64_t width = fcnn_ceil_div(job->channels.width, WIDTH) * WIDTH;
    float *bias = job->scratch + 3 * job->problem->r * width;
    return (struct rows){job->scratch, bias, bias + width, width};
}

/* Gradients of output rows from .. to-1 into their slots. */
static void lay_rows(const struct job *job, const struct rows *rows, int64_t n, int64_t from, int64_t to)
{
    const fcnn_problem *p = job->problem;
    const struct slots *slots = &job->cut->slots;
    const int64_t dst = (n * p->p + from) * p->q * p->k + job->channels.from;
    const struct fcnn_depthwise_lay lay = {
        .d_dst = job->tensors->d_dst + dst,
        .dst = (p->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst : job->tensors->d_dst) + dst,
        .out = rows->slots,
        .bias = rows->bias,
        .rows = to - from,
        .dst_row = p->q * p->k,
        .slot = from % slots->count,
        .slots = slots->count,
        .columns = p->q,
        .dst_column = p->k,
        .channels = job->channels.width};
    job->loops->lay(&lay);
}

/* Filter row r and its companions first .. last-1, where r meets output rows from .. to-1. */
static void meet_rows(const struct job *job, const struct rows *rows, int64_t n, int64_t r, int64_t first, int64_t last,
                      int64_t from, int64_t to)
{
    const fcnn_problem *p = job->problem;
    const struct slots *slots = &job->cut->slots;
    const int64_t h = from * p->stride_h + r * p->dilation_h - p->pad_top;
    struct fcnn_depthwise_meet meet = {
        .src = job->tensors->src + (n * p->h + h) * p->w * p->c + job->channels.from,
        .gradients = rows->slots,
        .rows = to - from,
        .src_row = p->stride_h * p->w * p->c,
        .w = p->w,
        .src_column = p->c,
        .slots = slots->count,
        .columns = p->q,
        .taps = last - first,
        .sum = rows->width,
        .stride = p->stride_w,
        .left = p->pad_left,
        .channels = job->channels.width};
    for (int64_t i = first; i < last; i++) {
        meet.slot[i - first] = (from - i * slots->behind) % slots->count;
        meet.sums[i - first] = rows->sums + (r + i * slots->apart) * 3 * rows->width;
    }
    job->loops->meet(&meet);
}

/* The same for all companions of r, up to three with it, over those of the rows that lie on the source, and behind the
 * last output row those that only companions meet. Output rows that companions meet are in slots still. */
static void meet_companions(const struct job *job, const struct rows *rows, int64_t n, int64_t r, int64_t from,
                            int64_t to)
{
    const fcnn_problem *p = job->problem;
    const int64_t behind = job->cut->slots.behind, origin = r * p->dilation_h - p->pad_top;
    const int64_t taps = fcnn_min(FCNN_DEPTHWISE_ROWS, fcnn_ceil_div(p->r - r, job->cut->slots.apart));
    if (to == p->p) to += (taps - 1) * behind;
    from = fcnn_max(from, fcnn_ceil_div(fcnn_max(0, -origin), p->stride_h));
    to = fcnn_min(to, fcnn_ceil_div(fcnn_max(0, p->h - origin), p->stride_h));
    for (int64_t end; from < to; from = end) { /* rows with the same companions on output rows 0 .. P-1 */
        const int64_t first = from < p->p ? 0 : (from - p->p) / behind + 1, last = fcnn_min(taps, from / behind + 1);
        end = fcnn_min(to, p->p + first * behind);
        if (last < taps) end = fcnn_min(end, last * behind);
        if (first < last) meet_rows(job, rows, n, r, first, last, from, end);
    }
}

/* The chain of a block of images, into a slot of the tree. */
static void sum_rows(const struct job *job, int64_t slot, int64_t first, int64_t last)
{
    const fcnn_problem *p = job->problem;
    const struct slots *slots = &job->cut->slots;
    const struct rows rows = rows_of(job);
    const size_t bytes = (size_t)job->channels.width * sizeof(float);
    memset(rows.sums, 0, (size_t)(rows.slots - rows.sums) * sizeof(float));
    for (int64_t n = first; n < last; n++)
        for (int64_t from = 0; from < p->p; from += slots->fresh) {
            const int64_t to = fcnn_min(p->p, from + slots->fresh);
            lay_rows(job, &rows, n, from, to);
            for (int64_t r = 0; r < p->r; r++)
                if (r / slots->apart % FCNN_DEPTHWISE_ROWS == 0) meet_companions(job, &rows, n, r, from, to);
        }
    float *out = fcnn_weights_sum_weights(&job->sum, slot) + job->channels.from;
    for (int64_t i = 0; i < 3 * p->r; i++) memcpy(out + i * p->k, rows.sums + i * rows.width, bytes);
    if (!p->no_bias) memcpy(fcnn_weights_sum_bias(&job->sum, slot) + job->channels.from, rows.bias, bytes);
}

/* ---- both ---- */

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
    if (job->cut->three) sum_rows(job, slot, image, image + images);
    else
        for (int64_t n = image; n < image + images; n++) sum_bands(job, slot, n, n > image);
}

void fcnn_depthwise_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                                enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_depthwise *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_weights_cut cut = depthwise_weights_cut_of(p);
    struct job job = {.loops = loops,
                      .problem = p,
                      .cut = &cut,
                      .tensors = t,
                      .scratch = memory->scratch,
                      .sum = fcnn_weights_sum_of(p, t, memory->sums)};
    (void)stage; /* only one */
    for (int64_t next; first < last; first = next) {
        next = fcnn_min(last, first + cut.beside);
        job.channels = (struct fcnn_panel){first * WIDTH, fcnn_min(next * WIDTH, p->c) - first * WIDTH};
        fcnn_sum_blocks(p->n, sum_block, add_slot, &job);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution, backward weights and bias, with any channel multiplier: see weights.h. A task sums all filter
 * elements of a block of output channels over everything: images in blocks of FCNN_BLOCK, one chain per block over n,
 * p, q; blocks along the fixed tree. It goes row by row of the source, which is read in place; rows of gradients lie in
 * slots from their first use to their last, so that all filter rows that meet a row of the source meet it at once. */
#include <string.h>

#include "kernels/conv2d/weights_sum.h"
#include "kernels/depthwise/weights.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH
#define BLOCK_BYTES (WIDTH * (int64_t)sizeof(float))

/* Filter rows meet the same rows of the source if they are a multiple of `apart` apart; the next one then meets the
 * output row that lies `behind` rows before. */
struct slots {
    int64_t count, fresh; /* of them filled at a time */
    int64_t columns;      /* of gradients: whole rows, but where no slot is used again */
    int64_t apart, behind;
};

struct depthwise_weights_cut {
    int64_t blocks, beside;     /* of channels; of these side by side */
    int64_t ahead;              /* pixels */
    int64_t multiplier, source; /* source: columns that are copied for each output channel; 0: multiplier is 1 */
    struct slots slots;
    struct fcnn_panels taps; /* filter columns side by side */
    int64_t rows;            /* filter rows side by side, at most */
    size_t bytes;            /* of scratch */
};

/* ---- knobs ---- */

enum { BLOCKS, FRESH_ROWS, AHEAD };

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

/* Rows of gradients that are in use at a time. */
static int64_t window_rows(const fcnn_problem *p)
{
    return fcnn_min(p->p, (p->r - 1) * p->dilation_h / p->stride_h + 1);
}

/* Bytes of a block's row of gradients, in slots. */
static int64_t row_bytes(const fcnn_problem *p) { return p->q * BLOCK_BYTES; }

/* Of source and gradients together: beyond the caches? */
static int64_t is_far(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t floats = p->n * (p->h * p->w * p->c + p->p * p->q * p->k);
    return floats * (int64_t)sizeof(float) > query->caches->share;
}

/* Longer pieces of memory are read, and several vectors summed side by side; but the rows of gradients that are met
 * together should stay in the first-level cache, or where not even a single block's do and memory is slower than the
 * second level, there. */
static int64_t standard_blocks(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t blocks = fcnn_ceil_div(p->k, WIDTH), bytes = (window_rows(p) + 1) * row_bytes(p);
    const int is_large = is_far(query) && bytes > query->caches->l1;
    const int64_t room = is_large ? query->caches->l2 / 2 : query->caches->l1 / 4 * 3;
    if (blocks == 1) return FCNN_MOOT;
    if (p->r == 1) return 4; /* slot_columns() sees to that */
    int64_t beside = 1;
    while (beside < 8 && beside < blocks && 2 * beside * bytes <= room) beside *= 2;
    return beside;
}

/* That long sums stay in registers. Rows that are met together are neighbours, so that slots may pass the first-level
 * cache, as long as they stay near. */
static int64_t standard_fresh(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (p->p == window_rows(p)) return FCNN_MOOT;
    const int64_t blocks = fcnn_min(query->knobs[BLOCKS], fcnn_ceil_div(p->k, WIDTH));
    return 2 * query->caches->l1 / (blocks * row_bytes(p)) - window_rows(p) + 1;
}

/* In the caches prefetching costs more than it gains. */
static int64_t standard_ahead(const struct fcnn_query *query) { return is_far(query) ? 16 : 0; }

const struct fcnn_knob fcnn_depthwise_weights_knobs[3] = {{"blocks", 5, {1, 2, 4, 8, 16}, standard_blocks},
                                                          {"fresh_rows", 6, {1, 2, 4, 8, 16, 64}, standard_fresh},
                                                          {"ahead_pixels", 5, {0, 8, 16, 32, 64}, standard_ahead}};

const char *fcnn_depthwise_weights_unsupported(const struct fcnn_query *query)
{
    if (query->problem->groups != query->problem->c) return "groups of several channels";
    return fcnn_conv2d_unsupported(query);
}

/* ---- cut ---- */

/* Of a single filter row, which uses no slot again, pieces that fit the first-level cache. */
static int64_t slot_columns(const struct fcnn_query *query, int64_t beside)
{
    const fcnn_problem *p = query->problem;
    if (p->r > 1) return p->q;
    return fcnn_min(p->q, fcnn_max(WIDTH, query->caches->l1 / 4 / (beside * BLOCK_BYTES)));
}

static struct slots slots_of(const struct fcnn_query *query, int64_t beside)
{
    const fcnn_problem *p = query->problem;
    const int64_t common = common_divisor(p->stride_h, p->dilation_h), window = window_rows(p);
    struct slots slots = {.apart = p->stride_h / common, .behind = p->dilation_h / common,
                          .columns = slot_columns(query, beside)};
    slots.fresh = slots.columns < p->q ? 1 : fcnn_min(query->knobs[FRESH_ROWS], p->p - window + 1);
    slots.count = window + slots.fresh - 1;
    return slots;
}

static struct depthwise_weights_cut depthwise_weights_cut_of(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const struct fcnn_depthwise_weights *loops = query->context;
    struct depthwise_weights_cut cut = {.blocks = fcnn_ceil_div(p->k, WIDTH), .ahead = query->knobs[AHEAD],
                                        .multiplier = p->k / p->c,
                                        .taps = fcnn_panels_of(p->s, 1, FCNN_DEPTHWISE_COLUMNS)};
    cut.beside = fcnn_min(cut.blocks, query->knobs[BLOCKS]);
    cut.slots = slots_of(query, cut.beside);
    const int64_t most = loops->most_rows[fcnn_panel_at(&cut.taps, 0).width];
    const int64_t together = fcnn_ceil_div(p->r, cut.slots.apart); /* meet the same rows of the source, at most */
    cut.rows = fcnn_ceil_div(together, fcnn_ceil_div(together, most));
    const int64_t met = (cut.slots.columns - 1) * p->stride_w + (p->s - 1) * p->dilation_w + 1;
    if (cut.multiplier > 1) cut.source = fcnn_min(p->w, met);
    const int64_t pixels = p->r * p->s + 1 + cut.slots.count * cut.slots.columns + cut.source;
    cut.bytes = (size_t)(cut.beside * WIDTH * pixels) * sizeof(float);
    return cut;
}

void fcnn_depthwise_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    struct depthwise_weights_cut cut = depthwise_weights_cut_of(query);
    demand->sums = fcnn_weights_sum_bytes(query->problem);
    demand->scratch = cut.bytes;
    demand->tasks[FCNN_COMPUTE] = cut.blocks;
}

/* ---- sums ---- */

/* A task, or neighbouring ones. */
struct job {
    const struct fcnn_depthwise_weights *loops;
    const fcnn_problem *problem;
    const struct depthwise_weights_cut *cut;
    const fcnn_tensors *tensors;
    float *scratch; /* cut->bytes */
    struct fcnn_weights_sum sum;
    struct fcnn_panel channels;
};

/* In scratch: sums (for each filter element, then bias, `width` floats: whole blocks), slots, a row of the source. */
struct areas {
    float *sums, *bias, *slots, *source;
    int64_t width;
};

static struct areas areas_of(const struct job *job)
{
    const struct slots *slots = &job->cut->slots;
    const int64_t width = fcnn_ceil_div(job->channels.width, WIDTH) * WIDTH;
    float *bias = job->scratch + job->problem->r * job->problem->s * width;
    return (struct areas){job->scratch, bias, bias + width, bias + width + slots->count * slots->columns * width,
                          width};
}

/* Output rows from .. to-1 of image n, `columns` columns from `left` on. */
struct piece {
    int64_t n, from, to, left, columns;
};

/* The first pixel of a piece, in outputs and their gradients. */
static int64_t dst_of(const struct job *job, const struct piece *piece)
{
    const fcnn_problem *p = job->problem;
    return ((piece->n * p->p + piece->from) * p->q + piece->left) * p->k + job->channels.from;
}

static const float *mask_of(const struct job *job)
{
    return job->problem->activation == FCNN_RELU_ACTIVATION ? job->tensors->dst : job->tensors->d_dst;
}

/* Gradients of a piece into their slots. */
static void lay_rows(const struct job *job, const struct areas *areas, const struct piece *piece)
{
    const fcnn_problem *p = job->problem;
    const struct slots *slots = &job->cut->slots;
    const struct fcnn_depthwise_lay lay = {.d_dst = job->tensors->d_dst + dst_of(job, piece),
                                           .dst = mask_of(job) + dst_of(job, piece),
                                           .out = areas->slots,
                                           .bias = areas->bias,
                                           .rows = piece->to - piece->from,
                                           .dst_row = p->q * p->k,
                                           .slot = piece->from % slots->count,
                                           .slots = slots->count,
                                           .columns = piece->columns,
                                           .dst_column = p->k,
                                           .channels = job->channels.width};
    if (piece->from < piece->to) job->loops->lay(&lay);
}

/* Row h of the source as meet() reads it: in place, or copied for each output channel, what is met of it. */
static void place_source(const struct job *job, const struct areas *areas, const struct piece *piece, int64_t h,
                         struct fcnn_depthwise_meet *meet)
{
    const fcnn_problem *p = job->problem;
    const float *row = job->tensors->src + (piece->n * p->h + h) * p->w * p->c;
    meet->left = p->pad_left - piece->left * p->stride_w;
    meet->w = p->w;
    if (job->cut->multiplier == 1) {
        meet->src = row + job->channels.from;
        meet->src_row = p->stride_h * p->w * p->c;
        meet->src_column = p->c;
        return;
    }
    const int64_t from = fcnn_min(p->w, fcnn_max(0, -meet->left)), to = fcnn_min(p->w, from + job->cut->source);
    const struct fcnn_depthwise_multiply multiply = {row + from * p->c, areas->source, to - from, p->c, areas->width,
                                                     job->cut->multiplier, job->channels.from, job->channels.width,
                                                     p->c};
    job->loops->multiply(&multiply);
    meet->src = areas->source;
    meet->src_column = areas->width;
    meet->left += from;
    meet->w = to - from;
}

/* Filter row r and its companions first .. last-1, where r meets the rows of a piece; `fresh`: whose gradients are not
 * in their slots yet. */
static void meet_rows(const struct job *job, const struct areas *areas, const struct piece *piece, int64_t r,
                      int64_t first, int64_t last, int fresh)
{
    const fcnn_problem *p = job->problem;
    const struct slots *slots = &job->cut->slots;
    struct fcnn_depthwise_meet meet = {.gradients = areas->slots,
                                       .rows = piece->to - piece->from,
                                       .slots = slots->count,
                                       .columns = piece->columns,
                                       .taps_h = last - first,
                                       .sum = areas->width,
                                       .stride = p->stride_w,
                                       .dilation = p->dilation_w,
                                       .channels = job->channels.width,
                                       .ahead = job->cut->ahead,
                                       .dst_row = p->q * p->k,
                                       .dst_column = p->k,
                                       .bias = areas->bias};
    place_source(job, areas, piece, piece->from * p->stride_h + r * p->dilation_h - p->pad_top, &meet);
    if (fresh) meet.d_dst = job->tensors->d_dst + dst_of(job, piece), meet.dst = mask_of(job) + dst_of(job, piece);
    for (int64_t i = first; i < last; i++) meet.slot[i - first] = (piece->from - i * slots->behind) % slots->count;
    for (int64_t i = 0; i < job->cut->taps.count; i++, meet.d_dst = NULL) {
        const struct fcnn_panel taps = fcnn_panel_at(&job->cut->taps, i);
        struct fcnn_depthwise_meet some = meet;
        some.taps_w = taps.width;
        some.left -= taps.from * p->dilation_w;
        for (int64_t j = first; j < last; j++)
            some.sums[j - first] = areas->sums + ((r + j * slots->apart) * p->s + taps.from) * areas->width;
        job->loops->meet(&some);
    }
}

/* The rows of a piece where filter row r lies on the source. */
static struct piece met_by(const struct job *job, const struct piece *piece, int64_t r)
{
    const fcnn_problem *p = job->problem;
    const int64_t origin = r * p->dilation_h - p->pad_top;
    struct piece met = *piece;
    met.from = fcnn_max(met.from, fcnn_ceil_div(fcnn_max(0, -origin), p->stride_h));
    met.to = fcnn_min(met.to, fcnn_ceil_div(fcnn_max(0, p->h - origin), p->stride_h));
    return met;
}

/* Filter row r and all its companions over the rows of the source that r meets in a piece, and behind the last output
 * row over those that only companions meet. Output rows that companions meet are in slots still. */
static void meet_companions(const struct job *job, const struct areas *areas, const struct piece *piece, int64_t r)
{
    const fcnn_problem *p = job->problem;
    const int64_t behind = job->cut->slots.behind;
    const int64_t taps = fcnn_min(job->cut->rows, fcnn_ceil_div(p->r - r, job->cut->slots.apart));
    struct piece rows = *piece;
    if (rows.to == p->p) rows.to += (taps - 1) * behind;
    rows = met_by(job, &rows, r);
    const int64_t to = rows.to;
    for (; rows.from < to; rows.from = rows.to) { /* rows with the same companions on output rows 0 .. P-1 */
        const int64_t first = rows.from < p->p ? 0 : (rows.from - p->p) / behind + 1;
        const int64_t last = fcnn_min(taps, rows.from / behind + 1);
        rows.to = fcnn_min(to, p->p + first * behind);
        if (last < taps) rows.to = fcnn_min(rows.to, last * behind);
        if (job->cut->multiplier > 1) rows.to = rows.from + 1;
        if (first < last) meet_rows(job, areas, &rows, r, first, last, r == 0 && first == 0);
    }
}

/* A piece under all filter rows. Those of its rows that filter row 0 meets get into their slots on the way. */
static void sum_piece(const struct job *job, const struct areas *areas, const struct piece *piece)
{
    const struct slots *slots = &job->cut->slots;
    const struct piece met = met_by(job, piece, 0);
    struct piece before = *piece, behind = *piece;
    before.to = behind.from = piece->to;
    if (met.from < met.to) before.to = met.from, behind.from = met.to;
    lay_rows(job, areas, &before);
    for (int64_t r = 0; r < job->problem->r; r++) {
        if (r / slots->apart % job->cut->rows == 0) meet_companions(job, areas, piece, r);
        if (r == 0) lay_rows(job, areas, &behind);
    }
}

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
    const struct slots *slots = &job->cut->slots;
    const struct areas areas = areas_of(job);
    const size_t bytes = (size_t)job->channels.width * sizeof(float);
    memset(areas.sums, 0, (size_t)(areas.slots - areas.sums) * sizeof(float));
    for (int64_t n = image; n < image + images; n++)
        for (int64_t from = 0; from < p->p; from += slots->fresh)
            for (int64_t left = 0; left < p->q; left += slots->columns) {
                const struct piece piece = {n, from, fcnn_min(p->p, from + slots->fresh), left,
                                            fcnn_min(p->q - left, slots->columns)};
                sum_piece(job, &areas, &piece);
            }
    float *out = fcnn_weights_sum_weights(&job->sum, slot) + job->channels.from;
    for (int64_t i = 0; i < p->r * p->s; i++) memcpy(out + i * p->k, areas.sums + i * areas.width, bytes);
    if (!p->no_bias) memcpy(fcnn_weights_sum_bias(&job->sum, slot) + job->channels.from, areas.bias, bytes);
}

void fcnn_depthwise_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                                enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_depthwise_weights *loops = query->context;
    const fcnn_problem *p = query->problem;
    struct depthwise_weights_cut cut = depthwise_weights_cut_of(query);
    struct job job = {.loops = loops,
                      .problem = p,
                      .cut = &cut,
                      .tensors = t,
                      .scratch = memory->scratch,
                      .sum = fcnn_weights_sum_of(p, t, memory->sums, loops->add_sums)};
    (void)stage; /* only one */
    for (int64_t next; first < last; first = next) {
        next = fcnn_min(last, first + cut.beside);
        job.channels = (struct fcnn_panel){first * WIDTH, fcnn_min(next * WIDTH, p->k) - first * WIDTH};
        fcnn_sum_blocks(p->n, sum_block, add_slot, &job);
    }
}

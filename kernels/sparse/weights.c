/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pool-sparse backward weights and bias: for one output channel, tiles of filter elements (r, s, c) in registers, and a
 * walk over the channel's live windows. A task is a group of 16 output channels; its sums lie transposed, [k][r, s, c],
 * in the area for sums.
 *
 * Lists are made per unit: an image, or a band of window rows of a large one, so that a unit's input stays in the L1
 * cache while all channels of a group pass over it. Sums are carried from unit to unit, which is exact. */
#include "kernels/conv2d/conv2d.h"
#include "kernels/sparse/sparse.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

#define LEAST_VECTORS 4 /* in a filter: fewer sums cannot hide the latency of FMAs (winners.c) */

/* Knobs: bytes of input of a unit, or of the images that share a pass; windows that a unit has at least. */
enum { UNIT_BYTES, UNIT_WINDOWS };

struct sparse_weights_cut {
    fcnn_problem conv;
    int64_t run_count, run, run_step; /* runs: how many, elements in the filter, floats of sums */
    int64_t row_groups;
    struct fcnn_panels pieces;        /* of a run */
    int64_t groups, bands, band_rows, capacity, units; /* units: of all images */
    int64_t chunk_units;              /* of whole images that share a pass */
    int64_t slots, slot;              /* sums of blocks: how many, floats of each */
};

/* Filter rows are runs if neighbouring taps are neighbouring pixels; else taps are. */
static void cut_filter(struct sparse_weights_cut *cut, const struct fcnn_sparse *isa, const fcnn_problem *p)
{
    int64_t joined = p->dilation_w == 1 ? p->s : 1;
    cut->run_count = p->r * p->s / joined;
    cut->run = joined * p->c;
    cut->run_step = fcnn_ceil_div(cut->run, 16) * 16;
    cut->row_groups = fcnn_ceil_div(cut->run_count, FCNN_SPARSE_ROWS);
    cut->pieces = fcnn_panels_of(cut->run, isa->lanes, isa->vectors[fcnn_ceil_div(cut->run_count, cut->row_groups)]);
    cut->slot = FCNN_SPARSE_GROUP * (cut->run_count * cut->run_step + 1);
    int64_t blocks = fcnn_ceil_div(p->n, FCNN_BLOCK);
    for (cut->slots = 1; (int64_t)1 << (cut->slots - 1) < blocks;) cut->slots++;
}

/* What all channels of a group pass over stays in the L1 cache. */
static int64_t standard_bytes(const struct fcnn_query *query) { return query->caches->l1; }

/* Of so many windows half are alive, the steps between loading sums and storing them. */
static int64_t standard_windows(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    return p->p == 1 ? FCNN_MOOT : 16;
}

const struct fcnn_knob fcnn_sparse_weights_knobs[] = {
    [UNIT_BYTES] = {"unit_bytes", 6, {8 << 10, 16 << 10, 32 << 10, 48 << 10, 96 << 10, 256 << 10}, standard_bytes},
    [UNIT_WINDOWS] = {"unit_windows", 5, {4, 8, 16, 32, 64}, standard_windows},
};

static struct sparse_weights_cut sparse_weights_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct sparse_weights_cut cut = {.conv = fcnn_conv_of(p, fcnn_is_padded(p)),
                                     .groups = fcnn_ceil_div(p->k, FCNN_SPARSE_GROUP)};
    const fcnn_problem *conv = &cut.conv;
    cut_filter(&cut, isa, p);
    int64_t row = conv->w * conv->c * (int64_t)sizeof(float), overlap = (p->r - 1) * p->dilation_h + 1 - p->stride_h;
    const int64_t bytes = query->knobs[UNIT_BYTES], least = fcnn_ceil_div(query->knobs[UNIT_WINDOWS], p->q);
    int64_t rows = fcnn_max((bytes / row - overlap) / (2 * p->stride_h), least);
    cut.bands = fcnn_ceil_div(p->p, rows);
    cut.band_rows = fcnn_ceil_div(p->p, cut.bands);
    cut.bands = fcnn_ceil_div(p->p, cut.band_rows);
    cut.capacity = fcnn_ceil_div(cut.band_rows * p->q, 16) * 16;
    cut.units = p->n * cut.bands;
    cut.chunk_units = cut.bands > 1 ? 1 : fcnn_max(1, fcnn_min(FCNN_BLOCK, bytes / (conv->h * row)));
    return cut;
}

/* The shared area: input with its padding, then lists: of each unit and channel. */
struct lists {
    int64_t channels; /* of a unit: whole groups */
    int32_t *counts, *offsets;
    float *gradients;
    size_t bytes;
};

static size_t halo_bytes(const fcnn_problem *p)
{
    return fcnn_is_padded(p) ? fcnn_line(fcnn_spread_bytes(p, FCNN_SPREAD_HALO)) : 0;
}

static struct lists lists_in(const struct sparse_weights_cut *cut, void *memory)
{
    struct lists lists = {.channels = cut->groups * FCNN_SPARSE_GROUP};
    size_t counts = fcnn_line((size_t)(cut->units * lists.channels) * sizeof(int32_t));
    size_t elements = (size_t)(cut->units * lists.channels * cut->capacity);
    lists.bytes = counts + elements * (sizeof(int32_t) + sizeof(float));
    if (!memory) return lists;
    lists.counts = memory;
    lists.offsets = (int32_t *)((char *)memory + counts);
    lists.gradients = (float *)(lists.offsets + elements);
    return lists;
}

const char *fcnn_sparse_weights_doubt(const struct fcnn_query *query)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    if (isa->picks && p->r * p->s * p->c < LEAST_VECTORS * isa->lanes) return "filters of less than four vectors";
    return NULL;
}

void fcnn_sparse_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct sparse_weights_cut cut = sparse_weights_cut_of(query);
    demand->tables = (size_t)(p->p * p->q) * sizeof(int32_t);
    demand->shared = halo_bytes(p) + lists_in(&cut, NULL).bytes;
    demand->sums = (size_t)(cut.groups * cut.slots * cut.slot) * sizeof(float);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = p->n;
    demand->tasks[FCNN_COMPUTE] = cut.groups;
}

static void fill_corners(const fcnn_problem *conv, int32_t *corners)
{
    for (int64_t p = 0; p < conv->p; p += 2)
        for (int64_t q = 0; q < conv->q; q += 2)
            *corners++ = (int32_t)((p * conv->stride_h * conv->w + q * conv->stride_w) * conv->c);
}

/* The windows of `count` window rows from row `row` of image n, one group of channels. */
static struct fcnn_sparse_lists windows_of(const struct sparse_weights_cut *cut, const fcnn_tensors *t, int64_t n,
                                           int64_t row, int64_t count, int64_t group)
{
    const fcnn_problem *conv = &cut->conv;
    int64_t across = conv->q / 2, first = (n * (conv->p / 2) + row) * across, channel = group * FCNN_SPARSE_GROUP;
    return (struct fcnn_sparse_lists){
        .choice = t->choice + (first * cut->groups + group) * 3, .choice_stride = cut->groups * 3,
        .d_dst = t->d_dst + first * conv->k + channel, .d_dst_stride = conv->k,
        .windows = count * across, .width = fcnn_min(FCNN_SPARSE_GROUP, conv->k - channel),
        .right = (int32_t)(conv->stride_w * conv->c), .below = (int32_t)(conv->stride_h * conv->w * conv->c),
        .capacity = cut->capacity};
}

static void list_image(const struct fcnn_sparse *isa, const struct sparse_weights_cut *cut, const fcnn_tensors *t,
                       const int32_t *corners, const struct lists *lists, int64_t n)
{
    int64_t down = cut->conv.p / 2, across = cut->conv.q / 2;
    for (int64_t band = 0; band < cut->bands; band++) {
        int64_t row = band * cut->band_rows, rows = fcnn_min(cut->band_rows, down - row);
        for (int64_t group = 0; group < cut->groups; group++) {
            int64_t at = (n * cut->bands + band) * lists->channels + group * FCNN_SPARSE_GROUP;
            struct fcnn_sparse_lists list = windows_of(cut, t, n, row, rows, group);
            list.corners = corners + row * across;
            list.counts = lists->counts + at;
            list.offsets = lists->offsets + at * cut->capacity;
            list.gradients = lists->gradients + at * cut->capacity;
            isa->list(&list);
        }
    }
}

/* What a call works with. */
struct call {
    const struct fcnn_sparse *isa;
    struct sparse_weights_cut cut;
    struct lists lists;
    const fcnn_tensors *tensors;
    const float *src;
    float *sums; /* [group][slot] */
};

static float *slot_of(const struct call *call, int64_t group, int64_t slot)
{
    return call->sums + (group * call->cut.slots + slot) * call->cut.slot;
}

static float *bias_of(const struct call *call, int64_t group, int64_t slot)
{
    return slot_of(call, group, slot) + call->cut.slot - FCNN_SPARSE_GROUP;
}

/* All tiles of a group of channels over `units` units. */
static void run_units(const struct call *call, int64_t group, int64_t unit, int64_t units, int carry, float *sums)
{
    const struct sparse_weights_cut *cut = &call->cut;
    const fcnn_problem *conv = &cut->conv;
    int64_t image = conv->h * conv->w * conv->c, at = unit * call->lists.channels + group * FCNN_SPARSE_GROUP;
    int64_t joined = cut->run / conv->c, per_row = conv->s / joined; /* taps of a run, runs of a filter row */
    struct fcnn_sparse_tile tile = {.channels = fcnn_min(FCNN_SPARSE_GROUP, conv->k - group * FCNN_SPARSE_GROUP),
                                    .out_stride = cut->run_count * cut->run_step,
                                    .carry = carry,
                                    .units = units,
                                    .src_step = image,
                                    .counts_step = call->lists.channels,
                                    .lists_step = call->lists.channels * cut->capacity,
                                    .capacity = cut->capacity,
                                    .counts = call->lists.counts + at,
                                    .offsets = call->lists.offsets + at * cut->capacity,
                                    .gradients = call->lists.gradients + at * cut->capacity};
    for (int64_t i = 0; i < cut->row_groups; i++) {
        int64_t from = cut->run_count * i / cut->row_groups, rows = cut->run_count * (i + 1) / cut->row_groups - from;
        for (int64_t j = 0; j < cut->pieces.count; j++) {
            struct fcnn_panel piece = fcnn_panel_at(&cut->pieces, j);
            for (int64_t row = 0; row < rows; row++) {
                int64_t r = (from + row) / per_row, s = (from + row) % per_row;
                tile.src[row] = call->src + unit / cut->bands * image + piece.from +
                                (r * conv->dilation_h * conv->w + s * conv->dilation_w) * conv->c;
                tile.out[row] = sums + (from + row) * cut->run_step + piece.from;
            }
            tile.width = piece.width;
            call->isa->accumulate[rows][fcnn_ceil_div(piece.width, call->isa->lanes)](&tile);
        }
    }
}

/* Groups first .. last-1. */
struct share {
    const struct call *call;
    int64_t first, last;
};

/* A chunk of input serves all groups while it is in the L1 cache. */
static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct share *share = context;
    const struct call *call = share->call;
    const struct sparse_weights_cut *cut = &call->cut;
    int64_t begin = image * cut->bands, end = (image + images) * cut->bands;
    for (int64_t unit = begin; unit < end; unit += cut->chunk_units)
        for (int64_t group = share->first; group < share->last; group++)
            run_units(call, group, unit, fcnn_min(cut->chunk_units, end - unit), unit > begin,
                      slot_of(call, group, slot));
    for (int64_t group = share->first; group < share->last && !cut->conv.no_bias; group++) {
        struct fcnn_sparse_lists windows = windows_of(cut, call->tensors, image, 0, images * (cut->conv.p / 2), group);
        call->isa->sum_gradients(&windows, bias_of(call, group, slot));
    }
}

/* Channels that fill up the last group hold nothing and go nowhere. */
static void add_slot(void *context, int64_t into)
{
    const struct share *share = context;
    const struct call *call = share->call;
    for (int64_t group = share->first; group < share->last; group++)
        call->isa->add_sums(1, call->cut.slot, slot_of(call, group, into), 0, slot_of(call, group, into + 1), 0,
                            slot_of(call, group, into), 0);
}

/* Slot 0 to the outputs. */
static void put_group(const struct call *call, int64_t group)
{
    const struct sparse_weights_cut *cut = &call->cut;
    int64_t channel = group * FCNN_SPARSE_GROUP, k = cut->conv.k, width = fcnn_min(FCNN_SPARSE_GROUP, k - channel);
    for (int64_t i = 0; i < cut->run_count; i++)
        call->isa->transpose(width, cut->run, slot_of(call, group, 0) + i * cut->run_step,
                             cut->run_count * cut->run_step, call->tensors->d_weights + i * cut->run * k + channel, k);
    if (!cut->conv.no_bias) call->isa->copy(1, width, bias_of(call, group, 0), 0, call->tensors->d_bias + channel, 0);
}

static void compute(const struct call *call, int64_t first, int64_t last)
{
    struct share share = {call, first, last};
    fcnn_sum_blocks(call->cut.conv.n, sum_block, add_slot, &share);
    for (int64_t group = first; group < last; group++) put_group(call, group);
}

void fcnn_sparse_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = {.isa = isa, .cut = sparse_weights_cut_of(query), .tensors = t, .sums = memory->sums};
    if (stage == FCNN_TABLES) {
        fill_corners(&call.cut.conv, memory->tables);
        return;
    }
    int padded = fcnn_is_padded(p);
    call.lists = lists_in(&call.cut, (char *)memory->shared + halo_bytes(p));
    call.src = padded ? memory->shared : t->src;
    if (stage == FCNN_GATHER) {
        if (padded) fcnn_spread(NULL, p, t, FCNN_SPREAD_HALO, memory->shared, first, last);
        for (int64_t n = first; n < last; n++) list_image(isa, &call.cut, t, memory->tables, &call.lists, n);
    } else {
        compute(&call, first, last);
    }
}

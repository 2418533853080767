/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pool-sparse backward weights and bias of narrow filters, as in first layers: vectors run over output channels, and
 * every lane picks its own winner's input from the four that a filter element meets in a window. All windows are
 * visited, each once instead of four times; channels without a live gradient add +0.
 *
 * A task is a panel of output channels and one filter element, so that threads divide the filter; neighbouring elements
 * of a call are one tile. The fours of its elements lie in scratch, [window][element][4], for a band of windows that
 * fits the L1 cache; then every tile of the call passes over the band and carries its sums on. */
#include "kernels/conv2d/conv2d.h"
#include "kernels/sparse/sparse.h"
#include "kernels/conv2d/weights_sum.h"
#include "kernels/simd/common.h"

#define MOST_VECTORS 4 /* in a filter: from there on lists of live windows are faster (weights.c) */

struct winners_cut {
    fcnn_problem conv; /* of the input with its halo */
    int64_t elements, windows;
    int64_t band_rows; /* window rows of a band */
    struct fcnn_panels panels;
};

static size_t four_bytes(const struct winners_cut *cut)
{
    return fcnn_line((size_t)(cut->band_rows * cut->conv.q / 2 * cut->elements * 4) * sizeof(float));
}

/* Laid out inputs take a third of the L1 cache: they are written, and read again while gradients stream past. */
static int64_t standard_bytes(const struct fcnn_query *query) { return query->caches->l1 / 3; }

const struct fcnn_knob fcnn_sparse_winners_knobs[] = {
    {"band_bytes", 6, {2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 128 << 10}, standard_bytes},
};

static struct winners_cut winners_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct winners_cut cut = {
        .conv = fcnn_conv_of(p, fcnn_is_padded(p)), .elements = p->r * p->s * p->c, .windows = p->p * p->q};
    cut.panels = fcnn_panels_of(p->k, isa->lanes, isa->picks);
    cut.band_rows = fcnn_min(p->p, fcnn_max(1, query->knobs[0] / (p->q * cut.elements * 4 * (int64_t)sizeof(float))));
    return cut;
}

const char *fcnn_sparse_winners_doubt(const struct fcnn_query *query)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    return p->r * p->s * p->c >= MOST_VECTORS * isa->lanes ? "filters of four vectors or more" : NULL;
}

void fcnn_sparse_winners_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct winners_cut cut = winners_cut_of(query);
    demand->tables = (size_t)cut.elements * sizeof(int32_t);
    demand->shared = fcnn_is_padded(p) ? fcnn_spread_bytes(p, FCNN_SPREAD_HALO) : 0;
    demand->sums = fcnn_weights_sum_bytes(p);
    demand->scratch = four_bytes(&cut);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = fcnn_is_padded(p) ? p->n : 0;
    demand->tasks[FCNN_COMPUTE] = cut.panels.count * cut.elements;
}

/* Offsets of filter elements from an output position's first input. */
static void fill_offsets(const fcnn_problem *conv, int32_t *offsets)
{
    for (int64_t r = 0; r < conv->r; r++)
        for (int64_t s = 0; s < conv->s; s++)
            for (int64_t c = 0; c < conv->c; c++)
                *offsets++ = (int32_t)((r * conv->dilation_h * conv->w + s * conv->dilation_w) * conv->c + c);
}

/* What a call works with. */
struct call {
    const struct fcnn_sparse *isa;
    struct winners_cut cut;
    const fcnn_tensors *tensors;
    const float *src;
    int64_t from, elements; /* whose fours are laid out */
    const int32_t *offsets; /* of the first of these */
    float *fours;
    struct fcnn_weights_sum sum;
};

/* Window rows row .. row + rows - 1 of image n. */
static void lay_out_band(const struct call *call, int64_t n, int64_t row, int64_t rows)
{
    const struct winners_cut *cut = &call->cut;
    const fcnn_problem *conv = &cut->conv;
    int64_t right = conv->stride_w * conv->c, below = conv->stride_h * conv->w * conv->c, across = conv->q / 2;
    const float *src = call->src + n * conv->h * conv->w * conv->c;
    for (int64_t i = 0; i < rows; i++)
        call->isa->lay_out(across, call->elements, call->offsets, src + (row + i) * 2 * below, right, below,
                           call->fours + i * across * call->elements * 4);
}

struct place {
    struct fcnn_panel panel; /* of channels */
    int64_t from, elements;
};

/* The tile that begins with `task` and holds tasks before `last` alone: they are left in tiles of about one size. */
static struct place place_of(const struct winners_cut *cut, int64_t task, int64_t last)
{
    int64_t from = task % cut->elements, rest = fcnn_min(cut->elements - from, last - task);
    return (struct place){fcnn_panel_at(&cut->panels, task / cut->elements), from,
                          fcnn_ceil_div(rest, fcnn_ceil_div(rest, FCNN_SPARSE_PICKS))};
}

/* The bias goes with a panel's first element. */
static int has_bias(const struct call *call, const struct place *place)
{
    return place->from == 0 && !call->cut.conv.no_bias;
}

/* Windows first .. first + windows - 1 of all, which are those of the band. */
static void run_band(const struct call *call, const struct place *place, int64_t first, int64_t windows, int carry,
                     int64_t slot)
{
    const struct winners_cut *cut = &call->cut;
    int64_t k = cut->conv.k, words = fcnn_ceil_div(k, FCNN_SPARSE_GROUP) * 3;
    struct fcnn_sparse_pick pick = {
        .fours = call->fours + (place->from - call->from) * 4, .fours_step = call->elements * 4, .carry = carry,
        .choice = call->tensors->choice + first * words, .choice_step = words,
        .d_dst = call->tensors->d_dst + first * k + place->panel.from, .k = k, .windows = windows,
        .channel = place->panel.from, .width = place->panel.width,
        .out = fcnn_weights_sum_weights(&call->sum, slot) + place->from * k + place->panel.from};
    if (has_bias(call, place)) pick.bias = fcnn_weights_sum_bias(&call->sum, slot) + place->panel.from;
    call->isa->pick[fcnn_ceil_div(place->panel.width, call->isa->lanes)][place->elements](&pick);
}

static void add_place(const struct call *call, const struct place *place, int64_t into)
{
    const struct fcnn_panel *panel = &place->panel;
    fcnn_weights_sum_add(&call->sum, into, place->from, place->elements, panel->from, panel->width);
    if (has_bias(call, place)) fcnn_weights_sum_add_bias(&call->sum, into, panel->from, panel->width);
}

/* Tasks first .. last-1 of a call. */
struct share {
    const struct call *call;
    int64_t first, last;
};

static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    const struct share *share = context;
    const struct winners_cut *cut = &share->call->cut;
    const int64_t down = cut->conv.p / 2, across = cut->conv.q / 2;
    for (int64_t n = image; n < image + images; n++)
        for (int64_t row = 0; row < down; row += cut->band_rows) {
            const int64_t rows = fcnn_min(cut->band_rows, down - row);
            lay_out_band(share->call, n, row, rows);
            for (int64_t task = share->first; task < share->last;) {
                const struct place place = place_of(cut, task, share->last);
                task += place.elements;
                run_band(share->call, &place, n * cut->windows + row * across, rows * across, n > image || row > 0,
                         slot);
            }
        }
}

static void add_slot(void *context, int64_t into)
{
    const struct share *share = context;
    for (int64_t task = share->first; task < share->last;) {
        const struct place place = place_of(&share->call->cut, task, share->last);
        task += place.elements;
        add_place(share->call, &place, into);
    }
}

void fcnn_sparse_winners_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct call call = {.isa = isa, .cut = winners_cut_of(query), .tensors = t, .fours = memory->scratch};
    if (stage == FCNN_TABLES) {
        fill_offsets(&call.cut.conv, memory->tables);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(NULL, p, t, FCNN_SPREAD_HALO, memory->shared, first, last);
    } else {
        int64_t elements = call.cut.elements, one_panel = first / elements == (last - 1) / elements;
        call.from = one_panel ? first % elements : 0;
        call.elements = one_panel ? last - first : elements;
        call.offsets = (const int32_t *)memory->tables + call.from;
        call.src = fcnn_is_padded(p) ? memory->shared : t->src;
        call.sum = fcnn_weights_sum_of(p, t, memory->sums, call.isa->add_sums);
        fcnn_sum_blocks(call.cut.conv.n, sum_block, add_slot, &(struct share){&call, first, last});
    }
}

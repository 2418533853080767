/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Backward data towards few input channels, as in first layers: lanes are neighbouring pixels of a row. Gradient rows
 * are visited from the last to the first, so that an output row meets its filter rows in ascending order. All pairs of
 * filter row and input channel read the same gradient row: they are the rows of a tile (outer form: a is the weights in
 * place, b the gradient row transposed to [k][x], k runs over filter columns and output channels). Sums of a band
 * of output rows wait in scratch meanwhile. Gradient rows have zeros at both sides, those of small images lie side by
 * side; strides come as the phases of geometry.h. */
#include <string.h>

#include "kernels/conv2d/narrow.h"
#include "kernels/simd/common.h"

/* Knobs: sums of a band are at most so many bytes; images lie side by side while they fit in so many columns. */
enum { BAND_BYTES, BESIDE_COLUMNS };
#define MOST_BAND (1 << 20)
#define MOST_COLUMNS 256

/* A part of the L2 cache: gradients come and go meanwhile. */
static int64_t standard_band(const struct fcnn_query *query) { return query->caches->l2 / 8; }

/* A transposed row of the gradient should stay in half of the L1 cache, as all tiles read it; but fill a tile. */
static int64_t standard_columns(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    if (p->n == 1) return FCNN_MOOT;
    const int64_t columns = query->caches->l1 / 2 / (p->k * (int64_t)sizeof(float));
    return fcnn_min(fcnn_max(columns, tiles->outer_vectors * tiles->lanes), MOST_COLUMNS);
}

const struct fcnn_knob fcnn_narrow_knobs[FCNN_NARROW_KNOBS] = {
    [BAND_BYTES] = {"band_bytes", 6, {32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, MOST_BAND}, standard_band},
    [BESIDE_COLUMNS] = {"beside_columns", 5, {1, 32, 64, 128, MOST_COLUMNS}, standard_columns},
};

struct narrow_cut {
    int64_t left;          /* zeros before a gradient row */
    int64_t lead;          /* floats before the zeros, so that gradients of the first image are whole cache lines */
    int64_t columns;       /* of a gradient row with its zeros: from image to image in scratch */
    int64_t beside, sets;  /* images side by side, and how often */
    int64_t phases;        /* of output columns */
    int64_t length, pitch; /* floats of a row of sums, and of gradients */
    int64_t band, bands;   /* output rows of a band; bands of an image */
    size_t gradient, sums; /* bytes */
};

static struct narrow_cut narrow_cut_of(const struct fcnn_tiles *tiles, const fcnn_problem *p, const int64_t *knobs)
{
    struct narrow_cut cut = {.phases = fcnn_min(p->stride_w, p->w)};
    int64_t reach = (p->s - 1) * p->dilation_w, last = (p->w - 1 + p->pad_left) / p->stride_w;
    cut.left = fcnn_max(0, reach - p->pad_left) / p->stride_w;
    cut.columns = cut.left + fcnn_max(p->q, last + 1);
    cut.beside = fcnn_max(1, fcnn_min(p->n, knobs[BESIDE_COLUMNS] / cut.columns));
    cut.sets = fcnn_ceil_div(p->n, cut.beside);
    int64_t before = (cut.beside - 1) * cut.columns, lanes = tiles->lanes;
    cut.length = fcnn_ceil_div(before + fcnn_ceil_div(p->w, p->stride_w), lanes) * lanes;
    cut.pitch = cut.length + cut.columns - p->w / p->stride_w; /* tiles start so much further right at most */
    cut.pitch = fcnn_max(cut.pitch, before + cut.left + fcnn_ceil_div(p->q, lanes) * lanes);
    cut.pitch = (fcnn_ceil_div(cut.pitch, 16) | 1) * 16; /* odd lines: a column's share all sets of the L1 cache */
    int64_t row = p->c * cut.phases * cut.length * (int64_t)sizeof(float);
    cut.bands = fcnn_ceil_div(p->h * row, knobs[BAND_BYTES]);
    if (cut.bands * cut.sets % 2 && p->h * row > knobs[BAND_BYTES] / 8) cut.bands++; /* even for two threads */
    cut.bands = fcnn_min(p->h, cut.bands);
    cut.band = fcnn_ceil_div(p->h, cut.bands);
    cut.bands = fcnn_ceil_div(p->h, cut.band);
    cut.lead = (16 - cut.left % 16) % 16;
    cut.gradient = fcnn_line((size_t)(cut.lead + p->k * cut.pitch) * sizeof(float));
    cut.sums = (size_t)(cut.band * row);
    return cut;
}

/* Tables: the phases, their filter columns as segments (those of one phase after the other), steps within a segment. */
struct tables {
    struct fcnn_axis_class *phases;
    struct fcnn_segment *segments;
    int32_t *steps;
    size_t bytes;
};

static struct tables tables_in(const fcnn_problem *p, void *memory)
{
    size_t phases = fcnn_line((size_t)p->w * sizeof(struct fcnn_axis_class));
    size_t segments = fcnn_line((size_t)p->s * sizeof(struct fcnn_segment));
    struct tables tables = {.bytes = phases + segments + (size_t)(p->k / p->groups) * sizeof(int32_t)};
    if (!memory) return tables;
    tables.phases = memory;
    tables.segments = (struct fcnn_segment *)((char *)memory + phases);
    tables.steps = (int32_t *)((char *)memory + phases + segments);
    return tables;
}

/* With its zeros a gradient row has no borders: every phase is one class. */
static void fill_tables(const struct narrow_cut *cut, const fcnn_problem *p, const struct tables *tables)
{
    fcnn_problem conv = *p;
    conv.pad_left += cut->left * p->stride_w, conv.q = cut->columns;
    fcnn_axis_classes(&conv, 0, tables->phases);
    int64_t depth = p->k / p->groups, step = p->c / p->groups * p->k;
    struct fcnn_segment *segment = tables->segments;
    for (int64_t i = 0; i < cut->phases; i++) {
        const struct fcnn_axis_class *phase = &tables->phases[i];
        for (int64_t j = 0; j < phase->taps; j++)
            *segment++ = (struct fcnn_segment){(phase->tap + j * phase->tap_step) * step,
                                               phase->origin + j * phase->advance, depth};
    }
    for (int64_t k = 0; k < depth; k++) tables->steps[k] = (int32_t)k;
}

/* From half a vector of channels on it does not pay to transpose the gradient. Scalar tiles serve what AVX2's do. */
const char *fcnn_narrow_unsupported(const struct fcnn_query *query)
{
    const char *reason = fcnn_conv2d_unsupported(query);
    if (reason) return reason;
    const fcnn_problem *p = query->problem;
    const int64_t widest[FCNN_NARROW_KNOBS] = {[BAND_BYTES] = MOST_BAND, [BESIDE_COLUMNS] = MOST_COLUMNS};
    return narrow_cut_of(query->context, p, widest).pitch > INT32_MAX / p->k ? "gradient rows of 2^31 values or more"
                                                                             : NULL;
}

const char *fcnn_narrow_doubt(const struct fcnn_query *query)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    int64_t channels = p->c / p->groups;
    if (channels > fcnn_max(tiles->lanes, 8) / 2) return "more than half a vector of input channels in a group";
    if (p->r * p->s == 1) return "filters of one element";
    const int64_t knobs[FCNN_NARROW_KNOBS] = {[BAND_BYTES] = standard_band(query),
                                              [BESIDE_COLUMNS] = p->n > 1 ? standard_columns(query) : 1};
    const struct narrow_cut cut = narrow_cut_of(tiles, p, knobs);
    if (cut.beside * fcnn_ceil_div(p->w, p->stride_w) < 2 * channels) return "rows of few pixels";
    /* multiply-adds with a row of gradients: here zeros count, in direct (which may fold windows) empty lanes */
    const fcnn_problem folded = fcnn_folded(p);
    const int64_t wide = fcnn_max(tiles->lanes, 8), here = channels * p->s * cut.length;
    const int64_t direct = cut.beside * p->q * folded.s * fcnn_ceil_div(folded.c / folded.groups, wide) * wide;
    if (here >= direct) return "more zeros beside gradients than lanes without a channel";
    return NULL;
}

void fcnn_narrow_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct narrow_cut cut = narrow_cut_of(tiles, p, query->knobs);
    demand->tables = tables_in(p, NULL).bytes;
    demand->scratch = cut.gradient + cut.sums;
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_COMPUTE] = cut.sets * cut.bands;
}

/* A band of output rows, of images side by side. */
struct band {
    const struct fcnn_tiles *tiles;
    const fcnn_problem *p;
    const fcnn_tensors *tensors;
    struct narrow_cut cut;
    struct tables tables;
    int64_t image, images, from, to;
    float *gradient, *sums;
};

static float *sums_of(const struct band *b, int64_t row, int64_t channel, int64_t phase)
{
    return b->sums + (((row - b->from) * b->p->c + channel) * b->cut.phases + phase) * b->cut.length;
}

/* The pairs of filter row and input channel that a gradient row meets within the band: `count`, from (r, channel 0) on;
 * filter row r leads to output row `row`. */
struct pairs {
    int64_t count, r, row, channel;
};

static void place_rows(const struct band *b, struct pairs *at, int64_t group, int64_t phase, int64_t rows,
                       struct fcnn_tile *tile)
{
    const fcnn_problem *p = b->p;
    int64_t width = p->c / p->groups, depth = p->k / p->groups;
    for (int64_t i = 0; i < rows; i++) {
        tile->a[i] = b->tensors->weights + (at->r * p->s * width + at->channel) * p->k + group * depth;
        tile->out[i] = sums_of(b, at->row, group * width + at->channel, phase);
        if (++at->channel == width) at->channel = 0, at->r++, at->row += p->dilation_h;
    }
}

/* Adds what a gradient row gives to one phase. Few rows want wide tiles: ten sums and more hide the latency of FMAs.
 * Out of line: inlined, `bench/compare` found conv2d_bwd_data_narrow_avx512 slower. */
static __attribute__((noinline)) void run_phase(const struct band *b, struct pairs at, int64_t group, int64_t phase,
                                                struct fcnn_tile *tile)
{
    const struct fcnn_tiles *tiles = b->tiles;
    int64_t outputs = (b->images - 1) * b->cut.columns + b->tables.phases[phase].count;
    int64_t most = tiles->outer_vectors;
    while (most > 2 && tiles->rows[most] < at.count) most--;
    struct fcnn_panels panels = fcnn_panels_of(outputs, tiles->lanes, most);
    int64_t parts = fcnn_ceil_div(at.count, tiles->rows[fcnn_min(most, panels.granules)]);
    for (int64_t part = 0; part < parts; part++) {
        int64_t rows = at.count * (part + 1) / parts - at.count * part / parts;
        place_rows(b, &at, group, phase, rows, tile);
        for (int64_t i = 0; i < panels.count; i++) {
            struct fcnn_panel panel = fcnn_panel_at(&panels, i);
            int64_t vectors = fcnn_ceil_div(panel.width, tiles->lanes);
            tile->b = b->gradient + group * (b->p->k / b->p->groups) * b->cut.pitch + panel.from;
            tile->width = vectors * tiles->lanes;
            tiles->outer[vectors][rows](tile);
            for (int64_t row = 0; row < rows; row++) tile->out[row] += tile->width;
        }
    }
}

static void transpose_row(const struct band *b, int64_t g)
{
    const fcnn_problem *p = b->p;
    int relu = p->activation == FCNN_RELU_ACTIVATION;
    for (int64_t i = 0; i < b->images; i++) {
        int64_t at = ((b->image + i) * p->p + g) * p->q * p->k;
        b->tiles->transpose(p->q, p->k, b->tensors->d_dst + at, relu ? b->tensors->dst + at : NULL, p->k,
                            b->gradient + i * b->cut.columns + b->cut.left, b->cut.pitch);
    }
}

/* Adds what gradient row g gives to the band. */
static void run_row(const struct band *b, int64_t g)
{
    const fcnn_problem *p = b->p;
    int64_t base = g * p->stride_h - p->pad_top; /* the output row of filter row 0 */
    struct pairs at = {.r = fcnn_ceil_div(fcnn_max(0, b->from - base), p->dilation_h)};
    at.row = base + at.r * p->dilation_h;
    int64_t end = fcnn_min(p->r, (b->to - 1 - base) / p->dilation_h + 1);
    if (at.r >= end) return;
    at.count = (end - at.r) * (p->c / p->groups);
    transpose_row(b, g);
    for (int64_t group = 0; group < p->groups; group++) {
        struct fcnn_tile tile = {.segments = b->tables.segments, .steps = b->tables.steps, .b_stride = b->cut.pitch,
                                 .carry = 1};
        for (int64_t i = 0; i < b->cut.phases; i++) {
            tile.segment_count = b->tables.phases[i].taps;
            if (tile.segment_count) run_phase(b, at, group, i, &tile);
            tile.segments += tile.segment_count;
        }
    }
}

static void store_row(const struct band *b, int64_t row)
{
    const fcnn_problem *p = b->p;
    for (int64_t i = 0; i < b->images; i++) {
        float *out = b->tensors->d_src + ((b->image + i) * p->h + row) * p->w * p->c;
        for (int64_t c = 0; c < p->c; c++)
            for (int64_t j = 0; j < b->cut.phases; j++) {
                const struct fcnn_axis_class *phase = &b->tables.phases[j];
                const float *sums = sums_of(b, row, c, j) + i * b->cut.columns;
                int64_t step = phase->step * p->c;
                float *to = out + phase->first * p->c + c;
                for (int64_t x = 0; x < phase->count; x++) to[x * step] = sums[x];
            }
    }
}

static void run_band(const struct band *b)
{
    const fcnn_problem *p = b->p;
    int64_t lowest = fcnn_ceil_div(fcnn_max(0, b->from + p->pad_top - (p->r - 1) * p->dilation_h), p->stride_h);
    int64_t highest = fcnn_min(p->p - 1, (b->to - 1 + p->pad_top) / p->stride_h);
    memset(b->sums, 0, b->cut.sums);
    for (int64_t g = highest; g >= lowest; g--) run_row(b, g);
    for (int64_t row = b->from; row < b->to; row++) store_row(b, row);
}

void fcnn_narrow_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                     enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct band band = {tiles, p, t, .cut = narrow_cut_of(tiles, p, query->knobs),
                        .tables = tables_in(p, memory->tables)};
    if (stage == FCNN_TABLES) {
        fill_tables(&band.cut, p, &band.tables);
        return;
    }
    band.gradient = (float *)memory->scratch + band.cut.lead;
    band.sums = (float *)((char *)memory->scratch + band.cut.gradient);
    memset(memory->scratch, 0, band.cut.gradient);
    for (int64_t task = first; task < last; task++) {
        band.image = task / band.cut.bands * band.cut.beside;
        band.images = fcnn_min(band.cut.beside, p->n - band.image);
        band.from = task % band.cut.bands * band.cut.band;
        band.to = fcnn_min(p->h, band.from + band.cut.band);
        run_band(&band);
    }
}

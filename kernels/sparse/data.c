/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sparse backward data: for one output position, tiles of (tap, input channel) of d_src in registers, and a walk
 * over the position's live output channels. The gather's order, ascending taps then channels, is kept by scattering: an
 * element of d_src meets tap (r, s) at position (h - r, w - s) (stride and dilation alike), so descending positions
 * bring ascending taps; tiles of taps follow one another in passes over the whole image, lower taps first.
 *
 * A task is one image and one panel of input channels. Where d_src has no room for whole vectors or for the padding, a
 * panel of it lies in scratch until it is complete. */
#include <string.h>

#include "kernels/conv2d/conv2d.h"
#include "kernels/sparse/sparse.h"
#include "kernels/simd/common.h"

static int is_pooled(const fcnn_problem *problem) { return problem->op == FCNN_CONV2D_POOL; }

/* Knobs: vectors of a panel; filter units (cut.tap_unit) of a pass at most. */
enum { VECTORS, UNITS };

struct sparse_data_cut {
    fcnn_problem conv;            /* with its halo, if it has one */
    int64_t taps, vectors;        /* of the filter; of a panel */
    int64_t tap_unit;             /* taps that a pass must not part: 3 where they slide, else 1 */
    int64_t passes, panels;
    int64_t words;                /* of 64 output channels */
    int64_t pixel, row, image;    /* steps of the d_src that scatters write */
    int direct;                   /* that is the tensor itself */
};

/* Taps that a pass must not part, and how many such units a panel of so many vectors can take at a time. */
static int64_t tap_unit(const fcnn_problem *p)
{
    return p->s == 3 && p->stride_w == 1 && p->dilation_w == 1 ? 3 : 1;
}

static int64_t most_units(const struct fcnn_sparse *isa, const fcnn_problem *p, int64_t vectors)
{
    const int64_t unit = tap_unit(p);
    return fcnn_min((unit == 3 ? isa->slides : isa->taps)[vectors], p->r * p->s / unit);
}

/* Half cycles of a pass at one output position, with half of the gradients alive: FMAs of 2 per cycle, but each with a
 * load of its own; slower still from the L2 cache (weights leave the L1 a sixth for what else a pass reads), no faster
 * than the latency of their chains; loads and stores of the sums; the end of a list mispredicted. */
static int64_t pass_cost(const struct fcnn_query *query, int64_t sums)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    int64_t each = fcnn_max(sums + 1, 8) * 3 / 2;
    if (p->k * sums * isa->lanes * (int64_t)sizeof(float) > query->caches->l1 / 6 * 5) each += each / 2;
    return p->k * each / (is_pooled(p) ? 8 : 2) + 3 * sums / tap_unit(p) + 30;
}

static int64_t cut_cost(const struct fcnn_query *query, int64_t vectors, int64_t units)
{
    const fcnn_problem *p = query->problem;
    const int64_t unit = tap_unit(p), all = p->r * p->s / unit, passes = fcnn_ceil_div(all, units);
    const int64_t panels = fcnn_ceil_div(p->c, vectors * ((const struct fcnn_sparse *)query->context)->lanes);
    return panels * passes * pass_cost(query, fcnn_ceil_div(all, passes) * unit * vectors);
}

/* The cheapest number of units for so many vectors. */
static int64_t best_units(const struct fcnn_query *query, int64_t vectors)
{
    int64_t best = most_units(query->context, query->problem, vectors);
    for (int64_t units = best - 1; units > 0; units--)
        if (cut_cost(query, vectors, units) < cut_cost(query, vectors, best)) best = units;
    return best;
}

/* The knob's vectors as a power of two for which there is a scatter. */
static int64_t vectors_of(const struct fcnn_query *query)
{
    int64_t vectors = 1;
    while (2 * vectors <= query->knobs[VECTORS] && most_units(query->context, query->problem, 2 * vectors) > 0)
        vectors *= 2;
    return vectors;
}

static int64_t standard_vectors(const struct fcnn_query *query)
{
    int64_t best = 1, least = INT64_MAX;
    for (int64_t vectors = 1; vectors <= FCNN_SPARSE_WIDEST; vectors *= 2) {
        if (most_units(query->context, query->problem, vectors) == 0) break;
        const int64_t cost = cut_cost(query, vectors, best_units(query, vectors));
        if (cost >= least) continue;
        least = cost;
        best = vectors;
    }
    return best;
}

static int64_t standard_units(const struct fcnn_query *query)
{
    const int64_t vectors = vectors_of(query);
    return most_units(query->context, query->problem, vectors) == 1 ? FCNN_MOOT : best_units(query, vectors);
}

const struct fcnn_knob fcnn_sparse_data_knobs[] = {
    [VECTORS] = {"vectors", 4, {1, 2, 4, FCNN_SPARSE_WIDEST}, standard_vectors},
    [UNITS] = {"units", 8, {1, 2, 3, 4, 5, 6, 9, FCNN_SPARSE_TAPS}, standard_units},
};

static struct sparse_data_cut sparse_data_cut_of(const struct fcnn_query *query)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct sparse_data_cut cut = {.conv = fcnn_conv_of(p, 1), .taps = p->r * p->s,
                                  .words = fcnn_ceil_div(p->k, FCNN_LIVE_WORD)};
    cut.tap_unit = tap_unit(p);
    cut.vectors = vectors_of(query);
    cut.passes = fcnn_ceil_div(cut.taps / cut.tap_unit,
                               fcnn_min(query->knobs[UNITS], most_units(isa, p, cut.vectors)));
    cut.panels = fcnn_ceil_div(p->c, cut.vectors * isa->lanes);
    int64_t columns = cut.vectors * isa->lanes;
    cut.direct = !fcnn_is_padded(p) && p->c % columns == 0;
    cut.pixel = cut.direct ? p->c : columns;
    cut.row = cut.conv.w * cut.pixel;
    cut.image = cut.conv.h * cut.row;
    return cut;
}

#define MOST_CHANNELS (1 << 28)

const char *fcnn_sparse_unsupported(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (!is_pooled(p) && p->activation != FCNN_RELU_ACTIVATION) return "gradients that no ReLU masks";
    if (p->groups > 1) return "groups";
    if (p->k > MOST_CHANNELS) return "more than 2^28 output channels"; /* offsets of choice words are int32 */
    return fcnn_conv2d_unsupported(query);
}

/* How often an output meets a tap on real input. Products of all sizes may exceed 64 bits. */
static double taps_met(const fcnn_problem *p)
{
    int64_t down = 0, across = 0;
    for (int64_t r = 0; r < p->r; r++) down += fcnn_axis_tap(p, 1, r).count;
    for (int64_t s = 0; s < p->s; s++) across += fcnn_axis_tap(p, 0, s).count;
    return (double)down * (double)across;
}

/* Tiles skip no gradients but all padding, and reach nine tenths of two FMAs per cycle. */
const char *fcnn_sparse_data_doubt(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (is_pooled(p)) return NULL;
    const int64_t vectors = standard_vectors(query), cost = cut_cost(query, vectors, best_units(query, vectors));
    const int64_t tiles = fcnn_ceil_div(p->c, ((const struct fcnn_sparse *)query->context)->lanes);
    const double all = taps_met(p) * (double)p->k * (double)tiles / 0.9;
    return (double)cost * (double)(p->p * p->q) > all ? "too much beside half of the products" : NULL;
}

void fcnn_sparse_data_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct sparse_data_cut cut = sparse_data_cut_of(query);
    demand->tables = (size_t)cut.taps * sizeof(int64_t);
    demand->packed = (size_t)(cut.panels * p->k * cut.taps * cut.vectors * isa->lanes) * sizeof(float);
    demand->shared = (size_t)(p->n * cut.conv.p * cut.conv.q * cut.words) * sizeof(uint64_t);
    demand->scratch = cut.direct ? 0 : (size_t)cut.image * sizeof(float);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_PACK] = cut.panels * cut.taps;
    demand->tasks[FCNN_GATHER] = p->n;
    demand->tasks[FCNN_COMPUTE] = cut.panels * p->n;
}

static void fill_taps(const struct sparse_data_cut *cut, int64_t *taps)
{
    const fcnn_problem *conv = &cut->conv;
    for (int64_t r = 0; r < conv->r; r++)
        for (int64_t s = 0; s < conv->s; s++)
            *taps++ = r * conv->dilation_h * cut->row + s * conv->dilation_w * cut->pixel;
}

/* Taps of one pass. */
struct span {
    int64_t from, count;
};
static struct span span_at(const struct sparse_data_cut *cut, int64_t i)
{
    int64_t units = cut->taps / cut->tap_unit, from = units * i / cut->passes * cut->tap_unit;
    return (struct span){from, units * (i + 1) / cut->passes * cut->tap_unit - from};
}

/* One tap of one panel: packed weights are [panel][pass][k][tap of the pass][column]. */
static void pack_tap(const struct fcnn_sparse *isa, const struct sparse_data_cut *cut, const float *weights,
                     float *packed, int64_t panel, int64_t tap)
{
    int64_t columns = cut->vectors * isa->lanes, channel = panel * columns, k = cut->conv.k, c = cut->conv.c, i = 0;
    while (i + 1 < cut->passes && span_at(cut, i + 1).from <= tap) i++;
    struct span span = span_at(cut, i);
    int64_t width = fcnn_min(columns, c - channel), step = span.count * columns;
    float *to = packed + (panel * cut->taps + span.from) * k * columns + (tap - span.from) * columns;
    for (int64_t j = 0; width < columns && j < k; j++)
        memset(to + j * step + width, 0, (size_t)(columns - width) * sizeof(float));
    isa->transpose(width, k, weights + (tap * c + channel) * k, k, to, step);
}

/* Bits of the live channels of the four positions of a window; the lower two are `row` words further on. */
static void mark_window(const struct sparse_data_cut *cut, const uint16_t *choice, uint64_t *live, int64_t row)
{
    const int64_t groups = fcnn_ceil_div(cut->conv.k, FCNN_SPARSE_GROUP), words = cut->words;
    for (int64_t i = 0; i < words; i++) {
        uint64_t bit0 = 0, bit1 = 0, alive = 0;
        for (int64_t j = 4 * i; j < fcnn_min(4 * i + 4, groups); j++) {
            bit0 |= (uint64_t)choice[3 * j] << j % 4 * 16;
            bit1 |= (uint64_t)choice[3 * j + 1] << j % 4 * 16;
            alive |= (uint64_t)choice[3 * j + 2] << j % 4 * 16;
        }
        live[i] = alive & ~bit0 & ~bit1;
        live[words + i] = alive & bit0 & ~bit1;
        live[row + i] = alive & ~bit0 & bit1;
        live[row + words + i] = alive & bit0 & bit1;
    }
}

/* Bits of the live channels of each output position of image n. */
static void mark(const struct fcnn_sparse *isa, const struct sparse_data_cut *cut, const fcnn_problem *p,
                 const fcnn_tensors *t, uint64_t *live, int64_t n)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t groups = fcnn_ceil_div(p->k, FCNN_SPARSE_GROUP), row = conv->q * cut->words;
    live += n * conv->p * row;
    if (!is_pooled(p)) {
        isa->mark(conv->p * conv->q, p->k, t->dst + n * conv->p * conv->q * p->k, live);
        return;
    }
    const uint16_t *choice = t->choice + n * p->p * p->q * groups * 3;
    for (int64_t i = 0; i < p->p; i++)
        for (int64_t j = 0; j < p->q; j++, choice += groups * 3)
            mark_window(cut, choice, live + 2 * i * row + 2 * j * cut->words, row);
}

/* Zeroes the part of an image that scatters will write. */
static void clear(const struct fcnn_sparse *isa, const struct sparse_data_cut *cut, float *d_src)
{
    static const float zeros[FCNN_SPARSE_WIDEST * 16];
    int64_t columns = cut->vectors * isa->lanes;
    if (cut->pixel == columns) memset(d_src, 0, (size_t)cut->image * sizeof(float));
    else isa->copy(cut->conv.h * cut->conv.w, columns, zeros, 0, d_src, cut->pixel);
}

/* A panel of an image from scratch to the tensor, without its halo. */
static void put_panel(const struct fcnn_sparse *isa, const struct sparse_data_cut *cut, const fcnn_problem *p,
                      const float *from, float *to, int64_t width)
{
    from += p->pad_top * cut->row + p->pad_left * cut->pixel;
    for (int64_t h = 0; h < p->h; h++)
        isa->copy(p->w, width, from + h * cut->row, cut->pixel, to + h * p->w * p->c, p->c);
}

static void compute(const struct fcnn_sparse *isa, const struct sparse_data_cut *cut, const fcnn_problem *p,
                    const fcnn_tensors *t, const struct fcnn_memory *memory, int64_t task)
{
    const fcnn_problem *conv = &cut->conv;
    const int64_t columns = cut->vectors * isa->lanes, size = p->h * p->w * p->c;
    int64_t panel = task / p->n, n = task % p->n;
    float *out = t->d_src + n * size + panel * columns;
    struct fcnn_sparse_scatter scatter = {
        .live = (const uint64_t *)memory->shared + n * conv->p * conv->q * cut->words,
        .d_dst = t->d_dst + n * p->p * p->q * p->k, .pooled = is_pooled(p),
        .d_src = cut->direct ? out : memory->scratch, .words = cut->words, .k = p->k, .rows = conv->p,
        .columns = conv->q,
        .below = conv->stride_h * cut->row, .right = conv->stride_w * cut->pixel};
    clear(isa, cut, scatter.d_src);
    for (int64_t i = 0; i < cut->passes; i++) {
        struct span span = span_at(cut, i);
        scatter.weights = (const float *)memory->packed + (panel * cut->taps + span.from) * p->k * columns;
        scatter.taps = (const int64_t *)memory->tables + span.from;
        if (cut->tap_unit == 3) isa->slide[cut->vectors][span.count / 3](&scatter);
        else isa->scatter[cut->vectors][span.count](&scatter);
    }
    if (!cut->direct) put_panel(isa, cut, p, scatter.d_src, out, fcnn_min(columns, p->c - panel * columns));
}

void fcnn_sparse_data_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                          enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_sparse *isa = query->context;
    const fcnn_problem *p = query->problem;
    struct sparse_data_cut cut = sparse_data_cut_of(query);
    for (int64_t task = first; task < last; task++) switch (stage) {
        case FCNN_TABLES: fill_taps(&cut, memory->tables); break;
        case FCNN_PACK: pack_tap(isa, &cut, t->weights, memory->packed, task / cut.taps, task % cut.taps); break;
        case FCNN_GATHER: mark(isa, &cut, p, t, memory->shared, task); break;
        default: compute(isa, &cut, p, t, memory, task);
        }
}

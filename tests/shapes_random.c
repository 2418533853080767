/* SPDX-License-Identifier: BSD-2-Clause
 * Random problems. Convolutions come in kinds, because independent draws of all sizes almost never meet where kernels
 * have their cases: the large windows of a first layer, sums over many images, several panels of channels. */
#include "tests/shapes.h"

#include "tests/fill.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define MOST 300e3 /* multiply-adds */
/* One problem in LARGE_EVERY has more, if LARGE_DRAWS attempts find one: for blocks and chunks that small ones do not
 * fill. */
#define LARGE_MOST 3e6
#define LARGE_EVERY 25
#define LARGE_DRAWS 1000
/* Every second one is one that the row does not doubt, if GLAD_DRAWS attempts find one. */
#define GLAD_DRAWS 10000
#define DRAWS 500000 /* until a row is said to serve nothing of what is drawn */

enum grouping { UNGROUPED, SOME_GROUPS, SHORT_GROUPS, DEPTHWISE };

/* The most of everything. Where it is depthwise, k is the most of the channel multiplier; of short groups c and k are
 * the channels of one. */
static const struct kind {
    int n, size, window, stride, dilation, c, k;
    enum grouping grouping;
} kinds[] = {
    {20, 24, 7, 3, 3, 80, 80, SOME_GROUPS}, /* anything */
    {8, 32, 3, 1, 1, 70, 70, UNGROUPED},    /* the usual layer */
    {8, 32, 3, 2, 1, 70, 70, SOME_GROUPS},
    {9, 100, 7, 2, 1, 4, 70, UNGROUPED},    /* first layers: maps of several blocks, few channels */
    {70, 5, 3, 2, 2, 40, 40, SOME_GROUPS},  /* many images: the tree over blocks of them */
    {8, 10, 1, 3, 1, 600, 600, UNGROUPED},  /* pointwise; several panels */
    {9, 6, 5, 1, 1, 300, 300, UNGROUPED},   /* long sums for few pixels */
    {20, 40, 5, 3, 3, 80, 1, DEPTHWISE},
    {3, 20, 3, 2, 1, 600, 1, DEPTHWISE},
    {3, 160, 3, 2, 1, 40, 1, DEPTHWISE},    /* rows of more pixels than a band may have */
    {9, 24, 3, 2, 2, 40, 4, DEPTHWISE},
    {70, 20, 3, 2, 2, 9, 9, SHORT_GROUPS},
    {3, 90, 3, 2, 2, 4, 4, SHORT_GROUPS},   /* several strips of columns */
};

static int64_t between(uint64_t *state, int64_t lo, int64_t hi) { return lo + rng_below(state, hi - lo + 1); }
/* Small values often, large ones too. */
static int64_t skewed(uint64_t *state, int64_t hi) { return between(state, 1, between(state, 1, hi)); }

/* Half of them at, below and above the vectors of all instruction sets and the panels made of these. */
static int64_t channels(uint64_t *state, int64_t most)
{
    static const int64_t around[] = {1,  2,  3,  4,  7,  8,  9,  15, 16, 17,  23,  24,  25, 31,
                                     32, 33, 47, 48, 49, 63, 64, 65, 96, 127, 129, 256, 512};
    const int64_t value = around[rng_below(state, COUNT(around))];
    return rng_below(state, 2) && value <= most ? value : skewed(state, most);
}

static void draw_window(fcnn_problem *p, const struct kind *kind, uint64_t *state)
{
    p->r = rng_below(state, 2) ? kind->window : skewed(state, kind->window);
    p->s = rng_below(state, 2) ? p->r : skewed(state, kind->window);
    p->h = skewed(state, kind->size), p->w = rng_below(state, 3) ? skewed(state, kind->size) : p->h;
    p->stride_h = skewed(state, kind->stride);
    p->stride_w = rng_below(state, 3) ? p->stride_h : skewed(state, kind->stride);
    p->dilation_h = p->dilation_w = 1;
    if (p->op == FCNN_CONV2D || p->op == FCNN_CONV2D_POOL) {
        p->dilation_h = skewed(state, kind->dilation);
        p->dilation_w = rng_below(state, 2) ? p->dilation_h : skewed(state, kind->dilation);
    }
    if (rng_below(state, 2)) {
        p->padding = rng_below(state, 2) ? FCNN_PAD_SAME : FCNN_PAD_VALID;
        return;
    }
    p->pad_top = rng_below(state, 4), p->pad_left = rng_below(state, 4);
    p->pad_bottom = rng_below(state, 4), p->pad_right = rng_below(state, 4);
}

static void draw_channels(fcnn_problem *p, const struct kind *kind, uint64_t *state)
{
    p->no_bias = rng_below(state, 4) == 0;
    p->activation = p->op != FCNN_CONV2D_POOL && rng_below(state, 2) ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
    p->c = channels(state, kind->c);
    p->k = channels(state, kind->k);
    if (p->op == FCNN_DENSE) return;
    if (kind->grouping == DEPTHWISE) {
        p->groups = p->c;
        p->k *= p->c;
    } else if (kind->grouping == SHORT_GROUPS) {
        p->groups = 1 + skewed(state, 30);
        p->c = p->groups * skewed(state, kind->c);
        p->k = p->groups * (rng_below(state, 2) ? p->c / p->groups : skewed(state, kind->k));
    } else if (kind->grouping == SOME_GROUPS && rng_below(state, 2)) {
        p->groups = 1 + skewed(state, 8);
        p->c = p->groups * channels(state, kind->c / 2);
        p->k = p->groups * channels(state, kind->k / 2);
    }
}

/* May be impossible, or larger than anybody wants. */
static fcnn_problem draw(fcnn_op op, fcnn_direction direction, uint64_t *state)
{
    const struct kind *kind = &kinds[rng_below(state, COUNT(kinds))];
    fcnn_problem p = {.op = op, .direction = direction, .n = skewed(state, kind->n), .c = channels(state, kind->c)};
    switch (op) {
    case FCNN_CONV2D:
    case FCNN_CONV2D_POOL: draw_window(&p, kind, state); /* fall through */
    case FCNN_DENSE: draw_channels(&p, kind, state); break;
    case FCNN_MAXPOOL:
    case FCNN_AVGPOOL: draw_window(&p, kind, state); break;
    case FCNN_RELU:
    case FCNN_ADAM:
    case FCNN_RMSPROP:
    case FCNN_SGD:
    case FCNN_SIGMOID:
    case FCNN_TANH:
    case FCNN_DROPOUT:
    case FCNN_BATCH_SUMS:
    case FCNN_BATCH_NORM: p.h = skewed(state, 30), p.w = skewed(state, 30); break;
    default: p.n = skewed(state, 70), p.c = skewed(state, 1100);
    }
    return p;
}

fcnn_problem shapes_random(fcnn_op op, fcnn_direction direction, uint64_t *state, double most)
{
    for (;;) {
        fcnn_problem p = draw(op, direction, state);
        if (!fcnn_problem_check(&p) && shapes_cost(&p) <= most) return p;
    }
}

/* Whether a draw is one for the row, of `least` to `most` multiply-adds; gladly: one that it does not doubt. */
static int draw_for(const struct fcnn_kernel *kernel, uint64_t *state, double least, double most, int gladly,
                    fcnn_problem *p)
{
    *p = draw(kernel->op, kernel->direction, state);
    if (fcnn_problem_check(p) || fcnn_row_unsupported(kernel, p)) return 0;
    if (gladly && fcnn_row_doubt(kernel, p, &fcnn_common_caches)) return 0;
    return shapes_cost(p) >= least && shapes_cost(p) <= most;
}

int shapes_add_random(struct problem_list *list, const struct fcnn_kernel *kernel, int count, uint64_t seed,
                      double most)
{
    uint64_t state = seed + 1000 * (uint64_t)kernel->op + (uint64_t)kernel->direction;
    for (int i = 0; i < count; i++) {
        const int large = i % LARGE_EVERY == LARGE_EVERY - 1;
        const double own = large ? LARGE_MOST : MOST, limit = most > 0 && most < own ? most : own;
        fcnn_problem p;
        for (int draws = 0;; draws++) {
            if (draws == DRAWS) return i;
            const double least = large && draws < LARGE_DRAWS ? MOST : 0;
            if (draw_for(kernel, &state, least, limit, i % 2 && draws < GLAD_DRAWS, &p)) break;
        }
        shapes_add(list, &p);
    }
    return count;
}

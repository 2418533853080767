/* SPDX-License-Identifier: BSD-2-Clause
 * Inputs from a seed, outputs from the reference. */
#include "tests/fill.h"

#include "tests/choices.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/ref.h"

uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t rng_below(uint64_t *state, int64_t n) { return (int64_t)(rng_next(state) % (uint64_t)n); }
float rng_float(uint64_t *state) { return (float)(int32_t)(rng_next(state) >> 40) * 0x1p-23f - 1.0f; }

void *grab(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    if (p) return p;
    perror("malloc");
    exit(1);
}

size_t tensor_bytes(const struct fcnn_tensor_info *info) { return (size_t)info->elements * info->element_size; }

void tensor_set(fcnn_tensors *tensors, const struct fcnn_tensor_info *info, void *data)
{
    memcpy((char *)tensors + info->offset, &data, sizeof data);
}

static int is(const struct fcnn_tensor_info *info, const char *name) { return strcmp(info->name, name) == 0; }
static int is_result(const struct fcnn_tensor_info *info)
{
    return is(info, "dst") || is(info, "choice") || is(info, "argmax");
}

const struct fcnn_kernel *naive_kernel(fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        const size_t length = strlen(kernel->name);
        if (kernel->op == op && kernel->direction == direction && length > 6 &&
            strcmp(kernel->name + length - 6, "_naive") == 0)
            return kernel;
    }
    fprintf(stderr, "no naive kernel for %s %s\n", fcnn_op_name(op), fcnn_direction_name(direction));
    exit(1);
}

static void *grab_aligned(size_t bytes)
{
    void *p;
    if (posix_memalign(&p, 64, bytes + 64)) exit(1);
    return p;
}

void run_choice(const struct fcnn_choice *choice, const fcnn_problem *problem, const fcnn_tensors *tensors)
{
    const struct fcnn_demand demand = fcnn_row_demand(choice, problem);
    const struct fcnn_memory memory = {.tables = grab_aligned(demand.tables), .packed = grab_aligned(demand.packed),
                                       .shared = grab_aligned(demand.shared), .sums = grab_aligned(demand.sums),
                                       .scratch = grab_aligned(demand.scratch)};
    fcnn_run_stages(choice, problem, tensors, &memory, &demand, 0);
    free(memory.tables);
    free(memory.packed);
    free(memory.shared);
    free(memory.sums);
    free(memory.scratch);
}

void run_kernel(const struct fcnn_kernel *kernel, const fcnn_problem *problem, const fcnn_tensors *tensors)
{
    const struct fcnn_choice choice = standard_choice(kernel, problem);
    run_choice(&choice, problem, tensors);
}

static void run_naive(const fcnn_problem *problem, const fcnn_tensors *tensors)
{
    run_kernel(naive_kernel(problem->op, problem->direction), problem, tensors);
}

/* May this input hold NaN and infinities? Not where a kernel is free to skip a product with a zero or to compute it:
 * padding taps and masked gradients (docs/numerics.md, rules 5 and 7). Logarithms are defined for finite numbers. */
static int non_finite_allowed(const fcnn_problem *p, const struct fcnn_tensor_info *info)
{
    if (info->role != FCNN_IN || is(info, "weights") || is(info, "bias")) return 0;
    if (p->op == FCNN_CROSS_ENTROPY || p->op == FCNN_CATEGORICAL_CROSS_ENTROPY) return 0;
    if (p->direction != FCNN_BACKWARD_WEIGHTS) return 1;
    if (is(info, "src")) return p->op != FCNN_CONV2D_POOL && p->activation == FCNN_LINEAR;
    return !(p->pad_top | p->pad_left | p->pad_bottom | p->pad_right);
}

static void plant(const struct trial *t, const struct fcnn_tensor_info *info, uint64_t *state, float *data)
{
    static const float values[] = {-0.0f, 1e-40f, -0x1p-149f, FLT_MAX, -FLT_MIN, INFINITY, -INFINITY, NAN};
    const int64_t kinds = non_finite_allowed(&t->problem, info) ? 8 : 5;
    if (is(info, "moment_2")) return; /* a sum of squares */
    for (int64_t i = 1 + rng_below(state, 5); i > 0; i--)
        data[rng_below(state, info->elements)] = values[rng_below(state, kinds)];
}

/* One float of a tensor: `lowest` is the smallest binary exponent that FILL_WIDE gives. */
static float draw(enum fill_style style, int gradient, int lowest, uint64_t *state)
{
    const float x = rng_float(state);
    switch (style) {
    case FILL_SPARSE: return gradient ? (rng_next(state) & 3 ? 0.0f : x) : (x < 0.0f ? 0.0f : x);
    case FILL_INTEGERS: return (float)(rng_below(state, 5) - 2);
    case FILL_WIDE: return ldexpf(x, lowest + (int)rng_below(state, 40));
    default: return x;
    }
}

/* Exponents around which the optimizers and the losses flush (docs/numerics.md, rule 10) and where exp() underflows. */
static int lowest_exponent(const fcnn_problem *p, const struct fcnn_tensor_info *info)
{
    if (is(info, "d_weights")) return -70;
    if (is(info, "moment_1")) return -100;
    if (is(info, "moment_2")) return -130;
    return p->op == FCNN_SOFTMAX || p->op == FCNN_CROSS_ENTROPY || p->op == FCNN_CATEGORICAL_CROSS_ENTROPY ? -30 : -20;
}

/* Targets as those of labels: rows that are 0 but for one 1. */
static void plant_one_hot(const struct trial *t, uint64_t *state, float *targets)
{
    for (int64_t n = 0; n < t->problem.n; n++, targets += t->problem.c) {
        if (rng_below(state, 2)) continue;
        for (int64_t c = 0; c < t->problem.c; c++) targets[c] = 0;
        targets[rng_below(state, t->problem.c)] = 1;
    }
}

static void fill_tensor(const struct trial *t, const struct fcnn_tensor_info *info, uint64_t *state, void *data)
{
    const int gradient = info->name[0] == 'd' && info->name[1] == '_';
    const int wide_weights = (is(info, "weights") || is(info, "bias")) && t->style == FILL_SPARSE;
    const enum fill_style style = wide_weights ? FILL_UNIFORM : t->style;
    const int square = is(info, "moment_2") || is(info, "variance"), lowest = lowest_exponent(&t->problem, info);
    float *floats = data;
    int32_t *labels = data;
    if (is(info, "labels")) {
        for (int64_t i = 0; i < info->elements; i++) labels[i] = (int32_t)rng_below(state, t->problem.c);
        return;
    }
    for (int64_t i = 0; i < info->elements; i++) {
        floats[i] = draw(style, gradient, lowest, state);
        if (square) floats[i] = fabsf(floats[i]);
    }
    if (is(info, "targets")) plant_one_hot(t, state, floats);
    if (style == FILL_SPECIAL) plant(t, info, state, floats);
}

static int find(const struct trial *t, const char *name)
{
    for (int i = 0; i < t->count; i++)
        if (strcmp(t->info[i].name, name) == 0) return i;
    return -1;
}

/* Outputs of the forward pass that a backward problem reads: from a forward pass with the trial's own src and weights,
 * as far as it has them. */
static void fill_results(struct trial *t, uint64_t *state)
{
    fcnn_problem forward = t->problem;
    forward.direction = FCNN_FORWARD;
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    const int count = fcnn_tensor_list(&forward, info);
    void *own[FCNN_MAX_TENSORS] = {0};
    fcnn_tensors tensors = {.hyper = &t->hyper};
    for (int i = 0; i < count; i++) {
        const int at = find(t, info[i].name);
        void *data = at >= 0 ? t->given[at] : NULL;
        if (!data) {
            data = own[i] = grab(tensor_bytes(&info[i]));
            if (info[i].role == FCNN_IN) fill_tensor(t, &info[i], state, data);
        }
        tensor_set(&tensors, &info[i], data);
    }
    run_naive(&forward, &tensors);
    for (int i = 0; i < count; i++) free(own[i]);
}

/* ---- edges: numbers at which something begins or ends, and their neighbours ---- */

static float near(float x, uint64_t *state) { return x * (1 + (float)(rng_below(state, 9) - 4) * FLT_EPSILON); }
static float *floats_of(const struct trial *t, const char *name)
{
    const int at = find(t, name);
    return at < 0 ? NULL : t->given[at];
}

/* Gradients and moments at the thresholds below which they count as 0, before or after an update whose other summand is
 * 0. */
static void plant_thresholds(const struct trial *t, uint64_t *state)
{
    const int adam = t->problem.op == FCNN_ADAM;
    const float decay = adam ? t->hyper.beta_1 : t->hyper.momentum, rest = adam ? t->hyper.beta_2 : t->hyper.rho;
    float *gradient = floats_of(t, "d_weights"), *moment_1 = floats_of(t, "moment_1");
    float *moment_2 = floats_of(t, "moment_2");
    for (int64_t i = 0; i < t->problem.h * t->problem.w * t->problem.c; i++) {
        const float sign = rng_below(state, 2) ? 1.0f : -1.0f;
        const int64_t kind = rng_below(state, 4);
        if (kind > 1) continue;
        gradient[i] = kind ? 0 : near(sign * REF_TINY_GRADIENT, state);
        moment_1[i] = kind ? near(sign * REF_TINY_MOMENT_1 / decay, state) : 0;
        if (moment_2 && kind) moment_2[i] = near(REF_TINY_MOMENT_2 / rest, state);
    }
}

/* Rows far below 0, rows of nothing but -inf, rows whose probabilities are at the threshold. */
static void plant_low_rows(const struct trial *t, uint64_t *state)
{
    float *src = floats_of(t, "src");
    for (int64_t n = 0; n < t->problem.n; n++, src += t->problem.c) {
        const int64_t kind = rng_below(state, 4), largest = rng_below(state, t->problem.c);
        for (int64_t c = 0; c < t->problem.c; c++) {
            if (kind == 0) src[c] = -2000 + 900 * rng_float(state);
            if (kind == 1) src[c] = t->problem.op == FCNN_SOFTMAX ? -INFINITY : -FLT_MAX;
            if (kind == 2) src[c] = c == largest ? 0 : near(logf(REF_TINY_PROBABILITY), state);
        }
    }
}

/* Outputs whose differences from targets have gradients at the threshold. */
static void plant_differences(const struct trial *t, uint64_t *state)
{
    const int squares = t->problem.op == FCNN_MSE;
    const float factor = squares ? 2 * t->hyper.scale / (float)t->problem.c : t->hyper.scale;
    float *x = floats_of(t, squares ? "src" : "dst"), *targets = floats_of(t, "targets");
    for (int64_t i = 0; i < t->problem.n * t->problem.c; i++)
        if (rng_below(state, 4) == 0) targets[i] = 0, x[i] = near(REF_TINY_GRADIENT / factor, state);
}

/* Probabilities whose gradients are at the threshold, those of the labels themselves included. */
static void plant_probabilities(const struct trial *t, uint64_t *state)
{
    const int32_t *labels = t->given[find(t, "labels")];
    const float least = REF_TINY_GRADIENT / t->hyper.scale;
    float *dst = floats_of(t, "dst");
    for (int64_t n = 0; n < t->problem.n; n++, dst += t->problem.c) {
        for (int64_t c = 0; c < t->problem.c; c++)
            if (rng_below(state, 4) == 0) dst[c] = near(least, state);
        if (rng_below(state, 2)) dst[labels[n]] = 1 - least;
    }
}

/* Channels that are one number, or nearly so and far from 0: what is left of their squares is rounding. */
static void plant_flat_channels(const struct trial *t, uint64_t *state)
{
    const int64_t pixels = t->problem.n * t->problem.h * t->problem.w;
    float *src = floats_of(t, "src");
    for (int64_t c = 0; c < t->problem.c; c++) {
        const int64_t kind = rng_below(state, 3);
        const float level = 1000 * rng_float(state);
        for (int64_t i = 0; kind < 2 && i < pixels; i++)
            src[i * t->problem.c + c] = kind ? near(level, state) : level;
    }
}

/* Whole windows of -inf, in the middle and at the border. */
static void plant_infinities(const struct trial *t, uint64_t *state)
{
    const int64_t image = t->problem.h * t->problem.w * t->problem.c;
    float *src = floats_of(t, "src");
    for (int64_t i = 0; i < t->problem.n * image; i++)
        if (i / image % 2 == 0 && rng_below(state, 16)) src[i] = -INFINITY;
}

/* Where sigmoid is flushed, where tanh counts as 1, and small numbers, for which tanh is nearly the same. */
static void plant_bends(const struct trial *t, uint64_t *state)
{
    const float bends[] = {logf(REF_TINY_PROBABILITY), 10, -10, 0.1733f, 1e-4f};
    const int64_t count = t->problem.n * t->problem.h * t->problem.w * t->problem.c;
    float *src = floats_of(t, "src");
    for (int64_t i = 0; i < count; i++)
        if (rng_below(state, 2)) src[i] = near(bends[rng_below(state, sizeof bends / sizeof *bends)], state);
}

/* In one trial of three. */
static void plant_edges(const struct trial *t, uint64_t state)
{
    const int forward = t->problem.direction == FCNN_FORWARD;
    if (rng_below(&state, 3)) return;
    switch (t->problem.op) {
    case FCNN_ADAM:
    case FCNN_RMSPROP:
    case FCNN_SGD: plant_thresholds(t, &state); break;
    case FCNN_SIGMOID:
    case FCNN_TANH:
        if (forward) plant_bends(t, &state);
        break;
    case FCNN_SOFTMAX: plant_low_rows(t, &state); break;
    case FCNN_MSE:
        if (!forward) plant_differences(t, &state);
        break;
    case FCNN_CATEGORICAL_CROSS_ENTROPY: (forward ? plant_low_rows : plant_differences)(t, &state); break;
    case FCNN_BATCH_SUMS: plant_flat_channels(t, &state); break;
    case FCNN_CROSS_ENTROPY: (forward ? plant_low_rows : plant_probabilities)(t, &state); break;
    case FCNN_MAXPOOL:
        if (forward) plant_infinities(t, &state);
        break;
    default: break;
    }
}

static void compute_wanted(struct trial *t)
{
    fcnn_tensors tensors = {.hyper = &t->hyper};
    for (int i = 0; i < t->count; i++) {
        if (t->info[i].role != FCNN_IN) {
            t->want[i] = grab(tensor_bytes(&t->info[i]));
            memset(t->want[i], 0xff, tensor_bytes(&t->info[i]));
        }
        if (t->info[i].role == FCNN_INOUT) memcpy(t->want[i], t->given[i], tensor_bytes(&t->info[i]));
        tensor_set(&tensors, &t->info[i], t->want[i] ? t->want[i] : t->given[i]);
    }
    run_naive(&t->problem, &tensors);
}

/* FNV-1a, so that a trial does not depend on the problems before it. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    while (*text) h = (h ^ (unsigned char)*text++) * 0x100000001b3u;
    return h;
}

/* Numbers that begin anywhere in a block, and blocks where the lower half of their number wraps, within a chunk. */
static void fill_dropout(struct trial *t, uint64_t state)
{
    static const float rates[] = {0.5f, 0.25f, 0.1f, 0, 0.99999994f};
    t->hyper.dropout_seed = rng_next(&state);
    t->hyper.dropout_counter = (uint64_t)rng_below(&state, 100);
    if (rng_below(&state, 2)) t->hyper.dropout_counter = ((uint64_t)4 << 32) - t->hyper.dropout_counter;
    t->hyper.dropout_rate = rates[rng_below(&state, sizeof rates / sizeof *rates)];
}

void trial_make(struct trial *t, const fcnn_problem *problem, uint64_t seed)
{
    *t = (struct trial){.problem = *problem, .seed = seed};
    fcnn_problem_format(problem, t->text, sizeof t->text);
    uint64_t state = seed ^ hash(t->text);
    t->style = (enum fill_style)rng_below(&state, FILL_STYLES);
    t->hyper = (fcnn_hyper){.learning_rate = 1e-3f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f};
    t->hyper.momentum = t->hyper.rho = 0.9f;
    t->hyper.nesterov = (int)(seed ^ hash(t->text)) & 1;
    t->hyper.weight_decay = (seed ^ hash(t->text)) & 2 ? 0.01f : 0;
    t->hyper.beta_1_power = ldexpf(t->hyper.beta_1, -(int)rng_below(&state, 3));
    t->hyper.beta_2_power = t->hyper.beta_2 * t->hyper.beta_2;
    t->hyper.scale = t->style == FILL_WIDE ? 0x1p-45f : 1.0f / (float)problem->n;
    fill_dropout(t, hash(t->text) - seed);
    t->count = fcnn_tensor_list(&t->problem, t->info);
    int results = 0;
    for (int i = 0; i < t->count; i++) {
        if (t->info[i].role == FCNN_OUT) continue;
        t->given[i] = grab(tensor_bytes(&t->info[i]));
        if (is_result(&t->info[i])) results = 1;
        else fill_tensor(t, &t->info[i], &state, t->given[i]);
    }
    if (results) fill_results(t, &state);
    plant_edges(t, ~seed ^ hash(t->text));
    compute_wanted(t);
}

void trial_free(struct trial *t)
{
    for (int i = 0; i < t->count; i++) {
        free(t->given[i]);
        free(t->want[i]);
    }
    *t = (struct trial){0};
}

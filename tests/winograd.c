/* SPDX-License-Identifier: BSD-2-Clause
 * Checks of the Winograd classes: see winograd.h. */
#include "tests/winograd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/ref.h"
#include "tests/choices.h"
#include "tests/compare.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define RELATIVE_MOST 1e-5
#define TERMS_LEAST 64

static int tile_of(const struct fcnn_kernel *kernel) { return kernel->numerics == FCNN_WINOGRAD_F2 ? 2 : 4; }
static double bound_of(const struct fcnn_kernel *kernel) { return tile_of(kernel) == 2 ? 16 : 256; }

static int fail(const struct fcnn_kernel *kernel, const struct trial *trial, const char *what, char text[HARNESS_TEXT])
{
    const unsigned long long seed = trial->seed;
    snprintf(text, HARNESS_TEXT,
             "FAIL %s \"%s\" seed %llu: %s\n"
             "  repeat: FCNN_TEST_KERNEL=%s FCNN_TEST_PROBLEM='%s' FCNN_TEST_SEED=%llu tests/check_kernels",
             kernel->name, trial->text, seed, what, kernel->name, trial->text, seed);
    return 1;
}

static int is_pooled(const fcnn_problem *p) { return p->op == FCNN_CONV2D_POOL; }

/* The row that fixes the bits of a class: the scalar one; for pooled convolution that without pooling. */
static const struct fcnn_kernel *scalar_row(const struct fcnn_kernel *kernel)
{
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *other = &fcnn_kernels[i];
        if (other->op == FCNN_CONV2D && other->direction == kernel->direction &&
            other->numerics == kernel->numerics && other->isa == FCNN_SCALAR)
            return other;
    }
    fprintf(stderr, "no scalar row for %s\n", kernel->name);
    exit(1);
}

/* The tensors of a trial, outputs in memory of their own. */
static fcnn_tensors place(const struct trial *trial, void *out[FCNN_MAX_TENSORS])
{
    fcnn_tensors tensors = {.hyper = &trial->hyper};
    for (int i = 0; i < trial->count; i++) {
        out[i] = trial->info[i].role == FCNN_OUT ? grab(tensor_bytes(&trial->info[i])) : NULL;
        tensor_set(&tensors, &trial->info[i], out[i] ? out[i] : trial->given[i]);
    }
    return tensors;
}

/* Pools (n, conv->p, conv->q, k) after ReLU; choice words from the winners' positions. */
static void pool(const fcnn_problem *p, const fcnn_problem *conv, const float *full, float *dst, uint16_t *choice)
{
    const struct ref_pool g = {.n = p->n, .h = conv->p, .w = conv->q, .c = p->k, .r = 2, .s = 2, .stride_h = 2,
                               .stride_w = 2, .p = p->p, .q = p->q};
    const int64_t windows = p->n * p->p * p->q, words = (p->k + 15) / 16 * 3;
    int32_t *argmax = grab((size_t)(windows * p->k) * sizeof *argmax);
    ref_maxpool_forward(&g, full, dst, argmax);
    memset(choice, 0, (size_t)(windows * words) * sizeof *choice);
    for (int64_t i = 0; i < windows * p->k; i++) {
        const int64_t k = i % p->k;
        uint16_t *word = choice + i / p->k * words + k / 16 * 3;
        if (dst[i] == 0.0f) continue;
        word[0] |= (uint16_t)((argmax[i] & 1) << k % 16);
        word[1] |= (uint16_t)((argmax[i] >> 1) << k % 16);
        word[2] |= (uint16_t)(1 << k % 16);
    }
    free(argmax);
}

/* What the class wants of a trial: the outputs of the scalar row. Pooling chooses among them and changes none. */
static void want(const struct fcnn_kernel *kernel, const struct trial *trial, void *out[FCNN_MAX_TENSORS])
{
    fcnn_tensors tensors = place(trial, out);
    fcnn_problem conv = trial->problem;
    if (!is_pooled(&conv)) {
        run_kernel(scalar_row(kernel), &conv, &tensors);
        return;
    }
    conv.op = FCNN_CONV2D, conv.activation = FCNN_RELU_ACTIVATION, conv.p = conv.q = 0;
    if (fcnn_problem_check(&conv)) exit(1);
    float *dst = tensors.dst, *full = grab((size_t)(conv.n * conv.p * conv.q * conv.k) * sizeof *full);
    tensors.dst = full;
    run_kernel(scalar_row(kernel), &conv, &tensors);
    pool(&trial->problem, &conv, full, dst, tensors.choice);
    free(full);
}

/* Where the scalar row must have the reference's bits: the bias gradient; F(2x2) of small integers. */
static int check_exact(const struct fcnn_kernel *kernel, const struct trial *trial, void *const out[FCNN_MAX_TENSORS],
                       char text[HARNESS_TEXT])
{
    char what[256];
    const int integers = trial->style == FILL_INTEGERS && tile_of(kernel) == 2;
    for (int i = 0; i < trial->count; i++)
        if (out[i] && (integers || strcmp(trial->info[i].name, "d_bias") == 0) &&
            compare_tensor(&trial->problem, &trial->info[i], trial->want[i], out[i], what, sizeof what))
            return fail(kernel, trial, what, text);
    return 0;
}

/* Sum of 12 uniform numbers minus 6. */
static float normal(uint64_t *state)
{
    float sum = 0;
    for (int i = 0; i < 12; i++) sum += rng_float(state);
    return sum / 2;
}

static void fill_normal(struct trial *trial)
{
    uint64_t state = trial->seed + 77;
    for (int i = 0; i < trial->count; i++) {
        float *data = trial->given[i];
        if (!data || strcmp(trial->info[i].name, "dst") == 0) continue; /* dst: only its zeros count */
        for (int64_t at = 0; at < trial->info[i].elements; at++) data[at] = normal(&state);
    }
}

/* An output (images, rows, columns, channels) against its double; `got` of pooled ones is one value per window. */
struct measured {
    int64_t images, rows, columns, channels;
    const float *got;
    double *want, *magnitude;
};

/* Magnitudes become the largest of their tile. */
static void spread_magnitudes(const struct measured *t, int64_t tile)
{
    for (int64_t n = 0; n < t->images; n++)
        for (int64_t i = 0; i < t->rows; i += tile)
            for (int64_t at = 0; at < t->columns * t->channels; at++) {
                const int64_t left = at / t->channels / tile * tile, c = at % t->channels;
                double most = 0;
                if (at / t->channels != left) continue;
                for (int pass = 0; pass < 2; pass++)
                    for (int64_t y = i; y < i + tile && y < t->rows; y++)
                        for (int64_t x = left; x < left + tile && x < t->columns; x++) {
                            double *magnitude = &t->magnitude[((n * t->rows + y) * t->columns + x) * t->channels + c];
                            if (pass) *magnitude = most;
                            else most = fmax(most, *magnitude);
                        }
            }
}

/* Doubles and magnitudes become those of windows: the largest value, the S of its tile. Returns by how many eps S the
 * exact value of a chosen output is below the largest: at most the errors of both, hence halved. */
static double pool_measured(struct measured *t, const uint16_t *choice)
{
    const int64_t wide = t->columns, words = (t->channels + 15) / 16 * 3;
    double missed = 0;
    t->rows /= 2, t->columns /= 2;
    for (int64_t i = 0; i < t->images * t->rows * t->columns * t->channels; i++) {
        const int64_t k = i % t->channels, window = i / t->channels, row = window / t->columns;
        const int64_t first = (2 * row * wide + window % t->columns * 2) * t->channels + k; /* never below i */
        const uint16_t *word = choice + window * words + k / 16 * 3;
        const int64_t winner = (word[0] >> k % 16 & 1) + (word[1] >> k % 16 & 1) * 2;
        double value[4], most = 0;
        for (int at = 0; at < 4; at++) {
            value[at] = t->want[first + (at / 2 * wide + at % 2) * t->channels];
            most = fmax(most, value[at]);
        }
        if (word[2] >> k % 16 & 1) missed = fmax(missed, (most - value[winner]) / (0x1p-24 * t->magnitude[first]));
        t->want[i] = most;
        t->magnitude[i] = t->magnitude[first];
    }
    return missed / 2;
}

static struct winograd_errors measure(const struct measured *t)
{
    struct winograd_errors errors = {0, 0};
    double sum = 0, norm = 0;
    for (int64_t i = 0; i < t->images * t->rows * t->columns * t->channels; i++) {
        const double error = fabs((double)t->got[i] - t->want[i]);
        if (!isfinite(error)) errors.worst = HUGE_VAL;
        else if (error > 0) errors.worst = fmax(errors.worst, error / (0x1p-24 * t->magnitude[i]));
        sum += error * error;
        norm += t->want[i] * t->want[i];
    }
    if (sum > 0) errors.relative = sqrt(sum / norm);
    return errors;
}

static struct ref_conv2d geometry(const fcnn_problem *p)
{
    return (struct ref_conv2d){.n = p->n, .h = p->h, .w = p->w, .c = p->c, .k = p->k, .r = p->r, .s = p->s,
                               .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = p->pad_top,
                               .pad_left = p->pad_left, .groups = p->groups,
                               .p = is_pooled(p) ? 2 * p->p : p->p, .q = is_pooled(p) ? 2 * p->q : p->q,
                               .relu = is_pooled(p) || p->activation == FCNN_RELU_ACTIVATION};
}

/* Errors of the trial's outputs; S of a tile: tile x tile outputs, or the nine taps of a filter. */
static struct winograd_errors errors_of(const fcnn_problem *p, const fcnn_tensors *t, int64_t tile)
{
    const struct ref_conv2d g = geometry(p);
    struct measured m = {p->n, g.p, g.q, p->k, t->dst, NULL, NULL};
    if (p->direction == FCNN_BACKWARD_DATA) m = (struct measured){p->n, p->h, p->w, p->c, t->d_src, NULL, NULL};
    if (p->direction == FCNN_BACKWARD_WEIGHTS)
        m = (struct measured){1, 3, 3, p->c / p->groups * p->k, t->d_weights, NULL, NULL};
    const size_t bytes = (size_t)(m.images * m.rows * m.columns * m.channels) * sizeof(double);
    m.want = grab(bytes), m.magnitude = grab(bytes);
    if (p->direction == FCNN_FORWARD)
        refd_conv2d_forward(&g, t->src, t->weights, t->bias, m.want, m.magnitude);
    else if (p->direction == FCNN_BACKWARD_DATA)
        refd_conv2d_backward_data(&g, t->weights, t->dst, t->d_dst, m.want, m.magnitude);
    else
        refd_conv2d_backward_weights(&g, t->src, t->dst, t->d_dst, m.want, m.magnitude, NULL, NULL);
    spread_magnitudes(&m, p->direction == FCNN_BACKWARD_WEIGHTS ? 3 : tile);
    const double missed = is_pooled(p) ? pool_measured(&m, t->choice) : 0;
    struct winograd_errors errors = measure(&m);
    errors.worst = fmax(errors.worst, missed);
    free(m.want);
    free(m.magnitude);
    return errors;
}

/* Real products of an output, on average: S may be as small as chance wants where they are few, above all where ReLU
 * masks some, while errors come from all that a tile mixes. */
static double terms_of(const fcnn_problem *p)
{
    const int64_t window = p->op == FCNN_CONV2D_POOL ? 4 : 1;
    const int64_t outputs = window * p->n * p->p * p->q * p->k, inputs = p->n * p->h * p->w * p->c;
    const int64_t count = p->direction == FCNN_FORWARD ? outputs : p->direction == FCNN_BACKWARD_DATA ? inputs
                                                                 : 9 * (p->c / p->groups) * p->k;
    return fcnn_problem_flops(p) / 2 / (double)count;
}

static int check_errors(const struct fcnn_kernel *kernel, struct trial *trial, struct winograd_errors *most,
                        char text[HARNESS_TEXT])
{
    char what[256];
    void *out[FCNN_MAX_TENSORS];
    if (terms_of(&trial->problem) < TERMS_LEAST) return 0;
    fill_normal(trial);
    const fcnn_tensors tensors = place(trial, out);
    uint64_t state = trial->seed;
    const struct fcnn_choice choice = drawn_choice(kernel, &trial->problem, &state);
    run_choice(&choice, &trial->problem, &tensors);
    const struct winograd_errors errors = errors_of(&trial->problem, &tensors, tile_of(kernel));
    for (int i = 0; i < trial->count; i++) free(out[i]);
    most->worst = fmax(most->worst, errors.worst);
    most->relative = fmax(most->relative, errors.relative);
    if (errors.worst <= bound_of(kernel) && errors.relative <= RELATIVE_MOST) return 0;
    snprintf(what, sizeof what, "error %.3g eps S (at most %g), relative L2 %.3g (at most %g)", errors.worst,
             bound_of(kernel), errors.relative, RELATIVE_MOST);
    return fail(kernel, trial, what, text);
}

int winograd_check(const struct fcnn_kernel *kernel, struct trial *trial, struct winograd_errors *errors,
                   char text[HARNESS_TEXT])
{
    void *out[FCNN_MAX_TENSORS];
    want(kernel, trial, out);
    int failed = check_exact(kernel, trial, out, text);
    for (int i = 0; i < trial->count; i++)
        if (out[i]) free(trial->want[i]), trial->want[i] = out[i];
    return failed || harness_stages(kernel, trial, text) || harness_api(kernel, trial, text) ||
           check_errors(kernel, trial, errors, text);
}

/* ---- problems ---- */

/* {n, h, w, c, k, groups, top, left, bottom, right} */
static const int sizes[][10] = {
    {1, 3, 3, 16, 16, 1, 0, 0, 0, 0},   {1, 4, 4, 17, 16, 1, 0, 0, 0, 0},   {3, 5, 6, 17, 31, 1, 0, 0, 0, 0},
    {2, 6, 5, 18, 19, 1, 0, 0, 0, 0},   {1, 7, 7, 33, 32, 1, 1, 1, 1, 1},   {2, 8, 9, 35, 48, 1, 1, 1, 1, 1},
    {1, 9, 8, 64, 65, 1, 1, 1, 1, 1},   {1, 10, 10, 32, 64, 1, 0, 0, 0, 0}, {1, 11, 13, 24, 33, 1, 1, 1, 1, 1},
    {1, 14, 14, 16, 34, 1, 1, 1, 1, 1}, {1, 12, 17, 19, 23, 1, 0, 2, 1, 3}, {4, 2, 3, 31, 17, 1, 3, 2, 2, 3},
    {9, 1, 1, 40, 21, 1, 1, 1, 1, 1},   {2, 1, 20, 20, 49, 1, 1, 1, 1, 1},  {2, 6, 6, 21, 26, 1, 5, 0, 0, 4},
    {2, 3, 4, 16, 22, 1, 4, 5, 4, 5},   {17, 9, 9, 16, 16, 1, 1, 1, 1, 1},  {9, 14, 14, 16, 17, 1, 1, 1, 1, 1},
    {25, 5, 5, 17, 16, 1, 0, 0, 0, 0},  {1, 5, 5, 16, 300, 1, 1, 1, 1, 1},  {1, 5, 5, 300, 16, 1, 1, 1, 1, 1},
    {3, 5, 6, 32, 34, 2, 1, 0, 0, 1},   {9, 4, 4, 51, 54, 3, 1, 1, 1, 1},   {1, 3, 3, 16, 520, 1, 1, 1, 1, 1},
    {2, 7, 6, 34, 64, 2, 1, 0, 0, 1},   {1, 6, 9, 51, 48, 3, 1, 1, 1, 1},   {1, 4, 6, 17, 527, 1, 0, 0, 0, 0},
    {80, 1, 1, 16, 272, 1, 1, 1, 1, 1}, {80, 1, 1, 272, 16, 1, 1, 1, 1, 1},
    {8, 1, 33, 112, 65, 1, 1, 1, 1, 1}};

static void add(struct problem_list *list, fcnn_problem p, double most)
{
    if (fcnn_problem_check(&p) || (most > 0 && shapes_cost(&p) > most)) return;
    shapes_add(list, &p);
}

void winograd_add_problems(struct problem_list *list, fcnn_op op, fcnn_direction direction, double most)
{
    const fcnn_activation relu = op == FCNN_CONV2D_POOL ? FCNN_LINEAR : FCNN_RELU_ACTIVATION; /* pooled: no choice */
    for (int i = 0; i < COUNT(sizes); i++) {
        const int *s = sizes[i];
        add(list, (fcnn_problem){.op = op, .direction = direction, .n = s[0], .h = s[1], .w = s[2], .c = s[3],
                                 .k = s[4], .groups = s[5], .r = 3, .s = 3, .pad_top = s[6], .pad_left = s[7],
                                 .pad_bottom = s[8], .pad_right = s[9], .no_bias = i % 5 == 2,
                                 .activation = i % 2 ? relu : FCNN_LINEAR}, most);
    }
}

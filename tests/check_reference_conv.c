/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The convolutions of the float reference: against the double reference, exactly on integers, by finite differences, by
 * the adjoint identity; the order of their sums; and the pooled form against its parts. */
#include "reference/ref.h"
#include "tests/check_reference.h"

#include <math.h>

static const struct shape {
    int n, h, w, c, k, r, s, stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right, groups;
} shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},
    {2, 5, 4, 3, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1},
    {1, 6, 7, 2, 3, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1},
    {2, 7, 6, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {1, 8, 9, 2, 3, 3, 3, 2, 2, 1, 1, 0, 1, 1, 1, 1},   /* SAME with stride 2 */
    {1, 9, 8, 2, 2, 5, 5, 2, 1, 1, 1, 2, 2, 2, 2, 1},
    {1, 11, 10, 1, 2, 7, 7, 3, 2, 1, 1, 3, 2, 3, 4, 1},
    {1, 9, 9, 2, 3, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1},   /* dilation */
    {1, 10, 8, 2, 2, 2, 3, 1, 1, 2, 1, 0, 1, 1, 0, 1},
    {2, 6, 6, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},   /* groups */
    {1, 7, 7, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 5},   /* depthwise */
    {1, 9, 8, 3, 6, 3, 2, 2, 1, 2, 1, 1, 0, 2, 1, 3},   /* depthwise, two filters per channel, all else too */
    {1, 8, 8, 2, 18, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},  /* a group boundary within 16 channels */
    {1, 5, 5, 2, 35, 3, 3, 1, 1, 1, 1, 1, 0, 0, 1, 1},
    {1, 5, 5, 37, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1},
    {9, 4, 4, 2, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},   /* two blocks of images */
    {43, 4, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 1},  /* six blocks: (0+1 + 2+3) + (4+5) */
    {1, 2, 2, 1, 2, 5, 5, 1, 1, 1, 1, 3, 3, 3, 3, 1},   /* a filter larger than the image */
    {1, 4, 12, 2, 3, 1, 7, 1, 3, 1, 1, 0, 3, 0, 3, 1},
    {3, 6, 5, 3, 4, 6, 5, 1, 1, 1, 1, 0, 0, 0, 0, 1},   /* a dense layer */
    {1, 7, 7, 2, 2, 1, 1, 3, 3, 1, 1, 0, 0, 0, 0, 1},   /* pixels that nobody reads */
    {1, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 2, 1},   /* outputs of padding alone */
};

/* Everything about one problem. X, Y, W: elements of src, of dst (before pooling), of weights. */
struct problem {
    struct ref_conv2d g;
    int64_t X, Y, W, K;
    float *x, *w, *b, *y, *dy, *dx, *dw, *db;
    double *want, *mag; /* room for any tensor */
};

static struct problem make(int index, uint64_t *seed, int64_t range, float scale, int relu)
{
    const struct shape *a = &shapes[index];
    const int64_t p = (a->h + a->top + a->bottom - (a->r - 1) * a->dilation_h - 1) / a->stride_h + 1;
    const int64_t q = (a->w + a->left + a->right - (a->s - 1) * a->dilation_w - 1) / a->stride_w + 1;
    struct problem t = {.g = {a->n, a->h, a->w, a->c, a->k, a->r, a->s, a->stride_h, a->stride_w, a->dilation_h,
                              a->dilation_w, a->top, a->left, a->groups, p, q, relu}};
    t.X = t.g.n * t.g.h * t.g.w * t.g.c;
    t.Y = t.g.n * p * q * t.g.k;
    t.W = t.g.r * t.g.s * t.g.c / t.g.groups * t.g.k;
    t.K = t.g.k;
    *seed += (uint64_t)index;
    t.x = random_array(seed, t.X, range, scale);
    t.w = random_array(seed, t.W, range, scale);
    t.b = random_array(seed, t.K, range, scale);
    t.dy = random_array(seed, t.Y, range, scale);
    t.y = random_array(seed, t.Y, 0, 0);
    t.dx = random_array(seed, t.X, 0, 0), t.dw = random_array(seed, t.W, 0, 0);
    t.db = random_array(seed, t.K, 0, 0);
    const size_t most = (size_t)(t.X + t.Y + t.W);
    t.want = malloc(most * sizeof *t.want);
    t.mag = malloc(most * sizeof *t.mag);
    ck_assert(t.want && t.mag);
    return t;
}

static void release(struct problem *t)
{
    void *const arrays[] = {t->x, t->w, t->b, t->y, t->dy, t->dx, t->dw, t->db, t->want, t->mag};
    for (int i = 0; i < LENGTH(arrays); i++) free(arrays[i]);
}

/* got[i] against t->want[from + i] */
static void compare(const char *what, int index, const struct problem *t, const float *got, int64_t from, int64_t count,
                    double bound)
{
    const double *want = t->want + from, *mag = t->mag + from;
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= bound * mag[i], "%s, shape %d: element %lld is %a, want %a +- %a", what,
                      index, (long long)i, got[i], want[i], bound * mag[i]);
}

static void all_same(const char *what, int index, const float *got, const float *want, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(same(got[i], want[i]), "%s, shape %d: element %lld is %a, want %a", what, index, (long long)i,
                      got[i], want[i]);
}

/* All three directions against double, with and without ReLU and bias. */
static void against_double(int index, int64_t range, float scale, double bound)
{
    for (int options = 0; options < 4; options++) {
        uint64_t seed = 100;
        struct problem t = make(index, &seed, range, scale, options & 1);
        const float *bias = options & 2 ? t.b : NULL;
        ref_conv2d_forward(&t.g, t.x, t.w, bias, t.y);
        refd_conv2d_forward(&t.g, t.x, t.w, bias, t.want, t.mag);
        compare("forward", index, &t, t.y, 0, t.Y, bound);
        const float *y = t.g.relu ? t.y : NULL;
        ref_conv2d_backward_data(&t.g, t.w, y, t.dy, t.dx);
        refd_conv2d_backward_data(&t.g, t.w, y, t.dy, t.want, t.mag);
        compare("backward data", index, &t, t.dx, 0, t.X, bound);
        ref_conv2d_backward_weights(&t.g, t.x, y, t.dy, t.dw, bias ? t.db : NULL);
        refd_conv2d_backward_weights(&t.g, t.x, y, t.dy, t.want, t.mag, bias ? t.want + t.W : NULL, t.mag + t.W);
        compare("backward weights", index, &t, t.dw, 0, t.W, bound);
        if (bias) compare("backward bias", index, &t, t.db, t.W, t.K, bound);
        release(&t);
    }
}

START_TEST(float_is_near_double)
{
    against_double(_i, 1 << 20, 0x1p-20f, 16 * EPS);
    against_double(_i, 4, 1.0f, 0.0); /* integers: no rounding */
}
END_TEST

static double dot(const float *a, const float *b, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* On integers every number here is exact, so the two dots are equal and not just near. */
START_TEST(directions_are_adjoint)
{
    uint64_t seed = 200;
    struct problem t = make(_i, &seed, 4, 1.0f, 0);
    ref_conv2d_forward(&t.g, t.x, t.w, NULL, t.y);
    ref_conv2d_backward_data(&t.g, t.w, NULL, t.dy, t.dx);
    ref_conv2d_backward_weights(&t.g, t.x, NULL, t.dy, t.dw, t.db);
    const double forward = dot(t.y, t.dy, t.Y), data = dot(t.x, t.dx, t.X), weights = dot(t.w, t.dw, t.W);
    ck_assert_msg(forward == data && forward == weights, "shape %d: %.0f, %.0f, %.0f", _i, forward, data, weights);
    release(&t);
}
END_TEST

/* sum of dy * output in double, with ReLU; pooled: dy * max of each 2x2 window. */
static double objective(const struct problem *t, int pooled)
{
    refd_conv2d_forward(&t->g, t->x, t->w, t->b, t->want, t->mag);
    double sum = 0.0;
    if (!pooled) {
        for (int64_t i = 0; i < t->Y; i++) sum += t->want[i] * (double)t->dy[i];
        return sum;
    }
    const float *dy = t->dy;
    for (int64_t n = 0; n < t->g.n; n++)
        for (int64_t p = 0; p + 1 < t->g.p; p += 2)
            for (int64_t q = 0; q + 1 < t->g.q; q += 2)
                for (int64_t k = 0; k < t->K; k++) {
                    const double *at = t->want + ((n * t->g.p + p) * t->g.q + q) * t->K + k;
                    const double *below = at + t->g.q * t->K;
                    sum += fmax(fmax(at[0], at[t->K]), fmax(below[0], below[t->K])) * (double)*dy++;
                }
    return sum;
}

/* Inputs are multiples of 2^-10 and the step is 2^-21: x +- step are exact floats, and outputs, multiples of 2^-20,
 * stay on their side of a kink unless they are on it. */
static void differences(const char *what, int index, const struct problem *t, int pooled, float *x,
                        const float *gradient, int64_t count)
{
    const float step = 0x1p-21f;
    const int64_t stride = 1 + count / 60;
    for (int64_t i = index % stride; i < count; i += stride) {
        const float x0 = x[i];
        x[i] = x0 + step;
        const double above = objective(t, pooled);
        x[i] = x0 - step;
        const double below = objective(t, pooled);
        x[i] = x0;
        const double want = (above - below) / (2.0 * (double)step), bound = 1e-5 * (1.0 + fabs(want));
        ck_assert_msg(fabs(want - gradient[i]) <= bound, "%s, shape %d: element %lld is %g, want %g", what, index,
                      (long long)i, gradient[i], want);
    }
}

static uint16_t *new_choice(const struct problem *t)
{
    const int64_t words = t->g.n * (t->g.p / 2) * (t->g.q / 2) * ((t->K + 15) / 16) * 3;
    uint16_t *choice = malloc((size_t)(words + 1) * sizeof *choice);
    ck_assert_ptr_nonnull(choice);
    return choice;
}

START_TEST(finite_differences)
{
    for (int pooled = 0; pooled < 2; pooled++) {
        uint64_t seed = 300;
        struct problem t = make(_i, &seed, 1 << 10, 0x1p-10f, 1);
        uint16_t *choice = new_choice(&t);
        if (pooled) {
            ref_conv2d_pool_forward(&t.g, t.x, t.w, t.b, t.y, choice);
            ref_conv2d_pool_backward_data(&t.g, t.w, choice, t.dy, t.dx);
            ref_conv2d_pool_backward_weights(&t.g, t.x, choice, t.dy, t.dw, t.db);
        } else {
            ref_conv2d_forward(&t.g, t.x, t.w, t.b, t.y);
            ref_conv2d_backward_data(&t.g, t.w, t.y, t.dy, t.dx);
            ref_conv2d_backward_weights(&t.g, t.x, t.y, t.dy, t.dw, t.db);
        }
        differences(pooled ? "pooled d_src" : "d_src", _i, &t, pooled, t.x, t.dx, t.X);
        differences(pooled ? "pooled d_weights" : "d_weights", _i, &t, pooled, t.w, t.dw, t.W);
        differences(pooled ? "pooled d_bias" : "d_bias", _i, &t, pooled, t.b, t.db, t.K);
        free(choice);
        release(&t);
    }
}
END_TEST

/* The bits of choice for every window and channel, against dst and argmax of the separate pooling. */
static void choice_is(const struct problem *t, const uint16_t *choice, const float *pooled, const int32_t *argmax)
{
    const int64_t groups_of_16 = (t->K + 15) / 16, windows = t->g.n * (t->g.p / 2) * (t->g.q / 2);
    for (int64_t i = 0; i < windows; i++)
        for (int64_t k = 0; k < groups_of_16 * 16; k++) {
            const uint16_t *words = choice + (i * groups_of_16 + k / 16) * 3;
            const int bits[3] = {words[0] >> k % 16 & 1, words[1] >> k % 16 & 1, words[2] >> k % 16 & 1};
            const int alive = k < t->K && pooled[i * t->K + k] != 0.0f;
            const int winner = alive ? argmax[i * t->K + k] : 0;
            ck_assert_msg(bits[2] == alive && bits[0] + 2 * bits[1] == winner, "window %d, channel %d", (int)i, (int)k);
        }
}

/* The pooled convolution is convolution, ReLU, max pooling: forward and gradients, for numbers with many ties, -0 (from
 * bias -0 and small integers) and with NaN in every tenth pixel (odd rounds). */
START_TEST(pooled_is_its_parts)
{
    for (int round = 0; round < 4; round++) {
        uint64_t seed = 400;
        struct problem t = make(_i, &seed, round & 2 ? 1 << 20 : 1, round & 2 ? 0x1p-20f : 1.0f, 1);
        for (int64_t k = 0; k < t.K; k++) t.b[k] = -0.0f;
        for (int64_t i = 0; round & 1 && i < t.X; i++)
            if (random_integer(&seed, 0, 9) == 0) t.x[i] = NAN;
        const struct ref_pool pool = {t.g.n, t.g.p, t.g.q, t.K, 2, 2, 2, 2, 0, 0, t.g.p / 2, t.g.q / 2};
        uint16_t *choice = new_choice(&t);
        int32_t *argmax = malloc((size_t)t.Y * sizeof *argmax);
        float *fused = random_array(&seed, t.Y, 0, 0), *pooled = random_array(&seed, t.Y, 0, 0);
        float *full = random_array(&seed, t.Y, 1, 1), *masked = random_array(&seed, t.Y, 0, 0);
        const int64_t count = t.g.n * pool.p * pool.q * t.K;
        ref_conv2d_pool_forward(&t.g, t.x, t.w, t.b, fused, choice);
        ref_conv2d_forward(&t.g, t.x, t.w, t.b, t.y);
        ref_maxpool_forward(&pool, t.y, pooled, argmax);
        all_same("pooled dst", _i, fused, pooled, count);
        choice_is(&t, choice, pooled, argmax);
        ref_unpool(&t.g, choice, t.dy, full);
        ref_maxpool_backward_data(&pool, argmax, t.dy, masked);
        ref_relu_backward_data(t.Y, t.y, masked, masked);
        all_same("unpooled gradient", _i, full, masked, t.Y);

        struct ref_conv2d plain = t.g;
        plain.relu = 0;
        float *dx = random_array(&seed, t.X, 0, 0);
        ref_conv2d_pool_backward_data(&t.g, t.w, choice, t.dy, t.dx);
        ref_conv2d_backward_data(&plain, t.w, NULL, full, dx);
        all_same("pooled d_src", _i, t.dx, dx, t.X);
        for (int64_t i = 0; i < t.X; i++) t.x[i] = isnan(t.x[i]) ? 0.0f : t.x[i]; /* the parts multiply it by 0, too */
        ref_conv2d_pool_backward_weights(&t.g, t.x, choice, t.dy, t.dw, t.db);
        refd_conv2d_backward_weights(&plain, t.x, NULL, full, t.want, t.mag, t.want + t.W, t.mag + t.W);
        compare("pooled d_weights", _i, &t, t.dw, 0, t.W, 16 * EPS);
        compare("pooled d_bias", _i, &t, t.db, t.W, t.K, 16 * EPS);
        void *const arrays[] = {fused, pooled, full, masked, dx, choice, argmax};
        for (int i = 0; i < LENGTH(arrays); i++) free(arrays[i]);
        release(&t);
    }
}
END_TEST

/* ---- the order of the sums: the same bits as chains written down here, with padding as +0 instead of skipped ---- */

static float x_at(const struct problem *t, int64_t n, int64_t h, int64_t w, int64_t c)
{
    return h < 0 || h >= t->g.h || w < 0 || w >= t->g.w ? 0.0f : t->x[((n * t->g.h + h) * t->g.w + w) * t->g.c + c];
}

/* The gradient of output (y/stride, x/stride), if there is such a one. */
static float dy_at(const struct problem *t, int64_t n, int64_t y, int64_t x, int64_t k)
{
    const int64_t p = y / t->g.stride_h, q = x / t->g.stride_w, i = ((n * t->g.p + p) * t->g.q + q) * t->g.k + k;
    if (y < 0 || x < 0 || y % t->g.stride_h || x % t->g.stride_w || p >= t->g.p || q >= t->g.q) return 0.0f;
    return t->y[i] == 0.0f ? 0.0f : t->dy[i];
}

static float weight(const struct problem *t, int64_t r, int64_t s, int64_t c, int64_t k)
{
    return t->w[((r * t->g.s + s) * (t->g.c / t->g.groups) + c) * t->g.k + k];
}

static float forward_chain(const struct problem *t, int64_t n, int64_t p, int64_t q, int64_t k)
{
    const struct ref_conv2d *g = &t->g;
    const int64_t group_c = g->c / g->groups, channel = k / (g->k / g->groups) * group_c;
    const int64_t h = p * g->stride_h - g->pad_top, w = q * g->stride_w - g->pad_left;
    float acc = t->b[k];
    for (int64_t i = 0; i < g->r * g->s * group_c; i++) {
        const int64_t r = i / group_c / g->s, s = i / group_c % g->s, c = i % group_c;
        const float x = x_at(t, n, h + r * g->dilation_h, w + s * g->dilation_w, channel + c);
        acc = fmaf(x, weight(t, r, s, c, k), acc);
    }
    return acc < 0.0f ? 0.0f : acc;
}

static float data_chain(const struct problem *t, int64_t n, int64_t h, int64_t w, int64_t c)
{
    const struct ref_conv2d *g = &t->g;
    const int64_t group_c = g->c / g->groups, group_k = g->k / g->groups;
    float acc = 0.0f;
    for (int64_t i = 0; i < g->r * g->s * group_k; i++) {
        const int64_t r = i / group_k / g->s, s = i / group_k % g->s, k = c / group_c * group_k + i % group_k;
        const float dy = dy_at(t, n, h + g->pad_top - r * g->dilation_h, w + g->pad_left - s * g->dilation_w, k);
        acc = fmaf(dy, weight(t, r, s, c % group_c, k), acc);
    }
    return acc;
}

/* Output number i of an image: row by row, or window by window. *p < 0: beyond the last. */
static void output_number(const struct ref_conv2d *g, int windows, int64_t i, int64_t *p, int64_t *q)
{
    const int64_t across = windows ? g->q / 2 : g->q;
    const int64_t block = windows ? i / 4 : i, in_block = windows ? i % 4 : 0, size = windows ? 2 : 1;
    *p = across ? block / across * size + in_block / 2 : g->p;
    *q = across ? block % across * size + in_block % 2 : 0;
    if (*p >= g->p - (windows ? g->p % 2 : 0)) *p = -1;
}

/* The gradient of weight i = (r,s,c,k); bias: of bias k, as of a weight that meets only ones. */
static float weight_sum(const struct problem *t, int windows, int bias, int64_t i)
{
    const struct ref_conv2d *g = &t->g;
    const int64_t group_c = g->c / g->groups, k = i % g->k, tap = i / g->k / group_c;
    const int64_t channel = k / (g->k / g->groups) * group_c + i / g->k % group_c;
    float block[6] = {0.0f};
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t j = 0, p, q; output_number(g, windows, j, &p, &q), p >= 0; j++) {
            const int64_t h = p * g->stride_h + tap / g->s * g->dilation_h - g->pad_top;
            const int64_t w = q * g->stride_w + tap % g->s * g->dilation_w - g->pad_left;
            const float dy = dy_at(t, n, p * g->stride_h, q * g->stride_w, k);
            block[n / 8] = fmaf(bias ? 1.0f : x_at(t, n, h, w, channel), dy, block[n / 8]);
        }
    return ((block[0] + block[1]) + (block[2] + block[3])) + (block[4] + block[5]);
}

static void weights_are_in_order(const struct problem *t, int windows, int index)
{
    for (int64_t i = 0; i < t->W + t->K; i++) {
        const int bias = i >= t->W;
        const float want = weight_sum(t, windows, bias, bias ? i - t->W : i);
        all_same(windows ? "pooled weights" : "weights", index, bias ? t->db + i - t->W : t->dw + i, &want, 1);
    }
}

START_TEST(sums_are_in_order)
{
    uint64_t seed = 500;
    struct problem t = make(_i, &seed, 1 << 24, 0x1p-24f, 1);
    for (int64_t i = 0; i < t.Y; i++) t.dy[i] *= (float)(1 << random_integer(&seed, 0, 9)); /* every sum rounds */
    const struct ref_conv2d *g = &t.g;
    ref_conv2d_forward(g, t.x, t.w, t.b, t.y);
    for (int64_t i = 0; i < t.Y; i++) {
        const float want = forward_chain(&t, i / t.K / g->q / g->p, i / t.K / g->q % g->p, i / t.K % g->q, i % t.K);
        all_same("dst", _i, t.y + i, &want, 1);
    }
    ref_conv2d_backward_data(g, t.w, t.y, t.dy, t.dx);
    for (int64_t i = 0; i < t.X; i++) {
        const float want = data_chain(&t, i / g->c / g->w / g->h, i / g->c / g->w % g->h, i / g->c % g->w, i % g->c);
        all_same("d_src", _i, t.dx + i, &want, 1);
    }
    ref_conv2d_backward_weights(g, t.x, t.y, t.dy, t.dw, t.db);
    weights_are_in_order(&t, 0, _i);

    uint16_t *choice = new_choice(&t);
    float *pooled_dy = t.dy, *pooled = random_array(&seed, t.Y, 0, 0);
    t.dy = random_array(&seed, t.Y, 0, 0); /* the full gradient */
    ref_conv2d_pool_forward(g, t.x, t.w, t.b, pooled, choice);
    ref_unpool(g, choice, pooled_dy, t.dy);
    ref_conv2d_pool_backward_weights(g, t.x, choice, pooled_dy, t.dw, t.db);
    weights_are_in_order(&t, 1, _i);
    free(choice);
    free(pooled_dy);
    free(pooled);
    release(&t);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("conv2d");
    tcase_add_loop_test(tests, float_is_near_double, 0, LENGTH(shapes));
    tcase_add_loop_test(tests, directions_are_adjoint, 0, LENGTH(shapes));
    tcase_add_loop_test(tests, finite_differences, 0, LENGTH(shapes));
    tcase_add_loop_test(tests, pooled_is_its_parts, 0, LENGTH(shapes));
    tcase_add_loop_test(tests, sums_are_in_order, 0, LENGTH(shapes));
    return run_tests(tests, "the reference of convolution");
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization (docs/numerics.md, rule 14): the reference against double and its order written out again, the
 * moments of a batch from those of its shards, gradients by finite differences. */
#include <string.h>

#include "lib/net/moments.h"
#include "reference/ref.h"
#include "tests/check_reference.h"

enum { C = 5 };

/* ---- statistics ---- */

static double mean_of(const float *x, int64_t pixels, int channel)
{
    long double sum = 0;
    for (int64_t i = 0; i < pixels; i++) sum += (long double)x[i * C + channel];
    return (double)(sum / (long double)pixels);
}

static double variance_of(const float *x, int64_t pixels, int channel)
{
    const long double mean = (long double)mean_of(x, pixels, channel);
    long double sum = 0;
    for (int64_t i = 0; i < pixels; i++) {
        const long double d = (long double)x[i * C + channel] - mean;
        sum += d * d;
    }
    return (double)(sum / (long double)pixels);
}

/* Channel c lies around `level` times 0, 1, -1 and so on, with deviations in [-1, 1); the last one is constant. */
static float *sample(uint64_t seed, int64_t pixels, float level)
{
    float *x = random_array(&seed, pixels * C, 1 << 20, 0x1p-20f);
    for (int64_t i = 0; i < pixels * C; i++) {
        const int channel = (int)(i % C);
        if (channel == C - 1) x[i] = 0.1f * (1 + level);
        else x[i] += level * (float)(channel % 3 - 1);
    }
    return x;
}

static void check_moments(const float *x, int64_t pixels, const float *mean, const float *variance)
{
    for (int c = 0; c < C; c++) {
        const double want = mean_of(x, pixels, c), spread = variance_of(x, pixels, c);
        ck_assert_msg(fabs(mean[c] - want) <= 3 * EPS * (fabs(want) + sqrt(spread)), "%lld pixels, mean %g, want %g",
                      (long long)pixels, mean[c], want);
        ck_assert_msg(fabs(variance[c] - spread) <= 2e-6 * spread + 4 * EPS * EPS * want * want,
                      "%lld pixels around %g: variance %g, want %g", (long long)pixels, want, variance[c], spread);
        ck_assert(variance[c] >= 0 && (pixels > 1 || variance[c] == 0));
    }
}

static const int64_t sizes[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 1000, 5408, 64 * 26 * 26};
static const float levels[] = {0, 1, 1000, -3e4f};

/* One shard, and seven of unequal sizes of which two are empty: both are as near to double as floats can be. */
START_TEST(moments_against_double)
{
    const int64_t pixels = sizes[_i % LENGTH(sizes)];
    float *x = sample(11 + (uint64_t)_i, pixels, levels[_i / LENGTH(sizes)]), sums[7][3 * C], mean[C], variance[C];
    ref_batch_sums(pixels, C, x, sums[0]);
    net_moments(&(struct net_shard_sums){sums[0], pixels}, 1, C, mean, variance);
    check_moments(x, pixels, mean, variance);
    const int64_t half = pixels / 2;
    const int64_t ends[7] = {0, pixels / 3, pixels / 3, half, half + pixels / 4, pixels - pixels / 9, pixels};
    struct net_shard_sums shards[7];
    for (int i = 0; i < 7; i++) {
        const int64_t first = i ? ends[i - 1] : 0;
        shards[i] = (struct net_shard_sums){sums[i], ends[i] - first};
        if (shards[i].pixels) ref_batch_sums(shards[i].pixels, C, x + first * C, sums[i]);
        else shards[i].sums = NULL;
    }
    net_moments(shards, 7, C, mean, variance);
    check_moments(x, pixels, mean, variance);
    free(x);
}
END_TEST

/* Three blocks, the last one short: ((b0 + b1) + b2), as rule 14 has it. */
static float blocks(const float *x, const float *y, float shift, int64_t pixels)
{
    float sum[3] = {0, 0, 0};
    for (int64_t i = 0; i < pixels; i++) {
        const float d = x[i * C] - shift;
        sum[i / 64] = y ? fmaf(y[i * C] - (y == x ? shift : 0), d, sum[i / 64]) : sum[i / 64] + d;
    }
    return sum[0] + sum[1] + sum[2];
}

START_TEST(order_of_the_sums)
{
    enum { PIXELS = 150 };
    uint64_t seed = 21;
    float *x = sample(20, PIXELS, 7), *dy = random_array(&seed, PIXELS * C, 1 << 20, 0x1p-20f);
    float got[3 * C], d_gamma[C], d_beta[C], mean[C], variance[C];
    ref_batch_sums(PIXELS, C, x, got);
    for (int c = 0; c < C; c++) mean[c] = got[c], variance[c] = got[2 * C + c] / PIXELS;
    ref_batch_norm_backward_weights(PIXELS, C, 1e-3f, x, mean, variance, dy, d_gamma, d_beta);
    for (int c = 0; c < C; c++) {
        const float m = blocks(x + c, NULL, 0, PIXELS) / PIXELS;
        ck_assert(got[c] == m && got[C + c] == blocks(x + c, NULL, m, PIXELS));
        ck_assert(got[2 * C + c] == blocks(x + c, x + c, m, PIXELS));
        ck_assert(d_beta[c] == blocks(dy + c, NULL, 0, PIXELS));
        ck_assert(d_gamma[c] == blocks(x + c, dy + c, mean[c], PIXELS) * (1 / sqrtf(variance[c] + 1e-3f)));
    }
    free(x), free(dy);
}
END_TEST

/* The tree over five shards, ((0 + 1) + (2 + 3)) + 4, joined by hand; another order of the shards has other bits. */
static void join(double a[3], const double b[3])
{
    const double n = a[0] + b[0], part = b[0] / n, d = b[1] - a[1];
    a[2] = a[2] + b[2] + d * d * (a[0] * part);
    a[1] += d * part;
    a[0] = n;
}

START_TEST(order_of_the_shards)
{
    const float sums[5][3] = {{3e15f, 0.01f, 3}, {-3e15f, -0.1f, 0.7f}, {-3.3f, 1e-3f, 1e-7f}, {0.1f, 0.3f, 12},
                              {77, 1, 1}};
    const int64_t pixels[5] = {7, 7, 1, 64, 13};
    struct net_shard_sums shards[5];
    double leaf[5][3];
    float mean, variance;
    for (int i = 0; i < 5; i++) {
        const double n = (double)pixels[i], r = (double)sums[i][1], squares = (double)sums[i][2] - r * (r / n);
        shards[i] = (struct net_shard_sums){sums[i], pixels[i]};
        leaf[i][0] = n, leaf[i][1] = (double)sums[i][0] + r / n, leaf[i][2] = squares < 0 ? 0 : squares;
    }
    join(leaf[0], leaf[1]), join(leaf[2], leaf[3]), join(leaf[0], leaf[2]), join(leaf[0], leaf[4]);
    net_moments(shards, 5, 1, &mean, &variance);
    ck_assert(mean == (float)leaf[0][1] && variance == (float)(leaf[0][2] / leaf[0][0]));
}
END_TEST

START_TEST(moving_averages)
{
    float moving[4] = {0, 1, -0x1p-109f, NAN};
    const float now[4] = {8, 3, 0, 1};
    net_moving_average(moving, now, 4, 0.75f);
    ck_assert(moving[0] == 2 && moving[1] == 1.5f && moving[2] == -0x1.8p-110f && isnan(moving[3]));
    net_moving_average(moving, now, 3, 0.5f);
    ck_assert(moving[0] == 5 && moving[1] == 2.25f && moving[2] == 0);
}
END_TEST

/* ---- normalising and its gradients ---- */

/* sum of weight * batch_norm(x), with the batch's own moments, in double. */
static double loss_of(const double *x, int64_t pixels, const float *gamma, const float *beta, const float *weight)
{
    double loss = 0;
    for (int c = 0; c < C; c++) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < pixels; i++) mean += x[i * C + c] / (double)pixels;
        for (int64_t i = 0; i < pixels; i++) variance += (x[i * C + c] - mean) * (x[i * C + c] - mean) / (double)pixels;
        const double scale = (double)gamma[c] / sqrt(variance + 1e-3);
        for (int64_t i = 0; i < pixels; i++)
            loss += (double)weight[i * C + c] * ((x[i * C + c] - mean) * scale + (double)beta[c]);
    }
    return loss;
}

struct batch {
    int64_t pixels;
    float *x, *dy, *y, *dx, gamma[C], beta[C], mean[C], variance[C], d_gamma[C], d_beta[C];
};

/* Forward, and backward with the gradient dy, as one shard. */
static struct batch run(int64_t pixels, float level)
{
    struct batch b = {.pixels = pixels, .x = sample(31, pixels, level)};
    uint64_t seed = 32;
    float sums[3 * C];
    b.dy = random_array(&seed, pixels * C, 1 << 20, 0x1p-20f);
    b.y = random_array(&seed, pixels * C, 0, 0);
    b.dx = random_array(&seed, pixels * C, 0, 0);
    for (int c = 0; c < C; c++) b.gamma[c] = 0.5f + (float)c, b.beta[c] = 0.25f * (float)c - 1;
    ref_batch_sums(pixels, C, b.x, sums);
    net_moments(&(struct net_shard_sums){sums, pixels}, 1, C, b.mean, b.variance);
    ref_batch_norm_forward(pixels, C, 1e-3f, b.x, b.mean, b.variance, b.gamma, b.beta, b.y);
    ref_batch_norm_backward_weights(pixels, C, 1e-3f, b.x, b.mean, b.variance, b.dy, b.d_gamma, b.d_beta);
    ref_batch_norm_backward_data(pixels, C, 1e-3f, 1.0f / (float)pixels, b.x, b.mean, b.variance, b.gamma, b.d_gamma,
                                 b.d_beta, b.dy, b.dx);
    return b;
}

static void release(struct batch *b)
{
    free(b->x), free(b->dy), free(b->y), free(b->dx);
}

START_TEST(forward_against_double)
{
    const int64_t pixels = sizes[_i % LENGTH(sizes)];
    const float level = levels[_i / LENGTH(sizes)];
    struct batch b = run(pixels, level);
    double means[C], factors[C];
    for (int c = 0; c < C; c++) {
        means[c] = mean_of(b.x, pixels, c);
        factors[c] = 1 / sqrt(variance_of(b.x, pixels, c) + 1e-3);
    }
    for (int64_t i = 0; i < pixels * C; i++) {
        const int c = (int)(i % C);
        const double mean = means[c], f = factors[c];
        const double d = ((double)b.x[i] - mean) * f, want = d * (double)b.gamma[c] + (double)b.beta[c];
        const double bound = 8 * EPS * (fabs(d * (double)b.gamma[c]) + fabs((double)b.beta[c])) +
                             4 * EPS * (fabs(mean) + 1) * f * (double)b.gamma[c]; /* a mean is a float */
        ck_assert_msg(fabs(b.y[i] - want) <= bound, "%lld pixels around %g: %g, want %g", (long long)pixels, mean,
                      b.y[i], want);
    }
    release(&b);
}
END_TEST

START_TEST(gradients_by_finite_differences)
{
    static const int64_t few[] = {1, 2, 7, 70};
    struct batch b = run(few[_i], 1);
    double x[70 * C];
    const double step = 1e-4;
    for (int64_t i = 0; i < b.pixels * C; i++) x[i] = (double)b.x[i];
    for (int64_t i = 0; i < b.pixels * C; i++) {
        const double at = x[i];
        x[i] = at + step;
        const double above = loss_of(x, b.pixels, b.gamma, b.beta, b.dy);
        x[i] = at - step;
        const double slope = (above - loss_of(x, b.pixels, b.gamma, b.beta, b.dy)) / (2 * step);
        x[i] = at;
        ck_assert_msg(fabs(b.dx[i] - slope) <= 1e-4 * (1 + fabs(slope)), "d_src[%d] is %g, want %g", (int)i, b.dx[i],
                      slope);
    }
    for (int c = 0; c < 2 * C; c++) {
        float *parameter = c < C ? &b.gamma[c] : &b.beta[c - C];
        const float at = *parameter, got = c < C ? b.d_gamma[c] : b.d_beta[c - C];
        *parameter = at + 0.5f; /* the loss is linear in both */
        const double above = loss_of(x, b.pixels, b.gamma, b.beta, b.dy);
        *parameter = at;
        const double slope = 2 * (above - loss_of(x, b.pixels, b.gamma, b.beta, b.dy));
        ck_assert_msg(fabs((double)got - slope) <= 1e-5 * (1 + fabs(slope)), "gradient %d is %g, want %g", c,
                      (double)got, slope);
    }
    release(&b);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("batch normalization");
    tcase_add_loop_test(tests, moments_against_double, 0, LENGTH(sizes) * LENGTH(levels));
    tcase_add_test(tests, order_of_the_sums);
    tcase_add_test(tests, order_of_the_shards);
    tcase_add_test(tests, moving_averages);
    tcase_add_loop_test(tests, forward_against_double, 0, LENGTH(sizes) * LENGTH(levels));
    tcase_add_loop_test(tests, gradients_by_finite_differences, 0, 4);
    return run_tests(tests, "the reference of batch normalization");
}

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The float reference apart from convolution and functions: pooling, activations, dropout, dense, softmax and
 * losses, reduce, the optimizers. Rules one by one, sums written out, and double or finite differences where
 * there is a formula. */
#include "reference/ref.h"
#include "tests/check_reference.h"

#include <Random123/philox.h>
#include <string.h>

/* ---- pooling ---- */

START_TEST(maxpool_rules)
{
    static const struct {
        float x[4];
        int winner;
    } windows[] = {
        {{1, 2, 3, 4}, 3}, {{4, 4, 4, 4}, 0}, {{1, 5, 5, 2}, 1}, {{-3, -1, -2, -1}, 1}, {{-0.0f, 0, 0, 0}, 0},
        {{1, NAN, 9, NAN}, 1}, {{NAN, 1, INFINITY, 2}, 0}, {{-INFINITY, -INFINITY, -INFINITY, -INFINITY}, 0},
        {{-INFINITY, -INFINITY, -1e38f, -INFINITY}, 2}, {{INFINITY, INFINITY, NAN, NAN}, 2},
    };
    const struct ref_pool g = {1, 2, 2, 1, 2, 2, 2, 2, 0, 0, 1, 1};
    for (int i = 0; i < LENGTH(windows); i++) {
        float y;
        int32_t argmax;
        ref_maxpool_forward(&g, windows[i].x, &y, &argmax);
        ck_assert_msg(argmax == windows[i].winner, "window %d: %d wins", i, argmax);
        ck_assert_msg(same(y, windows[i].x[argmax]), "window %d: %g", i, y);
    }
}
END_TEST

/* Image 2x2, windows 3x3, stride 2, padding 3: of 3x3 outputs the last two rows and columns see the image. */
START_TEST(padding_is_no_element)
{
    const struct ref_pool g = {1, 2, 2, 1, 3, 3, 2, 2, 3, 3, 3, 3};
    const float x[4] = {-1, -2, -3, -4};
    const float max[9] = {0, 0, 0, 0, -1, -2, 0, -3, -4}, mean[9] = {0, 0, 0, 0, -2.5f, -3, 0, -3.5f, -4};
    const int32_t winner[9] = {-1, -1, -1, -1, 4, 3, -1, 1, 0};
    float y[9];
    int32_t argmax[9];
    ref_maxpool_forward(&g, x, y, argmax);
    for (int i = 0; i < 9; i++)
        ck_assert_msg(y[i] == max[i] && argmax[i] == winner[i], "%d: max %g at %d", i, y[i], argmax[i]);
    ref_avgpool_forward(&g, x, y);
    for (int i = 0; i < 9; i++) ck_assert_msg(y[i] == mean[i], "%d: mean %g", i, y[i]);
}
END_TEST

static const struct ref_pool pools[] = {
    {2, 6, 8, 3, 2, 2, 2, 2, 0, 0, 3, 4}, {1, 7, 7, 2, 3, 3, 2, 2, 1, 1, 4, 4}, {1, 5, 6, 3, 3, 2, 1, 1, 0, 0, 3, 5},
    {1, 6, 5, 2, 3, 3, 1, 1, 1, 1, 6, 5}, {1, 7, 6, 1, 2, 2, 3, 3, 0, 0, 2, 2}, {2, 4, 5, 2, 4, 5, 4, 5, 0, 0, 1, 1},
    {1, 5, 5, 2, 3, 3, 2, 2, 0, 1, 2, 3}, {1, 3, 4, 2, 2, 3, 1, 2, 2, 0, 4, 1},
};

/* Distinct inputs and a step smaller than their distance: max pooling is linear there, average pooling everywhere. All
 * numbers are small integers, so that the differences of max pooling are exact; d_dst of average pooling is divided. */
START_TEST(pool_finite_differences)
{
    const struct ref_pool *g = &pools[_i];
    const int64_t in = g->n * g->h * g->w * g->c, out = g->n * g->p * g->q * g->c;
    uint64_t seed = 1;
    float *x = random_array(&seed, in, 0, 0), *dy = random_array(&seed, out, 8, 1);
    float *y = random_array(&seed, out, 0, 0), *dx = random_array(&seed, in, 0, 0);
    int32_t *argmax = calloc((size_t)out, sizeof *argmax);
    for (int64_t i = 0; i < in; i++) x[i] = (float)(i * 7919 % in * 4); /* 7919 is a prime: a permutation */
    for (int average = 0; average < 2; average++) {
        ref_maxpool_forward(g, x, y, argmax);
        if (average) ref_avgpool_backward_data(g, dy, dx);
        else ref_maxpool_backward_data(g, argmax, dy, dx);
        for (int64_t i = 0; i < in; i++) {
            double sum[2] = {0.0, 0.0};
            for (int side = 0; side < 2; side++) {
                const float x0 = x[i];
                x[i] += side ? 1.0f : -1.0f;
                if (average) ref_avgpool_forward(g, x, y);
                else ref_maxpool_forward(g, x, y, argmax);
                x[i] = x0;
                for (int64_t j = 0; j < out; j++) sum[side] += (double)y[j] * (double)dy[j];
            }
            const double want = (sum[1] - sum[0]) / 2.0;
            ck_assert_msg(fabs(dx[i] - want) <= (average ? 1e-3 : 0.0), "pool %d, %s, element %d: %g, want %g", _i,
                          average ? "average" : "max", (int)i, dx[i], want);
        }
    }
    void *const arrays[] = {x, dy, y, dx, argmax};
    for (int i = 0; i < LENGTH(arrays); i++) free(arrays[i]);
}
END_TEST

/* One input element under four windows; the sum runs over r, s, so the last window comes first. */
START_TEST(pool_gradients_are_in_order)
{
    const struct ref_pool g = {1, 3, 3, 1, 2, 2, 1, 1, 0, 0, 2, 2};
    const float x[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    float y[4], dx[9];
    int32_t argmax[4];
    ref_maxpool_forward(&g, x, y, argmax);
    for (uint64_t seed = 0; seed < 64; seed++) {
        float *dy = random_array(&(uint64_t){seed}, 4, 1 << 24, 0x1p-24f);
        for (int i = 0; i < 4; i++) dy[i] *= (float)(1 << (seed + (uint64_t)i * 5) % 12); /* so that every sum rounds */
        ref_maxpool_backward_data(&g, argmax, dy, dx);
        ck_assert_msg(dx[4] == ((dy[3] + dy[2]) + dy[1]) + dy[0], "max, seed %d", (int)seed);
        ref_avgpool_backward_data(&g, dy, dx);
        ck_assert_msg(dx[4] == ((dy[3] / 4 + dy[2] / 4) + dy[1] / 4) + dy[0] / 4, "average, seed %d", (int)seed);
        free(dy);
    }
}
END_TEST

/* ---- activations, dropout, dense ---- */

START_TEST(relu_rules)
{
    const float x[] = {-1, -0.0f, 0, 2, -INFINITY, INFINITY, NAN, -1e-45f}, ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
    const float want[] = {0, 0, 0, 2, 0, INFINITY, NAN, 0}, gradient[] = {0, 0, 0, 1, 0, 1, 1, 0};
    float y[8], dx[8];
    ref_relu_forward(8, x, y);
    ref_relu_backward_data(8, y, ones, dx);
    for (int i = 0; i < 8; i++)
        ck_assert_msg(same(y[i], want[i]) && dx[i] == gradient[i], "%g: %g, %g", x[i], y[i], dx[i]);
    ck_assert(signbit(y[1]) && !signbit(y[0]));
}
END_TEST

/* The formulas, operation by operation, and the slopes in double. */
START_TEST(gradients_of_sigmoid_and_tanh)
{
    uint64_t seed = 8;
    enum { COUNT = 2000 };
    float *x = random_array(&seed, COUNT, 1 << 20, 0x1p-17f), *dy = random_array(&seed, COUNT, 1 << 24, 0x1p-24f);
    float s[COUNT], t[COUNT], ds[COUNT], dt[COUNT];
    ref_sigmoid_forward(COUNT, x, s);
    ref_sigmoid_backward_data(COUNT, s, dy, ds);
    ref_tanh_forward(COUNT, x, t);
    ref_tanh_backward_data(COUNT, t, dy, dt);
    for (int i = 0; i < COUNT; i++) {
        const double e = exp(-fabs((double)x[i])), slope = e / ((1 + e) * (1 + e));
        const double square = pow(cosh((double)x[i]), -2);
        ck_assert(ds[i] == dy[i] * (s[i] * (1.0f - s[i])) && dt[i] == dy[i] * fmaf(-t[i], t[i], 1.0f));
        ck_assert_msg(fabs(ds[i] - dy[i] * slope) < 4 * EPS, "sigmoid %g: %g", x[i], ds[i]);
        ck_assert_msg(fabs(dt[i] - dy[i] * square) < 8 * EPS, "tanh %g: %g", x[i], dt[i]);
    }
    free(x);
    free(dy);
}
END_TEST

static philox4x32_ctr_t random123(const uint32_t counter[4], const uint32_t key[2])
{
    const philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    const philox4x32_key_t k = {{key[0], key[1]}};
    return philox4x32(c, k);
}

START_TEST(philox_is_random123)
{
    uint64_t seed = 9;
    for (int i = 0; i < 1000; i++) {
        uint32_t counter[4], key[2];
        for (int j = 0; j < 4; j++) counter[j] = (uint32_t)random_bits(&seed);
        for (int j = 0; j < 2; j++) key[j] = (uint32_t)random_bits(&seed);
        const philox4x32_ctr_t words = random123(counter, key);
        ref_philox(counter, key);
        for (int j = 0; j < 4; j++) ck_assert_uint_eq(counter[j], words.v[j]);
    }
}
END_TEST

/* Random123's word for an element, wherever counting begins: at whole blocks, within them, where a half of the block's
 * number wraps, and all of it. */
START_TEST(dropout_rules)
{
    enum { COUNT = 203 };
    static const uint64_t counters[] = {0, 1, 2, 7, 0x3ffffffa1, (uint64_t)-100}, seeds[] = {0, 0xfedcba9876543210};
    static const float rates[] = {0, 0.1f, 0.5f, 0.99999994f, 1e-30f};
    float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i - 100) * 0.37f;
    x[5] = NAN, x[77] = INFINITY, x[78] = -INFINITY;
    for (int k = 0; k < LENGTH(counters) * LENGTH(seeds) * LENGTH(rates); k++) {
        const uint64_t counter = counters[k % LENGTH(counters)], key = seeds[k / LENGTH(counters) % LENGTH(seeds)];
        const float rate = rates[k / LENGTH(counters) / LENGTH(seeds)], scale = 1.0f / (1.0f - rate);
        ref_dropout(COUNT, key, counter, rate, x, y);
        for (int i = 0; i < COUNT; i++) {
            const uint64_t number = counter + (uint64_t)i, block = number / 4;
            const philox4x32_ctr_t words =
                random123((const uint32_t[]){(uint32_t)block, (uint32_t)(block >> 32), 0, 2},
                          (const uint32_t[]){(uint32_t)key, (uint32_t)(key >> 32)});
            const int kept = (double)words.v[number % 4] >= floor((double)rate * 0x1p32);
            ck_assert_msg(same(y[i], kept ? x[i] * scale : 0.0f), "rate %g, element %d: %g", rate, i, y[i]);
        }
    }
}
END_TEST

/* The share that is dropped, and that the mean is kept: 100,000 elements, five standard deviations. */
START_TEST(dropout_keeps_the_mean)
{
    enum { COUNT = 100000 };
    static float ones[COUNT], y[COUNT];
    static const float rates[] = {0.01f, 0.25f, 0.5f, 0.9f};
    for (int i = 0; i < COUNT; i++) ones[i] = 1;
    for (int k = 0; k < LENGTH(rates); k++) {
        const double rate = rates[k];
        int dropped = 0;
        ref_dropout(COUNT, 1, 0, rates[k], ones, y);
        for (int i = 0; i < COUNT; i++) {
            ck_assert(y[i] == 0 || y[i] == 1 / (1 - rates[k]));
            dropped += y[i] == 0;
        }
        ck_assert_msg(fabs(dropped - COUNT * rate) < 5 * sqrt(COUNT * rate * (1 - rate)), "%g: %d", rate, dropped);
    }
}
END_TEST

START_TEST(dense_is_one_pixel)
{
    uint64_t seed = 2;
    enum { N = 19, C = 21, K = 18 };
    const struct ref_dense g = {N, C, K, 1};
    float *x = random_array(&seed, N * C, 1 << 24, 0x1p-24f), *w = random_array(&seed, C * K, 1 << 24, 0x1p-24f);
    float *b = random_array(&seed, K, 1 << 24, 0x1p-24f), *dy = random_array(&seed, N * K, 1 << 24, 0x1p-24f);
    float y[N * K], dx[N * C], dw[C * K], db[K];
    ref_dense_forward(&g, x, w, b, y);
    ref_dense_backward_data(&g, w, y, dy, dx);
    ref_dense_backward_weights(&g, x, y, dy, dw, db);
    for (int i = 0; i < N * K; i++) {
        float acc = b[i % K];
        for (int c = 0; c < C; c++) acc = fmaf(x[i / K * C + c], w[c * K + i % K], acc);
        ck_assert(y[i] == (acc < 0.0f ? 0.0f : acc));
        if (y[i] == 0.0f) dy[i] = 0.0f;
    }
    for (int i = 0; i < N * C; i++) {
        float acc = 0.0f;
        for (int k = 0; k < K; k++) acc = fmaf(dy[i / C * K + k], w[i % C * K + k], acc);
        ck_assert(dx[i] == acc);
    }
    for (int i = 0; i < C * K + K; i++) { /* weights, then biases as weights of a channel that is 1 */
        float block[3] = {0.0f};
        for (int n = 0; n < N; n++)
            block[n / 8] = fmaf(i < C * K ? x[n * C + i / K] : 1.0f, dy[n * K + i % K], block[n / 8]);
        ck_assert((i < C * K ? dw[i] : db[i - C * K]) == (block[0] + block[1]) + block[2]);
    }
    float *const arrays[] = {x, w, b, dy};
    for (int i = 0; i < LENGTH(arrays); i++) free(arrays[i]);
}
END_TEST

/* ---- reduce ---- */

static float as_is(const void *context, int64_t i)
{
    return ((const float *)context)[i];
}

START_TEST(tree_shape)
{
    uint64_t seed = 3;
    float *x = random_array(&seed, 16, 1 << 24, 0x1p-24f), y[2];
    for (int i = 0; i < 16; i++) x[i] *= (float)(1 << i * 5 % 12); /* so that every sum rounds */
#define S(i) x[i]
    const float want[] = {
        S(0), S(0) + S(1), (S(0) + S(1)) + S(2), (S(0) + S(1)) + (S(2) + S(3)), ((S(0) + S(1)) + (S(2) + S(3))) + S(4),
        ((S(0) + S(1)) + (S(2) + S(3))) + (S(4) + S(5)), ((S(0) + S(1)) + (S(2) + S(3))) + ((S(4) + S(5)) + S(6)),
        ((S(0) + S(1)) + (S(2) + S(3))) + ((S(4) + S(5)) + (S(6) + S(7))),
        (((S(0) + S(1)) + (S(2) + S(3))) + ((S(4) + S(5)) + (S(6) + S(7)))) + S(8),
    };
#undef S
    for (int n = 1; n <= LENGTH(want); n++) ck_assert_msg(ref_tree(0, n, as_is, x) == want[n - 1], "%d leaves", n);
    ref_reduce(6, 2, x, y); /* two columns */
    for (int i = 0; i < 2; i++)
        ck_assert(y[i] == ((x[i] + x[2 + i]) + (x[4 + i] + x[6 + i])) + (x[8 + i] + x[10 + i]));
    free(x);
}
END_TEST

/* ---- softmax, cross-entropy ---- */

/* The lanes written out for 37 elements: lane i holds i, i+16, i+32. */
START_TEST(softmax_lanes)
{
    uint64_t seed = 4;
    enum { N = 3, C = 37 };
    float *x = random_array(&seed, N * C, 1 << 20, 0x1p-17f), y[N * C], loss[N];
    const int32_t labels[N] = {0, 36, 17};
    ref_cross_entropy_forward(N, C, x, labels, y, loss);
    for (int n = 0; n < N; n++) {
        float max = x[n * C], e[48] = {0.0f}, lane[16];
        for (int i = 0; i < C; i++) max = fmaxf(max, x[n * C + i]);
        for (int i = 0; i < C; i++) e[i] = ref_expf(x[n * C + i] - max);
        for (int i = 0; i < 16; i++) lane[i] = (e[i] + e[i + 16]) + e[i + 32];
        float sum8[8], sum4[4];
        for (int i = 0; i < 8; i++) sum8[i] = lane[i] + lane[i + 8];
        for (int i = 0; i < 4; i++) sum4[i] = sum8[i] + sum8[i + 4];
        const float sum = (sum4[0] + sum4[2]) + (sum4[1] + sum4[3]);
        for (int i = 0; i < C; i++) ck_assert_msg(y[n * C + i] == e[i] / sum, "row %d, element %d", n, i);
        ck_assert(loss[n] == ref_logf(sum) - (x[n * C + labels[n]] - max));
    }
    float alone[N * C];
    ref_softmax(N, C, x, alone);
    ck_assert_mem_eq(alone, y, sizeof y);
    free(x);
}
END_TEST

START_TEST(softmax_special_rows)
{
    const float rows[][4] = {{1, NAN, 2, 3}, {1, INFINITY, 2, 3}, {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
                             {1e38f, -1e38f, 0, 1e38f}, {0, -69, -70, -1000}, {5, -INFINITY, 5, -INFINITY}};
    const float tiny = 0x1.5ebp-100f; /* exp(-69); exp(-70) is below 2^-100 */
    const float want[][4] = {{NAN, NAN, NAN, NAN}, {NAN, NAN, NAN, NAN}, {NAN, NAN, NAN, NAN}, {0.5f, 0, 0, 0.5f},
                             {1, tiny, 0, 0}, {0.5f, 0, 0.5f, 0}};
    float y[4];
    for (int n = 0; n < LENGTH(rows); n++) {
        ref_softmax(1, 4, rows[n], y);
        for (int i = 0; i < 4; i++) ck_assert_msg(same(y[i], want[n][i]), "row %d, element %d: %a", n, i, y[i]);
    }
}
END_TEST

static double loss_of(int c, const float *x, int label)
{
    double sum = 0.0;
    for (int i = 0; i < c; i++) sum += exp((double)x[i] - (double)x[label]);
    return log(sum);
}

START_TEST(cross_entropy_against_double)
{
    uint64_t seed = 5;
    enum { C = 10, N = 20 };
    float *x = random_array(&seed, N * C, 1 << 14, 0x1p-11f), y[N * C], loss[N], dx[N * C];
    int32_t labels[N];
    for (int n = 0; n < N; n++) labels[n] = (int32_t)random_integer(&seed, 0, C - 1);
    ref_cross_entropy_forward(N, C, x, labels, y, loss);
    ref_cross_entropy_backward(N, C, y, labels, 0.25f, dx);
    for (int n = 0; n < N; n++) {
        float *row = x + n * C;
        const double want = loss_of(C, row, labels[n]);
        ck_assert_msg(fabs(loss[n] - want) < 4e-6 * (1 + want), "row %d: %g, want %g", n, loss[n], want);
        for (int i = 0; i < C; i++) {
            const float x0 = row[i];
            row[i] = x0 + 0x1p-10f;
            const double above = loss_of(C, row, labels[n]);
            row[i] = x0 - 0x1p-10f;
            const double slope = (above - loss_of(C, row, labels[n])) * 0x1p9;
            row[i] = x0;
            ck_assert_msg(fabs(dx[n * C + i] - 0.25 * slope) < 1e-6, "row %d, element %d: %g", n, i, dx[n * C + i]);
        }
    }
    free(x);
    const float edge[3] = {0x1.000002p-50f, 0x1.fffffep-51f, 1}; /* just above and below the smallest gradient */
    ref_cross_entropy_backward(1, 3, edge, (const int32_t[]){2}, 1, dx);
    ck_assert(dx[0] == edge[0] && dx[1] == 0.0f && dx[2] == 0.0f);
}
END_TEST

/* Random distributions: loss and slopes in double. A target of 1 among zeros: the bits of the label. */
START_TEST(categorical_cross_entropy_against_double)
{
    uint64_t seed = 10;
    enum { C = 21, N = 20 };
    float *x = random_array(&seed, N * C, 1 << 14, 0x1p-11f), *t = random_array(&seed, N * C, 1 << 14, 0x1p-14f);
    float y[N * C], loss[N], dx[N * C], y1[N * C], loss1[N], dx1[N * C];
    int32_t labels[N];
    for (int n = 0; n < N; n++) {
        float sum = 0;
        for (int i = 0; i < C; i++) sum += t[n * C + i] = fabsf(t[n * C + i]);
        for (int i = 0; i < C; i++) t[n * C + i] /= sum;
    }
    ref_categorical_cross_entropy_forward(N, C, x, t, y, loss);
    ref_categorical_cross_entropy_backward(N, C, y, t, 0.25f, dx);
    for (int n = 0; n < N; n++) {
        double want = 0;
        for (int i = 0; i < C; i++) want += (double)t[n * C + i] * loss_of(C, x + n * C, i);
        ck_assert_msg(fabs(loss[n] - want) < 4e-6 * (1 + want), "row %d: %g, want %g", n, loss[n], want);
        for (int i = 0; i < C; i++) {
            const double slope = exp(-loss_of(C, x + n * C, i)) - (double)t[n * C + i];
            ck_assert_msg(fabs(dx[n * C + i] - 0.25 * slope) < 1e-6, "row %d, element %d: %g", n, i, dx[n * C + i]);
        }
        labels[n] = (int32_t)random_integer(&seed, 0, C - 1);
        for (int i = 0; i < C; i++) t[n * C + i] = i == labels[n];
    }
    x[3] = -INFINITY, labels[0] = 4; /* another class's 0 * infinity is no NaN */
    for (int i = 0; i < C; i++) t[i] = i == 4;
    ref_categorical_cross_entropy_forward(N, C, x, t, y, loss);
    ref_categorical_cross_entropy_backward(N, C, y, t, 0.3f, dx);
    ref_cross_entropy_forward(N, C, x, labels, y1, loss1);
    ref_cross_entropy_backward(N, C, y, labels, 0.3f, dx1);
    ck_assert_mem_eq(y, y1, sizeof y);
    ck_assert_mem_eq(dx, dx1, sizeof dx);
    for (int n = 0; n < N; n++) ck_assert_msg(loss[n] == loss1[n], "row %d: %a, want %a", n, loss[n], loss1[n]);
    free(x);
    free(t);
}
END_TEST

/* The lanes written out for 37 elements; the slope is exact in double but for roundings. */
START_TEST(mse_rules)
{
    uint64_t seed = 11;
    enum { C = 37, N = 3 };
    float *x = random_array(&seed, N * C, 1 << 24, 0x1p-22f), *t = random_array(&seed, N * C, 1 << 24, 0x1p-23f);
    float loss[N], dx[N * C];
    ref_mse_forward(N, C, x, t, loss);
    ref_mse_backward(N, C, x, t, 0.125f, dx);
    for (int n = 0; n < N; n++) {
        float d[48] = {0}, lane[16], sum8[8], sum4[4];
        double want = 0;
        for (int i = 0; i < C; i++) d[i] = x[n * C + i] - t[n * C + i], want += (double)d[i] * (double)d[i];
        for (int i = 0; i < 16; i++) lane[i] = fmaf(d[i + 32], d[i + 32], fmaf(d[i + 16], d[i + 16], d[i] * d[i]));
        for (int i = 0; i < 8; i++) sum8[i] = lane[i] + lane[i + 8];
        for (int i = 0; i < 4; i++) sum4[i] = sum8[i] + sum8[i + 4];
        ck_assert(loss[n] == ((sum4[0] + sum4[2]) + (sum4[1] + sum4[3])) / 37.0f);
        ck_assert_msg(fabs(loss[n] - want / C) < 20 * EPS * want / C, "row %d: %g", n, loss[n]);
        for (int i = 0; i < C; i++) {
            ck_assert(dx[n * C + i] == d[i] * (2.0f * 0.125f / 37.0f));
            ck_assert(fabs(dx[n * C + i] - 0.25 * (double)d[i] / C) <= 4 * EPS * fabs((double)d[i]) / C);
        }
    }
    const float edge[2] = {0x1.000004p-50f, 0x1.fffff8p-51f}, zeros[2] = {0, 0};
    ref_mse_backward(1, 2, edge, zeros, 1, dx);
    ck_assert(dx[0] == edge[0] && dx[1] == 0);
    free(x);
    free(t);
}
END_TEST

/* ---- optimizers ---- */

START_TEST(adam_against_double)
{
    uint64_t seed = 6;
    float w = 0.5f, m = 0, v = 0, power_1 = 1, power_2 = 1;
    double dw = 0.5, dm = 0, dv = 0;
    for (int t = 1; t <= 200; t++) {
        const float g = (float)random_integer(&seed, -1000, 1000) * 0x1p-12f;
        power_1 *= 0.9f;
        power_2 *= 0.999f;
        ref_adam(1, 1e-2f, 0, 0.9f, 0.999f, 1e-7f, power_1, power_2, &g, &w, &m, &v);
        dm = 0.9 * dm + 0.1 * (double)g;
        dv = 0.999 * dv + 0.001 * (double)g * (double)g;
        dw -= 1e-2 * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)) * dm / (sqrt(dv) + 1e-7);
        ck_assert_msg(fabs(w - dw) < 2e-6 * t, "step %d: %g, want %g", t, w, dw);
        ck_assert_msg(fabs(m - dm) < 1e-6 && fabs(v - dv) < 1e-7, "step %d: moments %g, %g", t, m, v);
    }
}
END_TEST

/* The formulas, operation by operation. */
START_TEST(optimizers_round_as_written)
{
    uint64_t seed = 7;
    enum { COUNT = 500 };
    const float lr = 1e-3f, beta_1 = 0.9f, beta_2 = 0.999f, epsilon = 1e-7f;
    float power_1 = 1.0f, power_2 = 1.0f;
    float *g = random_array(&seed, COUNT, 1 << 24, 0x1p-24f), *w = random_array(&seed, COUNT, 1 << 24, 0x1p-34f);
    float *m = random_array(&seed, COUNT, 1 << 24, 0x1p-26f), w1[COUNT], m1[COUNT], v1[COUNT], v[COUNT];
    for (int i = 0; i < COUNT; i++) v[i] = fabsf(m[COUNT - 1 - i]);
    for (int t = 0; t < 10; t++) {
        power_1 *= beta_1, power_2 *= beta_2;
        memcpy(w1, w, sizeof w1), memcpy(m1, m, sizeof m1), memcpy(v1, v, sizeof v1);
        ref_adam(COUNT, lr, 0, beta_1, beta_2, epsilon, power_1, power_2, g, w1, m1, v1);
        for (int i = 0; i < COUNT; i++) {
            const float alpha = (lr * sqrtf(1.0f - power_2)) / (1.0f - power_1), square = g[i] * g[i];
            const float m2 = fmaf(g[i] - m[i], 1.0f - beta_1, m[i]), v2 = fmaf(square - v[i], 1.0f - beta_2, v[i]);
            ck_assert(m1[i] == m2 && v1[i] == v2 && w1[i] == w[i] - (m2 * alpha) / (sqrtf(v2) + epsilon));
        }
    }
    memcpy(w1, w, sizeof w1), memcpy(m1, m, sizeof m1);
    ref_sgd(COUNT, lr, beta_1, 0, g, w1, m1);
    for (int i = 0; i < COUNT; i++) {
        const float step = lr * g[i], m2 = fmaf(beta_1, m[i], -step);
        ck_assert(m1[i] == m2 && w1[i] == w[i] + m2);
    }
    float *const arrays[] = {g, w, m};
    for (int i = 0; i < LENGTH(arrays); i++) free(arrays[i]);
}
END_TEST

START_TEST(optimizers_flush)
{
    /* g just below and just above its bound; then moments that decay to just below and just above theirs */
    const float g[4] = {0x1.fffffep-51f, -0x1.000002p-50f, 0, 0};
    float w[4] = {1, 1, 1, 1}, m[4] = {0, 0, 0x1.fffffep-80f, -0x1.000002p-79f};
    float v[4] = {0, 0, 0x1.fffffep-110f, 0x1.000004p-109f};
    ref_adam(4, 0, 0, 0.5f, 0.5f, 1, 0.5f, 0.5f, g, w, m, v);
    ck_assert(m[0] == 0 && m[1] == -0x1.000002p-51f && m[2] == 0 && m[3] == -0x1.000002p-80f);
    ck_assert(v[0] == 0 && v[1] > 0x1p-102f && v[2] == 0 && v[3] == 0x1.000004p-110f);
    float u[4] = {0, 0, 0x1.fffffep-80f, -0x1.000002p-79f};
    ref_sgd(4, 0.5f, 0.5f, 0, g, w, u);
    ck_assert(u[0] == 0 && u[1] == 0x1.000002p-51f && u[2] == 0 && u[3] == -0x1.000002p-80f);
    const float one = 1;
    float nan = NAN;
    ref_sgd(1, 0.5f, 0, 0, &nan, w, u);
    ck_assert(isnan(w[0]));
    w[1] = 3, u[1] = 2;
    ref_sgd(1, 0.25f, 0.5f, 0, &one, w + 1, u + 1);
    ck_assert(u[1] == 0.75f && w[1] == 3.75f);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("operations");
    tcase_add_test(tests, maxpool_rules);
    tcase_add_test(tests, padding_is_no_element);
    tcase_add_loop_test(tests, pool_finite_differences, 0, LENGTH(pools));
    tcase_add_test(tests, pool_gradients_are_in_order);
    tcase_add_test(tests, relu_rules);
    tcase_add_test(tests, gradients_of_sigmoid_and_tanh);
    tcase_add_test(tests, philox_is_random123);
    tcase_add_test(tests, dropout_rules);
    tcase_add_test(tests, dropout_keeps_the_mean);
    tcase_add_test(tests, dense_is_one_pixel);
    tcase_add_test(tests, tree_shape);
    tcase_add_test(tests, softmax_lanes);
    tcase_add_test(tests, softmax_special_rows);
    tcase_add_test(tests, cross_entropy_against_double);
    tcase_add_test(tests, categorical_cross_entropy_against_double);
    tcase_add_test(tests, mse_rules);
    tcase_add_test(tests, adam_against_double);
    tcase_add_test(tests, optimizers_round_as_written);
    tcase_add_test(tests, optimizers_flush);
    return run_tests(tests, "the reference of everything else");
}

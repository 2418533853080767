/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The float reference apart from convolution, functions and what trains: pooling, activations, dropout, dense, reduce.
 * Rules one by one, sums written out, and double or finite differences where there is a formula. */
#include "reference/ref.h"
#include "tests/check_reference.h"

#include <Random123/philox.h>

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
    return run_tests(tests, "the reference of other operations");
}

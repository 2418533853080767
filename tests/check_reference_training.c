/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The float reference of what trains: softmax and losses, the optimizers. Rules one by one, sums written out, and
 * double where there is a formula. */
#include "reference/ref.h"
#include "tests/check_reference.h"

#include <string.h>

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
    tcase_add_test(tests, softmax_lanes);
    tcase_add_test(tests, softmax_special_rows);
    tcase_add_test(tests, cross_entropy_against_double);
    tcase_add_test(tests, categorical_cross_entropy_against_double);
    tcase_add_test(tests, mse_rules);
    tcase_add_test(tests, adam_against_double);
    tcase_add_test(tests, optimizers_round_as_written);
    tcase_add_test(tests, optimizers_flush);
    return run_tests(tests, "the reference of losses and optimizers");
}

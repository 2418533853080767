/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/toy.h"

#include <check.h>
#include <math.h>

enum kind { CONV, MAXPOOL, AVGPOOL, DENSE };
struct spec {
    enum kind kind;
    int k, r, s, stride_h, stride_w, same, relu;
};
struct shape {
    int h, w, c;
};

/* 14x14x2 -> 14x14x5 -> 7x7x5 (fused) -> 4x4x6 -> 2x2x6 -> 2x2x4 -> 1x2x4 -> 7 -> 3 */
static const struct spec toy[] = {
    {CONV, 5, 3, 3, 1, 1, 1, 1},    {MAXPOOL, 5, 2, 2, 2, 2, 0, 0}, {CONV, 6, 3, 3, 2, 2, 1, 0},
    {MAXPOOL, 6, 2, 2, 2, 2, 0, 0}, {CONV, 4, 1, 1, 1, 1, 0, 1},    {AVGPOOL, 4, 2, 1, 2, 1, 0, 0},
    {DENSE, 7, 1, 1, 1, 1, 0, 1},   {DENSE, 3, 1, 1, 1, 1, 0, 0},
};
#define SPECS ((int)(sizeof toy / sizeof toy[0]))

float toy_images[TOY_IMAGES * TOY_PIXELS];
int32_t toy_labels[TOY_IMAGES];

void toy_make_data(void)
{
    uint32_t state = 12345;
    for (int i = 0; i < TOY_IMAGES * TOY_PIXELS; i++) {
        state = state * 1664525u + 1013904223u;
        toy_images[i] = (float)(state >> 8) * 0x1p-24f - 0.25f;
    }
    for (int i = 0; i < TOY_IMAGES; i++) toy_labels[i] = (i * i + 1) % TOY_CLASSES;
}

static void add(fcnn_model *model, const struct spec *l)
{
    const fcnn_activation activation = l->relu ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
    switch (l->kind) {
    case CONV:
        OK(fcnn_add_conv2d(model, l->k, l->r, l->s, l->stride_h, l->same ? FCNN_PAD_SAME : FCNN_PAD_VALID, activation));
        break;
    case MAXPOOL:
        OK(fcnn_add_maxpool2d(model, l->r, l->s));
        break;
    case AVGPOOL:
        OK(fcnn_add_avgpool2d(model, l->r, l->s));
        break;
    case DENSE:
        OK(fcnn_add_flatten(model));
        OK(fcnn_add_dense(model, l->k, activation));
    }
}

fcnn_model *toy_build(const fcnn_compile_options *options)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, 14, 14, 2));
    for (int i = 0; i < SPECS; i++) add(model, &toy[i]);
    OK(fcnn_compile(model, options));
    ck_assert_int_eq(fcnn_model_parameters(model), TOY_PARAMETERS);
    return model;
}

/* One output before the activation. Dense is a 1x1 convolution of one pixel. y, x: the window's corner. */
static double output(const struct spec *l, struct shape in, const double *src, const double *w, int y, int x, int k)
{
    const int pooling = l->kind == MAXPOOL || l->kind == AVGPOOL;
    double sum = l->kind == MAXPOOL ? -INFINITY : 0;
    for (int r = 0; r < l->r; r++)
        for (int s = 0; s < l->s; s++)
            for (int c = pooling ? k : 0; c < (pooling ? k + 1 : in.c); c++) {
                if (y + r < 0 || y + r >= in.h || x + s < 0 || x + s >= in.w) continue;
                const double v = src[((y + r) * in.w + x + s) * in.c + c];
                if (l->kind == MAXPOOL)
                    sum = fmax(sum, v);
                else
                    sum += pooling ? v / (l->r * l->s) : v * w[((r * l->s + s) * in.c + c) * l->k + k];
            }
    return sum;
}

/* Output size along one axis; *pad: padding before the first element. */
static int axis(int same, int in, int window, int stride, int *pad)
{
    const int out = same ? (in + stride - 1) / stride : (in - window) / stride + 1;
    *pad = same ? ((out - 1) * stride + window - in) / 2 : 0;
    return out;
}

/* Runs one layer, *shape: of its input, then of its output. Returns how many parameters it has. */
static int forward(const struct spec *l, struct shape *shape, const double *src, const double *w, double *dst)
{
    const struct shape in = l->kind == DENSE ? (struct shape){1, 1, shape->h * shape->w * shape->c} : *shape;
    const int weights = l->kind == CONV || l->kind == DENSE ? l->r * l->s * in.c * l->k : 0;
    int top, left;
    const int p = axis(l->same, in.h, l->r, l->stride_h, &top), q = axis(l->same, in.w, l->s, l->stride_w, &left);
    for (int i = 0; i < p * q * l->k; i++) {
        const int k = i % l->k, y = i / l->k / q * l->stride_h - top, x = i / l->k % q * l->stride_w - left;
        const double v = output(l, in, src, w, y, x, k) + (weights ? w[weights + k] : 0);
        dst[i] = l->relu && v < 0 ? 0 : v;
    }
    *shape = (struct shape){p, q, l->k};
    return weights ? weights + l->k : 0;
}

void toy_outputs(const double *w, int image, double outputs[TOY_CLASSES])
{
    double buffers[2][14 * 14 * 5];
    struct shape shape = {14, 14, 2};
    for (int j = 0; j < TOY_PIXELS; j++) buffers[0][j] = (double)toy_images[image * TOY_PIXELS + j];
    for (int j = 0; j < SPECS; j++) w += forward(&toy[j], &shape, buffers[j % 2], w, buffers[(j + 1) % 2]);
    for (int j = 0; j < TOY_CLASSES; j++) outputs[j] = buffers[SPECS % 2][j];
}

double toy_loss(const double *w, int n)
{
    double loss = 0, logits[TOY_CLASSES];
    for (int i = 0; i < n; i++) {
        double sum = 0;
        toy_outputs(w, i, logits);
        for (int j = 0; j < TOY_CLASSES; j++) sum += exp(logits[j]);
        loss += log(sum) - logits[toy_labels[i]];
    }
    return loss / n;
}

void toy_get(const fcnn_model *model, float *weights) { OK(fcnn_model_get_weights(model, weights, TOY_PARAMETERS)); }

void toy_same(const fcnn_model *a, const fcnn_model *b)
{
    fcnn_receipt ra, rb;
    OK(fcnn_model_receipt(a, &ra));
    OK(fcnn_model_receipt(b, &rb));
    ck_assert_str_eq(ra.weights, rb.weights);
    ck_assert_int_eq(ra.steps, rb.steps);
}

void toy_move(const fcnn_model *from, fcnn_model *to)
{
    float values[TOY_PARAMETERS];
    fcnn_state state;
    for (int array = FCNN_ARRAY_WEIGHTS; array <= FCNN_ARRAY_MOMENT_2; array++) {
        OK(fcnn_model_get_array(from, (fcnn_array)array, values, TOY_PARAMETERS));
        OK(fcnn_model_set_array(to, (fcnn_array)array, values, TOY_PARAMETERS));
    }
    OK(fcnn_model_get_state(from, &state));
    OK(fcnn_model_set_state(to, &state));
}

void toy_step(fcnn_model *model, int first, int n)
{
    const fcnn_fit_options options = {.batch_size = n, .no_shuffle = 1};
    OK(fcnn_fit(model, toy_images + first * TOY_PIXELS, toy_labels + first, n, &options, NULL));
}

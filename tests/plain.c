/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/plain.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "reference/ref.h"

/* n images. */
struct maps {
    int64_t n, h, w, c;
    double *v;
};

static struct maps make(int64_t n, int64_t h, int64_t w, int64_t c)
{
    struct maps maps = {n, h, w, c, calloc((size_t)(n * h * w * c), sizeof(double))};
    ck_assert_ptr_nonnull(maps.v);
    return maps;
}

static int64_t count(const struct maps *m) { return m->n * m->h * m->w * m->c; }

static int inside(const struct maps *m, int64_t y, int64_t x) { return y >= 0 && y < m->h && x >= 0 && x < m->w; }

static double at(const struct maps *m, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return m->v[((n * m->h + y) * m->w + x) * m->c + c];
}

/* Padding before the first element along one axis. */
static int64_t before(fcnn_padding padding, int64_t in, int64_t out, int64_t window, int64_t stride)
{
    const int64_t total = (out - 1) * stride + window - in;
    return padding == FCNN_PAD_SAME && total > 0 ? total / 2 : 0;
}

/* Where windows begin, and how far their elements are apart. */
struct windows {
    int64_t r, s, stride_h, stride_w, dilation_h, dilation_w, top, left;
};

static struct windows windows_of(const fcnn_layer *l, const struct maps *in, const struct maps *out)
{
    struct windows w = {l->r, l->s, l->stride_h, l->stride_w, l->dilation_h, l->dilation_w, 0, 0};
    if (!w.dilation_h) w.dilation_h = w.dilation_w = 1;
    w.top = before(l->padding, in->h, out->h, (w.r - 1) * w.dilation_h + 1, w.stride_h);
    w.left = before(l->padding, in->w, out->w, (w.s - 1) * w.dilation_w + 1, w.stride_w);
    return w;
}

static double convolve(const fcnn_layer *l, const struct windows *g, const struct maps *in, const struct maps *out,
                       const double *weights, const int64_t place[4])
{
    const int64_t groups = l->kind == FCNN_LAYER_DEPTHWISE_CONV2D ? in->c : l->groups;
    const int64_t width = in->c / groups, k = place[3], first = k / (out->c / groups) * width;
    double sum = 0;
    for (int64_t r = 0; r < g->r; r++)
        for (int64_t s = 0; s < g->s; s++)
            for (int64_t c = 0; c < width; c++) {
                const int64_t y = place[1] * g->stride_h + r * g->dilation_h - g->top;
                const int64_t x = place[2] * g->stride_w + s * g->dilation_w - g->left;
                if (!inside(in, y, x)) continue;
                sum += at(in, place[0], y, x, first + c) * weights[((r * g->s + s) * width + c) * out->c + k];
            }
    return sum;
}

static double pool(int max, const struct windows *g, const struct maps *in, const int64_t place[4])
{
    double sum = max ? -INFINITY : 0;
    int found = 0;
    for (int64_t r = 0; r < g->r; r++)
        for (int64_t s = 0; s < g->s; s++) {
            const int64_t y = place[1] * g->stride_h + r - g->top, x = place[2] * g->stride_w + s - g->left;
            if (!inside(in, y, x)) continue;
            const double v = at(in, place[0], y, x, place[3]);
            sum = max ? fmax(sum, v) : sum + v;
            found++;
        }
    return max ? sum : sum / found;
}

static double dense(const struct maps *in, const struct maps *out, const double *weights, const int64_t place[4])
{
    double sum = 0;
    for (int64_t c = 0; c < in->c; c++) sum += at(in, place[0], place[1], place[2], c) * weights[c * out->c + place[3]];
    return sum;
}

static double activated(fcnn_activation activation, double v)
{
    switch (activation) {
    case FCNN_RELU_ACTIVATION: return v < 0 ? 0 : v;
    case FCNN_SIGMOID_ACTIVATION: return 1 / (1 + exp(-v));
    case FCNN_TANH_ACTIVATION: return tanh(v);
    default: return v;
    }
}

/* One output of the layers whose outputs are each a function of one image. */
static double output(const fcnn_layer *l, const struct maps *in, const struct maps *out, const double *weights,
                     const int64_t place[4])
{
    const struct windows g = windows_of(l, in, out), whole = {in->h, in->w, 1, 1, 1, 1, 0, 0};
    const int64_t flat = place[3];
    switch (l->kind) {
    case FCNN_LAYER_CONV2D:
    case FCNN_LAYER_DEPTHWISE_CONV2D: return convolve(l, &g, in, out, weights, place);
    case FCNN_LAYER_MAXPOOL2D: return pool(1, &g, in, place);
    case FCNN_LAYER_AVGPOOL2D: return pool(0, &g, in, place);
    case FCNN_LAYER_GLOBAL_AVGPOOL2D: return pool(0, &whole, in, place);
    case FCNN_LAYER_FLATTEN:
        return at(in, place[0], flat / in->c / in->w, flat / in->c % in->w, flat % in->c);
    case FCNN_LAYER_DENSE: return dense(in, out, weights, place);
    case FCNN_LAYER_ZERO_PADDING2D: {
        const int64_t y = place[1] - l->pad_top, x = place[2] - l->pad_left;
        return inside(in, y, x) ? at(in, place[0], y, x, place[3]) : 0;
    }
    default: return at(in, place[0], place[1], place[2], place[3]);
    }
}

static void each(const fcnn_layer *l, const fcnn_layer_info *info, const struct maps *in, struct maps *out,
                 const double *weights)
{
    for (int64_t i = 0; i < count(out); i++) {
        const int64_t place[4] = {i / out->c / out->w / out->h, i / out->c / out->w % out->h, i / out->c % out->w,
                                  i % out->c};
        double v = output(l, in, out, weights, place) + (info->bias ? weights[info->weights + place[3]] : 0);
        if (l->kind == FCNN_LAYER_RESCALING) v = v * (double)l->scale + (double)l->offset;
        out->v[i] = activated(l->activation, v);
    }
}

static void normalize(const struct plain *plain, const fcnn_layer *l, const fcnn_layer_info *info,
                      const struct maps *in, struct maps *out, const double *weights, double *moments)
{
    const int64_t pixels = in->n * in->h * in->w;
    const double *moving = weights + info->weights + info->bias;
    for (int64_t c = 0; c < in->c; c++) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < pixels; i++) mean += in->v[i * in->c + c] / (double)pixels;
        for (int64_t i = 0; i < pixels; i++) squares += pow(in->v[i * in->c + c] - mean, 2) / (double)pixels;
        if (moments) {
            moments[info->weights + info->bias + c] = mean;
            moments[info->weights + info->bias + in->c + c] = squares;
        }
        if (!plain->training) mean = moving[c], squares = moving[in->c + c];
        for (int64_t i = c; i < pixels * in->c; i += in->c)
            out->v[i] = (in->v[i] - mean) / sqrt(squares + (double)l->epsilon) * (info->weights ? weights[c] : 1) +
                        (info->bias ? weights[info->weights + c] : 0);
    }
}

static void drop(const struct plain *plain, const fcnn_layer *l, int number, const struct maps *in, struct maps *out)
{
    const uint64_t seed = net_dropout_seed(plain->model->seed, number, plain->step);
    for (int64_t i = 0; i < count(in); i++) {
        const float one = 1;
        float kept = 1;
        if (plain->training) ref_dropout(1, seed, (uint64_t)i, l->rate, &one, &kept);
        out->v[i] = kept > 0 && plain->training ? in->v[i] / (1 - (double)l->rate) : in->v[i] * (double)kept;
    }
}

static double cross_entropy(const struct maps *logits, const int32_t *labels)
{
    double loss = 0;
    for (int64_t i = 0; i < logits->n; i++) {
        double sum = 0;
        for (int64_t c = 0; c < logits->c; c++) sum += exp(at(logits, i, 0, 0, c));
        loss += log(sum) - at(logits, i, 0, 0, labels[i]);
    }
    return loss / (double)logits->n;
}

double plain_loss(const struct plain *plain, const double *weights)
{
    struct maps in = make(plain->n, plain->model->in_h, plain->model->in_w, plain->model->in_c);
    double *moments = plain->moments;
    int dropouts = 0;
    for (int64_t i = 0; i < count(&in); i++) in.v[i] = (double)plain->x[i];
    for (int i = 0; i < fcnn_model_layers(plain->model); i++) {
        fcnn_layer layer;
        fcnn_layer_info info;
        ck_assert_int_eq(fcnn_model_layer_as_added(plain->model, i, &layer), FCNN_OK);
        ck_assert_int_eq(fcnn_model_layer(plain->model, i, &info), FCNN_OK);
        const int64_t parameters = info.weights + info.bias + 2 * info.moving;
        struct maps out = make(in.n, info.h, info.w, info.c);
        if (layer.kind == FCNN_LAYER_BATCH_NORMALIZATION) normalize(plain, &layer, &info, &in, &out, weights, moments);
        else if (layer.kind == FCNN_LAYER_DROPOUT) drop(plain, &layer, dropouts++, &in, &out);
        else each(&layer, &info, &in, &out, weights);
        weights += parameters;
        if (moments) moments += parameters;
        free(in.v);
        in = out;
    }
    const double loss = cross_entropy(&in, plain->labels);
    free(in.v);
    return loss;
}

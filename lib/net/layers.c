/* SPDX-License-Identifier: BSD-2-Clause
 * Layers as they run: what a layer that is added becomes. Pooling and ReLU are fused into the convolution before them,
 * padding into the one behind; flattening is nothing; an activation that no kernel fuses is a stage of its own. */
#include "lib/net/net.h"

/* The sizes that follow from a checked problem for one image. */
static struct net_layer describe(const fcnn_problem *p)
{
    const int64_t outputs = p->p * p->q;
    struct net_layer layer = {.problem = *p, .src = p->h * p->w * p->c, .dst = outputs * p->k};
    if (p->op == FCNN_CONV2D || p->op == FCNN_CONV2D_POOL || p->op == FCNN_DENSE) {
        layer.weights = p->r * p->s * (p->c / p->groups) * p->k;
        layer.bias = p->no_bias ? 0 : p->k;
    }
    if (p->op == FCNN_CONV2D_POOL) layer.choices = outputs * ((p->k + 15) / 16) * 3;
    if (p->op == FCNN_MAXPOOL) layer.argmaxes = layer.dst;
    return layer;
}

/* One more stage, of the shape that the ones before leave. */
static fcnn_status run(struct net_made *made, fcnn_problem problem)
{
    problem.h = made->h;
    problem.w = made->w;
    problem.c = made->c;
    NET_TRY(fcnn_problem_check(&problem));
    made->stage[made->count++] = describe(&problem);
    made->h = problem.p;
    made->w = problem.q;
    made->c = problem.k;
    return FCNN_OK;
}

static int is_flat(const struct net_made *made) { return made->h == 1 && made->w == 1; }

static fcnn_status end_with_softmax(struct net_made *made)
{
    made->softmax = 1;
    if (is_flat(made)) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_SHAPE, "softmax takes a flat input, but its input is %lld x %lld x %lld: flatten first",
                     (long long)made->h, (long long)made->w, (long long)made->c);
}

/* A stage of its own; softmax is the model's end, its head computes it. */
static fcnn_status run_activation(struct net_made *made, fcnn_activation activation)
{
    switch (activation) {
    case FCNN_RELU_ACTIVATION: return run(made, (fcnn_problem){.op = FCNN_RELU});
    case FCNN_SIGMOID_ACTIVATION: return run(made, (fcnn_problem){.op = FCNN_SIGMOID});
    case FCNN_TANH_ACTIVATION: return run(made, (fcnn_problem){.op = FCNN_TANH});
    case FCNN_SOFTMAX_ACTIVATION: return end_with_softmax(made);
    default: return FCNN_OK;
    }
}

/* Keras counts the dimensions of the filter, whose last two are inputs of a group and outputs; but of a depthwise
 * filter inputs and multiplier. */
static void count_fans(struct net_layer *stage, int depthwise)
{
    const fcnn_problem *p = &stage->problem;
    stage->fan_in = p->r * p->s * (depthwise ? p->c : p->c / p->groups);
    stage->fan_out = p->r * p->s * (depthwise ? p->k / p->c : p->k);
}

/* A convolution or a dense layer, which fuse ReLU. */
static fcnn_status run_weighted(struct net_made *made, const fcnn_layer *layer, fcnn_problem problem)
{
    const int fused = layer->activation == FCNN_RELU_ACTIVATION;
    problem.no_bias = layer->no_bias;
    problem.activation = fused ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
    NET_TRY(run(made, problem));
    count_fans(&made->stage[0], layer->kind == FCNN_LAYER_DEPTHWISE_CONV2D);
    made->weights = made->stage[0].weights;
    made->bias = made->stage[0].bias;
    return fused ? FCNN_OK : run_activation(made, layer->activation);
}

static fcnn_problem windowed(const fcnn_layer *layer, fcnn_op op)
{
    return (fcnn_problem){.op = op,
                          .r = layer->r,
                          .s = layer->s,
                          .stride_h = layer->stride_h,
                          .stride_w = layer->stride_w,
                          .dilation_h = layer->dilation_h,
                          .dilation_w = layer->dilation_w,
                          .padding = layer->padding};
}

/* The layer added last, if it is the model's last stage too. */
static const struct net_layer *before(const fcnn_model *model)
{
    const int runs = model->added_layers ? model->added[model->added_layers - 1].runs : -1;
    return runs >= 0 && runs == model->layers - 1 ? &model->layer[runs] : NULL;
}

/* Zero padding right before a valid convolution is that convolution's: padding is zeros (rule 7). */
static void take_padding(const fcnn_model *model, struct net_made *made, fcnn_problem *problem)
{
    const struct net_added *last = before(model) ? &model->added[model->added_layers - 1] : NULL;
    if (!last || last->layer.kind != FCNN_LAYER_ZERO_PADDING2D || problem->padding != FCNN_PAD_VALID) return;
    problem->padding = FCNN_PAD_EXPLICIT;
    problem->pad_top = last->layer.pad_top;
    problem->pad_bottom = last->layer.pad_bottom;
    problem->pad_left = last->layer.pad_left;
    problem->pad_right = last->layer.pad_right;
    made->h = last->in_h;
    made->w = last->in_w;
    made->replaces = 1;
}

static fcnn_status run_conv(const fcnn_model *model, struct net_made *made, const fcnn_layer *layer)
{
    const int depthwise = layer->kind == FCNN_LAYER_DEPTHWISE_CONV2D;
    fcnn_problem problem = windowed(layer, FCNN_CONV2D);
    problem.groups = depthwise ? made->c : layer->groups;
    problem.k = depthwise ? made->c * layer->units : layer->units;
    take_padding(model, made, &problem);
    return run_weighted(made, layer, problem);
}

/* Of each pixel's channels, as in Keras: on images a convolution of single pixels, which has the same weights. */
static fcnn_status run_dense(struct net_made *made, const fcnn_layer *layer)
{
    const fcnn_op op = is_flat(made) ? FCNN_DENSE : FCNN_CONV2D;
    return run_weighted(made, layer, (fcnn_problem){.op = op, .k = layer->units});
}

/* The stage takes the place of the one before. */
static void replace(struct net_made *made, const struct net_layer *last, const fcnn_problem *problem)
{
    made->stage[0] = describe(problem);
    made->stage[0].fan_in = last->fan_in;
    made->stage[0].fan_out = last->fan_out;
    made->count = made->replaces = 1;
}

/* ReLU behind a linear layer with weights is the same chain, then the same comparison. */
static fcnn_status run_activation_layer(const fcnn_model *model, struct net_made *made, const fcnn_layer *layer)
{
    const struct net_layer *last = before(model);
    if (layer->activation != FCNN_RELU_ACTIVATION || !last || !last->weights ||
        (last->problem.op != FCNN_CONV2D && last->problem.op != FCNN_DENSE))
        return run_activation(made, layer->activation);
    fcnn_problem problem = last->problem;
    problem.activation = FCNN_RELU_ACTIVATION;
    replace(made, last, &problem);
    return FCNN_OK;
}

/* The fusion defines the order of the gradient sums, so it is made by what the layers are, never by what there are
 * kernels for. Of groups, fast kernels pool those of 16 filters or a multiple. */
static int is_fusible(const struct net_layer *last, const fcnn_problem *pool)
{
    const fcnn_problem *p = &last->problem;
    return p->op == FCNN_CONV2D && p->activation == FCNN_RELU_ACTIVATION && pool->r == 2 && pool->s == 2 &&
           pool->stride_h == 2 && pool->stride_w == 2 && !pool->pad_bottom && !pool->pad_right &&
           (p->groups == 1 || p->k / p->groups % 16 == 0);
}

static fcnn_status run_maxpool(const fcnn_model *model, struct net_made *made, const fcnn_layer *layer)
{
    const struct net_layer *last = before(model);
    NET_TRY(run(made, windowed(layer, FCNN_MAXPOOL)));
    if (!last || !is_fusible(last, &made->stage[0].problem)) return FCNN_OK;
    fcnn_problem problem = last->problem;
    problem.op = FCNN_CONV2D_POOL;
    problem.p = problem.q = 0;
    NET_TRY(fcnn_problem_check(&problem));
    replace(made, last, &problem);
    return FCNN_OK;
}

/* Zeros are windows of one element that lie outside. */
static fcnn_status run_padding(struct net_made *made, const fcnn_layer *layer)
{
    if (!layer->pad_top && !layer->pad_bottom && !layer->pad_left && !layer->pad_right) return FCNN_OK;
    return run(made, (fcnn_problem){.op = FCNN_AVGPOOL,
                                    .r = 1,
                                    .s = 1,
                                    .pad_top = layer->pad_top,
                                    .pad_bottom = layer->pad_bottom,
                                    .pad_left = layer->pad_left,
                                    .pad_right = layer->pad_right});
}

/* A depthwise convolution of single pixels: fma(src, scale, offset). */
static fcnn_status run_rescaling(struct net_made *made, const fcnn_layer *layer)
{
    NET_TRY(run(made, (fcnn_problem){.op = FCNN_CONV2D, .k = made->c, .groups = made->c}));
    made->stage[0].weights = made->stage[0].bias = 0;
    made->stage[0].scale = layer->scale;
    made->stage[0].offset = layer->offset;
    return FCNN_OK;
}

/* Nothing where nothing is dropped. */
static fcnn_status run_dropout(const fcnn_model *model, struct net_made *made, const fcnn_layer *layer)
{
    if (layer->rate == 0) return FCNN_OK;
    NET_TRY(run(made, (fcnn_problem){.op = FCNN_DROPOUT}));
    made->stage[0].rate = layer->rate;
    for (int i = 0; i < model->layers; i++) made->stage[0].dropout += model->layer[i].rate > 0;
    return FCNN_OK;
}

static fcnn_status run_normalization(struct net_made *made, const fcnn_layer *layer)
{
    struct net_layer *stage = &made->stage[0];
    NET_TRY(run(made, (fcnn_problem){.op = FCNN_BATCH_NORM}));
    stage->epsilon = layer->epsilon;
    stage->momentum = layer->momentum;
    made->moving = stage->moving = made->c;
    made->weights = stage->weights = layer->no_scale ? 0 : made->c;
    made->bias = stage->bias = layer->no_center ? 0 : made->c;
    return FCNN_OK;
}

/* NHWC in memory order is the flat order already: only the shape changes. */
static fcnn_status flatten(struct net_made *made)
{
    made->c *= made->h * made->w;
    made->h = made->w = 1;
    return FCNN_OK;
}

fcnn_status net_make(const fcnn_model *model, const fcnn_layer *layer, struct net_made *made)
{
    *made = (struct net_made){.h = model->h, .w = model->w, .c = model->c};
    switch (layer->kind) {
    case FCNN_LAYER_CONV2D:
    case FCNN_LAYER_DEPTHWISE_CONV2D: return run_conv(model, made, layer);
    case FCNN_LAYER_MAXPOOL2D: return run_maxpool(model, made, layer);
    case FCNN_LAYER_AVGPOOL2D: return run(made, windowed(layer, FCNN_AVGPOOL));
    case FCNN_LAYER_GLOBAL_AVGPOOL2D: return run(made, (fcnn_problem){.op = FCNN_AVGPOOL, .r = made->h, .s = made->w});
    case FCNN_LAYER_FLATTEN: return flatten(made);
    case FCNN_LAYER_DENSE: return run_dense(made, layer);
    case FCNN_LAYER_ACTIVATION: return run_activation_layer(model, made, layer);
    case FCNN_LAYER_DROPOUT: return run_dropout(model, made, layer);
    case FCNN_LAYER_BATCH_NORMALIZATION: return run_normalization(made, layer);
    case FCNN_LAYER_ZERO_PADDING2D: return run_padding(made, layer);
    case FCNN_LAYER_RESCALING: return run_rescaling(made, layer);
    }
    return FCNN_OK;
}

int net_first_trainable(const fcnn_model *model)
{
    int i = 0;
    while (i < model->layers && !model->layer[i].weights && !model->layer[i].bias) i++;
    return i;
}

int64_t net_classes(const fcnn_model *model) { return model->layer[model->layers - 1].dst; }

const float *net_weights(const fcnn_model *model, int i)
{
    const struct net_layer *layer = &model->layer[i];
    if (layer->constants) return layer->constants;
    return layer->weights || layer->moving ? model->weights + layer->at_weights : NULL;
}

const float *net_bias(const fcnn_model *model, int i)
{
    const struct net_layer *layer = &model->layer[i];
    if (layer->constants) return layer->constants + layer->problem.c;
    return layer->bias || layer->moving ? model->weights + layer->at_bias : NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The rows of the table of operations. */
#include "lib/operation.h"

#define BIT(direction) (1u << (direction))
#define FWD BIT(FCNN_FORWARD)
#define DATA BIT(FCNN_BACKWARD_DATA)
#define WEIGHTS BIT(FCNN_BACKWARD_WEIGHTS)
#define UPDATE BIT(FCNN_UPDATE)

#define T(member) #member, offsetof(fcnn_tensors, member), sizeof *((fcnn_tensors *)0)->member
#define END {0, NULL, 0, 0, FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS}

/* Convolution and dense. */
static const struct fcnn_tensor_rule weighted[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(weights), FCNN_COUNT_WEIGHTS, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(bias), FCNN_COUNT_BIAS, FCNN_IN, FCNN_WITH_BIAS},
    {FWD, T(dst), FCNN_COUNT_DST, FCNN_OUT, FCNN_ALWAYS},
    {DATA | WEIGHTS, T(d_dst), FCNN_COUNT_DST, FCNN_IN, FCNN_ALWAYS},
    {DATA | WEIGHTS, T(dst), FCNN_COUNT_DST, FCNN_IN, FCNN_WITH_RELU},
    {DATA, T(weights), FCNN_COUNT_WEIGHTS, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {WEIGHTS, T(d_weights), FCNN_COUNT_WEIGHTS, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(d_bias), FCNN_COUNT_BIAS, FCNN_OUT, FCNN_WITH_BIAS},
    END};

static const struct fcnn_tensor_rule conv2d_pool[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(weights), FCNN_COUNT_WEIGHTS, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(bias), FCNN_COUNT_BIAS, FCNN_IN, FCNN_WITH_BIAS},
    {FWD, T(dst), FCNN_COUNT_DST, FCNN_OUT, FCNN_ALWAYS},
    {FWD, T(choice), FCNN_COUNT_CHOICE, FCNN_OUT, FCNN_ALWAYS},
    {DATA | WEIGHTS, T(d_dst), FCNN_COUNT_DST, FCNN_IN, FCNN_ALWAYS},
    {DATA | WEIGHTS, T(choice), FCNN_COUNT_CHOICE, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(weights), FCNN_COUNT_WEIGHTS, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {WEIGHTS, T(d_weights), FCNN_COUNT_WEIGHTS, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(d_bias), FCNN_COUNT_BIAS, FCNN_OUT, FCNN_WITH_BIAS},
    END};

static const struct fcnn_tensor_rule maxpool[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_DST, FCNN_OUT, FCNN_ALWAYS},
    {FWD, T(argmax), FCNN_COUNT_DST, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(d_dst), FCNN_COUNT_DST, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(argmax), FCNN_COUNT_DST, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule avgpool[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_DST, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(d_dst), FCNN_COUNT_DST, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

/* ReLU, sigmoid, tanh. */
static const struct fcnn_tensor_rule activation[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule dropout[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(d_dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule softmax[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule cross_entropy[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA, T(labels), FCNN_COUNT_IMAGES, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {FWD, T(loss), FCNN_COUNT_IMAGES, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule categorical_cross_entropy[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA, T(targets), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {FWD, T(loss), FCNN_COUNT_IMAGES, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule mse[] = {
    {FWD | DATA, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA, T(targets), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(loss), FCNN_COUNT_IMAGES, FCNN_OUT, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule reduce[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_CHANNELS, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule batch_sums[] = {
    {FWD, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_THREE_ROWS, FCNN_OUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule batch_norm[] = {
    {FWD | DATA | WEIGHTS, T(src), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA | WEIGHTS, T(mean), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA | WEIGHTS, T(variance), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {FWD | DATA, T(weights), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(bias), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {FWD, T(dst), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {DATA | WEIGHTS, T(d_dst), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_weights), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_bias), FCNN_COUNT_CHANNELS, FCNN_IN, FCNN_ALWAYS},
    {DATA, T(d_src), FCNN_COUNT_SRC, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(d_weights), FCNN_COUNT_CHANNELS, FCNN_OUT, FCNN_ALWAYS},
    {WEIGHTS, T(d_bias), FCNN_COUNT_CHANNELS, FCNN_OUT, FCNN_ALWAYS},
    END};

/* Adam and RMSprop. */
static const struct fcnn_tensor_rule adam[] = {
    {UPDATE, T(d_weights), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {UPDATE, T(parameters), FCNN_COUNT_SRC, FCNN_INOUT, FCNN_ALWAYS},
    {UPDATE, T(moment_1), FCNN_COUNT_SRC, FCNN_INOUT, FCNN_ALWAYS},
    {UPDATE, T(moment_2), FCNN_COUNT_SRC, FCNN_INOUT, FCNN_ALWAYS},
    END};

static const struct fcnn_tensor_rule sgd[] = {
    {UPDATE, T(d_weights), FCNN_COUNT_SRC, FCNN_IN, FCNN_ALWAYS},
    {UPDATE, T(parameters), FCNN_COUNT_SRC, FCNN_INOUT, FCNN_ALWAYS},
    {UPDATE, T(moment_1), FCNN_COUNT_SRC, FCNN_INOUT, FCNN_ALWAYS},
    END};

#define MAP FCNN_HAS_MAP
#define WINDOW FCNN_HAS_WINDOW
#define CONV (FCNN_HAS_MAP | FCNN_HAS_WINDOW | FCNN_HAS_WEIGHTS | FCNN_HAS_GROUPS)
#define DENSE (FCNN_HAS_ROWS | FCNN_HAS_WEIGHTS | FCNN_HAS_ACTIVATION)
const struct fcnn_operation fcnn_operations[FCNN_OPS] = {
    [FCNN_CONV2D] = {"conv2d", FWD | DATA | WEIGHTS, CONV | FCNN_HAS_ACTIVATION, 0, weighted},
    [FCNN_CONV2D_POOL] = {"conv2d+relu+maxpool", FWD | DATA | WEIGHTS, CONV, 0, conv2d_pool},
    [FCNN_DENSE] = {"dense", FWD | DATA | WEIGHTS, DENSE, 0, weighted},
    [FCNN_MAXPOOL] = {"maxpool", FWD | DATA, MAP | WINDOW, 0, maxpool},
    [FCNN_AVGPOOL] = {"avgpool", FWD | DATA, MAP | WINDOW, 0, avgpool},
    [FCNN_RELU] = {"relu", FWD | DATA, MAP, 0, activation},
    [FCNN_SOFTMAX] = {"softmax", FWD, 0, 0, softmax},
    [FCNN_CROSS_ENTROPY] = {"cross_entropy", FWD | DATA, 0, DATA, cross_entropy},
    [FCNN_REDUCE] = {"reduce", FWD, 0, 0, reduce},
    [FCNN_ADAM] = {"adam", UPDATE, MAP, UPDATE, adam},
    [FCNN_SGD] = {"sgd", UPDATE, MAP, UPDATE, sgd},
    [FCNN_SIGMOID] = {"sigmoid", FWD | DATA, MAP, 0, activation},
    [FCNN_TANH] = {"tanh", FWD | DATA, MAP, 0, activation},
    [FCNN_DROPOUT] = {"dropout", FWD | DATA, MAP, FWD | DATA, dropout},
    [FCNN_MSE] = {"mse", FWD | DATA, 0, DATA, mse},
    [FCNN_CATEGORICAL_CROSS_ENTROPY] = {"categorical_cross_entropy", FWD | DATA, 0, DATA, categorical_cross_entropy},
    [FCNN_BATCH_SUMS] = {"batch_sums", FWD, MAP, 0, batch_sums},
    [FCNN_BATCH_NORM] = {"batch_norm", FWD | DATA | WEIGHTS, MAP, FWD | DATA | WEIGHTS, batch_norm},
    [FCNN_RMSPROP] = {"rmsprop", UPDATE, MAP, UPDATE, adam},
};

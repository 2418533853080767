/* SPDX-License-Identifier: BSD-2-Clause
 * The layers that are timed, each in every direction its operation has. Images per run: 8 for the MNIST model (a shard
 * of its training), 1 for the large networks. Sizes in benchdnn's syntax. */
#include "bench/cases.h"

const struct bench_layer bench_layers[] = {
    {"mnist.conv1_pool", "conv2d+relu+maxpool", "mb8ic1ih28oc32kh3"},
    {"mnist.conv2_pool", "conv2d+relu+maxpool", "mb8ic32ih13oc64kh3"},
    {"mnist.conv3", "conv2d+relu", "mb8ic64ih5oc64kh3"},
    {"mnist.dense1", "dense+relu", "mb8ic576oc64"},
    {"mnist.dense2", "dense", "mb8ic64oc10"},
    {"mnist.loss", "cross_entropy", "mb8ic10"},
    {"mnist.softmax", "softmax", "mb8ic10"},
    {"mnist.gradients", "reduce", "mb8ic93322"},
    {"mnist.adam", "adam", "ic93322"},
    {"mnist.sgd", "sgd", "ic93322"},
    {"mnist.conv1", "conv2d+relu", "mb8ic1ih28oc32kh3"},
    {"mnist.conv2", "conv2d+relu", "mb8ic32ih13oc64kh3"},
    {"mnist.relu1", "relu", "mb8ic32ih26"},
    {"mnist.maxpool1", "maxpool", "mb8ic32ih26kh2sh2"},
    {"mnist.maxpool2", "maxpool", "mb8ic64ih11kh2sh2"},
    {"mnist.avgpool1", "avgpool", "mb8ic32ih26kh2sh2"},

    {"vgg16.conv1_1", "conv2d", "ic3ih224oc64kh3ph1"},
    {"resnet50.conv1", "conv2d", "ic3ih224oc64oh112kh7sh2ph3"},
    {"resnet50.conv2_2", "conv2d", "ic64ih56oc64kh3ph1"},
    {"resnet50.conv2_3", "conv2d", "ic64ih56oc256kh1"},
    {"resnet18.conv3_1", "conv2d", "ic64ih56oc128oh28kh3sh2ph1"},
    {"resnet50.conv4_2", "conv2d", "ic256ih14oc256kh3ph1"},
    {"resnet50.conv5_2", "conv2d", "ic512ih7oc512kh3ph1"},
    {"mobilenet.depthwise2", "conv2d", "g32ic32ih112oc32kh3ph1"},
};
const int bench_layer_count = sizeof bench_layers / sizeof *bench_layers;

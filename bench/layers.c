/* SPDX-License-Identifier: BSD-2-Clause
 * The layers that are timed, each in every direction its operation has. Images per run: 8 for the MNIST model (a shard
 * of its training), 1 for the large networks, whose lists have all distinct convolutions (MobileNet: depthwise ones).
 * `varied`: layers unlike those, of Inception, DenseNet, ResNeXt, DeepLab, EfficientNet, speech, SSD and YOLO.
 * ResNet-50 is version 1.5 (stride in the 3x3), its names are stage_place; "a": in the stage's first block. Sizes in
 * benchdnn's syntax. */
#include "bench/layers.h"

#include <string.h>

enum { MORE, USUAL };

const struct bench_layer bench_layers[] = {
    {"mnist.conv1_pool", "conv2d+relu+maxpool", "mb8ic1ih28oc32kh3", USUAL},
    {"mnist.conv2_pool", "conv2d+relu+maxpool", "mb8ic32ih13oc64kh3", USUAL},
    {"mnist.conv3", "conv2d+relu", "mb8ic64ih5oc64kh3", USUAL},
    {"mnist.dense1", "dense+relu", "mb8ic576oc64", USUAL},
    {"mnist.dense2", "dense", "mb8ic64oc10", USUAL},
    {"mnist.loss", "cross_entropy", "mb8ic10", USUAL},
    {"mnist.loss_targets", "categorical_cross_entropy", "mb8ic10", USUAL},
    {"mnist.loss_squares", "mse", "mb8ic10", USUAL},
    {"mnist.softmax", "softmax", "mb8ic10", USUAL},
    {"mnist.gradients", "reduce", "mb8ic93322", USUAL},
    {"mnist.adam", "adam", "ic93322", USUAL},
    {"mnist.sgd", "sgd", "ic93322", USUAL},
    {"mnist.rmsprop", "rmsprop", "ic93322", USUAL},
    {"mnist.batch_sums1", "batch_sums", "mb8ic32ih26", USUAL},
    {"mnist.batch_norm1", "batch_norm", "mb8ic32ih26", USUAL},
    {"mnist.conv1", "conv2d+relu", "mb8ic1ih28oc32kh3", USUAL},
    {"mnist.conv2", "conv2d+relu", "mb8ic32ih13oc64kh3", USUAL},
    {"mnist.relu1", "relu", "mb8ic32ih26", USUAL},
    {"mnist.sigmoid1", "sigmoid", "mb8ic32ih26", USUAL},
    {"mnist.tanh1", "tanh", "mb8ic32ih26", USUAL},
    {"mnist.dropout1", "dropout", "mb8ic32ih26", USUAL},
    {"mnist.maxpool1", "maxpool", "mb8ic32ih26kh2sh2", USUAL},
    {"mnist.maxpool2", "maxpool", "mb8ic64ih11kh2sh2", USUAL},
    {"mnist.avgpool1", "avgpool", "mb8ic32ih26kh2sh2", USUAL},

    {"vgg16.conv1_1", "conv2d", "mb1ic3ih224oc64kh3ph1", USUAL},
    {"vgg16.conv1_2", "conv2d", "mb1ic64ih224oc64kh3ph1", MORE},
    {"vgg16.conv2_1", "conv2d", "mb1ic64ih112oc128kh3ph1", MORE},
    {"vgg16.conv2_2", "conv2d", "mb1ic128ih112oc128kh3ph1", MORE},
    {"vgg16.conv3_1", "conv2d", "mb1ic128ih56oc256kh3ph1", MORE},
    {"vgg16.conv3_2", "conv2d", "mb1ic256ih56oc256kh3ph1", MORE},
    {"vgg16.conv4_1", "conv2d", "mb1ic256ih28oc512kh3ph1", MORE},
    {"vgg16.conv4_2", "conv2d", "mb1ic512ih28oc512kh3ph1", MORE},
    {"vgg16.conv5_1", "conv2d", "mb1ic512ih14oc512kh3ph1", MORE},

    {"resnet50.conv1", "conv2d", "mb1ic3ih224oc64oh112kh7sh2ph3", USUAL},
    {"resnet50.conv2_1a", "conv2d", "mb1ic64ih56oc64kh1", MORE},
    {"resnet50.conv2_1", "conv2d", "mb1ic256ih56oc64kh1", MORE},
    {"resnet50.conv2_2", "conv2d", "mb1ic64ih56oc64kh3ph1", USUAL},
    {"resnet50.conv2_3", "conv2d", "mb1ic64ih56oc256kh1", USUAL},
    {"resnet50.conv3_1a", "conv2d", "mb1ic256ih56oc128kh1", MORE},
    {"resnet50.conv3_2a", "conv2d", "mb1ic128ih56oc128oh28kh3sh2ph1", MORE},
    {"resnet50.conv3_shortcut", "conv2d", "mb1ic256ih56oc512oh28kh1sh2", MORE},
    {"resnet50.conv3_1", "conv2d", "mb1ic512ih28oc128kh1", MORE},
    {"resnet50.conv3_2", "conv2d", "mb1ic128ih28oc128kh3ph1", MORE},
    {"resnet50.conv3_3", "conv2d", "mb1ic128ih28oc512kh1", MORE},
    {"resnet50.conv4_1a", "conv2d", "mb1ic512ih28oc256kh1", MORE},
    {"resnet50.conv4_2a", "conv2d", "mb1ic256ih28oc256oh14kh3sh2ph1", MORE},
    {"resnet50.conv4_shortcut", "conv2d", "mb1ic512ih28oc1024oh14kh1sh2", MORE},
    {"resnet50.conv4_1", "conv2d", "mb1ic1024ih14oc256kh1", MORE},
    {"resnet50.conv4_2", "conv2d", "mb1ic256ih14oc256kh3ph1", USUAL},
    {"resnet50.conv4_3", "conv2d", "mb1ic256ih14oc1024kh1", MORE},
    {"resnet50.conv5_1a", "conv2d", "mb1ic1024ih14oc512kh1", MORE},
    {"resnet50.conv5_2a", "conv2d", "mb1ic512ih14oc512oh7kh3sh2ph1", MORE},
    {"resnet50.conv5_shortcut", "conv2d", "mb1ic1024ih14oc2048oh7kh1sh2", MORE},
    {"resnet50.conv5_1", "conv2d", "mb1ic2048ih7oc512kh1", MORE},
    {"resnet50.conv5_2", "conv2d", "mb1ic512ih7oc512kh3ph1", USUAL},
    {"resnet50.conv5_3", "conv2d", "mb1ic512ih7oc2048kh1", MORE},
    {"resnet18.conv3_1", "conv2d", "mb1ic64ih56oc128oh28kh3sh2ph1", USUAL},

    {"mobilenet.depthwise2", "conv2d", "g32mb1ic32ih112oc32kh3ph1", USUAL},
    {"mobilenet.depthwise3", "conv2d", "g64mb1ic64ih112oc64oh56kh3sh2ph1", MORE},
    {"mobilenet.depthwise4", "conv2d", "g128mb1ic128ih56oc128kh3ph1", MORE},
    {"mobilenet.depthwise5", "conv2d", "g128mb1ic128ih56oc128oh28kh3sh2ph1", MORE},
    {"mobilenet.depthwise6", "conv2d", "g256mb1ic256ih28oc256kh3ph1", MORE},
    {"mobilenet.depthwise7", "conv2d", "g256mb1ic256ih28oc256oh14kh3sh2ph1", MORE},
    {"mobilenet.depthwise8", "conv2d", "g512mb1ic512ih14oc512kh3ph1", MORE},
    {"mobilenet.depthwise13", "conv2d", "g512mb1ic512ih14oc512oh7kh3sh2ph1", MORE},
    {"mobilenet.depthwise14", "conv2d", "g1024mb1ic1024ih7oc1024kh3ph1", MORE},

    {"varied.inception_1x7", "conv2d", "mb1ic192ih17iw17oc192kh1kw7ph0pw3", MORE},
    {"varied.inception_7x1", "conv2d", "mb1ic192ih17iw17oc192kh7kw1ph3pw0", MORE},
    {"varied.inception_5x5", "conv2d", "mb1ic48ih35oc64kh5ph2", MORE},
    {"varied.densenet_56", "conv2d", "mb1ic128ih56oc32kh3ph1", MORE},
    {"varied.densenet_14", "conv2d", "mb1ic128ih14oc32kh3ph1", MORE},
    {"varied.resnext_56", "conv2d", "g32mb1ic128ih56oc128kh3ph1", MORE},
    {"varied.resnext_28", "conv2d", "g32mb1ic256ih28oc256kh3ph1", MORE},
    {"varied.resnext_14", "conv2d", "g32mb1ic512ih14oc512kh3ph1", MORE},
    {"varied.resnext_stride2", "conv2d", "g32mb1ic256ih56oc256oh28kh3sh2ph1", MORE},
    {"varied.deeplab_rate2", "conv2d", "mb1ic256ih33oc256kh3ph2dh1", MORE},
    {"varied.deeplab_rate6", "conv2d", "mb1ic512ih33oc256kh3ph6dh5", MORE},
    {"varied.deeplab_rate12", "conv2d", "mb1ic512ih33oc256kh3ph12dh11", MORE},
    {"varied.efficientnet_5x5", "conv2d", "g240mb1ic240ih28oc240kh5ph2", MORE},
    {"varied.efficientnet_5x5_stride2", "conv2d", "g144mb1ic144ih56oc144oh28kh5sh2ph2", MORE},
    {"varied.depthwise_dilated", "conv2d", "g256mb1ic256ih33oc256kh3ph2dh1", MORE},
    {"varied.multiplier2", "conv2d", "g64mb1ic64ih56oc128kh3ph1", MORE},
    {"varied.multiplier4_stride2", "conv2d", "g32mb1ic32ih56oc128oh28kh3sh2ph1", MORE},
    {"varied.1d_kw3", "conv2d", "mb1ic64ih1iw8000oc64kh1kw3ph0pw1", MORE},
    {"varied.1d_kw1", "conv2d", "mb1ic64ih1iw8000oc128kh1kw1", MORE},
    {"varied.1d_strided", "conv2d", "mb1ic128ih1iw2000oc128ow1000kh1kw8sh1sw2ph0pw3", MORE},
    {"varied.ssd_38", "conv2d", "mb1ic512ih38oc512kh3ph1", MORE},
    {"varied.ssd_19_dilated", "conv2d", "mb1ic256ih19oc512kh3ph6dh5", MORE},
    {"varied.ssd_10", "conv2d", "mb1ic256ih10oc512oh5kh3sh2ph1", MORE},
    {"varied.ssd_5", "conv2d", "mb1ic128ih5oc256kh3", MORE},
    {"varied.ssd_3", "conv2d", "mb1ic256ih3oc24kh3ph1", MORE},
    {"varied.yolo_76", "conv2d", "mb1ic128ih76oc256kh3ph1", MORE},
    {"varied.yolo_38_1x1", "conv2d", "mb1ic512ih38oc256kh1", MORE},
    {"varied.yolo_19_1x1", "conv2d", "mb1ic1024ih19oc255kh1", MORE},

    {"tails.few", "conv2d", "mb4ic3ih13oc5kh3ph1", MORE},
    {"tails.one_more", "conv2d+relu", "mb2ic17ih15oc33kh3ph1", MORE},
    {"tails.one_less", "conv2d+relu", "mb2ic31ih14oc63kh3", MORE},
    {"tails.1x1", "conv2d", "mb1ic97ih13oc101kh1", MORE},
    {"tails.1x7", "conv2d", "mb1ic40ih17iw17oc40kh1kw7ph0pw3", MORE},
    {"tails.7x1", "conv2d", "mb1ic40ih17iw17oc40kh7kw1ph3pw0", MORE},
    {"tails.5x5_stride3", "conv2d", "mb3ic24ih29oc40oh10kh5sh3ph2", MORE},
    {"tails.2x3", "conv2d", "mb5ic20ih11iw9oc50kh2kw3", MORE},
    {"tails.dilated", "conv2d", "mb1ic48ih19oc48kh3ph2dh1", MORE},
    {"tails.grouped", "conv2d", "g4mb1ic60ih17oc100kh3ph1", MORE},
    {"tails.depthwise", "conv2d", "mb2g30ic30ih21oc30kh5ph2", MORE},
    {"tails.pooled", "conv2d+relu+maxpool", "mb3ic20ih15oc50kh5", MORE},
};
const int bench_layer_count = sizeof bench_layers / sizeof *bench_layers;

int bench_is_list_of(const char *name, const char *layer)
{
    const size_t length = strcspn(name, ",");
    return (length == 3 && !strncmp(name, "all", 3)) ||
           (length == strcspn(layer, ".") && !strncmp(name, layer, length));
}

int bench_is_list(const char *name)
{
    for (int i = 0; i < bench_layer_count; i++)
        if (bench_is_list_of(name, bench_layers[i].name)) return 1;
    return 0;
}

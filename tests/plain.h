/* SPDX-License-Identifier: BSD-2-Clause
 * A model's forward pass once more, by plain loops in double over its layers as they were added. */
#ifndef FCNN_PLAIN_H
#define FCNN_PLAIN_H

#include "lib/fastcnn.h"

/* Of training: batch normalization takes the moments of these n images and dropout drops what step `step` drops. */
struct plain {
    const fcnn_model *model;
    const float *x;        /* (n, h, w, c) */
    const int32_t *labels; /* n */
    int n;
    int training;
    int64_t step;
    double *moments; /* NULL, or as many as the model has parameters: those of a batch, where moving averages are */
};

/* Mean cross-entropy; weights as in fcnn_model_get_weights(). */
double plain_loss(const struct plain *plain, const double *weights);

#endif

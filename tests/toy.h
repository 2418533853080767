/* SPDX-License-Identifier: BSD-2-Clause
 * A small model with every kind of layer, some data for it, and its loss computed again by plain loops in double. */
#ifndef FCNN_TOY_H
#define FCNN_TOY_H

#include "lib/fastcnn.h"

#define TOY_PIXELS     (14 * 14 * 2)
#define TOY_CLASSES    3
#define TOY_PARAMETERS (9 * 2 * 5 + 5 + 9 * 5 * 6 + 6 + 6 * 4 + 4 + 8 * 7 + 7 + 7 * 3 + 3)
#define TOY_IMAGES     16

extern float toy_images[TOY_IMAGES * TOY_PIXELS];
extern int32_t toy_labels[TOY_IMAGES];

void toy_make_data(void);
fcnn_model *toy_build(const fcnn_compile_options *options); /* compiled */
/* Of the last layer, for one image. */
void toy_outputs(const double *weights, int image, double outputs[TOY_CLASSES]);
/* Mean cross-entropy of the first n images; weights as in fcnn_model_get_weights(). */
double toy_loss(const double *weights, int n);
void toy_get(const fcnn_model *model, float *weights);
/* Both models have the same weights, after the same number of steps. */
void toy_same(const fcnn_model *a, const fcnn_model *b);
/* Weights, moments and state: `to` trains on as `from` would. */
void toy_move(const fcnn_model *from, fcnn_model *to);
/* One step on the images first .. first+n-1 as one batch. */
void toy_step(fcnn_model *model, int first, int n);

/* Within a Check test: the call must succeed; must fail so and say why. */
#define OK(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_last_error())
#define FAILS(expected, call)                                                                                          \
    ck_assert_msg((call) == (expected) && *fcnn_last_error(), "%s: %s", #call, fcnn_last_error())

#endif

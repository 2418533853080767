/* SPDX-License-Identifier: BSD-2-Clause
 * Measuring one problem, for plans that ask for it and for fcnn_tune(). */
#ifndef FCNN_TUNE_H
#define FCNN_TUNE_H

#include "lib/tuning/tuning.h"

/* Measures a completed problem whatever the table says, and puts the choice into it; kernels that the settings ask for
 * by name are the only ones tried. options: NULL for the standard ones. */
fcnn_status fcnn_tune_now(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          const fcnn_tune_options *options, struct fcnn_decision *decision);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * The ranges of the scalars of optimizers, losses and dropout, in one place. */
#ifndef FCNN_HYPER_H
#define FCNN_HYPER_H

#include "lib/fastcnn.h"

/* What an operation reads of fcnn_hyper must be in range: FCNN_OK, or FCNN_BAD_ARGUMENT and a sentence. `hyper` may be
 * NULL where the operation reads none of it. A zero where the operation would then do nothing, or 0 / 0, is a scalar
 * that was forgotten. */
fcnn_status fcnn_hyper_check(const fcnn_hyper *hyper, fcnn_op op, fcnn_direction direction);

#endif

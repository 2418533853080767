/* SPDX-License-Identifier: BSD-2-Clause
 * The process's own table, and where it comes from. */
#include "lib/tuning/table.h"

static struct fcnn_tuning own;

fcnn_tuning *fcnn_tuning_default(void) { return &own; }
int fcnn_tuning_is_default(const fcnn_tuning *tuning) { return tuning == &own; }

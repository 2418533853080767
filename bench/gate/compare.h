/* SPDX-License-Identifier: BSD-2-Clause
 * The two things that fastcnn-compare does. */
#ifndef BENCH_GATE_COMPARE_H
#define BENCH_GATE_COMPARE_H

#include "bench/gate/experiment.h"

/* Both return the status to exit with, after they wrote what they found. */
int gate_compare(struct gate_experiment *experiment);
int gate_check_floors(struct gate_experiment *experiment); /* or writes them */

#endif

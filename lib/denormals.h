/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FCNN_DENORMALS_H
#define FCNN_DENORMALS_H

#include "lib/internal.h"

/* One line on standard error for each input that holds denormal numbers: how many of how many. Reads all inputs. */
void fcnn_report_denormals(const fcnn_problem *problem, const fcnn_tensors *tensors);

#endif

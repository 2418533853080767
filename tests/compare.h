/* SPDX-License-Identifier: BSD-2-Clause
 * Comparison of tensors bit for bit: +0 equals -0, a NaN equals a NaN, and nothing else is forgiven. */
#ifndef FCNN_TESTS_COMPARE_H
#define FCNN_TESTS_COMPARE_H

#include "lib/internal.h"

/* The number of elements that differ. If any do and text is not NULL: a phrase like
 * "dst[2,4,16,18] want 0x1.8p+0 (1.5) got -nan (-nan), 12 of 6460 wrong". */
int64_t compare_tensor(const fcnn_problem *problem, const struct fcnn_tensor_info *info, const void *want,
                       const void *got, char *text, size_t size);

#endif

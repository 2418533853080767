/* SPDX-License-Identifier: BSD-2-Clause
 * The sizes in a problem's text. */
#ifndef FCNN_PROBLEM_SIZES_H
#define FCNN_PROBLEM_SIZES_H

#include "lib/internal.h"

/* Sets the sizes of *problem, whose operation is set. Not checked yet. */
fcnn_status fcnn_sizes_read(fcnn_problem *problem, const char *text);

/* Writes those of a checked problem; at most `size` bytes with the NUL. Returns the length needed, as snprintf. */
int fcnn_sizes_write(const fcnn_problem *problem, char *text, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Choices for tests: a row with the knobs that the library would give it, or with any others. */
#ifndef FCNN_TESTS_CHOICES_H
#define FCNN_TESTS_CHOICES_H

#include "lib/choice.h"

/* As the library would run it on this machine without measurement. */
struct fcnn_choice standard_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem);
/* Each knob: one of its listed values, any value between its limits, or the standard one. Affordable. */
struct fcnn_choice drawn_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem, uint64_t *state);

#endif

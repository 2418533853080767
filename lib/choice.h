/* SPDX-License-Identifier: BSD-2-Clause
 * A row with its knobs as text, "conv2d_fwd_direct_avx512{block_pixels=256,panel=3}": in pins, in tuning files, in what
 * people are told. */
#ifndef FCNN_CHOICE_H
#define FCNN_CHOICE_H

#include "lib/internal.h"

#define FCNN_CHOICE_TEXT 512

/* Writes the row's name and the knobs that matter for the problem, in their order; without knobs no braces. */
void fcnn_choice_format(const struct fcnn_choice *choice, const fcnn_problem *problem, char text[FCNN_CHOICE_TEXT]);

/* Sets the knobs that a text names, "{a=1,b=2}", "{}" or "" (up to its end), and leaves the others. FCNN_BAD_SETTING
 * with a message that names the knob or the value: then *choice is as it was. */
fcnn_status fcnn_choice_read_knobs(struct fcnn_choice *choice, const char *text);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Runs a kernel on a trial in every way the library might and every way that shows a fault: split into pieces in any
 * order, with buffers against inaccessible pages, inputs write-protected, everything else full of NaN. */
#ifndef FCNN_TESTS_HARNESS_H
#define FCNN_TESTS_HARNESS_H

#include "tests/fill.h"

#define HARNESS_TEXT 2048
/* Exit status after a signal. */
#define HARNESS_CRASH 2

/* Drives the kernel's stages directly. 0, or 1 with the failure as a sentence for people, how to repeat it included. */
int harness_stages(const struct fcnn_kernel *kernel, const struct trial *trial, char text[HARNESS_TEXT]);
/* Runs the row through fcnn_plan_create(), fcnn_pack() and fcnn_execute() with 1, 2 and 3 threads. */
int harness_api(const struct fcnn_kernel *kernel, const struct trial *trial, char text[HARNESS_TEXT]);

/* From now on a crash prints which kernel did it on which problem, what it touched, and exits with HARNESS_CRASH. */
void harness_catch_signals(void);

#endif

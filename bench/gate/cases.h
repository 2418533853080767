/* SPDX-License-Identifier: BSD-2-Clause
 * One problem for each kernel of the library that this program runs with, found by asking the library: a new row has a
 * case, or is named as one that has none. Uses the public interface alone. */
#ifndef BENCH_GATE_CASES_H
#define BENCH_GATE_CASES_H

#include "lib/fastcnn.h"

/* A problem that the kernel serves, where there is one without doubts that dispatch has about it. 1, or 0: none of the
 * list of problems suits. */
int gate_case_find(int kernel, fcnn_problem *problem);

#endif

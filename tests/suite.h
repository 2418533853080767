/* SPDX-License-Identifier: BSD-2-Clause
 * The end of every test program's main(). */
#ifndef FCNN_TESTS_SUITE_H
#define FCNN_TESTS_SUITE_H

#include <check.h>

/* Runs and frees the suite. The exit status: 0, or 1 if a test failed or none ran. */
int run_suite(Suite *suite);

/* Whether the program runs behind FCNN_RUN, says so then: emulators are no judge of threads and processes, exit 77. */
int suite_emulated(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * The end of every test program's main(). */
#ifndef FCNN_TESTS_SUITE_H
#define FCNN_TESTS_SUITE_H

#include <check.h>

/* Runs and frees the suite. The exit status: 0, or 1 if a test failed or none ran. */
int run_suite(Suite *suite);

/* The same for a long suite of `items` pieces of work, dealt to FCNN_TEST_JOBS processes (default: one per processor).
 * Each process runs all tests, and each test does the items that take_turn() gives it:
 *
 *     if (!take_turn(_i)) return;
 *
 * The process that crashes under CK_FORK=no leaves what it had not begun to the others. */
struct tally { int run, failed; }; /* items begun, tests failed; a crash is a failure */
struct tally run_dealt(Suite *suite, int items);
int take_turn(int item); /* whether nobody had it before */

/* Takes the environment's settings of dispatch and threads away. */
void suite_unset_settings(void);

/* Whether the program runs behind FCNN_RUN, says so then: emulators are no judge of threads and processes, exit 77. */
int suite_emulated(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * A planted fault: one kernel gets one bit of its output wrong. The linker sends executions here
 * (--wrap=fcnn_execute_sized). */
#ifndef FCNN_TESTS_FAULTY_H
#define FCNN_TESTS_FAULTY_H

/* The kernel's name; NULL: none. At first what the environment has in FCNN_TEST_FAULTY. */
extern const char *faulty_kernel;

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * A program run to its end, with a fixed environment and a time limit. */
#ifndef BENCH_GATE_CHILD_H
#define BENCH_GATE_CHILD_H

/* Runs argv[0], found by its path, with `libraries` first among the folders of shared libraries and nothing of the
 * caller's environment that changes times. Returns what it wrote to stdout, to be freed; NULL after a message on stderr
 * if it could not be run, took longer than `seconds`, or ended with another status than 0, and without one after
 * Ctrl-C. */
char *gate_child_run(const char *const argv[], const char *libraries, double seconds);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Names by the order in which they were met. What many rows have in common is found by a name of it, in a time that
 * grows little with their number. */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

/* Zeros: none yet. One thread at a time. */
struct bench_names {
    void *tree; /* for tsearch() */
    int count;
};

/* The number of a name, which is given as to printf(): 0 for the first that was met, then 1, 2, ... A new one becomes
 * the next; of another it is looked up. -1: no memory. */
int bench_names_number(struct bench_names *names, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of a name that was met; -1: it was not, or there is no memory. */
int bench_names_find(const struct bench_names *names, const char *format, ...) __attribute__((format(printf, 2, 3)));

void bench_names_free(struct bench_names *names);

#endif

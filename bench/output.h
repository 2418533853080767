/* SPDX-License-Identifier: BSD-2-Clause
 * A file that is there as a whole or not at all: written under another name in the same folder, checked, synchronized,
 * renamed. */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `temporary` is empty where the name is no plain file (/dev/stdout, a FIFO), which is written directly. */
struct bench_output {
    FILE *file;
    char path[4096], temporary[4096 + 8];
};

/* Could it be written? Leaves nothing but folders. 0 after a message on stderr. */
int bench_output_probe(const char *path);

/* Folders that are missing are made. 0 after a message on stderr. */
int bench_output_open(struct bench_output *output, const char *path);

/* Closes, and puts the file in its place. 0 after a message: what was there before still is. */
int bench_output_close(struct bench_output *output);

/* Closes and drops it. */
void bench_output_cancel(struct bench_output *output);

#ifdef __cplusplus
}
#endif
#endif

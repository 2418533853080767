/* SPDX-License-Identifier: BSD-2-Clause
 * Kernels of `fastcnn filter`: by name, or from a text file of numbers. */
#ifndef FASTCNN_KERNEL_TEXT_H
#define FASTCNN_KERNEL_TEXT_H

#include <stddef.h>

#define CLI_KERNEL_SIDE 63 /* rows and columns of a kernel at most */

struct cli_filter_kernel {
    int rows, columns;
    float weight[CLI_KERNEL_SIDE * CLI_KERNEL_SIDE]; /* rows x columns */
    double offset; /* added to each result: 128 where positive and negative ones are to be seen, else 0 */
};

/* 1: there is a kernel of this name; 0: there is none. */
int cli_filter_named(struct cli_filter_kernel *kernel, const char *name);
const char *cli_filter_name(int number); /* of the kernels, in order; NULL past the last */

/* Text: one row of numbers a line, separated by blanks or commas; a number may be a fraction, as 1/9; what follows '#'
 * is a comment; lines without numbers are skipped; all rows have the same length. Returns an exit code, and complains
 * with "PATH:line:column: ". */
int cli_filter_parse(struct cli_filter_kernel *kernel, const char *text, const char *path);
int cli_filter_read(struct cli_filter_kernel *kernel, const char *path);

#endif

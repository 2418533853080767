/* SPDX-License-Identifier: BSD-2-Clause
 * Kept results: what json.c wrote, read back, so that tables, comparisons and the report work on files. */
#ifndef BENCH_JSON_READ_H
#define BENCH_JSON_READ_H

#include "bench/context.h"
#include "bench/results.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_t; /* jansson's */

struct bench_kept {
    struct bench_results results; /* summarized */
    struct bench_context context;
    struct bench_problem *problems;
};

/* Reads a file. 0, or the status to exit with after a message that names the file and the line or field: 65 it is not
 * what json.c writes, 66 it cannot be read, 71 no memory. To be freed in any case. Nothing of the file is believed
 * before it was looked at: not sizes, not names, not that texts have an end. */
int bench_json_read(const char *path, struct bench_kept *kept);
void bench_kept_free(struct bench_kept *kept);

/* The two steps of it, for files that may hold something else. The caller drops *root (json_decref()). */
int bench_json_load(const char *path, struct json_t **root);
int bench_json_take(const char *path, const struct json_t *root, struct bench_kept *kept);

#ifdef __cplusplus
}
#endif
#endif

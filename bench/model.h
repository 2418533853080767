/* SPDX-License-Identifier: BSD-2-Clause
 * The MNIST model as a program uses it: how long one image takes, and many. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <stdint.h>
#include <stdio.h>

#include "bench/options.h"

enum { BENCH_MANY_IMAGES = 10000 };

/* Seconds of single calls of fcnn_predict(). Those with one image by the clock: whoever waits for an answer waits for
 * neighbours too. */
struct bench_model_times {
    int64_t parameters;
    int threads;
    double flops;                /* of one image */
    double *one, *many;          /* of one image, of BENCH_MANY_IMAGES */
    int one_count, many_count;
};

/* What a list of calls comes to. Sorts it; all NAN of none. */
struct bench_latency { double median, p99; };
struct bench_latency bench_latency_of(double *seconds, int count);

void bench_model_print(struct bench_model_times *times, FILE *out);
/* Google Benchmark's format, an aggregate for each number, and an object "model" which --report knows it by. 0: no
 * memory; errors of `out` are the caller's to look
 * for. */
int bench_model_json(struct bench_model_times *times, FILE *out);

/* Measures, prints, and writes the file of --json. 0, or the status to exit with after a message: 1 if one image alone
 * and the same among many have other bits. */
int bench_model_run(const struct bench_options *options, FILE *out);

#endif

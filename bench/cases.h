/* SPDX-License-Identifier: BSD-2-Clause
 * Cases: a layer in one direction, its tensors, what the reference makes of them, and the reference's error. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "bench/layers.h"
#include "bench/options.h"
#include "bench/results.h"
#include "bench/tensors.h"
#include "reference/ref.h"

/* What a numerics class computes: the naive kernel's outputs for exact, those of the scalar row for other classes. */
struct bench_reference {
    int prepared;
    void *outputs[BENCH_MAX_TENSORS];
    double error; /* of these: see bench_error(); NAN: not known */
};

struct bench_case {
    struct bench_problem about;
    int prepared;
    fcnn_status status;  /* why it could not be prepared */
    char failure[256];   /* the same in words */
    struct bench_reference references[BENCH_CLASSES];
    char choice[64];     /* dispatch's kernel */
    struct bench_tensors tensors;
};

/* list.c: the cases that the options ask for. 0, or a status to exit with after a message; to be freed in any case. */
int bench_cases_make(const struct bench_options *options, struct bench_case **cases, int *count);
void bench_cases_free(struct bench_case *cases, int count);
void bench_case_free(struct bench_case *c); /* what it holds */

/* The sentence about a status that a function here or the library just returned. */
const char *bench_reason(fcnn_status status);

/* Fills the tensors and runs the reference of a class, each once. A failure stays and is in c->failure. */
fcnn_status bench_case_prepare(struct bench_case *c, fcnn_class numerics);

/* Before an execution that is to be checked: in/out tensors as they were, outputs NaN. */
void bench_case_reset(struct bench_case *c);

/* 0 if all outputs have the bits of the class's reference (+0 and -0 count as equal), else 1 and the sentence. */
int bench_case_differs(const struct bench_case *c, fcnn_class numerics, char *text, size_t size);

/* The same for sums in another order: outputs within 1e-4 of the largest, and bench_error(), which is left in *error,
 * at most 64. Outputs that a peer has no counterpart of (choice) are passed over. */
int bench_case_strays(const struct bench_case *c, double *error, char *text, size_t size);

/* The activations (n,p,q,k) of a pooled layer before pooling, as the reference computes them; NULL: it did not run. The
 * caller frees them. */
float *bench_case_unpooled(const struct bench_case *c);

/* error.c */

/* A convolution, pooled or not, or a dense layer in the reference's words; p and q before pooling. */
struct ref_conv2d bench_geometry(const fcnn_problem *problem);

/* max |x - d| / (2^-24 S) over the outputs x of a convolution or dense layer; d and S = sum |a b| in double.
 * NAN for other operations and for problems above a GFLOP, where this would take long. */
double bench_error(const fcnn_problem *problem, const fcnn_tensors *tensors);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Cases: the reference's results, and comparing with them. */
#include "bench/cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- references ---- */

static fcnn_status keep_outputs(struct bench_case *c, void *outputs[BENCH_MAX_TENSORS])
{
    for (int i = 0; i < c->tensors.count; i++) {
        const fcnn_tensor_info *info = &c->tensors.info[i];
        size_t bytes = (size_t)info->elements * info->element_size;
        if (info->role == FCNN_IN) continue;
        if (!(outputs[i] = malloc(bytes))) return FCNN_OUT_OF_MEMORY;
        memcpy(outputs[i], c->tensors.memory[i], bytes);
    }
    return FCNN_OK;
}

const char *bench_reason(fcnn_status status)
{
    return status == FCNN_OUT_OF_MEMORY ? fcnn_status_text(status) : fcnn_last_error();
}

fcnn_status bench_case_prepare(struct bench_case *c, fcnn_class numerics)
{
    struct bench_reference *reference = &c->references[numerics];
    if (c->status || reference->prepared) return c->status;
    reference->prepared = 1;
    if (!c->prepared) c->status = bench_tensors_make(&c->tensors, &c->about.problem);
    c->prepared = 1;
    if (!c->status) bench_case_reset(c);
    if (!c->status) c->status = bench_reference_run(numerics, &c->about.problem, &c->tensors.arrays);
    if (!c->status) c->status = keep_outputs(c, reference->outputs);
    if (c->status) snprintf(c->failure, sizeof c->failure, "the reference did not run: %s", bench_reason(c->status));
    else reference->error = bench_error(&c->about.problem, &c->tensors.arrays);
    return c->status;
}

void bench_case_reset(struct bench_case *c) { bench_tensors_reset(&c->tensors, &c->about.problem); }

float *bench_case_unpooled(const struct bench_case *c)
{
    fcnn_problem unpooled = c->about.problem;
    struct bench_tensors t = {0};
    float *dst = NULL;
    unpooled.op = FCNN_CONV2D;
    unpooled.direction = FCNN_FORWARD;
    unpooled.activation = FCNN_RELU_ACTIVATION;
    unpooled.p = unpooled.q = 0;
    fcnn_status status = fcnn_problem_check(&unpooled);
    if (!status) status = bench_tensors_make(&t, &unpooled);
    if (!status) status = bench_reference_run(FCNN_EXACT, &unpooled, &t.arrays);
    for (int i = 0; i < t.count; i++) {
        if (status || t.info[i].offset != offsetof(fcnn_tensors, dst)) continue;
        dst = t.memory[i];
        t.memory[i] = NULL;
    }
    bench_tensors_free(&t);
    return dst;
}

/* ---- comparison ---- */

static int equal_at(const fcnn_tensor_info *info, const void *got, const void *want, int64_t i)
{
    if (info->element_size == 2) return ((const uint16_t *)got)[i] == ((const uint16_t *)want)[i];
    float x = ((const float *)got)[i], y = ((const float *)want)[i];
    return !memcmp(&x, &y, sizeof x) || (x == 0 && y == 0 && info->offset != offsetof(fcnn_tensors, argmax));
}

static void format_value(const fcnn_tensor_info *info, const void *memory, int64_t i, char text[32])
{
    if (info->element_size == 2) snprintf(text, 32, "0x%04x", ((const uint16_t *)memory)[i]);
    else if (info->offset == offsetof(fcnn_tensors, argmax)) snprintf(text, 32, "%d", ((const int32_t *)memory)[i]);
    else snprintf(text, 32, "%.9g", (double)((const float *)memory)[i]);
}

int bench_case_differs(const struct bench_case *c, fcnn_class numerics, char *text, size_t size)
{
    for (int i = 0; i < c->tensors.count; i++) {
        const fcnn_tensor_info *info = &c->tensors.info[i];
        const void *got = c->tensors.memory[i], *want = c->references[numerics].outputs[i];
        int64_t first = -1, wrong = 0;
        if (!want || !memcmp(got, want, (size_t)info->elements * info->element_size)) continue;
        for (int64_t at = 0; at < info->elements; at++) {
            if (equal_at(info, got, want, at)) continue;
            if (first < 0) first = at;
            wrong++;
        }
        if (!wrong) continue;
        char value[32], expected[32];
        format_value(info, got, first, value);
        format_value(info, want, first, expected);
        snprintf(text, size, "wrong: %s[%lld] is %s, the reference has %s (%lld of %lld elements differ)", info->name,
                 (long long)first, value, expected, (long long)wrong, (long long)info->elements);
        return 1;
    }
    return 0;
}

int bench_case_strays(const struct bench_case *c, double *error, char *text, size_t size)
{
    const double most_error = 64, most_part = 1e-4;
    for (int i = 0; i < c->tensors.count; i++) {
        const fcnn_tensor_info *info = &c->tensors.info[i];
        const float *got = c->tensors.memory[i], *want = c->references[FCNN_EXACT].outputs[i];
        double largest = 0;
        if (!want || info->element_size != sizeof *got) continue;
        for (int64_t at = 0; at < info->elements; at++) largest = fmax(largest, fabs((double)want[at]));
        for (int64_t at = 0; at < info->elements; at++) {
            if (fabs((double)got[at] - (double)want[at]) <= most_part * largest) continue;
            snprintf(text, size, "wrong: %s[%lld] is %.9g, the reference has %.9g", info->name, (long long)at,
                     (double)got[at], (double)want[at]);
            return 1;
        }
    }
    *error = bench_error(&c->about.problem, &c->tensors.arrays);
    if (!(*error > most_error)) return 0;
    snprintf(text, size, "wrong: the error is %.3g, at most %g is allowed", *error, most_error);
    return 1;
}

void bench_case_free(struct bench_case *c)
{
    bench_tensors_free(&c->tensors);
    for (int i = 0; i < BENCH_CLASSES; i++)
        for (int j = 0; j < BENCH_MAX_TENSORS; j++) free(c->references[i].outputs[j]);
}

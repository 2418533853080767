/* SPDX-License-Identifier: BSD-2-Clause
 * Cases: deterministic tensors, the reference's results, and comparing with them. */
#include "bench/cases.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tensors ---- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1): a function of the tensor's name and the index. */
static float uniform(uint64_t seed, int64_t i)
{
    return ((float)(mix(seed + (uint64_t)i * 0x9e3779b97f4a7c15u) >> 40) - 0x1p23f) * 0x1p-23f;
}

static void fill(const fcnn_problem *p, const struct fcnn_tensor_info *info, void *memory)
{
    float *x = memory;
    uint64_t seed = 0;
    for (const char *letter = info->name; *letter; letter++) seed = mix(seed + (unsigned char)*letter);
    if (info->role == FCNN_OUT) {
        memset(memory, 0xff, (size_t)info->elements * info->element_size);
    } else if (info->offset == offsetof(fcnn_tensors, labels)) {
        int32_t *label = memory;
        for (int64_t i = 0; i < info->elements; i++) label[i] = (int32_t)(mix((uint64_t)i) % (uint64_t)p->c);
    } else {
        for (int64_t i = 0; i < info->elements; i++) x[i] = uniform(seed, i);
        if (info->offset == offsetof(fcnn_tensors, moment_2))
            for (int64_t i = 0; i < info->elements; i++) x[i] *= x[i];
    }
}

/* Results of the forward pass that a backward pass reads. */
static int comes_from_forward(const struct fcnn_tensor_info *info)
{
    return info->role == FCNN_IN && (info->offset == offsetof(fcnn_tensors, dst) ||
           info->offset == offsetof(fcnn_tensors, choice) || info->offset == offsetof(fcnn_tensors, argmax));
}

static void free_tensors(struct bench_tensors *t)
{
    for (int i = 0; i < t->count; i++) free(t->memory[i]);
}

static fcnn_status make_tensors(struct bench_tensors *t, const fcnn_problem *p)
{
    memset(t, 0, sizeof *t);
    t->hyper = (fcnn_hyper){.learning_rate = 1e-3f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f,
                            .beta_1_power = 0.9f, .beta_2_power = 0.999f, .momentum = 0.9f,
                            .scale = 1.0f / (float)p->n};
    t->arrays.hyper = &t->hyper;
    t->count = fcnn_tensor_list(p, t->info);
    for (int i = 0; i < t->count; i++) {
        size_t bytes = (size_t)t->info[i].elements * t->info[i].element_size;
        if (!(t->memory[i] = aligned_alloc(64, (bytes + 63) & ~(size_t)63))) return FCNN_OUT_OF_MEMORY;
        memcpy((char *)&t->arrays + t->info[i].offset, &t->memory[i], sizeof(void *));
        if (!comes_from_forward(&t->info[i])) fill(p, &t->info[i], t->memory[i]);
    }
    return FCNN_OK;
}

/* ---- references ---- */

/* The reference of a class: naive, or the scalar row. With all cores: this is not timed. */
static fcnn_status run_reference(fcnn_class numerics, const fcnn_problem *p, const fcnn_tensors *t)
{
    fcnn_options options = {.threads = omp_get_num_procs(), .isa = "scalar", .math = fcnn_class_name(numerics)};
    if (numerics == FCNN_EXACT) options.kernel = "*_naive";
    fcnn_plan *plan;
    fcnn_status status = fcnn_plan_create(&plan, p, &options);
    if (status) return status;
    status = fcnn_execute(plan, t);
    fcnn_plan_destroy(plan);
    return status;
}

/* Runs the layer forward and copies what the backward pass needs of it. */
static fcnn_status copy_from_forward(struct bench_case *c)
{
    fcnn_problem forward = c->about.problem;
    struct bench_tensors t = {0};
    forward.direction = FCNN_FORWARD;
    fcnn_status status = make_tensors(&t, &forward);
    if (!status) status = run_reference(FCNN_EXACT, &forward, &t.arrays);
    for (int i = 0; !status && i < c->tensors.count; i++) {
        const struct fcnn_tensor_info *info = &c->tensors.info[i];
        for (int j = 0; comes_from_forward(info) && j < t.count; j++)
            if (t.info[j].offset == info->offset)
                memcpy(c->tensors.memory[i], t.memory[j], (size_t)info->elements * info->element_size);
    }
    free_tensors(&t);
    return status;
}

static fcnn_status keep_outputs(struct bench_case *c, void *outputs[FCNN_MAX_TENSORS])
{
    for (int i = 0; i < c->tensors.count; i++) {
        const struct fcnn_tensor_info *info = &c->tensors.info[i];
        size_t bytes = (size_t)info->elements * info->element_size;
        if (info->role == FCNN_IN) continue;
        if (!(outputs[i] = malloc(bytes))) return FCNN_OUT_OF_MEMORY;
        memcpy(outputs[i], c->tensors.memory[i], bytes);
    }
    return FCNN_OK;
}

static fcnn_status prepare_inputs(struct bench_case *c)
{
    int needs_forward = 0;
    fcnn_status status = make_tensors(&c->tensors, &c->about.problem);
    for (int i = 0; !status && i < c->tensors.count; i++) needs_forward |= comes_from_forward(&c->tensors.info[i]);
    return needs_forward ? copy_from_forward(c) : status;
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
    if (!c->prepared) c->status = prepare_inputs(c);
    c->prepared = 1;
    if (!c->status) bench_case_reset(c);
    if (!c->status) c->status = run_reference(numerics, &c->about.problem, &c->tensors.arrays);
    if (!c->status) c->status = keep_outputs(c, reference->outputs);
    if (c->status) snprintf(c->failure, sizeof c->failure, "the reference did not run: %s", bench_reason(c->status));
    else reference->error = bench_error(&c->about.problem, &c->tensors.arrays);
    return c->status;
}

void bench_case_reset(struct bench_case *c)
{
    for (int i = 0; i < c->tensors.count; i++)
        if (c->tensors.info[i].role != FCNN_IN) fill(&c->about.problem, &c->tensors.info[i], c->tensors.memory[i]);
}

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
    if (!status) status = make_tensors(&t, &unpooled);
    if (!status) status = run_reference(FCNN_EXACT, &unpooled, &t.arrays);
    for (int i = 0; i < t.count; i++) {
        if (status || t.info[i].offset != offsetof(fcnn_tensors, dst)) continue;
        dst = t.memory[i];
        t.memory[i] = NULL;
    }
    free_tensors(&t);
    return dst;
}

/* ---- comparison ---- */

static int equal_at(const struct fcnn_tensor_info *info, const void *got, const void *want, int64_t i)
{
    if (info->element_size == 2) return ((const uint16_t *)got)[i] == ((const uint16_t *)want)[i];
    float x = ((const float *)got)[i], y = ((const float *)want)[i];
    return !memcmp(&x, &y, sizeof x) || (x == 0 && y == 0 && info->offset != offsetof(fcnn_tensors, argmax));
}

static void format_value(const struct fcnn_tensor_info *info, const void *memory, int64_t i, char text[32])
{
    if (info->element_size == 2) snprintf(text, 32, "0x%04x", ((const uint16_t *)memory)[i]);
    else if (info->offset == offsetof(fcnn_tensors, argmax)) snprintf(text, 32, "%d", ((const int32_t *)memory)[i]);
    else snprintf(text, 32, "%.9g", (double)((const float *)memory)[i]);
}

int bench_case_differs(const struct bench_case *c, fcnn_class numerics, char *text, size_t size)
{
    for (int i = 0; i < c->tensors.count; i++) {
        const struct fcnn_tensor_info *info = &c->tensors.info[i];
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
        const struct fcnn_tensor_info *info = &c->tensors.info[i];
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
    free_tensors(&c->tensors);
    for (int i = 0; i < FCNN_CLASSES; i++)
        for (int j = 0; j < FCNN_MAX_TENSORS; j++) free(c->references[i].outputs[j]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/tensors.h"

#include <omp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bench/random.h"

/* Uniform in [-1, 1): a function of the tensor's name and the index. */
static float uniform(uint64_t seed, int64_t i)
{
    return ((float)(bench_random(seed, (uint64_t)i) >> 40) - 0x1p23f) * 0x1p-23f;
}

static void fill(const fcnn_problem *p, const fcnn_tensor_info *info, void *memory)
{
    float *x = memory;
    uint64_t seed = 0;
    for (const char *letter = info->name; *letter; letter++) seed = bench_mix(seed + (unsigned char)*letter);
    if (info->role == FCNN_OUT) {
        memset(memory, 0xff, (size_t)info->elements * info->element_size);
    } else if (info->offset == offsetof(fcnn_tensors, labels)) {
        int32_t *label = memory;
        for (int64_t i = 0; i < info->elements; i++) label[i] = (int32_t)(bench_mix((uint64_t)i) % (uint64_t)p->c);
    } else {
        for (int64_t i = 0; i < info->elements; i++) x[i] = uniform(seed, i);
        if (info->offset == offsetof(fcnn_tensors, moment_2) || info->offset == offsetof(fcnn_tensors, variance))
            for (int64_t i = 0; i < info->elements; i++) x[i] *= x[i];
    }
}

/* Results of the forward pass that a backward pass reads. */
static int comes_from_forward(const fcnn_tensor_info *info)
{
    return info->role == FCNN_IN && (info->offset == offsetof(fcnn_tensors, dst) ||
           info->offset == offsetof(fcnn_tensors, choice) || info->offset == offsetof(fcnn_tensors, argmax));
}

void bench_tensors_free(struct bench_tensors *t)
{
    for (int i = 0; i < t->count; i++) free(t->memory[i]);
}

int bench_tensor_list(const fcnn_problem *problem, fcnn_tensor_info list[BENCH_MAX_TENSORS])
{
    int count = 0;
    while (count < BENCH_MAX_TENSORS && !fcnn_problem_tensors(problem, count, &list[count])) count++;
    return count;
}

/* All but what comes from the forward pass. */
static fcnn_status make_own(struct bench_tensors *t, const fcnn_problem *p)
{
    memset(t, 0, sizeof *t);
    t->hyper = (fcnn_hyper){.learning_rate = 1e-3f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f,
                            .beta_1_power = 0.9f, .beta_2_power = 0.999f, .momentum = 0.9f,
                            .scale = 1.0f / (float)p->n, .dropout_seed = 1, .dropout_rate = 0.5f};
    t->arrays.hyper = &t->hyper;
    t->count = bench_tensor_list(p, t->info);
    for (int i = 0; i < t->count; i++) {
        size_t bytes = (size_t)t->info[i].elements * t->info[i].element_size;
        if (!(t->memory[i] = aligned_alloc(64, (bytes + 63) & ~(size_t)63))) return FCNN_OUT_OF_MEMORY;
        memcpy((char *)&t->arrays + t->info[i].offset, &t->memory[i], sizeof(void *));
        if (!comes_from_forward(&t->info[i])) fill(p, &t->info[i], t->memory[i]);
    }
    return FCNN_OK;
}

fcnn_status bench_reference_run(fcnn_class numerics, const fcnn_problem *p, const fcnn_tensors *t)
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
static fcnn_status copy_from_forward(struct bench_tensors *t, const fcnn_problem *p)
{
    fcnn_problem problem = *p;
    struct bench_tensors forward;
    problem.direction = FCNN_FORWARD;
    fcnn_status status = make_own(&forward, &problem);
    if (!status) status = bench_reference_run(FCNN_EXACT, &problem, &forward.arrays);
    for (int i = 0; !status && i < t->count; i++) {
        const fcnn_tensor_info *info = &t->info[i];
        for (int j = 0; comes_from_forward(info) && j < forward.count; j++)
            if (forward.info[j].offset == info->offset)
                memcpy(t->memory[i], forward.memory[j], (size_t)info->elements * info->element_size);
    }
    bench_tensors_free(&forward);
    return status;
}

fcnn_status bench_tensors_make(struct bench_tensors *t, const fcnn_problem *p)
{
    int needs_forward = 0;
    const fcnn_status status = make_own(t, p);
    for (int i = 0; !status && i < t->count; i++) needs_forward |= comes_from_forward(&t->info[i]);
    return needs_forward ? copy_from_forward(t, p) : status;
}

void bench_tensors_reset(struct bench_tensors *t, const fcnn_problem *p)
{
    for (int i = 0; i < t->count; i++)
        if (t->info[i].role != FCNN_IN) fill(p, &t->info[i], t->memory[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Plans: a problem, its kernel, the memory it needs, and the hand-out of its tasks to threads. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fpmode.h"
#include "lib/internal.h"
#include "lib/memory.h"
#include "lib/sized.h"

struct fcnn_plan {
    fcnn_problem problem;
    const struct fcnn_kernel *kernel;
    struct fcnn_demand demand;
    fcnn_tensor_info tensors[FCNN_MAX_TENSORS];
    int tensor_count, threads, verbose_exec;
    int empty; /* the batch: `problem` and the kernel see one image, `tensors` none */
    size_t workspace_bytes;
    void *tables, *workspace;
};

static size_t line(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Workspace: packed weights, the shared area, then one scratch area per thread, a page apart: prefetchers stay within a
 * page, and one core's would else fetch the beginning of the next area, which another core writes. */
#define PAGE 4096
static size_t scratch_stride(const struct fcnn_plan *plan)
{
    return plan->demand.scratch ? line(plan->demand.scratch) + PAGE : 0;
}

static size_t workspace_bytes(const struct fcnn_plan *plan)
{
    return line(plan->demand.packed) + line(plan->demand.shared) + scratch_stride(plan) * (size_t)plan->threads;
}

/* No more threads than there are tasks in the widest stage, and one alone inside somebody's parallel region. */
static int useful_threads(const struct fcnn_demand *demand, int wanted)
{
    int64_t tasks = demand->tasks[FCNN_COMPUTE];
    if (omp_in_parallel()) return 1;
    return tasks < wanted ? (int)tasks : wanted;
}

/* A last field, which is there only if the kernel was taken for want of a better one, says why. */
static void report_dispatch(const struct fcnn_plan *plan, const struct fcnn_settings *settings)
{
    char text[256];
    const char *limit = fcnn_dispatch_limit(plan->kernel, &plan->problem, settings);
    fcnn_problem_format(&plan->problem, text, sizeof text);
    fprintf(stderr, "fastcnn_verbose,dispatch,%s,%s,%s,threads:%d%s%s\n", text, plan->kernel->name,
            fcnn_class_name(plan->kernel->numerics), plan->threads, limit ? ",limit:" : "", limit ? limit : "");
}

static fcnn_status prepare(struct fcnn_plan *plan)
{
    plan->workspace_bytes = workspace_bytes(plan);
    plan->tables = fcnn_memory_allocate(plan->demand.tables);
    plan->workspace = fcnn_memory_allocate(plan->workspace_bytes);
    if (!plan->tables || !plan->workspace)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "%s needs %zu bytes of tables and %zu bytes of workspace",
                         plan->kernel->name, plan->demand.tables, plan->workspace_bytes);
    if (plan->demand.tasks[FCNN_TABLES]) {
        const struct fcnn_memory memory = {.tables = plan->tables};
        fcnn_row_run(plan->kernel, &plan->problem, NULL, &memory, FCNN_TABLES, 0, plan->demand.tasks[FCNN_TABLES]);
    }
    return FCNN_OK;
}

fcnn_status fcnn_plan_create_sized(fcnn_plan **result, const fcnn_problem *problem, size_t problem_size,
                                   const fcnn_options *options, size_t options_size)
{
    struct fcnn_settings settings;
    int empty;
    if (!result) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the plan is NULL");
    *result = NULL;
    if (!problem) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem is NULL");
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    fcnn_status status = fcnn_settings_read(&settings, &wanted);
    if (!status) status = fcnn_problem_complete(&checked, &empty);
    if (status) return status;
    const struct fcnn_kernel *kernel = fcnn_dispatch(&checked, &settings, &status);
    if (!kernel) return status;

    struct fcnn_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a plan");
    plan->problem = checked;
    plan->empty = empty;
    plan->kernel = kernel;
    plan->demand = fcnn_row_demand(kernel, &checked);
    plan->threads = useful_threads(&plan->demand, settings.threads);
    plan->verbose_exec = settings.verbose_exec;
    if (empty) checked.n = FCNN_EMPTY;
    plan->tensor_count = fcnn_tensor_list(&checked, plan->tensors);
    status = prepare(plan);
    if (status) {
        fcnn_plan_destroy(plan);
        return status;
    }
    if (settings.verbose_dispatch) report_dispatch(plan, &settings);
    *result = plan;
    return FCNN_OK;
}

void fcnn_plan_destroy(fcnn_plan *plan)
{
    if (!plan) return;
    fcnn_memory_free(plan->tables);
    fcnn_memory_free(plan->workspace);
    free(plan);
}

const char *fcnn_plan_kernel(const fcnn_plan *plan) { return plan->kernel->name; }
int fcnn_plan_threads(const fcnn_plan *plan) { return plan->threads; }
size_t fcnn_plan_workspace(const fcnn_plan *plan) { return plan->workspace_bytes; }
size_t fcnn_plan_packed(const fcnn_plan *plan) { return plan->demand.tasks[FCNN_PACK] ? plan->demand.packed : 0; }

static fcnn_status check_tensors(const struct fcnn_plan *plan, const fcnn_tensors *tensors)
{
    for (int i = 0; i < plan->tensor_count; i++) {
        const fcnn_tensor_info *info = &plan->tensors[i];
        const void *pointer = *(const void *const *)((const char *)tensors + info->offset);
        int replaced = tensors->packed && fcnn_plan_packed(plan) &&
                       (info->offset == offsetof(fcnn_tensors, weights) ||
                        info->offset == offsetof(fcnn_tensors, bias));
        if (!pointer && info->elements && !replaced)
            return fcnn_fail(FCNN_BAD_ARGUMENT, "%s %s needs the tensor %s (%lld elements), which is NULL",
                             fcnn_op_name(plan->problem.op), fcnn_direction_name(plan->problem.direction), info->name,
                             (long long)info->elements);
    }
    if (!tensors->hyper && fcnn_operations[plan->problem.op].hyper >> plan->problem.direction & 1)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s %s needs hyper, which is NULL", fcnn_op_name(plan->problem.op),
                         fcnn_direction_name(plan->problem.direction));
    if (plan->problem.op != FCNN_CROSS_ENTROPY || plan->empty) return FCNN_OK;
    for (int64_t i = 0; i < plan->problem.n; i++)
        if (tensors->labels[i] < 0 || tensors->labels[i] >= plan->problem.c)
            return fcnn_fail(FCNN_BAD_DATA, "label %lld is %d; expected 0 to %lld", (long long)i, tensors->labels[i],
                             (long long)plan->problem.c - 1);
    return FCNN_OK;
}

/* The share of one stage that falls to `worker` of `team` workers. */
static void work(const struct fcnn_plan *plan, const fcnn_tensors *tensors, const struct fcnn_memory *memory,
                 enum fcnn_stage stage, int64_t worker, int64_t team)
{
    int64_t tasks = plan->demand.tasks[stage];
    int64_t first = worker * tasks / team, last = (worker + 1) * tasks / team;
    if (first < last) fcnn_row_run(plan->kernel, &plan->problem, tensors, memory, stage, first, last);
}

static void execute(const struct fcnn_plan *plan, const fcnn_tensors *tensors, char *workspace, enum fcnn_stage first)
{
    void *packed = tensors->packed ? (void *)(uintptr_t)tensors->packed : workspace;
    char *shared = workspace + line(plan->demand.packed), *scratch = shared + line(plan->demand.shared);
    int threads = omp_in_parallel() ? 1 : plan->threads;
    if (threads == 1) {
        const struct fcnn_memory memory = {plan->tables, packed, shared, scratch};
        fcnn_fpmode saved = fcnn_fpmode_enter();
        for (enum fcnn_stage stage = first; stage < FCNN_STAGES; stage++) work(plan, tensors, &memory, stage, 0, 1);
        fcnn_fpmode_leave(saved);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        int worker = omp_get_thread_num(), team = omp_get_num_threads();
        const struct fcnn_memory memory = {plan->tables, packed, shared,
                                           scratch + scratch_stride(plan) * (size_t)worker};
        fcnn_fpmode saved = fcnn_fpmode_enter();
        for (enum fcnn_stage stage = first; stage < FCNN_STAGES; stage++) {
            if (!plan->demand.tasks[stage]) continue;
            work(plan, tensors, &memory, stage, worker, team);
#pragma omp barrier
        }
        fcnn_fpmode_leave(saved);
    }
}

static void report_execution(const struct fcnn_plan *plan, double seconds)
{
    char text[256];
    fcnn_problem_format(&plan->problem, text, sizeof text);
    fprintf(stderr, "fastcnn_verbose,exec,%s,%s,%.6g\n", text, plan->kernel->name, seconds * 1e3);
}

/* Of an empty batch: what is left of the outputs are sums over nothing. */
static fcnn_status execute_empty(const struct fcnn_plan *plan, const fcnn_tensors *tensors)
{
    for (int i = 0; i < plan->tensor_count; i++) {
        const fcnn_tensor_info *info = &plan->tensors[i];
        if (info->role != FCNN_OUT || !info->elements) continue;
        memset(*(void *const *)((const char *)tensors + info->offset), 0, (size_t)info->elements * info->element_size);
    }
    return FCNN_OK;
}

static fcnn_status check_and_execute(const struct fcnn_plan *plan, const fcnn_tensors *tensors)
{
    fcnn_status status = check_tensors(plan, tensors);
    if (status) return status;
    if (plan->empty) return execute_empty(plan, tensors);
    char *workspace = tensors->workspace ? tensors->workspace : plan->workspace;
    double begin = plan->verbose_exec ? omp_get_wtime() : 0;
    execute(plan, tensors, workspace, tensors->packed ? FCNN_GATHER : FCNN_PACK);
    if (plan->verbose_exec) report_execution(plan, omp_get_wtime() - begin);
    return FCNN_OK;
}

fcnn_status fcnn_execute_sized(const fcnn_plan *plan, const fcnn_tensors *tensors, size_t tensors_size,
                               size_t hyper_size)
{
    if (!plan || !tensors) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s NULL", plan ? "the tensors are" : "the plan is");
    if (tensors_size == sizeof *tensors && hyper_size == sizeof *tensors->hyper) /* no copies: short kernels are many */
        return check_and_execute(plan, tensors);
    FCNN_TAKE(fcnn_tensors, own, tensors, tensors_size);
    FCNN_TAKE(fcnn_hyper, hyper, own.hyper, hyper_size);
    if (own.hyper) own.hyper = &hyper;
    return check_and_execute(plan, &own);
}

fcnn_status fcnn_pack(const fcnn_plan *plan, const float *weights, const float *bias, void *packed)
{
    if (!plan) return fcnn_fail(FCNN_BAD_ARGUMENT, "the plan is NULL");
    if (!fcnn_plan_packed(plan)) return FCNN_OK;
    int needs_bias = plan->problem.direction == FCNN_FORWARD && !plan->problem.no_bias;
    if (!weights || !packed || (needs_bias && !bias))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", !weights ? "weights" : !packed ? "packed" : "bias");
    const fcnn_tensors tensors = {.weights = weights, .bias = bias};
    const struct fcnn_memory memory = {.tables = plan->tables, .packed = packed};
    fcnn_fpmode saved = fcnn_fpmode_enter();
    work(plan, &tensors, &memory, FCNN_PACK, 0, 1);
    fcnn_fpmode_leave(saved);
    return FCNN_OK;
}

void fcnn_run_stages(const struct fcnn_kernel *kernel, const fcnn_problem *problem, const fcnn_tensors *tensors,
                     const struct fcnn_memory *memory, const struct fcnn_demand *demand, int64_t piece)
{
    for (enum fcnn_stage stage = FCNN_TABLES; stage < FCNN_STAGES; stage++) {
        int64_t tasks = demand->tasks[stage], step = piece && stage != FCNN_TABLES ? piece : tasks;
        for (int64_t first = 0; first < tasks; first += step)
            fcnn_row_run(kernel, problem, tensors, memory, stage, first, first + step < tasks ? first + step : tasks);
    }
}

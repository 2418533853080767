/* SPDX-License-Identifier: BSD-2-Clause
 * Plans: a problem, its kernel, the memory it needs, and the hand-out of its tasks to threads. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/choice.h"
#include "lib/denormals.h"
#include "lib/fpmode.h"
#include "lib/hyper.h"
#include "lib/internal.h"
#include "lib/memory.h"
#include "lib/pool.h"
#include "lib/sized.h"

struct fcnn_plan {
    fcnn_problem problem;
    struct fcnn_choice choice;
    enum fcnn_origin origin;
    double gain;
    char text[FCNN_CHOICE_TEXT]; /* of the choice */
    struct fcnn_demand demand;
    struct fcnn_settings settings;
    char *pins; /* the plan's own copy of settings.kernels */
    fcnn_tensor_info tensors[FCNN_MAX_TENSORS];
    int tensor_count, threads;
    int empty; /* the batch: `problem` and the kernel see one image, `tensors` none */
    enum fcnn_length length; /* of a stage */
    size_t workspace_bytes;
    void *tables, *workspace;
    struct state {
        _Atomic int in_use; /* the plan's own workspace */
        _Atomic int team;   /* workers of the last execution; 0: none yet */
    } * state, own_state; /* the one that is the other: what executions of a constant plan may change */
};

static size_t line(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Workspace: packed weights, the shared area, sums, then one scratch area per thread, a page apart: prefetchers stay
 * within a page, and one core's would else fetch the beginning of the next area, which another core writes. */
#define PAGE 4096
static size_t scratch_stride(const struct fcnn_plan *plan)
{
    return plan->demand.scratch ? line(plan->demand.scratch) + PAGE : 0;
}

static size_t workspace_bytes(const struct fcnn_plan *plan)
{
    const struct fcnn_demand *demand = &plan->demand;
    return line(demand->packed) + line(demand->shared) + line(demand->sums) +
           scratch_stride(plan) * (size_t)plan->threads;
}

int fcnn_useful_threads(const struct fcnn_demand *demand, int wanted)
{
    int64_t tasks = 1;
    for (enum fcnn_stage stage = FCNN_PACK; stage < FCNN_STAGES; stage++)
        if (demand->tasks[stage] > tasks) tasks = demand->tasks[stage];
    return tasks < wanted ? (int)tasks : wanted;
}

static fcnn_status prepare(struct fcnn_plan *plan)
{
    fcnn_choice_format(&plan->choice, &plan->problem, plan->text);
    plan->workspace_bytes = workspace_bytes(plan);
    plan->pins = strdup(plan->settings.kernels ? plan->settings.kernels : "");
    plan->settings.kernels = plan->pins;
    if (!plan->pins) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a plan");
    plan->tables = fcnn_memory_allocate(plan->demand.tables);
    plan->workspace = fcnn_memory_allocate(plan->workspace_bytes);
    if (!plan->tables || !plan->workspace)
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "%s needs %zu bytes of tables and %zu bytes of workspace",
                         plan->choice.kernel->name, plan->demand.tables, plan->workspace_bytes);
    if (plan->demand.tasks[FCNN_TABLES]) {
        const struct fcnn_memory memory = {.tables = plan->tables};
        fcnn_row_run(&plan->choice, &plan->problem, NULL, &memory, FCNN_TABLES, 0, plan->demand.tasks[FCNN_TABLES]);
    }
    return FCNN_OK;
}

fcnn_status fcnn_plan_make(fcnn_plan **result, const fcnn_problem *problem, int empty,
                           const struct fcnn_settings *settings, const struct fcnn_decision *decision)
{
    fcnn_problem shown = *problem;
    fcnn_plan *plan = calloc(1, sizeof *plan);
    *result = NULL;
    if (!plan) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a plan");
    plan->problem = *problem;
    plan->empty = empty;
    plan->choice = decision->choice;
    plan->origin = decision->origin;
    plan->gain = decision->gain;
    plan->settings = *settings;
    plan->state = &plan->own_state;
    plan->demand = fcnn_row_demand(&plan->choice, problem);
    plan->threads = fcnn_useful_threads(&plan->demand, decision->team);
    if (empty) shown.n = FCNN_EMPTY;
    plan->tensor_count = fcnn_tensor_list(&shown, plan->tensors);
    /* whether sleeping helpers are worth waking for it (team.h) */
    plan->length = fcnn_rough_nanoseconds(problem) < 1e5 ? FCNN_SHORT : FCNN_LONG;
    const fcnn_status status = prepare(plan);
    if (status) fcnn_plan_destroy(plan);
    else *result = plan;
    return status;
}

fcnn_status fcnn_plan_create_sized(fcnn_plan **result, const fcnn_problem *problem, size_t problem_size,
                                   const fcnn_options *options, size_t options_size)
{
    struct fcnn_settings settings;
    struct fcnn_decision decision;
    int empty;
    if (!result) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the plan is NULL");
    *result = NULL;
    if (!problem) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem is NULL");
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    fcnn_status status = fcnn_settings_read(&settings, &wanted);
    if (!status) status = fcnn_problem_complete(&checked, &empty);
    if (status) return status;
    if (empty) settings.planning = FCNN_ESTIMATE; /* nothing of it can be fast or slow */
    status = fcnn_decide(&checked, &settings, &decision);
    if (!status) status = fcnn_plan_make(result, &checked, empty, &settings, &decision);
    if (!status && settings.verbose_dispatch) fcnn_report_dispatch(&checked, &settings, &decision);
    return status;
}

void fcnn_plan_destroy(fcnn_plan *plan)
{
    if (!plan) return;
    fcnn_memory_free(plan->tables);
    fcnn_memory_free(plan->workspace);
    free(plan->pins);
    free(plan);
}

/* ---- information ---- */

const char *fcnn_plan_kernel(const fcnn_plan *plan) { return plan ? plan->choice.kernel->name : ""; }
int fcnn_plan_threads(const fcnn_plan *plan) { return plan ? plan->threads : 0; }
size_t fcnn_plan_workspace(const fcnn_plan *plan) { return plan ? plan->workspace_bytes : 0; }
size_t fcnn_plan_packed(const fcnn_plan *plan)
{
    return plan && plan->demand.tasks[FCNN_PACK] ? plan->demand.packed : 0;
}

fcnn_status fcnn_plan_describe_sized(const fcnn_plan *plan, fcnn_plan_info *info, size_t info_size)
{
    if (!plan || !info) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", plan ? "info" : "plan");
    const fcnn_plan_info known = {
        .kernel = plan->choice.kernel->name,
        .isa = plan->choice.kernel->isa,
        .numerics = plan->choice.kernel->numerics,
        .threads = plan->threads,
        .team = atomic_load(&plan->state->team),
        .workspace = plan->workspace_bytes,
        .packed = fcnn_plan_packed(plan),
        .tables = plan->demand.tables,
        .most_threads = plan->settings.threads,
        .classes = plan->settings.classes,
        .pins = plan->pins,
        .choice = plan->text,
        .origin = fcnn_origins[plan->origin],
        .gain = plan->gain,
    };
    FCNN_GIVE(info, info_size, known);
    return FCNN_OK;
}

/* ---- execution ---- */

static fcnn_status check_alignment(const char *name, const void *pointer)
{
    if (!((uintptr_t)pointer % 64)) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is at %p; it must be aligned to 64 bytes", name, pointer);
}

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
    fcnn_status status = fcnn_hyper_check(tensors->hyper, plan->problem.op, plan->problem.direction);
    if (status || plan->problem.op != FCNN_CROSS_ENTROPY || plan->empty) return status;
    for (int64_t i = 0; i < plan->problem.n; i++)
        if (tensors->labels[i] < 0 || tensors->labels[i] >= plan->problem.c)
            return fcnn_fail(FCNN_BAD_DATA, "label %lld is %d; expected 0 to %lld", (long long)i, tensors->labels[i],
                             (long long)plan->problem.c - 1);
    return FCNN_OK;
}

struct execution {
    const struct fcnn_plan *plan;
    const fcnn_tensors *tensors;
    struct fcnn_memory memory; /* scratch: worker 0's */
    enum fcnn_stage stage;
    int64_t ranges; /* of tasks, one for each worker */
};

static void run_range(void *context, int worker, int64_t range)
{
    const struct execution *execution = context;
    const struct fcnn_plan *plan = execution->plan;
    struct fcnn_memory memory = execution->memory;
    const int64_t tasks = plan->demand.tasks[execution->stage], ranges = execution->ranges;
    if (worker && memory.scratch) memory.scratch = (char *)memory.scratch + scratch_stride(plan) * (size_t)worker;
    fcnn_row_run(&plan->choice, &plan->problem, execution->tensors, &memory, execution->stage, range * tasks / ranges,
                 (range + 1) * tasks / ranges);
}

/* Stages first .. last, each after the one before. Who runs a range is left to the team (team.h): a helper that does
 * not come in time finds that the caller has run it. */
static void run_stages(struct execution *execution, enum fcnn_stage first, enum fcnn_stage last)
{
    const struct fcnn_plan *plan = execution->plan;
    struct fcnn_team *team = plan->threads > 1 && !omp_in_parallel() ? fcnn_pool_take(plan->threads) : NULL;
    const int workers = team ? team->workers : 1;
    const fcnn_fpmode saved = fcnn_fpmode_enter();
    for (enum fcnn_stage stage = first; stage <= last; stage++) {
        const int64_t tasks = plan->demand.tasks[stage];
        execution->stage = stage;
        execution->ranges = tasks < workers ? tasks : workers;
        if (execution->ranges > 1) fcnn_team_share(team, execution->ranges, plan->length, run_range, execution);
        else if (tasks) run_range(execution, 0, 0);
    }
    fcnn_fpmode_leave(saved);
    fcnn_pool_give(team);
    if (atomic_load_explicit(&plan->state->team, memory_order_relaxed) != workers)
        atomic_store_explicit(&plan->state->team, workers, memory_order_relaxed);
}

static void execute(const struct fcnn_plan *plan, const fcnn_tensors *tensors, char *workspace)
{
    char *shared = workspace + line(plan->demand.packed), *sums = shared + line(plan->demand.shared);
    struct execution execution = {
        .plan = plan,
        .tensors = tensors,
        .memory = {.tables = plan->tables,
                   .packed = tensors->packed ? (void *)(uintptr_t)tensors->packed : workspace,
                   .shared = shared,
                   .sums = sums,
                   .scratch = sums + line(plan->demand.sums)},
    };
    run_stages(&execution, tensors->packed ? FCNN_GATHER : FCNN_PACK, FCNN_COMPUTE);
}

/* In milliseconds, by integers: %f would print a comma where the host program's locale has one, in a line of commas. */
static void report_execution(const struct fcnn_plan *plan, double seconds)
{
    char text[256];
    fcnn_problem_format(&plan->problem, text, sizeof text);
    const long long ns = (long long)(seconds * 1e9 + 0.5);
    fprintf(stderr, "fastcnn_verbose,exec,%s,%s,%lld.%06lld\n", text, plan->choice.kernel->name, ns / 1000000,
            ns % 1000000);
}

/* Whether an execution writes to the plan's own workspace, of which packed weights are a part. */
static int uses_own_workspace(const struct fcnn_plan *plan, const fcnn_tensors *tensors)
{
    const size_t spared = tensors->packed ? line(plan->demand.packed) : 0;
    return !tensors->workspace && plan->workspace_bytes > spared;
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
    if (!status) status = check_alignment("packed", tensors->packed);
    if (!status) status = check_alignment("workspace", tensors->workspace);
    if (status) return status;
    if (plan->empty) return execute_empty(plan, tensors);
    const int own = uses_own_workspace(plan, tensors);
    if (own && atomic_exchange(&plan->state->in_use, 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "another thread executes this plan in the plan's own workspace; threads "
                         "that share a plan must each bring a workspace");
    if (plan->settings.verbose_exec) fcnn_report_denormals(&plan->problem, tensors);
    double begin = plan->settings.verbose_exec ? omp_get_wtime() : 0;
    execute(plan, tensors, tensors->workspace ? tensors->workspace : plan->workspace);
    if (own) atomic_store_explicit(&plan->state->in_use, 0, memory_order_release);
    if (plan->settings.verbose_exec) report_execution(plan, omp_get_wtime() - begin);
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
    fcnn_status status = check_alignment("packed", packed);
    if (status) return status;
    const fcnn_tensors tensors = {.weights = weights, .bias = bias};
    struct execution execution = {
        .plan = plan,
        .tensors = &tensors,
        .memory = {.tables = plan->tables, .packed = packed},
    };
    run_stages(&execution, FCNN_PACK, FCNN_PACK);
    return FCNN_OK;
}

void fcnn_run_stages(const struct fcnn_choice *choice, const fcnn_problem *problem, const fcnn_tensors *tensors,
                     const struct fcnn_memory *memory, const struct fcnn_demand *demand, int64_t piece)
{
    for (enum fcnn_stage stage = FCNN_TABLES; stage < FCNN_STAGES; stage++) {
        int64_t tasks = demand->tasks[stage], step = piece && stage != FCNN_TABLES ? piece : tasks;
        for (int64_t first = 0; first < tasks; first += step)
            fcnn_row_run(choice, problem, tensors, memory, stage, first, first + step < tasks ? first + step : tasks);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Measuring a problem on this machine: tensors, clocks and plans for the search (search.h); its result into the
 * table. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/memory.h"
#include "lib/sized.h"
#include "lib/tuning/search.h"
#include "lib/tuning/tune.h"

/* ---- tensors ---- */

/* All that an execution reads and writes. */
struct bed {
    int count;
    fcnn_tensor_info info[FCNN_MAX_TENSORS];
    void *memory[FCNN_MAX_TENSORS];
    fcnn_hyper hyper;
    fcnn_tensors tensors;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1) in steps of 2^-23: nothing that is denormal, and no more zeros than chance has. What a ReLU made
 * zero in a layer's input cannot be known from its problem; where its own output decides (backward), it is the real
 * one: half of it zeros. */
static float uniform(uint64_t i)
{
    return ((float)(mix(i * 0x9e3779b97f4a7c15u) >> 40) - 0x1p23f) * 0x1p-23f;
}

/* Results of the forward pass that a backward pass reads. */
static int comes_from_forward(const fcnn_tensor_info *info)
{
    return info->role == FCNN_IN && (info->offset == offsetof(fcnn_tensors, dst) ||
           info->offset == offsetof(fcnn_tensors, choice) || info->offset == offsetof(fcnn_tensors, argmax));
}

static void fill(const fcnn_problem *problem, const fcnn_tensor_info *info, void *memory)
{
    float *x = memory;
    int32_t *label = memory;
    const uint64_t seed = mix(info->offset + 1);
    if (info->offset == offsetof(fcnn_tensors, labels)) {
        for (int64_t i = 0; i < info->elements; i++) label[i] = (int32_t)(mix((uint64_t)i) % (uint64_t)problem->c);
    } else if (info->role == FCNN_OUT || comes_from_forward(info)) {
        memset(memory, 0, (size_t)info->elements * info->element_size);
    } else {
        for (int64_t i = 0; i < info->elements; i++) x[i] = uniform(seed + (uint64_t)i);
        const int squares = info->offset == offsetof(fcnn_tensors, moment_2) ||
                            info->offset == offsetof(fcnn_tensors, variance);
        for (int64_t i = 0; squares && i < info->elements; i++) x[i] *= x[i];
    }
}

static void free_bed(struct bed *bed)
{
    for (int i = 0; i < bed->count; i++) fcnn_memory_free(bed->memory[i]);
}

static fcnn_status make_bed(struct bed *bed, const fcnn_problem *problem)
{
    *bed = (struct bed){.hyper = {.learning_rate = 1e-3f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-7f,
                                  .beta_1_power = 0.9f, .beta_2_power = 0.999f, .momentum = 0.9f,
                                  .scale = 1.0f / (float)problem->n}};
    bed->tensors.hyper = &bed->hyper;
    const int count = fcnn_tensor_list(problem, bed->info);
    for (; bed->count < count; bed->count++) {
        const fcnn_tensor_info *info = &bed->info[bed->count];
        void *memory = fcnn_memory_allocate((size_t)info->elements * info->element_size);
        if (!memory) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the tensors to measure with");
        bed->memory[bed->count] = memory;
        memcpy((char *)&bed->tensors + info->offset, &memory, sizeof memory);
        fill(problem, info, memory);
    }
    return FCNN_OK;
}

/* Any kernel of the layer will do: what matters is that choices are possible ones. */
static fcnn_status run_forward(const fcnn_problem *problem, struct bed *bed)
{
    struct fcnn_settings settings;
    struct fcnn_decision decision;
    fcnn_plan *plan;
    const fcnn_options any = {.math = "exact"};
    fcnn_status status = fcnn_settings_read(&settings, &any);
    settings.kernels = NULL;
    settings.verbose_dispatch = settings.verbose_exec = 0;
    if (!status) status = fcnn_estimate(problem, &settings, &decision);
    if (!status) status = fcnn_plan_make(&plan, problem, 0, &settings, &decision);
    if (status) return status;
    status = fcnn_execute(plan, &bed->tensors);
    fcnn_plan_destroy(plan);
    return status;
}

static fcnn_status borrow_from_forward(const fcnn_problem *problem, struct bed *bed)
{
    struct bed forward;
    fcnn_problem layer = *problem;
    layer.direction = FCNN_FORWARD;
    fcnn_status status = make_bed(&forward, &layer);
    if (!status) status = run_forward(&layer, &forward);
    for (int i = 0; !status && i < bed->count; i++)
        for (int j = 0; comes_from_forward(&bed->info[i]) && j < forward.count; j++)
            if (forward.info[j].offset == bed->info[i].offset)
                memcpy(bed->memory[i], forward.memory[j], (size_t)bed->info[i].elements * bed->info[i].element_size);
    free_bed(&forward);
    return status;
}

static fcnn_status prepare_bed(struct bed *bed, const fcnn_problem *problem)
{
    int needs_forward = 0;
    const fcnn_status status = make_bed(bed, problem);
    for (int i = 0; i < bed->count; i++) needs_forward |= comes_from_forward(&bed->info[i]);
    return status || !needs_forward ? status : borrow_from_forward(problem, bed);
}

/* ---- the world that the search sees ---- */

struct world {
    const fcnn_problem *problem;
    struct fcnn_settings settings;
    struct bed bed;
    clockid_t clock; /* one thread: its own time, which neighbours on the core do not lengthen; more wait for others */
};

struct ready {
    fcnn_plan *plan;
    void *packed; /* weights are packed once and used often */
    fcnn_tensors tensors;
    double quickest; /* execution in a window, seconds; 0: none yet */
};

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void close_plan(void *context, void *what)
{
    struct ready *ready = what;
    (void)context;
    fcnn_plan_destroy(ready->plan);
    fcnn_memory_free(ready->packed);
    free(ready);
}

static void *open_plan(void *context, const struct fcnn_candidate *candidate)
{
    const struct world *world = context;
    const struct fcnn_decision decision = {.choice = candidate->choice, .team = candidate->team, .gain = 1};
    struct ready *ready = calloc(1, sizeof *ready);
    if (!ready) return NULL;
    ready->tensors = world->bed.tensors;
    int bad = fcnn_plan_make(&ready->plan, world->problem, 0, &world->settings, &decision) != FCNN_OK;
    const size_t bytes = bad ? 0 : fcnn_plan_packed(ready->plan);
    if (bytes) {
        ready->tensors.packed = ready->packed = fcnn_memory_allocate(bytes);
        bad = !ready->packed || fcnn_pack(ready->plan, ready->tensors.weights, ready->tensors.bias, ready->packed);
    }
    if (!bad && !fcnn_execute(ready->plan, &ready->tensors)) return ready;
    close_plan(context, ready);
    return NULL;
}

static double execute(const struct world *world, const struct ready *ready, int64_t executions)
{
    const double begin = read_clock(world->clock);
    for (int64_t i = 0; i < executions; i++) fcnn_execute(ready->plan, &ready->tensors);
    return read_clock(world->clock) - begin;
}

/* Its own data into the caches. Several threads: until their helpers are awake and, if a scheduler wakes them on the
 * leader's core, were moved from there when its clock ticked next, as they are while layer follows layer. */
static void warm(const struct world *world, const struct ready *ready, int64_t executions)
{
    const double tick = 4e-3, begin = read_clock(CLOCK_MONOTONIC);
    if (world->clock == CLOCK_THREAD_CPUTIME_ID) {
        if (executions > 1) execute(world, ready, 1);
        return;
    }
    while (execute(world, ready, 1) > 1.2 * ready->quickest && read_clock(CLOCK_MONOTONIC) - begin < tick) continue;
}

static double time_window(void *context, void *what, int64_t executions)
{
    const struct world *world = context;
    struct ready *ready = what;
    warm(world, ready, executions);
    const double seconds = execute(world, ready, executions), each = seconds / (double)executions;
    if (!(ready->quickest > 0) || each < ready->quickest) ready->quickest = each;
    return seconds;
}

static double wall(void *context)
{
    (void)context;
    return read_clock(CLOCK_MONOTONIC);
}

/* A thousand times what reading the clock takes and as it ticks: what both add to a window is then below 0.1 %. */
static double shortest_window(clockid_t clock)
{
    const double begin = read_clock(clock);
    double now = begin;
    for (int changes = 0, reads = 0; changes < 10 && reads < 100000; reads++) {
        const double next = read_clock(clock);
        changes += next > now;
        now = next;
    }
    return 1000 * (now - begin) / 10;
}

/* ---- rows ---- */

/* Whether a row is worth its time. The reference never is; nor is scalar code where vectors can serve, unless that
 * costs next to nothing. */
static int is_hopeless(const struct fcnn_kernel *kernel, const struct fcnn_kernel *estimate, double seconds)
{
    const double scalar_seconds = 1e-4; /* of the estimate: 50 times as slow is still nothing */
    const char *naive = strstr(kernel->name, "_naive");
    if (kernel == estimate) return 0;
    if (naive && !naive[6]) return 1;
    return kernel->isa == FCNN_SCALAR && estimate->isa != FCNN_SCALAR && seconds > scalar_seconds;
}

/* Rows of the estimate's class that can serve under the settings; a name asks for some of them alone. */
static int list_rows(const struct world *world, const struct fcnn_decision *estimate, const struct fcnn_kernel **rows)
{
    int count = 0;
    const double seconds = fcnn_problem_flops(world->problem) / 50e9; /* roughly: one core */
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (kernel->numerics != estimate->choice.kernel->numerics) continue;
        if (fcnn_dispatch_reason(kernel, world->problem, &world->settings)) continue;
        if (estimate->origin == FCNN_PINNED && !fcnn_dispatch_asked(kernel, &world->settings)) continue;
        if (!is_hopeless(kernel, estimate->choice.kernel, seconds)) rows[count++] = kernel;
    }
    return count;
}

/* ---- one problem ---- */

struct telling {
    const fcnn_tune_options *options;
    char problem[256];
    const fcnn_problem *of;
};

static int tell(void *context, const struct fcnn_trial *trial)
{
    const struct telling *telling = context;
    char text[FCNN_CHOICE_TEXT], against[FCNN_CHOICE_TEXT];
    fcnn_choice_format(&trial->side->candidate.choice, telling->of, text);
    fcnn_choice_format(&trial->best->candidate.choice, telling->of, against);
    const fcnn_tune_progress progress = {
        .problem = telling->problem, .choice = text, .against = against, .best = trial->best->seconds,
        .seconds = trial->best->seconds * exp(trial->bout.ratio), .part = trial->part,
        .team = trial->side->candidate.team};
    return telling->options->progress(telling->options->context, &progress);
}

/* What may explain an odd choice later. Integers: the host program's locale may write commas. */
static void describe_conditions(const struct fcnn_found *found, char *text, size_t size)
{
    double load = 0;
    const int known = getloadavg(&load, 1) == 1, tenths = (int)(load * 10 + 0.5);
    const long long ns = (long long)(found->seconds * 1e9 + 0.5);
    snprintf(text, size, "%lld.%03lld us, %d tried", ns / 1000, ns % 1000, found->trials);
    if (known) snprintf(text + strlen(text), size - strlen(text), ", load %d.%d", tenths / 10, tenths % 10);
}

static fcnn_status search(struct world *world, const struct fcnn_decision *estimate, const fcnn_tune_options *options,
                          struct fcnn_found *found)
{
    struct telling telling = {.options = options, .of = world->problem};
    fcnn_problem_format(world->problem, telling.problem, sizeof telling.problem);
    const struct fcnn_kernel **rows = calloc((size_t)fcnn_kernels_count, sizeof(struct fcnn_kernel *));
    if (!rows) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for %d rows", fcnn_kernels_count);
    const struct fcnn_lab lab = {world, open_plan, close_plan, time_window, wall, shortest_window(world->clock)};
    const struct fcnn_search search = {
        .problem = world->problem, .caches = &world->settings.caches, .rows = rows,
        .row_count = list_rows(world, estimate, rows), .estimate = {estimate->choice, estimate->team},
        .threads = world->settings.threads, .lab = &lab, .seconds = options->seconds,
        .visit = options->progress ? tell : NULL, .context = &telling, .seed = 1};
    const fcnn_status status = fcnn_search_run(&search, found);
    free(rows);
    return status;
}

/* Searches from `start` on. */
static fcnn_status measure(const fcnn_problem *problem, const struct fcnn_settings *settings,
                           const fcnn_tune_options *options, const struct fcnn_decision *start,
                           struct fcnn_found *found)
{
    static const fcnn_tune_options standard = {0};
    struct world world = {.problem = problem, .settings = *settings,
                          .clock = settings->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC};
    world.settings.verbose_dispatch = world.settings.verbose_exec = 0;
    fcnn_status status = prepare_bed(&world.bed, problem);
    if (!status) status = search(&world, start, options ? options : &standard, found);
    free_bed(&world.bed);
    return status;
}

fcnn_status fcnn_tune_now(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          const fcnn_tune_options *options, struct fcnn_decision *decision)
{
    struct fcnn_decision estimate;
    struct fcnn_found found;
    struct fcnn_tuning_key key;
    char conditions[128];
    fcnn_status status = fcnn_estimate(problem, settings, &estimate);
    if (!status) status = measure(problem, settings, options, &estimate, &found);
    if (status) return status;
    describe_conditions(&found, conditions, sizeof conditions);
    *decision = (struct fcnn_decision){found.best.choice, found.best.team, FCNN_TUNED, found.gain};
    fcnn_tuning_key_of(problem, found.best.choice.kernel->numerics, settings->threads, &key);
    const struct fcnn_tuning_entry entry = {found.best.choice, found.best.team, found.gain};
    return fcnn_tuning_put(settings->tuning ? settings->tuning : fcnn_tuning_default(), &key, &entry, conditions);
}

/* ---- the public functions ---- */

/* What both begin with. */
static fcnn_status read_question(fcnn_problem *problem, int *empty, struct fcnn_settings *settings,
                                 const fcnn_options *options, const fcnn_tune_options *tune, fcnn_tuning *tuning)
{
    if (!(tune->seconds >= 0)) return fcnn_fail(FCNN_BAD_ARGUMENT, "the seconds to tune for are negative or NaN");
    fcnn_status status = fcnn_settings_read(settings, options);
    if (!status) status = fcnn_problem_complete(problem, empty);
    if (tuning) settings->tuning = tuning;
    return status;
}

fcnn_status fcnn_tune_sized(fcnn_tuning *tuning, const fcnn_problem *problem, size_t problem_size,
                            const fcnn_options *options, size_t options_size, const fcnn_tune_options *tune,
                            size_t tune_size, int *measured)
{
    struct fcnn_settings settings;
    struct fcnn_decision decision;
    int empty;
    if (measured) *measured = 0;
    if (!problem) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem is NULL");
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    FCNN_TAKE(fcnn_tune_options, how, tune, tune_size);
    fcnn_status status = read_question(&checked, &empty, &settings, &wanted, &how, tuning);
    if (status || empty) return status;
    if (!how.again && fcnn_decide_by_table(&checked, &settings, &decision)) return FCNN_OK;
    status = fcnn_tune_now(&checked, &settings, &how, &decision);
    if (!status && measured) *measured = 1;
    return status;
}

fcnn_status fcnn_tune_check_sized(fcnn_tuning *tuning, const fcnn_problem *problem, size_t problem_size,
                                  const fcnn_options *options, size_t options_size, const fcnn_tune_options *tune,
                                  size_t tune_size, double *gain, char *choice, size_t choice_size)
{
    struct fcnn_settings settings;
    struct fcnn_decision decision;
    struct fcnn_found found;
    int empty;
    if (!problem || !gain) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", problem ? "gain" : "the problem");
    *gain = 1;
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    FCNN_TAKE(fcnn_tune_options, how, tune, tune_size);
    fcnn_status status = read_question(&checked, &empty, &settings, &wanted, &how, tuning);
    if (status) return status;
    if (empty || !fcnn_decide_by_table(&checked, &settings, &decision))
        return fcnn_fail(FCNN_NOT_TUNED, "the tuning table has no choice that can be used for this problem");
    status = measure(&checked, &settings, &how, &decision, &found);
    if (status) return status;
    char text[FCNN_CHOICE_TEXT];
    fcnn_choice_format(&found.best.choice, &checked, text);
    if (choice) snprintf(choice, choice_size, "%s", text);
    *gain = found.gain;
    return FCNN_OK;
}

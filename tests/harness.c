/* SPDX-License-Identifier: BSD-2-Clause
 * Runs a kernel on a trial, driving its stages as lib/plan.c does, but with less mercy. */
#include "tests/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/choices.h"
#include "tests/compare.h"
#include "tests/guard.h"

struct mode {
    const char *name;
    enum guard_side side;
    size_t offset; /* of tensors from the inaccessible page: other alignments */
    int64_t piece; /* tasks per call; 0: all */
    enum { FORWARDS, BACKWARDS, EVEN_THEN_ODD } order; /* of the pieces */
    int in_place; /* the output overwrites the input; for the operations that promise it */
};

static const struct mode modes[] = {
    {"all tasks at once", GUARD_AFTER, 0, 0, FORWARDS, 0},
    {"one task at a time", GUARD_BEFORE, 4, 1, FORWARDS, 0},
    {"three tasks at a time, the last first", GUARD_AFTER, 4, 3, BACKWARDS, 0},
    {"even tasks, then odd tasks", GUARD_BEFORE, 0, 1, EVEN_THEN_ODD, 0},
    {"in place", GUARD_AFTER, 0, 3, FORWARDS, 1}};

/* Static, because the signal handler explains addresses with them and pages are worth reusing. */
static struct guard tensor_guards[FCNN_MAX_TENSORS], tables, packed, shared, sums, scratch, workspace;
static struct {
    const char *kernel, *how;
    char choice[FCNN_CHOICE_TEXT]; /* the kernel with its knobs */
    const struct trial *trial;
} current;

static void announce(const struct fcnn_kernel *kernel, const struct trial *trial, const char *how)
{
    current.kernel = kernel->name;
    snprintf(current.choice, sizeof current.choice, "%s", kernel->name);
    current.trial = trial;
    current.how = how;
}

static int fail(char text[HARNESS_TEXT], const char *what)
{
    const char *kernel = current.kernel, *problem = current.trial->text;
    const unsigned long long seed = current.trial->seed;
    snprintf(text, HARNESS_TEXT,
             "FAIL %.300s \"%s\" seed %llu, %s: %s\n"
             "  repeat: FCNN_TEST_KERNEL=%s FCNN_TEST_PROBLEM='%s' FCNN_TEST_SEED=%llu tests/check_kernels",
             current.choice, problem, seed, current.how, what, kernel, problem, seed);
    return 1;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    static char text[HARNESS_TEXT], where[128], what[256];
    const struct guard *others[] = {&tables, &packed, &shared, &sums, &scratch, &workspace};
    snprintf(where, sizeof where, "address %p", info->si_addr);
    int known = 0;
    for (int i = 0; i < FCNN_MAX_TENSORS && !known; i++)
        known = guard_explain(&tensor_guards[i], info->si_addr, where, sizeof where);
    for (size_t i = 0; i < sizeof others / sizeof *others && !known; i++)
        known = guard_explain(others[i], info->si_addr, where, sizeof where);
    snprintf(what, sizeof what, "%s at %s", strsignal(number), where);
    if (current.trial) fail(text, what);
    else snprintf(text, sizeof text, "%s", what);
    if (write(STDERR_FILENO, text, strlen(text)) < 0 || write(STDERR_FILENO, "\n", 1) < 0) _exit(1);
    _exit(HARNESS_CRASH);
}

void harness_catch_signals(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

/* Activations and dropout: */
static int may_be_in_place(const fcnn_problem *p)
{
    return p->op == FCNN_RELU || p->op == FCNN_SIGMOID || p->op == FCNN_TANH || p->op == FCNN_DROPOUT;
}

/* Their output may be their input: makes it so. */
static void alias(const struct trial *trial, fcnn_tensors *tensors)
{
    int from = 0, to = 0;
    for (int i = 0; i < trial->count; i++) {
        if (trial->info[i].role == FCNN_OUT) to = i;
        else if (strcmp(trial->info[i].name, "dst")) from = i; /* src, or d_dst in the backward pass */
    }
    memcpy(tensor_guards[to].data, trial->given[from], tensor_bytes(&trial->info[from]));
    tensor_set(tensors, &trial->info[from], tensor_guards[to].data);
}

static fcnn_tensors place_tensors(const struct trial *trial, const struct mode *mode)
{
    fcnn_tensors tensors = {.hyper = &trial->hyper};
    for (int i = 0; i < trial->count; i++) {
        const struct fcnn_tensor_info *info = &trial->info[i];
        struct guard *guard = &tensor_guards[i];
        guard_place(guard, info->name, tensor_bytes(info), mode->side, mode->offset, info->element_size);
        if (info->role != FCNN_OUT) memcpy(guard->data, trial->given[i], tensor_bytes(info));
        if (info->role == FCNN_IN) guard_protect(guard);
        tensor_set(&tensors, info, guard->data);
    }
    if (mode->in_place) alias(trial, &tensors);
    return tensors;
}

static int check_canary(const struct guard *guard, char text[HARNESS_TEXT])
{
    char what[128];
    ptrdiff_t where;
    if (!guard->room || !guard_touched(guard, &where)) return 0;
    snprintf(what, sizeof what, "wrote outside %s, at byte %td of its %zu", guard->name, where, guard->bytes);
    return fail(text, what);
}

static int check_tensors(const struct trial *trial, char text[HARNESS_TEXT])
{
    char what[256];
    for (int i = 0; i < trial->count; i++) {
        if (check_canary(&tensor_guards[i], text)) return 1;
        const void *want = trial->want[i], *got = tensor_guards[i].data;
        if (want && compare_tensor(&trial->problem, &trial->info[i], want, got, what, sizeof what))
            return fail(text, what);
    }
    return 0;
}

/* One run of a kernel's stages. */
struct attempt {
    const struct fcnn_choice *choice;
    const struct trial *trial;
    const struct mode *mode;
    const struct fcnn_demand *demand;
    fcnn_tensors tensors;
    char *text;
};

/* What a stage may see and write (kernels/kernel.h). The library makes tables and packs weights before it knows the
 * other tensors and the workspace, so these are not handed out then. */
static int call(const struct attempt *a, enum fcnn_stage stage, int64_t first, int64_t last)
{
    const fcnn_tensors weights_only = {.weights = a->tensors.weights, .bias = a->tensors.bias};
    const fcnn_tensors *const seen[FCNN_STAGES] = {NULL, &weights_only, &a->tensors, &a->tensors};
    struct fcnn_memory memory = {.tables = tables.data};
    guard_place(&sums, "sums", a->demand->sums, a->mode->side, 0, 64);
    guard_place(&scratch, "scratch", a->demand->scratch, a->mode->side, 0, 64);
    if (stage >= FCNN_PACK) memory.packed = packed.data;
    if (stage >= FCNN_GATHER) memory.shared = shared.data, memory.scratch = scratch.data;
    if (stage == FCNN_COMPUTE) memory.sums = sums.data;
    fcnn_row_run(a->choice, &a->trial->problem, seen[stage], &memory, stage, first, last);
    return check_canary(&scratch, a->text) || check_canary(&sums, a->text);
}

/* Adds to tensor i what was there `before` the odd tasks; a byte that even and odd tasks wrote is a race. */
static int merge(const struct attempt *a, int i, const unsigned char *before)
{
    const struct guard *guard = &tensor_guards[i];
    size_t at = 0;
    while (at < guard->bytes && (before[at] == 0xff || guard->data[at] == 0xff)) at++;
    if (at < guard->bytes) {
        char what[128];
        snprintf(what, sizeof what, "two tasks write byte %zu of %s", at, guard->name);
        return fail(a->text, what);
    }
    for (at = 0; at < guard->bytes; at++) guard->data[at] &= before[at]; /* one of the two is 0xff */
    return 0;
}

/* Every call costs a scratch area full of NaN: tasks go one by one, or in threes, as long as a stage has few of them,
 * and of many tasks the first and the last ones. What lies between is cut evenly. */
enum { PIECES_MOST = 256, EDGE = 64 };

static int64_t pieces_of(const struct attempt *a, enum fcnn_stage stage)
{
    const int64_t tasks = a->demand->tasks[stage], size = a->mode->piece;
    if (!size || stage == FCNN_TABLES) return tasks > 0;
    return (tasks + size - 1) / size < PIECES_MOST ? (tasks + size - 1) / size : PIECES_MOST;
}

/* The first task of piece i of `pieces`. */
static int64_t start_of(const struct attempt *a, enum fcnn_stage stage, int64_t pieces, int64_t i)
{
    const int64_t tasks = a->demand->tasks[stage], size = a->mode->piece;
    if (i < EDGE || pieces < PIECES_MOST) return i * size;
    if (i >= pieces - EDGE) return tasks - (pieces - i) * size;
    return EDGE * size + (tasks - 2 * EDGE * size) * (i - EDGE) / (pieces - 2 * EDGE);
}

static int run_piece(const struct attempt *a, enum fcnn_stage stage, int64_t pieces, int64_t i)
{
    const int64_t last = i + 1 < pieces ? start_of(a, stage, pieces, i + 1) : a->demand->tasks[stage];
    return call(a, stage, start_of(a, stage, pieces, i), last);
}

static int run_even_then_odd(const struct attempt *a)
{
    const int64_t pieces = pieces_of(a, FCNN_COMPUTE);
    unsigned char *before[FCNN_MAX_TENSORS] = {0};
    int failed = 0;
    for (int64_t odd = 0; odd < 2 && !failed; odd++) {
        for (int i = 0; i < a->trial->count && odd; i++) {
            const size_t bytes = tensor_bytes(&a->trial->info[i]);
            if (a->trial->info[i].role != FCNN_OUT) continue;
            before[i] = memcpy(grab(bytes), tensor_guards[i].data, bytes);
            memset(tensor_guards[i].data, 0xff, bytes);
        }
        for (int64_t i = odd; i < pieces && !failed; i += 2) failed = run_piece(a, FCNN_COMPUTE, pieces, i);
    }
    for (int i = 0; i < a->trial->count; i++) {
        if (before[i] && !failed) failed = merge(a, i, before[i]);
        free(before[i]);
    }
    return failed;
}

static int run_stage(const struct attempt *a, enum fcnn_stage stage)
{
    const int64_t pieces = pieces_of(a, stage);
    if (stage == FCNN_COMPUTE && a->mode->order == EVEN_THEN_ODD) return run_even_then_odd(a);
    for (int64_t i = 0; i < pieces; i++)
        if (run_piece(a, stage, pieces, a->mode->order == BACKWARDS ? pieces - 1 - i : i)) return 1;
    return 0;
}

static int run_mode(const struct attempt *a)
{
    const struct fcnn_demand *demand = a->demand;
    guard_place(&tables, "tables", demand->tables, a->mode->side, 0, 64);
    guard_place(&packed, "packed", demand->packed, a->mode->side, 0, 64);
    guard_place(&shared, "shared", demand->shared, a->mode->side, 0, 64);
    struct guard *const finished[FCNN_STAGES] = {&tables, &packed, &shared, NULL};
    for (int stage = 0; stage < FCNN_STAGES; stage++) {
        if (run_stage(a, (enum fcnn_stage)stage)) return 1;
        if (check_canary(&tables, a->text) || check_canary(&packed, a->text)) return 1;
        if (check_canary(&shared, a->text)) return 1;
        if (finished[stage]) guard_protect(finished[stage]);
    }
    return check_tensors(a->trial, a->text);
}

static int run_choice_in(const struct fcnn_choice *choice, const struct trial *trial, const struct mode *mode,
                         char text[HARNESS_TEXT])
{
    announce(choice->kernel, trial, mode->name);
    fcnn_choice_format(choice, &trial->problem, current.choice);
    const struct fcnn_demand demand = fcnn_row_demand(choice, &trial->problem);
    const struct fcnn_demand again = fcnn_row_demand(choice, &trial->problem);
    if (memcmp(&demand, &again, sizeof demand)) return fail(text, "two calls of demand() for one problem disagree");
    if (demand.tasks[FCNN_COMPUTE] < 1) return fail(text, "no task computes anything");
    const struct attempt attempt = {choice, trial, mode, &demand, place_tensors(trial, mode), text};
    return run_mode(&attempt);
}

int harness_stages(const struct fcnn_kernel *kernel, const struct trial *trial, char text[HARNESS_TEXT])
{
    const fcnn_problem *p = &trial->problem; /* for each problem other knobs */
    uint64_t state = trial->seed ^ (uint64_t)(p->n + 31 * p->h + 977 * p->w + 7919 * p->c + 104729 * p->k) << 20;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (modes[i].in_place && !may_be_in_place(&trial->problem)) continue;
        const struct fcnn_choice choice =
            i ? drawn_choice(kernel, &trial->problem, &state) : standard_choice(kernel, &trial->problem);
        if (run_choice_in(&choice, trial, &modes[i], text)) return 1;
    }
    return 0;
}

/* One execution. With `own`, packed weights and workspace are the caller's, and the plain weights are gone. */
static int execute(const fcnn_plan *plan, const struct trial *trial, const struct mode *mode, int own,
                   char text[HARNESS_TEXT])
{
    fcnn_tensors tensors = place_tensors(trial, mode);
    if (own) {
        guard_place(&workspace, "workspace", fcnn_plan_workspace(plan), mode->side, 0, 64);
        tensors.workspace = workspace.data;
    }
    if (own && fcnn_plan_packed(plan)) {
        guard_place(&packed, "packed", fcnn_plan_packed(plan), mode->side, 0, 64);
        if (fcnn_pack(plan, tensors.weights, tensors.bias, packed.data)) return fail(text, fcnn_last_error());
        if (check_canary(&packed, text)) return 1;
        guard_protect(&packed);
        tensors.packed = packed.data;
        tensors.weights = tensors.bias = NULL;
    }
    if (fcnn_execute(plan, &tensors)) return fail(text, fcnn_last_error());
    if (own && check_canary(&workspace, text)) return 1;
    return check_tensors(trial, text);
}

int harness_api(const struct fcnn_kernel *kernel, const struct trial *trial, char text[HARNESS_TEXT])
{
    /* The first plan is executed twice: the second time its workspace holds what the first time left. */
    static const struct { const char *name; int threads, mode, own; } runs[] = {
        {"1 thread, first execution", 1, 0, 0}, {"1 thread, second execution", 1, 1, 0},
        {"2 threads, own workspace, packed weights", 2, 0, 1}, {"3 threads", 3, 3, 0}};
    fcnn_plan *plan = NULL;
    int failed = 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs && !failed; i++) {
        announce(kernel, trial, runs[i].name);
        if (i != 1) {
            const fcnn_options options = {.threads = runs[i].threads, .kernel = kernel->name,
                                          .math = fcnn_class_name(kernel->numerics)};
            fcnn_plan_destroy(plan);
            if (fcnn_plan_create(&plan, &trial->problem, &options)) return fail(text, fcnn_last_error());
        }
        const int taken = strcmp(fcnn_plan_kernel(plan), kernel->name) == 0;
        failed = taken ? execute(plan, trial, &modes[runs[i].mode], runs[i].own, text)
                       : fail(text, "the plan did not take the pinned kernel");
    }
    fcnn_plan_destroy(plan);
    return failed;
}

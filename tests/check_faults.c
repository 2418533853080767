/* SPDX-License-Identifier: BSD-2-Clause
 * Tests of the tests: kernels with one planted fault each must turn the harness red, and the same kernel without a
 * fault must pass. A harness that was never seen to fail proves nothing. */
#include <check.h>
#include <signal.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/compare.h"
#include "tests/harness.h"
#include "tests/suite.h"

static int64_t src_elements(const fcnn_problem *p) { return p->n * p->h * p->w * p->c; }
static int64_t dst_elements(const fcnn_problem *p) { return p->n * p->p * p->q * p->k; }
/* Images are the naive kernel's tasks. */
static int64_t image(const fcnn_problem *p) { return p->p * p->q * p->k; }

static void plain(const fcnn_problem *p, const fcnn_tensors *t, const struct fcnn_memory *memory, int64_t first,
                  int64_t last)
{
    const struct fcnn_choice naive = fcnn_row_choice(naive_kernel(p->op, p->direction), p, &fcnn_common_caches);
    fcnn_row_run(&naive, p, t, memory, FCNN_COMPUTE, first, last);
}

/* Adds a stage of each kind to the naive kernel, with areas of one odd size. */
enum { AREA = 100 };

static void demand_all(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    naive_kernel(query->problem->op, query->problem->direction)->variant->demand(query, demand);
    demand->tables = demand->packed = demand->shared = demand->sums = demand->scratch = AREA;
    demand->tasks[FCNN_TABLES] = demand->tasks[FCNN_PACK] = demand->tasks[FCNN_GATHER] = 1;
}

static void demand_other(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    static size_t calls;
    demand_all(query, demand);
    demand->shared += calls++;
}

/* A fault: what happens instead of, or after, computing tasks first .. last-1. */
#define FAULT(name) \
    static void name(const fcnn_problem *p, const fcnn_tensors *t, const struct fcnn_memory *m, int64_t first, \
                     int64_t last)

static volatile float sink;

FAULT(none) { plain(p, t, m, first, last); }

FAULT(uses_its_areas)
{
    memset(m->scratch, 1, AREA);
    memset(m->sums, 1, AREA);
    plain(p, t, m, first, last);
    sink = ((const char *)m->tables)[AREA - 1] + ((const char *)m->packed)[0] + ((const char *)m->shared)[AREA - 1];
}

FAULT(wrong_tail)
{
    plain(p, t, m, first, last);
    if (last == p->n) t->dst[dst_elements(p) - 1] = nextafterf(t->dst[dst_elements(p) - 1], 9.0f);
}

FAULT(one_ulp_at_the_start)
{
    plain(p, t, m, first, last);
    if (first == 0) t->dst[0] = nextafterf(t->dst[0], 9.0f);
}

FAULT(drops_a_tap)
{
    fcnn_tensors other = *t;
    const int64_t count = p->r * p->s * p->c * p->k;
    float *weights = grab((size_t)count * sizeof *weights);
    memcpy(weights, t->weights, (size_t)count * sizeof *weights);
    weights[count - 1] = 0;
    other.weights = weights;
    plain(p, &other, m, first, last);
    free(weights);
}

FAULT(another_order)
{
    plain(p, t, m, first, last);
    for (int64_t i = first * image(p); i < last * image(p); i++)
        t->dst[i] = (t->dst[i] - t->bias[i % p->k]) + t->bias[i % p->k];
}

FAULT(reads_past_an_input) { plain(p, t, m, first, last); sink = t->src[src_elements(p)]; }
FAULT(reads_before_an_input) { plain(p, t, m, first, last); sink = t->weights[-1]; }
FAULT(reads_past_the_bias) { plain(p, t, m, first, last); sink = t->bias[p->k]; }
FAULT(writes_its_input) { plain(p, t, m, first, last); ((float *)(uintptr_t)t->src)[0] = 0; }
FAULT(writes_past_its_output) { plain(p, t, m, first, last); t->dst[dst_elements(p)] = 0; }
FAULT(writes_before_its_output) { plain(p, t, m, first, last); t->dst[-1] = 0; }
FAULT(writes_past_its_scratch) { plain(p, t, m, first, last); ((char *)m->scratch)[AREA] = 0; }
FAULT(writes_past_its_sums) { plain(p, t, m, first, last); ((char *)m->sums)[AREA] = 0; }
FAULT(writes_tables) { plain(p, t, m, first, last); ((char *)m->tables)[0] = 0; }
FAULT(writes_packed) { plain(p, t, m, first, last); ((char *)m->packed)[0] = 0; }
FAULT(writes_past_shared) { plain(p, t, m, first, last); ((char *)m->shared)[AREA] = 0; }
FAULT(loses_a_task) { plain(p, t, m, first + (first > 0), last); }
FAULT(does_one_task_only) { (void)last; plain(p, t, m, first, first + 1); }
FAULT(does_all_tasks_every_time) { (void)first, (void)last; plain(p, t, m, 0, p->n); }

/* A lane beyond the last row: the next task, if it comes later, repairs it. */
FAULT(writes_into_the_next_task)
{
    plain(p, t, m, first, last);
    if (last < p->n) t->dst[last * image(p)] = 1;
}

FAULT(reads_its_scratch)
{
    plain(p, t, m, first, last);
    t->dst[first * image(p)] += 0 * ((const float *)m->scratch)[0];
}

FAULT(keeps_scratch_between_calls)
{
    int *calls = m->scratch;
    plain(p, t, m, first, last);
    if (first == 0) *calls = 12345;
    else if (*calls != 12345) t->dst[first * image(p)] += 1;
}

FAULT(forgets_an_output)
{
    const float before = t->dst[first * image(p)];
    plain(p, t, m, first, last);
    t->dst[first * image(p)] = before;
}

FAULT(takes_its_input_to_be_aligned)
{
    plain(p, t, m, first, last);
    if ((uintptr_t)t->src % 64) t->dst[first * image(p)] += 1;
}

FAULT(loses_nan)
{
    plain(p, t, m, first, last);
    for (int64_t i = first * image(p); i < last * image(p); i++) t->dst[i] = fmaxf(t->dst[i], -1e9f);
}

#define RUN(name) \
    static void run_##name(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *m, \
                           enum fcnn_stage stage, int64_t first, int64_t last) \
    { \
        void *const area[] = {m->tables, m->packed, m->shared}; \
        if (stage == FCNN_COMPUTE) name(query->problem, t, m, first, last); \
        else memset(area[stage], 1, AREA); \
    }
#define FAULTS(X) \
    X(none) X(uses_its_areas) X(wrong_tail) X(one_ulp_at_the_start) X(drops_a_tap) X(another_order) \
    X(reads_past_an_input) X(reads_before_an_input) X(reads_past_the_bias) X(writes_its_input) \
    X(writes_past_its_output) X(writes_before_its_output) X(writes_past_its_scratch) X(writes_past_its_sums) \
    X(writes_tables) X(writes_packed) X(writes_past_shared) \
    X(loses_a_task) X(does_one_task_only) X(does_all_tasks_every_time) \
    X(writes_into_the_next_task) X(reads_its_scratch) X(keeps_scratch_between_calls) X(forgets_an_output) \
    X(takes_its_input_to_be_aligned) X(loses_nan)
FAULTS(RUN)

/* The crash is for the harness to report, not for a sanitizer. */
__attribute__((no_sanitize("undefined")))
static void run_wrong_stage(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *m,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    if (stage == FCNN_PACK) sink = t->src[0]; /* not known yet when weights are packed */
    run_none(query, t, m, stage, first, last);
}

static void run_past_packed(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *m,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    if (stage == FCNN_PACK) ((char *)m->packed)[AREA] = 0;
    run_none(query, t, m, stage, first, last);
}

#define ROW(name) {#name, {.demand = demand_all, .run = run_##name}},
static const struct planted { const char *name; struct fcnn_variant variant; } planted[] = {
    FAULTS(ROW) ROW(wrong_stage) ROW(past_packed) {"impure_demand", {.demand = demand_other, .run = run_none}}};
#define PLANTED (int)(sizeof planted / sizeof *planted)

/* Trials on which every fault shows: all styles of numbers, several images. 1 and a report if one of them failed. */
static int try_all(const struct fcnn_kernel *kernel)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        fcnn_problem problem = {.n = 7, .h = 5, .w = 6, .c = 3, .k = 5, .r = 3, .s = 2, .pad_top = 1};
        struct trial trial;
        char text[HARNESS_TEXT];
        ck_assert_int_eq(fcnn_problem_check(&problem), FCNN_OK);
        trial_make(&trial, &problem, seed);
        const int failed = harness_stages(kernel, &trial, text);
        trial_free(&trial);
        if (!failed) continue;
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    return 0;
}

#define SILENT_CRASH 100

/* In a child of its own, as some faults crash. *text gets what it printed. */
static int status_of(const struct fcnn_variant *variant, const char *name, char *text, size_t size)
{
    const struct fcnn_kernel kernel = {name, FCNN_CONV2D, FCNN_FORWARD, FCNN_SCALAR, FCNN_EXACT, variant};
    int ends[2], status;
    fflush(NULL);
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        harness_catch_signals();
        _exit(try_all(&kernel));
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; length < size - 1 && (got = read(ends[0], text + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) return SILENT_CRASH;
    ck_assert_msg(WIFEXITED(status), "%s ended with signal %d", name, WTERMSIG(status));
    return WEXITSTATUS(status);
}

START_TEST(planted_fault)
{
    const struct planted *fault = &planted[_i];
    const int sound = _i < 2; /* the first two are no faults */
    char text[2 * HARNESS_TEXT];
    const int status = status_of(&fault->variant, fault->name, text, sizeof text);
    if (sound) {
        ck_assert_msg(status == 0, "a kernel without fault was rejected: %s", text);
        return;
    }
    if (status == SILENT_CRASH) return; /* found, but qemu-user ends the child before its handler can speak */
    ck_assert_msg(status == 1 || status == HARNESS_CRASH, "the fault \"%s\" was not found", fault->name);
    ck_assert_msg(strstr(text, fault->name) && strstr(text, "conv2d forward") && strstr(text, "repeat: "),
                  "the report does not say what failed and how to repeat it: %s", text);
    printf("%s\n", text);
}
END_TEST

START_TEST(comparison)
{
    fcnn_problem problem = {.op = FCNN_SGD, .direction = FCNN_UPDATE, .c = 4};
    const struct fcnn_tensor_info info = {.name = "parameters", .element_size = 4, .elements = 4};
    const float want[] = {0.0f, NAN, 1.0f, -INFINITY};
    const float equal[] = {-0.0f, -NAN, 1.0f, -INFINITY}, wrong[] = {1e-45f, 0.0f, nextafterf(1.0f, 0.0f), INFINITY};
    char text[256];
    ck_assert_int_eq(fcnn_problem_check(&problem), FCNN_OK);
    ck_assert_int_eq(compare_tensor(&problem, &info, want, equal, text, sizeof text), 0);
    ck_assert_int_eq(compare_tensor(&problem, &info, want, wrong, text, sizeof text), 4);
    ck_assert_msg(strstr(text, "parameters[0] want 0x0p+0 (0) got 0x1p-149") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "4 of 4 wrong") != NULL, "%s", text);
    const uint16_t bits[] = {1, 2, 0x7fc0, 0}, other[] = {1, 2, 0x7fc1, 0};
    const struct fcnn_tensor_info choice = {.name = "choice", .element_size = 2, .elements = 4};
    ck_assert_int_eq(compare_tensor(&problem, &choice, bits, bits, text, sizeof text), 0);
    ck_assert_int_eq(compare_tensor(&problem, &choice, bits, other, text, sizeof text), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults");
    TCase *faults = tcase_create("planted"), *others = tcase_create("others");
    tcase_set_timeout(faults, 120);
    tcase_add_loop_test(faults, planted_fault, 0, PLANTED);
    tcase_add_test(others, comparison);
    suite_add_tcase(suite, faults);
    suite_add_tcase(suite, others);
    return run_suite(suite);
}

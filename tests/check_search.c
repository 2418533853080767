/* SPDX-License-Identifier: BSD-2-Clause
 * The search for the fastest choice, on costs that are made up: no kernel runs and no clock is read. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tuning/search.h"
#include "tests/suite.h"

/* ---- a made-up machine ---- */

/* Rows with knobs, of which each has one best value, and a best team. */
struct machine {
    double now, noise;         /* seconds; of the logarithm of a window */
    double fixed, overhead;    /* seconds: of a window, of another thread */
    int best[3];               /* of the knobs: indices of values */
    int flat;                  /* all candidates cost the same */
    int opened, open, windows; /* candidates so far, now; windows so far */
    int most_open;
    uint64_t random;
};

static int64_t panel(const struct fcnn_query *query) { return (void)query, 2; }
static int64_t chunk(const struct fcnn_query *query) { return (void)query, 100000; } /* between two values */
static int64_t mode(const struct fcnn_query *query) { return query->knobs[0] == 1 ? FCNN_MOOT : 0; }

static const struct fcnn_knob knobs[] = {
    {"panel", 4, {1, 2, 3, 4}, panel},
    {"chunk", 6, {1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19}, chunk},
    {"mode", 2, {0, 1}, mode},
};

static void demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    (void)query;
    demand->tasks[FCNN_COMPUTE] = 64;
}

/* More with the smallest panel than any problem is granted. */
static void dear_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    demand->tasks[FCNN_COMPUTE] = 64;
    demand->scratch = query->knobs[0] == 4 ? (size_t)1 << 40 : 0;
}

static const struct fcnn_variant plain = {.demand = demand}, knobby = {.demand = demand, FCNN_KNOBS(knobs)},
                                 dear = {.demand = dear_demand, FCNN_KNOBS(knobs)};
#define ROW(name, of) {name, FCNN_CONV2D, FCNN_FORWARD, FCNN_SCALAR, FCNN_EXACT, &(of)}
static const struct fcnn_kernel rows[] = {ROW("plain", plain), ROW("slow", plain), ROW("fast", plain),
                                          ROW("knobby", knobby), ROW("dear", dear)};
enum { PLAIN, SLOW, FAST, KNOBBY, DEAR };

static double uniform(struct machine *m)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Like a busy machine: mostly small, now and then much longer. */
static double noise(struct machine *m)
{
    const double spread = m->noise * (uniform(m) + uniform(m) - 1);
    return exp(spread + (m->noise > 0 && uniform(m) < 0.1 ? 10 * m->noise * uniform(m) : 0));
}

static int index_of(const struct fcnn_knob *knob, int64_t value)
{
    int i = 0;
    while (i < knob->count - 1 && knob->values[i] < value) i++;
    return i;
}

/* A microsecond for `plain`; each step of a knob away from its best value costs 10 %. */
static double cost(const struct machine *m, const struct fcnn_candidate *c)
{
    static const double base[] = {[PLAIN] = 1e-6, [SLOW] = 1e-5, [FAST] = 0.7e-6, [KNOBBY] = 0.8e-6, [DEAR] = 0.8e-6};
    double seconds = base[c->choice.kernel - rows];
    if (m->flat) return 1e-6;
    for (int i = 0; i < c->choice.kernel->variant->knob_count; i++) {
        const struct fcnn_knob *knob = &c->choice.kernel->variant->knobs[i];
        if (i == 2 && c->choice.knobs[0] == 1) continue; /* moot */
        seconds *= pow(1.1, abs(index_of(knob, c->choice.knobs[i]) - m->best[i]));
    }
    return seconds / c->team + m->overhead * (c->team - 1);
}

static void *open_one(void *context, const struct fcnn_candidate *candidate)
{
    struct machine *m = context;
    struct fcnn_candidate *copy = malloc(sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    *copy = *candidate;
    for (int i = 0; i < candidate->choice.kernel->variant->knob_count; i++) {
        const struct fcnn_knob *knob = &candidate->choice.kernel->variant->knobs[i];
        ck_assert(candidate->choice.knobs[i] >= knob->values[0]);
        ck_assert(candidate->choice.knobs[i] <= knob->values[knob->count - 1]);
    }
    m->opened++;
    if (++m->open > m->most_open) m->most_open = m->open;
    return copy;
}

static void close_one(void *context, void *ready)
{
    ((struct machine *)context)->open--;
    free(ready);
}

static double window(void *context, void *ready, int64_t executions)
{
    struct machine *m = context;
    const double seconds = m->fixed + cost(m, ready) * (double)executions * noise(m);
    ck_assert_int_gt(executions, 0);
    m->now += seconds;
    m->windows++;
    return seconds;
}

static double now(void *context) { return ((struct machine *)context)->now; }

/* ---- searches ---- */

static fcnn_problem problem;

static void set_up(void)
{
    problem = (fcnn_problem){.op = FCNN_CONV2D, .direction = FCNN_FORWARD, .n = 1, .h = 8, .w = 8, .c = 8, .k = 8,
                             .r = 3, .s = 3};
    ck_assert_int_eq(fcnn_problem_check(&problem), FCNN_OK);
}

static struct fcnn_candidate standard(int row, int team)
{
    return (struct fcnn_candidate){fcnn_row_choice(&rows[row], &problem, &fcnn_common_caches), team};
}

static fcnn_status run(struct machine *m, const int *which, int count, int estimate, struct fcnn_search *search,
                       struct fcnn_found *found)
{
    const struct fcnn_kernel *list[sizeof rows / sizeof *rows];
    const struct fcnn_lab lab = {m, open_one, close_one, window, now, 1e-4};
    for (int i = 0; i < count; i++) list[i] = &rows[which[i]];
    search->problem = &problem;
    search->caches = &fcnn_common_caches;
    search->rows = list;
    search->row_count = count;
    search->threads = search->threads ? search->threads : 1;
    search->estimate = standard(estimate, search->threads);
    search->lab = &lab;
    const fcnn_status status = fcnn_search_run(search, found);
    ck_assert_int_eq(m->open, 0);
    ck_assert_int_le(m->most_open, 4); /* workspaces may be large */
    return status;
}

static const int all[] = {PLAIN, SLOW, FAST, KNOBBY};

/* Row and knobs are found together: with standard knobs `knobby` is behind `fast`, with its best ones ahead. */
START_TEST(planted_best)
{
    for (int at = 0; at < 4 * 6 * 2; at++) {
        struct machine m = {.best = {at % 4, at / 4 % 6, at / 24}, .noise = 0.02, .random = (uint64_t)at};
        struct fcnn_search search = {.seed = (uint64_t)at, .seconds = 2};
        struct fcnn_found found;
        ck_assert_int_eq(run(&m, all, 4, PLAIN, &search, &found), FCNN_OK);
        const double best = fmin(0.7e-6, 0.8e-6), got = cost(&m, &found.best);
        ck_assert_msg(got < best * 1.15, "%d: %s, %g", at, found.best.choice.kernel->name, got);
        ck_assert_double_eq_tol(found.gain, 1e-6 / got, 0.04);
    }
}
END_TEST

/* One row: nearly always all of its knobs are the best ones. */
START_TEST(planted_knobs)
{
    static const int one[] = {KNOBBY};
    int missed = 0;
    for (int at = 0; at < 4 * 6 * 2; at++) {
        struct machine m = {.best = {at % 4, at / 4 % 6, at / 24}, .noise = 0.01, .random = (uint64_t)at};
        struct fcnn_search search = {.seed = (uint64_t)at, .seconds = 2};
        struct fcnn_found found;
        ck_assert_int_eq(run(&m, one, 1, KNOBBY, &search, &found), FCNN_OK);
        for (int i = 0; i < 3; i++) {
            const int moot = i == 2 && m.best[0] == 0, want = moot ? 0 : m.best[i];
            missed += index_of(&knobs[i], found.best.choice.knobs[i]) != want;
        }
    }
    ck_assert_msg(missed <= 3, "%d of 144 knobs missed", missed);
}
END_TEST

/* Rows and knobs that are all equally fast, in noise of 5 %: of so many candidates some win a bout, but hardly one the
 * last one. */
START_TEST(tie_keeps_estimate)
{
    int changed = 0, trials = 0;
    for (int at = 0; at < 300; at++) {
        static const int few[] = {PLAIN, KNOBBY};
        struct machine m = {.noise = 0.05, .flat = 1, .random = (uint64_t)at * 77};
        struct fcnn_search search = {.seed = (uint64_t)at, .seconds = 2};
        struct fcnn_found found;
        ck_assert_int_eq(run(&m, few, 2, PLAIN, &search, &found), FCNN_OK);
        trials += found.trials;
        changed += found.best.choice.kernel != &rows[PLAIN];
        ck_assert(found.best.choice.kernel != &rows[PLAIN] || found.gain == 1);
    }
    ck_assert_int_gt(trials, 300 * 8);
    ck_assert_msg(changed <= 3, "%d of 300 changed", changed);
}
END_TEST

/* The same for bouts: of a thousand between equals hardly any may end with a winner, of those that are sure even fewer;
 * a challenger that is 5 % faster mostly wins. */
START_TEST(bouts)
{
    static const double parts[] = {[FCNN_BRIEFLY] = 0.05, [FCNN_SURELY] = 0.01};
    for (int care = FCNN_BRIEFLY; care <= FCNN_SURELY; care++) {
        int false_wins = 0, wins = 0, losses = 0;
        for (int at = 0; at < 1000; at++) {
            struct machine m = {.noise = 0.05, .random = (uint64_t)at * 31 + 7};
            const struct fcnn_lab lab = {&m, open_one, close_one, window, now, 1e-4};
            struct fcnn_side a, b, fast, slow;
            const struct fcnn_candidate same = standard(PLAIN, 1), faster = standard(FAST, 1);
            const struct fcnn_candidate slower = standard(SLOW, 1);
            uint64_t random = (uint64_t)at;
            ck_assert(fcnn_side_open(&lab, &same, &a) && fcnn_side_open(&lab, &same, &b));
            ck_assert(fcnn_side_open(&lab, &faster, &fast) && fcnn_side_open(&lab, &slower, &slow));
            false_wins += fcnn_compare(&lab, &a, &b, care, 1e9, &random).outcome == FCNN_FASTER;
            wins += fcnn_compare(&lab, &fast, &b, care, 1e9, &random).outcome == FCNN_FASTER;
            const struct fcnn_bout lost = fcnn_compare(&lab, &slow, &b, care, 1e9, &random);
            losses += lost.outcome == FCNN_SLOWER && lost.pairs == 1; /* ten times as slow: one look is enough */
            fcnn_side_close(&lab, &a), fcnn_side_close(&lab, &b);
            fcnn_side_close(&lab, &fast), fcnn_side_close(&lab, &slow);
            ck_assert_int_eq(m.open, 0);
        }
        ck_assert_msg(false_wins < 1000 * parts[care], "%d of 1000 equals won", false_wins);
        ck_assert_int_gt(wins, 950);
        ck_assert_int_gt(losses, 950);
    }
}
END_TEST

/* What a window costs beside its executions (a slow clock) must not hide a difference: windows are long enough. */
START_TEST(windows_are_long)
{
    struct machine m = {.fixed = 1e-7};
    const struct fcnn_lab lab = {&m, open_one, close_one, window, now, 1e-4};
    const struct fcnn_candidate one = standard(PLAIN, 1);
    struct fcnn_side side;
    ck_assert(fcnn_side_open(&lab, &one, &side));
    fcnn_side_time(&lab, &side);
    ck_assert_double_ge(side.seconds * (double)side.executions, 1e-4);
    ck_assert_int_lt(side.executions, 1000);
    ck_assert_double_eq_tol(side.seconds, 1e-6, 1e-8);
    fcnn_side_close(&lab, &side);
}
END_TEST

/* A clock that stands still: an end all the same. */
static double stopped(void *context, void *ready, int64_t executions)
{
    (void)ready, (void)executions;
    ((struct machine *)context)->now += 1e-3;
    return 0;
}

START_TEST(dead_clock)
{
    struct machine m = {.best = {1, 2, 0}};
    const struct fcnn_kernel *list[] = {&rows[PLAIN], &rows[KNOBBY]};
    const struct fcnn_lab lab = {&m, open_one, close_one, stopped, now, 1e-4};
    const struct fcnn_search search = {.problem = &problem, .caches = &fcnn_common_caches, .rows = list, .row_count = 2,
                                       .estimate = standard(PLAIN, 1), .threads = 1, .lab = &lab, .seconds = 1};
    struct fcnn_found found;
    ck_assert_int_eq(fcnn_search_run(&search, &found), FCNN_OK);
    ck_assert_ptr_eq(found.best.choice.kernel, &rows[PLAIN]);
}
END_TEST

/* The time that was given, and not much more; less than nothing fits: the estimate stays. */
START_TEST(budget)
{
    static const double seconds[] = {1e-3, 1e-2, 0.1, 1};
    for (int i = 0; i < 4; i++) {
        struct machine m = {.best = {3, 5, 1}, .noise = 0.02};
        struct fcnn_search search = {.seconds = seconds[i]};
        struct fcnn_found found;
        ck_assert_int_eq(run(&m, all, 4, PLAIN, &search, &found), FCNN_OK);
        ck_assert_msg(m.now < 1.3 * seconds[i] + 2e-3, "%g s became %g s", seconds[i], m.now);
        if (i == 0) ck_assert_double_eq(found.gain, 1);
    }
    struct machine m = {.best = {3, 5, 1}, .noise = 0.02}; /* the default: one second, or 200 executions */
    struct fcnn_search search = {.seconds = 0};
    struct fcnn_found found;
    ck_assert_int_eq(run(&m, all, 4, PLAIN, &search, &found), FCNN_OK);
    ck_assert(m.now < 1.3);
}
END_TEST

/* With threads that cost more than they bring, fewer are found; where they are free, all stay. */
START_TEST(teams)
{
    struct machine m = {.overhead = 0.3e-6, .noise = 0.01}, free = {.noise = 0.01};
    struct fcnn_search search = {.threads = 8};
    struct fcnn_found found;
    static const int two[] = {PLAIN, FAST};
    ck_assert_int_eq(run(&m, two, 2, PLAIN, &search, &found), FCNN_OK);
    ck_assert_int_le(found.best.team, 2);
    ck_assert_int_eq(run(&free, two, 2, PLAIN, &search, &found), FCNN_OK);
    ck_assert_int_eq(found.best.team, 8);
    ck_assert_ptr_eq(found.best.choice.kernel, &rows[FAST]);
}
END_TEST

/* A value that demands absurd memory is passed over, also where it would be the best one. */
START_TEST(unaffordable)
{
    static const int one[] = {DEAR};
    struct machine m = {.best = {3, 2, 0}};
    struct fcnn_search search = {.seconds = 1};
    struct fcnn_found found;
    ck_assert_int_eq(run(&m, one, 1, DEAR, &search, &found), FCNN_OK);
    ck_assert_int_eq(found.best.choice.knobs[0], 3);
}
END_TEST

static int stop_third(void *context, const struct fcnn_trial *trial)
{
    ck_assert(trial->part >= 0 && trial->part <= 1 && trial->side && trial->best);
    return ++*(int *)context == 3;
}

START_TEST(interrupted)
{
    int visits = 0;
    struct machine m = {.best = {3, 5, 1}};
    struct fcnn_search search = {.visit = stop_third, .context = &visits};
    struct fcnn_found found;
    ck_assert_int_eq(run(&m, all, 4, PLAIN, &search, &found), FCNN_INTERRUPTED);
    ck_assert_int_eq(visits, 3);
}
END_TEST

/* Rows that cannot be made ready are passed over; without the estimate there is nothing to compare with. */
static int refused;
static void *open_some(void *context, const struct fcnn_candidate *candidate)
{
    return candidate->choice.kernel == &rows[refused] ? NULL : open_one(context, candidate);
}

START_TEST(no_memory)
{
    struct machine m = {.noise = 0.01};
    const struct fcnn_kernel *list[] = {&rows[PLAIN], &rows[FAST]};
    const struct fcnn_lab lab = {&m, open_some, close_one, window, now, 1e-4};
    const struct fcnn_search search = {.problem = &problem, .caches = &fcnn_common_caches, .rows = list, .row_count = 2,
                                       .estimate = standard(PLAIN, 1), .threads = 1, .lab = &lab, .seconds = 0.1};
    struct fcnn_found found;
    refused = FAST;
    ck_assert_int_eq(fcnn_search_run(&search, &found), FCNN_OK);
    ck_assert_ptr_eq(found.best.choice.kernel, &rows[PLAIN]);
    refused = PLAIN;
    ck_assert_int_eq(fcnn_search_run(&search, &found), FCNN_OUT_OF_MEMORY);
    ck_assert_int_eq(m.open, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("search");
    TCase *cases = tcase_create("search");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, planted_best);
    tcase_add_test(cases, planted_knobs);
    tcase_add_test(cases, tie_keeps_estimate);
    tcase_add_test(cases, bouts);
    tcase_add_test(cases, windows_are_long);
    tcase_add_test(cases, dead_clock);
    tcase_add_test(cases, budget);
    tcase_add_test(cases, teams);
    tcase_add_test(cases, unaffordable);
    tcase_add_test(cases, interrupted);
    tcase_add_test(cases, no_memory);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

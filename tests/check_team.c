/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The team of a model's workers: each piece of each phase runs once, by whoever has a core, and is done when the phase
 * ends; with more workers than cores, and with workers that are kept from coming. A worker knows whether it has the
 * core of one whom it waits for, and moves. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/team.h"
#include "tests/suite.h"

enum { MOST_WORKERS = 7, MOST_PIECES = 40 };

struct phases {
    struct fcnn_team team;
    int runs[MOST_PIECES];    /* of the pieces of this phase; no atomics: a piece belongs to one worker */
    int visits[MOST_WORKERS]; /* pieces that a worker has taken so far */
    int one_core;             /* all are to be on one core */
    _Atomic int strangers;    /* pieces that were then not where the team thinks */
    int phase, slow;          /* pieces of a slow phase take so long that all workers come */
};

struct helper {
    struct phases *phases;
    int worker;
};

static void sleep_briefly(void) { nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL); }

static void piece(void *context, int worker, int64_t i)
{
    struct phases *phases = context;
    if (phases->slow) sleep_briefly();
    phases->runs[i] += phases->phase;
    if (phases->one_core && phases->team.core[worker] != fcnn_waiter_core()) phases->strangers++;
    phases->visits[worker]++;
}

static void *help(void *argument)
{
    const struct helper *helper = argument;
    fcnn_team_help(&helper->phases->team, helper->worker);
    return NULL;
}

static void lead(struct phases *phases, int count)
{
    uint32_t state = 1;
    for (phases->phase = 1; phases->phase <= count; phases->phase++) {
        state = state * 1664525u + 1013904223u;
        const int pieces = (int)(state >> 16) % (MOST_PIECES + 1);
        phases->slow = phases->phase % 200 == 0;
        memset(phases->runs, 0, sizeof phases->runs);
        fcnn_team_share(&phases->team, pieces, phases->phase % 2 ? FCNN_LONG : FCNN_SHORT, piece, phases);
        for (int i = 0; i < MOST_PIECES; i++) ck_assert_int_eq(phases->runs[i], i < pieces ? phases->phase : 0);
        if (phases->phase % 200 == 100) sleep_briefly(); /* until the helpers sleep */
    }
}

START_TEST(each_piece_runs_once)
{
    static const int counts[] = {1, 2, 3, MOST_WORKERS};
    static struct phases phases;
    pthread_t threads[MOST_WORKERS];
    struct helper helpers[MOST_WORKERS];
    const int workers = counts[_i];
    phases = (struct phases){.team.workers = workers};
    for (int i = 1; i < workers; i++) {
        helpers[i] = (struct helper){&phases, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, help, &helpers[i]), 0);
    }
    lead(&phases, 10000);
    fcnn_team_dismiss(&phases.team);
    for (int i = 1; i < workers; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < workers; i++) ck_assert_int_gt(phases.visits[i], 0);
}
END_TEST

/* Helpers that never come: the leader does not wait for them. */
START_TEST(an_absent_helper_is_not_waited_for)
{
    static struct phases phases = {.team.workers = 3};
    lead(&phases, 200);
    ck_assert_int_eq(phases.visits[1] + phases.visits[2], 0);
    fcnn_team_dismiss(&phases.team);
    fcnn_team_help(&phases.team, 1); /* too late: comes and goes */
}
END_TEST

#ifdef __linux__
static void pin(pthread_t thread, int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core - 1, &cores);
    ck_assert_int_eq(pthread_setaffinity_np(thread, sizeof cores, &cores), 0);
}

static cpu_set_t own_cores; /* before a test pins: with CK_FORK=no the next one has the same thread */

static void keep_cores(void) { ck_assert_int_eq(sched_getaffinity(0, sizeof own_cores, &own_cores), 0); }
static void restore_cores(void) { sched_setaffinity(0, sizeof own_cores, &own_cores); }

START_TEST(who_has_the_core_of_another_is_in_the_way)
{
    static struct phases phases = {.team.workers = 2};
    struct fcnn_team *team = &phases.team;
    struct helper helper = {&phases, 1};
    pthread_t thread;
    const int core = fcnn_waiter_core();
    if (!core) return; /* nobody tells */
    ck_assert_int_eq(pthread_create(&thread, NULL, help, &helper), 0);
    pin(pthread_self(), core);
    pin(thread, core);
    phases.one_core = 1;
    lead(&phases, 400);
    ck_assert_int_gt(phases.visits[1], 0);
    ck_assert_int_eq(phases.strangers, 0);

    while (team->core[1]) sleep_briefly(); /* asleep */
    ck_assert(!fcnn_team_in_the_way(team, 0));
    team->core[0] = team->core[1] = core;
    ck_assert(fcnn_team_in_the_way(team, 0));
    ck_assert(fcnn_team_in_the_way(team, 1));
    team->core[0] = team->core[1] = core + 1;
    ck_assert(!fcnn_team_in_the_way(team, 0));
    ck_assert(!fcnn_team_in_the_way(team, 1));
    fcnn_team_dismiss(team);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

/* To another core, if it may use one; what it may use stays as it was. */
START_TEST(a_waiter_moves)
{
    cpu_set_t after, one;
    _Atomic int core = fcnn_waiter_core();
    if (!core || CPU_COUNT(&own_cores) < 2) return;
    int moved = 0;
    for (int i = 0; i < 100 && !moved; i++) { /* the system may move it back at once */
        core = fcnn_waiter_core();
        ck_assert(fcnn_waiter_move(&core, 1));
        moved = fcnn_waiter_core() != core;
    }
    ck_assert(moved);
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&own_cores, &after));

    core = fcnn_waiter_core();
    CPU_ZERO(&one);
    CPU_SET(core - 1, &one);
    pin(pthread_self(), core);
    ck_assert(!fcnn_waiter_move(&core, 1));
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&one, &after));
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("team");
    TCase *tests = tcase_create("team");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, each_piece_runs_once, 0, 4);
    tcase_add_test(tests, an_absent_helper_is_not_waited_for);
    suite_add_tcase(suite, tests);
#ifdef __linux__
    TCase *cores = tcase_create("cores");
    tcase_set_timeout(cores, 120);
    tcase_add_checked_fixture(cores, keep_cores, restore_cores);
    tcase_add_test(cores, who_has_the_core_of_another_is_in_the_way);
    tcase_add_test(cores, a_waiter_moves);
    suite_add_tcase(suite, cores);
#endif
    return run_suite(suite);
}

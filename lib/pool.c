/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fpmode.h"
#include "lib/threads.h"

/* A team that was refused a thread asks again when it was taken this many times. */
#define REFUSED_FOR 64

struct crew {
    struct fcnn_team team; /* first: a team's address is its crew's */
    struct crew *next;     /* of all */
    struct crew *idle;     /* the next one that nobody has */
    pthread_t owner;
    int taken, helpers, refused;
    struct seat {
        struct crew *crew;
        int worker;
    } seats[FCNN_MAX_THREADS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct crew *all, *idle;

/* ---- fork: the child has the memory of all threads, but only the thread that forked ---- */

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

/* A team of the thread that forked, which can only be between two phases, goes on without helpers. */
static void begin_child(void)
{
    idle = NULL;
    for (struct crew *crew = all; crew; crew = crew->next) {
        crew->helpers = crew->refused = 0;
        memset(&crew->team, 0, sizeof crew->team);
        crew->team.workers = 1;
        if (crew->taken && pthread_equal(crew->owner, pthread_self())) continue;
        crew->taken = 0;
        crew->idle = idle;
        idle = crew;
    }
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(before_fork, after_fork, begin_child); }

/* ---- helpers ---- */

static void *help(void *argument)
{
    const struct seat *seat = argument;
    fcnn_fpmode_enter();
    fcnn_team_help(&seat->crew->team, seat->worker);
    return NULL;
}

static void grow(struct crew *crew, int helpers)
{
    if (crew->refused && --crew->refused) return;
    while (crew->helpers < helpers) {
        struct seat *seat = &crew->seats[crew->helpers];
        pthread_t thread;
        *seat = (struct seat){crew, crew->helpers + 1};
        if (fcnn_threads_start(&thread, help, seat)) {
            crew->refused = REFUSED_FOR;
            return;
        }
        pthread_detach(thread);
        crew->helpers++;
    }
}

/* ---- teams ---- */

static struct crew *make(void)
{
    struct crew *crew = aligned_alloc(_Alignof(struct crew), sizeof *crew);
    if (!crew) return NULL;
    memset(crew, 0, sizeof *crew);
    pthread_mutex_lock(&lock);
    crew->next = all;
    all = crew;
    crew->owner = pthread_self();
    crew->taken = 1;
    pthread_mutex_unlock(&lock);
    return crew;
}

static struct crew *take_idle(void)
{
    pthread_mutex_lock(&lock);
    struct crew *crew = idle;
    if (crew) {
        idle = crew->idle;
        crew->owner = pthread_self();
        crew->taken = 1;
    }
    pthread_mutex_unlock(&lock);
    return crew;
}

struct fcnn_team *fcnn_pool_take(int workers)
{
    struct crew *crew = take_idle();
    if (!crew && !(crew = make())) return NULL;
    if (crew->helpers < workers - 1) grow(crew, workers - 1);
    crew->team.workers = crew->helpers < workers - 1 ? crew->helpers + 1 : workers;
    return &crew->team;
}

void fcnn_pool_give(struct fcnn_team *team)
{
    struct crew *crew = (struct crew *)team;
    if (!crew) return;
    pthread_mutex_lock(&lock);
    crew->taken = 0;
    crew->idle = idle;
    idle = crew;
    pthread_mutex_unlock(&lock);
}

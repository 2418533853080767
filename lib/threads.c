/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/threads.h"

#include <omp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/fastcnn.h"

int (*fcnn_threads_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = pthread_create;

/* ---- the child of a fork ---- */

static int forked;

static void note_fork(void) { forked = 1; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

/* ---- starting a thread ---- */

/* OMP_PROC_BIND pins the program's first thread to one core, and a thread inherits the cores of the one that starts it:
 * then all helpers would share a core. OpenMP's places are the cores that the process had. */
static void unpin(pthread_t thread)
{
#ifdef __linux__ /* elsewhere nobody pins */
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (omp_get_proc_bind() == omp_proc_bind_false) return;
    for (int place = 0; place < omp_get_num_places(); place++) {
        const int count = omp_get_place_num_procs(place);
        int *ids = count > 0 ? calloc((size_t)count, sizeof *ids) : NULL;
        if (!ids) continue;
        omp_get_place_proc_ids(place, ids);
        for (int i = 0; i < count; i++)
            if (ids[i] >= 0 && ids[i] < CPU_SETSIZE) CPU_SET(ids[i], &cores);
        free(ids);
    }
    if (CPU_COUNT(&cores)) pthread_setaffinity_np(thread, sizeof cores, &cores);
#else
    (void)thread;
#endif
}

int fcnn_threads_start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    sigset_t all, saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    const int error = fcnn_threads_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    if (!error) unpin(*thread);
    return error;
}

/* ---- the trial ---- */

static void *wait_for_gate(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* Whether this many threads can be there at a time. */
static int try_threads(int count)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[FCNN_MAX_THREADS];
    int started = 0;
    pthread_mutex_lock(&gate);
    while (started < count && !fcnn_threads_start(&threads[started], wait_for_gate, &gate)) started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&gate);
    return started == count;
}

/* The runtime keeps the threads of the last region for each thread that entered one; only more of them need a trial. */
int fcnn_threads_suffice(int workers)
{
    static _Thread_local int kept = 1;
    if (forked) return 0;
    if (workers > kept && !try_threads(workers - 1)) return 0;
    kept = workers;
    return 1;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Starting threads where the system may refuse them, and whether an OpenMP region may be entered. */
#ifndef FCNN_THREADS_H
#define FCNN_THREADS_H

#include <pthread.h>

/* pthread_create(); tests put one here that refuses. */
extern int (*fcnn_threads_create)(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                                  void *argument);

/* A thread that blocks all signals, which belong to the program's own threads, and may run on every core that the
 * process may use. 0, or an error number: the system refused. */
int fcnn_threads_start(pthread_t *thread, void *(*body)(void *), void *argument);

/* Whether an OpenMP region with this many workers may be entered by the calling thread. OpenMP's runtime ends the
 * process where it gets no thread, and waits for ever for threads that fork() left in the parent: so there must be room
 * for the threads now, and the process must not be a child in which the library was there before the fork. */
int fcnn_threads_suffice(int workers);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t received;

static void note(int signal_number) { received = signal_number; }

void bench_interrupt_watch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_flags = (int)SA_RESETHAND}, before;
        sigaction(signals[i], NULL, &before);
        action.sa_handler = note;
        if (before.sa_handler != SIG_IGN) sigaction(signals[i], &action, NULL); /* nohup stays nohup */
    }
}

int bench_interrupted(void) { return received; }

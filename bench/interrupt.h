/* SPDX-License-Identifier: BSD-2-Clause
 * Ctrl-C and the like: what was measured is kept and summed up. */
#ifndef BENCH_INTERRUPT_H
#define BENCH_INTERRUPT_H

#ifdef __cplusplus
extern "C" {
#endif

/* From now on SIGINT, SIGTERM and SIGHUP are noted. The second one of a kind ends the program at once. */
void bench_interrupt_watch(void);

/* 0, or the signal that came: no window opens any more. */
int bench_interrupted(void);

#ifdef __cplusplus
}
#endif
#endif

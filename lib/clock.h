/* SPDX-License-Identifier: BSD-2-Clause
 * Clocks of POSIX in nanoseconds. */
#ifndef FCNN_CLOCK_H
#define FCNN_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t fcnn_nanoseconds(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#endif

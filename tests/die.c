/* SPDX-License-Identifier: BSD-2-Clause
 * A process that dies while it writes a file: with FCNN_DIE_AT=n in the n-th of its calls of write(), fsync() and
 * rename(), as by kill -9: of a write() half is done. Linked with -Wl,--wrap. Terminals and pipes do not count.
 * FCNN_CLOCK=n: the clock begins at 0, as if the machine was started just now, and goes n times as
 * fast. */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *bytes, size_t count);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

static int is_time(void)
{
    static atomic_long calls;
    const char *at = getenv("FCNN_DIE_AT");
    return at && atomic_fetch_add(&calls, 1) + 1 == atol(at);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    if (fd <= STDERR_FILENO || !is_time()) return __real_write(fd, bytes, count);
    if (__real_write(fd, bytes, count / 2) >= 0) die();
    return -1;
}

int __wrap_fsync(int fd)
{
    if (is_time()) die();
    return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    if (is_time()) die();
    return __real_rename(from, to);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    static int64_t begin;
    const char *speed = getenv("FCNN_CLOCK");
    const int bad = __real_clock_gettime(clock, now);
    if (bad || clock != CLOCK_MONOTONIC || !speed) return bad;
    int64_t ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec;
    if (!begin) begin = ns;
    ns = (ns - begin) * atol(speed);
    *now = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * A process that dies while it writes a file: with FCNN_DIE_AT=n in the n-th of its calls of write(), fsync() and
 * rename(), as by kill -9: of a write() half is done. Linked with -Wl,--wrap. Terminals and pipes do not count. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t __real_write(int fd, const void *bytes, size_t count);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

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

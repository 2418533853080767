/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/interrupt.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The child's pid, 0 if there is none; *from is where to read what it writes. */
static pid_t start(const char *const argv[], const char *libraries, int *from)
{
    char path[8192];
    const char *before = getenv("LD_LIBRARY_PATH");
    char *environment[] = {path, "FASTCNN_TUNING=off", "LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid = 0;
    snprintf(path, sizeof path, "LD_LIBRARY_PATH=%s%s%s", libraries, before ? ":" : "", before ? before : "");
    if (pipe(ends)) return 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    errno = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environment);
    if (errno) pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *from = ends[0];
    if (!pid) close(ends[0]);
    return pid;
}

/* Everything up to the end of the stream; NULL after the deadline, Ctrl-C, or without memory. */
static char *read_all(int from, double deadline)
{
    size_t used = 0, room = 1 << 16;
    char *text = malloc(room);
    while (text && !bench_interrupted()) {
        struct pollfd fd = {.fd = from, .events = POLLIN};
        const double left = deadline - now();
        if (left <= 0) break;
        if (poll(&fd, 1, left < 0.2 ? (int)(1000 * left) + 1 : 200) <= 0) continue;
        const ssize_t got = read(from, text + used, room - used - 1);
        if (got <= 0) return text[used] = 0, text;
        used += (size_t)got;
        if (used + 1 < room) continue;
        char *larger = realloc(text, room *= 2);
        if (!larger) break;
        text = larger;
    }
    free(text);
    return NULL;
}

char *gate_child_run(const char *const argv[], const char *libraries, double seconds)
{
    int from, status = 0;
    const pid_t pid = start(argv, libraries, &from);
    if (!pid) return fprintf(stderr, "fastcnn-compare: cannot run %s: %s\n", argv[0], strerror(errno)), NULL;
    char *text = read_all(from, now() + seconds);
    close(from);
    if (!text) kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (text && WIFEXITED(status) && !WEXITSTATUS(status)) return text;
    if (bench_interrupted()) return free(text), NULL;
    if (!text) fprintf(stderr, "fastcnn-compare: %s took longer than %.0f s\n", argv[0], seconds);
    else if (WIFSIGNALED(status)) fprintf(stderr, "fastcnn-compare: %s: %s\n", argv[0], strsignal(WTERMSIG(status)));
    else fprintf(stderr, "fastcnn-compare: %s: exit status %d\n", argv[0], WEXITSTATUS(status));
    free(text);
    return NULL;
}

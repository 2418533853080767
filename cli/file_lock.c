/* SPDX-License-Identifier: BSD-2-Clause
 * See file_lock.h. Each writing of a checkpoint replaces the file, and so the lock; who got hold of the file in between
 * is found then. */
#include "cli/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static int has_another(const char *path)
{
    program_complain("%s cannot be written: another run goes on with it at this moment", path);
    return EX_IOERR;
}

/* To open a FIFO for reading would mean something to who writes to it. */
static int is_regular(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* 0: the name is of another file by now, or of none. */
static int is_named(int fd, const char *path, int *is_there)
{
    struct stat open, named;
    *is_there = !stat(path, &named);
    return *is_there && !fstat(fd, &open) && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

int cli_lock(struct cli_lock *lock, const char *path)
{
    int is_there = is_regular(path);
    if (lock->fd && is_named(lock->fd - 1, path, &is_there)) return EXIT_SUCCESS;
    while (is_there) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) return EXIT_SUCCESS; /* what is wrong with it shows when it is read or written */
        int bad;
        do bad = flock(fd, LOCK_EX | LOCK_NB);
        while (bad && errno == EINTR);
        const int taken = bad && errno == EWOULDBLOCK;
        if (!taken && is_named(fd, path, &is_there)) {
            cli_unlock(lock);
            lock->fd = fd + 1;
            return EXIT_SUCCESS;
        }
        close(fd);
        if (taken) return has_another(path);
    }
    return EXIT_SUCCESS;
}

int cli_lock_holds(const struct cli_lock *lock, const char *path)
{
    int is_there;
    return !lock->fd || is_named(lock->fd - 1, path, &is_there) || !is_there ? EXIT_SUCCESS : has_another(path);
}

void cli_unlock(struct cli_lock *lock)
{
    if (lock->fd) close(lock->fd - 1);
    lock->fd = 0;
}

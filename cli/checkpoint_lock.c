/* SPDX-License-Identifier: BSD-2-Clause
 * A checkpoint is locked by the run that goes on from it: of two, the second is told. Each writing replaces the file,
 * and so the lock; who got hold of the file in between is found then. Where locks do not work, nothing is told. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/checkpoint.h"

static int has_another(const struct training *t)
{
    program_complain("%s cannot be written: another run goes on with it at this moment", t->checkpoint.file);
    return EX_IOERR;
}

/* 0: the name is of another file by now, or of none. */
static int is_named(int fd, const char *path, int *is_there)
{
    struct stat open, named;
    *is_there = !stat(path, &named);
    return *is_there && !fstat(fd, &open) && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

int checkpoint_lock(struct training *t)
{
    struct checkpoint *c = &t->checkpoint;
    int is_there = 1;
    while (is_there) {
        const int fd = open(c->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0) return EXIT_SUCCESS; /* what is wrong with it shows when it is read */
        int bad;
        do bad = flock(fd, LOCK_EX | LOCK_NB);
        while (bad && errno == EINTR);
        const int taken = bad && errno == EWOULDBLOCK;
        if (!taken && is_named(fd, c->file, &is_there)) {
            checkpoint_unlock(t);
            c->lock = fd + 1;
            return EXIT_SUCCESS;
        }
        close(fd);
        if (taken) return has_another(t);
    }
    return EXIT_SUCCESS;
}

int checkpoint_is_locked(const struct training *t)
{
    int is_there;
    const struct checkpoint *c = &t->checkpoint;
    return !c->lock || is_named(c->lock - 1, c->file, &is_there) || !is_there ? EXIT_SUCCESS : has_another(t);
}

void checkpoint_unlock(struct training *t)
{
    if (t->checkpoint.lock) close(t->checkpoint.lock - 1);
    t->checkpoint.lock = 0;
}

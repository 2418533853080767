/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fail.h"

static fcnn_status system_failed(const char *path, const char *what, int error)
{
    return fcnn_io_fail(error == ENOMEM ? FCNN_OUT_OF_MEMORY : FCNN_NO_FILE, "%s: %s: %s", path, what,
                        strerror(error));
}

static int write_all(int fd, const struct io_piece *pieces, int count)
{
    for (int i = 0; i < count; i++) {
        const char *bytes = pieces[i].bytes;
        for (size_t left = pieces[i].count; left;) {
            const ssize_t n = write(fd, bytes, left);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return 0;
            bytes += n;
            left -= (size_t)n;
        }
    }
    return 1;
}

/* What is no regular file cannot be replaced, only written to. A FIFO that nobody reads is an error, not a wait. */
static fcnn_status write_through(const char *path, const struct io_piece *pieces, int count)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENXIO) return fcnn_io_fail(FCNN_NO_FILE, "%s: it cannot be written: nobody reads it", path);
    if (fd < 0) return system_failed(path, "it cannot be written", errno);
    const int done = !fcntl(fd, F_SETFL, 0) && write_all(fd, pieces, count), error = errno;
    if (close(fd) && done) return system_failed(path, "it cannot be written", errno);
    return done ? FCNN_OK : system_failed(path, "it cannot be written", error);
}

/* The folder of `path`, its last slash included; 0: none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* ---- the file beside ---- */

#define TRIES 100
#define MOST_LINKS 40 /* of a link to a link, as Linux has it */

/* Other writers of `path` have other numbers; the next one after a process that died takes its place. */
static char *name_beside(const char *path, int number)
{
    const size_t folder = folder_length(path), size = folder + 256; /* a name has at most 255 bytes */
    char *name = malloc(size);
    if (name) snprintf(name, size, "%.*s.%.200s.fastcnn-%d.tmp", (int)folder, path, path + folder, number);
    return name;
}

static int lock(int fd, int how)
{
    while (flock(fd, how))
        if (errno != EINTR) return 0;
    return 1;
}

/* Whether the name is still that of the open file: not of another one, or of none. */
static int has_name(int fd, const char *name)
{
    struct stat open, named;
    return !fstat(fd, &open) && !lstat(name, &named) && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* Removes what a process left that was killed while it wrote: its writer would have it locked. */
static int remove_dead(const char *name)
{
    struct stat st;
    const int fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return 0;
    const int dead = !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && lock(fd, LOCK_EX | LOCK_NB) &&
                     has_name(fd, name) && !unlink(name);
    close(fd);
    return dead;
}

/* A new, locked file. Somebody may take it for a dead one's until it is locked; so its name is looked at again. Where
 * locks do not work, nothing is ever taken for dead. -1: errno. */
static int make(const char *name)
{
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || !lock(fd, LOCK_EX) || has_name(fd, name)) return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

/* *name: free() it. -1: errno. */
static int open_new(const char *path, char **name)
{
    for (int i = 0; i < TRIES; i++) {
        *name = name_beside(path, i);
        if (!*name) return -1;
        int fd = make(*name), error = errno;
        if (fd < 0 && error == EEXIST && remove_dead(*name)) fd = make(*name), error = errno;
        errno = error;
        if (fd >= 0 || error != EEXIST || i == TRIES - 1) return fd;
        free(*name);
    }
    return -1;
}

/* The files of dead writers that others were before, too; those who live keep theirs. */
static void remove_all_dead(const char *path)
{
    for (int i = 0; i < TRIES; i++) {
        struct stat st;
        char *name = name_beside(path, i);
        const int there = name && !lstat(name, &st);
        if (there) remove_dead(name);
        free(name);
        if (!there && i) return;
    }
}

/* The name is on the disk too. File systems that cannot do that keep the order anyway. */
static void sync_folder(const char *path)
{
    const size_t length = folder_length(path);
    char *folder = length ? strndup(path, length) : strdup(".");
    const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* ---- the whole ---- */

/* `called`: what the caller named, where `path` is what a link pointed to. */
static fcnn_status begin(const char *path, const char *called, const struct stat *old, int *fd, char **name)
{
    *name = NULL;
    *fd = -1;
    if (old && access(path, W_OK)) return system_failed(called, "it cannot be written", errno);
    *fd = open_new(path, name);
    if (*fd >= 0) return FCNN_OK;
    const fcnn_status status = system_failed(called, "no file can be made beside it", errno);
    free(*name);
    return status;
}

static fcnn_status replace(const char *path, const char *called, const struct stat *old,
                           const struct io_piece *pieces, int count)
{
    char *name;
    int fd;
    IO_TRY(begin(path, called, old, &fd, &name));
    const int done = !pieces || ((!old || !fchmod(fd, old->st_mode & 07777)) && write_all(fd, pieces, count) &&
                                 !fsync(fd) && !rename(name, path));
    const int error = errno;
    if (!done || !pieces) unlink(name);
    else sync_folder(path);
    close(fd); /* it was locked up to here; what could not be written has shown in fsync() */
    remove_all_dead(path);
    free(name);
    return done ? FCNN_OK : system_failed(called, "it cannot be written", error);
}

/* What the link points to, from here. free() it. NULL: errno. */
static char *read_link(const char *link)
{
    char target[PATH_MAX];
    const ssize_t length = readlink(link, target, sizeof target - 1);
    const size_t folder = folder_length(link), before = length > 0 && *target == '/' ? 0 : folder;
    char *path = length < 0 ? NULL : malloc(before + (size_t)length + 1);
    if (!path) return NULL;
    memcpy(path, link, before);
    memcpy(path + before, target, (size_t)length);
    path[before + (size_t)length] = 0;
    return path;
}

/* Where a file is to be that is not there yet: at the end of links that point to nothing. free() it. NULL: errno. */
static char *place_of(const char *path)
{
    struct stat st;
    char *place = strdup(path);
    for (int links = 0; place && !lstat(place, &st) && S_ISLNK(st.st_mode); links++) {
        char *next = links < MOST_LINKS ? read_link(place) : NULL;
        if (links == MOST_LINKS) errno = ELOOP;
        free(place);
        place = next;
    }
    return place;
}

static fcnn_status find_and_replace(const char *path, const struct io_piece *pieces, int count)
{
    struct stat old;
    const int there = !stat(path, &old);
    if (!*path) return system_failed(path, "it cannot be written", ENOENT);
    if (there && S_ISDIR(old.st_mode)) return system_failed(path, "it cannot be written", EISDIR);
    if (there && !S_ISREG(old.st_mode)) return pieces ? write_through(path, pieces, count) : FCNN_OK;
    char *real = there ? realpath(path, NULL) : place_of(path);
    if (!real) return system_failed(path, "its place cannot be found", errno);
    const fcnn_status status = replace(real, path, there ? &old : NULL, pieces, count);
    free(real);
    return status;
}

fcnn_status io_replace(const char *path, const struct io_piece *pieces, int count)
{
    return find_and_replace(path, pieces, count);
}

fcnn_status io_replace_check(const char *path) { return find_and_replace(path, NULL, 0); }

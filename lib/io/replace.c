/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* What is no regular file cannot be replaced, only written to. */
static fcnn_status write_through(const char *path, const struct io_piece *pieces, int count)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return system_failed(path, "it cannot be written", errno);
    const int done = write_all(fd, pieces, count), error = errno;
    if (close(fd) && done) return system_failed(path, "it cannot be written", errno);
    return done ? FCNN_OK : system_failed(path, "it cannot be written", error);
}

/* The folder of `path`, its last slash included; 0: none. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Opens a file of a name that nobody has, in the folder of `path`; *name: free() it. -1: errno. */
static int open_new(const char *path, char **name)
{
    static atomic_uint number;
    const size_t folder = folder_length(path), size = folder + 64;
    *name = malloc(size);
    if (!*name) return -1;
    for (int i = 0; i < 100; i++) {
        snprintf(*name, size, "%.*s.fastcnn-%ld-%u.tmp", (int)folder, path, (long)getpid(),
                 atomic_fetch_add(&number, 1));
        const int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
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

static fcnn_status replace(const char *path, const struct stat *old, const struct io_piece *pieces, int count)
{
    char *name;
    if (old && access(path, W_OK)) return system_failed(path, "it cannot be written", errno);
    const int fd = open_new(path, &name);
    if (fd < 0) {
        const fcnn_status status = system_failed(path, "no file can be made beside it", errno);
        free(name);
        return status;
    }
    int done = (!old || !fchmod(fd, old->st_mode & 07777)) && write_all(fd, pieces, count) && !fsync(fd);
    int error = errno;
    if (close(fd) && done) done = 0, error = errno;
    if (done && rename(name, path)) done = 0, error = errno;
    if (done) sync_folder(path);
    else unlink(name);
    free(name);
    return done ? FCNN_OK : system_failed(path, "it cannot be written", error);
}

fcnn_status io_replace(const char *path, const struct io_piece *pieces, int count)
{
    struct stat old;
    const int there = !stat(path, &old);
    if (there && !S_ISREG(old.st_mode)) return write_through(path, pieces, count);
    char *real = there ? realpath(path, NULL) : strdup(path);
    if (!real) return system_failed(path, "its place cannot be found", errno);
    const fcnn_status status = replace(real, there ? &old : NULL, pieces, count);
    free(real);
    return status;
}

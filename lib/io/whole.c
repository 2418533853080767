/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fail.h"

/* A file that changes while it is read may be shorter than it was: *got. */
static int read_all(int fd, unsigned char *bytes, size_t count, size_t *got)
{
    for (*got = 0; *got < count;) {
        const ssize_t n = read(fd, bytes + *got, count - *got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return 0;
        if (n == 0) break;
        *got += (size_t)n;
    }
    return 1;
}

static fcnn_status read_open(int fd, unsigned char **bytes, size_t *count, const char *path, int64_t most)
{
    struct stat found;
    if (fstat(fd, &found)) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode)) return fcnn_io_fail(FCNN_NO_FILE, "%s: it is not a regular file", path);
    if (found.st_size > most)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it has %lld bytes; at most %lld are read", path,
                            (long long)found.st_size, (long long)most);
    unsigned char *room = malloc((size_t)found.st_size + 1);
    if (!room)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its %lld bytes", path, (long long)found.st_size);
    if (!read_all(fd, room, (size_t)found.st_size, count)) {
        const fcnn_status status = fcnn_io_fail(FCNN_NO_FILE, "%s: it cannot be read: %s", path, strerror(errno));
        free(room);
        return status;
    }
    room[*count] = 0;
    *bytes = room;
    return FCNN_OK;
}

fcnn_status io_whole_read(unsigned char **bytes, size_t *count, const char *path, int64_t most)
{
    *bytes = NULL;
    *count = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", path, strerror(errno));
    const fcnn_status status = read_open(fd, bytes, count, path, most);
    close(fd);
    return status;
}

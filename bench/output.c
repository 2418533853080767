/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *path)
{
    return fprintf(stderr, "%s: cannot write %s: %s\n", program_invocation_short_name, path, strerror(errno)), 0;
}

static void make_folders(const char *path)
{
    char folder[sizeof((struct bench_output *)0)->path];
    for (const char *slash = *path ? strchr(path + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        mkdir(folder, 0777);
    }
}

/* Where a path leads, through symbolic links, so that a rename replaces the file and not the link. */
static int resolve(struct bench_output *output, const char *path)
{
    char *resolved = realpath(path, NULL);
    const int length = snprintf(output->path, sizeof output->path, "%s", resolved ? resolved : path);
    free(resolved);
    if (length < (int)sizeof output->path) return 1;
    errno = ENAMETOOLONG;
    return 0;
}

/* The permissions that the file has, or that fopen() would give it; mkstemp() gives less. */
static mode_t mode_of(const struct stat *there)
{
    if (there) return there->st_mode & 07777;
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

int bench_output_open(struct bench_output *output, const char *path)
{
    *output = (struct bench_output){.file = NULL};
    make_folders(path);
    if (!resolve(output, path)) return fail(path);
    struct stat there;
    const int exists = stat(output->path, &there) == 0;
    if (exists && !S_ISREG(there.st_mode)) {
        output->file = fopen(output->path, "w");
        return output->file ? 1 : fail(path);
    }
    if (exists && access(output->path, W_OK)) return fail(path);
    snprintf(output->temporary, sizeof output->temporary, "%s.XXXXXX", output->path);
    const int fd = mkstemp(output->temporary);
    if (fd < 0) return fail(path);
    const int kept = fchmod(fd, mode_of(exists ? &there : NULL)); /* file systems without modes: never mind */
    (void)kept;
    output->file = fdopen(fd, "w");
    if (output->file) return 1;
    fail(path);
    close(fd);
    unlink(output->temporary);
    return 0;
}

int bench_output_probe(const char *path)
{
    struct bench_output output;
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) return access(path, W_OK) ? fail(path) : 1;
    if (!bench_output_open(&output, path)) return 0;
    bench_output_cancel(&output);
    return 1;
}

int bench_output_close(struct bench_output *output)
{
    const int plain = *output->temporary != 0;
    int failed = fflush(output->file) || ferror(output->file);
    if (!failed && plain) failed = fsync(fileno(output->file));
    int reason = errno;
    if (fclose(output->file) && !failed) failed = 1, reason = errno;
    if (!failed && plain && rename(output->temporary, output->path)) failed = 1, reason = errno;
    output->file = NULL;
    if (!failed) return 1;
    if (plain) unlink(output->temporary);
    errno = reason;
    return fail(output->path);
}

void bench_output_cancel(struct bench_output *output)
{
    if (output->file) fclose(output->file);
    if (*output->temporary) unlink(output->temporary);
    output->file = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Output files: written beside their place and renamed, so that there is the old file or the whole new one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/cli.h"

static int failed(const char *path)
{
    program_complain("%s cannot be written: %s", path, strerror(errno));
    return EX_IOERR;
}

/* Closes in any case. */
static int write_all(FILE *file, const char *text)
{
    int bad = fputs(text, file) == EOF;
    bad |= fflush(file) != 0;
    bad |= fclose(file) != 0;
    return bad ? -1 : 0;
}

/* A device or a FIFO cannot be replaced, only written to. */
static int write_special(const char *path, const char *text)
{
    FILE *file = text ? fopen(path, "w") : NULL;
    return text && (!file || write_all(file, text)) ? failed(path) : EXIT_SUCCESS;
}

static int write_beside(const char *path, char *beside, const char *text)
{
    const int fd = mkstemp(beside);
    if (fd < 0) return failed(path);
    const mode_t mask = umask(0);
    umask(mask);
    FILE *file = fdopen(fd, "w");
    if (!file) close(fd);
    if (!file || fchmod(fd, 0666 & ~mask) || write_all(file, text ? text : "") || (text && rename(beside, path))) {
        const int code = failed(path);
        unlink(beside);
        return code;
    }
    if (!text) unlink(beside);
    return EXIT_SUCCESS;
}

int cli_write_file(const char *path, const char *text)
{
    struct stat st;
    if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
        errno = EISDIR;
        return S_ISDIR(st.st_mode) ? failed(path) : write_special(path, text);
    }
    char *beside = program_allocate(strlen(path) + 8, 1);
    strcat(strcpy(beside, path), ".XXXXXX");
    const int code = write_beside(path, beside, text);
    free(beside);
    return code;
}

/* ---- two names of one file ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int same_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int stat_folder(const char *path, struct stat *st)
{
    char *folder = program_allocate(strlen(path) + 2, 1);
    memcpy(folder, path, (size_t)(base_of(path) - path));
    if (!*folder) *folder = '.';
    const int bad = stat(folder, st);
    free(folder);
    return bad;
}

static int are_one(const char *a, const char *b)
{
    struct stat one, other;
    const int has_one = !stat(a, &one), has_other = !stat(b, &other);
    if (has_one && has_other) return S_ISREG(one.st_mode) && same_inode(&one, &other);
    if (has_one || has_other) return 0;
    if (!strcmp(a, b)) return 1;
    return !strcmp(base_of(a), base_of(b)) && !stat_folder(a, &one) && !stat_folder(b, &other) &&
           same_inode(&one, &other);
}

void cli_check_outputs(const struct cli_command *command, const struct cli_output *outputs, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (outputs[i].path && outputs[j].path && are_one(outputs[i].path, outputs[j].path))
                cli_usage(command, "--%s and --%s name one file, %s", outputs[j].option, outputs[i].option,
                          outputs[i].path);
}

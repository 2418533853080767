/* SPDX-License-Identifier: BSD-2-Clause
 * Output files: written beside their place and renamed, so that there is the old file or the whole new one. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "lib/io/replace.h"

/* The library's sentence, in this program's words. */
static int failed(const char *path, fcnn_status status)
{
    static const char known[] = "it cannot be written: ";
    const char *sentence = fcnn_io_last_error(), *why = sentence + strlen(path) + strlen(": ");
    if (strncmp(sentence, path, strlen(path)) != 0) why = sentence;
    else if (!strncmp(why, known, strlen(known))) why += strlen(known);
    program_complain("%s cannot be written: %s", path, why);
    return status == FCNN_NO_FILE ? EX_IOERR : program_exit_code(status);
}

int cli_write_file(const char *path, const char *text)
{
    const struct io_piece piece = {text, text ? strlen(text) : 0};
    const fcnn_status status = text ? io_replace(path, &piece, 1) : io_replace_check(path);
    return status ? failed(path, status) : EXIT_SUCCESS;
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

int cli_are_one_file(const char *a, const char *b)
{
    struct stat one, other;
    const int has_one = !stat(a, &one), has_other = !stat(b, &other);
    if (has_one && has_other) return S_ISREG(one.st_mode) && same_inode(&one, &other);
    if (has_one || has_other) return 0;
    if (!strcmp(a, b)) return 1;
    return !strcmp(base_of(a), base_of(b)) && !stat_folder(a, &one) && !stat_folder(b, &other) &&
           same_inode(&one, &other);
}

/* To replace it would lose what goes there: --receipt=/dev/stdout >FILE. */
static int is_stream(const char *path, int fd)
{
    struct stat named, open;
    return !stat(path, &named) && S_ISREG(named.st_mode) && !fstat(fd, &open) && same_inode(&named, &open);
}

static void check_streams(const struct cli_command *command, const struct cli_output *output)
{
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (output->path && is_stream(output->path, fd))
            cli_usage(command, "--%s names the file that the standard %s goes to, %s", output->option,
                      fd == STDOUT_FILENO ? "output" : "error", output->path);
}

void cli_check_outputs(const struct cli_command *command, const struct cli_output *outputs, int count)
{
    for (int i = 0; i < count; i++) check_streams(command, &outputs[i]);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (outputs[i].path && outputs[j].path && cli_are_one_file(outputs[i].path, outputs[j].path))
                cli_usage(command, "--%s and --%s name one file, %s", outputs[j].option, outputs[i].option,
                          outputs[i].path);
}

/* Of a folder of IDX files one of these: train-images-idx3-ubyte.gz. */
static int is_data_of(const char *path, const char *output)
{
    struct stat folder, parent;
    return strstr(base_of(output), "-ubyte") && !access(output, F_OK) && !stat(path, &folder) &&
           !stat_folder(output, &parent) && S_ISDIR(folder.st_mode) && same_inode(&folder, &parent);
}

void cli_check_input(const struct cli_command *command, const char *option, const char *path,
                     const struct cli_output *outputs, int count)
{
    for (int i = 0; i < count; i++)
        if (path && outputs[i].path && (cli_are_one_file(path, outputs[i].path) || is_data_of(path, outputs[i].path)))
            cli_usage(command, "--%s would write over what --%s reads, %s", outputs[i].option, option,
                      outputs[i].path);
}

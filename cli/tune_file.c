/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn tune: the file that choices are read from and kept in; --diff, --merge, --prune. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/tune.h"

static void note(void *context, const char *origin, int line, const char *what)
{
    (void)context;
    program_complain("%s:%d: %s", origin, line, what);
}

const char *cli_tuning_path(void)
{
    fcnn_tuning_place place;
    for (int i = 0; !fcnn_tuning_place_describe(i, &place); i++)
        if (place.written) return place.path;
    return NULL;
}

/* 0: there is no place. */
static int find_path(struct tuning *t)
{
    t->path = t->file ? t->file : cli_tuning_path();
    return t->path != NULL;
}

static int read_file(fcnn_tuning *table, const char *path)
{
    const fcnn_status status = fcnn_tuning_read(table, path, note, NULL);
    return status ? program_failed(status) : EXIT_SUCCESS;
}

static int new_table(fcnn_tuning **table)
{
    const fcnn_status status = fcnn_tuning_create(table);
    return status ? program_failed(status) : EXIT_SUCCESS;
}

int tune_open(struct tuning *t)
{
    if (!find_path(t)) {
        t->in_memory = 1;
        if (!t->quiet) program_complain("there is no place for a tuning file; choices are kept for this run only");
    }
    if (!t->file) return t->table = fcnn_tuning_default(), EXIT_SUCCESS;
    const int code = new_table(&t->table);
    return code || (access(t->path, F_OK) && errno == ENOENT) ? code : read_file(t->table, t->path);
}

int tune_save(struct tuning *t)
{
    if (t->in_memory) return EXIT_SUCCESS;
    const fcnn_status status = fcnn_tuning_write(t->table, t->path);
    if (status && (t->file || status != FCNN_NO_FILE)) return program_failed(status);
    if (status) program_complain("%s; choices are kept for this run only", fcnn_last_error());
    t->in_memory = status != FCNN_OK;
    return EXIT_SUCCESS;
}

/* ---- --diff ---- */

static int same_problem(const fcnn_tuned *a, const fcnn_tuned *b)
{
    return a->threads == b->threads && a->numerics == b->numerics && !strcmp(a->problem, b->problem);
}

static int find_line(fcnn_tuning *table, const fcnn_tuned *wanted, fcnn_tuned *line)
{
    for (int i = 0; i < fcnn_tuning_count(table); i++)
        if (!fcnn_tuning_describe(table, i, line) && same_problem(line, wanted)) return 1;
    return 0;
}

static void print_line(char sign, const fcnn_tuned *line, enum cli_color color)
{
    printf("%s%c %s, %s, %d thread%s: %s, %d, %.2fx%s\n", cli_color(stdout, color), sign, line->problem,
           fcnn_class_name(line->numerics), line->threads, line->threads == 1 ? "" : "s", line->choice, line->team,
           line->gain, cli_color(stdout, CLI_PLAIN));
}

/* Lines of one table that the other has not, or with another choice. */
static int print_missing(fcnn_tuning *table, fcnn_tuning *other, char sign, enum cli_color color)
{
    int count = 0;
    for (int i = 0; i < fcnn_tuning_count(table); i++) {
        fcnn_tuned line, match;
        if (fcnn_tuning_describe(table, i, &line)) continue;
        if (find_line(other, &line, &match) && !strcmp(line.choice, match.choice) && line.team == match.team) continue;
        print_line(sign, &line, color);
        count++;
    }
    return count;
}

int tune_diff(struct tuning *t, int argc, char **argv, int first)
{
    fcnn_tuning *tables[2] = {NULL, NULL};
    (void)t;
    if (argc - first != 2) cli_usage(&cli_tune, "--diff wants two files");
    int code = EXIT_SUCCESS, differences = 0;
    for (int i = 0; i < 2 && !code; i++) {
        code = new_table(&tables[i]);
        if (!code) code = read_file(tables[i], argv[first + i]);
    }
    if (!code) {
        differences = print_missing(tables[0], tables[1], '-', CLI_RED);
        differences += print_missing(tables[1], tables[0], '+', CLI_GREEN);
    }
    for (int i = 0; i < 2; i++) fcnn_tuning_destroy(tables[i]);
    return code ? code : differences ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

/* ---- --merge, --prune ---- */

static int place_wanted(struct tuning *t)
{
    if (find_path(t)) return EXIT_SUCCESS;
    program_complain("there is no place for a tuning file; name one with --file");
    return EX_USAGE;
}

int tune_merge(struct tuning *t, int argc, char **argv, int first)
{
    int code = place_wanted(t);
    if (first == argc) cli_usage(&cli_tune, "--merge wants files");
    if (!code) code = new_table(&t->table);
    for (; first < argc && !code; first++) code = read_file(t->table, argv[first]);
    const fcnn_status status = code ? FCNN_OK : fcnn_tuning_write(t->table, t->path);
    if (status) return program_failed(status);
    if (!code && !t->quiet) printf("%d lines went into %s\n", fcnn_tuning_count(t->table), t->path);
    return code;
}

int tune_prune(struct tuning *t)
{
    int removed = 0;
    const int code = place_wanted(t);
    if (code) return code;
    const fcnn_status status = fcnn_tuning_prune(t->path, &removed);
    if (status) return program_failed(status);
    if (!t->quiet) printf("%d stale line%s taken out of %s\n", removed, removed == 1 ? "" : "s", t->path);
    return EXIT_SUCCESS;
}

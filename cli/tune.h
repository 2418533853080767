/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of `fastcnn tune` share. */
#ifndef FASTCNN_TUNE_H
#define FASTCNN_TUNE_H

#include "bench/names.h"
#include "cli/cli.h"

/* A problem to tune. */
struct tune_job {
    char text[256];
    fcnn_problem problem;
    double work; /* roughly, in seconds of one core */
};

struct tuning {
    /* the command line */
    const char *layers, *file;
    int model; /* 1: mnist */
    double budget;
    int again, check, diff, merge, prune, verbose, quiet;
    fcnn_options kernels;
    /* what it comes to */
    struct tune_job *jobs;
    int job_count;
    struct bench_names texts; /* of the jobs */
    const char *path;   /* of the tuning file; NULL: there is no place for one */
    fcnn_tuning *table;
    int in_memory;      /* the file cannot be written, and that was said */
    json_t *problems;   /* one for each */
};

/* ---- tune_list.c ---- */

/* Problems of arguments, layer lists and files, the most work first. Returns an exit code. */
int tune_list(struct tuning *t, int argc, char **argv, int first);

/* ---- tune_file.c ---- */

/* Finds the path, reads what is there into the table. Returns an exit code. */
int tune_open(struct tuning *t);
/* Writes the table. Where nobody named a file, one that cannot be written is no failure, but said once. */
int tune_save(struct tuning *t);
int tune_diff(struct tuning *t, int argc, char **argv, int first);
int tune_merge(struct tuning *t, int argc, char **argv, int first);
int tune_prune(struct tuning *t);

extern const struct cli_command cli_tune;

#endif

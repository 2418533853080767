/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of `fastcnn verify` share. */
#ifndef FASTCNN_CLI_VERIFY_H
#define FASTCNN_CLI_VERIFY_H

#include "cli/record.h"

enum verdict { VERIFIED, DIFFERS, CANNOT_BE_VERIFIED }; /* the exit codes, too */

struct verification {
    /* the command line */
    struct training t;   /* the run as it is repeated */
    const char *path;    /* of the receipt */
    const char *initial, *trail, *checkpoint;
    int epochs;          /* 0: all */

    struct fcnn_receipt_file receipt;
    int whole;           /* it was read to its end */
    struct io_trail_reader *steps; /* of `trail` */
    int64_t from;        /* the step that `checkpoint` is at, counted from the run's first; 0: the beginning */
    enum verdict verdict;
    char reason[1400];   /* in a sentence; "" for VERIFIED */
    int64_t compared_epochs, compared_steps;
    /* DIFFERS: where first; 0 and "" where that says nothing */
    int64_t epoch, step;
    char tensor[600];
    struct fcnn_receipt_difference difference; /* member "" */
    double seconds;
};

/* verify_run.c. Sets verdict and reason; returns an exit code where there is none (interrupted, a file that is not
 * there, no memory), after a complaint. */
int verify_run(struct verification *v);

/* verify_checkpoint.c: a model that stands where `checkpoint` does, and t->checkpoint.before. Held against the receipt
 * at the end of an epoch, else against the trail, whose next line is then that of the next step. Verdicts and codes as
 * verify_begin(). */
int verify_load_checkpoint(struct verification *v, fcnn_model **model);
int verify_find_checkpoint(struct verification *v, const fcnn_model *model);
/* What is damaged, or wants what this program has not, is a verdict; no file and no memory are failures. */
int verify_judge(struct verification *v, fcnn_status status, const char *sentence);

/* verify_begin.c: model and data of the receipt, each held against its hashes; *model NULL: there is a verdict, or the
 * code is not 0. */
int verify_begin(struct verification *v, fcnn_model **model);
/* Ends with that verdict; returns 0. */
int verify_conclude(struct verification *v, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));


#endif

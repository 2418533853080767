/* SPDX-License-Identifier: BSD-2-Clause
 * What is kept of each step and epoch of a run, for its receipt and its trail, and for who watches it be repeated. */
#ifndef FASTCNN_CLI_RECORD_H
#define FASTCNN_CLI_RECORD_H

#include "cli/training.h"
#include "lib/io/receipt.h"
#include "lib/io/trail.h"

struct record_private;

struct record {
    /* Called with each line of the trail, the first one before the first step, and with each epoch that has ended
     * (number: from 0). Nonzero stops the run. NULL: nobody watches. */
    int (*on_step)(void *context, const struct io_trail *trail, const struct io_trail_step *step);
    int (*on_epoch)(void *context, int64_t number, const struct fcnn_receipt_epoch *epoch);
    void *context;
    struct fcnn_receipt_epoch *epochs;
    char trail[65]; /* SHA-256, after record_end(); "" without a trail */
    struct record_private *own;
};

struct record *record_create(int epochs);
void record_destroy(struct record *record);

/* Before anything of a new run is written: its trail is made, where there is none, and locked; another run may have
 * come before. One that was made goes away again with the record, unless the run has begun. */
int record_claim(struct training *t);

/* Before the first step, after each call of fcnn_fit()'s callback, after the last one. The trail goes to t->trail_file
 * line by line: who kills the program finds all lines but the last there. A run that goes on from a checkpoint goes on
 * in the trail behind the checkpoint's step, which must be there; t->kept has the epochs. Of a run whose best epoch is
 * kept the lines after that are taken out again. Exit codes, after a complaint; record_step(): 1 to stop, t->failed is
 * the code. */
int record_begin(struct training *t, const fcnn_model *model);
int record_step(struct training *t, const fcnn_model *model, const fcnn_progress *progress);
int record_end(struct training *t, const fcnn_model *model);

/* The classes that options and environment allow, in the order of fcnn_class: "exact,winograd_f2". */
void record_math(const fcnn_options *kernels, char math[64]);
/* The kernels that options or environment ask for, where results depend on them: which of several classes a problem
 * gets. "" elsewhere. */
const char *record_kernel(const fcnn_options *kernels, const char *math);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of `fastcnn train` share: the options as the command line gives them, and what came of the run. */
#ifndef FASTCNN_CLI_TRAINING_H
#define FASTCNN_CLI_TRAINING_H

#include <jansson.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/file_lock.h"
#include "cli/model.h"

/* Why a run ended before its last epoch. */
enum training_end { RAN_OUT, REACHED, NO_PATIENCE, INTERRUPTED };

/* What the command line says nothing of, in `compile` and data.seed. */
#define TRAINING_SEED_NOT_GIVEN UINT64_MAX
extern const fcnn_compile_options training_nothing_given;

/* Of an epoch so far. */
struct training_time {
    double seconds, training_seconds; /* as in fcnn_progress */
};

/* Of --checkpoint: checkpoint.h. */
struct checkpoint {
    const char *file; /* NULL: none */
    int64_t every;    /* steps; 0: epochs */
    int resume;
    struct cli_lock lock;
    int goes_on;      /* there is a run in the file, and it goes on */
    int wanted;       /* epochs that were asked for there */
    int before;       /* epochs that were finished there */
    int keeps_best;   /* the best epoch's model, too: with --patience or --best, in whichever process */
    int64_t diverged; /* step in which the run ended there, because it had diverged; 0: it had not */
    json_t *program;  /* what was there beside the model */
    fcnn_snapshot *best;
    double wall_seconds;
    struct training_time begun; /* of the epoch that was under way there */
    char train_sha256[65], test_sha256[65];
};

struct training {
    struct cli_data data;
    const char *model_name;
    fcnn_compile_options compile; /* the command line's; once there is a model: the model's */
    fcnn_fit_options fit;
    int64_t limit;
    int verbose, tune;
    const char *receipt_file, *save_file, *best_file, *history_file, *trail_file; /* NULL: none */
    struct cli_lock trail_lock;
    double minimum;   /* test accuracy below which the run has failed */
    double until;     /* accuracy at which it may end; 0: never */
    int64_t patience; /* 0: as long as there are epochs */
    int monitor;      /* fcnn_monitor */
    fcnn_options kernels;
    struct checkpoint checkpoint;

    /* results */
    json_t *kept;       /* an object, for whatever of the results must go along in a checkpoint, beside the following */
    json_t *file_compile; /* with a checkpoint: how the model's file was compiled at first, a line; NULL: unknown */
    fcnn_file_info file;
    fcnn_progress *history;
    int epochs;         /* finished */
    struct training_time time; /* of the epoch under way, in other processes too */
    long *faults;       /* page faults of each epoch's training steps after the first */
    struct record *record; /* what receipt and trail say of steps and epochs; NULL: neither is wanted */
    long step_faults;   /* of the process at the end of the epoch's first step here */
    int64_t steps;      /* of the epoch, in this process */
    enum training_end end;
    fcnn_early_stopping stopping; /* with patience or best_file */
    int restored;       /* the model is that of an earlier epoch: of stopping.best_epoch */
    int running;        /* the first step may have been taken */
    double began;       /* then: cli_now() before it, less what the run took in other processes */
    struct {
        double accuracy, training_seconds, wall_seconds; /* accuracy 0: not reached */
    } reached;
    int failed;         /* exit code of what a callback could not do, complained about; it has stopped the run */
    fcnn_metrics test;
    fcnn_receipt receipt;
    int64_t parameters;
    fcnn_isa isa;
    int threads;
    int timed;          /* epochs that this process did from beginning to end */
    double peak, epoch_seconds, bound_seconds; /* GFLOP/s; median of the timed; dense FLOP bound; 0: unknown */
};

/* Images that an epoch trains on: the last part is for validation, as in Keras. */
int64_t training_images(const struct training *t);

/* training.c: trains and evaluates. After FCNN_INTERRUPTED the model is that of the last step. */
fcnn_status training_run(struct training *t, fcnn_model *model, struct cli_progress *progress);
/* Trains alone, with what is looked at after each step. */
fcnn_status training_fit(struct training *t, fcnn_model *model, struct cli_progress *progress);
/* train_model.c, exit codes: the model that t->model_name names, compiled as its file and the options say, which
 * t->compile and t->data.seed then have. */
int training_open_model(struct training *t, fcnn_model **model);
/* The data have the model's shapes; pixels become what t->file says that it takes. */
int training_fit_data(struct training *t, const fcnn_model *model);

/* train_report.c */
int training_report(const struct training *t); /* prints; returns an exit code */
int training_write_receipt(const struct training *t, const fcnn_model *model);
/* record.h: what the receipt says, the caller's to json_decref(). */
int training_receipt(const struct training *t, const fcnn_model *model, json_t **receipt);
const char *training_optimizer(int number); /* "adam", NULL past the last one; so the others */
const char *training_loss(int number);
const char *training_schedule(int number);
const char *training_monitor(int number);

#endif

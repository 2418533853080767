/* SPDX-License-Identifier: BSD-2-Clause
 * `fastcnn train --checkpoint FILE [--every N] [--resume]`: what of a run is kept in a file, when it is written, how a
 * run goes on from it. Each function complains and returns an exit code where it says nothing else. */
#ifndef FASTCNN_CLI_CHECKPOINT_H
#define FASTCNN_CLI_CHECKPOINT_H

#include "cli/training.h"

/* What the command line says, before anything is opened. t->checkpoint.goes_on: there is a run to go on with. Refused:
 * a file that is there without --resume, one that cannot be written. */
int checkpoint_find(struct training *t);

/* Where it goes on: the model, and in *t all that the run depends on, as it was. Options that say otherwise are refused
 * by name. */
int checkpoint_open(struct training *t, fcnn_model **model);

/* Once the data are there, as the model takes them: they are those of the run. Without a checkpoint nothing. */
int checkpoint_check_data(struct training *t);

/* Once t->history has its room: the epochs that are finished. */
int checkpoint_restore(struct training *t);

/* A new run's first one, before its first step: what cannot be written shows here. */
int checkpoint_begin(struct training *t, const fcnn_model *model);

/* Whether the run has nothing left to do but its results. */
int checkpoint_is_finished(const struct training *t);

/* After each step and at the end of each epoch, once all else that happens there has: writes the file where it is time
 * for it. Anything but 0, in t->failed too: it could not; the run is to stop. */
int checkpoint_after_step(struct training *t, const fcnn_model *model, const fcnn_progress *state);

void checkpoint_free(struct training *t);

/* ---- checkpoint_model.c ---- */

/* Once a model's file was read: how it says that the model is compiled goes into the checkpoint. */
void checkpoint_keep_compiling(struct training *t, const fcnn_model *model);
/* Whether the file of that name, where it is still there, has the layers of the run that goes on, and is compiled as it
 * was. Refused, and said what differs, if not. */
int checkpoint_check_model(const struct training *t, const fcnn_model *model, const char *name);

/* ---- checkpoint_options.c ---- */

json_t *checkpoint_options_json(const struct training *t);
/* Classes and kernels into t->kernels, from t->checkpoint.program, whose texts they are; *are_plain: the class is exact
 * alone, and no kernel is asked for. Refused: what options or variables say otherwise. */
int checkpoint_read_kernels(struct training *t, int *are_plain);
/* The rest over *t, from there and the model. */
int checkpoint_read_options(struct training *t, const fcnn_model *model);
/* The name of an option that is given, as `given` has it, and is not the run's. NULL: none. */
const char *checkpoint_other_option(const struct training *given, const struct training *run);
/* Complains of the file, with where it is wrong. */
int checkpoint_damaged(const struct training *t, const char *where);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Histories of training: metrics by epoch, as Keras has them. A file is JSON, the dictionary of Keras' History object
 * ({"accuracy": [...], "loss": [...], "val_accuracy": [...], "val_loss": [...]}), or CSV where its name ends with .csv:
 * the lines of Keras' CSVLogger (epoch,accuracy,loss,val_accuracy,val_loss; epochs from 0). */
#ifndef FASTCNN_CLI_HISTORY_H
#define FASTCNN_CLI_HISTORY_H

#include <jansson.h>

#include "lib/fastcnn.h"

enum cli_metric { CLI_ACCURACY, CLI_LOSS, CLI_VAL_ACCURACY, CLI_VAL_LOSS, CLI_METRICS };
const char *cli_metric_name(int metric); /* "val_accuracy" */
double cli_metric(const fcnn_progress *epoch, int metric);

struct cli_history {
    int epochs;
    double *values[CLI_METRICS]; /* of each epoch; NAN: none or not finite; NULL: not in the file. cli_history_free() */
};

/* Replaces the file or leaves it as it is. Complains and returns an exit code. */
int cli_history_write(const char *path, const fcnn_progress *epochs, int count);

/* Reads what Keras, this program or pandas wrote; metrics of other names are skipped. Complains and returns an exit
 * code: 66 no such file, 65 neither a history nor any of the metrics above, or more than 128 MiB, 1,000,000 epochs, or
 * JSON that would take more than 256 MiB of memory. */
int cli_history_read(struct cli_history *history, const char *path);
void cli_history_free(struct cli_history *history);

#endif

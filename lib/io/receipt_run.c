/* SPDX-License-Identifier: BSD-2-Clause
 * What it takes to repeat a run without its command line, and what each epoch left. */
#include "lib/io/receipt_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/text.h"

static int append(json_t *list, json_t *value) { return json_array_append_new(list, value); }

json_t *fcnn_receipt_model(const fcnn_model *model)
{
    char *text;
    const fcnn_status status = io_text_format(&text, model, "receipt");
    if (status) return status == FCNN_BAD_ARGUMENT ? json_null() : NULL;
    json_t *lines = json_array();
    int failed = !lines;
    for (const char *at = text; !failed && *at;) {
        const size_t length = strcspn(at, "\n");
        failed = append(lines, json_stringn(at, length));
        at += length + (at[length] == '\n');
    }
    free(text);
    if (!failed) return lines;
    json_decref(lines);
    return NULL;
}

json_t *fcnn_receipt_source(const struct fcnn_receipt_run *run)
{
    char seed[32];
    if (!run) return json_null();
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->seed);
    return json_pack("{s:s, s:o, s:I, s:o}", "kind", run->kind, "seed",
                     run->synthetic ? json_string(seed) : json_null(), "images", (json_int_t)run->images, "pixels",
                     run->scaled ? json_pack("{s:f, s:f}", "scale", run->scale, "offset", run->offset) : json_null());
}

/* JSON has no word for what is not finite. */
static json_t *real(double value, int there) { return there && isfinite(value) ? json_real(value) : json_null(); }

json_t *fcnn_receipt_epoch_json(int64_t number, const struct fcnn_receipt_epoch *epoch)
{
    return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "epoch", (json_int_t)(number + 1), "steps",
                     (json_int_t)epoch->steps, "weights_sha256", epoch->weights, "loss", real(epoch->loss, 1),
                     "accuracy", real(epoch->accuracy, 1), "val_loss", real(epoch->val_loss, epoch->validated),
                     "val_accuracy", real(epoch->val_accuracy, epoch->validated));
}

json_t *fcnn_receipt_epochs(const struct fcnn_receipt_run *run, int64_t count)
{
    json_t *list = run ? json_array() : json_null();
    for (int64_t i = 0; run && list && i < count; i++) {
        if (!append(list, fcnn_receipt_epoch_json(i, &run->epochs[i]))) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The receipt of a run from what was recorded of it: see record.h. */
#include "cli/record.h"

#include <stdlib.h>
#include <string.h>

#include "cli/network.h"

/* "exact" where nothing else is said; a word twice is one. */
void record_math(const fcnn_options *kernels, char math[64])
{
    const char *said = kernels->math ? kernels->math : getenv("FASTCNN_MATH");
    size_t used = 0;
    *math = 0;
    if (!said || !*said) said = fcnn_class_name(FCNN_EXACT);
    for (int i = FCNN_EXACT; i <= FCNN_BF16; i++) {
        const char *name = fcnn_class_name((fcnn_class)i);
        int there = 0;
        for (const char *at = said; *at && !there; at += *at == ',') {
            const size_t length = strcspn(at, ",");
            there = length == strlen(name) && !strncmp(at, name, length);
            at += length;
        }
        if (there) used += (size_t)snprintf(math + used, 64 - used, "%s%s", used ? "," : "", name);
    }
}

const char *record_kernel(const fcnn_options *kernels, const char *math)
{
    const char *asked = kernels->kernel ? kernels->kernel : getenv("FASTCNN_KERNEL");
    return asked && strchr(math, ',') ? asked : "";
}

int training_receipt(const struct training *t, const fcnn_model *model, json_t **receipt)
{
    char message[512], math[64];
    record_math(&t->kernels, math);
    const struct fcnn_receipt_run run = {
        .kind = t->data.directory ? fcnn_data_kind_name(t->data.kind) : "synthetic digits",
        .synthetic = !t->data.directory,
        .seed = t->data.seed,
        .images = t->data.train.n,
        .scaled = cli_network_scales(&t->file),
        .scale = t->file.input_scale,
        .offset = t->file.input_offset,
        .math = math,
        .kernel = record_kernel(&t->kernels, math),
        .epochs = t->record->epochs,
        .trail = *t->record->trail ? t->record->trail : NULL,
    };
    const fcnn_status status =
        fcnn_receipt_json_run(receipt, model, t->data.train.x, t->data.train.y, &run, message, sizeof message);
    if (!status) return EXIT_SUCCESS;
    program_complain("%s", message);
    return program_exit_code(status);
}

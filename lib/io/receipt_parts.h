/* SPDX-License-Identifier: BSD-2-Clause
 * Members of a receipt that receipt_run.c makes; NULL: no memory. */
#ifndef FCNN_IO_RECEIPT_PARTS_H
#define FCNN_IO_RECEIPT_PARTS_H

#include "lib/io/receipt.h"

json_t *fcnn_receipt_model(const fcnn_model *model); /* lines of its text; null where a name cannot be one */
json_t *fcnn_receipt_source(const struct fcnn_receipt_run *run);
json_t *fcnn_receipt_epochs(const struct fcnn_receipt_run *run, int64_t count);

#endif

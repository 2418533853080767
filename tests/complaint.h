/* SPDX-License-Identifier: BSD-2-Clause
 * For tests and fuzz targets of what the programs read: complaints are kept instead of printed, and nothing is written.
 * Stands in place of cli/program.c and cli/file.c. */
#ifndef FCNN_TESTS_COMPLAINT_H
#define FCNN_TESTS_COMPLAINT_H

#include "cli/program.h"

extern char complaint[16384]; /* the last one; "" it to see whether another comes */

#endif

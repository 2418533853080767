/* SPDX-License-Identifier: BSD-2-Clause
 * The sentence behind fcnn_last_error(). */
#ifndef FCNN_ERROR_H
#define FCNN_ERROR_H

#include "lib/fastcnn.h"

/* Sets this thread's sentence and returns `status`, so that failing is one line. */
fcnn_status fcnn_fail(fcnn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

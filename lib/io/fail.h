/* SPDX-License-Identifier: BSD-2-Clause
 * The sentence behind fcnn_io_last_error(). */
#ifndef FCNN_IO_FAIL_H
#define FCNN_IO_FAIL_H

#include "lib/io/fastcnn_io.h"

/* Sets this thread's sentence and returns `status`. */
fcnn_status fcnn_io_fail(fcnn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with fcnn_last_error() behind "WHERE: ", after a call of the kernel library. */
fcnn_status fcnn_io_fail_as(fcnn_status status, const char *where);

/* The same where a file said what the library refused: an argument or a shape is the file's fault, FCNN_BAD_DATA. */
fcnn_status fcnn_io_fail_of_file(fcnn_status status, const char *where);

#define IO_TRY(call)                                                                                                   \
    do {                                                                                                               \
        fcnn_status status_ = (call);                                                                                  \
        if (status_ != FCNN_OK) return status_;                                                                        \
    } while (0)

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * What failed last in this thread. */
#include "lib/io/fail.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[1024];

const char *fcnn_io_last_error(void) { return message; }

fcnn_status fcnn_io_fail(fcnn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status;
}

fcnn_status fcnn_io_fail_as(fcnn_status status, const char *where)
{
    return fcnn_io_fail(status, "%s: %s", where, fcnn_last_error());
}

fcnn_status fcnn_io_fail_of_file(fcnn_status status, const char *where)
{
    return fcnn_io_fail_as(status == FCNN_BAD_ARGUMENT || status == FCNN_BAD_SHAPE ? FCNN_BAD_DATA : status, where);
}

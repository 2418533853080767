/* SPDX-License-Identifier: BSD-2-Clause
 * Status texts and the sentence of the last failure, one per thread. */
#include "lib/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char sentence[512];

const char *fcnn_status_text(fcnn_status status)
{
    switch (status) {
    case FCNN_OK: return "ok";
    case FCNN_BAD_ARGUMENT: return "bad argument";
    case FCNN_BAD_SHAPE: return "bad shape";
    case FCNN_BAD_SETTING: return "bad setting";
    case FCNN_NO_KERNEL: return "no kernel";
    case FCNN_OUT_OF_MEMORY: return "out of memory";
    case FCNN_BAD_DATA: return "bad data";
    case FCNN_NO_FILE: return "no file";
    case FCNN_INTERRUPTED: return "interrupted";
    case FCNN_DIVERGED: return "diverged";
    case FCNN_NOT_TUNED: return "not tuned";
    }
    return "unknown status";
}

const char *fcnn_last_error(void) { return sentence; }

fcnn_status fcnn_fail(fcnn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return status;
}

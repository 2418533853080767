/* SPDX-License-Identifier: BSD-2-Clause
 * See complaint.h. */
#include "tests/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"

char complaint[16384];

void program_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, sizeof complaint, format, arguments);
    va_end(arguments);
}

int program_exit_code(fcnn_status status)
{
    return status == FCNN_BAD_DATA ? EX_DATAERR : status == FCNN_NO_FILE ? EX_NOINPUT : EX_SOFTWARE;
}

void *program_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) abort();
    return memory;
}

int cli_write_file(const char *path, const char *text)
{
    return path && text ? EXIT_SUCCESS : EX_SOFTWARE;
}

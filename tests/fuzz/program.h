/* SPDX-License-Identifier: BSD-2-Clause
 * What readers of the programs call, for their fuzz targets: a complaint is kept in `complaint` instead of printed. */
#ifndef FCNN_FUZZ_PROGRAM_H
#define FCNN_FUZZ_PROGRAM_H

#include <stdarg.h>

#include "cli/program.h"
#include "tests/fuzz/fuzz.h"

static char complaint[16384];

void program_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint, sizeof complaint, format, arguments);
    va_end(arguments);
}

int program_exit_code(fcnn_status status) { return status == FCNN_BAD_DATA ? EX_DATAERR : EX_SOFTWARE; }

/* The program ends where this fails; so does the target, with the finding. */
void *program_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    EXPECT(memory);
    return memory;
}

/* Nothing is written. */
int cli_write_file(const char *path, const char *text) { return !path || !text; }

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * See program.h. */
#include "cli/program.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "fastcnn";

static void close_stdout(void)
{
    int failed_before = ferror(stdout);
    int failed_now = fclose(stdout);
    if (!failed_before && !failed_now) return;
    program_complain("writing the results failed%s%s", failed_now ? ": " : "", failed_now ? strerror(errno) : "");
    _exit(EX_IOERR);
}

void program_start(const char *name)
{
    program_name = name;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL);
#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN); /* past a limit of file sizes write() fails, and says so */
#endif
    atexit(close_stdout);
}

void program_complain(const char *format, ...)
{
    char sentence[16384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", program_name, program_printable(sentence));
}

char *program_printable(char *text)
{
    for (char *at = text; *at;) {
        const size_t length = program_letter(at);
        if (!length) *at = '?';
        at += length ? length : 1;
    }
    return text;
}

int program_exit_code(fcnn_status status)
{
    switch (status) {
    case FCNN_OK: return EXIT_SUCCESS;
    case FCNN_BAD_SHAPE:
    case FCNN_BAD_SETTING:
    case FCNN_NO_KERNEL: return EX_USAGE;
    case FCNN_OUT_OF_MEMORY: return EX_OSERR;
    case FCNN_BAD_DATA: return EX_DATAERR;
    case FCNN_NO_FILE: return EX_NOINPUT;
    case FCNN_DIVERGED: return EXIT_CHECK_FAILED;
    case FCNN_INTERRUPTED: return EXIT_INTERRUPTED;
    default: return EX_SOFTWARE;
    }
}

int program_failed(fcnn_status status)
{
    const char *sentence = fcnn_last_error();
    program_complain("%s", *sentence ? sentence : fcnn_status_text(status));
    return program_exit_code(status);
}

void *program_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (memory) return memory;
    program_complain("out of memory");
    exit(EX_OSERR);
}

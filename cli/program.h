/* SPDX-License-Identifier: BSD-2-Clause
 * What every program of this project does alike: how it starts and ends, complains, and exits. One sentence on stderr
 * for each failure; the exit code follows from the status (sysexits.h):
 *     0   success                    64  usage: an option, value, problem or variable that cannot be understood
 *     1   the check failed           65  bad data     66  no such file     70  internal error
 *     130 interrupted: Ctrl-C, TERM  71  no memory    74  results or files could not be written */
#ifndef FCNN_PROGRAM_H
#define FCNN_PROGRAM_H

#include <stddef.h>
#include <sysexits.h>

#include "lib/fastcnn.h"

#define EXIT_CHECK_FAILED 1 /* the program ran, but what it checked does not hold */
#define EXIT_INTERRUPTED 130

/* First thing in main(): the name that goes before complaints, the character set of the locale, and that results which
 * did not reach stdout (a full disk) end the program with EX_IOERR. */
void program_start(const char *name);

/* "NAME: sentence" on stderr. */
void program_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Names come from files, and a terminal obeys control characters. program_letter(): the bytes of the character at
 * `text`; 0 where there is none to be shown: a control character, or bytes that are not UTF-8 (inline, so that who
 * writes pages needs no program). program_printable() puts '?' in place of each such byte, and returns `text`, as long
 * as before. Complaints go through it. */
char *program_printable(char *text);

/* The table of Unicode's chapter 3.9: which second bytes there are depends on the first one. */
static inline size_t program_letter(const char *text)
{
    const unsigned char *at = (const unsigned char *)text, first = *at;
    const size_t length = first < 0x80 ? 1 : first < 0xc2 || first > 0xf4 ? 0
                          : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const unsigned char least = first == 0xe0 || first == 0xc2 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80; /* C2 80-9F: C1 */
    const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (length == 1) return first >= 0x20 && first != 0x7f;
    if (!length || at[1] < least || at[1] > most) return 0;
    for (size_t i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xbf) return 0;
    return length;
}

int program_exit_code(fcnn_status status);
/* Complains with the library's sentence about the call that just failed; returns the exit code that goes with it. */
int program_failed(fcnn_status status);

/* Zeroed memory, at least one byte; free(). Ends the program with EX_OSERR and a sentence where there is none. */
void *program_allocate(size_t count, size_t size);

#endif

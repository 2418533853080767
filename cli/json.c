/* SPDX-License-Identifier: BSD-2-Clause
 * Results as JSON documents. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void *allocate(size_t size)
{
    return program_allocate(1, size);
}

void cli_start_json(void)
{
    json_set_alloc_funcs(allocate, free);
}

int cli_print_json(json_t *document)
{
    if (!document) {
        program_complain("the JSON document could not be made: a text that is not UTF-8 or a number that is none");
        return EX_SOFTWARE;
    }
    int failed = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) != 0;
    if (!failed) putchar('\n');
    json_decref(document);
    return failed ? EX_IOERR : EXIT_SUCCESS; /* the sentence comes when stdout is closed */
}

json_t *cli_json_text(const char *text)
{
    json_t *json = json_string(text);
    if (json) return json;
    char *copy = program_allocate(strlen(text) + 1, 1);
    for (size_t i = 0; text[i]; i++) copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    json = json_string(copy);
    free(copy);
    return json;
}

json_t *cli_json_real(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a tuning file holds, reading it gives lines that can be used as dispatch would use its own, and a text that
 * is read and written again is the same text. A line "@" of the input is this machine's "cpu" line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tuning/table.h"
#include "tests/fuzz/fuzz.h"

/* The input with this machine in it; free() it. */
static char *expand(const uint8_t *bytes, size_t *length)
{
    const char *machine = fcnn_tuning_machine();
    const uint8_t *at = memmem(bytes, *length, "\n@\n", 3);
    char *text = malloc(*length + strlen(machine) + 8), *end = text;
    const size_t before = at ? (size_t)(at + 1 - bytes) : *length;
    memcpy(end, bytes, before);
    end += before;
    if (at) {
        end += sprintf(end, "cpu %s", machine);
        memcpy(end, at + 2, *length - before - 1);
        end += *length - before - 1;
    }
    *length = (size_t)(end - text);
    return text;
}

static void check_line(const struct fcnn_line *line)
{
    fcnn_problem problem;
    if (*line->stale) return;
    EXPECT(!fcnn_problem_parse(&problem, line->problem));
    EXPECT(line->usable.kernel->op == problem.op && line->usable.kernel->direction == problem.direction);
    EXPECT(!strcmp(fcnn_class_name(line->usable.kernel->numerics), line->numerics));
    EXPECT(!fcnn_unservable(line->usable.kernel, &problem));
    EXPECT(fcnn_affordable(&line->usable, &problem));
    EXPECT(line->team >= 1 && line->team <= line->threads);
}

static void note(void *context, const char *origin, int line, const char *what)
{
    (void)origin;
    EXPECT(line >= 0 && *what);
    EXPECT(++*(int *)context <= 101);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    fcnn_tuning *table, *again;
    int notes = 0;
    char *text = expand(bytes, &length);
    EXPECT(!fcnn_tuning_create(&table) && !fcnn_tuning_create(&again));
    const fcnn_status status = fcnn_tuning_parse(table, text, length, "fuzz", note, &notes);
    EXPECT(status == FCNN_OK || status == FCNN_BAD_DATA);
    for (int i = 0; i < table->lines.count; i++) check_line(table->lines.at[i]);
    char *first = fcnn_tuning_format(table);
    EXPECT(first && !fcnn_tuning_parse(again, first, strlen(first), "fuzz", NULL, NULL));
    char *second = fcnn_tuning_format(again);
    EXPECT(second && !strcmp(first, second));
    free(text);
    free(first);
    free(second);
    fcnn_tuning_destroy(table);
    fcnn_tuning_destroy(again);
    return 0;
}

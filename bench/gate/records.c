/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls take() for each line, which is cut at its end, of at most 4 KB. 0: a line was refused. */
static int each_line(const char *text, int (*take)(void *, char *), void *context)
{
    char line[4352];
    while (*text) {
        const size_t length = strcspn(text, "\n");
        if (length >= sizeof line) return 0;
        memcpy(line, text, length);
        line[length] = 0;
        if (!take(context, line)) return 0;
        text += length + (text[length] == '\n');
    }
    return 1;
}

/* One more element; NULL without memory. */
static void *grow(void **items, int *count, size_t size)
{
    void *more = realloc(*items, (size_t)(*count + 1) * size);
    if (!more) return NULL;
    *items = more;
    return memset((char *)more + (size_t)(*count)++ * size, 0, size);
}

static int take_remark(struct gate_remark **list, int *count, const char *line)
{
    struct gate_remark *remark = grow((void **)list, count, sizeof *remark);
    return remark && sscanf(line, "%63s %159[^\n]", remark->kernel, remark->why) == 2;
}

static int take_case(struct gate_list *list, const char *line)
{
    struct gate_case *c = grow((void **)&list->cases, &list->case_count, sizeof *c);
    return c && sscanf(line, "%63s %ld %lf %191[^\n]", c->kernel, &c->iterations, &c->flops,
                       c->problem) == 4 && c->iterations > 0;
}

static int take_listed(void *context, char *line)
{
    struct gate_list *list = context;
    if (!strncmp(line, "case ", 5)) return take_case(list, line + 5);
    if (!strncmp(line, "uncovered ", 10)) return take_remark(&list->uncovered, &list->uncovered_count, line + 10);
    if (!strncmp(line, "absent ", 7)) return take_remark(&list->absent, &list->absent_count, line + 7);
    if (!strncmp(line, "library ", 8)) return snprintf(list->library, sizeof list->library, "%s", line + 8) > 0;
    if (!strncmp(line, "machine ", 8)) return snprintf(list->machine, sizeof list->machine, "%.255s", line + 8) > 0;
    if (!strncmp(line, "cpu ", 4)) return snprintf(list->cpu, sizeof list->cpu, "%.127s", line + 4) >= 0;
    return 0;
}

int gate_list_parse(struct gate_list *list, const char *text)
{
    memset(list, 0, sizeof *list);
    return each_line(text, take_listed, list);
}

void gate_list_free(struct gate_list *list)
{
    free(list->cases);
    free(list->uncovered);
    free(list->absent);
}

const struct gate_case *gate_list_find(const struct gate_list *list, const char *kernel)
{
    for (int i = 0; i < list->case_count; i++)
        if (!strcmp(list->cases[i].kernel, kernel)) return &list->cases[i];
    return NULL;
}

static int is_among(const struct gate_remark *list, int count, const char *kernel)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i].kernel, kernel)) return 1;
    return 0;
}

int gate_list_has(const struct gate_list *list, const char *kernel)
{
    return gate_list_find(list, kernel) || is_among(list->uncovered, list->uncovered_count, kernel) ||
           is_among(list->absent, list->absent_count, kernel);
}

struct reading {
    struct gate_record *record;
    int count;
};

static int take_timed(void *context, char *line)
{
    const struct reading *to = context;
    int index;
    double least, lower, rate;
    if (sscanf(line, "row %d %lf %lf %lf", &index, &least, &lower, &rate) == 4) {
        if (index < 0 || index >= to->count || !(lower > 0)) return 0;
        to->record->seconds[index] = lower;
        to->record->rates[index] = rate;
        return 1;
    }
    if (!strncmp(line, "library ", 8))
        return snprintf(to->record->library, sizeof to->record->library, "%s", line + 8) > 0;
    return sscanf(line, "core %lf", &to->record->core) == 1 || !strncmp(line, "failed ", 7);
}

int gate_record_parse(struct gate_record *record, int count, const char *text)
{
    struct reading to = {record, count};
    *record->library = 0;
    record->core = NAN;
    for (int i = 0; i < count; i++) record->seconds[i] = record->rates[i] = NAN;
    return each_line(text, take_timed, &to);
}

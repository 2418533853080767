/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/names.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
    int number;
    char text[];
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

/* To be freed; NULL: no memory. */
__attribute__((format(printf, 1, 0)))
static struct name *make(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    struct name *name = length < 0 ? NULL : malloc(sizeof *name + (size_t)length + 1);
    if (name) vsnprintf(name->text, (size_t)length + 1, format, arguments);
    return name;
}

int bench_names_number(struct bench_names *names, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct name *name = make(format, arguments);
    va_end(arguments);
    if (!name) return -1;
    name->number = names->count;
    struct name *const *there = tsearch(name, &names->tree, by_text);
    const int number = there ? (*there)->number : -1;
    if (there && *there == name) names->count++;
    else free(name);
    return number;
}

int bench_names_find(const struct bench_names *names, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct name *name = make(format, arguments), *const *there = NULL;
    va_end(arguments);
    if (name) there = tfind(name, &names->tree, by_text);
    free(name);
    return there ? (*there)->number : -1;
}

void bench_names_free(struct bench_names *names)
{
    tdestroy(names->tree, free);
    *names = (struct bench_names){0};
}

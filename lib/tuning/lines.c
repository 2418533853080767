/* SPDX-License-Identifier: BSD-2-Clause
 * Lines of tuning tables, and sorted lists of them: see table.h. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tuning/table.h"

/* ---- one line ---- */

/* Copies a text to *end, which moves behind it. */
static const char *keep(char **end, const char *text)
{
    char *copy = *end;
    *end = stpcpy(copy, text) + 1;
    return copy;
}

static _Atomic uint64_t turns;
uint64_t fcnn_line_turns(void) { return turns; }

struct fcnn_line *fcnn_line_make(const struct fcnn_line *fields)
{
    const size_t texts = strlen(fields->machine) + strlen(fields->problem) + strlen(fields->numerics) +
                         strlen(fields->choice) + strlen(fields->conditions) + 5;
    struct fcnn_line *line = malloc(sizeof *line + texts);
    if (!line) return NULL;
    char *end = (char *)(line + 1);
    *line = *fields;
    line->machine = keep(&end, fields->machine);
    line->problem = keep(&end, fields->problem);
    line->numerics = keep(&end, fields->numerics);
    line->choice = keep(&end, fields->choice);
    line->conditions = keep(&end, fields->conditions);
    line->comments = NULL;
    line->turn = ++turns;
    if (!fcnn_line_comment(line, fields->comments)) {
        free(line);
        return NULL;
    }
    return line;
}

void fcnn_line_free(struct fcnn_line *line)
{
    if (line) free(line->comments);
    free(line);
}

int fcnn_line_compare(const struct fcnn_line *a, const struct fcnn_line *b)
{
    int order = strcmp(a->machine, b->machine);
    if (!order) order = strcmp(a->problem, b->problem);
    if (!order) order = strcmp(a->numerics, b->numerics);
    return order ? order : (a->threads > b->threads) - (a->threads < b->threads);
}

/* Whether comments have a line, which ends with \n. */
static int has_comment(const char *comments, const char *line, size_t length)
{
    for (const char *at = comments; *at; at = strchr(at, '\n') + 1)
        if (!strncmp(at, line, length)) return 1;
    return 0;
}

int fcnn_line_comment(struct fcnn_line *line, const char *comments)
{
    if (!comments || !*comments) return 1;
    const size_t had = line->comments ? strlen(line->comments) : 0;
    char *all = realloc(line->comments, had + strlen(comments) + 1);
    if (!all) return 0;
    char *end = all + had;
    *end = 0;
    line->comments = all;
    for (const char *at = comments, *next; *at; at = next) {
        next = strchr(at, '\n') + 1;
        if (end - all + (next - at) > FCNN_TUNING_COMMENTS || has_comment(all, at, (size_t)(next - at))) continue;
        memcpy(end, at, (size_t)(next - at));
        end += next - at;
        *end = 0;
    }
    return 1;
}

/* ---- lists ---- */

void fcnn_lines_free(struct fcnn_lines *lines)
{
    for (int i = 0; i < lines->count; i++) fcnn_line_free(lines->at[i]);
    free(lines->at);
    *lines = (struct fcnn_lines){0};
}

int fcnn_lines_find(const struct fcnn_lines *lines, const struct fcnn_line *key, int *where)
{
    int first = 0, last = lines->count;
    while (first < last) {
        const int middle = first + (last - first) / 2, order = fcnn_line_compare(lines->at[middle], key);
        if (!order) {
            *where = middle;
            return 1;
        }
        if (order < 0) first = middle + 1;
        else last = middle;
    }
    *where = first;
    return 0;
}

static int make_room(struct fcnn_lines *lines, int more)
{
    if (lines->count + more <= lines->room) return 1;
    int room = lines->room ? lines->room : 16;
    while (room < lines->count + more) room *= 2;
    struct fcnn_line **at = realloc(lines->at, (size_t)room * sizeof *at);
    if (!at) return 0;
    lines->at = at;
    lines->room = room;
    return 1;
}

int fcnn_lines_put(struct fcnn_lines *lines, struct fcnn_line *line)
{
    int where;
    if (fcnn_lines_find(lines, line, &where)) {
        if (!fcnn_line_comment(line, lines->at[where]->comments)) return 0;
        fcnn_line_free(lines->at[where]);
    } else {
        if (!make_room(lines, 1)) return 0;
        memmove(lines->at + where + 1, lines->at + where, (size_t)(lines->count - where) * sizeof *lines->at);
        lines->count++;
    }
    lines->at[where] = line;
    return 1;
}

void fcnn_lines_drop(struct fcnn_lines *lines, int where)
{
    fcnn_line_free(lines->at[where]);
    lines->count--;
    memmove(lines->at + where, lines->at + where + 1, (size_t)(lines->count - where) * sizeof *lines->at);
}

int fcnn_lines_append(struct fcnn_lines *lines, struct fcnn_line *line)
{
    if (!make_room(lines, 1)) return 0;
    lines->at[lines->count++] = line;
    return 1;
}

/* By key, then by age. */
static int compare_turns(const void *a, const void *b)
{
    const struct fcnn_line *x = *(struct fcnn_line *const *)a, *y = *(struct fcnn_line *const *)b;
    const int order = fcnn_line_compare(x, y);
    return order ? order : (x->turn > y->turn) - (x->turn < y->turn);
}

/* Sorting once keeps a file of lines in any order from taking quadratic time. */
int fcnn_lines_merge(struct fcnn_lines *lines, struct fcnn_lines *from)
{
    int kept = 0, complete = 1;
    if (!from->count) return 1;
    if (!make_room(lines, from->count)) return 0;
    memcpy(lines->at + lines->count, from->at, (size_t)from->count * sizeof *from->at);
    lines->count += from->count;
    from->count = 0;
    qsort(lines->at, (size_t)lines->count, sizeof *lines->at, compare_turns);
    for (int i = 0; i < lines->count; i++) {
        if (kept && !fcnn_line_compare(lines->at[kept - 1], lines->at[i])) {
            kept--;
            complete &= fcnn_line_comment(lines->at[i], lines->at[kept]->comments);
            fcnn_line_free(lines->at[kept]);
        }
        lines->at[kept++] = lines->at[i];
    }
    lines->count = kept;
    return complete;
}

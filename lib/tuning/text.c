/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning tables as text (docs/tuning.md has the grammar). Reading takes what it can, line by line, and names the rest;
 * writing is a function of the table alone, sorted, so that files that say nearly the same differ in a few lines. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tuning/table.h"

#define FORMAT 1
#define HEADER "fastcnn tuning "
#define MOST_NOTES 100

/* ---- notes ---- */

static void note(struct fcnn_tuning_reader *reader, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct fcnn_tuning_reader *reader, int line, const char *format, ...)
{
    char text[256];
    va_list arguments;
    if (reader->notes++ >= MOST_NOTES || !reader->note) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reader->note(reader->context, reader->origin, line, text);
}

static void note_rest(struct fcnn_tuning_reader *reader)
{
    const int rest = reader->notes - MOST_NOTES;
    reader->notes = 0;
    if (rest > 0) note(reader, 0, "%d more remarks like these", rest);
}

/* ---- words of a line, which is cut in place ---- */

/* Blanks at both ends go, runs of them become one space. */
static char *trim(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        const int blank = *from == ' ' || *from == '\t';
        if (!blank) *to++ = *from;
        else if (to > text && to[-1] != ' ') *to++ = ' ';
    }
    if (to > text && to[-1] == ' ') to--;
    *to = 0;
    return text;
}

/* The last word, cut off; "" if there is none. */
static char *last_word(char *text)
{
    char *space = strrchr(text, ' ');
    if (!space) return strchr(text, 0);
    *space = 0;
    return space + 1;
}

/* "NAME=123" with a number from 0 to a million; -1: it is not that. */
static int read_field(const char *word, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(word, name, length) || word[length] != '=') return -1;
    const char *digits = word + length + 1;
    const size_t count = strspn(digits, "0123456789");
    return count < 1 || count > 6 || digits[count] ? -1 : atoi(digits);
}

/* "gain=1.07" in hundredths; -1: it is not that. By hand: strtod() and printf() mind the locale. */
static int read_gain(char *word)
{
    char *point = strchr(word, '.');
    int part = 0;
    if (point) {
        const size_t count = strspn(point + 1, "0123456789");
        if (!count || point[1 + count]) return -1;
        part = (point[1] - '0') * 10 + (count > 1 ? point[2] - '0' : 0);
        *point = 0;
    }
    const int whole = read_field(word, "gain");
    return whole < 0 ? -1 : whole * 100 + part;
}

static int only(const char *text, const char *characters)
{
    return *text && !text[strspn(text, characters)];
}
#define SMALL "abcdefghijklmnopqrstuvwxyz0123456789_"

/* ---- an entry ---- */

/* "PROBLEM threads=2 CLASS", left of the arrow; a phrase if it is not that. */
static const char *read_key(char *text, struct fcnn_line *fields)
{
    fields->numerics = last_word(text);
    fields->threads = read_field(last_word(text), "threads");
    fields->problem = text;
    if (fields->threads < 1 || fields->threads > FCNN_MAX_THREADS)
        return "expected threads=N and a class before \"->\"";
    if (!only(fields->numerics, SMALL) || strlen(fields->numerics) > 32)
        return "expected a numerics class before \"->\"";
    if (!*text || strlen(text) >= sizeof ((struct fcnn_tuning_key *)0)->problem) return "there is no problem";
    return NULL;
}

/* "KERNEL{knob=1,...} revision=1 team=2 gain=1.07", right of it. */
static const char *read_choice(char *text, struct fcnn_line *fields)
{
    fields->gain = read_gain(last_word(text));
    fields->team = read_field(last_word(text), "team");
    fields->revision = read_field(last_word(text), "revision");
    fields->choice = text;
    if (fields->gain < 0 || fields->team < 0 || fields->revision < 0)
        return "expected KERNEL revision=N team=N gain=X behind \"->\"";
    if (fields->team < 1 || fields->team > fields->threads) return "team is not from 1 to threads";
    if (!only(text, SMALL "{}=,") || strlen(text) >= FCNN_CHOICE_TEXT) return "there is no kernel behind \"->\"";
    return NULL;
}

static const char *read_entry(char *text, struct fcnn_line *fields)
{
    char *arrow = strstr(text, " -> "), *words = arrow ? strstr(arrow, " # ") : NULL;
    if (!arrow) return "expected PROBLEM threads=N CLASS -> KERNEL revision=N team=N gain=X";
    fields->conditions = words ? words + 3 : "";
    if (words) *words = 0;
    if (strlen(fields->conditions) >= FCNN_TUNING_WORDS) {
        words[3 + FCNN_TUNING_WORDS - 1] = 0;
        trim(words + 3); /* the cut may have left a blank at the end */
    }
    *arrow = 0;
    const char *wrong = read_key(text, fields);
    return wrong ? wrong : read_choice(arrow + 4, fields);
}

/* ---- reading ---- */

/* A line of no use. */
static int skip(struct fcnn_tuning_reader *reader, const char *why)
{
    note(reader, reader->line, "%s", why);
    reader->bad++;
    return 1;
}

/* Comments wait for what comes behind them. */
static int keep_comment(struct fcnn_tuning_reader *reader, const char *line)
{
    const size_t length = strlen(line);
    if (reader->comments_length + length >= FCNN_TUNING_COMMENTS)
        return skip(reader, "there are more comments here than can be kept");
    char *comments = realloc(reader->comments, reader->comments_length + length + 2);
    if (!comments) return 0;
    reader->comments = comments;
    reader->comments_length += (size_t)sprintf(comments + reader->comments_length, "%s\n", line);
    return 1;
}

/* Puts a line with the comments before it into a list. */
static int add(struct fcnn_tuning_reader *reader, struct fcnn_lines *lines, struct fcnn_line *fields)
{
    fields->comments = reader->comments;
    fields->file = reader->file;
    struct fcnn_line *line = fcnn_line_make(fields);
    free(reader->comments);
    reader->comments = NULL;
    reader->comments_length = 0;
    if (line && *line->problem) fcnn_line_judge(line);
    if (line && fcnn_lines_append(lines, line)) return 1;
    fcnn_line_free(line);
    return 0;
}

/* Comments of the whole file, of a machine's lines, of its end. */
static int add_remark(struct fcnn_tuning_reader *reader, const char *machine)
{
    struct fcnn_line fields = {.machine = machine, .problem = "", .numerics = "", .choice = "", .conditions = ""};
    return !reader->comments || add(reader, &reader->remarks, &fields);
}

static int take_entry(struct fcnn_tuning_reader *reader, char *text)
{
    struct fcnn_line fields = {.machine = reader->machine};
    char canonical[sizeof ((struct fcnn_tuning_key *)0)->problem];
    fcnn_problem problem;
    const char *wrong = read_entry(text, &fields);
    if (!wrong && !*reader->machine) wrong = "there is no \"cpu\" line before it";
    if (!wrong && reader->lines.count == FCNN_TUNING_MOST_LINES) wrong = "there are more lines than a table holds";
    if (wrong) return skip(reader, wrong);
    if (!fcnn_problem_parse(&problem, fields.problem)) { /* as people write it */
        fcnn_problem_format(&problem, canonical, sizeof canonical);
        fields.problem = canonical;
    }
    if (!add(reader, &reader->lines, &fields)) return 0;
    const struct fcnn_line *line = reader->lines.at[reader->lines.count - 1];
    if (!*line->stale) return 1;
    note(reader, reader->line, "%s", line->stale);
    reader->stale++;
    return 1;
}

static int take_machine(struct fcnn_tuning_reader *reader, const char *text)
{
    reader->begun = 1;
    reader->machine[0] = 0;
    if (strlen(text) >= sizeof reader->machine) return skip(reader, "the CPU's description is too long");
    strcpy(reader->machine, text);
    return add_remark(reader, reader->machine);
}

/* Any line but the first. 0: no memory. */
static int take_line(struct fcnn_tuning_reader *reader, char *text)
{
    const char *first = text + strspn(text, " \t");
    if (*first == '#') return keep_comment(reader, first);
    trim(text);
    if (!*text) return reader->begun || add_remark(reader, FCNN_TUNING_HEAD); /* they end with an empty line */
    if (!strncmp(text, "cpu ", 4)) return take_machine(reader, text + 4);
    /* A "cpu" line that is damaged: what follows is not the machine's before. */
    if (!strstr(text, "threads=") && !strstr(text, "->")) reader->machine[0] = 0;
    reader->begun = 1;
    return take_entry(reader, text);
}

/* Copies a line; 0 if it is none of a tuning file. */
static int copy_line(char copy[FCNN_TUNING_LONGEST + 1], const char *text, size_t length)
{
    if (length && text[length - 1] == '\r') length--;
    if (length > FCNN_TUNING_LONGEST) return 0;
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 127) return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    return 1;
}

static fcnn_status check_header(const char *text)
{
    const char *number = strncmp(text, HEADER, strlen(HEADER)) ? "" : text + strlen(HEADER);
    const size_t digits = strspn(number, "0123456789");
    if (!digits || digits > 6 || (number[digits] && number[digits] != ','))
        return fcnn_fail(FCNN_BAD_DATA, "it is no tuning file: the first line is not \"" HEADER "%d\"", FORMAT);
    if (atoi(number) != FORMAT)
        return fcnn_fail(FCNN_BAD_DATA, "it has format %d; this library (%s) reads format %d", atoi(number),
                         fcnn_version(), FORMAT);
    return FCNN_OK;
}

static fcnn_status read_lines(struct fcnn_tuning_reader *reader, const char *text, size_t length)
{
    char copy[FCNN_TUNING_LONGEST + 1];
    const char *end = text + length;
    for (const char *next; text < end; text = next) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        next = stop ? stop + 1 : end;
        const int readable = copy_line(copy, text, (size_t)((stop ? stop : end) - text));
        if (++reader->line == 1) {
            const fcnn_status status = check_header(readable ? copy : "");
            if (status) return status;
        } else if (!readable) {
            skip(reader, "it has control characters, or more characters than any line needs");
        } else if (!take_line(reader, copy)) {
            return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a tuning table");
        }
    }
    return add_remark(reader, FCNN_TUNING_TAIL) ? FCNN_OK : fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for comments");
}

/* Leaves out what a full table has no room for. */
static void limit(struct fcnn_tuning *tuning, struct fcnn_tuning_reader *reader)
{
    int kept = 0, room = FCNN_TUNING_MOST_LINES - tuning->lines.count, where;
    for (int i = 0; i < reader->lines.count; i++) {
        struct fcnn_line *line = reader->lines.at[i];
        const int there = fcnn_lines_find(&tuning->lines, line, &where);
        if (there || room-- > 0) reader->lines.at[kept++] = line;
        else fcnn_line_free(line);
    }
    if (kept < reader->lines.count) note(reader, 0, "%d lines found no room in the table", reader->lines.count - kept);
    reader->lines.count = kept;
}

/* What was removed and is read again is there again. */
static void forget_removed(struct fcnn_tuning *tuning, const struct fcnn_lines *lines)
{
    int where;
    for (int i = 0; i < lines->count && tuning->removed.count; i++)
        if (fcnn_lines_find(&tuning->removed, lines->at[i], &where)) fcnn_lines_drop(&tuning->removed, where);
}

/* Sentences of what was tried on the way are nobody's failure. */
static void restore_error(const char *sentence) { fcnn_fail(FCNN_OK, "%s", sentence); }

fcnn_status fcnn_tuning_take(struct fcnn_tuning *tuning, const char *text, size_t length,
                             struct fcnn_tuning_reader *reader)
{
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", fcnn_last_error());
    fcnn_status status = read_lines(reader, text, length);
    fcnn_tuning_lock();
    if (!status) {
        limit(tuning, reader);
        forget_removed(tuning, &reader->lines);
        reader->taken = reader->lines.count;
        if (!fcnn_lines_merge(&tuning->lines, &reader->lines) || !fcnn_lines_merge(&tuning->remarks, &reader->remarks))
            status = fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a tuning table");
    }
    fcnn_tuning_unlock();
    fcnn_lines_free(&reader->lines);
    fcnn_lines_free(&reader->remarks);
    free(reader->comments);
    reader->comments = NULL;
    note_rest(reader);
    if (!status) restore_error(sentence);
    return status;
}

fcnn_status fcnn_tuning_parse(fcnn_tuning *tuning, const char *text, size_t length, const char *origin,
                              fcnn_tuning_note_fn *note_fn, void *context)
{
    if (!tuning || !text) return fcnn_fail(FCNN_BAD_ARGUMENT, "the %s is NULL", tuning ? "text" : "tuning table");
    if (length > FCNN_TUNING_MOST_BYTES)
        return fcnn_fail(FCNN_BAD_DATA, "the text is longer than %d bytes", FCNN_TUNING_MOST_BYTES);
    struct fcnn_tuning_reader reader = {.origin = origin ? origin : "text", .note = note_fn, .context = context};
    return fcnn_tuning_take(tuning, text, length, &reader);
}

/* ---- writing ---- */

struct buffer {
    char *at;
    size_t used, room;
    int failed;
};

static void put(struct buffer *buffer, const char *text)
{
    const size_t length = strlen(text);
    if (buffer->failed) return;
    if (buffer->used + length >= buffer->room) {
        const size_t room = 2 * (buffer->used + length) + 1024;
        char *at = realloc(buffer->at, room);
        buffer->failed = !at;
        if (!at) return;
        buffer->at = at;
        buffer->room = room;
    }
    memcpy(buffer->at + buffer->used, text, length + 1);
    buffer->used += length;
}

/* An empty line, unless the text ends with one. */
static void put_gap(struct buffer *buffer)
{
    if (buffer->used < 2 || strcmp(buffer->at + buffer->used - 2, "\n\n")) put(buffer, "\n");
}

static void put_line(struct buffer *buffer, const struct fcnn_line *line)
{
    char text[FCNN_TUNING_LONGEST + 2];
    if (line->comments) put(buffer, line->comments);
    snprintf(text, sizeof text, "%s threads=%d %s -> %s revision=%d team=%d gain=%d.%02d%s%s\n", line->problem,
             line->threads, line->numerics, line->choice, line->revision, line->team, line->gain / 100,
             line->gain % 100, *line->conditions ? " # " : "", line->conditions);
    put(buffer, text);
}

static const char *remark(const struct fcnn_tuning *tuning, const char *machine)
{
    int where;
    const struct fcnn_line key = {.machine = machine, .problem = "", .numerics = ""};
    return fcnn_lines_find(&tuning->remarks, &key, &where) ? tuning->remarks.at[where]->comments : "";
}

/* Comments with an empty line before and, at the head, behind them. */
static void put_apart(struct buffer *buffer, const char *comments, int behind)
{
    if (!*comments) return;
    if (!behind) put_gap(buffer);
    put(buffer, comments);
    if (behind) put_gap(buffer);
}

char *fcnn_tuning_text(const struct fcnn_tuning *tuning)
{
    struct buffer buffer = {0};
    char header[128];
    const char *machine = "";
    snprintf(header, sizeof header, HEADER "%d, written by fastcnn %s\n", FORMAT, fcnn_version());
    put(&buffer, header);
    put_apart(&buffer, remark(tuning, FCNN_TUNING_HEAD), 1);
    for (int i = 0; i < tuning->lines.count; i++) {
        const struct fcnn_line *line = tuning->lines.at[i];
        if (strcmp(line->machine, machine)) {
            machine = line->machine;
            put_gap(&buffer);
            put(&buffer, remark(tuning, machine));
            put(&buffer, "cpu ");
            put(&buffer, machine);
            put(&buffer, "\n");
        }
        put_line(&buffer, line);
    }
    put_apart(&buffer, remark(tuning, FCNN_TUNING_TAIL), 0);
    if (!buffer.failed) return buffer.at;
    free(buffer.at);
    return NULL;
}

char *fcnn_tuning_format(fcnn_tuning *tuning)
{
    if (!tuning) return NULL;
    fcnn_tuning_lock();
    char *text = fcnn_tuning_text(tuning);
    fcnn_tuning_unlock();
    return text;
}

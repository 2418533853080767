/* SPDX-License-Identifier: BSD-2-Clause
 * Reading models as text. */
#include "lib/io/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/nearest.h"
#include "lib/io/number.h"

#define LONGEST 160 /* of a word, that is of KEY=VALUE: a name has 127 bytes */

struct word {
    char text[LONGEST];
    int column;
};

struct reader {
    const char *path, *at, *end, *line_start;
    int line, layers, compiles;
    fcnn_model *model; /* NULL before the input line */
    fcnn_compile_options compile;
};

/* ---- complaints ---- */

__attribute__((format(printf, 3, 4)))
static fcnn_status complain(const struct reader *r, int column, const char *format, ...)
{
    char sentence[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s:%d:%d: %s", r->path, r->line, column, sentence);
}

/* What would have been right. */
struct list {
    char text[640];
    struct io_nearest nearest;
};

static void list_begin(struct list *list, const char *found)
{
    *list->text = 0;
    io_nearest_begin(&list->nearest, found, strlen(found));
}

static void list_add(struct list *list, const char *word, const char *end)
{
    const size_t used = strlen(list->text);
    snprintf(list->text + used, sizeof list->text - used, "%s%s%s", used ? ", " : "", word, end);
    io_nearest_try(&list->nearest, word);
}

static fcnn_status unknown(const struct reader *r, const struct word *word, const char *what, const struct list *list)
{
    const char *near = list->nearest.best;
    return complain(r, word->column, "expected %s%s, found '%s'%s%s%s", what, list->text, word->text,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* ---- words ---- */

static int column_of(const struct reader *r) { return (int)(r->at - r->line_start) + 1; }
static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Behind the blanks and the comment that follow. Returns whether there is another word in the line. */
static int find_word(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at)) r->at++;
    if (r->at < r->end && *r->at == '#')
        while (r->at < r->end && *r->at != '\n') r->at++;
    return r->at < r->end && *r->at != '\n';
}

/* In double quotes, which are left out, blanks and '#' are letters. */
static fcnn_status read_word(struct reader *r, struct word *word)
{
    size_t length = 0;
    int quoted = 0;
    word->column = column_of(r);
    for (; r->at < r->end && *r->at != '\n' && (quoted || (!is_blank(*r->at) && *r->at != '#')); r->at++) {
        const unsigned char c = (unsigned char)*r->at;
        if (c < ' ' || c == 0x7f) return complain(r, column_of(r), "byte 0x%02x is no text", c);
        if (length + 1 == sizeof word->text)
            return complain(r, word->column, "a word of more than %d bytes", LONGEST - 1);
        if (c == '"') quoted = !quoted;
        else word->text[length++] = (char)c;
    }
    word->text[length] = 0;
    return quoted ? complain(r, word->column, "a quote that does not end in its line") : FCNN_OK;
}

/* ---- values ---- */

static int read_sizes(const char *text, uint64_t *values, int most)
{
    int count = 0;
    for (const char *at = text; count < most; at++) {
        char *end;
        if (*at < '0' || *at > '9') return 0;
        errno = 0;
        values[count++] = strtoull(at, &end, 10);
        if (errno) return 0;
        at = end;
        if (!*at) return count;
        if (*at != 'x') return 0;
    }
    return 0;
}

/* "3" is 3x3; of rows and columns on four sides "1x2" is 1x1x2x2; of a model's input "784" is 1x1x784, a vector. */
static int spread(uint64_t *values, int count, int wanted)
{
    if (count == wanted || !count) return count > 0;
    if (wanted == 2 && count == 1) values[1] = values[0];
    else if (wanted == 3 && count == 1) {
        values[2] = values[0];
        values[0] = values[1] = 1;
    } else if (wanted == 4 && count <= 2) {
        values[2] = values[3] = values[count - 1];
        values[1] = values[0];
    } else return 0;
    return 1;
}

static int store_sizes(const struct io_text_setting *s, void *field, const char *text)
{
    uint64_t values[4];
    if (!spread(values, read_sizes(text, values, s->numbers), s->numbers)) return 0;
    for (int i = 0; i < s->numbers; i++)
        if ((double)values[i] < s->least || (double)values[i] > s->most) return 0;
    memcpy(field, values, (size_t)s->numbers * sizeof *values);
    return 1;
}

static int store_number(const struct io_text_setting *s, void *field, const char *text)
{
    double value = 0;
    float single = 0;
    const int is_float = s->type == IO_TEXT_FLOAT;
    if (is_float ? !io_number_read_float(text, &single) : !io_number_read(text, &value)) return 0;
    if (is_float) value = (double)single;
    if (!(value >= s->least && value <= s->most)) return 0;
    if (s->type == IO_TEXT_INT) {
        const int whole = (int)value;
        if (whole != value) return 0;
        memcpy(field, &whole, sizeof whole);
    } else if (is_float) memcpy(field, &single, sizeof single);
    else memcpy(field, &value, sizeof value);
    return 1;
}

static int store_word(const struct io_text_setting *s, void *field, const char *text)
{
    for (int i = 0; s->words[i]; i++) {
        const int value = s->first + i;
        if (strcmp(s->words[i], text)) continue;
        memcpy(field, &value, sizeof value);
        return 1;
    }
    return 0;
}

/* ---- what a word of a statement says ---- */

struct line {
    const struct io_text_statement *statement;
    union io_text_target target;
    uint64_t said;
    char name[LONGEST];
};

static int takes(const struct line *line, int setting)
{
    return ((line->statement->needs | line->statement->takes) >> setting & 1) != 0;
}

static void *field_of(struct line *line, const struct io_text_setting *s) { return (char *)&line->target + s->field; }

static fcnn_status bad_value(const struct reader *r, const struct io_text_setting *s, const struct word *word,
                             const char *value)
{
    struct list list;
    struct word shown = *word;
    memmove(shown.text, value, strlen(value) + 1);
    shown.column += (int)(value - word->text);
    list_begin(&list, value);
    for (int i = 0; s->words && s->words[i]; i++) list_add(&list, s->words[i], "");
    return unknown(r, &shown, s->words ? "one of " : s->expects, &list);
}

static fcnn_status store(struct reader *r, struct line *line, int setting, const struct word *word, const char *value)
{
    const struct io_text_setting *s = &io_text_settings[setting];
    if (line->said >> setting & 1) return complain(r, word->column, "%s is given twice", s->key);
    line->said |= 1ull << setting;
    void *field = field_of(line, s);
    int good = 1;
    switch (s->type) {
    case IO_TEXT_SIZES: good = store_sizes(s, field, value); break;
    case IO_TEXT_WORD: good = store_word(s, field, value); break;
    case IO_TEXT_FLAG: memcpy(field, &good, sizeof good); break;
    case IO_TEXT_NAME:
        good = *value && strlen(value) < 128;
        memcpy(line->name, value, strlen(value) + 1);
        line->target.layer.name = line->name;
        break;
    default: good = store_number(s, field, value);
    }
    return good ? FCNN_OK : bad_value(r, s, word, value);
}

static fcnn_status expected_other(const struct reader *r, const struct line *line, const struct word *word)
{
    struct list list;
    char what[64];
    list_begin(&list, word->text);
    for (int i = 0; i < io_text_setting_count; i++) {
        const struct io_text_setting *s = &io_text_settings[i];
        if (!takes(line, i) || line->said >> i & 1) continue;
        for (int j = 0; s->words && io_text_bare(i) && s->words[j]; j++) list_add(&list, s->words[j], "");
        if (s->type == IO_TEXT_FLAG) list_add(&list, s->key, "");
        else if (!s->words || !io_text_bare(i)) list_add(&list, s->key, "=");
    }
    snprintf(what, sizeof what, *list.text ? "one of %s's " : "nothing more of %s", line->statement->word);
    return unknown(r, word, what, &list);
}

static fcnn_status read_keyed(struct reader *r, struct line *line, const struct word *word, const char *equals)
{
    const size_t length = (size_t)(equals - word->text);
    for (int i = 0; i < io_text_setting_count; i++) {
        const char *key = io_text_settings[i].key;
        if (takes(line, i) && io_text_settings[i].type != IO_TEXT_FLAG && strlen(key) == length &&
            !memcmp(key, word->text, length))
            return store(r, line, i, word, equals + 1);
    }
    struct word key = *word;
    key.text[length] = 0;
    return expected_other(r, line, &key);
}

/* The next setting that has to be there or may, and whose value looks like this one: a number or none. */
static fcnn_status read_bare(struct reader *r, struct line *line, const struct word *word)
{
    const int number = strchr("0123456789+-.", *word->text) != NULL;
    for (int i = 0; i < io_text_setting_count; i++) {
        const struct io_text_setting *s = &io_text_settings[i];
        if (!takes(line, i)) continue;
        int unused;
        if (number ? io_text_positional(i) && !(line->said >> i & 1)
                   : io_text_bare(i) && (s->words ? store_word(s, &unused, word->text) : !strcmp(s->key, word->text)))
            return store(r, line, i, word, word->text);
    }
    return expected_other(r, line, word);
}

/* ---- statements ---- */

static fcnn_status find_statement(const struct reader *r, const struct word *word, struct line *line)
{
    struct list list;
    list_begin(&list, word->text);
    for (int i = 0; i < io_text_statement_count; i++) {
        if (!strcmp(io_text_statements[i].word, word->text)) {
            line->statement = &io_text_statements[i];
            return FCNN_OK;
        }
        list_add(&list, io_text_statements[i].word, "");
    }
    return unknown(r, word, "one of ", &list);
}

static fcnn_status check_complete(const struct reader *r, const struct line *line)
{
    for (int i = 0; i < io_text_setting_count; i++) {
        const struct io_text_setting *s = &io_text_settings[i];
        if (!((line->statement->needs & ~line->said) >> i & 1)) continue;
        return complain(r, column_of(r), "expected %s of %s, as in '%s'", s->expects ? s->expects : s->key,
                        line->statement->word, line->statement->example);
    }
    return FCNN_OK;
}

/* Settings that say something of another optimizer or schedule. */
static fcnn_status check_compile(const struct reader *r, const struct line *line, int column)
{
    const fcnn_compile_options *c = &line->target.compile;
    for (int i = 0; i < io_text_setting_count; i++)
        if (line->said >> i & 1 && !io_text_applies(i, c))
            return complain(r, column, "%s says nothing of this optimizer and schedule", io_text_settings[i].key);
    if (c->schedule != FCNN_SCHEDULE_CONSTANT && !c->schedule_steps)
        return complain(r, column, "expected %s", c->schedule == FCNN_SCHEDULE_STEP
                                                      ? "the number of steps after which the learning rate falls, as "
                                                        "in 'schedule=step every=1000 factor=0.5'"
                                                      : "the number of steps to the lowest learning rate, as in "
                                                        "'schedule=cosine steps=10000'");
    return FCNN_OK;
}

/* A failure of the library: of the line. */
static fcnn_status check(const struct reader *r, int column, fcnn_status status)
{
    if (!status) return FCNN_OK;
    if (status == FCNN_OUT_OF_MEMORY) return fcnn_io_fail_as(status, r->path);
    return complain(r, column, "%s", fcnn_last_error());
}

static fcnn_status apply(struct reader *r, struct line *line, int column)
{
    union io_text_target *t = &line->target;
    switch (line->statement->what) {
    case IO_TEXT_INPUT: return check(r, column, fcnn_model_create(&r->model, t->input.h, t->input.w, t->input.c));
    case IO_TEXT_LAYER:
        if (++r->layers > IO_TEXT_MOST_LAYERS)
            return complain(r, column, "more than %d layers", IO_TEXT_MOST_LAYERS);
        t->layer.kind = (fcnn_layer_kind)line->statement->kind;
        return check(r, column, fcnn_add_layer(r->model, &t->layer));
    default:
        IO_TRY(check_compile(r, line, column));
        r->compile = t->compile;
        r->compiles = 1;
        return FCNN_OK;
    }
}

static fcnn_status check_order(const struct reader *r, const struct line *line, int column)
{
    const enum io_text_what what = line->statement->what;
    if (what == IO_TEXT_INPUT && r->model) return complain(r, column, "a second input line");
    if (what == IO_TEXT_COMPILE && r->compiles) return complain(r, column, "a second compile line");
    if (what != IO_TEXT_INPUT && !r->model)
        return complain(r, column, "expected the input's size before anything else, as in 'input 28x28x1'");
    return FCNN_OK;
}

static fcnn_status read_statement(struct reader *r)
{
    struct word word;
    struct line line = {.said = 0};
    IO_TRY(read_word(r, &word));
    const int column = word.column;
    IO_TRY(find_statement(r, &word, &line));
    IO_TRY(check_order(r, &line, column));
    while (find_word(r)) {
        IO_TRY(read_word(r, &word));
        const char *equals = strchr(word.text, '=');
        IO_TRY(equals ? read_keyed(r, &line, &word, equals) : read_bare(r, &line, &word));
    }
    IO_TRY(check_complete(r, &line));
    return apply(r, &line, column);
}

static fcnn_status read_lines(struct reader *r)
{
    for (r->line = 1; r->at < r->end; r->line++) {
        r->line_start = r->at;
        if (find_word(r)) IO_TRY(read_statement(r));
        if (r->at < r->end) r->at++; /* the end of the line */
    }
    if (!r->model) return complain(r, 1, "expected the input's size, as in 'input 28x28x1', found nothing");
    return r->layers ? FCNN_OK : complain(r, 1, "expected layers, found none");
}

fcnn_status io_text_parse(fcnn_model **model, fcnn_compile_options *compile, int *compiles, const char *bytes,
                          size_t count, const char *path)
{
    struct reader r = {.path = path, .at = bytes, .end = bytes + count, .line_start = bytes};
    if (count >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) r.at += 3; /* as Windows' editors begin UTF-8 */
    const fcnn_status status = read_lines(&r);
    if (status) {
        fcnn_model_destroy(r.model);
        r.model = NULL;
    }
    *model = r.model;
    *compile = r.compile;
    *compiles = r.compiles;
    return status;
}

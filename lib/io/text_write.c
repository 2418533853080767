/* SPDX-License-Identifier: BSD-2-Clause
 * Writing models as text: what is as usual is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/number.h"
#include "lib/io/text.h"

/* The field of a number as one; of an enum or flag too. */
static double value_of(const struct io_text_setting *s, const void *field)
{
    int64_t size;
    float single;
    double value;
    int whole;
    switch (s->type) {
    case IO_TEXT_SIZES: return memcpy(&size, field, sizeof size), (double)size;
    case IO_TEXT_FLOAT: return memcpy(&single, field, sizeof single), (double)single;
    case IO_TEXT_DOUBLE: return memcpy(&value, field, sizeof value), value;
    default: return memcpy(&whole, field, sizeof whole), (double)whole;
    }
}

/* Of two equal ones with a key one is enough: "stride=2". */
static void write_sizes(FILE *out, const struct io_text_setting *s, const void *field, int keyed)
{
    uint64_t v[4];
    int count = s->numbers;
    memcpy(v, field, (size_t)s->numbers * sizeof *v);
    if (s->numbers == 4 && v[0] == v[1] && v[2] == v[3]) {
        fprintf(out, "%llux%llu", (unsigned long long)v[0], (unsigned long long)v[2]);
        return;
    }
    if (keyed && count == 2 && v[0] == v[1]) count = 1;
    for (int i = 0; i < count; i++) fprintf(out, "%s%llu", i ? "x" : "", (unsigned long long)v[i]);
}

static void write_value(FILE *out, const struct io_text_setting *s, const void *field, int keyed)
{
    char number[32];
    const double value = s->type == IO_TEXT_NAME ? 0 : value_of(s, field);
    switch (s->type) {
    case IO_TEXT_SIZES: write_sizes(out, s, field, keyed); return;
    case IO_TEXT_FLOAT: io_number_write_float(number, (float)value); break;
    case IO_TEXT_DOUBLE:
    case IO_TEXT_INT: io_number_write(number, value); break;
    case IO_TEXT_WORD: fputs(s->words[(int)value - s->first], out); return;
    case IO_TEXT_FLAG: fputs(s->key, out); return;
    case IO_TEXT_NAME: {
        const char *name = *(const char *const *)field;
        const char *quote = name[strcspn(name, " #")] ? "\"" : "";
        fprintf(out, "%s%s%s", quote, name, quote);
        return;
    }
    }
    fputs(number, out);
}

/* The strides of pooling are usually as wide as the window. */
static int is_usual(const struct io_text_setting *s, const struct io_text_statement *statement, const void *target)
{
    const void *field = (const char *)target + s->field;
    if (s->type == IO_TEXT_NAME) return 1;
    const int pools = statement->kind == FCNN_LAYER_MAXPOOL2D || statement->kind == FCNN_LAYER_AVGPOOL2D;
    if (pools && s->field == offsetof(fcnn_layer, stride_h)) {
        const fcnn_layer *layer = target;
        return layer->stride_h == layer->r && layer->stride_w == layer->s;
    }
    int64_t second = (int64_t)s->usual;
    if (s->type == IO_TEXT_SIZES && s->numbers == 2) memcpy(&second, (const int64_t *)field + 1, sizeof second);
    return value_of(s, field) == s->usual && (double)second == (double)(int64_t)s->usual;
}

static void write_statement(FILE *out, const struct io_text_statement *statement, const void *target, int named)
{
    fputs(statement->word, out);
    for (int i = 0; i < io_text_setting_count; i++) {
        const struct io_text_setting *s = &io_text_settings[i];
        const int needed = (int)(statement->needs >> i & 1);
        if (!needed && !(statement->takes >> i & 1)) continue;
        if (statement->what == IO_TEXT_COMPILE && !io_text_applies(i, target)) continue;
        if (s->type == IO_TEXT_NAME ? !named : !needed && is_usual(s, statement, target)) continue;
        fputc(' ', out);
        const int keyed = !io_text_positional(i) && !io_text_bare(i);
        if (keyed) fprintf(out, "%s=", s->key);
        write_value(out, s, (const char *)target + s->field, keyed);
    }
    fputc('\n', out);
}

static const struct io_text_statement *statement_of(enum io_text_what what, int kind)
{
    for (int i = 0; i < io_text_statement_count; i++)
        if (io_text_statements[i].what == what && io_text_statements[i].kind == kind) return &io_text_statements[i];
    return NULL;
}

/* Whether one layer's name is another than it gets by itself: then all are written, since names are counted. */
static fcnn_status find_named(const fcnn_model *model, int *named)
{
    int64_t h, w, c;
    fcnn_model *plain = NULL;
    fcnn_status status = fcnn_model_input(model, &h, &w, &c);
    if (!status) status = fcnn_model_create(&plain, h, w, c);
    *named = 0;
    for (int i = 0; !status && !*named && i < fcnn_model_layers(model); i++) {
        fcnn_layer layer, again;
        status = fcnn_model_layer_as_added(model, i, &layer);
        const char *name = layer.name;
        layer.name = NULL;
        if (!status) status = fcnn_add_layer(plain, &layer);
        if (!status) status = fcnn_model_layer_as_added(plain, i, &again);
        *named = !status && strcmp(name, again.name) != 0;
    }
    fcnn_model_destroy(plain);
    return status;
}

static fcnn_status check_name(const char *name, const char *path)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == '"' || *at == 0x7f)
            return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the name of layer \"%s\" has a quote or a control character, "
                                "which a model's text cannot hold", path, name);
    return FCNN_OK;
}

static fcnn_status write_model(FILE *out, const fcnn_model *model, int named, const char *path)
{
    union io_text_target target = {.input = {0}};
    fcnn_model_input(model, &target.input.h, &target.input.w, &target.input.c);
    write_statement(out, statement_of(IO_TEXT_INPUT, 0), &target, 0);
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_model_layer_as_added(model, i, &target.layer);
        const struct io_text_statement *statement = statement_of(IO_TEXT_LAYER, (int)target.layer.kind);
        if (!statement)
            return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: layer %s is of a kind that a model's text does not know", path,
                                target.layer.name);
        if (named) IO_TRY(check_name(target.layer.name, path));
        write_statement(out, statement, &target, named);
    }
    fcnn_compile_options *compile = &target.compile;
    if (!fcnn_model_compile_options(model, compile))
        write_statement(out, statement_of(IO_TEXT_COMPILE, 0), compile, 0);
    return FCNN_OK;
}

fcnn_status io_text_format(char **text, const fcnn_model *model, const char *path)
{
    int named;
    size_t size;
    *text = NULL;
    fcnn_status status = find_named(model, &named);
    if (status) return fcnn_io_fail_as(status, path);
    FILE *out = open_memstream(text, &size);
    if (!out) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the model's text", path);
    status = write_model(out, model, named, path);
    if (fclose(out) && !status) status = fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the model's text", path);
    if (!status) return FCNN_OK;
    free(*text);
    *text = NULL;
    return status;
}

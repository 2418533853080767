/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn summary: the layers of a model in Keras' table, and what the model costs. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/model.h"

struct row {
    fcnn_layer_info info;
    char layer[192], shape[96], parameters[32];
    int64_t trainable, moving; /* numbers of floats */
    int flat;                  /* the output: (None, C) */
};

struct summary {
    const char *what;
    fcnn_model *model;
    fcnn_file_info file;
    int64_t h, w, c;
    int flat; /* the input: (None, C) */
    struct row *rows;
    int count;
    int64_t trainable, moving, activations; /* sums; of one image */
};

/* ---- what there is ---- */

/* Keras' vectors; elsewhere one is an image of one pixel. */
static int takes_vector(fcnn_layer_kind kind)
{
    switch (kind) {
    case FCNN_LAYER_FLATTEN:
    case FCNN_LAYER_DENSE:
    case FCNN_LAYER_ACTIVATION:
    case FCNN_LAYER_DROPOUT:
    case FCNN_LAYER_BATCH_NORMALIZATION:
    case FCNN_LAYER_RESCALING: return 1;
    default: return 0;
    }
}

static int gives_vector(const fcnn_layer_info *layer, int before)
{
    switch (layer->kind) {
    case FCNN_LAYER_FLATTEN:
    case FCNN_LAYER_GLOBAL_AVGPOOL2D: return 1;
    case FCNN_LAYER_DENSE: return layer->in_h == 1 && layer->in_w == 1;
    default: return before && takes_vector(layer->kind);
    }
}

static void fill_row(struct row *row, int flat_before)
{
    const fcnn_layer_info *i = &row->info;
    row->trainable = i->weights + i->bias;
    row->moving = 2 * i->moving;
    row->flat = gives_vector(i, flat_before);
    snprintf(row->layer, sizeof row->layer, "%s (%s)", i->name, i->class_name);
    program_printable(row->layer);
    if (row->flat) snprintf(row->shape, sizeof row->shape, "(None, %lld)", (long long)i->c);
    else
        snprintf(row->shape, sizeof row->shape, "(None, %lld, %lld, %lld)", (long long)i->h, (long long)i->w,
                 (long long)i->c);
    cli_count(row->trainable + row->moving, row->parameters);
}

static void collect(struct summary *s)
{
    s->count = fcnn_model_layers(s->model);
    s->rows = program_allocate((size_t)s->count, sizeof *s->rows);
    fcnn_model_input(s->model, &s->h, &s->w, &s->c);
    s->flat = s->h == 1 && s->w == 1;
    for (int i = 0; i < s->count; i++) {
        fcnn_model_layer(s->model, i, &s->rows[i].info);
        s->flat &= takes_vector(s->rows[i].info.kind);
    }
    for (int i = 0; i < s->count; i++) {
        struct row *row = &s->rows[i];
        fill_row(row, i ? row[-1].flat : s->flat);
        s->trainable += row->trainable;
        s->moving += row->moving;
        s->activations += row->info.h * row->info.w * row->info.c;
    }
}

/* ---- the table ---- */

struct lines {
    const char *row[4];                         /* left, line, middle, right: of an edge */
    const char *top[4], *head[4], *between[4], *bottom[4];
};

static const struct lines boxes = {{"│", " ", "│", "│"}, {"┏", "━", "┳", "┓"}, {"┡", "━", "╇", "┩"},
                                   {"├", "─", "┼", "┤"}, {"└", "─", "┴", "┘"}};
static const struct lines plain = {{"|", " ", "|", "|"}, {"+", "-", "+", "+"}, {"+", "=", "+", "+"},
                                   {"+", "-", "+", "+"}, {"+", "-", "+", "+"}};

static void print_edge(const char *const edge[4], const int widths[3])
{
    fputs(edge[0], stdout);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < widths[i] + 2; j++) fputs(edge[1], stdout);
        fputs(i < 2 ? edge[2] : edge[3], stdout);
    }
    putchar('\n');
}

/* Columns by bytes: names are in ASCII as a rule. */
static void print_row(const char *bar, const int widths[3], const char *layer, const char *shape, const char *count)
{
    printf("%s %-*s %s %-*s %s %*s %s\n", bar, widths[0], layer, bar, widths[1], shape, bar, widths[2], count, bar);
}

static void widen(int *width, const char *text)
{
    if ((int)strlen(text) > *width) *width = (int)strlen(text);
}

static void print_table(const struct summary *s)
{
    const int utf8 = cli_is_utf8();
    const struct lines *lines = utf8 ? &boxes : &plain;
    int widths[3] = {31, 22, 13};
    for (int i = 0; i < s->count; i++) {
        widen(&widths[0], s->rows[i].layer);
        widen(&widths[1], s->rows[i].shape);
        widen(&widths[2], s->rows[i].parameters);
    }
    print_edge(lines->top, widths);
    print_row(utf8 ? "┃" : "|", widths, "Layer (type)", "Output Shape", "Param #");
    print_edge(lines->head, widths);
    for (int i = 0; i < s->count; i++) {
        if (i) print_edge(lines->between, widths);
        print_row(lines->row[0], widths, s->rows[i].layer, s->rows[i].shape, s->rows[i].parameters);
    }
    print_edge(lines->bottom, widths);
}

/* ---- the rest ---- */

/* As Keras: "364.54 KB", of 1024 bytes. */
static const char *bytes(int64_t floats, char text[32])
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double size = (double)floats * 4;
    int unit = 0;
    for (; size >= 1024 && unit < 4; unit++) size /= 1024;
    snprintf(text, 32, "%.2f %s", size, units[unit]);
    return text;
}

static void print_total(const char *what, int64_t floats)
{
    char number[32], size[32];
    printf(" %s params: %s (%s)\n", what, cli_count(floats, number), bytes(floats, size));
}

/* Training: weights, their gradient, two moments of the optimizer. */
static int print_text(const struct summary *s)
{
    char size[32], training[32], what[4400], producer[sizeof s->file.producer];
    snprintf(what, sizeof what, "%s", s->what);
    snprintf(producer, sizeof producer, "%s", s->file.producer);
    program_printable(what);
    program_printable(producer);
    printf("%sModel: \"%s\"%s", cli_color(stdout, CLI_BOLD), what, cli_color(stdout, CLI_PLAIN));
    if (s->file.format) printf(" (%s%s%s)", fcnn_format_name(s->file.format), *producer ? ", " : "", producer);
    if (s->flat) printf("\nInput: (None, %lld)\n", (long long)s->c);
    else printf("\nInput: (None, %lld, %lld, %lld)\n", (long long)s->h, (long long)s->w, (long long)s->c);
    print_table(s);
    print_total("Total", s->trainable + s->moving);
    print_total("Trainable", s->trainable);
    print_total("Non-trainable", s->moving);
    printf(" FLOPs per image: %.4g M to predict, %.4g M to train\n", fcnn_model_flops(s->model, 0) / 1e6,
           fcnn_model_flops(s->model, 1) / 1e6);
    printf(" Memory: %s of activations per image; %s of weights, gradients and moments in training\n",
           bytes(s->activations, size), bytes(4 * s->trainable + s->moving, training));
    if (*s->file.remark) program_complain("%s: %s", s->what, s->file.remark);
    return EXIT_SUCCESS;
}

static json_t *shape_json(int flat, int64_t h, int64_t w, int64_t c)
{
    return flat ? json_pack("[I]", (json_int_t)c) : json_pack("[I,I,I]", (json_int_t)h, (json_int_t)w, (json_int_t)c);
}

static json_t *row_json(const struct row *row)
{
    const fcnn_layer_info *i = &row->info;
    json_t *shape = shape_json(row->flat, i->h, i->w, i->c);
    return json_pack("{s:o, s:s, s:o, s:I, s:I}", "name", cli_json_text(i->name), "class", i->class_name, "output",
                     shape, "parameters", (json_int_t)(row->trainable + row->moving), "trainable",
                     (json_int_t)row->trainable);
}

static int print_json(const struct summary *s)
{
    json_t *layers = json_array();
    for (int i = 0; i < s->count; i++) json_array_append_new(layers, row_json(&s->rows[i]));
    return cli_print_json(json_pack(
        "{s:s, s:o, s:s?, s:o, s:o, s:o, s:{s:I, s:I, s:I}, s:{s:f, s:f}, s:{s:I, s:I, s:I}, s:o}", "command",
        "summary", "model", cli_json_text(s->what), "format", s->file.format ? fcnn_format_name(s->file.format) : NULL,
        "producer", cli_json_text(s->file.producer), "input", shape_json(s->flat, s->h, s->w, s->c),
        "layers", layers, "parameters", "total", (json_int_t)(s->trainable + s->moving), "trainable",
        (json_int_t)s->trainable, "non_trainable", (json_int_t)s->moving, "flops", "forward",
        fcnn_model_flops(s->model, 0), "training", fcnn_model_flops(s->model, 1), "bytes", "weights",
        (json_int_t)(4 * (s->trainable + s->moving)), "training", (json_int_t)(4 * (4 * s->trainable + s->moving)),
        "activations", (json_int_t)(4 * s->activations), "remark", cli_json_text(s->file.remark)));
}

static int run(int argc, char **argv)
{
    struct summary s = {0};
    const int first = cli_parse(&cli_summary, argc, argv, &s);
    if (argc - first != 1) cli_usage(&cli_summary, "expected one MODEL, found %d", argc - first);
    s.what = argv[first];
    int code = cli_model_open(&s.model, s.what, &(fcnn_load_options){.not_compiled = 1}, &s.file);
    if (code) return code;
    collect(&s);
    code = cli_json ? print_json(&s) : print_text(&s);
    fcnn_model_destroy(s.model);
    free(s.rows);
    return code;
}

const struct cli_command cli_summary = {
    .name = "summary",
    .summary = "the layers of a model, their sizes and costs",
    .arguments = "MODEL",
    .doc = "Prints the layers of MODEL in Keras' table, with the numbers of parameters, multiply-adds and bytes.",
    .more = CLI_MODEL_HELP,
    .run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause
 * Which cases are timed: problems of the command line, layers of the lists it names. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/cases.h"

static fcnn_status complete(struct bench_case *c, const char *layer, const char *text, int threads)
{
    fcnn_tensor_info info[BENCH_MAX_TENSORS];
    fcnn_plan *plan;
    struct bench_problem *p = &c->about;
    fcnn_status status = fcnn_problem_parse(&p->problem, text);
    if (status) return status;
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    fcnn_problem_format(&p->problem, p->text, sizeof p->text);
    p->flops = fcnn_problem_flops(&p->problem);
    for (int i = 0; i < BENCH_CLASSES; i++) c->references[i].error = NAN;
    p->bytes = 0;
    for (int i = bench_tensor_list(&p->problem, info) - 1; i >= 0; i--)
        p->bytes += (double)info[i].elements * (double)info[i].element_size * (info[i].role == FCNN_INOUT ? 2 : 1);
    status = fcnn_plan_create(&plan, &p->problem, &(fcnn_options){.threads = threads});
    if (status) return status;
    snprintf(c->choice, sizeof c->choice, "%s", fcnn_plan_kernel(plan));
    fcnn_plan_destroy(plan);
    return FCNN_OK;
}

/* One case for each direction that the operation has. */
static fcnn_status add_layer(struct bench_case *cases, int *count, const struct bench_layer *layer, int threads)
{
    fcnn_status status = FCNN_OK;
    int before = *count;
    for (int d = 0; d < BENCH_DIRECTIONS; d++) {
        char text[192];
        snprintf(text, sizeof text, "%s %s %s", layer->op, fcnn_direction_name((fcnn_direction)d), layer->sizes);
        status = complete(&cases[*count], layer->name, text, threads);
        if (!status) ++*count;
        else if (status != FCNN_BAD_ARGUMENT) return status; /* bad argument: no such direction */
    }
    return *count > before ? FCNN_OK : status;
}

static const char *next_name(const char *name)
{
    name += strcspn(name, ",");
    return name + (*name == ',');
}

static int is_wanted(const struct bench_options *o, const struct bench_layer *layer)
{
    if (!o->layers.count)
        return !o->problems.count && (o->quick ? bench_is_list_of("mnist", layer->name) : layer->usual);
    for (int i = 0; i < o->layers.count; i++)
        for (const char *name = o->layers.values[i]; *name; name = next_name(name))
            if (bench_is_list_of(name, layer->name)) return 1;
    return 0;
}

static void complain(void *context, const char *path, int line, const char *what)
{
    enum { REPORTED = 20 };
    int *lines = context;
    if (++*lines <= REPORTED) fprintf(stderr, "fastcnn-bench: %s:%d: left out: %s\n", path, line, what);
    if (*lines == REPORTED) fprintf(stderr, "fastcnn-bench: %s: further ones are not named\n", path);
}

/* What --layers names and is no list is a file. 0, or a status to exit with after a message. */
static int read_file(const char *name, struct bench_shape_file *file)
{
    char path[4096];
    int lines = 0;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(name, ","), name);
    const int error = bench_shape_file_read(path, file, complain, &lines);
    if (error == ENOMEM) return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
    if (error && !strpbrk(path, "./"))
        return fprintf(stderr, "fastcnn-bench: --layers: no list and no file \"%s\"; there are the lists " BENCH_LISTS
                       "\n", path), EX_USAGE;
    if (error) return fprintf(stderr, "fastcnn-bench: %s: %s\n", path, strerror(error)), EX_NOINPUT;
    if (!file->count) return fprintf(stderr, "fastcnn-bench: %s: no line is a problem\n", path), EX_DATAERR;
    return 0;
}

/* The files among the names of --layers, in their order. */
struct files {
    struct bench_shape_file *of;
    int count, layers;
};

static int read_files(const struct bench_options *o, struct files *files)
{
    int names = 0, status = 0;
    for (int i = 0; i < o->layers.count; i++)
        for (const char *name = o->layers.values[i]; *name; name = next_name(name)) names++;
    files->of = calloc((size_t)names + 1, sizeof *files->of);
    if (!files->of) return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
    for (int i = 0; i < o->layers.count; i++) {
        const char *name = o->layers.values[i];
        do { /* an empty name, too, is one that there is not */
            if (!bench_is_list(name)) {
                struct bench_shape_file *file = &files->of[files->count++];
                status = read_file(name, file);
                files->layers += file->count;
            }
            if (status) return status;
            name = next_name(name);
        } while (*name);
    }
    return 0;
}

static fcnn_status make(const struct bench_options *o, const struct files *files, struct bench_case *cases, int *count)
{
    fcnn_status status = FCNN_OK;
    for (int i = 0; !status && i < o->problems.count; i++) {
        char layer[64];
        snprintf(layer, sizeof layer, "problem%d", i + 1);
        status = complete(&cases[(*count)++], layer, o->problems.values[i], o->threads);
    }
    for (int i = 0; !status && i < bench_layer_count; i++)
        if (is_wanted(o, &bench_layers[i])) status = add_layer(cases, count, &bench_layers[i], o->threads);
    for (int i = 0; i < files->count; i++)
        for (int j = 0; !status && j < files->of[i].count; j++)
            status = add_layer(cases, count, &files->of[i].layers[j], o->threads);
    return status;
}

int bench_cases_make(const struct bench_options *o, struct bench_case **made, int *count)
{
    struct files files = {0};
    *count = 0;
    *made = NULL;
    int code = read_files(o, &files);
    if (!code) {
        const int layers = bench_layer_count + files.layers;
        *made = calloc((size_t)(layers * BENCH_DIRECTIONS + o->problems.count), sizeof **made);
        const fcnn_status status = *made ? make(o, &files, *made, count) : FCNN_OUT_OF_MEMORY;
        if (status) fprintf(stderr, "fastcnn-bench: %s\n", bench_reason(status));
        if (status) code = status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
    }
    for (int i = 0; i < files.count; i++) bench_shape_file_free(&files.of[i]);
    free(files.of);
    return code;
}

void bench_cases_free(struct bench_case *cases, int count)
{
    for (int i = 0; i < count; i++) bench_case_free(&cases[i]);
    free(cases);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Which cases are timed: problems of the command line, layers of the lists it names. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/cases.h"
#include "bench/names.h"

/* Of a layer's name: what "@16777216" leaves of 64, and what of that is for "~1000000". */
enum { NAME = 55, COPY = 8 };

/* What grows while cases are listed. */
struct list {
    const struct bench_options *options;
    struct bench_case *cases;
    int count;
    double bytes;  /* that these cases will need */
    int left_out;  /* for want of memory */
    char first[64];
    struct bench_names names; /* of layers, without the images of a batch */
    int *copies;              /* of each: layers that would have had it, too */
};

/* Operations on images have as many as --batch says. */
static int has_images(fcnn_op op)
{
    return op != FCNN_REDUCE && op != FCNN_ADAM && op != FCNN_SGD && op != FCNN_RMSPROP;
}

/* batch: images; 0: as the text says. */
static fcnn_status describe(struct bench_problem *p, const char *layer, const char *text, int batch)
{
    fcnn_tensor_info info[BENCH_MAX_TENSORS];
    fcnn_status status = fcnn_problem_parse(&p->problem, text);
    if (status) return status;
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    if (batch && has_images(p->problem.op)) {
        p->problem.n = batch;
        snprintf(p->layer, sizeof p->layer, "%.*s@%d", NAME, layer, batch);
        if ((status = fcnn_problem_check(&p->problem))) return status;
    }
    fcnn_problem_format(&p->problem, p->text, sizeof p->text);
    p->flops = fcnn_problem_flops(&p->problem);
    p->bytes = 0;
    for (int i = bench_tensor_list(&p->problem, info) - 1; i >= 0; i--)
        p->bytes += (double)info[i].elements * (double)info[i].element_size * (info[i].role == FCNN_INOUT ? 2 : 1);
    return FCNN_OK;
}

static fcnn_status note_choice(struct bench_case *c, int threads)
{
    fcnn_plan *plan;
    const fcnn_status status = fcnn_plan_create(&plan, &c->about.problem, &(fcnn_options){.threads = threads});
    if (status) return status;
    snprintf(c->choice, sizeof c->choice, "%s", fcnn_plan_kernel(plan));
    fcnn_plan_destroy(plan);
    return FCNN_OK;
}

/* Cases are there until the run ends, with their tensors, the references' outputs and a peer's copies. Batches can make
 * them larger than the machine: together they may need half of its memory. */
static int fits(const struct list *list, const struct bench_problem *p)
{
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return !list->options->batch_count || list->bytes + 3 * p->bytes <= machine / 2;
}

/* One more case; what has no images is one with the first batch only. */
static fcnn_status append(struct list *list, const char *layer, const char *text, int batch)
{
    struct bench_case c = {0};
    fcnn_status status = describe(&c.about, layer, text, batch);
    if (status || (batch != list->options->batches[0] && !has_images(c.about.problem.op))) return status;
    if (!fits(list, &c.about)) {
        if (!list->left_out++) snprintf(list->first, sizeof list->first, "%s", c.about.layer);
        return FCNN_OK;
    }
    if ((status = note_choice(&c, list->options->threads))) return status;
    for (int i = 0; i < BENCH_CLASSES; i++) c.references[i].error = NAN;
    list->bytes += 3 * c.about.bytes;
    list->cases[list->count++] = c;
    return FCNN_OK;
}

/* One case for each direction that the operation has. */
static fcnn_status add_directions(struct list *list, const struct bench_layer *layer, int batch)
{
    fcnn_status status = FCNN_OK, last = FCNN_OK;
    int count = 0;
    for (int d = 0; d < BENCH_DIRECTIONS; d++) {
        char text[192];
        snprintf(text, sizeof text, "%s %s %s", layer->op, fcnn_direction_name((fcnn_direction)d), layer->sizes);
        last = append(list, layer->name, text, batch);
        if (!last) count++;
        else if (last != FCNN_BAD_ARGUMENT) return last; /* bad argument: no such direction */
        else status = last;
    }
    return count ? FCNN_OK : status;
}

/* Results go by names: the second layer of one name becomes "name~2", whether a list, an earlier file or the same one
 * has the first. */
static fcnn_status name_layer(struct list *list, const char *wanted, char name[64])
{
    const int met = list->names.count, first = bench_names_number(&list->names, "%.*s", NAME, wanted);
    int number = first;
    snprintf(name, 64, "%.*s", NAME, wanted);
    while (number >= 0 && number < met) { /* not a new one */
        snprintf(name, 64, "%.*s~%d", NAME - COPY, wanted, ++list->copies[first] + 1);
        number = bench_names_number(&list->names, "%s", name);
    }
    return number < 0 ? FCNN_OUT_OF_MEMORY : FCNN_OK;
}

/* A layer at all sizes of a batch. */
static fcnn_status add_layer(struct list *list, const struct bench_layer *layer)
{
    const struct bench_options *o = list->options;
    char name[64];
    struct bench_layer one = *layer;
    fcnn_status status = name_layer(list, layer->name, name);
    one.name = name;
    if (!status) status = add_directions(list, &one, o->batches[0]);
    for (int i = 1; !status && i < o->batch_count; i++) status = add_directions(list, &one, o->batches[i]);
    return status;
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
    char plain[512];
    size_t length = 0;
    for (; what[length] && length + 1 < sizeof plain; length++) /* a file's bytes are no commands to a terminal */
        plain[length] = what[length] >= ' ' && what[length] < 127 ? what[length] : '?';
    plain[length] = 0;
    if (++*lines <= REPORTED) fprintf(stderr, "fastcnn-bench: %s:%d: left out: %s\n", path, line, plain);
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

static fcnn_status add_problem(struct list *list, int index)
{
    const struct bench_options *o = list->options;
    char layer[64];
    snprintf(layer, sizeof layer, "problem%d", index + 1);
    fcnn_status status = append(list, layer, o->problems.values[index], o->batches[0]);
    for (int i = 1; !status && i < o->batch_count; i++)
        status = append(list, layer, o->problems.values[index], o->batches[i]);
    return status;
}

static fcnn_status make(struct list *list, const struct files *files)
{
    const struct bench_options *o = list->options;
    fcnn_status status = FCNN_OK;
    for (int i = 0; !status && i < o->problems.count; i++) status = add_problem(list, i);
    for (int i = 0; !status && i < bench_layer_count; i++)
        if (is_wanted(o, &bench_layers[i])) status = add_layer(list, &bench_layers[i]);
    for (int i = 0; i < files->count; i++)
        for (int j = 0; !status && j < files->of[i].count; j++) status = add_layer(list, &files->of[i].layers[j]);
    if (list->left_out)
        fprintf(stderr, "fastcnn-bench: --batch: left out, half of the memory would not hold them: %s, %d problems\n",
                list->first, list->left_out);
    return status;
}

int bench_cases_make(const struct bench_options *o, struct bench_case **made, int *count)
{
    struct files files = {0};
    struct list list = {.options = o};
    int code = read_files(o, &files);
    if (!code) {
        const int layers = bench_layer_count + files.layers, batches = o->batch_count ? o->batch_count : 1;
        list.cases = calloc((size_t)((layers * BENCH_DIRECTIONS + o->problems.count) * batches), sizeof *list.cases);
        list.copies = calloc((size_t)layers, sizeof *list.copies);
        const fcnn_status status = list.cases && list.copies ? make(&list, &files) : FCNN_OUT_OF_MEMORY;
        if (status) fprintf(stderr, "fastcnn-bench: %s\n", bench_reason(status));
        if (status) code = status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
    }
    for (int i = 0; i < files.count; i++) bench_shape_file_free(&files.of[i]);
    free(files.of);
    bench_names_free(&list.names);
    free(list.copies);
    *made = list.cases;
    *count = list.count;
    return code;
}

void bench_cases_free(struct bench_case *cases, int count)
{
    for (int i = 0; i < count; i++) bench_case_free(&cases[i]);
    free(cases);
}

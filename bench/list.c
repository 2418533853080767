/* SPDX-License-Identifier: BSD-2-Clause
 * Which cases are timed: problems of the command line, layers of the lists it names. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/cases.h"

static fcnn_status complete(struct bench_case *c, const char *layer, const char *text, int threads)
{
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    fcnn_plan *plan;
    struct bench_problem *p = &c->about;
    fcnn_status status = fcnn_problem_parse(&p->problem, text);
    if (status) return status;
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    fcnn_problem_format(&p->problem, p->text, sizeof p->text);
    p->flops = fcnn_problem_flops(&p->problem);
    for (int i = 0; i < FCNN_CLASSES; i++) c->references[i].error = NAN;
    p->bytes = 0;
    for (int i = fcnn_tensor_list(&p->problem, info) - 1; i >= 0; i--)
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
    for (int d = 0; d < FCNN_DIRECTIONS; d++) {
        char text[192];
        snprintf(text, sizeof text, "%s %s %s", layer->op, fcnn_direction_name((fcnn_direction)d), layer->sizes);
        status = complete(&cases[*count], layer->name, text, threads);
        if (!status) ++*count;
        else if (status != FCNN_BAD_ARGUMENT) return status; /* bad argument: no such direction */
    }
    return *count > before ? FCNN_OK : status;
}

/* The list that a layer belongs to, or "all", is `name`, which ends at a comma or at its end. */
static int is_list_of(const char *name, const char *layer)
{
    const size_t length = strcspn(name, ",");
    return (length == 3 && !strncmp(name, "all", 3)) ||
           (length == strcspn(layer, ".") && !strncmp(name, layer, length));
}

static const char *next_name(const char *name)
{
    name += strcspn(name, ",");
    return name + (*name == ',');
}

static int is_wanted(const struct bench_options *o, const struct bench_layer *layer)
{
    if (!o->layers.count) return !o->problems.count && (o->quick ? is_list_of("mnist", layer->name) : layer->usual);
    for (int i = 0; i < o->layers.count; i++)
        for (const char *name = o->layers.values[i]; *name; name = next_name(name))
            if (is_list_of(name, layer->name)) return 1;
    return 0;
}

/* 1 after a message if one of the comma separated names is no list. */
static int has_unknown_list(const char *names)
{
    const char *name = names;
    do {
        int known = 0;
        for (int i = 0; i < bench_layer_count && !known; i++) known = is_list_of(name, bench_layers[i].name);
        if (!known)
            return fprintf(stderr, "fastcnn-bench: --layers: no list \"%.*s\"; there are mnist, vgg16, resnet50, "
                           "resnet18, mobilenet, tails and all\n", (int)strcspn(name, ","), name), 1;
        name = next_name(name);
    } while (*name);
    return 0;
}

int bench_cases_make(const struct bench_options *o, struct bench_case **made, int *count)
{
    *count = 0;
    for (int i = 0; i < o->layers.count; i++)
        if (has_unknown_list(o->layers.values[i])) return EX_USAGE;
    struct bench_case *cases = *made =
        calloc((size_t)(bench_layer_count * FCNN_DIRECTIONS + o->problems.count), sizeof *cases);
    fcnn_status status = cases ? FCNN_OK : FCNN_OUT_OF_MEMORY;
    for (int i = 0; !status && i < o->problems.count; i++) {
        char layer[64];
        snprintf(layer, sizeof layer, "problem%d", i + 1);
        status = complete(&cases[(*count)++], layer, o->problems.values[i], o->threads);
    }
    for (int i = 0; !status && i < bench_layer_count; i++)
        if (is_wanted(o, &bench_layers[i])) status = add_layer(cases, count, &bench_layers[i], o->threads);
    if (!status) return 0;
    fprintf(stderr, "fastcnn-bench: %s\n", bench_reason(status));
    return status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
}

void bench_cases_free(struct bench_case *cases, int count)
{
    for (int i = 0; i < count; i++) bench_case_free(&cases[i]);
    free(cases);
}

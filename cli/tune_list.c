/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn tune: which problems. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/layers.h"
#include "cli/arguments.h"
#include "cli/tune.h"

#define DIRECTIONS (FCNN_UPDATE + 1) /* those that this program knows */

/* Work that takes longer gains more: a core does about 50 GFLOP/s and moves 10 GB/s. */
static double work_of(const fcnn_problem *problem)
{
    fcnn_tensor_info info;
    double seconds = fcnn_problem_flops(problem) / 50e9;
    for (int i = 0; !fcnn_problem_tensors(problem, i, &info); i++)
        seconds += (double)info.elements * (double)info.element_size / 10e9;
    return seconds;
}

/* Each problem once. */
static void add_problem(struct tuning *t, const fcnn_problem *problem)
{
    struct tune_job job = {.problem = *problem, .work = work_of(problem)};
    fcnn_problem_format(problem, job.text, sizeof job.text);
    const int number = bench_names_number(&t->texts, "%s", job.text);
    if (number < 0) {
        program_complain("out of memory");
        exit(EX_OSERR);
    }
    if (number < t->job_count) return;
    if (!(t->job_count & (t->job_count + 1)) || !t->jobs) { /* grows at 0, 1, 3, 7, ... */
        struct tune_job *more = program_allocate((size_t)t->job_count * 2 + 2, sizeof *more);
        if (t->jobs) memcpy(more, t->jobs, (size_t)t->job_count * sizeof *more);
        free(t->jobs);
        t->jobs = more;
    }
    t->jobs[t->job_count++] = job;
}

/* All directions that the operation has. */
static int add_layer(struct tuning *t, const struct bench_layer *layer)
{
    const int before = t->job_count;
    int known = 0;
    for (int d = 0; d < DIRECTIONS; d++) {
        char text[320];
        fcnn_problem problem;
        snprintf(text, sizeof text, "%s %s %s", layer->op, fcnn_direction_name((fcnn_direction)d), layer->sizes);
        if (fcnn_problem_parse(&problem, text)) continue;
        add_problem(t, &problem);
        known = 1;
    }
    return known || t->job_count > before;
}

static void note(void *context, const char *path, int line, const char *what)
{
    (void)context;
    program_complain("%s:%d: %s", path, line, what);
}

static int add_file(struct tuning *t, const char *path)
{
    struct bench_shape_file file;
    const int error = bench_shape_file_read(path, &file, note, NULL);
    if (error) {
        program_complain("--layers: \"%s\" is neither one of the lists %s, nor a file that can be read: %s", path,
                         BENCH_LISTS, strerror(error));
        return error == ENOMEM ? EX_OSERR : EX_NOINPUT;
    }
    for (int i = 0; i < file.count; i++) add_layer(t, &file.layers[i]);
    bench_shape_file_free(&file);
    return EXIT_SUCCESS;
}

static int add_layers(struct tuning *t, const char *names)
{
    for (const char *name = names; *name; name += strcspn(name, ","), name += *name == ',') {
        char word[4096];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(name, ","), name);
        if (!bench_is_list(word)) {
            const int code = add_file(t, word);
            if (code) return code;
        }
        for (int i = 0; bench_is_list(word) && i < bench_layer_count; i++)
            if (bench_is_list_of(word, bench_layers[i].name)) add_layer(t, &bench_layers[i]);
    }
    return EXIT_SUCCESS;
}

static int by_work(const void *a, const void *b)
{
    const struct tune_job *x = a, *y = b;
    return (x->work < y->work) - (x->work > y->work);
}

int tune_list(struct tuning *t, int argc, char **argv, int first)
{
    for (; first < argc; first++) {
        fcnn_problem problem;
        const fcnn_status status = fcnn_problem_parse(&problem, argv[first]);
        if (status) {
            program_complain("\"%s\": %s", argv[first], fcnn_last_error());
            return status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
        }
        add_problem(t, &problem);
    }
    const int code = t->layers ? add_layers(t, t->layers) : EXIT_SUCCESS;
    if (t->jobs) qsort(t->jobs, (size_t)t->job_count, sizeof *t->jobs, by_work);
    return code;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * A run that goes on has its model from the checkpoint. Where the model's file is named again, it is held against that:
 * who edited it in between is told, and not left with a run of the layers that were. Models are compared as text, a
 * line for the input, for each layer, and for how it is compiled (docs/models.md); what no text can say is not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/checkpoint.h"
#include "lib/io/text.h"

static size_t length_of(const char *line) { return strcspn(line, "\n"); }

static int are_same(const char *a, const char *b)
{
    return length_of(a) == length_of(b) && !memcmp(a, b, length_of(a));
}

/* "": there is none. */
static const char *compile_line(const char *text)
{
    const char *line = strstr(text, "\ncompile");
    return line ? line + 1 : "";
}

/* Of a file that says nothing of it "", whatever the model is compiled with. */
static const char *compile_line_of_file(const char *text, const fcnn_file_info *info)
{
    return info->has_training ? compile_line(text) : "";
}

static int refuse(const struct training *t, const char *name, const char *what, const char *there, const char *here)
{
    program_complain("%s is not the model that the run of %s has: %s is '%.*s' in the file, '%.*s' in the run; leave "
                     "--model out, or begin another checkpoint", name, t->checkpoint.file, what,
                     (int)length_of(there), there, (int)length_of(here), here);
    return EX_USAGE;
}

static int compare_layers(const struct training *t, const char *name, const char *file, const char *run)
{
    const char *const ends[] = {compile_line(file), compile_line(run)};
    for (int i = 0;; i++) {
        char what[32];
        const char *there = file == ends[0] ? "" : file, *here = run == ends[1] ? "" : run;
        if (!*there && !*here) return EXIT_SUCCESS;
        snprintf(what, sizeof what, i ? "layer %d" : "its input", i);
        if (!are_same(there, here)) return refuse(t, name, what, *there ? there : "missing", *here ? here : "missing");
        file += *there ? length_of(file) + 1 : 0;
        run += *here ? length_of(run) + 1 : 0;
    }
}

/* As the file said at first, or, where --save wrote over it, as the run has it by now. */
static int compare_compiling(const struct training *t, const char *name, const char *file, const char *run)
{
    const char *first = json_string_value(t->file_compile);
    if (!first || are_same(file, first) || are_same(file, run)) return EXIT_SUCCESS;
    return refuse(t, name, "how it is compiled", *file ? file : "left open", *first ? first : "left open");
}

int checkpoint_check_model(const struct training *t, const fcnn_model *model, const char *name)
{
    fcnn_model *now = NULL;
    fcnn_file_info info;
    char *file = NULL, *run = NULL;
    if (!cli_model_file(name) || access(name, F_OK)) return EXIT_SUCCESS; /* nor is it needed */
    const fcnn_load_options options = {.kernels = &t->kernels};
    int code = cli_model_open(&now, name, &options, &info);
    if (!code && !io_text_format(&file, now, name) && !io_text_format(&run, model, name)) {
        code = compare_layers(t, name, file, run);
        if (!code) code = compare_compiling(t, name, compile_line_of_file(file, &info), compile_line(run));
    }
    free(file);
    free(run);
    fcnn_model_destroy(now);
    return code;
}

void checkpoint_keep_compiling(struct training *t, const fcnn_model *model)
{
    char *text;
    if (!t->checkpoint.file || !t->model_name || io_text_format(&text, model, t->model_name)) return;
    const char *line = compile_line_of_file(text, &t->file);
    t->file_compile = json_stringn(line, length_of(line));
    free(text);
}

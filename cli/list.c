/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn list: the table of kernels. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"

struct filter {
    int op, isa; /* -1: all */
};

static int matches(const struct filter *filter, const fcnn_kernel_info *kernel)
{
    return (filter->op < 0 || filter->op == (int)kernel->op) && (filter->isa < 0 || filter->isa == (int)kernel->isa);
}

/* "panel 1 2 3" for each knob, a line of its own. */
static void print_knobs(int kernel)
{
    fcnn_knob_info knob;
    for (int i = 0; !fcnn_knob_describe(kernel, i, &knob); i++) {
        printf("    %s%s", cli_color(stdout, CLI_DIM), knob.name);
        for (int v = 0; v < knob.count; v++) printf(" %lld", (long long)knob.values[v]);
        printf("%s\n", cli_color(stdout, CLI_PLAIN));
    }
}

static json_t *knobs_json(int kernel)
{
    fcnn_knob_info knob;
    json_t *knobs = json_object();
    for (int i = 0; !fcnn_knob_describe(kernel, i, &knob); i++) {
        json_t *values = json_array();
        for (int v = 0; v < knob.count; v++) json_array_append_new(values, json_integer((json_int_t)knob.values[v]));
        json_object_set_new(knobs, knob.name, values);
    }
    return knobs;
}

static int print_text(const struct filter *filter)
{
    const char *missing[FCNN_ISAS] = {0};
    printf("%s%-37s  %-19s  %-16s  %-6s  %-5s  %s%s\n", cli_color(stdout, CLI_BOLD), "kernel", "operation", "direction",
           "isa", "class", "here", cli_color(stdout, CLI_PLAIN));
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info k = fcnn_kernel_describe(i);
        if (!matches(filter, &k)) continue;
        printf("%-37s  %-19s  %-16s  %-6s  %-5s  %s%s%s\n", k.name, fcnn_op_name(k.op),
               fcnn_direction_name(k.direction), fcnn_isa_name(k.isa), fcnn_class_name(k.numerics),
               cli_color(stdout, k.missing ? CLI_DIM : CLI_GREEN), k.missing ? "no" : "yes",
               cli_color(stdout, CLI_PLAIN));
        missing[k.isa] = k.missing;
        print_knobs(i);
    }
    for (int i = 0; i < FCNN_ISAS; i++)
        if (missing[i]) printf("%s: %s\n", fcnn_isa_name((fcnn_isa)i), missing[i]);
    return EXIT_SUCCESS;
}

static int print_json(const struct filter *filter)
{
    json_t *kernels = json_array();
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info k = fcnn_kernel_describe(i);
        if (matches(filter, &k))
            json_array_append_new(kernels,
                                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s?, s:o}", "name", k.name, "operation",
                                            fcnn_op_name(k.op), "direction", fcnn_direction_name(k.direction), "isa",
                                            fcnn_isa_name(k.isa), "class", fcnn_class_name(k.numerics), "available",
                                            !k.missing, "missing", k.missing, "knobs", knobs_json(i)));
    }
    return cli_print_json(json_pack("{s:s, s:o}", "command", "list", "kernels", kernels));
}

static int run(int argc, char **argv)
{
    struct filter filter = {.op = -1, .isa = -1};
    cli_parse(&cli_list, argc, argv, &filter);

    int found = 0;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        found += matches(&filter, &kernel);
    }
    if (!found) {
        program_complain("no kernel matches%s%s%s%s", filter.op < 0 ? "" : " --op ",
                     filter.op < 0 ? "" : fcnn_op_name((fcnn_op)filter.op), filter.isa < 0 ? "" : " --isa ",
                     filter.isa < 0 ? "" : fcnn_isa_name((fcnn_isa)filter.isa));
        return EX_USAGE;
    }
    return cli_json ? print_json(&filter) : print_text(&filter);
}

/* The library calls what it does not know "unknown". */
static const char *known(const char *name)
{
    return strcmp(name, "unknown") ? name : NULL;
}

static const char *op_word(int number) { return known(fcnn_op_name((fcnn_op)number)); }
static const char *isa_word(int number) { return known(fcnn_isa_name((fcnn_isa)number)); }

static const struct cli_option options[] = {
    {"op", "NAME", "Only kernels of this operation, e.g. conv2d", CLI_CHOICE, .field = offsetof(struct filter, op),
     .word = op_word},
    {"isa", "NAME", "Only kernels of this instruction set: scalar, avx2, avx512 or neon", CLI_CHOICE,
     .field = offsetof(struct filter, isa), .word = isa_word},
    {0}};

const struct cli_command cli_list = {
    .name = "list",
    .summary = "the table of kernels",
    .doc = "Prints the table of kernels: one line per implementation of an operation, and below "
           "it its knobs with the values that `fastcnn tune` tries.",
    .options = options,
    .run = run,
};

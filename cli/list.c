/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn list: the table of kernels. */
#include <string.h>

#include "cli/cli.h"

enum { OP = 0x2000, ISA };

struct filter {
    int op, isa; /* -1: all */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct filter *filter = state->input;
    switch (key) {
    case OP:
        for (int i = 0; strcmp(fcnn_op_name((fcnn_op)i), "unknown"); i++)
            if (!strcmp(argument, fcnn_op_name((fcnn_op)i))) filter->op = i;
        if (filter->op < 0)
            argp_error(state,
                       "--op: no operation '%s'; expected conv2d, conv2d+relu+maxpool, dense, maxpool, avgpool, relu, "
                       "softmax, cross_entropy, reduce, adam or sgd",
                       argument);
        return 0;
    case ISA:
        for (int i = 0; i < FCNN_ISAS; i++)
            if (!strcmp(argument, fcnn_isa_name((fcnn_isa)i))) filter->isa = i;
        if (filter->isa < 0)
            argp_error(state, "--isa: no instruction set '%s'; expected scalar, avx2, avx512 or neon", argument);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int matches(const struct filter *filter, const fcnn_kernel_info *kernel)
{
    return (filter->op < 0 || filter->op == (int)kernel->op) && (filter->isa < 0 || filter->isa == (int)kernel->isa);
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
                                  json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s?}", "name", k.name, "operation",
                                            fcnn_op_name(k.op), "direction", fcnn_direction_name(k.direction), "isa",
                                            fcnn_isa_name(k.isa), "class", fcnn_class_name(k.numerics), "available",
                                            !k.missing, "missing", k.missing));
    }
    return cli_print_json(json_pack("{s:s, s:o}", "command", "list", "kernels", kernels));
}

int cli_list(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"op", OP, "NAME", 0, "Only kernels of this operation, e.g. conv2d", 1},
        {"isa", ISA, "NAME", 0, "Only kernels of this instruction set: scalar, avx2, avx512 or neon", 1},
        {0}};
    static const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {.options = options,
                                     .parser = parse,
                                     .children = children,
                                     .doc =
                                         "Prints the table of kernels: one line per implementation of an operation."};
    struct filter filter = {.op = -1, .isa = -1};
    cli_parse(&argp, argc, argv, &filter, NULL);

    int found = 0;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        found += matches(&filter, &kernel);
    }
    if (!found) {
        cli_complain("no kernel matches%s%s%s%s", filter.op < 0 ? "" : " --op ",
                     filter.op < 0 ? "" : fcnn_op_name((fcnn_op)filter.op), filter.isa < 0 ? "" : " --isa ",
                     filter.isa < 0 ? "" : fcnn_isa_name((fcnn_isa)filter.isa));
        return EX_USAGE;
    }
    return cli_json ? print_json(&filter) : print_text(&filter);
}

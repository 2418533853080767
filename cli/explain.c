/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn explain: for one problem, every kernel of its operation: usable or why not, which one is taken and why. */
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"

struct question {
    char text[512];
    fcnn_problem problem;
    fcnn_options options;
    char taken[96];    /* the kernel's name, "" if there is none */
    char failure[512]; /* why there is none */
    fcnn_status status;
};

/* The problem may be one argument or several. */
static void read_problem(struct question *q, int argc, char **argv, int first)
{
    if (first == argc) cli_usage(&cli_explain, "expected a problem, e.g. 'conv2d forward mb64ic32ih13oc64oh11kh3ph0'");
    for (size_t used = 0; first < argc; first++) {
        int length = snprintf(q->text + used, sizeof q->text - used, "%s%s", used ? " " : "", argv[first]);
        if (length < 0 || (size_t)length >= sizeof q->text - used) cli_usage(&cli_explain, "the problem is too long");
        used += (size_t)length;
    }
}

static int belongs(const struct question *q, const fcnn_kernel_info *kernel)
{
    return kernel->op == q->problem.op && kernel->direction == q->problem.direction;
}

/* The verdict in words; a taken kernel is said to be the choice for want of better, where it is. */
static void explain_kernel(const fcnn_verdict *v, const char *taken, char *text, size_t size)
{
    if (v->chosen) snprintf(text, size, "taken: %s%s%s", v->why, v->limit ? ": " : "", v->limit ? v->limit : "");
    else if (v->reason) snprintf(text, size, "not usable: %s", v->reason);
    else if (!*taken) snprintf(text, size, "usable");
    else snprintf(text, size, "usable, but %s%s", v->why == v->doubt ? "not preferred: " : "", v->why);
}

/* The kernel of a plan, or why there is none. */
static void decide(struct question *q)
{
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_verdict verdict;
        if ((q->status = fcnn_explain(i, &q->problem, &q->options, &verdict))) {
            snprintf(q->failure, sizeof q->failure, "%s", fcnn_last_error());
            return;
        }
        if (verdict.chosen) snprintf(q->taken, sizeof q->taken, "%s", verdict.kernel);
    }
}

static void print_text(const struct question *q)
{
    char text[512];
    fcnn_problem_format(&q->problem, text, sizeof text);
    printf("%s%s%s\n", cli_color(stdout, CLI_BOLD), text, cli_color(stdout, CLI_PLAIN));
    if (fcnn_problem_flops(&q->problem) > 0)
        printf("%.4g MFLOP by the direct algorithm\n", fcnn_problem_flops(&q->problem) * 1e-6);
    putchar('\n');
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        if (!belongs(q, &kernel)) continue;
        fcnn_verdict verdict;
        fcnn_explain(i, &q->problem, &q->options, &verdict);
        explain_kernel(&verdict, q->taken, text, sizeof text);
        const char *color = !strcmp(kernel.name, q->taken) ? cli_color(stdout, CLI_GREEN)
                            : strncmp(text, "not", 3)      ? ""
                                                           : cli_color(stdout, CLI_DIM);
        printf("%s%-37s  %s%s\n", color, kernel.name, text, *color ? cli_color(stdout, CLI_PLAIN) : "");
    }
}

static int print_json(const struct question *q)
{
    char text[512];
    json_t *kernels = json_array();
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        if (!belongs(q, &kernel)) continue;
        fcnn_verdict verdict;
        fcnn_explain(i, &q->problem, &q->options, &verdict);
        explain_kernel(&verdict, q->taken, text, sizeof text);
        json_array_append_new(kernels,
                              json_pack("{s:s, s:s, s:s, s:b, s:b, s:s}", "name", kernel.name, "isa",
                                        fcnn_isa_name(kernel.isa), "class", fcnn_class_name(kernel.numerics), "usable",
                                        !verdict.reason, "taken", verdict.chosen, "why", text));
    }
    fcnn_problem_format(&q->problem, text, sizeof text);
    return cli_print_json(json_pack("{s:s, s:s, s:f, s:s?, s:o}", "command", "explain", "problem", text, "flops",
                                    fcnn_problem_flops(&q->problem), "taken", *q->taken ? q->taken : NULL, "kernels",
                                    kernels));
}

static int run(int argc, char **argv)
{
    struct question q = {0};
    read_problem(&q, argc, argv, cli_parse(&cli_explain, argc, argv, &q));
    fcnn_status status = fcnn_problem_parse(&q.problem, q.text);
    if (status) {
        program_complain("%s", fcnn_last_error());
        return status == FCNN_OUT_OF_MEMORY ? EX_OSERR : EX_USAGE;
    }
    decide(&q);
    int code = EXIT_SUCCESS;
    if (cli_json) code = print_json(&q);
    else print_text(&q);
    if (!q.status) return code;
    program_complain("%s", q.failure);
    return q.status == FCNN_NO_KERNEL ? EXIT_CHECK_FAILED : program_exit_code(q.status);
}

const struct cli_command cli_explain = {
    .name = "explain",
    .summary = "which kernel a problem gets, and why not the others",
    .arguments = "PROBLEM",
    .doc = "Says for every kernel of an operation whether it can serve PROBLEM, and which one is taken.",
    .more = "PROBLEM is operation, direction and sizes, e.g. 'conv2d forward mb64ic32ih13oc64oh11kh3ph0' (the sizes in "
            "the syntax of oneDNN's benchdnn).",
    .kernels = offsetof(struct question, options),
    .has_kernels = 1,
    .run = run,
};

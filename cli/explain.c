/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn explain: for one problem, every kernel of its operation: usable or why not, which one is taken and why; with
 * --time, how long each takes. */
#include <math.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/times.h"

/* A plan in words. */
struct choice {
    char text[512]; /* "": none */
    char origin[16];
    int threads;
    double gain;
};

struct question {
    char text[512];
    fcnn_problem problem;
    fcnn_options options;
    int time;
    double budget;
    char taken[96];    /* the kernel's name, "" if there is none */
    char failure[512]; /* why there is none */
    fcnn_status status;
    struct choice estimate, plan;
    struct cli_times *times; /* NULL: without --time */
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

/* ---- choices ---- */

static fcnn_status describe(const struct question *q, fcnn_tuning *table, struct choice *choice)
{
    fcnn_options options = q->options;
    fcnn_plan *plan;
    fcnn_plan_info info;
    options.planning = "estimate"; /* a question measures nothing */
    options.tuning = table;
    const fcnn_status status = fcnn_plan_create(&plan, &q->problem, &options);
    if (status) return status;
    fcnn_plan_describe(plan, &info);
    snprintf(choice->text, sizeof choice->text, "%s", info.choice);
    snprintf(choice->origin, sizeof choice->origin, "%s", info.origin);
    choice->threads = info.threads;
    choice->gain = info.gain;
    fcnn_plan_destroy(plan);
    return FCNN_OK;
}

/* The estimate, from an empty table, beside what the table says. */
static fcnn_status describe_both(struct question *q)
{
    fcnn_tuning *empty;
    fcnn_status status = describe(q, NULL, &q->plan);
    if (!status) status = fcnn_tuning_create(&empty);
    if (status) return status;
    status = describe(q, empty, &q->estimate);
    fcnn_tuning_destroy(empty);
    return status;
}

/* ---- output ---- */

static void print_choice(const char *name, const struct choice *c)
{
    if (!*c->text) return;
    printf("%s  %s, %d thread%s", name, c->text, c->threads, c->threads == 1 ? "" : "s");
    if (!strcmp(c->origin, "tuned")) printf(": from the tuning table, %.2f times as fast when measured", c->gain);
    else if (!strcmp(c->origin, "pinned")) printf(": asked for by name");
    putchar('\n');
}

static void print_percent(double part)
{
    if (isnan(part)) printf("%5s  ", "");
    else printf("%4.0f%%  ", 100 * part);
}

static void print_time(const struct cli_times *times, int kernel)
{
    if (!times) return;
    const struct cli_time *t = &times->of[kernel];
    if (t->seconds > 0) printf("%9.1f us  ", t->seconds * 1e6);
    else printf("%12s  ", "");
    print_percent(t->of_peak);
    print_percent(t->of_memory);
    if (isnan(t->error)) printf("%5s  ", "");
    else printf("%5.1f  ", t->error);
}

static void print_text(const struct question *q)
{
    char text[512];
    fcnn_problem_format(&q->problem, text, sizeof text);
    printf("%s%s%s\n", cli_color(stdout, CLI_BOLD), text, cli_color(stdout, CLI_PLAIN));
    if (fcnn_problem_flops(&q->problem) > 0)
        printf("%.4g MFLOP by the direct algorithm\n", fcnn_problem_flops(&q->problem) * 1e-6);
    print_choice("estimate", &q->estimate);
    print_choice("taken   ", &q->plan);
    putchar('\n');
    if (q->times)
        printf("With the best knobs that were tried: time, %% of the instruction set's peak, %% of its memory bound,\n"
               "error in units of 2^-24 sum |a b|\n\n");
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        if (!belongs(q, &kernel)) continue;
        fcnn_verdict verdict;
        fcnn_explain(i, &q->problem, &q->options, &verdict);
        explain_kernel(&verdict, q->taken, text, sizeof text);
        const char *color = !strcmp(kernel.name, q->taken) ? cli_color(stdout, CLI_GREEN)
                            : strncmp(text, "not", 3)      ? ""
                                                           : cli_color(stdout, CLI_DIM);
        printf("%s%-37s  ", color, kernel.name);
        print_time(q->times, i);
        printf("%s%s\n", text, *color ? cli_color(stdout, CLI_PLAIN) : "");
        const char *knobs = q->times ? strchr(q->times->of[i].choice, '{') : NULL;
        if (knobs) printf("    %s\n", knobs);
    }
}

static json_t *choice_json(const struct choice *c)
{
    if (!*c->text) return json_null();
    return json_pack("{s:s, s:s, s:i, s:f}", "choice", c->text, "origin", c->origin, "threads", c->threads, "gain",
                     c->gain);
}

/* What does not apply is left out: there is no NaN in JSON. */
static void set_number(json_t *object, const char *key, double value)
{
    if (!isnan(value)) json_object_set_new(object, key, json_real(value));
}

static json_t *kernel_json(const struct question *q, int index, const fcnn_kernel_info *kernel)
{
    char text[512];
    fcnn_verdict verdict;
    fcnn_explain(index, &q->problem, &q->options, &verdict);
    explain_kernel(&verdict, q->taken, text, sizeof text);
    json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s}", "name", kernel->name, "isa", fcnn_isa_name(kernel->isa),
                             "class", fcnn_class_name(kernel->numerics), "usable", !verdict.reason, "taken",
                             verdict.chosen, "why", text);
    const struct cli_time *t = q->times ? &q->times->of[index] : NULL;
    if (!t || !(t->seconds > 0)) return json;
    json_object_update_new(json, json_pack("{s:s, s:f, s:i}", "choice", t->choice, "seconds", t->seconds, "threads",
                                           t->threads));
    set_number(json, "percent_of_peak", 100 * t->of_peak);
    set_number(json, "percent_of_memory", 100 * t->of_memory);
    set_number(json, "error", t->error);
    return json;
}

static int print_json(const struct question *q)
{
    char text[512];
    json_t *kernels = json_array();
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        if (belongs(q, &kernel)) json_array_append_new(kernels, kernel_json(q, i, &kernel));
    }
    fcnn_problem_format(&q->problem, text, sizeof text);
    return cli_print_json(json_pack("{s:s, s:s, s:f, s:s?, s:o, s:o, s:o}", "command", "explain", "problem", text,
                                    "flops", fcnn_problem_flops(&q->problem), "taken", *q->taken ? q->taken : NULL,
                                    "estimate", choice_json(&q->estimate), "plan", choice_json(&q->plan), "kernels",
                                    kernels));
}

static int answer(struct question *q)
{
    decide(q);
    const fcnn_status described = q->status ? FCNN_OK : describe_both(q);
    if (described) return program_failed(described);
    if (q->time && !q->status) {
        const fcnn_status status =
            cli_times_measure(&q->times, &q->problem, &q->options, q->plan.threads, q->budget);
        if (status) return status == FCNN_INTERRUPTED ? EXIT_INTERRUPTED : program_failed(status);
    }
    int code = EXIT_SUCCESS;
    if (cli_json) code = print_json(q);
    else print_text(q);
    if (!q->status) return code;
    program_complain("%s", q->failure);
    const int unserved = q->status == FCNN_NO_KERNEL || q->status == FCNN_NOT_TUNED;
    return unserved ? EXIT_CHECK_FAILED : program_exit_code(q->status);
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
    const int code = answer(&q);
    cli_times_free(q.times);
    return code;
}

static const struct cli_option options[] = {
    {"time", NULL, "Measure: each kernel's time with the best knobs that were tried, % of peak and of the memory "
     "bound, error", CLI_SET, .field = offsetof(struct question, time), .low = 1},
    {"budget", "SECONDS", "With --time: about (default: 1, or 200 executions)", CLI_DOUBLE,
     .field = offsetof(struct question, budget), .least = 1e-3, .most = 1e6},
    {0}};

const struct cli_command cli_explain = {
    .name = "explain",
    .summary = "which kernel a problem gets, and why not the others",
    .arguments = "PROBLEM",
    .doc = "Says for every kernel of an operation whether it can serve PROBLEM, and which one is taken: the "
           "estimate's, or that of the tuning table.",
    .more = "PROBLEM is operation, direction and sizes, e.g. 'conv2d forward mb64ic32ih13oc64oh11kh3ph0' (the sizes in "
            "the syntax of oneDNN's benchdnn).",
    .options = options,
    .kernels = offsetof(struct question, options),
    .has_kernels = 1,
    .run = run,
};

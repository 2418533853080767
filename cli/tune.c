/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn tune: measures problems and keeps the choices; --check measures whether they still hold. */
#include "cli/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"

#define DRIFT 1.05 /* --check: a stored choice that is this much slower than another one is no longer good */
#define SAMPLE 8   /* --check: lines, spread over the file */

/* ---- while it measures ---- */

struct watch {
    struct tuning *t;
    struct cli_progress bar;
    int done, of;
    char last[256]; /* the model's problem that is being measured */
    int measured;
    double logarithms; /* of the gains */
};

static int on_trial(void *context, const fcnn_tune_progress *p)
{
    struct watch *w = context;
    char text[768];
    if (w->t->verbose && !cli_json) {
        cli_progress_clear(&w->bar);
        printf("  %10.3f us  %5.3fx  %3d thread%s  %s\n", p->seconds * 1e6, p->best / p->seconds, p->team,
               p->team == 1 ? " " : "s", p->choice);
    }
    snprintf(text, sizeof text, "%3.0f%% %s %s", p->part * 100, p->problem, p->choice);
    cli_progress_show(&w->bar, w->done, w->of, text);
    return cli_interrupted();
}

/* The table's choice, which is what a plan takes. */
static fcnn_status tell(struct watch *w, const fcnn_problem *problem, const fcnn_options *kernels, int measured)
{
    fcnn_options options = *kernels;
    fcnn_plan *plan;
    fcnn_plan_info info;
    char text[256];
    options.tuning = w->t->table;
    options.planning = "estimate";
    options.kernel = ""; /* FASTCNN_KERNEL decides which choices are tried, not what the table says */
    fcnn_status status = fcnn_plan_create(&plan, problem, &options);
    if (status) return status;
    fcnn_plan_describe(plan, &info);
    fcnn_problem_format(problem, text, sizeof text);
    cli_progress_clear(&w->bar);
    if (!cli_json && !w->t->quiet)
        printf("%s  %s%5.2fx%s  %d thread%s  %s%s\n", text, cli_color(stdout, info.gain > 1 ? CLI_GREEN : CLI_PLAIN),
               info.gain, cli_color(stdout, CLI_PLAIN), info.threads, info.threads == 1 ? "" : "s", info.choice,
               measured ? "" : "  (known)");
    json_array_append_new(w->t->problems,
                          json_pack("{s:s, s:i, s:s, s:s, s:i, s:f, s:b}", "problem", text, "threads",
                                    info.most_threads, "class", fcnn_class_name(info.numerics), "choice", info.choice,
                                    "team", info.threads, "gain", info.gain, "measured", measured));
    w->measured += measured;
    w->logarithms += log(info.gain);
    fflush(stdout);
    fcnn_plan_destroy(plan);
    return FCNN_OK;
}

/* The share of the budget that a problem gets of what is left; 0: each what it needs. */
static double share(double end, int problems)
{
    const double left = end - cli_now();
    return end > 0 ? fmax(left / problems, 1e-3) : 0;
}

/* Writes after each problem: what was measured is not lost, and a second run goes on there. */
static int tune_jobs(struct watch *w, double end)
{
    struct tuning *t = w->t;
    for (int i = 0; i < t->job_count; i++, w->done++) {
        const fcnn_tune_options how = {.seconds = share(end, t->job_count - i), .again = t->again,
                                       .progress = on_trial, .context = w};
        int measured = 0;
        if (end > 0 && cli_now() > end) break;
        fcnn_status status = fcnn_tune(t->table, &t->jobs[i].problem, &t->kernels, &how, &measured);
        if (!status) status = tell(w, &t->jobs[i].problem, &t->kernels, measured);
        if (status == FCNN_INTERRUPTED) return EXIT_INTERRUPTED;
        if (status) return program_failed(status);
        const int code = measured ? tune_save(t) : EXIT_SUCCESS;
        if (code) return code;
    }
    return EXIT_SUCCESS;
}

/* A training step's problems are the model's own business: it says when it comes to the next one. */
static int on_model_trial(void *context, const fcnn_tune_progress *p)
{
    struct watch *w = context;
    if (strcmp(w->last, p->problem)) {
        if (*w->last) tune_save(w->t);
        snprintf(w->last, sizeof w->last, "%s", p->problem);
        w->done++;
    }
    return on_trial(context, p);
}

static int tune_model(struct watch *w)
{
    fcnn_options kernels = w->t->kernels;
    fcnn_model *model = NULL;
    int measured = 0;
    kernels.tuning = w->t->table;
    const fcnn_tune_options how = {.again = w->t->again, .progress = on_model_trial, .context = w};
    fcnn_status status = fcnn_model_mnist(&model);
    if (!status) status = fcnn_compile(model, &(fcnn_compile_options){.kernels = &kernels});
    if (!status) status = fcnn_model_tune(model, 64, &how, &measured);
    fcnn_model_destroy(model);
    cli_progress_clear(&w->bar);
    if (status == FCNN_INTERRUPTED) return EXIT_INTERRUPTED;
    if (status) return program_failed(status);
    w->measured += measured;
    if (!cli_json && !w->t->quiet)
        printf("model mnist, batches of 64: %d problem%s measured\n", measured, measured == 1 ? "" : "s");
    return measured ? tune_save(w->t) : EXIT_SUCCESS;
}

static int report(const struct watch *w, int code)
{
    const struct tuning *t = w->t;
    const double mean = t->job_count ? exp(w->logarithms / t->job_count) : 1;
    if (cli_json) {
        const int printed = cli_print_json(json_pack("{s:s, s:s?, s:i, s:f, s:O}", "command", "tune", "file",
                                                     t->in_memory ? NULL : t->path, "measured", w->measured,
                                                     "mean_gain", mean, "problems", t->problems));
        return code ? code : printed;
    }
    if (!t->quiet && t->job_count > 1)
        printf("%d problems, %d measured; geometric mean of the gains over the estimates %.3fx\n", t->job_count,
               w->measured, mean);
    return code;
}

static int tune_all(struct tuning *t)
{
    struct watch w = {.t = t, .of = t->job_count};
    cli_progress_begin(&w.bar, !t->quiet && !cli_json);
    cli_catch_interrupt();
    int code = t->model ? tune_model(&w) : EXIT_SUCCESS;
    w.done = 0;
    if (!code) code = tune_jobs(&w, t->budget > 0 ? cli_now() + t->budget : 0);
    cli_progress_clear(&w.bar);
    if (code == EXIT_INTERRUPTED)
        program_complain("interrupted; %d problem%s measured and kept", w.measured,
                         w.measured == 1 ? " was" : "s were");
    return report(&w, code);
}

/* ---- --check ---- */

/* A line's choice against a search that begins with it. 1: it has drifted. */
static int check_line(struct watch *w, const fcnn_tuned *line, double seconds, fcnn_status *status)
{
    const fcnn_options options = {.threads = line->threads, .math = fcnn_class_name(line->numerics), .kernel = ""};
    const fcnn_tune_options how = {.seconds = seconds, .progress = on_trial, .context = w};
    fcnn_problem problem;
    char choice[512];
    double gain = 1;
    *status = fcnn_problem_parse(&problem, line->problem);
    if (!*status) *status = fcnn_tune_check(w->t->table, &problem, &options, &how, &gain, choice, sizeof choice);
    cli_progress_clear(&w->bar);
    if (*status) return 0;
    const int drifted = gain >= DRIFT;
    if (!cli_json && !w->t->quiet)
        printf("%s  %d thread%s  %s%s%s  %s%s%s\n", line->problem, line->threads, line->threads == 1 ? "" : "s",
               cli_color(stdout, drifted ? CLI_RED : CLI_GREEN), drifted ? "drifted" : "holds",
               cli_color(stdout, CLI_PLAIN), line->choice, drifted ? ", better " : "", drifted ? choice : "");
    json_array_append_new(w->t->problems, json_pack("{s:s, s:i, s:s, s:s, s:f, s:b}", "problem", line->problem,
                                                    "threads", line->threads, "choice", line->choice, "found", choice,
                                                    "gain", gain, "drifted", drifted));
    return drifted;
}

static int check_all(struct tuning *t)
{
    struct watch w = {.t = t};
    const int count = fcnn_tuning_count(t->table), sample = count < SAMPLE ? count : SAMPLE;
    int checked = 0, drifted = 0;
    cli_progress_begin(&w.bar, !t->quiet && !cli_json);
    cli_catch_interrupt();
    w.of = sample;
    for (; w.done < sample; w.done++) {
        fcnn_tuned line;
        fcnn_status status = fcnn_tuning_describe(t->table, (int)((int64_t)w.done * count / sample), &line);
        if (!status && line.stale) continue;
        if (!status) drifted += check_line(&w, &line, t->budget > 0 ? t->budget / sample : 0, &status);
        if (status == FCNN_INTERRUPTED) return program_complain("interrupted"), EXIT_INTERRUPTED;
        if (status && status != FCNN_NOT_TUNED) return program_failed(status);
        checked += !status;
    }
    if (cli_json) {
        const int code = cli_print_json(json_pack("{s:s, s:s?, s:i, s:i, s:O}", "command", "tune --check", "file",
                                                  t->path, "checked", checked, "drifted", drifted, "lines",
                                                  t->problems));
        return code ? code : drifted ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
    }
    printf("%d of %d lines checked, %d drifted\n", checked, count, drifted);
    return drifted ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

/* ---- the command ---- */

static int run_mode(struct tuning *t, int argc, char **argv, int first)
{
    if (t->diff) return tune_diff(t, argc, argv, first);
    if (t->merge) return tune_merge(t, argc, argv, first);
    if ((t->prune || t->check) && first < argc)
        cli_usage(&cli_tune, "unexpected argument '%s' with --%s", argv[first], t->prune ? "prune" : "check");
    if (t->prune) return tune_prune(t);
    int code = tune_list(t, argc, argv, first);
    if (!code && !t->check && !t->model && !t->job_count)
        cli_usage(&cli_tune, "expected problems, --layers or --model, e.g. "
                  "'conv2d forward mb64ic32ih13oc64oh11kh3ph0'");
    if (!code) code = tune_open(t);
    if (!code) code = t->check ? check_all(t) : tune_all(t);
    return code;
}

static int run(int argc, char **argv)
{
    struct tuning t = {.problems = json_array()};
    const int first = cli_parse(&cli_tune, argc, argv, &t);
    if (t.check + t.diff + t.merge + t.prune > 1)
        cli_usage(&cli_tune, "only one of --check, --diff, --merge and --prune at a time");
    const int code = run_mode(&t, argc, argv, first);
    if (t.table != fcnn_tuning_default()) fcnn_tuning_destroy(t.table);
    json_decref(t.problems);
    free(t.jobs);
    bench_names_free(&t.texts);
    return code;
}

static const char *model_word(int number)
{
    static const char *const words[] = {"none", "mnist"};
    return number < 2 ? words[number] : NULL;
}

#define FIELD(name) offsetof(struct tuning, name)
static const struct cli_option options[] = {
    {"model", "NAME", "All problems of a model's training, as `fastcnn train` has them: mnist", CLI_CHOICE,
     .field = FIELD(model), .word = model_word},
    {"layers", "LISTS", "All directions of the layers of lists (mnist, vgg16, resnet50, resnet18, mobilenet, varied, "
     "tails, all) or files (a line for each problem, as benchdnn has them), comma separated", CLI_TEXT,
     .field = FIELD(layers)},
    {"budget", "SECONDS", "About, for all problems together (default: a second for each, or 200 executions)",
     CLI_DOUBLE, .field = FIELD(budget), .least = 1e-3, .most = 1e9},
    {"file", "FILE", "The tuning file (default: the first of FASTCNN_TUNING, else the user's: `fastcnn info` names it)",
     CLI_TEXT,
     .field = FIELD(file)},
    {"again", NULL, "Measure also what the file has", CLI_SET, .field = FIELD(again), .low = 1},
    {"check", NULL, "Measure for a sample of the file's lines whether something else is faster now; exit with 1 if so",
     CLI_SET, .field = FIELD(check), .low = 1},
    {"diff", NULL, "Compare two files: fastcnn tune --diff A B; exit with 1 if choices differ", CLI_SET,
     .field = FIELD(diff), .low = 1},
    {"merge", NULL, "Add the lines of the files that are arguments; later ones win", CLI_SET, .field = FIELD(merge),
     .low = 1},
    {"prune", NULL, "Take the stale lines out of the file", CLI_SET, .field = FIELD(prune), .low = 1},
    {"verbose", NULL, "Print every candidate with its time", CLI_SET, .field = FIELD(verbose), .low = 1},
    {"quiet", NULL, "Print nothing but failures", CLI_SET, .field = FIELD(quiet), .low = 1},
    {0}};

const struct cli_command cli_tune = {
    .name = "tune",
    .summary = "measure which kernels and cuts are fastest here, and keep it",
    .arguments = "[PROBLEM...]",
    .doc = "Finds for each PROBLEM the kernel, its knobs and the number of threads that are fastest on this machine, "
           "and writes them into a tuning file, which every program that uses the library reads. Results stay the "
           "same, bit for bit: all candidates are of the problem's numerics class.",
    .more = "PROBLEM is one argument: operation, direction and sizes, e.g. 'conv2d forward "
            "mb64ic32ih13oc64oh11kh3ph0'. "
            "What the file has already is not measured again, so that a run that was interrupted can be repeated.",
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};

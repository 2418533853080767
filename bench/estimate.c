/* SPDX-License-Identifier: BSD-2-Clause
 * The estimate beside the best: see estimate.h. */
#include "bench/estimate.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/cases.h"
#include "bench/format.h"
#include "bench/interrupt.h"
#include "bench/output.h"
#include "bench/suite.h"

/* ---- the account ---- */

struct bench_estimate_summary bench_estimate_summarize(const struct bench_estimates *estimates)
{
    struct bench_estimate_summary summary = {0};
    for (int i = 0; i < estimates->count; i++) {
        const struct bench_estimate *e = &estimates->of[i];
        if (!(e->gain > 0)) continue;
        summary.measured++;
        summary.good += e->gain <= BENCH_ESTIMATE_BAR;
        bench_mean_add(&summary.gain, e->gain);
        if (!summary.worst || e->gain > summary.worst->gain) summary.worst = e;
    }
    return summary;
}

/* The largest gain first, what was not measured last, equals in their order. */
static int by_gain(const void *a, const void *b)
{
    const struct bench_estimate *x = a, *y = b;
    const double gain_x = x->gain > 0 ? x->gain : 0, gain_y = y->gain > 0 ? y->gain : 0;
    if (gain_x != gain_y) return gain_x < gain_y ? 1 : -1;
    return strcmp(x->of->text, y->of->text);
}

static void print_summary(const struct bench_estimates *estimates, FILE *out)
{
    const struct bench_estimate_summary s = bench_estimate_summarize(estimates);
    fprintf(out, "The estimate beside the best that tuning finds: %d problems, %d thread%s, about %.2g s each\n",
            estimates->count, estimates->threads, estimates->threads == 1 ? "" : "s", estimates->seconds);
    if (s.measured)
        fprintf(out, "  within %.0f %%: %d of %d (%.0f %%); geometric mean of the gain %.3f; largest %.2f (%s %s)\n",
                100 * (BENCH_ESTIMATE_BAR - 1), s.good, s.measured, 100.0 * s.good / s.measured,
                bench_mean_of(&s.gain), s.worst->gain, s.worst->of->layer,
                fcnn_direction_name(s.worst->of->problem.direction));
    if (s.measured < estimates->count) fprintf(out, "  not measured: %d\n", estimates->count - s.measured);
}

static void print_one(const struct bench_estimate *e, FILE *out)
{
    const int is_bad = e->gain > BENCH_ESTIMATE_BAR;
    fprintf(out, "%s", bench_style(out, is_bad ? BENCH_RED : BENCH_PLAIN));
    bench_print_number(out, 6, 2, e->gain);
    fprintf(out, "  %-30s %-17s %s", e->of->layer, fcnn_direction_name(e->of->problem.direction), e->estimate);
    if (e->failure[0]) fprintf(out, ": %s", e->failure);
    else if (strcmp(e->estimate, e->best) && e->best[0]) fprintf(out, "\n%58s%s", "", e->best);
    fprintf(out, "%s\n", bench_style(out, BENCH_PLAIN));
}

void bench_estimate_print(struct bench_estimates *estimates, FILE *out)
{
    print_summary(estimates, out);
    qsort(estimates->of, (size_t)estimates->count, sizeof *estimates->of, by_gain);
    fprintf(out, "\n  gain  %-30s %-17s estimate, and below it what is faster\n", "layer", "direction");
    for (int i = 0; i < estimates->count; i++) print_one(&estimates->of[i], out);
}

int bench_estimate_json(const struct bench_estimates *estimates, FILE *out)
{
    json_t *list = json_array();
    int failed = 0;
    for (int i = 0; i < estimates->count; i++) {
        const struct bench_estimate *e = &estimates->of[i];
        json_t *one = json_pack("{s:s, s:s, s:s}", "layer", e->of->layer, "problem", e->of->text, "estimate",
                                e->estimate);
        if (e->gain > 0)
            failed |= json_object_update_new(one, json_pack("{s:s, s:f}", "best", e->best, "gain", e->gain));
        else
            failed |= json_object_set_new(one, "failure", json_string(e->failure[0] ? e->failure : "time was up"));
        failed |= json_array_append_new(list, one);
    }
    if (!failed && !json_dumpf(list, out, JSON_INDENT(2) | JSON_REAL_PRECISION(9))) fputc('\n', out);
    json_decref(list);
    return !failed;
}

/* ---- the measurement ---- */

static int go_on(void *context, const fcnn_tune_progress *progress)
{
    (void)context, (void)progress;
    return bench_interrupted();
}

/* What a plan takes with an empty table. */
static fcnn_status note_estimate(struct bench_estimate *e, const fcnn_options *options)
{
    fcnn_plan *plan;
    fcnn_plan_info info;
    fcnn_status status = fcnn_plan_create(&plan, &e->of->problem, options);
    if (status) return status;
    status = fcnn_plan_describe(plan, &info);
    if (!status) snprintf(e->estimate, sizeof e->estimate, "%s", info.choice);
    fcnn_plan_destroy(plan);
    return status;
}

static fcnn_status measure(struct bench_estimate *e, int threads, double seconds)
{
    fcnn_tuned tuned;
    fcnn_options options = {.threads = threads};
    fcnn_status status = fcnn_tuning_create(&options.tuning);
    if (status) return status;
    status = note_estimate(e, &options);
    const fcnn_tune_options how = {.seconds = seconds, .progress = go_on};
    if (!status) status = fcnn_tune(options.tuning, &e->of->problem, &options, &how, NULL);
    if (!status) status = fcnn_tuning_describe(options.tuning, 0, &tuned);
    if (!status) {
        e->gain = tuned.gain;
        if (tuned.team == threads) snprintf(e->best, sizeof e->best, "%s", tuned.choice);
        else snprintf(e->best, sizeof e->best, "%s, %d threads", tuned.choice, tuned.team);
    }
    if (status) snprintf(e->failure, sizeof e->failure, "%s", bench_reason(status));
    fcnn_tuning_destroy(options.tuning);
    return status;
}

static void say_progress(const struct bench_estimates *estimates, int done)
{
    if (bench_is_terminal(stderr)) fprintf(stderr, "\r%d of %d problems", done, estimates->count);
    else if (done % 10 == 0) fprintf(stderr, "%d of %d problems\n", done, estimates->count);
    if (done == estimates->count && bench_is_terminal(stderr)) fputc('\n', stderr);
}

/* 0, or the status to exit with after a message. */
static int write_json(const struct bench_estimates *estimates, const char *path)
{
    struct bench_output output;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    if (bench_estimate_json(estimates, output.file)) return bench_output_close(&output) ? 0 : EX_IOERR;
    bench_output_cancel(&output);
    return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
}

int bench_estimate_run(const struct bench_suite *suite, FILE *out)
{
    struct bench_estimates all = {.count = suite->case_count, .threads = suite->options->threads};
    const double end = suite->start + suite->options->budget;
    all.of = calloc((size_t)all.count + 1, sizeof *all.of);
    if (!all.of) return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
    all.seconds = fmin(1, suite->options->budget / (all.count + 1));
    bench_interrupt_watch();
    for (int i = 0; i < all.count; i++) {
        struct bench_estimate *e = &all.of[i];
        *e = (struct bench_estimate){.of = &suite->cases[i].about, .gain = NAN};
        if (bench_interrupted() || bench_now() >= end) continue;
        measure(e, all.threads, all.seconds);
        if (bench_interrupted()) e->gain = NAN; /* cut short */
        else say_progress(&all, i + 1);
    }
    bench_estimate_print(&all, out);
    const char *json = bench_exports_path(&suite->options->exports, BENCH_JSON);
    const int status = json ? write_json(&all, json) : 0;
    free(all.of);
    return bench_interrupted() ? 128 + bench_interrupted() : status;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The suite: which kernels and peers are timed on which cases, how often, and which of them Google Benchmark's filter
 * selects. */
#include <fnmatch.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/cases.h"
#include "bench/measure.h"
#include "bench/peer.h"

static volatile sig_atomic_t interrupted;
static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}
int bench_interrupted(void) { return interrupted; }

/* Scalar code on a large layer takes up to a second: three windows must do. Vector code on the largest: five. */
static int windows_of(const struct bench_options *o, const struct bench_run *run)
{
    int most = run->of->flops > 1e9 ? 5 : o->repetitions;
    if (run->kernel.isa == FCNN_SCALAR && run->of->flops > 20e6) most = 3;
    return o->repetitions_given || most > o->repetitions ? o->repetitions : most;
}

static int matches(const char *filter, const struct bench_run *run)
{
    return !filter || !fnmatch(filter, run->of->layer, 0) || !fnmatch(filter, run->kernel.name, 0) ||
           !fnmatch(filter, run->name, 0);
}

static struct bench_run *new_run(struct bench_suite *suite, struct bench_case *c, int threads)
{
    struct bench_run *run = &suite->runs[suite->run_count];
    memset(run, 0, sizeof *run);
    run->suite = suite;
    run->of = c;
    run->threads = threads;
    return run;
}

/* Keeps a new run if it is wanted. */
static int add(struct bench_suite *suite, struct bench_run *run)
{
    const struct bench_options *o = suite->options;
    char few[32] = "";
    run->repetitions = windows_of(o, run);
    if (run->repetitions != o->repetitions) snprintf(few, sizeof few, "/repeats:%d", run->repetitions);
    snprintf(run->suffix, sizeof run->suffix, "%s%s/real_time", few, run->threads > 1 ? "/process_time" : "");
    if (!matches(o->filter, run)) return 0;
    const size_t length = strlen(run->name);
    if (o->scaling) snprintf(run->name + length, sizeof run->name - length, "/threads=%d", run->threads);
    suite->run_count++;
    return 1;
}

/* With --layers scalar code is left out where vector code serves the problem, unless a filter asks for it. */
static int is_left_out(const struct bench_options *o, const fcnn_kernel_info *kernel, const struct bench_case *c,
                       fcnn_isa best)
{
    if (o->choice) return strcmp(kernel->name, c->choice) != 0;
    return o->layers && !o->filter && kernel->isa == FCNN_SCALAR && best != FCNN_SCALAR;
}

static void add_kernels(struct bench_suite *suite, struct bench_case *c, int threads)
{
    const struct bench_options *o = suite->options;
    fcnn_isa best = FCNN_SCALAR;
    for (int i = 0; i < fcnn_kernel_count(); i++)
        if (!strcmp(fcnn_kernel_describe(i).name, c->choice)) best = fcnn_kernel_describe(i).isa;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        const fcnn_options options = {.threads = threads, .kernel = kernel.name,
                                      .math = fcnn_class_name(kernel.numerics)};
        fcnn_verdict verdict;
        if (fcnn_explain(i, &c->problem, &options, &verdict) || verdict.reason) continue;
        if (is_left_out(o, &kernel, c, best)) continue;
        struct bench_run *run = new_run(suite, c, threads);
        run->kernel = kernel;
        snprintf(run->name, sizeof run->name, "%s/%s", c->layer, kernel.name);
        add(suite, run);
    }
}

static void add_peers(struct bench_suite *suite, struct bench_case *c, int threads)
{
    static const char *const direction[FCNN_DIRECTIONS] = {"fwd", "bwd_data", "bwd_weights", "update"};
    const int variants = !suite->peer ? 0 : suite->options->choice ? 1 : 2;
    for (int variant = 0; variant < variants; variant++) {
        struct bench_run *run = new_run(suite, c, threads);
        if (!(run->peer = bench_peer_open(c, threads, variant))) continue;
        run->peer_variant = variant;
        snprintf(run->title, sizeof run->title, "%s (%s)", suite->peer, bench_peer_implementation(run->peer));
        run->kernel = (fcnn_kernel_info){.name = run->title, .op = c->problem.op, .direction = c->problem.direction,
                                         .isa = bench_peer_isa(run->peer)};
        snprintf(run->name, sizeof run->name, "%s/%s_%s%s", c->layer, suite->peer, direction[c->problem.direction],
                 variant ? "_auto" : "");
        if (!add(suite, run)) bench_peer_close(run->peer);
    }
}

/* With --scaling everything twice: with one thread, then with all. */
static void add_runs(struct bench_suite *suite, struct bench_case *c)
{
    const int all = suite->options->threads, first = suite->options->scaling ? 1 : all;
    add_kernels(suite, c, first);
    if (first < all) add_kernels(suite, c, all);
    add_peers(suite, c, first);
    if (first < all) add_peers(suite, c, all);
}

/* 0, or a status to exit with. */
static int start_peers(struct bench_suite *suite)
{
    struct fcnn_settings settings;
    const enum bench_peers wanted = suite->options->peers;
    if (wanted == PEERS_OFF || fcnn_settings_read(&settings, NULL)) return 0;
    if (bench_peer_start(settings.isa)) suite->peer = bench_peer_name();
    if (suite->peer || wanted != PEERS_NEEDED) return 0;
    fprintf(stderr, "fastcnn-bench: --peers: %s\n",
            bench_peer_name() ? "oneDNN cannot be limited to this instruction set"
                              : "built without oneDNN (install Debian's libdnnl-dev, then ./configure again)");
    return EX_USAGE;
}

int bench_suite_make(struct bench_suite *suite, const struct bench_options *options)
{
    *suite = (struct bench_suite){.options = options, .start = bench_now()};
    fcnn_status status = fcnn_options_check(NULL);
    if (status) return fprintf(stderr, "fastcnn-bench: %s\n", fcnn_last_error()), EX_USAGE;
    if (start_peers(suite)) return EX_USAGE;
    suite->cases = bench_cases_make(options, &suite->case_count);
    if (!suite->cases) return EX_USAGE;
    suite->runs = calloc((size_t)suite->case_count * ((size_t)fcnn_kernel_count() + 2) + 1, sizeof *suite->runs);
    if (!suite->runs) return fprintf(stderr, "fastcnn-bench: no memory\n"), EX_OSERR;
    for (int i = 0; i < suite->case_count; i++) add_runs(suite, &suite->cases[i]);
    if (!suite->run_count)
        return fprintf(stderr, "fastcnn-bench: no kernel or layer matches --filter=%s\n", options->filter), EX_USAGE;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND}, NULL);
    return 0;
}

void bench_suite_free(struct bench_suite *suite)
{
    for (int i = 0; i < suite->run_count; i++) {
        fcnn_plan_destroy(suite->runs[i].plan);
        bench_peer_close(suite->runs[i].peer);
        free(suite->runs[i].packed);
        free(suite->runs[i].samples);
    }
    free(suite->runs);
    bench_cases_free(suite->cases, suite->case_count);
}

int bench_suite_select(struct bench_suite *suite, const char *filter)
{
    regex_t regex;
    int negative = *filter == '-';
    const char *pattern = filter + negative;
    if (regcomp(&regex, strcmp(pattern, "all") ? pattern : ".", REG_EXTENDED | REG_NOSUB))
        return fprintf(stderr, "fastcnn-bench: --benchmark_filter=%s: not a regular expression\n", filter), 0;
    for (int i = 0; i < suite->run_count; i++) {
        struct bench_run *run = &suite->runs[i];
        char name[sizeof run->name + sizeof run->suffix];
        snprintf(name, sizeof name, "%s%s", run->name, run->suffix);
        run->selected = (regexec(&regex, name, 0, NULL, 0) == 0) != negative;
        if (run->selected) suite->windows += run->repetitions;
    }
    regfree(&regex);
    if (!suite->windows) fprintf(stderr, "fastcnn-bench: no kernel or layer matches --benchmark_filter=%s\n", filter);
    return suite->windows;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernels and peers are timed on which cases, how often, and in which phase. */
#include "bench/suite.h"

#include <fnmatch.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/cases.h"
#include "bench/peer.h"
#include "lib/internal.h"

/* What the functions here hand on while the suite grows. */
struct builder {
    struct bench_suite *suite;
    const struct bench_options *options;
    const char *pattern; /* of the regular expression */
    regex_t regex;
    int negative, room, failed; /* failed: no memory */
};

/* Scalar code on a large layer takes up to a second: three windows must do. Vector code on the largest: five. */
static int windows_of(const struct bench_options *o, const struct bench_result *row)
{
    int most = row->of->flops > 1e9 ? 5 : o->repetitions;
    if (row->isa == FCNN_SCALAR && row->of->flops > 20e6) most = 3;
    return o->repetitions_given || most > o->repetitions ? o->repetitions : most;
}

static int matches(const struct builder *b, const struct bench_result *row, const char *kernel)
{
    const struct bench_words *filters = &b->options->filters;
    for (int i = 0; i < filters->count; i++)
        if (!fnmatch(filters->values[i], row->of->layer, 0) || !fnmatch(filters->values[i], kernel, 0) ||
            !fnmatch(filters->values[i], row->name, 0))
            return 1;
    return !filters->count;
}

static int matches_regex(const struct builder *b, const struct bench_result *row)
{
    char name[sizeof row->name + sizeof row->suffix];
    snprintf(name, sizeof name, "%s%s", row->name, row->suffix);
    return (regexec(&b->regex, name, 0, NULL, 0) == 0) != b->negative;
}

static int make_room(struct builder *b)
{
    struct bench_suite *suite = b->suite;
    if (suite->results.row_count < b->room) return 1;
    const int room = 2 * b->room + 64;
    struct bench_result *rows = realloc(suite->results.rows, (size_t)room * sizeof *rows);
    if (rows) suite->results.rows = rows;
    struct bench_run *runs = realloc(suite->runs, (size_t)room * sizeof *runs);
    if (runs) suite->runs = runs;
    if (!rows || !runs) return b->failed = 1, 0;
    b->room = room;
    return 1;
}

/* Keeps a row if it is wanted; 0: it is not. `name`: what stands after the layer's in the row's name. */
static int add(struct builder *b, struct bench_case *c, struct bench_peer *peer, struct bench_result row,
               const char *name)
{
    const struct bench_options *o = b->options;
    struct bench_suite *suite = b->suite;
    char few[32] = "", threads[32] = "";
    row.of = &c->about;
    row.error = NAN;
    row.windows = windows_of(o, &row);
    if (row.windows != o->repetitions) snprintf(few, sizeof few, "/repeats:%d", row.windows);
    if (o->scaling) snprintf(threads, sizeof threads, "/threads=%d", row.threads);
    snprintf(row.suffix, sizeof row.suffix, "%s%s/real_time", few, row.threads > 1 ? "/process_time" : "");
    snprintf(row.name, sizeof row.name, "%s/%s", c->about.layer, name);
    if (!matches(b, &row, row.kernel)) return 0;
    snprintf(row.name, sizeof row.name, "%s/%s%s", c->about.layer, name, threads);
    if (!matches_regex(b, &row) || !make_room(b)) return 0;
    suite->results.windows += row.windows;
    suite->runs[suite->results.row_count] = (struct bench_run){.of = c, .peer = peer};
    suite->results.rows[suite->results.row_count++] = row;
    return 1;
}

/* With --layers scalar code is left out where vector code serves the problem, unless a filter asks for it. */
static int is_left_out(const struct bench_options *o, const fcnn_kernel_info *kernel, const struct bench_case *c,
                       fcnn_isa best)
{
    if (o->choice) return strcmp(kernel->name, c->choice) != 0;
    return o->layers.count && !o->filters.count && kernel->isa == FCNN_SCALAR && best != FCNN_SCALAR;
}

static void add_kernels(struct builder *b, struct bench_case *c, int threads)
{
    fcnn_isa best = FCNN_SCALAR;
    for (int i = 0; i < fcnn_kernel_count(); i++)
        if (!strcmp(fcnn_kernel_describe(i).name, c->choice)) best = fcnn_kernel_describe(i).isa;
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        const fcnn_options options = {.threads = threads, .kernel = kernel.name,
                                      .math = fcnn_class_name(kernel.numerics)};
        fcnn_verdict verdict;
        if (fcnn_explain(i, &c->about.problem, &options, &verdict) || verdict.reason) continue;
        if (is_left_out(b->options, &kernel, c, best)) continue;
        struct bench_result row = {.isa = kernel.isa, .numerics = kernel.numerics, .threads = threads,
                                   .is_chosen = !strcmp(kernel.name, c->choice),
                                   .is_doubted = verdict.doubt != NULL,
                                   .is_reference = !fnmatch("*_naive", kernel.name, 0)};
        snprintf(row.kernel, sizeof row.kernel, "%s", kernel.name);
        add(b, c, NULL, row, kernel.name);
    }
}

static int is_kind_wanted(const struct bench_options *o, enum bench_kind kind)
{
    return kind == BENCH_PEER || (kind == BENCH_PEER_AUTO ? !o->choice : o->conversions);
}

/* A peer's row of one kind. */
static void add_peer(struct builder *b, struct bench_case *c, int threads, int which, enum bench_kind kind)
{
    static const char *const direction[BENCH_DIRECTIONS] = {"fwd", "bwd_data", "bwd_weights", "update"};
    static const char *const ends[] = {[BENCH_PEER_AUTO] = "_auto", [BENCH_PEER_CONVERTED] = "_converted"};
    const struct bench_peer_library *library = b->suite->peers[which];
    const char *end = ends[kind] ? ends[kind] : "", *words = kind == BENCH_PEER_CONVERTED ? ", converted" : "";
    struct bench_peer *peer = library->open(c, threads, kind);
    if (!peer) return;
    char name[96];
    struct bench_result row = {.isa = library->isa(peer), .kind = kind, .peer = which, .threads = threads};
    snprintf(row.kernel, sizeof row.kernel, "%s (%s%s)", library->name(), library->implementation(peer), words);
    snprintf(name, sizeof name, "%s_%s%s", library->name(), direction[c->about.problem.direction], end);
    if (!add(b, c, peer, row, name)) library->close(peer);
}

static void add_peers(struct builder *b, struct bench_case *c, int threads)
{
    for (int which = 0; which < b->suite->results.peer_count; which++)
        for (enum bench_kind kind = BENCH_PEER; kind <= BENCH_PEER_CONVERTED; kind++)
            if (is_kind_wanted(b->options, kind)) add_peer(b, c, threads, which, kind);
}

/* With --scaling everything twice: with one thread, then with all. */
static void add_runs(struct builder *b, struct bench_case *c)
{
    const int all = b->options->threads, first = b->options->scaling ? 1 : all;
    add_kernels(b, c, first);
    if (first < all) add_kernels(b, c, all);
    add_peers(b, c, first);
    if (first < all) add_peers(b, c, all);
}

/* Seconds that a window of a row takes, roughly, with its share of what comes before the first: scalar code reaches
 * about 1 GFLOP/s, vector code 20. The first row of a class on a problem has the reference run before, and the sums in
 * double for problems that are not too large for them. */
static double expected(const struct bench_options *o, const struct bench_result *row, int is_first)
{
    const double once = row->of->flops / (row->isa == FCNN_SCALAR ? 1e9 : 20e9);
    const double reference = is_first ? row->of->flops * (row->of->flops > 1e9 ? 1e-9 : 2.5e-9) : 0;
    return 1.4 * fmax(once, o->window) + 0.002 + (2 * once + reference) / row->windows;
}

/* Rows find each other within a problem, of which the last one begins at `first`. */
static int is_first_of_class(const struct bench_results *results, int first, int row)
{
    for (int i = first; i < row; i++)
        if (results->rows[i].numerics == results->rows[row].numerics) return 0;
    return 1;
}

static enum bench_phase phase_of(const struct bench_result *row, fcnn_isa best)
{
    if (row->is_chosen || row->kind != BENCH_OURS) return BENCH_FIRST;
    if (row->is_reference) return BENCH_COMPARED;
    if (row->isa == FCNN_SCALAR || row->is_doubted) return BENCH_LAST;
    return row->numerics != FCNN_EXACT && row->isa == best ? BENCH_FIRST : BENCH_MIDDLE;
}

/* The highest instruction set of what dispatch takes. */
static fcnn_isa best_isa(const struct bench_results *results)
{
    fcnn_isa best = FCNN_SCALAR;
    for (int i = 0; i < results->row_count; i++)
        if (results->rows[i].is_chosen && results->rows[i].isa > best) best = results->rows[i].isa;
    return best;
}

/* Rows find each other where they stay. A run that will hardly use its time up interleaves all windows; one that might
 * begins with what people ask for. */
static void settle(struct builder *b)
{
    struct bench_suite *suite = b->suite;
    const fcnn_isa best = best_isa(&suite->results);
    for (int i = 0, first = 0; i < suite->results.row_count; i++) {
        struct bench_result *row = &suite->results.rows[i];
        if (row->of != suite->results.rows[first].of) first = i;
        row->expected = expected(b->options, row, is_first_of_class(&suite->results, first, i));
    }
    const int is_short =
        bench_results_expected(&suite->results) < b->options->budget / 2 || b->options->library_output;
    suite->phases = is_short ? 1 : BENCH_PHASES;
    for (int i = 0; i < suite->results.row_count && !b->failed; i++) {
        struct bench_run *run = &suite->runs[i];
        struct bench_result *row = &suite->results.rows[i];
        run->results = &suite->results;
        run->result = row;
        run->deadline = suite->start + b->options->budget;
        run->phase = is_short ? BENCH_FIRST : phase_of(row, best);
        suite->results.problem_count += !i || row->of != row[-1].of;
        row->samples = calloc((size_t)row->windows, sizeof *row->samples);
        b->failed |= !row->samples;
    }
}

/* 0, or a status to exit with. */
static int start_peers(struct bench_suite *suite)
{
    struct fcnn_settings settings;
    const struct bench_options *o = suite->options;
    if (o->peers == PEERS_OFF || fcnn_settings_read(&settings, NULL)) return 0;
    int known;
    const struct bench_peer_entry *peers = bench_peers(&known);
    const int count =
        bench_peers_start(peers, known, o->peer_names, o->peers == PEERS_NEEDED, settings.isa, suite->peers);
    if (count < 0) return EX_USAGE;
    for (int i = 0; i < count; i++) suite->results.peers[i] = suite->peers[i]->name();
    suite->results.peer_count = count;
    return 0;
}

static int build(struct builder *b)
{
    struct bench_suite *suite = b->suite;
    for (int i = 0; i < suite->case_count && !b->failed; i++) add_runs(b, &suite->cases[i]);
    if (!b->failed) settle(b);
    if (b->failed) return fprintf(stderr, "fastcnn-bench: no memory\n"), EX_OSERR;
    if (suite->results.row_count) return 0;
    fprintf(stderr, "fastcnn-bench: no kernel or layer matches");
    for (int i = 0; i < b->options->filters.count; i++) fprintf(stderr, " --filter=%s", b->options->filters.values[i]);
    if (strcmp(b->pattern, ".")) fprintf(stderr, " --benchmark_filter=%s%s", b->negative ? "-" : "", b->pattern);
    fputc('\n', stderr);
    return EX_USAGE;
}

int bench_suite_make(struct bench_suite *suite, const struct bench_options *options, const char *regex)
{
    struct builder b = {.suite = suite, .options = options, .negative = *regex == '-'};
    *suite = (struct bench_suite){.options = options, .start = bench_now(),
                                  .results = {.threads = options->threads, .scaling = options->scaling}};
    b.pattern = strcmp(regex, "all") && *regex ? regex + b.negative : ".";
    if (fcnn_options_check(NULL)) return fprintf(stderr, "fastcnn-bench: %s\n", fcnn_last_error()), EX_USAGE;
    if (start_peers(suite)) return EX_USAGE;
    int status = bench_cases_make(options, &suite->cases, &suite->case_count);
    if (status) return status;
    if (regcomp(&b.regex, b.pattern, REG_EXTENDED | REG_NOSUB))
        return fprintf(stderr, "fastcnn-bench: --benchmark_filter=%s: not a regular expression\n", regex), EX_USAGE;
    status = build(&b);
    regfree(&b.regex);
    return status;
}

void bench_suite_free(struct bench_suite *suite)
{
    for (int i = 0; i < suite->results.row_count; i++) {
        bench_run_free(&suite->runs[i]);
        free(suite->results.rows[i].samples);
    }
    free(suite->runs);
    free(suite->results.rows);
    bench_cases_free(suite->cases, suite->case_count);
}

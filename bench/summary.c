/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/summary.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/format.h"
#include "bench/layers.h"

#define UNSTEADY 0.05 /* interquartile range of the peak over its median */
#define DOUBTFUL 0.25 /* of a row's time: its ratios may be a neighbour's doing */
enum { SCREEN_LINES = 24, SCREEN_COLUMNS = 80 };

/* A line, cut where the screen ends. */
__attribute__((format(printf, 2, 3)))
static void put_line(FILE *out, const char *format, ...)
{
    char line[SCREEN_COLUMNS + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(out, "%s\n", line);
}

static const char *name_of(const struct bench_results *results, int opponent)
{
    return opponent ? results->peers[opponent - 1] : "reference";
}

/* ---- the machine ---- */

static void print_machine(const struct bench_results *results, FILE *out)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    put_line(out, "%s", fcnn_version_details());
    put_line(out, "%s, %d core%s, %d thread%s", machine.cpu, machine.cores, machine.cores == 1 ? "" : "s",
             results->threads, results->threads == 1 ? "" : "s");
    for (int isa = BENCH_ISAS - 1, count; isa >= 0; isa--) {
        const struct bench_summary peak = bench_peak_of_isa(results, (fcnn_isa)isa, &count);
        const double spread = peak.range / peak.median;
        if (!count) continue;
        fprintf(out, "Peak of %s: %.1f GFLOP/s, spread %.0f %%%s\n", fcnn_isa_name((fcnn_isa)isa), peak.median,
                100 * spread, spread > UNSTEADY ? " (unsteady: trust ratios alone)" : "");
        break;
    }
}

/* ---- the table ---- */

/* Opponents side by side: up to three have a column for all directions together, too; a fourth takes that place. */
enum { MOST_IN_GROUP = 4, NAME = 10 };
struct group {
    int opponents[MOST_IN_GROUP], count, end; /* end: where the next group begins to look for its own */
    int columns, widths[4], gap;              /* gap: before an opponent's name */
};

static const char *const columns[] = {"fwd", "bwd_d", "bwd_w", "all"};
static const int directions[] = {FCNN_FORWARD, FCNN_BACKWARD_DATA, FCNN_BACKWARD_WEIGHTS, BENCH_DIRECTIONS};

/* Those from `first` on with which anything was compared. */
static struct group group_from(const struct bench_overview *o, int first)
{
    struct group g = {.columns = 4, .widths = {6, 6, 6, 5}, .gap = 3};
    for (g.end = first; g.end < o->opponents && g.count < MOST_IN_GROUP; g.end++)
        if (o->against[g.end].count) g.opponents[g.count++] = g.end;
    if (g.count == MOST_IN_GROUP) g.columns = 3, g.widths[0] = 5, g.gap = 1;
    return g;
}

static void print_network(const struct bench_network *n, const char *name, const struct group *g, FILE *out)
{
    fprintf(out, "%-*.*s", NAME, NAME, name);
    for (int i = 0; i < g->count; i++)
        for (int j = 0; j < g->columns; j++) {
            const double mean = bench_mean_of(&n->means[g->opponents[i]][directions[j]]);
            bench_print_number(out, g->widths[j], mean < 100 ? g->opponents[i] ? 2 : 1 : 0, mean);
        }
    fputc('\n', out);
}

static void print_head(const struct bench_results *results, const struct group *g, FILE *out)
{
    int width = 0;
    for (int j = 0; j < g->columns; j++) width += g->widths[j];
    fprintf(out, "%-*s", NAME, "Times");
    for (int i = 0; i < g->count; i++)
        fprintf(out, "%*s%-*.*s", g->gap, "", width - g->gap, width - g->gap, name_of(results, g->opponents[i]));
    fprintf(out, "\n%-*s", NAME, "faster");
    for (int i = 0; i < g->count; i++)
        for (int j = 0; j < g->columns; j++) fprintf(out, "%*s", g->widths[j], columns[j]);
    fputc('\n', out);
}

/* The first networks, at most so many, and all together; a further group of opponents has the latter alone. */
static void print_groups(const struct bench_overview *o, const struct bench_results *results, int most, FILE *out)
{
    int shown = most < o->count ? most : o->count;
    char all[32] = "all";
    if (shown < o->count) snprintf(all, sizeof all, "all of %d", o->count);
    for (struct group g = group_from(o, 0); g.count; g = group_from(o, g.end), shown = 0) {
        print_head(results, &g, out);
        for (int i = 0; i < shown; i++) print_network(&o->networks[i], o->networks[i].name, &g, out);
        if (!shown || o->count > 1) print_network(&o->networks[o->count], all, &g, out);
    }
}

/* ---- the ends ---- */

static int is_doubtful(const struct bench_result *row) { return row->time.range > DOUBTFUL * row->time.median; }

/* Eight columns and then `width`: how many times faster, layer and direction. Of a long name the direction stays. */
static void print_end(const struct bench_pair *pair, int width, FILE *out)
{
    static const char *const names[BENCH_DIRECTIONS] = {
        [FCNN_FORWARD] = "fwd", [FCNN_BACKWARD_DATA] = "bwd_d", [FCNN_BACKWARD_WEIGHTS] = "bwd_w",
        [FCNN_UPDATE] = "update"};
    enum { LAYER = 19 };
    const char *layer = pair->ours->of->layer;
    char text[LAYER + 16];
    const int is_long = strlen(layer) > LAYER, doubtful = is_doubtful(pair->ours) || is_doubtful(pair->theirs);
    snprintf(text, sizeof text, "%.*s%s %s%s", is_long ? LAYER - 1 : LAYER, layer, is_long ? "~" : "",
             names[pair->ours->of->problem.direction], doubtful ? " ?" : "");
    fprintf(out, "%7.*f %-*s", pair->ratio < 1000 ? 2 : 0, pair->ratio, width, text);
}

/* Against peers; where none took part, against the reference. */
static void print_extremes(const struct bench_overview *o, const struct bench_results *results, FILE *out)
{
    int compared = 0;
    for (int i = 1; i < o->opponents; i++) compared += o->against[i].count > 0;
    for (int i = compared ? 1 : 0, headed = 0; i < (compared ? o->opponents : 1); i++) {
        const struct bench_comparison *c = &o->against[i];
        const char *name = name_of(results, i);
        const int word = (int)strcspn(name, "_"); /* its version stands above */
        if (!c->count) continue;
        if (!headed++) fprintf(out, "%-18s%-35s%s\n", "", "best", "worst (?: noisy windows)");
        fprintf(out, "%-*.*s", NAME, word < NAME ? word : NAME, name);
        print_end(&c->pairs[c->count - 1], 27, out);
        print_end(&c->pairs[0], 0, out);
        fputc('\n', out);
    }
}

/* ---- the rest ---- */

static void print_winograd_class(const struct bench_winograd *w, int numerics, FILE *out)
{
    static const char *const maps[BENCH_MAPS] = {"below 14", "14 to 27", "28 and more"};
    const char *before = "maps of ";
    int count = 0;
    for (int map = 0; map < BENCH_MAPS; map++) count += w->means[numerics][map][BENCH_DIRECTIONS].count;
    if (!count) return;
    fprintf(out, "%-11s times faster than exact %s: ", fcnn_class_name((fcnn_class)numerics), fcnn_isa_name(w->isa));
    for (int map = BENCH_MAPS - 1; map >= 0; map--) {
        const struct bench_mean *mean = &w->means[numerics][map][BENCH_DIRECTIONS];
        if (!mean->count) continue;
        fprintf(out, "%s%s %.2f", before, maps[map], bench_mean_of(mean));
        before = ", ";
    }
    fputc('\n', out);
}

static void print_winograd(const struct bench_results *results, FILE *out)
{
    struct bench_winograd w;
    bench_compare_winograd(results, &w);
    for (int numerics = 0; numerics < BENCH_CLASSES; numerics++) print_winograd_class(&w, numerics, out);
}

static void print_events(const struct bench_results *results, FILE *out)
{
    int64_t executions;
    const struct bench_events sum = bench_sum_events(results, &executions);
    const int any = sum.allocations || sum.page_faults;
    fprintf(out, "%s%lld allocations and %lld page faults in %lld executions%s%s\n",
            any ? bench_style(out, BENCH_RED) : "", (long long)sum.allocations, (long long)sum.page_faults,
            (long long)executions, any ? bench_style(out, BENCH_PLAIN) : "",
            bench_results_wrong(results) ? "" : "; wrong bits: none");
}

/* Peers' rows that are wrong, or that their libraries have no code for; the first of them, NULL: none. */
static const struct bench_result *count_peers(const struct bench_results *results, int wrong, int *count)
{
    const struct bench_result *first = NULL;
    *count = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind == BENCH_OURS || (wrong ? !bench_is_wrong(row) : row->verdict != BENCH_NOT_RUN)) continue;
        if (!(*count)++) first = row;
    }
    return first;
}

/* Peers that were refused or could not be run, and why the first of them was. */
static void print_refused(const struct bench_results *results, FILE *out)
{
    int count;
    const struct bench_result *first = count_peers(results, 1, &count);
    if (first)
        put_line(out, "Not compared: %d of peers' rows, the first %s: %s", count, first->name, first->failure);
    first = count_peers(results, 0, &count);
    if (first) put_line(out, "Peers: %d row%s %s (%s)", count, count == 1 ? "" : "s", first->failure, first->name);
    if (!results->peer_count) fputs("No peer took part\n", out);
}

static void print_left_out(const struct bench_results *results, FILE *out)
{
    int waiting = 0;
    for (int i = 0; i < results->row_count; i++) waiting += bench_is_waiting(&results->rows[i]);
    if (results->signal)
        fprintf(out, "Interrupted after %.0f s: %d of %d windows were timed, %d of %d kernels were not\n",
                results->seconds, results->windows_done, results->windows, waiting, results->row_count);
    else if (waiting)
        fprintf(out, "Not timed: %d of %d kernels, the time of --budget was used up\n", waiting, results->row_count);
    print_refused(results, out);
}

static void print_wrong(const struct bench_results *results, FILE *out)
{
    const int wrong = bench_results_wrong(results);
    if (!wrong) return;
    fprintf(out, "%sWrong bits, or failed: %d%s\n", bench_style(out, BENCH_RED), wrong,
            bench_style(out, BENCH_PLAIN));
    for (int i = 0, named = 0; i < results->row_count && named < 3; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind != BENCH_OURS || row->verdict < BENCH_WRONG) continue;
        put_line(out, "  %s: %s", row->name, row->failure);
        named++;
    }
}

/* What does worst against the first peer that took part, else against the reference; NULL: nothing was compared. */
static const struct bench_problem *worst_of(const struct bench_overview *o)
{
    for (int i = 1; i <= o->opponents; i++) {
        const struct bench_comparison *c = &o->against[i % o->opponents];
        if (c->count) return c->pairs[0].ours->of;
    }
    return NULL;
}

/* It has the sizes of a layer of the lists, whatever its images: a user's file may have names of ours. */
static int is_listed(const struct bench_problem *p, const struct bench_layer *layer)
{
    char text[192];
    fcnn_problem listed;
    snprintf(text, sizeof text, "%s %s %s", layer->op, fcnn_direction_name(p->problem.direction), layer->sizes);
    if (fcnn_problem_parse(&listed, text)) return 0;
    listed.n = p->problem.n;
    fcnn_problem_format(&listed, text, sizeof text);
    return !strcmp(text, p->text);
}

/* The layer of the lists that it is, under this name but for its images ("@64"); NULL: none. */
static const char *list_of(const struct bench_problem *p)
{
    const size_t length = strcspn(p->layer, "@");
    for (int i = 0; i < bench_layer_count; i++) {
        const char *name = bench_layers[i].name;
        const int is_name = !strncmp(name, p->layer, length) && !name[length];
        if (is_name && is_listed(p, &bench_layers[i])) return name;
    }
    return NULL;
}

static void print_repeat(const struct bench_problem *p, int threads, FILE *out)
{
    const char *list = list_of(p), *images = strchr(p->layer, '@');
    fputs("  ./fastcnn-bench", out);
    if (list) fprintf(out, " --layers=%.*s --filter='%s/*'", (int)strcspn(list, "."), list, p->layer);
    else fprintf(out, " --problem='%s'", p->text);
    if (list && images) fprintf(out, " --batch=%s", images + 1);
    if (threads > 1) fprintf(out, " --threads=%d", threads);
    fputc('\n', out);
}

static void print_next(const struct bench_overview *o, const struct bench_results *results,
                       const struct bench_exports *exports, FILE *out)
{
    enum { MOST = 3 };
    const struct bench_problem *worst = worst_of(o);
    int tables = 0;
    fprintf(out, "Where to look next%s:\n", worst ? "; the command times the worst layer again" : "");
    for (int i = 0; i < exports->count; i++) {
        tables |= exports->files[i].format == BENCH_TABLES;
        if (i < MOST)
            fprintf(out, "  %-32s %s\n", exports->files[i].path, bench_format_describe(exports->files[i].format));
    }
    const int more = exports->count - MOST;
    if (more > 0) fprintf(out, "  and %d more file%s\n", more, more == 1 ? "" : "s");
    if (!tables) fputs("  --tables                         every kernel, with a legend\n", out);
    if (worst) print_repeat(worst, results->threads, out);
}

/* ---- one screen ---- */

static void print_below(const struct bench_overview *o, const struct bench_results *results,
                        const struct bench_exports *exports, FILE *out)
{
    print_extremes(o, results, out);
    if (!bench_results_wrong(results)) print_winograd(results, out); /* speed is the lesser matter then */
    print_events(results, out);
    print_left_out(results, out);
    print_wrong(results, out);
    print_next(o, results, exports, out);
}

/* Of a screen; a longer line takes several. */
static int count_lines(const char *text)
{
    int count = 0;
    for (size_t length; *text; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        count += length ? (int)(length + SCREEN_COLUMNS - 1) / SCREEN_COLUMNS : 1;
    }
    return count;
}

/* How many networks there is room for beside all else, with the line about all together; at least one. 0: no memory. */
static int count_networks(const struct bench_overview *o, const struct bench_results *results,
                          const struct bench_exports *exports)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return 0;
    print_machine(results, out);
    print_below(o, results, exports, out);
    print_groups(o, results, 0, out);
    const int failed = fclose(out), left = failed ? 0 : SCREEN_LINES - count_lines(text);
    free(text);
    return failed ? 0 : left < 1 ? 1 : left;
}

int bench_print_summary(const struct bench_results *results, const struct bench_exports *exports, FILE *out)
{
    struct bench_overview o;
    int there = bench_overview_make(results, &o);
    const int networks = there ? count_networks(&o, results, exports) : 0;
    there = networks > 0;
    if (there) {
        print_machine(results, out);
        print_groups(&o, results, networks, out);
        print_below(&o, results, exports, out);
    }
    bench_overview_free(&o);
    return there;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/format.h"
#include "bench/layers.h"

#define UNSTEADY 0.05 /* interquartile range of the peak over its median */
#define DOUBTFUL 0.25 /* of a row's time: its ratios may be a neighbour's doing */

/* ---- the numbers ---- */

static const char *name_of(const struct bench_results *results, int opponent)
{
    return opponent ? results->peers[opponent - 1] : "reference";
}

static void network_of(const struct bench_problem *problem, char name[24])
{
    const size_t length = strcspn(problem->layer, ".");
    if (problem->layer[length]) snprintf(name, 24, "%.*s", (int)length, problem->layer);
    else snprintf(name, 24, "(none)");
}

/* Adds it where it is new; room is there for one per row, and one more. */
static struct bench_network *find_network(struct bench_overview *o, const struct bench_problem *problem)
{
    char name[24];
    int i = 0;
    network_of(problem, name);
    while (i < o->count && strcmp(o->networks[i].name, name)) i++;
    if (i == o->count) memcpy(o->networks[o->count++].name, name, sizeof name);
    return &o->networks[i];
}

static int is_compared(const struct bench_results *results, const struct bench_result *row)
{
    for (int i = BENCH_REFERENCE; i < results->peer_count; i++)
        if (bench_ratio(results, row, i) > 0) return 1;
    return 0;
}

static void add_pairs(struct bench_overview *o, int opponent)
{
    struct bench_network *all = &o->networks[o->count];
    for (int i = 0; i < o->against[opponent].count; i++) {
        const struct bench_pair *pair = &o->against[opponent].pairs[i];
        const fcnn_direction direction = pair->ours->of->problem.direction;
        struct bench_network *network = find_network(o, pair->ours->of);
        bench_mean_add(&network->means[opponent][direction], pair->ratio);
        bench_mean_add(&network->means[opponent][BENCH_DIRECTIONS], pair->ratio);
        bench_mean_add(&all->means[opponent][direction], pair->ratio);
        bench_mean_add(&all->means[opponent][BENCH_DIRECTIONS], pair->ratio);
    }
}

int bench_overview_make(const struct bench_results *results, struct bench_overview *o)
{
    *o = (struct bench_overview){.opponents = 1 + results->peer_count};
    int there = (o->networks = calloc((size_t)results->row_count + 1, sizeof *o->networks)) != NULL;
    for (int i = 0; i < o->opponents; i++) there &= bench_compare(results, i + BENCH_REFERENCE, &o->against[i]);
    if (!there) return 0;
    for (int i = 0; i < results->row_count; i++)
        if (results->rows[i].is_chosen && is_compared(results, &results->rows[i])) find_network(o, results->rows[i].of);
    snprintf(o->networks[o->count].name, sizeof o->networks->name, "all");
    for (int i = 0; i < o->opponents; i++) add_pairs(o, i);
    return 1;
}

void bench_overview_free(struct bench_overview *o)
{
    for (int i = 0; i < o->opponents; i++) bench_comparison_free(&o->against[i]);
    free(o->networks);
}

/* ---- the machine ---- */

static void print_machine(const struct bench_results *results, FILE *out)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    fprintf(out, "%s\n%s, %d core%s, %d thread%s\n", fcnn_version_details(), machine.cpu, machine.cores,
            machine.cores == 1 ? "" : "s", results->threads, results->threads == 1 ? "" : "s");
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

enum { GROUPS = 3, GROUP = 23 }; /* opponents side by side, columns of one */

static const char *const columns[] = {"fwd", "bwd_d", "bwd_w", "all"};
static const int directions[] = {FCNN_FORWARD, FCNN_BACKWARD_DATA, FCNN_BACKWARD_WEIGHTS, BENCH_DIRECTIONS};

static void print_network(const struct bench_network *n, int first, int end, FILE *out)
{
    fprintf(out, "%-10.10s", n->name);
    for (int i = first; i < end; i++)
        for (int j = 0; j < 4; j++) {
            const double mean = bench_mean_of(&n->means[i][directions[j]]);
            bench_print_number(out, j < 3 ? 6 : 5, mean < 100 ? i ? 2 : 1 : 0, mean);
        }
    fputc('\n', out);
}

/* At most three opponents; further ones have a table of their own with one line. */
static void print_group(const struct bench_overview *o, const struct bench_results *results, int first, FILE *out)
{
    const int end = first + GROUPS < o->opponents ? first + GROUPS : o->opponents;
    fprintf(out, "%-10s", first ? "" : "Times");
    for (int i = first; i < end; i++) fprintf(out, "   %-*.*s", GROUP - 3, GROUP - 3, name_of(results, i));
    fprintf(out, "\n%-10s", first ? "" : "faster");
    for (int i = first; i < end; i++)
        for (int j = 0; j < 4; j++) fprintf(out, "%*s", j < 3 ? 6 : 5, columns[j]);
    fputc('\n', out);
    for (int i = first ? o->count : 0; i < o->count; i++) print_network(&o->networks[i], first, end, out);
    if (first || o->count > 1) print_network(&o->networks[o->count], first, end, out);
}

static int is_doubtful(const struct bench_result *row) { return row->time.range > DOUBTFUL * row->time.median; }

static void print_pair(const char *which, const struct bench_pair *pair, const char *name, FILE *out)
{
    const int doubtful = is_doubtful(pair->ours) || is_doubtful(pair->theirs);
    fprintf(out, "%s %6.2f times as fast as %s: %s %s%s\n", which, pair->ratio, name, pair->ours->of->layer,
            fcnn_direction_name(pair->ours->of->problem.direction), doubtful ? " (windows differ much)" : "");
}

static void print_extremes(const struct bench_overview *o, const struct bench_results *results, FILE *out)
{
    for (int i = 0; i < o->opponents; i++) {
        const struct bench_comparison *c = &o->against[i];
        const char *name = name_of(results, i);
        if (!c->count) continue;
        if (i) print_pair("Best ", &c->pairs[c->count - 1], name, out);
        print_pair("Worst", &c->pairs[0], name, out);
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
    fprintf(out, "%s%lld allocations and %lld page faults in %lld executions%s\n",
            any ? bench_style(out, BENCH_RED) : "", (long long)sum.allocations, (long long)sum.page_faults,
            (long long)executions, any ? bench_style(out, BENCH_PLAIN) : "");
}

/* Peers that were refused, and why the first of them was. */
static void print_refused(const struct bench_results *results, FILE *out)
{
    const struct bench_result *first = NULL;
    int count = 0;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind == BENCH_OURS || row->verdict < BENCH_WRONG) continue;
        if (!count++) first = row;
    }
    if (first)
        fprintf(out, "Not compared: %d of peers' rows, the first %s: %.80s\n", count, first->name, first->failure);
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
    if (!wrong) {
        fputs("Wrong bits: none\n", out);
        return;
    }
    fprintf(out, "%sWrong bits, or failed: %d%s\n", bench_style(out, BENCH_RED), wrong,
            bench_style(out, BENCH_PLAIN));
    for (int i = 0, named = 0; i < results->row_count && named < 3; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->kind != BENCH_OURS || row->verdict < BENCH_WRONG) continue;
        fprintf(out, "  %s: %.160s\n", row->name, row->failure);
        named++;
    }
}

/* What does worst against the first opponent that is there, peers before the reference; NULL: nothing was compared. */
static const struct bench_problem *worst_of(const struct bench_overview *o)
{
    const struct bench_comparison *c = &o->against[o->opponents > 1 && o->against[1].count ? 1 : 0];
    return c->count ? c->pairs[0].ours->of : NULL;
}

static void print_repeat(const struct bench_problem *p, FILE *out)
{
    const int length = (int)strcspn(p->layer, ".");
    char list[sizeof p->layer];
    snprintf(list, sizeof list, "%.*s", length, p->layer);
    if (bench_is_list(list)) fprintf(out, "  ./fastcnn-bench --layers=%s --filter='%s/*'\n", list, p->layer);
    else fprintf(out, "  ./fastcnn-bench --problem='%s'\n", p->text);
}

static void print_next(const struct bench_overview *o, const struct bench_exports *exports, FILE *out)
{
    const struct bench_problem *worst = worst_of(o);
    int tables = 0;
    fprintf(out, "Where to look next%s:\n", worst ? "; the command times the worst layer again" : "");
    for (int i = 0; i < exports->count; i++) {
        tables |= exports->files[i].format == BENCH_TABLES;
        fprintf(out, "  %-32s %s\n", exports->files[i].path, bench_format_describe(exports->files[i].format));
    }
    if (!tables) fputs("  --tables                         every kernel, with a legend\n", out);
    if (worst) print_repeat(worst, out);
}

int bench_print_summary(const struct bench_results *results, const struct bench_exports *exports, FILE *out)
{
    struct bench_overview o;
    const int there = bench_overview_make(results, &o);
    if (there) {
        print_machine(results, out);
        for (int first = 0; o.count && first < o.opponents; first += GROUPS) print_group(&o, results, first, out);
        print_extremes(&o, results, out);
        print_winograd(results, out);
        print_events(results, out);
        print_left_out(results, out);
        print_wrong(results, out);
        print_next(&o, exports, out);
    }
    bench_overview_free(&o);
    return there;
}

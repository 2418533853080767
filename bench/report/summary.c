/* SPDX-License-Identifier: BSD-2-Clause
 * The first screen: who, when, how fast against whom, where worst, what is missing. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

static void fact(FILE *out, const char *name, const char *text)
{
    fprintf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, *text ? text : "unknown");
    fputs("</dd></div>\n", out);
}

static void put_size(char *text, size_t size, int64_t bytes)
{
    if (bytes <= 0) snprintf(text, size, "unknown");
    else if (bytes < 1 << 20) snprintf(text, size, "%" PRId64 " KB", bytes >> 10);
    else snprintf(text, size, "%" PRId64 " MB", bytes >> 20);
}

static void put_machine(const struct bench_kept *kept, FILE *out)
{
    const struct bench_context *c = &kept->context;
    char text[512], l1[32], l2[32], l3[32];
    put_size(l1, sizeof l1, c->l1d);
    put_size(l2, sizeof l2, c->l2);
    put_size(l3, sizeof l3, c->l3);
    snprintf(text, sizeof text, "%s, %d core%s", c->cpu, c->cores, c->cores == 1 ? "" : "s");
    fact(out, "CPU", text);
    fact(out, "Instruction sets", c->isas);
    snprintf(text, sizeof text, "L1 %s, L2 %s, L3 %s", l1, l2, l3);
    fact(out, "Caches", text);
    snprintf(text, sizeof text, "%s, %s", c->date, c->host);
    fact(out, "Measured", text);
    snprintf(text, sizeof text, "%s; %s", c->version, c->compiler);
    fact(out, "Version", text);
}

static void put_peers(const struct bench_results *results, FILE *out)
{
    char text[512] = "none";
    for (int i = 0, at = 0; i < results->peer_count && at < (int)sizeof text; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%s", i ? ", " : "", results->peers[i]);
    fact(out, "Peers", text);
}

static void put_peaks(const struct bench_results *results, FILE *out)
{
    char text[512] = "";
    for (int isa = 0, at = 0; isa < BENCH_ISAS && at < (int)sizeof text; isa++) {
        int count;
        const struct bench_summary peak = bench_peak_of_isa(results, (fcnn_isa)isa, &count);
        if (count)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%s %.0f", at ? ", " : "",
                           fcnn_isa_name((fcnn_isa)isa), peak.median);
    }
    if (*text) strncat(text, " GFLOP/s", sizeof text - strlen(text) - 1);
    fact(out, "FMA peak, a thread", text);
}

static void put_winograd(const struct bench_results *results, FILE *out)
{
    struct bench_winograd w;
    char text[256] = "";
    bench_compare_winograd(results, &w);
    for (int c = 0, at = 0; c < BENCH_CLASSES; c++) {
        struct bench_mean all = {0};
        for (int map = 0; map < BENCH_MAPS; map++) {
            const struct bench_mean *mean = &w.means[c][map][BENCH_DIRECTIONS];
            all.count += mean->count;
            all.logarithms += mean->logarithms;
        }
        if (all.count && at < (int)sizeof text)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%s %.2f over %d", at ? ", " : "",
                           fcnn_class_name((fcnn_class)c), bench_mean_of(&all), all.count);
    }
    if (*text) fact(out, "Winograd, times faster than exact", text);
}

static void put_run(const struct bench_results *results, FILE *out)
{
    char text[256];
    int64_t executions;
    const struct bench_events sum = bench_sum_events(results, &executions);
    snprintf(text, sizeof text, "%d kernel%s on %d problem%s, %d thread%s, %.0f s", results->row_count,
             results->row_count == 1 ? "" : "s", results->problem_count, results->problem_count == 1 ? "" : "s",
             results->threads, results->threads == 1 ? "" : "s", results->seconds);
    fact(out, "Run", text);
    snprintf(text, sizeof text, "%" PRId64 " allocations, %" PRId64 " page faults in %" PRId64 " executions",
             sum.allocations, sum.page_faults, executions);
    fact(out, "While timed", text);
}

/* ---- geometric means ---- */

static int put_means(const struct report_file *file, int index, FILE *out)
{
    const struct bench_results *results = &file->kept.results;
    int count, at;
    char columns[512], id[32];
    struct report_group *groups = report_groups(results, &count);
    if (!groups) return 0;
    at = snprintf(columns, sizeof columns, "network|direction|#layers|#x reference");
    for (int i = 0; i < results->peer_count && at < (int)sizeof columns; i++)
        at += snprintf(columns + at, sizeof columns - (size_t)at, "|#x %s|#worst", results->peers[i]);
    snprintf(id, sizeof id, "means%d", index);
    html_table(out, id, "What dispatch takes, times faster (geometric means)", columns);
    for (const struct report_group *g = groups; g < groups + count; g++) {
        fprintf(out, "<tr%s>", g->direction == BENCH_DIRECTIONS ? " class=\"sum\"" : "");
        html_cell_name(out, *g->network ? g->network : "all");
        html_cell(out, g->direction == BENCH_DIRECTIONS ? "all" : fcnn_direction_name((fcnn_direction)g->direction));
        html_cell_number(out, g->layers, 0);
        html_cell_ratio(out, bench_mean_of(&g->reference));
        for (int i = 0; i < results->peer_count; i++) {
            html_cell_ratio(out, bench_mean_of(&g->peers[i]));
            html_cell_ratio(out, g->peers[i].count ? g->peers[i].least : NAN);
        }
        fputs("</tr>\n", out);
    }
    html_table_end(out);
    free(groups);
    return 1;
}

/* ---- the ends ---- */

static void put_pairs(const struct bench_comparison *c, int first, int end, const char *title, FILE *out)
{
    fprintf(out, "<div><h4>%s</h4><ol>", title);
    for (int i = first; i < end; i++) {
        const struct bench_pair *pair = &c->pairs[i];
        fprintf(out, "<li><b class=\"%s\">%.2f</b> ", pair->ratio < 1 ? "loss" : "gain", pair->ratio);
        html_text(out, pair->ours->of->layer);
        fprintf(out, " <small>%s</small></li>", fcnn_direction_name(pair->ours->of->problem.direction));
    }
    fputs("</ol></div>\n", out);
}

static int put_ends(const struct bench_results *results, int peer, FILE *out)
{
    enum { MOST = 5 };
    struct bench_comparison c;
    if (!bench_compare(results, peer, &c)) return 0;
    if (c.count) {
        const int shown = c.count < 2 * MOST ? (c.count + 1) / 2 : MOST;
        const struct bench_direction_mean *all = &c.directions[BENCH_DIRECTIONS];
        fputs("<h3>Against ", out);
        html_text(out, results->peers[peer]);
        fprintf(out, "</h3>\n<p>%.2f times faster over %d layers and directions; slower in %d, below %.2f in %d.</p>\n"
                "<div class=\"ends\">", bench_mean_of(&all->mean), c.count, all->slower, BENCH_PEER_BAR, all->below);
        put_pairs(&c, 0, shown, "Worst", out);
        put_pairs(&c, c.count - (c.count - shown < MOST ? c.count - shown : MOST), c.count, "Best", out);
        fputs("</div>\n", out);
    }
    bench_comparison_free(&c);
    return 1;
}

/* ---- what is missing ---- */

/* The first reasons, each once, with how many rows have it. */
static void put_reasons(const struct bench_results *results, FILE *out)
{
    enum { MOST = 20 };
    struct { const char *words; int rows; } reasons[MOST];
    int count = 0;
    for (const struct bench_result *row = results->rows; row < results->rows + results->row_count; row++) {
        int i = 0;
        if (bench_is_timed(row)) continue;
        while (i < count && strcmp(reasons[i].words, row->failure) != 0) i++;
        if (i == MOST) continue;
        if (i == count) reasons[count].words = row->failure, reasons[count++].rows = 0;
        reasons[i].rows++;
    }
    for (int i = 0; i < count; i++) {
        fprintf(out, "<li>%d kernel%s: ", reasons[i].rows, reasons[i].rows == 1 ? "" : "s");
        html_text(out, *reasons[i].words ? reasons[i].words : "too few windows");
        fputs("</li>\n", out);
    }
}

static void put_skipped(const struct bench_results *results, FILE *out)
{
    const int wrong = bench_results_wrong(results), windows = results->windows - results->windows_done;
    if (wrong) fprintf(out, "<p class=\"wrong\">Wrong bits or failed: %d of our kernels.</p>\n", wrong);
    if (results->signal) fprintf(out, "<p class=\"wrong\">Interrupted by signal %d.</p>\n", results->signal);
    fprintf(out, "<h3>What was skipped</h3>\n<ul class=\"skipped\"><li>%d of %d windows</li>\n", windows,
            results->windows);
    put_reasons(results, out);
    fputs("</ul>\n", out);
}

int report_summary(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    FILE *out = report->out;
    int there = 1;
    fputs("<dl class=\"facts\">\n", out);
    put_machine(&file->kept, out);
    put_peers(results, out);
    put_peaks(results, out);
    put_winograd(results, out);
    put_run(results, out);
    fputs("</dl>\n", out);
    there &= put_means(file, (int)(file - report->files), out);
    for (int peer = 0; peer < results->peer_count; peer++) there &= put_ends(results, peer, out);
    put_skipped(results, out);
    return there;
}

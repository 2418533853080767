/* SPDX-License-Identifier: BSD-2-Clause
 * The tables: all rows of a run, and several runs side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

/* ---- all rows ---- */

static void put_row(const struct bench_results *results, const struct bench_result *row, FILE *out)
{
    const int is_wrong = row->verdict == BENCH_WRONG || row->verdict == BENCH_BROKEN;
    fprintf(out, "<tr class=\"%s%s\">", is_wrong ? "wrong " : "", row->is_chosen ? "chosen" : "");
    html_cell_name(out, row->of->layer);
    html_cell(out, fcnn_direction_name(row->of->problem.direction));
    html_cell(out, row->is_chosen ? "*" : "");
    html_cell(out, row->kernel);
    html_cell(out, fcnn_isa_name(row->isa));
    html_cell(out, row->kind == BENCH_OURS ? fcnn_class_name(row->numerics) : "peer");
    html_cell_number(out, row->threads, 0);
    html_cell_time(out, row->time.median);
    html_cell_number(out, row->count > 1 ? 100 * row->time.range / row->time.median : NAN, 1);
    html_cell_number(out, bench_rate(row->of, row->time.median), 2);
    html_cell_number(out, row->percent_of_peak.median, 1);
    html_cell_number(out, row->percent_of_memory.median, 1);
    html_cell_ratio(out, report_times_faster(results, row, BENCH_OURS, 0));
    for (int peer = 0; peer < results->peer_count; peer++)
        html_cell_ratio(out, report_times_faster(results, row, BENCH_PEER, peer));
    html_cell_number(out, row->error, 1);
    html_cell(out, bench_is_timed(row) ? "" : *row->failure ? row->failure : "not timed");
    html_cell(out, row->of->text);
    fputs("</tr>\n", out);
}

/* As in the tables of text: problem by problem, fastest first. 0: no memory. */
static int put_sorted(const struct bench_results *results, FILE *out)
{
    int *order = calloc((size_t)results->row_count + 1, sizeof *order);
    for (int first = 0, end; order && first < results->row_count; first = end) {
        for (end = first; end < results->row_count && results->rows[end].of == results->rows[first].of;) end++;
        bench_sort_rows(results, first, end, order);
        for (int i = 0; i < end - first; i++) put_row(results, &results->rows[order[i]], out);
    }
    free(order);
    return order != NULL;
}

int report_rows(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    char columns[512], id[32];
    int at = snprintf(columns, sizeof columns, "layer|direction|taken|kernel|ISA|class|#threads|#median|#spread %%|"
                      "#GFLOP/s or GB/s|#peak %%|#memory %%|#x reference");
    for (int i = 0; i < results->peer_count && at < (int)sizeof columns; i++)
        at += snprintf(columns + at, sizeof columns - (size_t)at, "|#x %s", results->peers[i]);
    if (at < (int)sizeof columns) snprintf(columns + at, sizeof columns - (size_t)at, "|#error|why not|problem");
    snprintf(id, sizeof id, "rows%d", (int)(file - report->files));
    fprintf(report->out, "<div class=\"filter\" data-for=\"%s\"></div>\n", id);
    html_table(report->out, id, "Every kernel", columns);
    const int there = put_sorted(results, report->out);
    html_table_end(report->out);
    return there;
}

/* ---- several runs ---- */

static const struct report_file *results_after(const struct report *report, const struct report_file *file)
{
    for (file = file ? file + 1 : report->files; file < report->files + report->count; file++)
        if (file->kind == REPORT_RESULTS) return file;
    return NULL;
}

/* A column of numbers with a file's name; what would divide columns is none of it. Returns the end of the text. */
static int put_head(char *columns, size_t size, int at, const char *name, const char *behind)
{
    const int begin = at + 1;
    if (at >= (int)size) return at;
    at += snprintf(columns + at, size - (size_t)at, "|#%.50s%s", name, behind);
    for (int i = begin; i < at && i < (int)size; i++)
        if (columns[i] == '|') columns[i] = '/';
    return at;
}

static void put_heads(const struct report *report, char *columns, size_t size)
{
    const struct report_file *first = results_after(report, NULL);
    int at = snprintf(columns, size, "layer|direction");
    for (const struct report_file *f = first; f; f = results_after(report, f))
        at = put_head(columns, size, at, f->name, "");
    for (const struct report_file *f = first; f; f = results_after(report, f))
        at = put_head(columns, size, at, f->name, " x peer");
}

/* One layer: the first run's time, how many times faster the others are, and each run's own ratio to its peer. */
static void put_side(const struct report *report, const struct bench_result *row, FILE *out)
{
    const struct report_file *first = results_after(report, NULL);
    fputs("<tr>", out);
    html_cell_name(out, row->of->layer);
    html_cell(out, fcnn_direction_name(row->of->problem.direction));
    html_cell_time(out, row->time.median);
    for (const struct report_file *f = results_after(report, first); f; f = results_after(report, f)) {
        const struct bench_result *there = report_same(&f->kept.results, row);
        html_cell_ratio(out, there ? row->time.lower / there->time.lower : NAN);
    }
    for (const struct report_file *f = first; f; f = results_after(report, f)) {
        const struct bench_result *there = report_same(&f->kept.results, row);
        html_cell_ratio(out, there ? report_times_faster(&f->kept.results, there, BENCH_PEER, 0) : NAN);
    }
    fputs("</tr>\n", out);
}

static double mean_of_direction(const struct bench_results *first, const struct bench_results *other, int direction,
                                int *count)
{
    struct bench_mean mean = {0};
    for (int i = 0; i < first->row_count; i++) {
        const struct bench_result *row = &first->rows[i], *there;
        if (!report_is_choice(first, row)) continue;
        if (direction < BENCH_DIRECTIONS && (int)row->of->problem.direction != direction) continue;
        there = report_same(other, row);
        if (there && there->time.lower > 0) bench_mean_add(&mean, row->time.lower / there->time.lower);
    }
    *count = mean.count;
    return bench_mean_of(&mean);
}

static void put_side_means(const struct report *report, const struct report_file *file, FILE *out)
{
    const struct report_file *first = results_after(report, NULL);
    fputs("<tr>", out);
    html_cell_name(out, file->name);
    html_cell(out, file->kept.context.cpu);
    html_cell(out, file->kept.context.version);
    html_cell(out, file->kept.context.date);
    for (int d = 0; d <= BENCH_DIRECTIONS; d++) {
        int count;
        html_cell_ratio(out, mean_of_direction(&first->kept.results, &file->kept.results, d, &count));
        if (d == BENCH_DIRECTIONS) html_cell_number(out, count, 0);
    }
    fputs("</tr>\n", out);
}

/* Whether another run has a layer of the first: batches and single layers have none in common. */
static int has_sides(const struct report *report, const struct report_file *first)
{
    const struct bench_results *results = &first->kept.results;
    for (const struct report_file *f = results_after(report, first); f; f = results_after(report, f))
        for (int i = 0; i < results->row_count; i++)
            if (report_is_choice(results, &results->rows[i]) && report_same(&f->kept.results, &results->rows[i]))
                return 1;
    return 0;
}

int report_sides(struct report *report)
{
    const struct report_file *first = results_after(report, NULL);
    char columns[1024];
    if (!first || !has_sides(report, first)) return 1;
    fputs("<section id=\"sides\"><h2>Side by side</h2>\n<p>What dispatch takes, times faster than the first file's. "
          "Times of different runs differ by more than the kernels do; the ratios to the peer were measured within "
          "each run.</p>\n", report->out);
    html_table(report->out, "side-means", "Geometric means of times faster than the first file",
               "file|CPU|version|measured|#forward|#backward_data|#backward_weights|#update|#all|#layers");
    for (const struct report_file *f = first; f; f = results_after(report, f)) put_side_means(report, f, report->out);
    html_table_end(report->out);
    put_heads(report, columns, sizeof columns);
    html_table(report->out, "side-layers", "Layer by layer", columns);
    for (int i = 0; i < first->kept.results.row_count; i++)
        if (report_is_choice(&first->kept.results, &first->kept.results.rows[i]))
            put_side(report, &first->kept.results.rows[i], report->out);
    html_table_end(report->out);
    fputs("</section>\n", report->out);
    return 1;
}

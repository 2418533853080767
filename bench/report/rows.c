/* SPDX-License-Identifier: BSD-2-Clause
 * The table of all rows of a run. */
#include <math.h>
#include <stdlib.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

static void put_row(const struct bench_results *results, const struct bench_result *row, FILE *out)
{
    fprintf(out, "<tr class=\"%s%s\">", bench_is_wrong(row) ? "wrong " : "", row->is_chosen ? "chosen" : "");
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
    html_cell_ratio(out, bench_ratio(results, row, BENCH_REFERENCE));
    for (int peer = 0; peer < results->peer_count; peer++)
        html_cell_ratio(out, bench_ratio(results, row, peer));
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

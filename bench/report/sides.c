/* SPDX-License-Identifier: BSD-2-Clause
 * Several runs side by side: what dispatch takes, layer by layer. */
#include <math.h>
#include <stdlib.h>

#include "bench/names.h"
#include "bench/report/html.h"
#include "bench/report/page.h"

/* ---- what dispatch took, by the names of its problems ---- */

/* A file with results, and its rows by layer, problem and threads: the first of each. */
struct run {
    const struct report_file *file;
    struct bench_names names;
    const struct bench_result **rows;
};

struct runs {
    struct run *list;
    int count;
};

#define NAME "%d %s %s", row->threads, row->of->layer, row->of->text

/* 0: no memory. */
static int add_run(struct runs *runs, const struct report_file *file)
{
    struct run *run = &runs->list[runs->count++];
    const struct bench_results *results = &file->kept.results;
    *run = (struct run){.file = file, .rows = calloc((size_t)results->row_count + 1, sizeof *run->rows)};
    int there = run->rows != NULL;
    for (const struct bench_result *row = results->rows; there && row < results->rows + results->row_count; row++) {
        if (!row->is_chosen || !bench_is_timed(row)) continue;
        const int number = bench_names_number(&run->names, NAME);
        there = number >= 0;
        if (there && !run->rows[number]) run->rows[number] = row;
    }
    return there;
}

static void free_runs(struct runs *runs)
{
    for (int i = 0; i < runs->count; i++) {
        bench_names_free(&runs->list[i].names);
        free(runs->list[i].rows);
    }
    free(runs->list);
}

static int make_runs(struct runs *runs, const struct report *report)
{
    *runs = (struct runs){.list = calloc((size_t)report->count + 1, sizeof *runs->list)};
    int there = runs->list != NULL;
    for (int i = 0; there && i < report->count; i++)
        if (report->files[i].kind == REPORT_RESULTS) there = add_run(runs, &report->files[i]);
    return there;
}

/* The row of another run that took the same problem's part: dispatch's choice with as many threads. NULL: none. */
static const struct bench_result *find(const struct run *run, const struct bench_result *row)
{
    const int number = bench_names_find(&run->names, NAME);
    return number < 0 ? NULL : run->rows[number];
}

/* ---- the tables ---- */

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

static void put_heads(const struct runs *runs, char *columns, size_t size)
{
    int at = snprintf(columns, size, "layer|direction");
    for (int i = 0; i < runs->count; i++) at = put_head(columns, size, at, runs->list[i].file->name, "");
    for (int i = 0; i < runs->count; i++) at = put_head(columns, size, at, runs->list[i].file->name, " x peer");
}

/* One layer: the first run's time, how many times faster the others are, and each run's own ratio to its peer. */
static void put_side(const struct runs *runs, const struct bench_result *row, FILE *out)
{
    fputs("<tr>", out);
    html_cell_name(out, row->of->layer);
    html_cell(out, fcnn_direction_name(row->of->problem.direction));
    html_cell_time(out, row->time.median);
    for (int i = 1; i < runs->count; i++) {
        const struct bench_result *there = find(&runs->list[i], row);
        html_cell_ratio(out, there ? row->time.lower / there->time.lower : NAN);
    }
    for (int i = 0; i < runs->count; i++) {
        const struct bench_result *there = find(&runs->list[i], row);
        html_cell_ratio(out, there ? bench_ratio(&runs->list[i].file->kept.results, there, 0) : NAN);
    }
    fputs("</tr>\n", out);
}

static double mean_of_direction(const struct bench_results *first, const struct run *other, int direction, int *count)
{
    struct bench_mean mean = {0};
    for (int i = 0; i < first->row_count; i++) {
        const struct bench_result *row = &first->rows[i], *there;
        if (!report_is_choice(first, row)) continue;
        if (direction < BENCH_DIRECTIONS && (int)row->of->problem.direction != direction) continue;
        there = find(other, row);
        if (there && there->time.lower > 0) bench_mean_add(&mean, row->time.lower / there->time.lower);
    }
    *count = mean.count;
    return bench_mean_of(&mean);
}

static void put_side_means(const struct bench_results *first, const struct run *run, FILE *out)
{
    const struct bench_context *context = &run->file->kept.context;
    fputs("<tr>", out);
    html_cell_name(out, run->file->name);
    html_cell(out, context->cpu);
    html_cell(out, context->version);
    html_cell(out, context->date);
    for (int d = 0; d <= BENCH_DIRECTIONS; d++) {
        int count;
        html_cell_ratio(out, mean_of_direction(first, run, d, &count));
        if (d == BENCH_DIRECTIONS) html_cell_number(out, count, 0);
    }
    fputs("</tr>\n", out);
}

/* Whether another run has a layer of the first: batches and single layers have none in common. */
static int has_sides(const struct bench_results *first, const struct runs *runs)
{
    for (int i = 1; i < runs->count; i++)
        for (const struct bench_result *row = first->rows; row < first->rows + first->row_count; row++)
            if (report_is_choice(first, row) && find(&runs->list[i], row)) return 1;
    return 0;
}

static void put_sides(const struct bench_results *first, const struct runs *runs, FILE *out)
{
    char columns[1024];
    fputs("<section id=\"sides\"><h2>Side by side</h2>\n<p>What dispatch takes, times faster than the first file's. "
          "Times of different runs differ by more than the kernels do; the ratios to the peer were measured within "
          "each run.</p>\n", out);
    html_table(out, "side-means", "Geometric means of times faster than the first file",
               "file|CPU|version|measured|#forward|#backward_data|#backward_weights|#update|#all|#layers");
    for (int i = 0; i < runs->count; i++) put_side_means(first, &runs->list[i], out);
    html_table_end(out);
    put_heads(runs, columns, sizeof columns);
    html_table(out, "side-layers", "Layer by layer", columns);
    for (const struct bench_result *row = first->rows; row < first->rows + first->row_count; row++)
        if (report_is_choice(first, row)) put_side(runs, row, out);
    html_table_end(out);
    fputs("</section>\n", out);
}

int report_sides(struct report *report)
{
    struct runs runs;
    const int there = make_runs(&runs, report);
    const struct bench_results *first = there && runs.count ? &runs.list[0].file->kept.results : NULL;
    if (first && has_sides(first, &runs)) put_sides(first, &runs, report->out);
    free_runs(&runs);
    return there;
}

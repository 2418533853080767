/* SPDX-License-Identifier: BSD-2-Clause
 * Predictions of the whole model (fastcnn-bench --model, bench/compare_pytorch.sh --predict): how long one image takes,
 * and many, by each program and number of threads. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/names.h"
#include "bench/report/html.h"
#include "bench/report/page.h"

/* Of a program in a file, seconds; NAN: not there. */
struct prediction {
    const struct report_file *file;
    const char *program;
    double threads, one, p99, many, calls;
};

struct predictions {
    struct prediction *list;
    int count;
    struct bench_names names;
    double images; /* how many are many */
};

/* NULL: no memory. */
static struct prediction *find(struct predictions *p, const struct report_file *file, const json_t *entry)
{
    const char *program = report_string(entry, "program");
    const double threads = report_number(entry, "threads");
    const int at = bench_names_number(&p->names, "%p %.17g %s", (const void *)file, threads, program);
    if (at == p->count) p->list[p->count++] = (struct prediction){file, program, threads, NAN, NAN, NAN, NAN};
    return at < 0 ? NULL : &p->list[at];
}

/* 0: no memory. */
static int take(struct predictions *p, const struct report_file *file, const json_t *entry)
{
    const double images = report_number(entry, "images"), seconds = report_number(entry, "real_time") / 1e6;
    const int is_p99 = !strcmp(report_string(entry, "aggregate_name"), "p99");
    if (!(images >= 1 && seconds > 0 && report_number(entry, "threads") >= 1)) return 1;
    struct prediction *one = find(p, file, entry);
    if (!one) return 0;
    if (images > 1) one->many = seconds, p->images = images;
    else if (is_p99) one->p99 = seconds;
    else one->one = seconds, one->calls = report_number(entry, "iterations");
    return 1;
}

static size_t count_entries(const struct report *report)
{
    size_t count = 0;
    for (int i = 0; i < report->count; i++)
        if (report->files[i].kind == REPORT_MODEL)
            count += json_array_size(json_object_get(report->files[i].root, "benchmarks"));
    return count;
}

/* 0: no memory. */
static int collect(const struct report *report, struct predictions *p)
{
    *p = (struct predictions){.list = calloc(count_entries(report) + 1, sizeof *p->list)};
    int there = p->list != NULL;
    for (int i = 0; there && i < report->count; i++) {
        if (report->files[i].kind != REPORT_MODEL) continue;
        const json_t *list = json_object_get(report->files[i].root, "benchmarks");
        for (size_t j = 0; there && j < json_array_size(list); j++)
            there = take(p, &report->files[i], json_array_get(list, j));
    }
    bench_names_free(&p->names);
    return there;
}

/* ---- the charts ---- */

typedef double value_of(const struct predictions *p, const struct prediction *one);

static double microseconds(const struct predictions *p, const struct prediction *one)
{
    (void)p;
    return 1e6 * one->one;
}

static double images_a_second(const struct predictions *p, const struct prediction *one)
{
    return p->images / one->many;
}

/* With the file's name where programs of several stand side by side. */
static void put_name(char *name, size_t size, const struct predictions *p, const struct prediction *one)
{
    int several = 0;
    for (int i = 0; i < p->count; i++) several |= p->list[i].file != one->file;
    snprintf(name, size, "%.64s, %.0f thread%s%s%.48s", one->program, one->threads, one->threads == 1 ? "" : "s",
             several ? ", " : "", several ? one->file->name : "");
}

static int draw(struct report *report, const struct predictions *p, const char *title, const char *unit,
                value_of *value)
{
    enum { MOST = 50 };
    struct report_bar bars[MOST];
    char names[MOST][160];
    int count = 0;
    for (int i = 0; i < p->count && count < MOST; i++) {
        if (!isfinite(value(p, &p->list[i]))) continue;
        put_name(names[count], sizeof names[count], p, &p->list[i]);
        bars[count] = (struct report_bar){names[count], value(p, &p->list[i]), NAN};
        count++;
    }
    return !count || report_draw_amounts(report, title, unit, bars, count);
}

/* ---- the table ---- */

static void put_prediction(const struct predictions *p, const struct prediction *one, FILE *out)
{
    const struct prediction *first = p->list;
    fputs("<tr>", out);
    html_cell_name(out, one->program);
    html_cell_number(out, one->threads, 0);
    html_cell_time(out, one->one);
    html_cell_time(out, one->p99);
    html_cell_number(out, one->calls, 0);
    html_cell_ratio(out, first->one / one->one);
    html_cell_time(out, one->many);
    html_cell_number(out, p->images / one->many, 0);
    html_cell_ratio(out, first->many / one->many);
    html_cell(out, report_string(json_object_get(one->file->root, "context"), "cpu"));
    html_cell(out, one->file->name);
    fputs("</tr>\n", out);
}

static int put_predictions(struct report *report, const struct predictions *p)
{
    char title[96], columns[256];
    fputs("<section id=\"model\"><h2>The whole model</h2>\n"
          "<p>Predictions of the MNIST model, planned and warm, inputs and outputs in memory. One image: by the clock, "
          "as whoever waits for an answer does.</p>\n", report->out);
    int there = draw(report, p, "One image: microseconds, median (less is better)", "us", microseconds);
    snprintf(title, sizeof title, "%.0f images: images a second (more is better)", p->images);
    there = there && draw(report, p, title, "/s", images_a_second);
    snprintf(columns, sizeof columns, "program|#threads|#one image|#99 %%|#calls|#times faster than the first|"
             "#%.0f images|#images/s|#times faster than the first|CPU|file", p->images);
    html_table(report->out, "predictions", "Predictions", columns);
    for (int i = 0; i < p->count; i++) put_prediction(p, &p->list[i], report->out);
    html_table_end(report->out);
    fputs("</section>\n", report->out);
    return there;
}

int report_predictions(struct report *report)
{
    struct predictions p;
    int there = collect(report, &p);
    if (there && p.count) there = put_predictions(report, &p);
    free(p.list);
    return there;
}

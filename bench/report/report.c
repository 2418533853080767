/* SPDX-License-Identifier: BSD-2-Clause
 * Reads the files, and puts the parts of the page in their order. */
#include "bench/report/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/output.h"
#include "bench/report/html.h"
#include "bench/report/page.h"

/* ---- files ---- */

/* 0, or the status to exit with after a message. */
static int tell_kind(const char *path, struct report_file *file)
{
    if (json_is_object(json_object_get(file->root, "model"))) return file->kind = REPORT_MODEL, 0;
    if (json_object_get(file->root, "benchmarks")) return file->kind = REPORT_RESULTS, 0;
    if (json_is_array(json_object_get(file->root, "results"))) return file->kind = REPORT_PROGRAMS, 0;
    if (json_is_object(json_object_get(file->root, "speed"))) return file->kind = REPORT_TRAINING, 0;
    if (json_object_get(json_array_get(file->root, 0), "depends_on_threads")) return file->kind = REPORT_ORDERS, 0;
    fprintf(stderr, "fastcnn-bench: %s: neither results (--json, also with --model and --orders) nor hyperfine's nor "
                    "those of fastcnn train --json\n", path);
    return EX_DATAERR;
}

static int read_file(const char *path, struct report_file *file)
{
    const char *slash = strrchr(path, '/');
    file->name = slash ? slash + 1 : path;
    int status = bench_json_load(path, &file->root);
    if (!status) status = tell_kind(path, file);
    if (!status && file->kind == REPORT_RESULTS) status = bench_json_take(path, file->root, &file->kept);
    return status;
}

static int has_results(const struct report *report)
{
    for (int i = 0; i < report->count; i++)
        if (report->files[i].kind == REPORT_RESULTS) return 1;
    return 0;
}

static void free_files(struct report *report)
{
    for (int i = 0; i < report->count; i++) {
        json_decref(report->files[i].root);
        bench_kept_free(&report->files[i].kept);
    }
    free(report->files);
}

double report_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *report_string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "?";
}

/* ---- the page ---- */

static void put_lines(const char *const *lines, FILE *out)
{
    for (; *lines; lines++) fputs(*lines, out);
}

static void put_head(FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'; img-src data:\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>libfastcnn benchmark</title>\n<style>\n", out);
    put_lines(report_css, out);
    fputs("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
          "<header><h1>libfastcnn benchmark</h1>\n<nav aria-label=\"Parts of the page\"><ul>"
          "<li><a href=\"#summary\">Summary</a></li><li><a href=\"#charts\">Charts</a></li>"
          "<li><a href=\"#tables\">Tables</a></li><li><a href=\"#raw\">Raw</a></li></ul></nav></header>\n"
          "<main id=\"main\" tabindex=\"-1\">\n", out);
}

/* A part for each of the results; with several, each has its file's name. */
typedef int part(struct report *report, const struct report_file *file);

static int put_parts(struct report *report, part *put)
{
    int results = 0, there = 1;
    for (int i = 0; i < report->count; i++) results += report->files[i].kind == REPORT_RESULTS;
    for (int i = 0; i < report->count && there; i++) {
        if (report->files[i].kind != REPORT_RESULTS) continue;
        if (results > 1) {
            fputs("<h3 class=\"file\">", report->out);
            html_text(report->out, report->files[i].name);
            fputs("</h3>\n", report->out);
        }
        there = put(report, &report->files[i]);
    }
    return there;
}

static int put_charts(struct report *report, const struct report_file *file)
{
    return report_bars(report, file) && report_batches(report, file) && report_roofline(report, file) &&
           report_errors(report, file) && report_scaling(report, file);
}

static int put_raw(struct report *report)
{
    fputs("<section id=\"raw\"><h2>Raw results</h2>\n"
          "<p>Every window is in this page, as <code>fastcnn-bench --json</code> wrote it.</p>\n<ul class=\"raw\">\n",
          report->out);
    for (int i = 0; i < report->count; i++) {
        fputs("<li data-name=\"", report->out);
        html_text(report->out, report->files[i].name);
        fprintf(report->out, "\" data-raw=\"raw%d\">", i);
        html_text(report->out, report->files[i].name);
        fprintf(report->out, "<script type=\"application/json\" id=\"raw%d\">", i);
        if (!html_json(report->out, report->files[i].root)) return 0;
        fputs("</script></li>\n", report->out);
    }
    fputs("</ul></section>\n", report->out);
    return 1;
}

static void put_legend(FILE *out)
{
    fputs("<p>Ratios are of lower quartiles of interleaved windows within one run. Peers have their favourite layouts; "
          "conversions are not counted. Peak: fused multiply-adds from registers; memory: every tensor moved once; "
          "both measured around each window. Error: units of 2<sup>-24</sup> times the sum of magnitudes.</p>\n", out);
}

/* 0: no memory. */
static int put_page(struct report *report)
{
    FILE *out = report->out;
    put_head(out);
    fputs("<section id=\"summary\"><h2>Summary</h2>\n", out);
    int there = put_parts(report, report_summary);
    fputs("</section>\n<section id=\"charts\"><h2>Charts</h2>\n", out);
    put_legend(out);
    there = there && put_parts(report, put_charts);
    fputs("</section>\n", out);
    there = there && report_predictions(report) && report_trainings(report) && report_orders(report) &&
            report_sides(report);
    fputs("<section id=\"tables\"><h2>Tables</h2>\n<p>A star marks what dispatch takes.</p>\n", out);
    there = there && put_parts(report, report_rows);
    fputs("</section>\n", out);
    there = there && put_raw(report);
    fputs("</main>\n<footer><p>Written by fastcnn-bench --report.</p></footer>\n<script>\n", out);
    put_lines(report_js, out);
    fputs("</script>\n</body>\n</html>\n", out);
    return there;
}

static int no_memory(void) { return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR; }

static int write_page(struct report *report, const char *path)
{
    struct bench_output output;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    report->out = output.file;
    if (!put_page(report)) return bench_output_cancel(&output), no_memory();
    if (!bench_output_close(&output)) return EX_IOERR;
    if (report->no_gnuplot) fputs("fastcnn-bench: no gnuplot that works: the page has tables alone\n", stderr);
    return 0;
}

int bench_report(const char *path, const char *const *from, int count)
{
    struct report report = {.files = calloc((size_t)count + 1, sizeof *report.files)};
    int status = 0;
    if (!report.files) return no_memory();
    while (!status && report.count < count) {
        status = read_file(from[report.count], &report.files[report.count]);
        report.count++;
    }
    if (!status && !has_results(&report))
        status = EX_USAGE, fputs("fastcnn-bench: --report: none of the files has results of kernels (--json, without "
                                 "--model)\n", stderr);
    if (!status) status = write_page(&report, path);
    free_files(&report);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Whole programs (hyperfine's JSON) and epochs over the bound of their dense multiply-adds (fastcnn train --json). */
#include <jansson.h>
#include <stdlib.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

/* ---- programs ---- */

static void put_program(const json_t *program, double first, FILE *out)
{
    const double mean = report_number(program, "mean");
    fputs("<tr>", out);
    html_cell_name(out, report_string(program, "command"));
    html_cell_time(out, mean);
    html_cell_number(out, 100 * report_number(program, "stddev") / mean, 1);
    html_cell_time(out, report_number(program, "min"));
    html_cell_time(out, report_number(program, "max"));
    html_cell_ratio(out, first / mean);
    fputs("</tr>\n", out);
}

static int draw_programs(struct report *report, const json_t *list)
{
    struct report_bar *bars = calloc(json_array_size(list) + 1, sizeof *bars);
    int count = 0, there = 1;
    if (!bars) return 0;
    for (size_t i = 0; i < json_array_size(list) && i < 100; i++) {
        const json_t *program = json_array_get(list, i);
        const double mean = report_number(program, "mean");
        if (!(mean > 0)) continue;
        bars[count++] =
            (struct report_bar){report_string(program, "command"), mean, report_number(program, "stddev")};
    }
    if (count)
        there = report_draw_amounts(report, "Whole trainings: seconds, and their standard deviation", "s", bars,
                                    count);
    free(bars);
    return there;
}

static int put_programs(struct report *report, const struct report_file *file)
{
    const json_t *list = json_object_get(file->root, "results");
    char id[32];
    snprintf(id, sizeof id, "programs%d", (int)(file - report->files));
    const int there = draw_programs(report, list);
    html_table(report->out, id, file->name, "program|#mean|#spread %|#least|#most|#times faster than the first");
    for (size_t i = 0; i < json_array_size(list); i++)
        put_program(json_array_get(list, i), report_number(json_array_get(list, 0), "mean"), report->out);
    html_table_end(report->out);
    return there;
}

/* ---- epochs ---- */

static void put_epoch(const struct report_file *file, FILE *out)
{
    const json_t *speed = json_object_get(file->root, "speed");
    const double epoch = report_number(speed, "epoch_seconds"), bound = report_number(speed, "bound_seconds");
    fputs("<tr>", out);
    html_cell_name(out, file->name);
    html_cell(out, report_string(speed, "isa"));
    html_cell_number(out, report_number(speed, "threads"), 0);
    html_cell_number(out, report_number(speed, "peak_gflops"), 1);
    html_cell_time(out, epoch);
    html_cell_time(out, bound);
    html_cell_number(out, epoch / bound, 2);
    html_cell(out, report_string(json_object_get(file->root, "receipt"), "weights"));
    fputs("</tr>\n", out);
}

static int count_kind(const struct report *report, enum report_kind kind)
{
    int count = 0;
    for (int i = 0; i < report->count; i++) count += report->files[i].kind == kind;
    return count;
}

static void put_epochs(struct report *report)
{
    html_table(report->out, "epochs", "Epochs over the time of their dense multiply-adds at the FMA peak",
               "training|ISA|#threads|#peak GFLOP/s|#epoch|#dense bound|#epoch over bound|weights");
    for (int i = 0; i < report->count; i++)
        if (report->files[i].kind == REPORT_TRAINING) put_epoch(&report->files[i], report->out);
    html_table_end(report->out);
}

int report_trainings(struct report *report)
{
    const int programs = count_kind(report, REPORT_PROGRAMS), epochs = count_kind(report, REPORT_TRAINING);
    int there = 1;
    if (!programs && !epochs) return 1;
    fputs("<section id=\"training\"><h2>Training</h2>\n", report->out);
    for (int i = 0; i < report->count; i++)
        if (report->files[i].kind == REPORT_PROGRAMS) there &= put_programs(report, &report->files[i]);
    if (epochs) put_epochs(report);
    fputs("</section>\n", report->out);
    return there;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Results as comma-separated values: what the tables have, a line for each kernel. A field is empty where there is no
 * such value. */
#include <math.h>
#include <string.h>

#include "bench/exports.h"
#include "bench/summaries.h"

/* A comma before it, unless the line begins with it. */
static void put_text(const char *text, int is_first, FILE *out)
{
    if (!is_first) fputc(',', out);
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_number(double value, FILE *out)
{
    fputc(',', out);
    if (isfinite(value)) fprintf(out, "%.9g", value);
}

static void put_header(const struct bench_results *results, FILE *out)
{
    fputs("layer,direction,problem,kernel,isa,class,chosen,threads,state,windows,nanoseconds,lower_quartile,"
          "interquartile_range,gflops,gbytes_per_second,percent_of_peak,percent_of_memory,error,allocations,"
          "page_faults,times_faster_than_reference", out);
    for (int peer = 0; peer < results->peer_count; peer++) {
        char name[128];
        snprintf(name, sizeof name, "times_faster_than_%s", results->peers[peer]);
        put_text(name, 0, out);
    }
    fputc('\n', out);
}

static const char *state_of(const struct bench_result *row)
{
    if (bench_is_timed(row)) return "timed";
    return *row->failure ? row->failure : "not timed";
}

static void put_row(const struct bench_results *results, const struct bench_result *row, FILE *out)
{
    const struct bench_problem *p = row->of;
    put_text(p->layer, 1, out);
    put_text(fcnn_direction_name(p->problem.direction), 0, out);
    put_text(p->text, 0, out);
    put_text(row->kernel, 0, out);
    put_text(fcnn_isa_name(row->isa), 0, out);
    put_text(row->kind == BENCH_OURS ? fcnn_class_name(row->numerics) : "peer", 0, out);
    fprintf(out, ",%d,%d", row->is_chosen, row->threads);
    put_text(state_of(row), 0, out);
    fprintf(out, ",%d", row->count);
    put_number(1e9 * row->time.median, out);
    put_number(1e9 * row->time.lower, out);
    put_number(1e9 * row->time.range, out);
    put_number(p->flops > 0 ? 1e-9 * p->flops / row->time.median : NAN, out);
    put_number(1e-9 * p->bytes / row->time.median, out);
    put_number(row->percent_of_peak.median, out);
    put_number(row->percent_of_memory.median, out);
    put_number(row->error, out);
    fprintf(out, ",%lld,%lld", (long long)row->events.allocations, (long long)row->events.page_faults);
    for (int i = BENCH_REFERENCE; i < results->peer_count; i++) put_number(bench_ratio(results, row, i), out);
    fputc('\n', out);
}

int bench_csv_write(const struct bench_results *results, FILE *out)
{
    put_header(results, out);
    for (int i = 0; i < results->row_count; i++) put_row(results, &results->rows[i], out);
    return 1;
}

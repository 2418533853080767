/* SPDX-License-Identifier: BSD-2-Clause
 * The list, the header, a table per problem. */
#include "bench/tables.h"

#include <math.h>
#include <stdlib.h>

#include "bench/format.h"
#include "bench/summaries.h"

#if defined(__clang__)
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

void bench_print_list(const struct bench_results *results, FILE *out)
{
    const struct bench_problem *last = NULL;
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        if (row->of != last) fprintf(out, "%s: %s\n", row->of->layer, row->of->text);
        fprintf(out, "    %s\n", row->kernel);
        last = row->of;
    }
    fprintf(out, "%d kernels on %d problems\n", results->row_count, results->problem_count);
}

void bench_print_header(const struct bench_results *results, FILE *out)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    fprintf(out, "%s\n  CPU         %s, %d cores\n  ISAs       ", fcnn_version_details(), machine.cpu, machine.cores);
    for (int isa = 0; isa < BENCH_ISAS; isa++)
        if (machine.isas >> isa & 1) fprintf(out, " %s", fcnn_isa_name((fcnn_isa)isa));
    fprintf(out, "\n  compiler    %s\n  threads     %d\n  peers      ", COMPILER, results->threads);
    for (int i = 0; i < results->peer_count; i++) fprintf(out, " %s", results->peers[i]);
    fputs(results->peer_count ? "\n" : " none\n", out);
    const int tuned = fcnn_tuning_count(fcnn_tuning_default());
    if (tuned) fprintf(out, "  tuning      %d lines, used for what dispatch takes (FASTCNN_TUNING=off: none)\n", tuned);
    for (int isa = 0; isa < BENCH_ISAS; isa++) {
        int count;
        const struct bench_summary peak = bench_peak_of_isa(results, (fcnn_isa)isa, &count);
        if (count)
            fprintf(out, "  peak        %-6s %7.2f GFLOP/s (spread %.1f %% over %d windows)\n",
                    fcnn_isa_name((fcnn_isa)isa), peak.median, 100 * peak.range / peak.median, count);
    }
}

static void print_legend(FILE *out)
{
    fputs("\nTimed: fcnn_execute() with warm caches; weights of forward and backward_data packed beforehand by\n"
          "fcnn_pack(), everything else (gathering, im2col, packing of activations) inside. Every kernel was first\n"
          "compared bit by bit with the reference of its class: naive, or the scalar kernel; peers within bounds.\n"
          "Times of different runs cannot be compared; ratios within one can.\n"
          "  *        what dispatch takes\n"
          "  median   of the windows, with one thread of the time that it had a core; spread%: their interquartile\n"
          "           range in percent of it\n"
          "  x naive  how many times faster than the reference, which is plain C (lower quartiles of the windows)\n"
          "  x peer   the same for the class \"peer\", which has its favourite layouts, conversions not counted\n"
          "  GFLOP/s  operations of the direct algorithm, padding not counted; GB/s: every tensor once\n"
          "  peak%    of the rate of fused multiply-adds from registers with this ISA, measured right before and\n"
          "           after each window on as many threads at once. The gradient of a pooled layer is three quarters\n"
          "           zeros: kernels that skip them can pass 100\n"
          "  mem%     of the bound by memory: the time in which a loop with this ISA and as many threads reads each\n"
          "           input and writes each output once, in place and warm, over the kernel's. The larger of peak%\n"
          "           and mem% says how far a kernel is from what the machine allows\n"
          "  error    max |x - d| / (2^-24 S) of the class's outputs x, the same for all its kernels; d and\n"
          "           S = sum |a b|: the same in double. The tests demand 16 or less of exact; of winograd_f2 and\n"
          "           winograd_f4 16 and 256 of the largest S in an output tile\n", out);
}

static void print_row(const struct bench_results *results, const struct bench_result *row, FILE *out)
{
    const int wrong = bench_is_wrong(row);
    const char *style = wrong ? bench_style(out, BENCH_RED) : row->is_chosen ? bench_style(out, BENCH_BOLD) : "";
    fprintf(out, "%s%c %-39s  %-6s  %-11s%s", style, row->is_chosen ? '*' : ' ', row->kernel, fcnn_isa_name(row->isa),
            row->kind == BENCH_OURS ? fcnn_class_name(row->numerics) : "peer",
            *style ? bench_style(out, BENCH_PLAIN) : "");
    if (wrong || row->verdict == BENCH_NOT_RUN) {
        fprintf(out, "  %s\n", row->failure);
        return;
    }
    bench_print_time(out, row->time.median);
    bench_print_number(out, 8, 1, row->count > 1 ? 100 * row->time.range / row->time.median : NAN);
    bench_print_number(out, 10, row->of->flops > 0 ? 2 : 1, bench_rate(row->of, row->time.median));
    bench_print_number(out, 8, 1, row->percent_of_peak.median);
    bench_print_number(out, 7, 1, row->percent_of_memory.median);
    bench_print_number(out, 9, 1, bench_ratio(results, row, BENCH_REFERENCE));
    bench_print_number(out, 8, 2, bench_ratio(results, row, 0));
    bench_print_number(out, 7, 1, row->error);
    fputc('\n', out);
}

/* The rows from first to end - 1 belong to one problem. */
static void print_problem(const struct bench_results *results, int first, int end, int *order, FILE *out)
{
    const struct bench_problem *p = results->rows[first].of;
    fprintf(out, "\n%s%s%s  %s  ", bench_style(out, BENCH_BOLD), p->layer, bench_style(out, BENCH_PLAIN), p->text);
    if (p->flops > 0) fprintf(out, "%.3g MFLOP, ", p->flops * 1e-6);
    fprintf(out, "%.3g MB\n", p->bytes * 1e-6);
    fprintf(out, "  %-39s  %-6s  %-11s%11s%8s%10s%8s%7s%9s%8s%7s\n", "kernel", "ISA", "class", "median   ", "spread%",
            p->flops > 0 ? "GFLOP/s" : "GB/s", "peak%", "mem%", "x naive", "x peer", "error");
    bench_sort_rows(results, first, end, order);
    int waiting = 0;
    for (int i = 0; i < end - first; i++) {
        const struct bench_result *row = &results->rows[order[i]];
        if (bench_is_waiting(row)) waiting++;
        else print_row(results, row, out);
    }
    if (waiting) fprintf(out, "  %d not timed, or in too few windows: no time was left\n", waiting);
}

int bench_print_tables(const struct bench_results *results, FILE *out)
{
    int *order = calloc((size_t)results->row_count + 1, sizeof *order);
    if (!order) return 0;
    for (int first = 0, end; first < results->row_count; first = end) {
        for (end = first; end < results->row_count && results->rows[end].of == results->rows[first].of;) end++;
        print_problem(results, first, end, order, out);
    }
    free(order);
    return 1;
}

int bench_print_without_legend(const struct bench_results *results, FILE *out)
{
    int there = 1;
    if (results->scaling) there &= bench_print_scaling(results, out);
    else there &= bench_print_tables(results, out);
    bench_print_events(results, out);
    if (!results->scaling) {
        there &= bench_print_comparison(results, 1, out);
        bench_print_winograd(results, out);
    }
    bench_print_end(results, out);
    return there;
}

int bench_print_all(const struct bench_results *results, FILE *out)
{
    bench_print_header(results, out);
    if (!results->scaling) print_legend(out);
    return bench_print_without_legend(results, out);
}

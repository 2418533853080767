/* SPDX-License-Identifier: BSD-2-Clause
 * What people see: the list, progress on stderr, tables on stdout. */
#include "bench/report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/cases.h"

#if defined(__clang__)
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

#define BOLD "\033[1m"
#define RED "\033[1;31m"

static int colored(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}
static const char *style(int fd, const char *code) { return colored(fd) ? code : ""; }
static const char *plain(int fd) { return colored(fd) ? "\033[0m" : ""; }

/* ---- while it runs ---- */

void bench_report_progress(const struct bench_run *run)
{
    static double last;
    const struct bench_suite *suite = run->suite;
    int terminal = isatty(STDERR_FILENO), done = suite->windows_done >= suite->windows;
    double now = bench_now();
    if (!last) last = suite->start;
    if (now - last < (terminal ? 0.1 : 10) && !(terminal && done)) return;
    last = now;
    fprintf(stderr, "%s%d/%d windows, %.0f s, %.60s%s", terminal ? "\r\033[K" : "", suite->windows_done, suite->windows,
            now - suite->start, run->name, !terminal || done ? "\n" : "");
    fflush(stderr);
}

void bench_report_wrong(const struct bench_run *run)
{
    int fd = STDERR_FILENO;
    fprintf(stderr, "%s%sWRONG %s%s on \"%s\": %s\n", isatty(fd) ? "\r\033[K" : "", style(fd, RED), run->kernel.name,
            plain(fd), run->of->text, run->failure);
}

/* ---- the list ---- */

void bench_report_list(const struct bench_suite *suite)
{
    const struct bench_run *run = suite->runs, *end = run + suite->run_count;
    for (; run < end; run++) {
        if (run == suite->runs || run[-1].of != run->of) printf("%s: %s\n", run->of->layer, run->of->text);
        printf("    %s\n", run->kernel.name);
    }
    printf("%d kernels on %d problems\n", suite->run_count, suite->case_count);
}

int bench_report_create(const char *path)
{
    char folder[4096];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        mkdir(folder, 0777);
    }
    FILE *file = fopen(path, "w");
    if (!file) return fprintf(stderr, "fastcnn-bench: cannot write %s: %s\n", path, strerror(errno)), 0;
    fclose(file);
    return 1;
}

/* ---- tables ---- */

struct row {
    const struct bench_run *run;
    struct bench_summary time, peak, memory; /* peak, memory: percent */
};

static struct row summarize(const struct bench_run *run)
{
    return (struct row){run, bench_summarize_run(run, bench_seconds), bench_summarize_run(run, bench_percent_of_peak),
                        bench_summarize_run(run, bench_percent_of_memory)};
}

/* Fastest first, what was not timed last. */
static int faster(const void *a, const void *b)
{
    double x = ((const struct row *)a)->time.median, y = ((const struct row *)b)->time.median;
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void bench_print_time(double seconds)
{
    if (seconds < 1e-6) printf("%8.1f ns", seconds * 1e9);
    else if (seconds < 1e-3) printf("%8.2f us", seconds * 1e6);
    else if (seconds < 1) printf("%8.2f ms", seconds * 1e3);
    else printf("%8.2f s ", seconds);
}

void bench_print_number(int width, int digits, double value)
{
    if (isfinite(value)) printf("%*.*f", width, digits, value);
    else printf("%*s", width, "-");
}

static void print_row(const struct row *row, double naive, double peer)
{
    const struct bench_run *run = row->run;
    const struct bench_case *c = run->of;
    int chosen = !strcmp(run->kernel.name, c->choice), fd = STDOUT_FILENO;
    const char *code = run->is_wrong ? style(fd, RED) : chosen ? style(fd, BOLD) : "";
    printf("%s%c %-39s  %-6s  %-11s%s", code, chosen ? '*' : ' ', run->kernel.name, fcnn_isa_name(run->kernel.isa),
           run->peer ? "peer" : fcnn_class_name(run->kernel.numerics), *code ? plain(fd) : "");
    if (!run->count) {
        printf("  %s\n", *run->failure ? run->failure : "not timed");
        return;
    }
    bench_print_time(row->time.median);
    bench_print_number(8, 1, run->count > 1 ? 100 * row->time.range / row->time.median : NAN);
    bench_print_number(10, c->flops > 0 ? 2 : 1, 1e-9 * (c->flops > 0 ? c->flops : c->bytes) / row->time.median);
    bench_print_number(8, 1, row->peak.median);
    bench_print_number(7, 1, row->memory.median);
    bench_print_number(9, 1, naive / row->time.median);
    bench_print_number(8, 2, peer / row->time.median);
    bench_print_number(7, 1, run->error);
    putchar('\n');
}

/* The runs from first to end - 1 belong to one case. */
static void print_case(const struct bench_run *first, const struct bench_run *end)
{
    const struct bench_case *c = first->of;
    struct row *rows = calloc((size_t)(end - first), sizeof *rows);
    int count = 0;
    double naive = NAN, peer = NAN;
    for (const struct bench_run *run = first; rows && run < end; run++) {
        if (!run->selected) continue;
        rows[count] = summarize(run);
        if (!strcmp(run->kernel.name, c->naive)) naive = rows[count].time.median;
        if (run->peer && !run->peer_variant) peer = rows[count].time.median;
        count++;
    }
    if (count) {
        qsort(rows, (size_t)count, sizeof *rows, faster);
        printf("\n%s%s%s  %s  ", style(STDOUT_FILENO, BOLD), c->layer, plain(STDOUT_FILENO), c->text);
        if (c->flops > 0) printf("%.3g MFLOP, ", c->flops * 1e-6);
        printf("%.3g MB\n", c->bytes * 1e-6);
        printf("  %-39s  %-6s  %-11s%11s%8s%10s%8s%7s%9s%8s%7s\n", "kernel", "ISA", "class", "median   ", "spread%",
               c->flops > 0 ? "GFLOP/s" : "GB/s", "peak%", "mem%", "x naive", "x peer", "error");
        for (int i = 0; i < count; i++) print_row(&rows[i], naive, peer);
    }
    free(rows);
}

/* Median and spread of all FMA windows of one instruction set, per thread. */
static void print_peak(const struct bench_suite *suite, fcnn_isa isa)
{
    int count = 0;
    double *values = NULL;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (run->kernel.isa != isa || !run->count || run->of->flops == 0) continue;
        double *more = realloc(values, (size_t)(count + run->count) * sizeof *values);
        if (!more) break;
        values = more;
        for (int j = 0; j < run->count; j++) values[count++] = run->samples[j].bounds.peak / run->threads;
    }
    struct bench_summary peak = bench_summarize(values, count);
    if (count)
        printf("  peak        %-6s %7.2f GFLOP/s (spread %.1f %% over %d windows)\n", fcnn_isa_name(isa), peak.median,
               100 * peak.range / peak.median, count);
    free(values);
}

static void print_header(const struct bench_suite *suite)
{
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    printf("%s\n  CPU         %s, %d cores\n  ISAs       ", fcnn_version_details(), machine.cpu, machine.cores);
    for (int isa = 0; isa < FCNN_ISAS; isa++)
        if (machine.isas >> isa & 1) printf(" %s", fcnn_isa_name((fcnn_isa)isa));
    printf("\n  compiler    %s\n  threads     %d\n  peer        %s\n", COMPILER, suite->options->threads,
           suite->peer ? suite->peer : "none");
    for (int isa = 0; isa < FCNN_ISAS; isa++) print_peak(suite, (fcnn_isa)isa);
}

static void print_legend(void)
{
    puts("\nTimed: fcnn_execute() with warm caches; weights of forward and backward_data packed beforehand by\n"
         "fcnn_pack(), everything else (gathering, im2col, packing of activations) inside. Every kernel was first\n"
         "compared bit by bit with the reference of its class: naive, or the scalar kernel; peers within bounds.\n"
         "Times of different runs cannot be compared; ratios within one can.\n"
         "  *        what dispatch takes\n"
         "  median   of the windows; spread%: their interquartile range in percent of it\n"
         "  x naive  how many times faster than the reference, which is plain C\n"
         "  x peer   the same for the class \"peer\", which has its favourite layouts, conversions not counted\n"
         "  GFLOP/s  operations of the direct algorithm, padding not counted; GB/s: every tensor once\n"
         "  peak%    of the rate of fused multiply-adds from registers with this ISA, measured right before and after\n"
         "           each window on as many threads at once. The gradient of a pooled layer is three quarters zeros:\n"
         "           kernels that skip them can pass 100\n"
         "  mem%     of the bound by memory: the time in which a loop with this ISA and as many threads reads each\n"
         "           input and writes each output once, in place and warm, over the kernel's. The larger of peak%\n"
         "           and mem% says how far a kernel is from what the machine allows\n"
         "  error    max |x - d| / (2^-24 S) of the class's outputs x, the same for all its kernels; d and\n"
         "           S = sum |a b|: the same in double. The tests demand 16 or less of exact; of winograd_f2 and\n"
         "           winograd_f4 16 and 256 of the largest S in an output tile");
}

/* Names what allocated or touched new pages while it was timed; peers are left to themselves. */
static void print_steady(const struct bench_suite *suite)
{
    const struct bench_steady total = bench_steady_now();
    struct bench_steady sum = {0};
    int64_t executions = 0;
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (run->peer) continue;
        executions += run->executions;
        sum.allocations += run->events.allocations;
        sum.page_faults += run->events.page_faults;
    }
    printf("\nAllocations and page faults inside the timed windows of our kernels: %lld and %lld over %lld executions\n"
           "(in the whole process, preparations included: %lld and %lld)\n", (long long)sum.allocations,
           (long long)sum.page_faults, (long long)executions, (long long)total.allocations,
           (long long)total.page_faults);
    for (int i = 0; i < suite->run_count; i++) {
        const struct bench_run *run = &suite->runs[i];
        if (run->peer || (!run->events.allocations && !run->events.page_faults)) continue;
        printf("  %s, %s: %lld and %lld over %lld\n", run->of->layer, run->kernel.name,
               (long long)run->events.allocations, (long long)run->events.page_faults, (long long)run->executions);
    }
}

static void print_cases(const struct bench_suite *suite)
{
    const struct bench_run *run = suite->runs, *end = run + suite->run_count;
    print_legend();
    while (run < end) {
        const struct bench_run *first = run;
        while (run < end && run->of == first->of) run++;
        print_case(first, run);
    }
}

void bench_report_tables(const struct bench_suite *suite)
{
    int wrong = 0, fd = STDOUT_FILENO;
    for (int i = 0; i < suite->run_count; i++) wrong += suite->runs[i].is_wrong && !suite->runs[i].peer;
    print_header(suite);
    if (suite->options->scaling) bench_report_scaling(suite);
    else print_cases(suite);
    print_steady(suite);
    if (suite->windows_skipped)
        printf("\n%d windows were not timed: %s.\n", suite->windows_skipped,
               bench_interrupted() ? "interrupted" : "the time of --budget was used up");
    if (wrong) printf("\n%sWrong bits: %d (marked \"wrong\" above)%s\n", style(fd, RED), wrong, plain(fd));
}

/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn-ab-time: times kernels of whatever libfastcnn.so it is started with, for fastcnn-compare, which starts it
 * once for each side and round. Only the public interface, whose structs carry their sizes: one program times libraries
 * of several versions. Lines in, lines out:
 *
 *     --cases          "machine ...", "library PATH", then for each kernel "case KERNEL ITERATIONS FLOP PROBLEM" (FLOP
 *                      of one execution), "uncovered KERNEL WHY" or "absent KERNEL WHY" (this CPU)
 *     --plan=FILE      FILE has "KERNEL ITERATIONS FLOP PROBLEM" lines. "library PATH", then for each line "row INDEX
 *                      LEAST LOWER PEAK" (seconds of one execution: the least sample, the lower quartile; the FMA rate
 *                      beside) or "failed INDEX WHY", last "core SHARE": CPU time over time
 * Exit status: 0, 64 usage, 65 a plan that cannot be read, 71 no memory. */
#include <fnmatch.h>
#include <getopt.h>
#include <link.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "bench/gate/cases.h"
#include "bench/gate/subject.h"
#include "bench/statistics.h"

enum { MOST_WORDS = 32, MOST_SAMPLES = 99, MOST_ROWS = 2000 };

struct words {
    int count;
    const char *values[MOST_WORDS];
};

struct options {
    int cases, with_naive, samples, threads, cpu;
    const char *plan;
    struct words filters, omitted;
    double seconds;             /* of a sample */
    char planted[128];          /* pattern of kernels that are made slower */
    double slower;              /* by this part */
};

static int matches(const struct words *words, const char *name)
{
    for (int i = 0; i < words->count; i++)
        if (!fnmatch(words->values[i], name, 0)) return 1;
    return 0;
}

static double slower(const struct options *o, const char *kernel)
{
    return *o->planted && !fnmatch(o->planted, kernel, 0) ? o->slower : 0;
}

/* ---- who we are ---- */

static int print_library(struct dl_phdr_info *info, size_t size, void *nothing)
{
    (void)size, (void)nothing;
    if (strstr(info->dlpi_name, "/libfastcnn.so")) printf("library %s\n", info->dlpi_name);
    return 0;
}

/* What makes two machines alike to a benchmark: the family of the CPU, instruction sets, caches. Neither model nor
 * stepping, which split one machine type into several. */
static void print_machine(void)
{
    fcnn_machine machine;
    char line[256], vendor[64] = "unknown", family[64] = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "vendor_id : %63s", vendor);
        sscanf(line, "CPU implementer : %63s", vendor);
        sscanf(line, "cpu family : %63s", family);
        sscanf(line, "CPU part : %63s", family);
    }
    if (file) fclose(file);
    fcnn_machine_describe(&machine);
    printf("cpu %s\nmachine %s-%s", machine.cpu, vendor, family);
    for (int isa = 0; isa < 32; isa++)
        if (machine.isas >> isa & 1) printf(" %s", fcnn_isa_name((fcnn_isa)isa));
    printf(" l1d=%ld l2=%ld l3=%ld\n", machine.l1d, machine.l2, machine.l3);
}

/* ---- cases ---- */

static fcnn_status print_case(const struct options *o, const char *kernel, const fcnn_problem *problem)
{
    struct gate_subject subject;
    char text[192];
    fcnn_status status = gate_subject_make(&subject, kernel, problem, o->threads);
    double once = INFINITY;
    for (int i = 0; !status && i < 5; i++) once = fmin(once, gate_subject_time(&subject, i ? 3 : 1, 0) / (i ? 3 : 1));
    gate_subject_free(&subject);
    if (status) return status;
    fcnn_problem_format(problem, text, sizeof text);
    printf("case %s %.0f %.0f %s\n", kernel, fmax(1, ceil(o->seconds / once)), fcnn_problem_flops(problem), text);
    return FCNN_OK;
}

/* The reference on the same problem, for ratios. */
static fcnn_status print_naive(const struct options *o, const fcnn_problem *problem)
{
    const fcnn_options options = {.threads = 1, .isa = "scalar", .kernel = "*_naive"};
    fcnn_plan *plan;
    fcnn_status status = fcnn_plan_create(&plan, problem, &options);
    if (!status) status = print_case(o, fcnn_plan_kernel(plan), problem);
    fcnn_plan_destroy(plan);
    return status;
}

static int print_cases(const struct options *o)
{
    print_machine();
    dl_iterate_phdr(print_library, NULL);
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        const fcnn_kernel_info info = fcnn_kernel_describe(i);
        fcnn_problem problem;
        fcnn_status status = FCNN_OK;
        if (o->filters.count && !matches(&o->filters, info.name)) continue;
        if (o->with_naive && !fnmatch("*_naive", info.name, 0)) continue; /* measured with each of the others */
        if (info.missing) printf("absent %s %s\n", info.name, info.missing);
        else if (matches(&o->omitted, info.name) || !gate_case_find(i, &problem))
            printf("uncovered %s no case of the gate runs it\n", info.name);
        else status = print_case(o, info.name, &problem);
        if (!status && o->with_naive && !info.missing) status = print_naive(o, &problem);
        if (status) printf("uncovered %s %s\n", info.name, fcnn_last_error());
    }
    return EXIT_SUCCESS;
}

/* ---- times ---- */

struct row {
    char kernel[64];
    long iterations;
    int failed;
    struct gate_subject subject;
    double times[MOST_SAMPLES], peaks[MOST_SAMPLES];
};

static fcnn_status make_row(struct row *row, const char *text, int threads)
{
    fcnn_problem problem;
    const fcnn_status status = fcnn_problem_parse(&problem, text);
    return status ? status : gate_subject_make(&row->subject, row->kernel, &problem, threads);
}

/* 1, or 0: a line is not what it should be. */
static int read_plan(FILE *file, struct row *rows, int *count, int threads)
{
    char line[512];
    for (; fgets(line, sizeof line, file); ++*count) {
        struct row *row = &rows[*count];
        int at = 0;
        if (*count == MOST_ROWS || sscanf(line, "%63s %ld %*s %n", row->kernel, &row->iterations, &at) < 2 || !at ||
            row->iterations < 1)
            return 0;
        line[strcspn(line, "\n")] = 0;
        row->failed = make_row(row, line + at, threads) != FCNN_OK;
        if (row->failed) printf("failed %d %s\n", *count, fcnn_last_error());
    }
    return 1;
}

static void take_sample(const struct options *o, struct row *row, int sample)
{
    row->peaks[sample] = fcnn_measure_peak(row->subject.isa, 0.0002);
    row->times[sample] = gate_subject_time(&row->subject, row->iterations, slower(o, row->kernel)) /
                         (double)row->iterations;
}

/* The rows take turns, so that a slow moment meets a sample of many rows and not all samples of one. */
static void time_rows(const struct options *o, struct row *rows, int count)
{
    struct timespec wall, cpu, wall_end, cpu_end;
    clock_gettime(CLOCK_MONOTONIC, &wall);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    for (int sample = 0; sample < o->samples; sample++)
        for (int i = 0; i < count; i++)
            if (!rows[i].failed) take_sample(o, &rows[i], sample);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_end);
    clock_gettime(CLOCK_MONOTONIC, &wall_end);
    for (int i = 0; i < count; i++) {
        if (rows[i].failed) continue;
        const struct bench_summary time = bench_summarize(rows[i].times, o->samples); /* sorts */
        printf("row %d %.9g %.9g %.9g\n", i, rows[i].times[0], time.lower,
               bench_summarize(rows[i].peaks, o->samples).median);
    }
    const double ran = (double)(cpu_end.tv_sec - cpu.tv_sec) + 1e-9 * (double)(cpu_end.tv_nsec - cpu.tv_nsec);
    const double passed = (double)(wall_end.tv_sec - wall.tv_sec) + 1e-9 * (double)(wall_end.tv_nsec - wall.tv_nsec);
    printf("core %.4f\n", ran / passed);
}

static int run_plan(const struct options *o)
{
    struct row *rows = calloc(MOST_ROWS, sizeof *rows);
    FILE *file = fopen(o->plan, "r");
    int count = 0;
    if (!rows) return fputs("fastcnn-ab-time: no memory\n", stderr), EX_OSERR;
    dl_iterate_phdr(print_library, NULL);
    const int good = file && read_plan(file, rows, &count, o->threads);
    if (good) time_rows(o, rows, count);
    else fprintf(stderr, "fastcnn-ab-time: %s: cannot be read as a plan (line %d)\n", o->plan, count + 1);
    if (file) fclose(file);
    for (int i = 0; i < count; i++) gate_subject_free(&rows[i].subject);
    free(rows);
    return good ? EXIT_SUCCESS : EX_DATAERR;
}

/* ---- options ---- */

static int usage(const char *what)
{
    fprintf(stderr, "fastcnn-ab-time: %s\nIt is fastcnn-compare's; its head comment has the options.\n", what);
    return EX_USAGE;
}

static void add(struct words *words, const char *value)
{
    if (words->count < MOST_WORDS) words->values[words->count++] = value;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"cases", no_argument, NULL, 'c'},        {"with-naive", no_argument, NULL, 'n'},
        {"plan", required_argument, NULL, 'p'},   {"filter", required_argument, NULL, 'f'},
        {"omit", required_argument, NULL, 'o'},   {"samples", required_argument, NULL, 's'},
        {"seconds", required_argument, NULL, 't'}, {"threads", required_argument, NULL, 'j'},
        {"cpu", required_argument, NULL, 'u'},    {"plant", required_argument, NULL, 'x'},
        {NULL, 0, NULL, 0}};
    for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (id) {
        case 'c': o->cases = 1; break;
        case 'n': o->with_naive = 1; break;
        case 'p': o->plan = optarg; break;
        case 'f': add(&o->filters, optarg); break;
        case 'o': add(&o->omitted, optarg); break;
        case 's': o->samples = atoi(optarg); break;
        case 't': o->seconds = atof(optarg); break;
        case 'j': o->threads = atoi(optarg); break;
        case 'u': o->cpu = atoi(optarg); break;
        case 'x':
            if (sscanf(optarg, "%127[^:]:%lf", o->planted, &o->slower) != 2) return 0;
            o->slower /= 100;
            break;
        default: return 0;
        }
    return optind == argc && o->cases != !!o->plan && o->samples > 0 && o->samples <= MOST_SAMPLES &&
           o->seconds > 0 && o->threads > 0 && o->threads <= FCNN_MAX_THREADS;
}

int main(int argc, char **argv)
{
    struct options o = {.samples = 9, .threads = 1, .cpu = -1, .seconds = 5e-3};
    if (!read_options(&o, argc, argv)) return usage("an option cannot be understood");
    if (o.cpu >= 0 && o.threads == 1) pin(o.cpu);
    const int status = o.cases ? print_cases(&o) : run_plan(&o);
    return fflush(stdout) ? EX_IOERR : status;
}

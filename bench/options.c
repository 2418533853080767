/* SPDX-License-Identifier: BSD-2-Clause
 * The command line of fastcnn-bench: its own options; what begins with --benchmark_ is Google Benchmark's. */
#include "bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "bench/results.h"

static const char help[] =
    "Usage: fastcnn-bench [OPTION]...\n"
    "Time every kernel on the layers of well-known networks, after checking its bits against the reference.\n\n"
    "  --layers=LIST      mnist, vgg16, resnet50, resnet18, mobilenet, varied, tails (comma separated) or all, or\n"
    "                     a file of convolutions in benchdnn's syntax; vector kernels only; with --problem both\n"
    "                     (default: a selection with scalar kernels, about 3 minutes)\n"
    "  --quick            the MNIST model's layers only, shorter windows, about 30 seconds\n"
    "  --filter=GLOB      only what matches: a layer, a kernel, or layer/kernel (\"*_direct_*\", \"mnist.conv2/*\");\n"
    "                     repeated: what matches any of them\n"
    "  --problem=TEXT     time this problem in place of the layers (may be repeated), for example\n"
    "                     \"conv2d+relu forward mb64ic32ih13oc64kh3\"\n"
    "  --batch=LIST       these layers and problems with so many images, for example 1,8,64 (default: as listed)\n"
    "  --model            time the whole MNIST model: one image, and prediction of 10000; nothing else\n"
    "  --peers[=LIST]     compare convolutions with onednn, openblas (im2col + sgemm), xnnpack (comma separated,\n"
    "                     default: all that are there), or fail where that is impossible\n"
    "  --no-peers         do not compare (default: with those that were there when this program was configured)\n"
    "  --conversions      time peers also with conversions from our layouts into theirs and back\n"
    "  --choice           of our kernels only those that dispatch takes\n"
    "  --estimate         compare what dispatch takes without measurement with the best that tuning finds; the budget\n"
    "                     is shared out among the problems\n"
    "  --orders           time nothing: the order in which kernels and peers really add up one output, with one\n"
    "                     and with N threads (default 2), on small problems, unless --problem has others\n"
    "  --threads=N        run every kernel with N threads (default 1)\n"
    "  --scaling          compare N threads (default 2) with one: what dispatch takes, and peers\n"
    "  --tables[=FILE]    a table for each problem, before the summary or in a file (where there are at most 3\n"
    "                     problems, tables are printed in place of the summary)\n"
    "  --json=FILE        write every window there, as Google Benchmark's JSON; with --estimate, --orders and\n"
    "                     --model their table\n"
    "  --csv=FILE         write a line for each kernel there\n"
    "  --output=FORMAT:FILE  the same for other formats: json, csv, tables; github (github-action-benchmark's\n"
    "                     customSmallerIsBetter), bencher (Bencher Metric Format); may be repeated\n"
    "  --report=FILE FROM...\n"
    "                     time nothing: write a page of HTML about results that --json kept (several: side by side),\n"
    "                     their --model and --orders, and about what hyperfine, fastcnn train --json\n"
    "                     and compare_pytorch.sh --predict --json wrote\n"
    "  --budget=SECONDS   start no new window after this time (default 150, 600 with --layers)\n"
    "  --list             list layers, problems and kernels, time nothing\n"
    "  --help, --version\n"
    "  --benchmark_...    Google Benchmark's own options, for example --benchmark_filter=REGEX,\n"
    "                     --benchmark_repetitions=N, --benchmark_min_time=SECONDS, --benchmark_format=json\n\n"
    "A budget that might be used up goes to what dispatch takes and to peers first, to scalar code last.\n\n"
    "Exit status: 0, 1 if a kernel computes wrong bits, fails or adds up in another order than it must, 64 usage\n"
    "(also if nothing matches), 65 and 66 a file cannot be understood or read, 71 no memory, 73 the output file\n"
    "cannot be made, 74 it or the standard output cannot be written, 128 + N after signal N.\n";

/* Google Benchmark's options, which are left in argv. */
static int is_library_option(const char *argument)
{
    return !strncmp(argument, "--benchmark_", 12) || !strncmp(argument, "--v=", 4);
}

enum option_id {
    OPTION_HELP = 1000, OPTION_VERSION, OPTION_QUICK, OPTION_LIST, OPTION_CHOICE, OPTION_SCALING, OPTION_PEERS,
    OPTION_NO_PEERS, OPTION_LAYERS, OPTION_FILTER, OPTION_PROBLEM, OPTION_JSON, OPTION_THREADS, OPTION_BUDGET,
    OPTION_ESTIMATE, OPTION_CSV, OPTION_TABLES, OPTION_OUTPUT, OPTION_CONVERSIONS,
    OPTION_REPORT, OPTION_ORDERS, OPTION_BATCH, OPTION_MODEL
};

static const struct option known[] = {
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"list", no_argument, NULL, OPTION_LIST},
    {"choice", no_argument, NULL, OPTION_CHOICE},
    {"estimate", no_argument, NULL, OPTION_ESTIMATE},
    {"scaling", no_argument, NULL, OPTION_SCALING},
    {"peers", optional_argument, NULL, OPTION_PEERS},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"model", no_argument, NULL, OPTION_MODEL},
    {"conversions", no_argument, NULL, OPTION_CONVERSIONS},
    {"no-peers", no_argument, NULL, OPTION_NO_PEERS},
    {"layers", required_argument, NULL, OPTION_LAYERS},
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"problem", required_argument, NULL, OPTION_PROBLEM},
    {"json", required_argument, NULL, OPTION_JSON},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"tables", optional_argument, NULL, OPTION_TABLES},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"orders", no_argument, NULL, OPTION_ORDERS},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"budget", required_argument, NULL, OPTION_BUDGET},
    {"report", required_argument, NULL, OPTION_REPORT},
    {NULL, 0, NULL, 0},
};

static int usage(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "fastcnn-bench: %s%s%s: %s\nTry 'fastcnn-bench --help'.\n", option, value ? "=" : "",
            value ? value : "", expected);
    return EX_USAGE;
}

static int is_number(const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= least && *value <= most;
}

static int add_word(struct bench_words *words, const char *option, const char *value)
{
    if (words->count == BENCH_MAX_WORDS) return usage(option, value, "more than 32 of these");
    words->values[words->count++] = value;
    return 0;
}

/* 0, or the status to exit with. */
static int read_threads(struct bench_options *o, const char *value)
{
    double number;
    if (!is_number(value, 1, 1024, &number) || number != (int)number)
        return usage("--threads", value, "expected a number of threads from 1 to 1024");
    o->threads = (int)number;
    return 0;
}

static int has_batch(const struct bench_options *o, int images)
{
    for (int i = 0; i < o->batch_count; i++)
        if (o->batches[i] == images) return 1;
    return 0;
}

/* One that is named twice counts once: layers are told apart by it. */
static int read_batches(struct bench_options *o, const char *value)
{
    enum { MOST = 1 << 20 };
    const char *at = value;
    o->batch_count = 0;
    do {
        char *end;
        const long images = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || images < 1 || images > MOST || o->batch_count == BENCH_MAX_BATCHES)
            return usage("--batch", value, "expected up to 8 numbers of images, comma separated");
        if (!has_batch(o, (int)images)) o->batches[o->batch_count++] = (int)images;
        at = end;
    } while (*at++);
    return 0;
}

static int add_export(struct bench_options *o, const char *option, enum bench_format format, const char *path)
{
    struct bench_exports *exports = &o->exports;
    if (!*path) return usage(option, path, "expected a file");
    if (exports->count == BENCH_MOST_EXPORTS) return usage(option, path, "more than 16 files");
    exports->files[exports->count++] = (struct bench_export){format, path};
    return 0;
}

static int read_output(struct bench_options *o, const char *value)
{
    const size_t length = strcspn(value, ":");
    const enum bench_format format = bench_format_named(value, length);
    if (format == BENCH_FORMATS || value[length] != ':')
        return usage("--output", value, "expected FORMAT:FILE, the format " BENCH_FORMAT_NAMES);
    return add_export(o, "--output", format, value + length + 1);
}

static int read_report(struct bench_options *o, const char *value)
{
    if (!*value) return usage("--report", value, "expected a file");
    o->report = value;
    return 0;
}

static int is_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The words that are no options: files, which --report reads. */
static int read_files(struct bench_options *o, char **words)
{
    int status = 0;
    if (!o->report) return *words ? usage(*words, NULL, "expected an option") : 0;
    if (!*words) return usage("--report", o->report, "expected files to read behind it");
    for (; *words && !status; words++) {
        if (is_same_file(o->report, *words)) return usage("--report", o->report, "expected another file than it reads");
        status = add_word(&o->from, "--report", *words);
    }
    return status;
}

/* One option that getopt_long() found. 0, or the status to exit with. */
static int take(struct bench_options *o, int id, const char *value)
{
    switch (id) {
    case OPTION_QUICK: return o->quick = 1, 0;
    case OPTION_LIST: return o->list = 1, 0;
    case OPTION_CHOICE: return o->choice = 1, 0;
    case OPTION_ESTIMATE: return o->estimate = 1, 0;
    case OPTION_ORDERS: return o->orders = 1, 0;
    case OPTION_SCALING: return o->scaling = o->choice = 1, 0;
    case OPTION_PEERS: return o->peers = PEERS_NEEDED, o->peer_names = value, 0;
    case OPTION_BATCH: return read_batches(o, value);
    case OPTION_MODEL: return o->model = 1, 0;
    case OPTION_CONVERSIONS: return o->conversions = 1, 0;
    case OPTION_NO_PEERS: return o->peers = PEERS_OFF, 0;
    case OPTION_LAYERS: return add_word(&o->layers, "--layers", value);
    case OPTION_FILTER: return add_word(&o->filters, "--filter", value);
    case OPTION_PROBLEM: return add_word(&o->problems, "--problem", value);
    case OPTION_JSON: return add_export(o, "--json", BENCH_JSON, value);
    case OPTION_CSV: return add_export(o, "--csv", BENCH_CSV, value);
    case OPTION_TABLES: return value ? add_export(o, "--tables", BENCH_TABLES, value) : (o->tables = 1, 0);
    case OPTION_OUTPUT: return read_output(o, value);
    case OPTION_REPORT: return read_report(o, value);
    case OPTION_THREADS: return read_threads(o, value);
    case OPTION_BUDGET:
        if (is_number(value, 1e-9, 1e9, &o->budget)) return 0;
        return usage("--budget", value, "expected a number of seconds above 0");
    default: return fputs("Try 'fastcnn-bench --help'.\n", stderr), EX_USAGE; /* getopt_long() said why */
    }
}

/* The text after "name=", or NULL if `argument` is another option. */
static const char *value_of(const char *argument, const char *name)
{
    const size_t length = strlen(name);
    return !strncmp(argument, name, length) && argument[length] == '=' ? argument + length + 1 : NULL;
}

/* An option of Google Benchmark that means something here as well. 1: it has been dealt with, 0: the library is to read
 * it, else the status to exit with. */
static int take_library_option(struct bench_options *o, const char *argument)
{
    double number;
    const char *value = value_of(argument, "--benchmark_out");
    if (value) return add_export(o, "--benchmark_out", BENCH_JSON, value) ? EX_USAGE : 1;
    if ((value = value_of(argument, "--benchmark_out_format"))) {
        if (!strcmp(value, "json")) return 1;
        return usage("--benchmark_out_format", value, "expected json");
    }
    value = value_of(argument, "--benchmark_format");
    if (value && !strcmp(value, "json")) return o->print_json = 1;
    if (value || !strncmp(argument, "--benchmark_list_tests", 22)) o->library_output = 1;
    value = value_of(argument, "--benchmark_repetitions");
    if (value) {
        if (!is_number(value, 1, 1e6, &number) || number != (int)number)
            return usage("--benchmark_repetitions", value, "expected a number from 1 to 1000000");
        o->repetitions = (int)number;
        o->repetitions_given = 1;
    }
    return 0;
}

/* Moves the library's options to argv[kept...]; returns the status to exit with, or 0. */
static int split(struct bench_options *o, int argc, char **argv, char **ours, int *our_count, int *kept)
{
    *kept = *our_count = 1;
    ours[0] = argv[0];
    for (int i = 1; i < argc; i++) {
        if (!is_library_option(argv[i])) {
            ours[(*our_count)++] = argv[i];
            continue;
        }
        const int taken = take_library_option(o, argv[i]);
        if (taken > 1) return taken;
        if (!taken) argv[(*kept)++] = argv[i];
    }
    ours[*our_count] = argv[*kept] = NULL;
    return 0;
}

static void print_version(void)
{
    printf("fastcnn-bench (%s)\nLicence: BSD-2-Clause\nInstruction sets:", fcnn_version_details());
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    for (int isa = 0; isa < BENCH_ISAS; isa++)
        if (machine.isas >> isa & 1) printf(" %s", fcnn_isa_name((fcnn_isa)isa));
    putchar('\n');
}

static int read_ours(struct bench_options *o, int argc, char **argv)
{
    int id;
    optind = 1;
    while ((id = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (id == OPTION_HELP) return fputs(help, stdout), EXIT_SUCCESS;
        if (id == OPTION_VERSION) return print_version(), EXIT_SUCCESS;
        const int status = take(o, id, optarg);
        if (status) return status;
    }
    const char *alone = o->estimate ? "--estimate" : o->orders ? "--orders" : o->model ? "--model" : NULL;
    for (int i = 0; alone && i < o->exports.count; i++)
        if (o->exports.files[i].format != BENCH_JSON || i)
            return usage(alone, NULL, i ? "writes one file" : "writes JSON alone (--json)");
    const int status = read_files(o, argv + optind);
    if (status) return status;
    if (o->scaling && o->threads == 1) return usage("--scaling", NULL, "compares --threads=N, 2 or more, with one");
    return -1;
}

int bench_options_read(struct bench_options *o, int *argc, char **argv)
{
    int count, status;
    *o = (struct bench_options){.peers = PEERS_WELCOME};
    char **ours = calloc((size_t)*argc + 1, sizeof *ours);
    if (!ours) return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
    status = split(o, *argc, argv, ours, &count, argc);
    if (!status) status = read_ours(o, count, ours);
    free(ours);
    if (status >= 0) return status;
    if (!o->threads) o->threads = o->scaling || o->orders ? 2 : 1;
    if (!o->repetitions) o->repetitions = o->quick ? 5 : 9;
    if (o->budget == 0) o->budget = o->quick ? 30 : o->layers.count ? 600 : 150;
    o->window = o->quick ? 0.003 : 0.008;
    return -1;
}

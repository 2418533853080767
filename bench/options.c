/* SPDX-License-Identifier: BSD-2-Clause
 * The command line of fastcnn-bench: its own options; what begins with --benchmark_ is Google Benchmark's. */
#include "bench/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "kernels/kernel.h"
#include "lib/fastcnn.h"

static const char help[] =
    "Usage: fastcnn-bench [OPTION]...\n"
    "Time every kernel on the layers of well-known networks, after checking its bits against the reference.\n\n"
    "  --layers=LIST      mnist, vgg16, resnet50, mobilenet, tails (comma separated) or all, vector kernels only\n"
    "                     (default: a selection with scalar kernels, about 3 minutes)\n"
    "  --quick            the MNIST model's layers only, shorter windows, about 30 seconds\n"
    "  --filter=GLOB      only what matches: a layer, a kernel, or layer/kernel (\"*_direct_*\", \"mnist.conv2/*\")\n"
    "  --problem=TEXT     time this problem in place of the layers (may be repeated), for example\n"
    "                     \"conv2d+relu forward mb64ic32ih13oc64kh3\"\n"
    "  --peers            compare convolutions with oneDNN, or fail where that is impossible\n"
    "  --no-peers         do not compare (default: compare if it was there when this program was configured)\n"
    "  --choice           of our kernels only those that dispatch takes\n"
    "  --threads=N        run every kernel with N threads (default 1)\n"
    "  --scaling          compare N threads (default 2) with one: what dispatch takes, and peers\n"
    "  --json=FILE        write Google Benchmark's JSON there (default bench/out/kernels.json)\n"
    "  --budget=SECONDS   start no new window after this time (default 150, 600 with --layers)\n"
    "  --list             list layers, problems and kernels, time nothing\n"
    "  --help, --version\n"
    "  --benchmark_...    Google Benchmark's own options, for example --benchmark_filter=REGEX,\n"
    "                     --benchmark_repetitions=N, --benchmark_min_time=SECONDS, --benchmark_format=json\n\n"
    "Exit status: 0, 1 if a kernel computes wrong bits, 64 usage (also if nothing matches), 73 no output file,\n"
    "130 interrupted.\n";

static int usage(const char *argument, const char *expected)
{
    fprintf(stderr, "fastcnn-bench: %s: %s\nTry 'fastcnn-bench --help'.\n", argument, expected);
    return EX_USAGE;
}

/* The text after "name=", or NULL if `argument` is another option. */
static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return !strncmp(argument, name, length) && argument[length] == '=' ? argument + length + 1 : NULL;
}

static int is_number(const char *text, double least, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= least && *value <= 1e9;
}

/* Reads one argument. 1: taken, 0: not ours, else an exit status (64). */
static int read_one(struct bench_options *o, const char *argument)
{
    const char *value;
    double number;
    if (!strcmp(argument, "--quick")) return o->quick = 1;
    if (!strcmp(argument, "--list")) return o->list = 1;
    if (!strcmp(argument, "--choice")) return o->choice = 1;
    if (!strcmp(argument, "--scaling")) return o->scaling = o->choice = 1;
    if (!strcmp(argument, "--peers")) return o->peers = PEERS_NEEDED, 1;
    if (!strcmp(argument, "--no-peers")) return o->peers = PEERS_OFF, 1;
    if ((value = value_of(argument, "--layers"))) return o->layers = value, 1;
    if ((value = value_of(argument, "--filter"))) return o->filter = value, 1;
    if ((value = value_of(argument, "--json")) || (value = value_of(argument, "--benchmark_out"))) {
        if (!*value) return usage(argument, "expected a file");
        return o->json = value, 1;
    }
    if ((value = value_of(argument, "--threads"))) {
        if (!is_number(value, 1, &number) || number > 1024 || number != (int)number)
            return usage(argument, "expected a number of threads from 1 to 1024");
        return o->threads = (int)number, 1;
    }
    if ((value = value_of(argument, "--budget"))) {
        if (!is_number(value, 0, &o->budget)) return usage(argument, "expected a number of seconds");
        return 1;
    }
    if ((value = value_of(argument, "--problem"))) {
        if (o->problem_count == BENCH_MAX_PROBLEMS) return usage(argument, "too many problems");
        return o->problems[o->problem_count++] = value, 1;
    }
    if (value_of(argument, "--benchmark_format")) o->library_output = 1;
    if (!strncmp(argument, "--benchmark_list_tests", 22)) o->library_output = 1;
    if ((value = value_of(argument, "--benchmark_repetitions")) && is_number(value, 1, &number)) {
        o->repetitions = (int)number;
        o->repetitions_given = 1;
    }
    return 0;
}

static void print_version(void)
{
    printf("fastcnn-bench (%s)\nLicence: BSD-2-Clause\nInstruction sets:", fcnn_version_details());
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    for (int isa = 0; isa < FCNN_ISAS; isa++)
        if (machine.isas >> isa & 1) printf(" %s", fcnn_isa_name((fcnn_isa)isa));
    putchar('\n');
}

int bench_options_read(struct bench_options *o, int *argc, char **argv)
{
    int kept = 1;
    *o = (struct bench_options){.peers = PEERS_WELCOME, .json = "bench/out/kernels.json"};
    for (int i = 1; i < *argc; i++) {
        if (!strcmp(argv[i], "--help")) return fputs(help, stdout), EXIT_SUCCESS;
        if (!strcmp(argv[i], "--version")) return print_version(), EXIT_SUCCESS;
        int taken = read_one(o, argv[i]);
        if (taken == EX_USAGE) return EX_USAGE;
        if (!taken) argv[kept++] = argv[i];
    }
    argv[*argc = kept] = NULL;
    if (o->scaling && o->threads == 1) return usage("--scaling", "compares --threads=N, 2 or more, with one");
    if (!o->threads) o->threads = o->scaling ? 2 : 1;
    if (!o->repetitions) o->repetitions = o->quick ? 5 : 9;
    if (o->budget == 0) o->budget = o->quick ? 30 : o->layers ? 600 : 150;
    o->window = o->quick ? 0.003 : 0.008;
    return -1;
}

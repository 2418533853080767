/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/settings.h"

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/gate/interval.h"

static const char help[] =
    "Usage: fastcnn-compare [OPTION]... BASE HEAD\n"
    "       fastcnn-compare [OPTION]... --floors=FILE | --write-floors=FILE HEAD\n"
    "Time each kernel of two builds in turns, and say whether HEAD is slower. BASE and HEAD are folders that hold\n"
    "libfastcnn.so; bench/compare makes them from git revisions. With a file of floors: HEAD's kernels against the\n"
    "reference loops and the FMA peak.\n\n"
    "  --filter=GLOB     only kernels that match (\"*_avx2\"); repeated: what matches any of them\n"
    "  --rounds=N        of base, head and base again (default 11, with floors 5; an odd number)\n"
    "  --sample=MS       length of a sample (default 3); --samples=N: of each kernel in each process (default 9)\n"
    "  --threads=N       (default 1)\n"
    "  --effect=PERCENT  the least change that matters (default 5)\n"
    "  --markdown=FILE, --junit=FILE, --json=FILE   write the result there, too\n"
    "  --tries=N         times that a noisy machine is measured before it is given up (default 3)\n"
    "  --despite-noise   decide whatever the machine is like\n"
    "  --seed=N          of the order of processes (default 1)\n"
    "  --cpu=N           run one thread there (default: the last core this process may use)\n"
    "  --timeout=SECONDS of one process (default 300)\n"
    "  --base-name=TEXT, --head-name=TEXT, --repeat=COMMAND, --timer=PROGRAM   as bench/compare sets them\n"
    "  --plant=GLOB:PERCENT, --omit=GLOB   for trials: make kernels of HEAD slower; leave out their case\n\n"
    "Exit status: 0 no kernel and not their mean is slower, 1 something is (found twice), 77 the machine was too\n"
    "noisy or the difference too unclear to say, 64 usage (also if no kernel matches), 70 a timing process failed,\n"
    "73 and 74 a file could not be written, 128 + N after signal N.\n";

static int usage(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "fastcnn-compare: %s=%s: expected %s\nTry 'fastcnn-compare --help'.\n", option, value, expected);
    return EX_USAGE;
}

static int is_number(const char *text, double least, double most, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && *value >= least && *value <= most;
}

static int take_count(const char *option, const char *value, int most, int *count)
{
    double number;
    if (!is_number(value, 1, most, &number) || number != (int)number) {
        char expected[64];
        snprintf(expected, sizeof expected, "a whole number from 1 to %d", most);
        return usage(option, value, expected);
    }
    *count = (int)number;
    return 0;
}

static int last_core(void)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores)) return -1;
    for (int i = CPU_SETSIZE; i-- > 0;)
        if (CPU_ISSET((unsigned)i, &cores)) return i;
    return -1;
}

enum option_id {
    HELP = 1000, FILTER, ROUNDS, SAMPLE, SAMPLES, THREADS, EFFECT, MARKDOWN, JUNIT, JSON, TRIES, NOISE, SEED, CPU,
    TIMEOUT, BASE_NAME, HEAD_NAME, REPEAT, TIMER, PLANT, OMIT, FLOORS, WRITE_FLOORS
};

static const struct option known[] = {
    {"help", no_argument, NULL, HELP},               {"filter", required_argument, NULL, FILTER},
    {"tries", required_argument, NULL, TRIES},
    {"rounds", required_argument, NULL, ROUNDS},     {"sample", required_argument, NULL, SAMPLE},
    {"samples", required_argument, NULL, SAMPLES},   {"threads", required_argument, NULL, THREADS},
    {"effect", required_argument, NULL, EFFECT},     {"markdown", required_argument, NULL, MARKDOWN},
    {"junit", required_argument, NULL, JUNIT},       {"json", required_argument, NULL, JSON},
    {"despite-noise", no_argument, NULL, NOISE},     {"seed", required_argument, NULL, SEED},
    {"cpu", required_argument, NULL, CPU},           {"timeout", required_argument, NULL, TIMEOUT},
    {"base-name", required_argument, NULL, BASE_NAME}, {"head-name", required_argument, NULL, HEAD_NAME},
    {"repeat", required_argument, NULL, REPEAT},     {"timer", required_argument, NULL, TIMER},
    {"plant", required_argument, NULL, PLANT},       {"omit", required_argument, NULL, OMIT},
    {"floors", required_argument, NULL, FLOORS},     {"write-floors", required_argument, NULL, WRITE_FLOORS},
    {NULL, 0, NULL, 0}};

static int take_number(struct gate_settings *s, int id, const char *value)
{
    double number;
    switch (id) {
    case EFFECT:
        if (!is_number(value, 0.1, 1000, &number)) return usage("--effect", value, "percent from 0.1 to 1000");
        return s->effect = number / 100, 0;
    case SAMPLE:
        if (!is_number(value, 0.01, 1000, &number)) return usage("--sample", value, "milliseconds from 0.01 to 1000");
        return s->sample = number / 1000, 0;
    case TIMEOUT:
        if (!is_number(value, 1, 86400, &number)) return usage("--timeout", value, "seconds from 1 to 86400");
        return s->timeout = number, 0;
    case SEED:
        if (!is_number(value, 0, 1e15, &number)) return usage("--seed", value, "a number from 0 to 1e15");
        return s->seed = (uint64_t)number, 0;
    case CPU:
        if (!is_number(value, 0, CPU_SETSIZE - 1, &number)) return usage("--cpu", value, "the number of a core");
        return s->cpu = (int)number, 0;
    case ROUNDS: return take_count("--rounds", value, GATE_MOST_ROUNDS / 2 - 1, &s->rounds);
    case SAMPLES: return take_count("--samples", value, 99, &s->samples);
    case TRIES: return take_count("--tries", value, 99, &s->tries);
    default: return take_count("--threads", value, 1024, &s->threads);
    }
}

static int take(struct gate_settings *s, int id, const char *value)
{
    switch (id) {
    case FILTER:
        if (s->filter_count == GATE_MOST_WORDS) return usage("--filter", value, "at most 32 of these");
        return s->filters[s->filter_count++] = value, 0;
    case MARKDOWN: return s->markdown = value, 0;
    case JUNIT: return s->junit = value, 0;
    case JSON: return s->json = value, 0;
    case NOISE: return s->despite_noise = 1, 0;
    case BASE_NAME: return s->names[0] = value, 0;
    case HEAD_NAME: return s->names[1] = value, 0;
    case REPEAT: return s->repeat = value, 0;
    case TIMER: return s->timer = value, 0;
    case PLANT: return s->plant = value, 0;
    case OMIT: return s->omitted = value, 0;
    case FLOORS: return s->floors = value, 0;
    case WRITE_FLOORS: return s->write_floors = value, 0;
    case '?': return fputs("Try 'fastcnn-compare --help'.\n", stderr), EX_USAGE;
    default: return take_number(s, id, value);
    }
}

int gate_settings_read(struct gate_settings *s, int argc, char **argv)
{
    *s = (struct gate_settings){.timer = ".libs/fastcnn-ab-time", .samples = 9, .threads = 1, .cpu = -1, .tries = 3,
                                .effect = 0.05, .sample = 3e-3, .timeout = 300, .seed = 1};
    for (int id; (id = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (id == HELP) return fputs(help, stdout), EXIT_SUCCESS;
        const int status = take(s, id, optarg);
        if (status) return status;
    }
    const int alone = s->floors || s->write_floors;
    if (argc - optind != (alone ? 1 : 2))
        return fputs(alone ? "fastcnn-compare: expected one folder, HEAD\n"
                           : "fastcnn-compare: expected two folders, BASE and HEAD\n", stderr), EX_USAGE;
    s->libraries[0] = argv[optind];
    s->libraries[1] = argv[argc - 1];
    for (int i = 0; i < 2; i++)
        if (!s->names[i]) s->names[i] = s->libraries[i];
    if (!s->rounds) s->rounds = alone ? 5 : 11;
    if (!s->repeat) s->repeat = "";
    s->rounds |= 1; /* a median is one of the rounds */
    if (s->cpu < 0) s->cpu = last_core();
    return -1;
}

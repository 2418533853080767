/* SPDX-License-Identifier: BSD-2-Clause
 * Options that several subcommands have, and checked conversion of their values. */
#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

int cli_json;

enum { COLOR = 0x1000, JSON, ISA, KERNEL, MATH, THREADS };

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
    switch (key) {
    case COLOR:
        if (!cli_set_color(argument))
            argp_error(state, "--color: expected auto, always or never, found '%s'", argument);
        return 0;
    case JSON: cli_json = 1; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common_options[] = {
    {"json", JSON, NULL, 0, "Write the result as one JSON document", 90},
    {"color", COLOR, "WHEN", 0, "Colour: auto (on a terminal, unless NO_COLOR is set), always or never", 90},
    {0}};

const struct argp cli_common_argp = {.options = common_options, .parser = parse_common};

static error_t parse_kernels(int key, char *argument, struct argp_state *state)
{
    fcnn_options *options = state->input;
    switch (key) {
    case ISA: options->isa = argument; return 0;
    case KERNEL: options->kernel = argument; return 0;
    case MATH: options->math = argument; return 0;
    case THREADS: options->threads = (int)cli_integer(state, "--threads", argument, 1, 1024); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option kernels_options[] = {
    {"isa", ISA, "NAME", 0, "Use no instruction set beyond NAME: scalar, avx2, avx512 or neon (default: FASTCNN_ISA, "
     "else all the CPU has)", 80},
    {"kernel", KERNEL, "NAMES", 0, "Kernels to use, comma separated, each for its own operation; '*' matches anything "
     "(default: FASTCNN_KERNEL)", 80},
    {"math", MATH, "CLASSES", 0, "Numerics classes allowed, comma separated (default: FASTCNN_MATH, else exact)", 80},
    {"threads", THREADS, "N", 0, "Threads (default: FASTCNN_NUM_THREADS, else OMP_NUM_THREADS, else all cores)", 80},
    {0}};

const struct argp cli_kernels_argp = {.options = kernels_options, .parser = parse_kernels};

void cli_parse(const struct argp *argp, int argc, char **argv, void *input, const fcnn_options *kernels)
{
    argp_parse(argp, argc, argv, 0, NULL, input);
    fcnn_status status = fcnn_options_check(NULL);
    if (!status && kernels) status = fcnn_options_check(kernels);
    if (status) exit(cli_failed(status));
}

int64_t cli_integer(struct argp_state *state, const char *option, const char *text, int64_t low, int64_t high)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < low || value > high)
        argp_error(state, "%s: expected a whole number from %lld to %lld, found '%s'", option, (long long)low,
                   (long long)high, text);
    return value;
}

double cli_real(struct argp_state *state, const char *option, const char *text, double low, double high)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= low && value <= high))
        argp_error(state, "%s: expected a number from %g to %g, found '%s'", option, low, high, text);
    return value;
}

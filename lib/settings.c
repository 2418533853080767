/* SPDX-License-Identifier: BSD-2-Clause
 * Settings: what the caller's options leave open comes from the environment, then from the machine. A value that cannot
 * be understood is an error wherever it comes from: silently running something else would make every measurement a
 * lie. */
#include <ctype.h>
#include <fnmatch.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/internal.h"
#include "lib/sized.h"

static const char *const isa_names[FCNN_ISAS] = {"scalar", "avx2", "avx512", "neon"};
static const char *const class_names[FCNN_CLASSES] = {"exact", "winograd_f2", "winograd_f4", "bf16"};

const char *fcnn_isa_name(fcnn_isa isa) { return (unsigned)isa < FCNN_ISAS ? isa_names[isa] : "unknown"; }
const char *fcnn_class_name(fcnn_class numerics)
{
    return (unsigned)numerics < FCNN_CLASSES ? class_names[numerics] : "unknown";
}

/* The value of an option: the caller's, else the environment's (empty counts as unset); *origin for messages. */
static const char *lookup(const char *option, const char *option_name, const char *variable, const char **origin)
{
    *origin = option ? option_name : variable;
    if (!option) option = secure_getenv(variable);
    return option && *option ? option : NULL;
}

static fcnn_status read_isa(const char *option, fcnn_isa *isa)
{
    const char *origin, *text = lookup(option, "the option isa", "FASTCNN_ISA", &origin);
    *isa = FCNN_NEON;
    if (!text) return FCNN_OK;
    for (int i = 0; i < FCNN_ISAS; i++)
        if (!strcmp(text, isa_names[i])) {
            *isa = (fcnn_isa)i;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"; expected scalar, avx2, avx512 or neon", origin, text);
}

/* Calls `visit` with each comma-separated word of a list. */
static fcnn_status for_each_word(const char *list,
                                 fcnn_status (*visit)(const char *word, const char *origin, void *context),
                                 const char *origin, void *context)
{
    for (const char *at = list; at && *at;) {
        char word[96];
        size_t length = strcspn(at, ",");
        if (length >= sizeof word || !length)
            return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"; expected words between commas", origin, list);
        memcpy(word, at, length);
        word[length] = 0;
        fcnn_status status = visit(word, origin, context);
        if (status) return status;
        at += length + (at[length] == ',');
    }
    return FCNN_OK;
}

static fcnn_status add_class(const char *word, const char *origin, void *context)
{
    for (int i = 0; i < FCNN_CLASSES; i++)
        if (!strcmp(word, class_names[i])) {
            *(unsigned *)context |= 1u << i;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_SETTING, "%s names the numerics class \"%s\"; there are exact, winograd_f2, winograd_f4 "
                     "and bf16", origin, word);
}

static fcnn_status check_kernel_name(const char *word, const char *origin, void *context)
{
    (void)context;
    for (int i = 0; i < fcnn_kernel_names_count; i++)
        if (strchr(word, '*') ? !fnmatch(word, fcnn_kernel_names[i], 0) : !strcmp(word, fcnn_kernel_names[i]))
            return FCNN_OK;
    return fcnn_fail(FCNN_BAD_SETTING, "%s names \"%s\", but no kernel is called so (see `fastcnn list`)", origin,
                     word);
}

/* A number of threads in a variable; 0: the variable is unset or empty. OpenMP's may be a list, one number per level of
 * nesting: the first is ours. */
static fcnn_status read_count(const char *variable, int list, int *threads)
{
    const char *text = secure_getenv(variable);
    char *end;
    *threads = 0;
    if (!text || !*text) return FCNN_OK;
    const long value = strtol(text, &end, 10);
    if (list && (*end == ',' || isspace((unsigned char)*end))) end = strchr(end, 0);
    if (end == text || *end || value < 1 || value > FCNN_MAX_THREADS)
        return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"; expected a number from 1 to %d", variable, text,
                         FCNN_MAX_THREADS);
    *threads = (int)value;
    return FCNN_OK;
}

/* OpenMP's number may also have been set by the program, so the variable is only checked. */
static fcnn_status read_wanted_threads(int option, int *threads)
{
    int checked;
    if (option < 0 || option > FCNN_MAX_THREADS)
        return fcnn_fail(FCNN_BAD_SETTING, "the option threads is %d; expected 1 to %d, or 0 for the default", option,
                         FCNN_MAX_THREADS);
    *threads = option;
    if (option) return FCNN_OK;
    fcnn_status status = read_count("FASTCNN_NUM_THREADS", 0, threads);
    if (status || *threads) return status;
    status = read_count("OMP_NUM_THREADS", 1, &checked);
    *threads = omp_get_max_threads();
    return status;
}

static fcnn_status read_threads(int option, int *threads)
{
    const int limit = omp_get_thread_limit() < FCNN_MAX_THREADS ? omp_get_thread_limit() : FCNN_MAX_THREADS;
    const fcnn_status status = read_wanted_threads(option, threads);
    if (*threads > limit) *threads = limit;
    return status;
}

static fcnn_status set_verbose(const char *word, const char *origin, void *context)
{
    struct fcnn_settings *settings = context;
    if (!strcmp(word, "dispatch")) settings->verbose_dispatch = 1;
    else if (!strcmp(word, "exec")) settings->verbose_exec = 1;
    else return fcnn_fail(FCNN_BAD_SETTING, "%s names \"%s\"; expected dispatch, exec or both with a comma", origin,
                          word);
    return FCNN_OK;
}

fcnn_status fcnn_settings_read(struct fcnn_settings *settings, const fcnn_options *options)
{
    static const fcnn_options defaults = {0};
    const char *origin;
    if (!options) options = &defaults;
    *settings = (struct fcnn_settings){0};
    fcnn_status status = read_threads(options->threads, &settings->threads);
    if (!status) status = read_isa(options->isa, &settings->isa);
    const char *math = lookup(options->math, "the option math", "FASTCNN_MATH", &origin);
    if (!status) status = for_each_word(math ? math : "exact", add_class, origin, &settings->classes);
    settings->kernels = lookup(options->kernel, "the option kernel", "FASTCNN_KERNEL", &origin);
    if (!status) status = for_each_word(settings->kernels, check_kernel_name, origin, NULL);
    if (!status) status = for_each_word(secure_getenv("FASTCNN_VERBOSE"), set_verbose, "FASTCNN_VERBOSE", settings);
    return status;
}

fcnn_status fcnn_options_check_sized(const fcnn_options *options, size_t options_size)
{
    struct fcnn_settings settings;
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    return fcnn_settings_read(&settings, &wanted);
}

int fcnn_options_threads_sized(const fcnn_options *options, size_t options_size)
{
    struct fcnn_settings settings;
    fcnn_options known;
    if (!fcnn_sized_take(&known, sizeof known, options, options_size)) return 0;
    return fcnn_settings_read(&settings, &known) ? 0 : settings.threads;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Settings: what the caller's options leave open comes from the environment, then from the machine. A value that cannot
 * be understood is an error wherever it comes from: silently running something else would make every measurement a
 * lie. */
#include <ctype.h>
#include <fnmatch.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/choice.h"
#include "lib/environment.h"
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/sized.h"

/* The value of an option: the caller's, else the environment's (empty counts as unset); *origin for messages. */
static const char *lookup(const char *option, const char *option_name, const char *variable, const char **origin)
{
    *origin = option ? option_name : variable;
    if (!option) option = fcnn_getenv(variable);
    return option && *option ? option : NULL;
}

static int is_here(const struct fcnn_isa_row *isa)
{
    return isa->family == FCNN_EVERYWHERE || isa->family == fcnn_family_here;
}

/* The instruction sets of this machine's family, for messages: "scalar, avx2 or avx512". */
static void name_isas(char *text, size_t size)
{
    int left = 0;
    for (int i = 0; i < FCNN_ISAS; i++) left += is_here(&fcnn_isas[i]);
    *text = 0;
    for (int i = 0; i < FCNN_ISAS; i++) {
        if (!is_here(&fcnn_isas[i])) continue;
        const size_t length = strlen(text);
        snprintf(text + length, size - length, "%s%s", fcnn_isas[i].name, --left > 1 ? ", " : left ? " or " : "");
    }
}

/* The instruction set of that name, or NULL with *status. */
static const struct fcnn_isa_row *find_cap(const char *text, const char *origin, fcnn_status *status)
{
    const struct fcnn_isa_row *cap = NULL;
    char names[64];
    for (int i = 0; i < FCNN_ISAS; i++)
        if (!strcmp(text, fcnn_isas[i].name)) cap = &fcnn_isas[i];
    if (cap && is_here(cap)) return cap;
    name_isas(names, sizeof names);
    *status = fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"%s; expected %s", origin, text,
                        cap ? ", an instruction set of other CPUs" : "", names);
    return NULL;
}

/* Those that may be used: of this CPU, within the cap. */
static fcnn_status read_isa(const char *option, struct fcnn_settings *settings)
{
    const char *origin, *text = lookup(option, "the option isa", "FASTCNN_ISA", &origin);
    fcnn_status status = FCNN_OK;
    if (text) settings->cap = find_cap(text, origin, &status);
    settings->isas = fcnn_cpu_isas();
    settings->isa = FCNN_SCALAR;
    for (int i = 0; i < FCNN_ISAS; i++) {
        if (settings->cap && !fcnn_isa_is_within(&fcnn_isas[i], settings->cap)) settings->isas &= ~(1u << i);
        if (settings->isas >> i & 1 && fcnn_isas[i].rank > fcnn_isas[settings->isa].rank) settings->isa = (fcnn_isa)i;
    }
    return status;
}

/* The length of a list's first word: up to a comma that is not within braces. */
size_t fcnn_word_length(const char *list)
{
    size_t length = 0;
    for (int depth = 0; list[length] && (depth || list[length] != ','); length++)
        depth = list[length] == '{' ? 1 : list[length] == '}' ? 0 : depth;
    return length;
}

/* Calls `visit` with each comma-separated word of a list. */
static fcnn_status for_each_word(const char *list,
                                 fcnn_status (*visit)(const char *word, const char *origin, void *context),
                                 const char *origin, void *context)
{
    for (const char *at = list; at && *at;) {
        char word[FCNN_WORD];
        const size_t length = fcnn_word_length(at);
        if (length >= sizeof word || !length)
            return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"; expected words of 1 to %d characters between commas",
                             origin, list, FCNN_WORD - 1);
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
        if (!strcmp(word, fcnn_classes[i].name)) {
            *(unsigned *)context |= 1u << i;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_SETTING, "%s names the numerics class \"%s\"; there are exact, winograd_f2, winograd_f4 "
                     "and bf16", origin, word);
}

/* Of a pin; those of a kernel that was not built for this machine cannot be known. */
static fcnn_status check_knobs(const char *word, const char *name, const char *origin)
{
    struct fcnn_choice choice = {0};
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strcmp(name, fcnn_kernels[i].name)) choice.kernel = &fcnn_kernels[i];
    if (!choice.kernel || !fcnn_choice_read_knobs(&choice, word + strlen(name))) return FCNN_OK;
    char why[256];
    snprintf(why, sizeof why, "%s", fcnn_last_error());
    return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\": %s", origin, word, why);
}

static fcnn_status check_kernel_name(const char *word, const char *origin, void *context)
{
    char name[FCNN_WORD];
    (void)context;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "{"), word);
    if (strchr(word, '{') && strchr(name, '*'))
        return fcnn_fail(FCNN_BAD_SETTING, "%s names \"%s\"; knobs need the full name of a kernel", origin, word);
    for (int i = 0; i < fcnn_kernel_names_count; i++)
        if (strchr(name, '*') ? !fnmatch(name, fcnn_kernel_names[i], 0) : !strcmp(name, fcnn_kernel_names[i]))
            return check_knobs(word, name, origin);
    return fcnn_fail(FCNN_BAD_SETTING, "%s names \"%s\", but no kernel is called so (see `fastcnn list`)", origin,
                     word);
}

/* A number of threads in a variable; 0: the variable is unset or empty. OpenMP's may be a list, one number per level of
 * nesting: the first is ours. */
static fcnn_status read_count(const char *variable, int list, int *threads)
{
    const char *text = fcnn_getenv(variable);
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
    if (!status) *threads = omp_get_max_threads();
    return status;
}

/* OpenMP is asked only when its variable is known to be good: where that is no number clang's runtime may take garbage
 * and abort. Once, as clang moves a call that stands twice to the beginning. */
static fcnn_status read_threads(int option, int *threads)
{
    const fcnn_status status = read_wanted_threads(option, threads);
    if (status) return status;
    const int limit = omp_get_thread_limit();
    if (*threads > limit) *threads = limit;
    if (*threads > FCNN_MAX_THREADS) *threads = FCNN_MAX_THREADS;
    return FCNN_OK;
}

/* "48K,2M,4M": the core's first and second level, and its share of the last one. */
fcnn_status fcnn_caches_read(struct fcnn_caches *caches)
{
    const char *text = fcnn_getenv("FASTCNN_CACHES"), *at = text;
    int64_t sizes[3];
    *caches = *fcnn_cpu_caches();
    if (!text || !*text) return FCNN_OK;
    for (int i = 0; i < 3; i++) {
        char *end;
        const long long size = isdigit((unsigned char)*at) ? strtoll(at, &end, 10) : -1;
        const int shift = size < 0 ? 0 : *end == 'K' ? 10 : *end == 'M' ? 20 : 0;
        if (size >= 0) end += shift > 0;
        if (size < 1 || size > INT64_C(1) << 20 || *end != (i < 2 ? ',' : 0))
            return fcnn_fail(FCNN_BAD_SETTING, "FASTCNN_CACHES is \"%s\"; expected three sizes such as 48K,2M,4M: of a "
                             "core's first and second level and of its share of the last one", text);
        sizes[i] = (int64_t)size << shift;
        at = end + 1;
    }
    *caches = (struct fcnn_caches){sizes[0], sizes[1], sizes[2]};
    return FCNN_OK;
}

static fcnn_status read_planning(const char *option, enum fcnn_planning *planning)
{
    static const char *const words[] = {[FCNN_ESTIMATE] = "estimate", [FCNN_MEASURE] = "measure",
                                        [FCNN_TUNED_ONLY] = "tuned_only"};
    const char *origin, *text = lookup(option, "the option planning", "FASTCNN_PLANNING", &origin);
    *planning = FCNN_ESTIMATE;
    for (int i = 0; text && i <= FCNN_TUNED_ONLY; i++)
        if (!strcmp(text, words[i])) return *planning = (enum fcnn_planning)i, FCNN_OK;
    if (!text) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_SETTING, "%s is \"%s\"; expected estimate, measure or tuned_only", origin, text);
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
    if (!status) status = read_isa(options->isa, settings);
    const char *math = lookup(options->math, "the option math", "FASTCNN_MATH", &origin);
    if (!status) status = for_each_word(math ? math : "exact", add_class, origin, &settings->classes);
    settings->kernels = lookup(options->kernel, "the option kernel", "FASTCNN_KERNEL", &origin);
    if (!status) status = for_each_word(settings->kernels, check_kernel_name, origin, NULL);
    if (!status) status = fcnn_caches_read(&settings->caches);
    if (!status) status = read_planning(options->planning, &settings->planning);
    settings->tuning = options->tuning;
    if (!status) status = for_each_word(fcnn_getenv("FASTCNN_VERBOSE"), set_verbose, "FASTCNN_VERBOSE", settings);
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

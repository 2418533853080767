/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernel serves a problem, in two steps. First the numerics class, from the problem and the settings alone: a
 * class is a set of bits, which no machine may change. Then the row within the class: the highest instruction set,
 * then rows that nothing speaks against, then the order of the table. A measured choice (lib/tuning) goes before those
 * and after what was asked for by name: within a class nothing of this can change a result. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "lib/choice.h"
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/tuning/tune.h"

/* ---- the class ---- */

/* From what costs least to what is exact. */
static const fcnn_class by_cost[] = {FCNN_BF16, FCNN_WINOGRAD_F4, FCNN_WINOGRAD_F2, FCNN_EXACT};
_Static_assert(sizeof by_cost / sizeof *by_cost == FCNN_CLASSES, "a class without a place");

static int is_for(const struct fcnn_kernel *kernel, const fcnn_problem *problem)
{
    return kernel->op == problem->op && kernel->direction == problem->direction;
}

/* What a class says of a problem: its scalar rows, which are in every build and run on every machine. */
enum opinion { IMPOSSIBLE, DOUBTED, WELCOME };

static enum opinion opinion_of(fcnn_class numerics, const fcnn_problem *problem)
{
    enum opinion opinion = IMPOSSIBLE;
    for (int i = 0; i < fcnn_kernels_count && opinion != WELCOME; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (kernel->isa != FCNN_SCALAR || kernel->numerics != numerics || !is_for(kernel, problem)) continue;
        if (fcnn_unservable(kernel, problem)) continue;
        opinion = fcnn_row_doubt(kernel, problem, &fcnn_common_caches) ? DOUBTED : WELCOME;
    }
    return opinion;
}

int fcnn_dispatch_class(const fcnn_problem *problem, unsigned allowed)
{
    int doubted = -1;
    /* The naive rows can serve every problem. */
    if (allowed == 1u << FCNN_EXACT) return FCNN_EXACT;
    for (int i = 0; i < FCNN_CLASSES; i++) {
        if (!(allowed >> by_cost[i] & 1)) continue;
        const enum opinion opinion = opinion_of(by_cost[i], problem);
        if (opinion == WELCOME) return (int)by_cost[i];
        if (opinion == DOUBTED && doubted < 0) doubted = (int)by_cost[i];
    }
    return doubted;
}

/* ---- the row ---- */

const char *fcnn_dispatch_reason(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                 const struct fcnn_settings *settings)
{
    if (!is_for(kernel, problem)) return "another operation or direction";
    if (!(settings->isas >> kernel->isa & 1)) {
        const char *missing = fcnn_cpu_missing(kernel->isa);
        return missing || !settings->cap ? missing : settings->cap->capped;
    }
    if (!(settings->classes >> kernel->numerics & 1)) return fcnn_classes[kernel->numerics].refused;
    return fcnn_unservable(kernel, problem);
}

static int rank_of(const struct fcnn_kernel *kernel) { return fcnn_isas[kernel->isa].rank; }

/* Whether `a` is to be taken instead of `b`, an earlier row or NULL. */
static int better(const struct fcnn_kernel *a, const struct fcnn_kernel *b, const fcnn_problem *problem,
                  const struct fcnn_settings *settings)
{
    if (!b || rank_of(a) != rank_of(b)) return !b || rank_of(a) > rank_of(b);
    return fcnn_row_doubt(b, problem, &settings->caches) && !fcnn_row_doubt(a, problem, &settings->caches);
}

static int matches(const char *pattern, const struct fcnn_kernel *kernel)
{
    return !pattern || !fnmatch(pattern, kernel->name, 0);
}

/* The best usable row of a class whose name matches. */
static const struct fcnn_kernel *choose_row(int numerics, const char *pattern, const fcnn_problem *problem,
                                            const struct fcnn_settings *settings)
{
    const struct fcnn_kernel *chosen = NULL;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if ((int)kernel->numerics != numerics || !is_for(kernel, problem) || !matches(pattern, kernel)) continue;
        if (chosen && rank_of(kernel) < rank_of(chosen)) continue; /* asking what it can serve is what takes time */
        if (fcnn_dispatch_reason(kernel, problem, settings)) continue;
        if (better(kernel, chosen, problem, settings)) chosen = kernel;
    }
    return chosen;
}

/* ---- both, and what was asked for by name ---- */

/* A wish leaves the classes of which it names a usable row. */
static const struct fcnn_kernel *wished(const char *pattern, const fcnn_problem *problem,
                                        const struct fcnn_settings *settings)
{
    unsigned allowed = 0;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (is_for(kernel, problem) && matches(pattern, kernel) && !fcnn_dispatch_reason(kernel, problem, settings))
            allowed |= 1u << kernel->numerics;
    }
    return choose_row(fcnn_dispatch_class(problem, allowed), pattern, problem, settings);
}

/* A word may end with knobs. */
static const struct fcnn_kernel *find(const char *word)
{
    const size_t length = strcspn(word, "{");
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strncmp(word, fcnn_kernels[i].name, length) && !fcnn_kernels[i].name[length]) return &fcnn_kernels[i];
    return NULL;
}

/* Copies the first word of a list; returns what comes after its comma, or NULL at the end. */
static const char *next_word(const char *list, char word[FCNN_WORD])
{
    if (!list || !*list) return NULL;
    const size_t length = fcnn_word_length(list);
    snprintf(word, FCNN_WORD, "%.*s", (int)length, list);
    return list + length + (list[length] == ',');
}

/* The first pin that is for this operation and direction decides. A pin that cannot serve is an error, a wish is
 * not. */
static const struct fcnn_kernel *pinned(const fcnn_problem *problem, const struct fcnn_settings *settings,
                                        fcnn_status *status)
{
    char word[FCNN_WORD], text[256];
    for (const char *rest = settings->kernels; (rest = next_word(rest, word));) {
        const struct fcnn_kernel *kernel = strchr(word, '*') ? wished(word, problem, settings) : find(word);
        if (strchr(word, '*')) {
            if (kernel) return kernel;
            continue;
        }
        if (!kernel) {
            *status = fcnn_fail(FCNN_NO_KERNEL, "the pinned kernel %s is not built for this machine", word);
            return NULL;
        }
        if (!is_for(kernel, problem)) continue;
        const char *reason = fcnn_dispatch_reason(kernel, problem, settings);
        if (!reason) return kernel;
        fcnn_problem_format(problem, text, sizeof text);
        *status = fcnn_fail(FCNN_NO_KERNEL, "the pinned kernel %s cannot serve \"%s\": %s", word, text, reason);
        return NULL;
    }
    return NULL;
}

const struct fcnn_kernel *fcnn_dispatch(const fcnn_problem *problem, const struct fcnn_settings *settings,
                                        fcnn_status *status)
{
    *status = FCNN_OK;
    const struct fcnn_kernel *kernel = pinned(problem, settings, status);
    if (kernel || *status) return kernel;
    kernel = choose_row(fcnn_dispatch_class(problem, settings->classes), NULL, problem, settings);
    if (!kernel) {
        char text[256];
        fcnn_problem_format(problem, text, sizeof text);
        *status = fcnn_fail(FCNN_NO_KERNEL, "no kernel of the allowed numerics classes serves \"%s\"", text);
    }
    return kernel;
}

/* The knobs that the pin of a kernel names. */
static fcnn_status read_pinned_knobs(struct fcnn_choice *choice, const fcnn_problem *problem,
                                     const struct fcnn_settings *settings)
{
    char word[FCNN_WORD];
    for (const char *rest = settings->kernels; (rest = next_word(rest, word));) {
        if (strchr(word, '*') || find(word) != choice->kernel) continue;
        const fcnn_status status = fcnn_choice_read_knobs(choice, word + strcspn(word, "{"));
        if (status || fcnn_affordable(choice, problem)) return status;
        return fcnn_fail(FCNN_NO_KERNEL, "%s would need more memory than 64 MiB and 16 times its tensors", word);
    }
    return FCNN_OK;
}

/* Nanoseconds of work (roughly, and rather too many) for each thread: handing out pieces and waiting for the last one
 * takes some hundred. */
#define SHARE 1000

static int worthwhile_threads(const fcnn_problem *problem, int wanted)
{
    const double shares = fcnn_rough_nanoseconds(problem) / SHARE;
    return shares >= wanted ? wanted : shares < 1 ? 1 : (int)shares;
}

fcnn_status fcnn_estimate(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          struct fcnn_decision *decision)
{
    fcnn_status status;
    const struct fcnn_kernel *kernel = fcnn_dispatch(problem, settings, &status);
    if (!kernel) return status;
    *decision = (struct fcnn_decision){.choice = fcnn_standard_choice(kernel, problem, &settings->caches),
                                       .team = worthwhile_threads(problem, settings->threads), .gain = 1};
    if (!settings->kernels || !fcnn_dispatch_asked(kernel, settings)) return FCNN_OK;
    decision->origin = FCNN_PINNED;
    decision->team = settings->threads; /* whoever names a kernel gets what he asked for */
    return read_pinned_knobs(&decision->choice, problem, settings);
}

/* ---- measured choices ---- */

/* An entry of another class would have other bits, one that this machine or a cap excludes would not run. */
int fcnn_decide_by_table(const fcnn_problem *problem, const struct fcnn_settings *settings,
                         struct fcnn_decision *decision)
{
    struct fcnn_tuning_key key;
    struct fcnn_tuning_entry entry;
    const int numerics = fcnn_dispatch_class(problem, settings->classes);
    if (numerics < 0) return 0;
    fcnn_tuning_key_of(problem, (fcnn_class)numerics, settings->threads, &key);
    if (!fcnn_tuning_find(settings->tuning ? settings->tuning : fcnn_tuning_default(), problem, &key, &entry)) return 0;
    const struct fcnn_kernel *kernel = entry.choice.kernel;
    if ((int)kernel->numerics != numerics || fcnn_dispatch_reason(kernel, problem, settings)) return 0;
    if (!fcnn_affordable(&entry.choice, problem)) return 0;
    const int team = entry.team > 0 && entry.team < settings->threads ? entry.team : settings->threads;
    *decision = (struct fcnn_decision){entry.choice, team, FCNN_TUNED, entry.gain};
    return 1;
}

/* Whether a name decides: then the table is not asked. */
static int is_pinned(const fcnn_problem *problem, const struct fcnn_settings *settings)
{
    fcnn_status status = FCNN_OK;
    return settings->kernels && (pinned(problem, settings, &status) || status);
}

fcnn_status fcnn_decide(const fcnn_problem *problem, const struct fcnn_settings *settings,
                        struct fcnn_decision *decision)
{
    if (is_pinned(problem, settings)) return fcnn_estimate(problem, settings, decision);
    if (fcnn_decide_by_table(problem, settings, decision)) return FCNN_OK;
    if (settings->planning == FCNN_MEASURE) return fcnn_tune_now(problem, settings, NULL, decision);
    if (settings->planning == FCNN_ESTIMATE) return fcnn_estimate(problem, settings, decision);
    char text[256];
    fcnn_problem_format(problem, text, sizeof text);
    return fcnn_fail(FCNN_NOT_TUNED, "the tuning table has no choice that can be used for \"%s\" with %d thread%s",
                     text, settings->threads, settings->threads == 1 ? "" : "s");
}

/* ---- what is said about a choice ---- */

int fcnn_dispatch_asked(const struct fcnn_kernel *kernel, const struct fcnn_settings *settings)
{
    char word[FCNN_WORD];
    for (const char *rest = settings->kernels; (rest = next_word(rest, word));)
        if (strchr(word, '*') ? matches(word, kernel) : find(word) == kernel) return 1;
    return 0;
}

/* The rows of an instruction set end with the most general ones: the limit of the last one tells most. */
const char *fcnn_dispatch_limit(const struct fcnn_kernel *chosen, const fcnn_problem *problem,
                                const struct fcnn_settings *settings)
{
    const char *limit = NULL;
    int best = 0;
    if (fcnn_dispatch_asked(chosen, settings)) return NULL;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (kernel->numerics != chosen->numerics || !is_for(kernel, problem)) continue;
        if (!(settings->isas >> kernel->isa & 1) || rank_of(kernel) < best) continue;
        if (rank_of(kernel) > best) best = rank_of(kernel), limit = NULL;
        const char *reason = fcnn_unservable(kernel, problem);
        if (reason) limit = reason;
    }
    return best > rank_of(chosen) || fcnn_row_doubt(chosen, problem, &settings->caches) ? limit : NULL;
}

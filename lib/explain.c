/* SPDX-License-Identifier: BSD-2-Clause
 * The public account of a choice: what dispatch.c says of one row, in words. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/choice.h"
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/sized.h"

/* Why a usable row was not taken. */
static const char *why_not(const struct fcnn_kernel *kernel, const struct fcnn_decision *decision,
                           const struct fcnn_settings *settings, const char *doubt)
{
    const struct fcnn_kernel *taken = decision->choice.kernel;
    if (fcnn_dispatch_asked(taken, settings)) return "another one is asked for by name";
    if (kernel->numerics != taken->numerics) return doubt ? doubt : fcnn_classes[taken->numerics].first;
    if (decision->origin == FCNN_TUNED) return "another one was measured to be faster";
    if (fcnn_isas[kernel->isa].rank < fcnn_isas[taken->isa].rank) return fcnn_isas[taken->isa].first;
    return doubt ? doubt : "later in the table";
}

/* decision: NULL where none is taken. */
static fcnn_verdict judge(const struct fcnn_kernel *kernel, const struct fcnn_decision *decision,
                          const fcnn_problem *problem, const struct fcnn_settings *settings)
{
    fcnn_verdict v = {.kernel = kernel->name, .isa = kernel->isa, .numerics = kernel->numerics,
                      .chosen = decision && kernel == decision->choice.kernel,
                      .reason = fcnn_dispatch_reason(kernel, problem, settings)};
    const int tuned = decision && decision->origin == FCNN_TUNED;
    if (!v.reason) v.doubt = fcnn_row_doubt(kernel, problem, &settings->caches);
    if (v.chosen && !tuned) v.limit = fcnn_dispatch_limit(kernel, problem, settings);
    if (v.reason) v.why = v.reason;
    else if (!decision) v.why = "no kernel is taken";
    else if (!v.chosen) v.why = why_not(kernel, decision, settings, v.doubt);
    else if (fcnn_dispatch_asked(kernel, settings)) v.why = "asked for by name (--kernel or FASTCNN_KERNEL)";
    else if (tuned) v.why = "measured to be the fastest (tuning table)";
    else if (v.limit) v.why = "the best of what is left where others have limits";
    else v.why = "highest usable instruction set, first preferred line in the table";
    return v;
}

/* ---- FASTCNN_VERBOSE=dispatch ---- */

const char *const fcnn_origins[] = {[FCNN_ESTIMATED] = "estimate", [FCNN_TUNED] = "tuned", [FCNN_PINNED] = "pinned"};

/* A field of comma-separated values: what has commas goes between quotes, of which no phrase has any. */
static void print_field(const char *text, char end)
{
    const char *quote = strchr(text, ',') ? "\"" : "";
    fprintf(stderr, "%s%s%s%c", quote, text, quote, end);
}

/* The fields that only the taken one has; numbers by integers: the host program's locale may write commas. */
static void print_choice(const struct fcnn_decision *decision, const fcnn_problem *problem)
{
    char text[FCNN_CHOICE_TEXT];
    const struct fcnn_demand demand = fcnn_row_demand(&decision->choice, problem);
    const long long gain = (long long)(decision->gain * 1000 + 0.5);
    fcnn_choice_format(&decision->choice, problem, text);
    print_field(text, ',');
    fprintf(stderr, "%d,%s,%lld.%03lld,", fcnn_useful_threads(&demand, decision->team), fcnn_origins[decision->origin],
            gain / 1000, gain % 1000);
}

static void print_candidate(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                            const struct fcnn_settings *settings, const struct fcnn_decision *decision)
{
    char text[256];
    const fcnn_verdict v = judge(kernel, decision, problem, settings);
    fcnn_problem_format(problem, text, sizeof text);
    fprintf(stderr, "fastcnn_verbose,dispatch,%s,%d,%s,%s,%s,%s,", text, settings->threads, kernel->name,
            fcnn_isa_name(kernel->isa), fcnn_class_name(kernel->numerics),
            v.chosen ? "taken" : v.reason ? "refused" : "usable");
    if (v.chosen) print_choice(decision, problem);
    else fputs(",,,,", stderr);
    print_field(v.why, ',');
    print_field(v.limit ? v.limit : "", '\n');
}

void fcnn_report_dispatch(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          const struct fcnn_decision *decision)
{
    static atomic_flag headed = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&headed))
        fputs("fastcnn_verbose,dispatch,problem,threads,kernel,isa,class,verdict,choice,team,origin,gain,why,"
              "limit\n", stderr);
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (fcnn_kernels[i].op == problem->op && fcnn_kernels[i].direction == problem->direction)
            print_candidate(&fcnn_kernels[i], problem, settings, decision);
}

/* ---- fcnn_explain() ---- */

fcnn_status fcnn_explain_sized(int index, const fcnn_problem *problem, size_t problem_size,
                               const fcnn_options *options, size_t options_size, fcnn_verdict *verdict,
                               size_t verdict_size)
{
    static const fcnn_verdict unknown = {.kernel = "", .reason = "not asked", .why = "not asked"};
    struct fcnn_settings settings;
    int empty;
    if (!verdict) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the verdict is NULL");
    FCNN_GIVE(verdict, verdict_size, unknown);
    if (!problem) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem is NULL");
    if (index < 0 || index >= fcnn_kernels_count)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "there is no kernel %d; expected 0 to %d", index, fcnn_kernels_count - 1);
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    FCNN_TAKE(fcnn_options, wanted, options, options_size);
    fcnn_status status = fcnn_settings_read(&settings, &wanted);
    if (!status) status = fcnn_problem_complete(&checked, &empty);
    if (status) return status;
    struct fcnn_decision decision;
    if (settings.planning == FCNN_MEASURE) settings.planning = FCNN_ESTIMATE; /* a question must not take seconds */
    status = fcnn_decide(&checked, &settings, &decision);
    const fcnn_verdict found = judge(&fcnn_kernels[index], status ? NULL : &decision, &checked, &settings);
    FCNN_GIVE(verdict, verdict_size, found);
    return status;
}

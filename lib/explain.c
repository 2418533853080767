/* SPDX-License-Identifier: BSD-2-Clause
 * The public account of a choice: what dispatch.c says of one row, in words. */
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/sized.h"

/* Why a usable row was not taken. */
static const char *why_not(const struct fcnn_kernel *kernel, const struct fcnn_kernel *taken,
                           const struct fcnn_settings *settings, const char *doubt)
{
    if (fcnn_dispatch_asked(taken, settings)) return "another one is asked for by name";
    if (kernel->numerics != taken->numerics) return doubt ? doubt : fcnn_classes[taken->numerics].first;
    if (fcnn_isas[kernel->isa].rank < fcnn_isas[taken->isa].rank) return fcnn_isas[taken->isa].first;
    return doubt ? doubt : "later in the table";
}

static fcnn_verdict judge(const struct fcnn_kernel *kernel, const struct fcnn_kernel *taken,
                          const fcnn_problem *problem, const struct fcnn_settings *settings)
{
    fcnn_verdict v = {.kernel = kernel->name, .isa = kernel->isa, .numerics = kernel->numerics,
                      .chosen = kernel == taken, .reason = fcnn_dispatch_reason(kernel, problem, settings)};
    if (!v.reason) v.doubt = fcnn_row_doubt(kernel, problem, &settings->caches);
    if (v.chosen) v.limit = fcnn_dispatch_limit(kernel, problem, settings);
    if (v.reason) v.why = v.reason;
    else if (!taken) v.why = "no kernel is taken";
    else if (!v.chosen) v.why = why_not(kernel, taken, settings, v.doubt);
    else if (fcnn_dispatch_asked(kernel, settings)) v.why = "asked for by name (--kernel or FASTCNN_KERNEL)";
    else if (v.limit) v.why = "the best of what is left where others have limits";
    else v.why = "highest usable instruction set, first preferred line in the table";
    return v;
}

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
    const struct fcnn_kernel *taken = fcnn_dispatch(&checked, &settings, &status);
    const fcnn_verdict found = judge(&fcnn_kernels[index], taken, &checked, &settings);
    FCNN_GIVE(verdict, verdict_size, found);
    return status;
}

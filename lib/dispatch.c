/* SPDX-License-Identifier: BSD-2-Clause
 * Which kernel serves a problem. Today the rule is: the highest instruction set that is usable, then kernels that
 * nothing speaks against (their doubt()), then the order of the table. Measured choices (tuning) will enter in better(),
 * and nowhere else: among exact kernels nothing here may change a result. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "lib/internal.h"
#include "lib/sized.h"

const char *fcnn_dispatch_reason(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                 const struct fcnn_settings *settings)
{
    static _Thread_local char text[160];
    const char *reason;
    if (kernel->op != problem->op || kernel->direction != problem->direction) return "another operation or direction";
    if ((reason = fcnn_cpu_missing(kernel->isa))) return reason;
    if (kernel->isa > settings->isa) {
        snprintf(text, sizeof text, "the instruction set is capped at %s", fcnn_isa_name(settings->isa));
        return text;
    }
    if (!(settings->classes & (1u << kernel->numerics))) {
        snprintf(text, sizeof text, "numerics class %s is not allowed", fcnn_class_name(kernel->numerics));
        return text;
    }
    reason = fcnn_row_unsupported(kernel, problem);
    return reason ? reason : "";
}

static int usable(const struct fcnn_kernel *kernel, const fcnn_problem *problem, const struct fcnn_settings *settings)
{
    return !*fcnn_dispatch_reason(kernel, problem, settings);
}

/* Whether `a` is to be taken instead of `b`, an earlier row or NULL. */
static int better(const struct fcnn_kernel *a, const struct fcnn_kernel *b, const fcnn_problem *problem)
{
    if (!b || a->isa != b->isa) return !b || a->isa > b->isa;
    return fcnn_row_doubt(b, problem) && !fcnn_row_doubt(a, problem);
}

/* The best usable kernel whose name matches. */
static const struct fcnn_kernel *best(const char *pattern, const fcnn_problem *problem,
                                      const struct fcnn_settings *settings)
{
    const struct fcnn_kernel *chosen = NULL;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (fnmatch(pattern, kernel->name, 0) || !usable(kernel, problem, settings)) continue;
        if (better(kernel, chosen, problem)) chosen = kernel;
    }
    return chosen;
}

static const struct fcnn_kernel *find(const char *name)
{
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strcmp(name, fcnn_kernels[i].name)) return &fcnn_kernels[i];
    return NULL;
}

/* The first pin that is for this operation and direction decides. A pin that cannot serve is an error, a wish is
 * not. */
static const struct fcnn_kernel *pinned(const fcnn_problem *problem, const struct fcnn_settings *settings,
                                        fcnn_status *status)
{
    for (const char *at = settings->kernels; at && *at;) {
        char word[96];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        at += length + (at[length] == ',');
        if (strchr(word, '*')) {
            const struct fcnn_kernel *wish = best(word, problem, settings);
            if (wish) return wish;
            continue;
        }
        const struct fcnn_kernel *kernel = find(word);
        if (!kernel) {
            *status = fcnn_fail(FCNN_NO_KERNEL, "the pinned kernel %s is not built for this machine", word);
            return NULL;
        }
        if (kernel->op != problem->op || kernel->direction != problem->direction) continue;
        if (usable(kernel, problem, settings)) return kernel;
        char text[256];
        fcnn_problem_format(problem, text, sizeof text);
        *status = fcnn_fail(FCNN_NO_KERNEL, "the pinned kernel %s cannot serve \"%s\": %s", word, text,
                            fcnn_dispatch_reason(kernel, problem, settings));
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
    kernel = best("*", problem, settings);
    if (!kernel) {
        char text[256];
        fcnn_problem_format(problem, text, sizeof text);
        *status = fcnn_fail(FCNN_NO_KERNEL, "no kernel of the allowed numerics classes serves \"%s\"", text);
    }
    return kernel;
}

const char *fcnn_kernel_reason_sized(int index, const fcnn_problem *problem, size_t problem_size,
                                     const fcnn_options *options, size_t options_size)
{
    struct fcnn_settings settings;
    fcnn_problem p;
    fcnn_options o;
    int empty;
    if (index < 0 || index >= fcnn_kernels_count || !problem) return "no such kernel or problem";
    if (!fcnn_sized_take(&p, sizeof p, problem, problem_size) || !fcnn_sized_take(&o, sizeof o, options, options_size))
        return "problem or options have members set that this library does not know";
    if (fcnn_problem_complete(&p, &empty) || fcnn_settings_read(&settings, &o)) return fcnn_last_error();
    return fcnn_dispatch_reason(&fcnn_kernels[index], &p, &settings);
}

const char *fcnn_kernel_doubt_sized(int index, const fcnn_problem *problem, size_t problem_size)
{
    fcnn_problem p;
    int empty;
    if (index < 0 || index >= fcnn_kernels_count || !problem) return "";
    const struct fcnn_kernel *kernel = &fcnn_kernels[index];
    if (!fcnn_sized_take(&p, sizeof p, problem, problem_size) || fcnn_problem_complete(&p, &empty)) return "";
    if (kernel->op != p.op || kernel->direction != p.direction) return "";
    const char *doubt = fcnn_row_unsupported(kernel, &p) ? NULL : fcnn_row_doubt(kernel, &p);
    return doubt ? doubt : "";
}

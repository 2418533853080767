/* SPDX-License-Identifier: BSD-2-Clause
 * Whether a line can be used on this machine, by this library. All that a file says is doubted: what passes here is
 * a choice that dispatch itself could have made, so that no file can change a result. */
#include <stdio.h>
#include <string.h>

#include "lib/tuning/table.h"

fcnn_class fcnn_line_class(const struct fcnn_line *line)
{
    int i = 0;
    while (i < FCNN_CLASSES && strcmp(fcnn_class_name((fcnn_class)i), line->numerics)) i++;
    return (fcnn_class)i;
}

static const struct fcnn_kernel *find_kernel(const char *choice)
{
    const size_t length = strcspn(choice, "{");
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (!strncmp(fcnn_kernels[i].name, choice, length) && !fcnn_kernels[i].name[length]) return &fcnn_kernels[i];
    return NULL;
}

/* Of a kernel that is not in this library's table. */
static const char *missing_kernel(const char *choice)
{
    const size_t length = strcspn(choice, "{");
    for (int i = 0; i < fcnn_kernel_names_count; i++)
        if (!strncmp(fcnn_kernel_names[i], choice, length) && !fcnn_kernel_names[i][length])
            return "its kernel is not built for this machine";
    return "its kernel is unknown here";
}

/* A phrase, or NULL: the row may serve the problem. */
static const char *refuse(const struct fcnn_line *line, const struct fcnn_kernel *kernel, const fcnn_problem *problem)
{
    if (kernel->op != problem->op || kernel->direction != problem->direction)
        return "its kernel is for another operation or direction";
    if (kernel->numerics != fcnn_line_class(line)) return "its kernel is of another numerics class";
    const char *missing = fcnn_cpu_missing(kernel->isa);
    return missing ? missing : fcnn_unservable(kernel, problem);
}

void fcnn_line_judge(struct fcnn_line *line)
{
    fcnn_problem problem;
    const struct fcnn_kernel *kernel = find_kernel(line->choice);
    const char *reason = NULL;
    line->stale[0] = 0;
    if (strcmp(line->machine, fcnn_tuning_machine())) reason = "of another machine";
    else if (!kernel) reason = missing_kernel(line->choice);
    else if (fcnn_problem_parse(&problem, line->problem)) reason = "its problem is none of this library's";
    else reason = refuse(line, kernel, &problem);
    if (reason) {
        snprintf(line->stale, sizeof line->stale, "%s", reason);
    } else if (kernel->variant->revision != line->revision) {
        snprintf(line->stale, sizeof line->stale, "kernel revision %d, here %d", line->revision,
                 kernel->variant->revision);
    } else {
        line->usable = fcnn_standard_choice(kernel, &problem, fcnn_tuning_caches());
        if (fcnn_choice_read_knobs(&line->usable, line->choice + strcspn(line->choice, "{")))
            snprintf(line->stale, sizeof line->stale, "%s", fcnn_last_error());
        else if (!fcnn_affordable(&line->usable, &problem))
            snprintf(line->stale, sizeof line->stale, "it would need more memory than 64 MiB and 16 times its tensors");
    }
}

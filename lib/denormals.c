/* SPDX-License-Identifier: BSD-2-Clause
 * Inputs that hold denormal numbers, which make an execution many times slower and cannot be flushed behind the
 * caller's back (docs/numerics.md, rule 10): FASTCNN_VERBOSE=exec names them. */
#include <math.h>
#include <stdio.h>

#include "lib/denormals.h"

static int64_t denormals_of(const fcnn_tensor_info *info, const float *data)
{
    int64_t count = 0;
    for (int64_t i = 0; i < info->elements; i++) count += fpclassify(data[i]) == FP_SUBNORMAL;
    return count;
}

static int is_read(const fcnn_tensor_info *info)
{
    return info->role != FCNN_OUT && info->offset != offsetof(fcnn_tensors, choice) &&
           info->offset != offsetof(fcnn_tensors, argmax) && info->offset != offsetof(fcnn_tensors, labels);
}

void fcnn_report_denormals(const fcnn_problem *problem, const fcnn_tensors *tensors)
{
    fcnn_tensor_info list[FCNN_MAX_TENSORS];
    const int count = fcnn_tensor_list(problem, list);
    for (int i = 0; i < count; i++) {
        const float *data = *(const float *const *)((const char *)tensors + list[i].offset);
        const int64_t denormals = data && is_read(&list[i]) ? denormals_of(&list[i], data) : 0;
        if (!denormals) continue;
        char text[256];
        fcnn_problem_format(problem, text, sizeof text);
        fprintf(stderr, "fastcnn_verbose,denormals,%s,%s,%lld of %lld\n", text, list[i].name, (long long)denormals,
                (long long)list[i].elements);
    }
}

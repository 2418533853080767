/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/gate/cases.h"

#include <stddef.h>
#include <stdio.h>

/* Small, so that a sample has many executions, and large enough for whole tiles. Of an operation the first that a
 * kernel serves counts: common layers, then those that specialised kernels are for. */
static const struct { const char *op, *sizes; } problems[] = {
    {"conv2d", "mb1ic32ih14oc32kh3ph1"},
    {"conv2d", "mb1ic32ih28oc32kh3ph1"},
    {"conv2d", "mb1ic3ih28oc32kh3ph1"},
    {"conv2d", "g8mb1ic32ih14oc32kh3ph1"},
    {"conv2d", "g32mb1ic32ih28oc32kh3ph1"},
    {"conv2d", "g64mb1ic64ih28oc64oh14kh3sh2ph1"},
    {"conv2d+relu", "mb1ic32ih14oc32kh3"},
    {"conv2d+relu+maxpool", "mb2ic16ih13oc32kh3"},
    {"conv2d+relu+maxpool", "mb8ic1ih28oc32kh3"},
    {"dense", "mb16ic256oc64"},
    {"maxpool", "mb2ic32ih26kh2sh2"},
    {"avgpool", "mb2ic32ih26kh2sh2"},
    {"relu", "mb2ic32ih26"},
    {"sigmoid", "mb2ic32ih26"},
    {"tanh", "mb2ic32ih26"},
    {"dropout", "mb2ic32ih26"},
    {"softmax", "mb64ic10"},
    {"cross_entropy", "mb64ic10"},
    {"categorical_cross_entropy", "mb64ic10"},
    {"mse", "mb64ic10"},
    {"reduce", "mb8ic8192"},
    {"adam", "ic16384"},
    {"sgd", "ic16384"},
    {"rmsprop", "ic16384"},
    {"batch_sums", "mb2ic32ih26"},
    {"batch_norm", "mb2ic32ih26"},
};

/* 2: the kernel serves it, 1: dispatch has doubts, 0: it cannot. */
static int suits(int kernel, const fcnn_kernel_info *info, const fcnn_problem *problem)
{
    const fcnn_options options = {.threads = 1, .math = fcnn_class_name(info->numerics)};
    fcnn_verdict verdict;
    if (problem->op != info->op || fcnn_explain(kernel, problem, &options, &verdict) || verdict.reason) return 0;
    return verdict.doubt ? 1 : 2;
}

int gate_case_find(int kernel, fcnn_problem *found)
{
    const fcnn_kernel_info info = fcnn_kernel_describe(kernel);
    int best = 0;
    for (size_t i = 0; best < 2 && i < sizeof problems / sizeof *problems; i++) {
        char text[192];
        fcnn_problem problem;
        snprintf(text, sizeof text, "%s %s %s", problems[i].op, fcnn_direction_name(info.direction), problems[i].sizes);
        if (fcnn_problem_parse(&problem, text)) continue; /* no such direction */
        const int how_well = suits(kernel, &info, &problem);
        if (how_well > best) best = how_well, *found = problem;
    }
    return best > 0;
}

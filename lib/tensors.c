/* SPDX-License-Identifier: BSD-2-Clause
 * Which tensors a problem has, their sizes and roles: the table of operations applied to a problem. */
#include "lib/internal.h"
#include "lib/sized.h"

static int64_t elements(const fcnn_problem *p, enum fcnn_count count)
{
    const int64_t images = p->n == FCNN_EMPTY ? 0 : p->n;
    switch (count) {
    case FCNN_COUNT_SRC: return images * p->h * p->w * p->c;
    case FCNN_COUNT_DST: return images * p->p * p->q * p->k;
    case FCNN_COUNT_WEIGHTS: return p->r * p->s * (p->c / p->groups) * p->k;
    case FCNN_COUNT_BIAS: return p->k;
    case FCNN_COUNT_CHOICE: return images * p->p * p->q * ((p->k + 15) / 16) * 3;
    case FCNN_COUNT_IMAGES: return images;
    case FCNN_COUNT_CHANNELS: return p->c;
    case FCNN_COUNT_THREE_ROWS: return 3 * p->c;
    }
    return 0;
}

static int present(const fcnn_problem *p, const struct fcnn_tensor_rule *rule)
{
    if (!(rule->directions >> p->direction & 1)) return 0;
    if (rule->presence == FCNN_WITH_BIAS) return !p->no_bias;
    return rule->presence != FCNN_WITH_RELU || p->activation == FCNN_RELU_ACTIVATION;
}

int fcnn_tensor_list(const fcnn_problem *p, fcnn_tensor_info list[FCNN_MAX_TENSORS])
{
    int count = 0;
    for (const struct fcnn_tensor_rule *rule = fcnn_operations[p->op].tensors; rule->name; rule++)
        if (present(p, rule))
            list[count++] = (fcnn_tensor_info){.name = rule->name, .offset = rule->offset, .role = rule->role,
                                               .element_size = rule->element_size,
                                               .elements = elements(p, rule->count)};
    return count;
}

fcnn_status fcnn_problem_tensors_sized(const fcnn_problem *problem, size_t problem_size, int index,
                                       fcnn_tensor_info *info, size_t info_size)
{
    fcnn_tensor_info list[FCNN_MAX_TENSORS];
    if (!problem || !info) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", problem ? "info" : "the problem");
    FCNN_TAKE(fcnn_problem, checked, problem, problem_size);
    const fcnn_status status = fcnn_problem_check(&checked);
    if (status) return status;
    const int count = fcnn_tensor_list(&checked, list);
    if (index < 0 || index >= count)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "tensor %d of %s %s; there are 0 to %d", index, fcnn_op_name(checked.op),
                         fcnn_direction_name(checked.direction), count - 1);
    FCNN_GIVE(info, info_size, list[index]);
    return FCNN_OK;
}

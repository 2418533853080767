/* SPDX-License-Identifier: BSD-2-Clause
 * Which tensors a problem has, their sizes and roles: the table behind checks, tests and benchmarks. */
#include "lib/internal.h"

struct list {
    struct fcnn_tensor_info *entry;
    int count;
};

static void add(struct list *list, const char *name, size_t offset, size_t element_size, int64_t elements,
                enum fcnn_role role)
{
    list->entry[list->count++] = (struct fcnn_tensor_info){name, offset, element_size, elements, role};
}

#define ADD(member, elements, role) \
    add(&list, #member, offsetof(fcnn_tensors, member), sizeof *((fcnn_tensors *)0)->member, elements, role)

static int list_convolution(const fcnn_problem *p, struct fcnn_tensor_info *entry)
{
    struct list list = {entry, 0};
    int64_t src = p->n * p->h * p->w * p->c, dst = p->n * p->p * p->q * p->k;
    int64_t weights = p->r * p->s * (p->c / p->groups) * p->k;
    int64_t choice = p->n * p->p * p->q * ((p->k + 15) / 16) * 3;
    int pooled = p->op == FCNN_CONV2D_POOL;
    if (p->direction == FCNN_FORWARD) {
        ADD(src, src, FCNN_IN);
        ADD(weights, weights, FCNN_IN);
        if (!p->no_bias) ADD(bias, p->k, FCNN_IN);
        ADD(dst, dst, FCNN_OUT);
        if (pooled) ADD(choice, choice, FCNN_OUT);
        return list.count;
    }
    ADD(d_dst, dst, FCNN_IN);
    if (pooled) ADD(choice, choice, FCNN_IN);
    else if (p->activation == FCNN_RELU_ACTIVATION) ADD(dst, dst, FCNN_IN);
    if (p->direction == FCNN_BACKWARD_DATA) {
        ADD(weights, weights, FCNN_IN);
        ADD(d_src, src, FCNN_OUT);
    } else {
        ADD(src, src, FCNN_IN);
        ADD(d_weights, weights, FCNN_OUT);
        if (!p->no_bias) ADD(d_bias, p->k, FCNN_OUT);
    }
    return list.count;
}

static int list_other(const fcnn_problem *p, struct fcnn_tensor_info *entry)
{
    struct list list = {entry, 0};
    int forward = p->direction == FCNN_FORWARD;
    int64_t src = p->n * p->h * p->w * p->c, dst = p->n * p->p * p->q * p->k;
    switch (p->op) {
    case FCNN_MAXPOOL:
    case FCNN_AVGPOOL:
        if (forward) ADD(src, src, FCNN_IN);
        if (forward) ADD(dst, dst, FCNN_OUT);
        else ADD(d_dst, dst, FCNN_IN);
        if (p->op == FCNN_MAXPOOL) ADD(argmax, dst, forward ? FCNN_OUT : FCNN_IN);
        if (!forward) ADD(d_src, src, FCNN_OUT);
        break;
    case FCNN_RELU:
        if (forward) ADD(src, src, FCNN_IN);
        ADD(dst, src, forward ? FCNN_OUT : FCNN_IN);
        if (!forward) ADD(d_dst, src, FCNN_IN);
        if (!forward) ADD(d_src, src, FCNN_OUT);
        break;
    case FCNN_SOFTMAX:
        ADD(src, src, FCNN_IN);
        ADD(dst, src, FCNN_OUT);
        break;
    case FCNN_CROSS_ENTROPY:
        if (forward) ADD(src, src, FCNN_IN);
        ADD(labels, p->n, FCNN_IN);
        ADD(dst, src, forward ? FCNN_OUT : FCNN_IN);
        if (forward) ADD(loss, p->n, FCNN_OUT);
        else ADD(d_src, src, FCNN_OUT);
        break;
    case FCNN_REDUCE:
        ADD(src, src, FCNN_IN);
        ADD(dst, p->c, FCNN_OUT);
        break;
    default: /* optimizers */
        ADD(d_weights, src, FCNN_IN);
        ADD(parameters, src, FCNN_INOUT);
        ADD(moment_1, src, FCNN_INOUT);
        if (p->op == FCNN_ADAM) ADD(moment_2, src, FCNN_INOUT);
    }
    return list.count;
}

int fcnn_tensor_list(const fcnn_problem *p, struct fcnn_tensor_info list[FCNN_MAX_TENSORS])
{
    int weights = p->op == FCNN_CONV2D || p->op == FCNN_CONV2D_POOL || p->op == FCNN_DENSE;
    return weights ? list_convolution(p, list) : list_other(p, list);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Comparison of tensors bit for bit. */
#include "tests/compare.h"

#include <stdio.h>
#include <string.h>

static int is_float(const char *name)
{
    return strcmp(name, "choice") && strcmp(name, "argmax") && strcmp(name, "labels");
}

static int same_float(float a, float b)
{
    return a == b || (a != a && b != b); /* of two floats with different bits only +0 and -0 are equal */
}

static int same(const struct fcnn_tensor_info *info, int floats, const void *want, const void *got, int64_t i)
{
    if (floats) return same_float(((const float *)want)[i], ((const float *)got)[i]);
    const size_t at = (size_t)i * info->element_size;
    return memcmp((const char *)want + at, (const char *)got + at, info->element_size) == 0;
}

/* Sizes of a tensor's axes, outermost first; returns their number. */
static int shape(const fcnn_problem *p, const char *name, int64_t size[4])
{
    const int gradient = strncmp(name, "d_", 2) == 0;
    const char *base = gradient ? name + 2 : name;
    const int weighted = p->op == FCNN_CONV2D || p->op == FCNN_CONV2D_POOL || p->op == FCNN_DENSE;
    const int64_t src[] = {p->n, p->h, p->w, p->c}, dst[] = {p->n, p->p, p->q, p->k};
    const int64_t weights[] = {p->r, p->s, p->c / p->groups, p->k}, choice[] = {p->n, p->p, p->q, (p->k + 15) / 16 * 3};
    const int64_t *axes = NULL;
    if (p->op == FCNN_REDUCE && strcmp(base, "dst") == 0) axes = NULL;
    else if (strcmp(base, "src") == 0) axes = src;
    else if (strcmp(base, "dst") == 0 || strcmp(base, "argmax") == 0) axes = dst;
    else if (strcmp(base, "choice") == 0) axes = choice;
    else if (weighted && strcmp(base, "weights") == 0) axes = weights;
    if (axes) memcpy(size, axes, 4 * sizeof *axes);
    return axes ? 4 : 0;
}

static int print_index(const fcnn_problem *p, const char *name, int64_t i, char *text, size_t room)
{
    int64_t size[4], index[4];
    if (shape(p, name, size) != 4) return snprintf(text, room, "%s[%lld]", name, (long long)i);
    for (int axis = 3; axis >= 0; axis--) {
        index[axis] = i % size[axis];
        i /= size[axis];
    }
    return snprintf(text, room, "%s[%lld,%lld,%lld,%lld]", name, (long long)index[0], (long long)index[1],
                    (long long)index[2], (long long)index[3]);
}

static void print_value(const struct fcnn_tensor_info *info, const void *data, int64_t i, char *text, size_t room)
{
    if (is_float(info->name)) {
        const double value = ((const float *)data)[i];
        snprintf(text, room, "%a (%.9g)", value, value);
    } else if (info->element_size == 2) {
        snprintf(text, room, "0x%04x", ((const uint16_t *)data)[i]);
    } else {
        snprintf(text, room, "%d", (int)((const int32_t *)data)[i]);
    }
}

int64_t compare_tensor(const fcnn_problem *problem, const struct fcnn_tensor_info *info, const void *want,
                       const void *got, char *text, size_t size)
{
    const int floats = is_float(info->name);
    int64_t wrong = 0, first = 0;
    if (memcmp(want, got, (size_t)info->elements * info->element_size) == 0) return 0;
    for (int64_t i = 0; i < info->elements; i++) {
        if (same(info, floats, want, got, i)) continue;
        if (!wrong++) first = i;
    }
    if (wrong && text) {
        char index[96], wanted[48], found[48];
        print_index(problem, info->name, first, index, sizeof index);
        print_value(info, want, first, wanted, sizeof wanted);
        print_value(info, got, first, found, sizeof found);
        snprintf(text, size, "%s want %s got %s, %lld of %lld wrong", index, wanted, found, (long long)wrong,
                 (long long)info->elements);
    }
    return wrong;
}

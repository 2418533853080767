/* SPDX-License-Identifier: BSD-2-Clause
 * The table of operations: what each is called, which directions, sizes and tensors it has. Whoever checks, writes or
 * runs a problem asks this table; a new operation is a row here, its kernels, and its lines in fastcnn_problem.h. */
#ifndef FCNN_OPERATION_H
#define FCNN_OPERATION_H

#include "kernels/kernel.h"

/* Which fields of a problem an operation reads besides n and c. */
enum fcnn_fields {
    FCNN_HAS_MAP = 1,        /* h w */
    FCNN_HAS_ROWS = 2,       /* h and w are read too, but must be 1 */
    FCNN_HAS_WINDOW = 4,     /* r s stride padding pad p q */
    FCNN_HAS_WEIGHTS = 8,    /* k no_bias */
    FCNN_HAS_GROUPS = 16,    /* groups dilation */
    FCNN_HAS_ACTIVATION = 32 /* activation */
};

/* How many elements a tensor has, from the sizes of a checked problem. */
enum fcnn_count {
    FCNN_COUNT_SRC,      /* n h w c */
    FCNN_COUNT_DST,      /* n p q k */
    FCNN_COUNT_WEIGHTS,  /* r s c/groups k */
    FCNN_COUNT_BIAS,     /* k */
    FCNN_COUNT_CHOICE,   /* n p q ceil(k/16) 3 */
    FCNN_COUNT_IMAGES,   /* n */
    FCNN_COUNT_CHANNELS, /* c */
    FCNN_COUNT_THREE_ROWS, /* 3 c */
};

/* When a tensor is there. */
enum fcnn_presence { FCNN_ALWAYS, FCNN_WITH_BIAS, FCNN_WITH_RELU };

struct fcnn_tensor_rule {
    unsigned directions; /* bit i: in fcnn_direction i */
    const char *name;    /* of the member of fcnn_tensors; NULL ends the list */
    size_t offset, element_size;
    enum fcnn_count count;
    fcnn_role role;
    enum fcnn_presence presence;
};

struct fcnn_operation {
    const char *name; /* in problem text */
    unsigned directions, fields;
    unsigned hyper; /* directions that read fcnn_tensors.hyper */
    const struct fcnn_tensor_rule *tensors;
};

/* Behind the last member of each enum; the public header counts none (a caller must not). */
#define FCNN_OPS (FCNN_RMSPROP + 1)
#define FCNN_DIRECTIONS (FCNN_UPDATE + 1)

/* Numbers that no operation has are rows without a name. */
extern const struct fcnn_operation fcnn_operations[FCNN_OPS];

static inline int fcnn_op_exists(fcnn_op op) { return (unsigned)op < FCNN_OPS && fcnn_operations[op].name; }

/* Whether the operation of a problem (whose op exists) reads any of `fields`. */
static inline int fcnn_has(const fcnn_problem *problem, unsigned fields)
{
    return (fcnn_operations[problem->op].fields & fields) != 0;
}

#endif

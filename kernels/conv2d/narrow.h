/* SPDX-License-Identifier: BSD-2-Clause
 * Backward data towards few input channels (narrow.c): its entries of the table. */
#ifndef FCNN_NARROW_H
#define FCNN_NARROW_H

#include "kernels/conv2d/conv2d.h"

const char *fcnn_narrow_unsupported(const struct fcnn_tiles *tiles, const fcnn_problem *problem);
fcnn_tiles_demand_fn fcnn_narrow_demand;
fcnn_tiles_run_fn fcnn_narrow_run;

/* NAME by the tiles TILES. */
#define FCNN_NARROW_VARIANT(name, tiles)                                                                               \
    static const char *name##_unsupported(const fcnn_problem *problem)                                                 \
    {                                                                                                                  \
        return fcnn_narrow_unsupported(&tiles, problem);                                                               \
    }                                                                                                                  \
    static void name##_demand(const fcnn_problem *problem, struct fcnn_demand *demand)                                 \
    {                                                                                                                  \
        fcnn_narrow_demand(&tiles, problem, demand);                                                                   \
    }                                                                                                                  \
    static void name##_run(const fcnn_problem *problem, const fcnn_tensors *tensors, const struct fcnn_memory *memory, \
                           enum fcnn_stage stage, int64_t first, int64_t last)                                         \
    {                                                                                                                  \
        fcnn_narrow_run(&tiles, problem, tensors, memory, stage, first, last);                                         \
    }                                                                                                                  \
    const struct fcnn_variant name = {name##_unsupported, name##_demand, name##_run};

#endif

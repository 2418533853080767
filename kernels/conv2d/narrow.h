/* SPDX-License-Identifier: BSD-2-Clause
 * Backward data towards few input channels (narrow.c): its entries of the table. */
#ifndef FCNN_NARROW_H
#define FCNN_NARROW_H

#include "kernels/conv2d/conv2d.h"

fcnn_phrase_fn fcnn_narrow_unsupported, fcnn_narrow_doubt;
fcnn_demand_fn fcnn_narrow_demand;
fcnn_run_fn fcnn_narrow_run;
#define FCNN_NARROW_KNOBS 2
extern const struct fcnn_knob fcnn_narrow_knobs[FCNN_NARROW_KNOBS];

/* The value of a struct fcnn_variant. */
#define FCNN_NARROW(tiles)                                                                                             \
    {.unsupported = fcnn_narrow_unsupported, .doubt = fcnn_narrow_doubt, .demand = fcnn_narrow_demand,                 \
     .run = fcnn_narrow_run, .context = &(tiles), FCNN_KNOBS(fcnn_narrow_knobs), .revision = 1}

#endif

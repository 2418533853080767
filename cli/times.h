/* SPDX-License-Identifier: BSD-2-Clause
 * What `fastcnn explain --time` measures of a problem's kernels. */
#ifndef CLI_TIMES_H
#define CLI_TIMES_H

#include "lib/fastcnn.h"

/* Of one kernel, with the best knobs that were tried. NAN: not known, or nothing of the kind. */
struct cli_time {
    char choice[512];
    double seconds; /* 0: not tried */
    int threads;
    double of_peak, of_memory; /* parts of what its instruction set allows; memory: inputs read, outputs written once */
    double error;              /* max |x - d| / (2^-24 sum |a b|), d: in double; all kernels of a class have the same */
};

struct cli_times { struct cli_time *of; /* for each index of fcnn_kernel_describe() */ };

/* One search, so that all times come from windows that were interleaved. threads: of the plan; budget: about so many
 * seconds, 0: as fcnn_tune() has it. Shows progress. After any status *times is to be freed. */
fcnn_status cli_times_measure(struct cli_times **times, const fcnn_problem *problem, const fcnn_options *options,
                              int threads, double budget);
void cli_times_free(struct cli_times *times); /* NULL is fine */

#endif

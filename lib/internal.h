/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of lib/ share, and white-box tests and the benchmark may see. Not installed. */
#ifndef FCNN_INTERNAL_H
#define FCNN_INTERNAL_H

#include "kernels/kernel.h"
#include "lib/error.h"
#include "lib/operation.h"

/* ---- problem.c ---- */

/* fcnn_problem_check(), then what kernels may be asked about and run on: an empty batch becomes one image. */
fcnn_status fcnn_problem_complete(fcnn_problem *problem, int *empty);

/* ---- registry.c ---- */

/* The names of all rows of kernels.def, also of those that were not built for this machine. */
extern const char *const fcnn_kernel_names[];
extern const int fcnn_kernel_names_count;

/* ---- cpu.c ---- */

/* Bit i: fcnn_isa i was compiled in and this CPU and its operating system can run it. FCNN_SCALAR is always there. */
unsigned fcnn_cpu_isas(void);
/* Why an instruction set is missing ("this CPU has no AVX-512 (F, VL, DQ, BW)", "not built: see configure"); NULL if it
 * is not. */
const char *fcnn_cpu_missing(fcnn_isa isa);
/* Of the first core. Read once. Where the machine does not tell: fcnn_common_caches. */
const struct fcnn_caches *fcnn_cpu_caches(void);
/* Tests only: pretend that the CPU has just these (a mask; intersected with what was compiled in, not with the real
 * CPU, so a plan made under it may only be looked at); ~0u ends the pretence. */
void fcnn_cpu_pretend(unsigned isas);

/* ---- settings.c: options and environment ---- */

#define FCNN_WORD 256
enum fcnn_planning { FCNN_ESTIMATE, FCNN_MEASURE, FCNN_TUNED_ONLY };
struct fcnn_settings {
    int threads;
    unsigned isas;        /* bit mask of fcnn_isa: those of this CPU within the cap */
    fcnn_isa isa;         /* the highest of them */
    const struct fcnn_isa_row *cap; /* lib/isas.h; NULL: none was asked for */
    unsigned classes;     /* bit mask of fcnn_class */
    const char *kernels;  /* pins: words of less than FCNN_WORD characters, comma separated, or NULL */
    int verbose_dispatch, verbose_exec;
    struct fcnn_caches caches; /* FASTCNN_CACHES, or this CPU's */
    enum fcnn_planning planning;
    fcnn_tuning *tuning; /* NULL: the process's */
};
/* Of a comma-separated list; commas within braces do not end a word. */
size_t fcnn_word_length(const char *list);
/* FASTCNN_CACHES, or this CPU's. */
fcnn_status fcnn_caches_read(struct fcnn_caches *caches);
fcnn_status fcnn_settings_read(struct fcnn_settings *settings, const fcnn_options *options);

/* ---- demand.c ---- */

/* Why a row cannot serve a problem of its operation and direction: its own limits, or an absurd demand of memory even
 * when cut for fcnn_common_caches. NULL: it can. No machine has a say in it. */
const char *fcnn_unservable(const struct fcnn_kernel *kernel, const fcnn_problem *problem);
/* Whether a choice demands no absurd amount of memory. */
int fcnn_affordable(const struct fcnn_choice *choice, const fcnn_problem *problem);
/* What one thread may take, at 50 GFLOP/s and 10 GB/s. */
double fcnn_rough_nanoseconds(const fcnn_problem *problem);
/* A servable row with the standard values of its knobs for these caches, or for fcnn_common_caches where those would
 * not be affordable. */
struct fcnn_choice fcnn_standard_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                        const struct fcnn_caches *caches);

/* ---- dispatch.c ---- */

/* The best kernel for a checked problem, or NULL with the error set and *status. */
const struct fcnn_kernel *fcnn_dispatch(const fcnn_problem *problem, const struct fcnn_settings *settings,
                                        fcnn_status *status);
/* What a plan runs, and who says so. */
enum fcnn_origin { FCNN_ESTIMATED, FCNN_TUNED, FCNN_PINNED };
struct fcnn_decision {
    struct fcnn_choice choice;
    int team; /* threads, at most; of its tasks there may be fewer */
    enum fcnn_origin origin;
    double gain; /* FCNN_TUNED: over the estimate, when it was measured */
};
/* Without the tuning table: what was asked for by name, else fcnn_dispatch()'s row with standard knobs. */
fcnn_status fcnn_estimate(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          struct fcnn_decision *decision);
/* With it: names win over the table, the table over the estimate. Measures if the settings say so. */
fcnn_status fcnn_decide(const fcnn_problem *problem, const struct fcnn_settings *settings,
                        struct fcnn_decision *decision);
/* Looks into the table: 1 and the decision if it has a choice that can be used under these settings. */
int fcnn_decide_by_table(const fcnn_problem *problem, const struct fcnn_settings *settings,
                         struct fcnn_decision *decision);
/* The class whose bits a problem gets: one of `allowed` (a mask), by the problem alone and never by the machine; -1 if
 * no row of any of them can compute it. */
int fcnn_dispatch_class(const fcnn_problem *problem, unsigned allowed);
/* Why `kernel` cannot be taken, or NULL. A constant. */
const char *fcnn_dispatch_reason(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                 const struct fcnn_settings *settings);
/* Whether the kernel that was taken was asked for by name. */
int fcnn_dispatch_asked(const struct fcnn_kernel *kernel, const struct fcnn_settings *settings);
/* If the kernel that was taken is one for want of better: what it is that those cannot do ("padded images of 2^31
 * values or more"); else NULL. */
const char *fcnn_dispatch_limit(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                const struct fcnn_settings *settings);

/* ---- explain.c ---- */

extern const char *const fcnn_origins[]; /* the word for each */
/* What FASTCNN_VERBOSE=dispatch says of a decision on stderr: a line of comma-separated values for each row of the
 * operation and direction; before the first one of the process, a line with the fields' names. */
void fcnn_report_dispatch(const fcnn_problem *problem, const struct fcnn_settings *settings,
                          const struct fcnn_decision *decision);

/* ---- tensors.c: which tensors a problem has ---- */

#define FCNN_MAX_TENSORS 8
/* All at once of what fcnn_problem_tensors() gives one by one, for a checked problem; returns their number. */
int fcnn_tensor_list(const fcnn_problem *problem, struct fcnn_tensor_info list[FCNN_MAX_TENSORS]);

/* ---- peak.c ---- */

/* Seconds in which the calling thread goes once through all streams (kernels/peak/peak.h; at most FCNN_MAX_STREAMS):
 * no kernel that moves these bytes can be faster. NAN if this CPU cannot run that instruction set. */
struct fcnn_stream;
double fcnn_measure_streams(fcnn_isa isa, const struct fcnn_stream *streams, int count, double seconds);

/* ---- plan.c ---- */

/* A plan of a given choice for a problem that passed fcnn_problem_complete(), which said `empty`. */
fcnn_status fcnn_plan_make(fcnn_plan **plan, const fcnn_problem *problem, int empty,
                           const struct fcnn_settings *settings, const struct fcnn_decision *decision);
/* At most `wanted` threads, and no more than there are tasks in the widest stage. */
int fcnn_useful_threads(const struct fcnn_demand *demand, int wanted);
/* Runs one kernel over its stages with memory that the caller brings: all tasks of a stage in pieces of `piece` tasks
 * (0: all at once). For tests and the benchmark; fcnn_execute() is the way for everybody else. */
void fcnn_run_stages(const struct fcnn_choice *choice, const fcnn_problem *problem, const fcnn_tensors *tensors,
                     const struct fcnn_memory *memory, const struct fcnn_demand *demand, int64_t piece);

#endif

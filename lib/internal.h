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
struct fcnn_settings {
    int threads;
    unsigned isas;        /* bit mask of fcnn_isa: those of this CPU within the cap */
    fcnn_isa isa;         /* the highest of them */
    const struct fcnn_isa_row *cap; /* lib/isas.h; NULL: none was asked for */
    unsigned classes;     /* bit mask of fcnn_class */
    const char *kernels;  /* pins: words of less than FCNN_WORD characters, comma separated, or NULL */
    int verbose_dispatch, verbose_exec;
    struct fcnn_caches caches; /* FASTCNN_CACHES, or this CPU's */
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
/* A servable row with the standard values of its knobs for these caches, or for fcnn_common_caches where those would
 * not be affordable. */
struct fcnn_choice fcnn_standard_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                        const struct fcnn_caches *caches);

/* ---- dispatch.c ---- */

/* The best kernel for a checked problem, or NULL with the error set and *status. */
const struct fcnn_kernel *fcnn_dispatch(const fcnn_problem *problem, const struct fcnn_settings *settings,
                                        fcnn_status *status);
/* The same with its knobs: those that were asked for by name, else the standard ones. */
fcnn_status fcnn_choose(const fcnn_problem *problem, const struct fcnn_settings *settings,
                        struct fcnn_choice *choice);
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

/* ---- tensors.c: which tensors a problem has ---- */

#define FCNN_MAX_TENSORS 8
/* All at once of what fcnn_problem_tensors() gives one by one, for a checked problem; returns their number. */
int fcnn_tensor_list(const fcnn_problem *problem, struct fcnn_tensor_info list[FCNN_MAX_TENSORS]);

/* ---- peak.c ---- */

/* Seconds in which the calling thread goes once through all streams (kernels/peak/peak.h; at most FCNN_MAX_STREAMS):
 * no kernel that moves these bytes can be faster. NAN if this CPU cannot run that instruction set. */
struct fcnn_stream;
double fcnn_measure_traffic(fcnn_isa isa, const struct fcnn_stream *streams, int count, double seconds);

/* ---- plan.c ---- */

/* Runs one kernel over its stages with memory that the caller brings: all tasks of a stage in pieces of `piece` tasks
 * (0: all at once). For tests and the benchmark; fcnn_execute() is the way for everybody else. */
void fcnn_run_stages(const struct fcnn_choice *choice, const fcnn_problem *problem, const fcnn_tensors *tensors,
                     const struct fcnn_memory *memory, const struct fcnn_demand *demand, int64_t piece);

#endif

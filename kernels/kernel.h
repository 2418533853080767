/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract between kernels and library. Kernels include headers of kernels/ and nothing else of ours
 * (fastcnn_problem.h is the vocabulary they share with callers: problems and tensors).
 *
 * A kernel never allocates, never calls back, keeps no globals, knows nothing of threads. It overwrites its outputs. It may
 * rely on a problem that passed fcnn_problem_check() and that its own unsupported() accepted. */
#ifndef FCNN_KERNEL_H
#define FCNN_KERNEL_H

#include "kernels/fastcnn_problem.h"

/* A kernel works in stages. The library runs the stages in this order with a barrier between them; within a stage the
 * tasks 0 .. tasks[stage]-1 are independent, so that handing them out to threads cannot change a result. */
enum fcnn_stage {
    FCNN_TABLES,  /* writes memory.tables from the problem alone; once, when the plan is made; never split */
    FCNN_PACK,    /* writes memory.packed from weights and bias; skipped if the caller brings packed weights */
    FCNN_GATHER,  /* writes memory.shared from the other inputs */
    FCNN_COMPUTE, /* writes the outputs */
    FCNN_STAGES
};

/* What a kernel needs for a problem: a pure function of the problem. Bytes; every area starts 64-byte aligned. */
struct fcnn_demand {
    size_t tables;  /* lives as long as the plan, read-only after FCNN_TABLES */
    size_t packed;  /* weights in the kernel's layout */
    size_t shared;  /* one per execution */
    size_t scratch; /* one per thread; contents undefined on entry to every run() */
    int64_t tasks[FCNN_STAGES]; /* 0: the kernel has no such stage. tasks[FCNN_COMPUTE] >= 1 */
};

struct fcnn_memory {
    void *tables, *packed, *shared, *scratch;
};

/* One implementation. An object of this type with the kernel's full name is all a kernel file exports. */
struct fcnn_variant {
    /* NULL, or the reason why this problem is not served: a phrase like "window larger than 255 elements". */
    const char *(*unsupported)(const fcnn_problem *problem);
    void (*demand)(const fcnn_problem *problem, struct fcnn_demand *demand); /* *demand is zeroed before */
    /* Tasks first .. last-1 of a stage. */
    void (*run)(const fcnn_problem *problem, const fcnn_tensors *tensors, const struct fcnn_memory *memory,
                enum fcnn_stage stage, int64_t first, int64_t last);
};

/* A row of the table of kernels (kernels.def), as the library sees it. */
struct fcnn_kernel {
    const char *name;
    fcnn_op op;
    fcnn_direction direction;
    fcnn_isa isa;
    fcnn_class numerics;
    const struct fcnn_variant *variant;
};

extern const struct fcnn_kernel fcnn_kernels[];
extern const int fcnn_kernels_count;

/* Images in one block of a backward-weights sum (docs/numerics.md, rule 5): each block is one chain, blocks are added
 * along the fixed tree. Must equal REF_BLOCK in reference/ref.h; tests/check_kernels compares by result. */
#define FCNN_BLOCK 8

#endif

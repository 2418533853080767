/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract between kernels and library. Kernels include headers of kernels/ and nothing else of ours
 * (fastcnn_problem.h is the vocabulary they share with callers: problems and tensors).
 *
 * A kernel never allocates, never calls back, keeps no globals, knows nothing of threads. It overwrites its outputs. It
 * may rely on a problem that passed fcnn_problem_check() and that its own unsupported() accepted. */
#ifndef FCNN_KERNEL_H
#define FCNN_KERNEL_H

#include "kernels/fastcnn_problem.h"

/* Behind the last member of each enum; the public header counts none (a caller must not). */
#define FCNN_ISAS (FCNN_NEON + 1)
#define FCNN_CLASSES (FCNN_BF16 + 1)

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
    size_t sums;    /* one per execution, in FCNN_COMPUTE: every task has its own parts, undefined before its run() */
    size_t scratch; /* one per thread; contents undefined on entry to every run() */
    int64_t tasks[FCNN_STAGES]; /* 0: the kernel has no such stage. tasks[FCNN_COMPUTE] >= 1 */
};

struct fcnn_memory {
    void *tables, *packed, *shared, *sums, *scratch;
};

/* Sizes in bytes of what a core has of the caches: its own first and second level, its share of the last level. */
struct fcnn_caches {
    int64_t l1, l2, share;
};

/* Whether so many bytes stay in a last level of which a core has more than of the second one: they are never far. */
static inline int fcnn_stays_in_share(const struct fcnn_caches *caches, int64_t bytes)
{
    return caches->share > caches->l2 && bytes <= caches->share / 2;
}

/* Whether so many bytes are more than such a share, so that they come from memory. */
static inline int fcnn_leaves_share(const struct fcnn_caches *caches, int64_t bytes)
{
    return caches->share > caches->l2 && bytes > caches->share;
}

/* What the library asks a kernel about, and runs it on. */
struct fcnn_query {
    const fcnn_problem *problem;
    const void *context;              /* the variant's own */
    const struct fcnn_caches *caches; /* of this machine, or what stands for them */
    const int64_t *knobs;             /* one value per knob of the variant; in standard(): of those before this one */
};

typedef const char *fcnn_phrase_fn(const struct fcnn_query *query);
typedef void fcnn_demand_fn(const struct fcnn_query *query, struct fcnn_demand *demand);
typedef void fcnn_run_fn(const struct fcnn_query *query, const fcnn_tensors *tensors, const struct fcnn_memory *memory,
                         enum fcnn_stage stage, int64_t first, int64_t last);

/* A knob: a number by which a kernel cuts its work. It moves time and memory and never a bit: the kernel is right for
 * *every* value from the first to the last listed one (tests/check_kernels draws them), and clamps what a problem has
 * no use for. */
#define FCNN_MAX_KNOBS 8
#define FCNN_KNOB_VALUES 10
struct fcnn_knob {
    const char *name;                 /* lower case letters, digits, _; with a unit where it has one: "chunk_bytes" */
    int count;                        /* of values */
    int64_t values[FCNN_KNOB_VALUES]; /* what a tuner tries, ascending; the first and the last are the limits */
    /* The value without measurement, from the problem and the caches, any from the first to the last (others are
     * brought there); FCNN_MOOT: for this problem the knob changes nothing. */
    int64_t (*standard)(const struct fcnn_query *query);
};
#define FCNN_MOOT INT64_MIN

/* One implementation. An object of this type with the kernel's full name is all a kernel file exports. Phrases are
 * constants like "window larger than 255 elements". */
struct fcnn_variant {
    /* Why this problem *cannot* be computed, or NULL. A function that is NULL has no limits. */
    fcnn_phrase_fn *unsupported;
    /* Why another kernel is expected to be faster for a problem that this one can compute, or NULL; likewise. An
     * opinion: the row is passed over while there is one without, but can be asked for by name; a tuner measures it.
     * In a class other than exact it must depend neither on the instruction set nor on the caches: the scalar rows of a
     * class decide for all whether that class's bits are taken. unsupported() sees neither caches nor knobs, doubt() no
     * knobs. */
    fcnn_phrase_fn *doubt;
    fcnn_demand_fn *demand; /* *demand is zeroed before */
    fcnn_run_fn *run;       /* tasks first .. last-1 of a stage */
    const void *context;    /* what one function needs to serve several rows, such as the tiles of an instruction set */
    const struct fcnn_knob *knobs;
    int knob_count;
    /* Goes up by one when a change to the kernel may have changed which kernel or knobs are best: measured choices of
     * other revisions are stale. */
    int revision;
};
#define FCNN_KNOBS(list) .knobs = (list), .knob_count = FCNN_KNOB_COUNT(sizeof(list) / sizeof *(list))
#define FCNN_KNOB_COUNT(count) ((count) * sizeof(char[(count) <= FCNN_MAX_KNOBS ? 1 : -1])) /* or does not compile */

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

/* A row and how it cuts its work: what a plan runs. */
struct fcnn_choice {
    const struct fcnn_kernel *kernel;
    struct fcnn_caches caches;
    int64_t knobs[FCNN_MAX_KNOBS]; /* those that are moot: their first value */
};

/* Caches that no machine has a say in: for what must be the same everywhere. */
static const struct fcnn_caches fcnn_common_caches = {32 << 10, 1 << 20, 2 << 20};

/* Asks, and runs, a row. The problem must have passed fcnn_problem_check() and be of the row's operation and direction;
 * all but the first want one that the row does not call unsupported. */
static inline const char *fcnn_row_unsupported(const struct fcnn_kernel *kernel, const fcnn_problem *problem)
{
    const struct fcnn_variant *v = kernel->variant;
    return v->unsupported ? v->unsupported(&(struct fcnn_query){problem, v->context, NULL, NULL}) : NULL;
}

static inline const char *fcnn_row_doubt(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                         const struct fcnn_caches *caches)
{
    const struct fcnn_variant *v = kernel->variant;
    return v->doubt ? v->doubt(&(struct fcnn_query){problem, v->context, caches, NULL}) : NULL;
}

/* The value that a row's knob has without measurement, or FCNN_MOOT. */
static inline int64_t fcnn_row_knob(const struct fcnn_choice *choice, const fcnn_problem *problem, int knob)
{
    const struct fcnn_variant *v = choice->kernel->variant;
    const struct fcnn_query query = {problem, v->context, &choice->caches, choice->knobs};
    const int64_t value = v->knobs[knob].standard(&query), most = v->knobs[knob].values[v->knobs[knob].count - 1];
    if (value == FCNN_MOOT) return value;
    return value < v->knobs[knob].values[0] ? v->knobs[knob].values[0] : value > most ? most : value;
}

/* A row with the standard values of its knobs. */
static inline struct fcnn_choice fcnn_row_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem,
                                                 const struct fcnn_caches *caches)
{
    struct fcnn_choice choice = {kernel, *caches, {0}};
    for (int i = 0; i < kernel->variant->knob_count; i++) {
        const int64_t value = fcnn_row_knob(&choice, problem, i);
        choice.knobs[i] = value == FCNN_MOOT ? kernel->variant->knobs[i].values[0] : value;
    }
    return choice;
}

static inline struct fcnn_demand fcnn_row_demand(const struct fcnn_choice *choice, const fcnn_problem *problem)
{
    struct fcnn_demand demand = {0};
    const struct fcnn_variant *v = choice->kernel->variant;
    v->demand(&(struct fcnn_query){problem, v->context, &choice->caches, choice->knobs}, &demand);
    return demand;
}

static inline void fcnn_row_run(const struct fcnn_choice *choice, const fcnn_problem *problem,
                                const fcnn_tensors *tensors, const struct fcnn_memory *memory, enum fcnn_stage stage,
                                int64_t first, int64_t last)
{
    const struct fcnn_variant *v = choice->kernel->variant;
    const struct fcnn_query query = {problem, v->context, &choice->caches, choice->knobs};
    v->run(&query, tensors, memory, stage, first, last);
}

/* Images in one block of a backward-weights sum (docs/numerics.md, rule 5): each block is one chain, blocks are added
 * along the fixed tree. Must equal REF_BLOCK in reference/ref.h; tests/check_kernels compares by result. */
#define FCNN_BLOCK 8

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * libfastcnn: kernels of convolutional networks for CPUs, forward and backward, with one promise:
 * every kernel of class `exact` computes the same bits on every instruction set and at any number of threads.
 *
 * The way of working is FFTW's: describe a problem, plan it once, execute the plan many times.
 *
 *     fcnn_problem p = {.op = FCNN_CONV2D, .direction = FCNN_FORWARD, .n = 64, .h = 13, .w = 13, .c = 32,
 *                       .k = 64, .r = 3, .s = 3, .activation = FCNN_RELU_ACTIVATION};
 *     fcnn_plan *plan;
 *     if (fcnn_plan_create(&plan, &p, NULL) != FCNN_OK) puts(fcnn_last_error());
 *     fcnn_execute(plan, &(fcnn_tensors){.src = x, .weights = w, .bias = b, .dst = y});
 *     fcnn_plan_destroy(plan);
 *
 * Letters: N images of H x W pixels with C channels; K output channels; R x S filter or window; P x Q output.
 * Layouts: images NHWC, filters RSCK (Keras' HWIO), dense weights CK. All tensors are dense float32 arrays.
 * Threads: every function may be called from any thread. A plan may be executed by several threads at a time
 * if each brings its own workspace (fcnn_tensors.workspace); creating and destroying plans is always safe.
 * Plans run on threads of the library, asleep from 0.2 ms after a call on, which block all signals and are never pinned
 * to cores. Where the system refuses a thread (limits of users, containers, address space), an execution uses those
 * that there are, at worst the caller's own; results are the same. In an OpenMP parallel region the caller is alone.
 * fork(): a child has no threads of its parent and starts its own; there plans run and models train as before. A child
 * that is forked from a callback must not return from it. The library stays in memory after dlclose(), for its threads.
 * Errors: functions return a status; fcnn_last_error() has the sentence for people. Nothing here prints
 * (except what FASTCNN_VERBOSE asks for, on stderr), exits or aborts. The numerics contract: docs/numerics.md. */
#ifndef FASTCNN_H
#define FASTCNN_H

#include <stddef.h>
#include <stdint.h>

#include "fastcnn_problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; fcnn_version() is the library's. */
#define FCNN_VERSION_MAJOR 0
#define FCNN_VERSION_MINOR 1
#define FCNN_VERSION_PATCH 0

#if defined(__GNUC__)
#define FCNN_API __attribute__((visibility("default")))
#else
#define FCNN_API
#endif

/* A program runs unchanged with every later library, whose structs may have more members at their ends (0 in them means
 * what was done before there was such a member) and whose enums may have more members (with other values). For that,
 * each function that reads or writes a caller's struct is an inline one: it calls an exported function whose name ends
 * in _sized and which is told how large the struct is for this program. Bindings of other languages call that one. A
 * program newer than its library gets FCNN_BAD_ARGUMENT where it sets a member that the library does not know. */
#define FCNN_INLINE static inline

/* ---- status ---- */

typedef enum fcnn_status {
    FCNN_OK = 0,
    FCNN_BAD_ARGUMENT = 1,  /* a NULL or out-of-range argument, a missing tensor */
    FCNN_BAD_SHAPE = 2,     /* a size is zero or negative, the output would be empty, or sizes overflow */
    FCNN_BAD_SETTING = 3,   /* FASTCNN_ISA, FASTCNN_KERNEL, FASTCNN_MATH or a thread count cannot be understood */
    FCNN_NO_KERNEL = 4,     /* no kernel that is allowed and available serves the problem */
    FCNN_OUT_OF_MEMORY = 5,
    FCNN_BAD_DATA = 6,      /* a file or a tensor's content is not what it should be (label out of range, bad magic) */
    FCNN_NO_FILE = 7,       /* a file is missing or cannot be read */
    FCNN_INTERRUPTED = 8,   /* a callback asked to stop */
    FCNN_DIVERGED = 9,      /* training came to numbers that are not finite */
    FCNN_NOT_TUNED = 10,    /* only measured choices were asked for, and there is none for this problem */
} fcnn_status;

/* A constant phrase for a status, e.g. "bad shape". Never NULL. */
FCNN_API const char *fcnn_status_text(fcnn_status status);

/* The sentence that explains the last failure in this thread: what was wrong, what was expected, what was found.
 * Owned by the library, valid until the next fcnn call of this thread. "" if nothing failed yet. */
FCNN_API const char *fcnn_last_error(void);

/* "0.1.0"; and what the numbers depend on: "fastcnn 0.1.0, numerics 1", and that 1: other bits are to be expected of
 * another one. From any thread; the texts are the library's own. */
FCNN_API const char *fcnn_version(void);
FCNN_API const char *fcnn_version_details(void);
FCNN_API int fcnn_numerics_version(void);

/* Where memory comes from that grows with problems: workspaces and tables of plans, all arrays of models. NULL
 * functions: the library's own (aligned_alloc(), large blocks on huge pages where the system grants them). What is
 * small comes from malloc(). */
typedef struct fcnn_allocator {
    /* `bytes` (at least 1, a multiple of the alignment) at a multiple of `alignment` (a power of two, at least 64), of
     * any contents; NULL: there is no memory, which becomes FCNN_OUT_OF_MEMORY. */
    void *(*allocate)(void *context, size_t bytes, size_t alignment);
    void (*release)(void *context, void *memory);
    void *context; /* handed to both, which may be called from any thread at any time and must call nothing of fcnn */
} fcnn_allocator;

/* Before anything else and while no other thread is in the library: *allocator is copied; NULL brings the library's own
 * back. FCNN_BAD_ARGUMENT: one function of two, or memory of the allocator before is still in use. */
FCNN_API fcnn_status fcnn_set_allocator_sized(const fcnn_allocator *allocator, size_t allocator_size);
FCNN_INLINE fcnn_status fcnn_set_allocator(const fcnn_allocator *allocator)
{
    return fcnn_set_allocator_sized(allocator, sizeof *allocator);
}

/* ---- problems: fastcnn_problem.h has the struct ---- */

/* Completes a problem in place (defaults, padding, p, q; what has no effect: fastcnn_problem.h) and checks it: FCNN_OK,
 * FCNN_BAD_ARGUMENT or FCNN_BAD_SHAPE; after a failure it is as it was. Checking it again changes nothing. */
FCNN_API fcnn_status fcnn_problem_check_sized(fcnn_problem *problem, size_t problem_size);
FCNN_INLINE fcnn_status fcnn_problem_check(fcnn_problem *problem)
{
    return fcnn_problem_check_sized(problem, sizeof *problem);
}

/* Reads "conv2d+relu forward mb64ic32ih13oc64oh11kh3ph0": operation, direction and sizes. Operations: conv2d,
 * conv2d+relu, conv2d+relu+maxpool, dense, dense+relu, maxpool, avgpool, relu, softmax, cross_entropy, reduce, adam,
 * sgd, sigmoid, tanh, dropout, mse, categorical_cross_entropy, batch_sums, batch_norm, rmsprop; directions:
 * forward, backward_data, backward_weights, update. A last word "nobias" drops the bias. The result has passed
 * fcnn_problem_check(); *problem is left alone after a failure.
 * Sizes are a descriptor of oneDNN's benchdnn with the same meaning or are refused: g mb ic ih iw oc oh ow kh kw sh sw
 * ph pw dh dw, each at most once, with its number; "_" between them is skipped; a name (n"alexnet:conv1") ends them.
 * Without mb there are 2 images (1 in operations that benchdnn does not have). No width at all means a square, no
 * height at all a row. What is mentioned needs input and window (ih, kh); stride 1, dilation 0 (the elements left out)
 * and padding 0 may be left out. ph is the padding at the top; that at the bottom is the same, or follows from oh. With
 * oh and no ph they are equal, an odd rest at the bottom. Refused: 0 where a size must be positive, sizes that an
 * operation does not read, an oh that asks for absurd padding, three dimensions (id, od, kd, sd, pd, dd). */
FCNN_API fcnn_status fcnn_problem_parse_sized(fcnn_problem *problem, size_t problem_size, const char *text);
FCNN_INLINE fcnn_status fcnn_problem_parse(fcnn_problem *problem, const char *text)
{
    return fcnn_problem_parse_sized(problem, sizeof *problem, text);
}

/* Writes the same syntax, for the problem as fcnn_problem_check() completes it; at most `size` bytes with the NUL (text
 * NULL: none). Returns the length needed, as snprintf. "invalid problem" for one that is refused or NULL. An empty
 * batch is written as mb0, which fcnn_problem_parse() refuses. */
FCNN_API int fcnn_problem_format_sized(const fcnn_problem *problem, size_t problem_size, char *text, size_t size);
FCNN_INLINE int fcnn_problem_format(const fcnn_problem *problem, char *text, size_t size)
{
    return fcnn_problem_format_sized(problem, sizeof *problem, text, size);
}

/* Multiply-adds of the direct algorithm times two, for the problem as fcnn_problem_check() completes it; padding is not
 * counted. 0 for operations without multiply-adds, for a problem that is refused and for NULL. */
FCNN_API double fcnn_problem_flops_sized(const fcnn_problem *problem, size_t problem_size);
FCNN_INLINE double fcnn_problem_flops(const fcnn_problem *problem)
{
    return fcnn_problem_flops_sized(problem, sizeof *problem);
}

/* Describes tensor `index` (0, 1, ...) of a problem as fcnn_problem_check() completes it: what an execution needs.
 * FCNN_BAD_ARGUMENT past the last one. Optional ones (bias with no_bias) are left out. */
FCNN_API fcnn_status fcnn_problem_tensors_sized(const fcnn_problem *problem, size_t problem_size, int index,
                                                fcnn_tensor_info *info, size_t info_size);
FCNN_INLINE fcnn_status fcnn_problem_tensors(const fcnn_problem *problem, int index, fcnn_tensor_info *info)
{
    return fcnn_problem_tensors_sized(problem, sizeof *problem, index, info, sizeof *info);
}

/* ---- kernels and plans ---- */

/* The most threads of a plan or a model. */
#define FCNN_MAX_THREADS 1024

/* Zero-initialise. What is 0 or NULL here comes from the environment, then from the machine. */
typedef struct fcnn_options {
    int threads;        /* 1 to FCNN_MAX_THREADS; else FASTCNN_NUM_THREADS, else OpenMP's number (OMP_NUM_THREADS, else
                         * the cores that the process may use). OMP_THREAD_LIMIT is a limit here too. */
    const char *isa;    /* "scalar" "avx2" "avx512" (on ARM: "neon"): use nothing beyond; else FASTCNN_ISA; else all
                          * the CPU has */
    const char *math;   /* "exact", "winograd_f2", "winograd_f4", comma separated; else FASTCNN_MATH; else "exact" */
    const char *kernel; /* kernels to pin, comma separated, each for its own operation and direction; an entry with a
                         * '*' ("*_naive", "*_im2col_*") is a wish that is passed over where none of its kernels can
                         * serve; a full name may end with knobs ("conv2d_fwd_direct_avx512{block_pixels=256}"); else
                         * FASTCNN_KERNEL */
    const char *planning; /* "estimate": a choice that the tuning table has, else one without timing; "measure": else
                           * measures and puts it into the table; "tuned_only": else fails with FCNN_NOT_TUNED; else
                           * FASTCNN_PLANNING; else "estimate" */
    struct fcnn_tuning *tuning; /* else the process's: fcnn_tuning_default() */
} fcnn_options;

typedef struct fcnn_plan fcnn_plan;

/* Chooses a kernel for a problem (completed by fcnn_problem_check() on a copy) and prepares all that does not depend on
 * the tensors. *plan is NULL after a failure. Destroy with fcnn_plan_destroy(). */
FCNN_API fcnn_status fcnn_plan_create_sized(fcnn_plan **plan, const fcnn_problem *problem, size_t problem_size,
                                            const fcnn_options *options, size_t options_size);
FCNN_INLINE fcnn_status fcnn_plan_create(fcnn_plan **plan, const fcnn_problem *problem, const fcnn_options *options)
{
    return fcnn_plan_create_sized(plan, problem, sizeof *problem, options, sizeof *options);
}
FCNN_API void fcnn_plan_destroy(fcnn_plan *plan); /* NULL is fine */

/* Of NULL: "" and 0. */
FCNN_API const char *fcnn_plan_kernel(const fcnn_plan *plan); /* the kernel's name, e.g. "conv2d_fwd_direct_avx512" */
FCNN_API int fcnn_plan_threads(const fcnn_plan *plan); /* that executions ask for: not more than there is work for */
FCNN_API size_t fcnn_plan_workspace(const fcnn_plan *plan); /* bytes */
FCNN_API size_t fcnn_plan_packed(const fcnn_plan *plan);    /* bytes fcnn_pack() writes; 0: this kernel packs nothing */

/* What a plan came to. Strings live as long as the plan. */
typedef struct fcnn_plan_info {
    const char *kernel;      /* fcnn_plan_kernel() */
    fcnn_isa isa;            /* the kernel's */
    fcnn_class numerics;     /* the kernel's */
    int threads;             /* fcnn_plan_threads() */
    int team;                /* threads that the last execution had, by any caller: fewer where the system gave no more
                              * or in a parallel region; 0: not executed yet */
    size_t workspace, packed, tables; /* bytes; the tables are the plan's own memory */
    int most_threads;        /* the setting: from the options, the environment or the machine */
    unsigned classes;        /* bit i: fcnn_class i was allowed */
    const char *pins;        /* kernels asked for, "" if none */
    const char *choice;      /* the kernel with the knobs that matter here: "conv2d_fwd_direct_avx512{panel=2}" */
    const char *origin;      /* who chose: "estimate", "tuned" (the tuning table) or "pinned" (asked for by name) */
    double gain;             /* tuned: time of the estimate over time of the choice, when it was measured; else 1 */
} fcnn_plan_info;
FCNN_API fcnn_status fcnn_plan_describe_sized(const fcnn_plan *plan, fcnn_plan_info *info, size_t info_size);
FCNN_INLINE fcnn_status fcnn_plan_describe(const fcnn_plan *plan, fcnn_plan_info *info)
{
    return fcnn_plan_describe_sized(plan, info, sizeof *info);
}

/* Runs the plan. FCNN_BAD_ARGUMENT names a missing tensor, a workspace or packed weights that are not 64-byte aligned,
 * or says that another thread is executing in the plan's own workspace; FCNN_BAD_DATA a label outside 0..C-1 (nothing
 * is written then); FCNN_OUT_OF_MEMORY cannot happen: memory is the plan's since its creation. */
FCNN_API fcnn_status fcnn_execute_sized(const fcnn_plan *plan, const fcnn_tensors *tensors, size_t tensors_size,
                                        size_t hyper_size);
FCNN_INLINE fcnn_status fcnn_execute(const fcnn_plan *plan, const fcnn_tensors *tensors)
{
    return fcnn_execute_sized(plan, tensors, sizeof *tensors, sizeof *tensors->hyper);
}

/* Rewrites weights and bias into the kernel's own layout, for many executions between two changes of the weights, on
 * the plan's threads. `packed`: fcnn_plan_packed() bytes, 64-byte aligned, owned by the caller. */
FCNN_API fcnn_status fcnn_pack(const fcnn_plan *plan, const float *weights, const float *bias, void *packed);

/* The table of kernels, in its order. Index 0 .. fcnn_kernel_count()-1. */
typedef struct fcnn_kernel_info {
    const char *name;
    fcnn_op op;
    fcnn_direction direction;
    fcnn_isa isa;
    fcnn_class numerics;
    const char *missing; /* NULL: this CPU can run it; else why not, e.g. "this CPU has no AVX2 with FMA" */
} fcnn_kernel_info;

FCNN_API int fcnn_kernel_count(void);
/* FCNN_BAD_ARGUMENT for another index: the name is "" then, and `missing` says so. */
FCNN_API fcnn_status fcnn_kernel_describe_sized(int index, fcnn_kernel_info *info, size_t info_size);
FCNN_INLINE fcnn_kernel_info fcnn_kernel_describe(int index)
{
    fcnn_kernel_info info;
    fcnn_kernel_describe_sized(index, &info, sizeof info);
    return info;
}
/* A number by which a kernel cuts its work: it moves time and never a bit. Constants. */
typedef struct fcnn_knob_info {
    const char *name;
    int count;             /* of values */
    const int64_t *values; /* that are tried, ascending; any between the first and the last can be asked for */
} fcnn_knob_info;
/* Knob 0, 1, ... of a kernel; FCNN_BAD_ARGUMENT past the last one. */
FCNN_API fcnn_status fcnn_knob_describe_sized(int kernel, int knob, fcnn_knob_info *info, size_t info_size);
FCNN_INLINE fcnn_status fcnn_knob_describe(int kernel, int knob, fcnn_knob_info *info)
{
    return fcnn_knob_describe_sized(kernel, knob, info, sizeof *info);
}
/* The name of a value, "unknown" for one that there is not. Constants. */
FCNN_API const char *fcnn_op_name(fcnn_op op);
FCNN_API const char *fcnn_direction_name(fcnn_direction direction);
FCNN_API const char *fcnn_isa_name(fcnn_isa isa);
FCNN_API const char *fcnn_class_name(fcnn_class numerics);

/* What dispatch thinks of one kernel for one problem. The strings are constants; all are phrases for people. */
typedef struct fcnn_verdict {
    const char *kernel; /* its name */
    fcnn_isa isa;
    fcnn_class numerics;
    int chosen;         /* 1: a plan would take it */
    const char *reason; /* NULL: it can be taken; else why not: machine, settings, or what it cannot compute */
    const char *doubt;  /* it can be taken, but this speaks for another one; NULL: nothing does */
    const char *limit;  /* chosen for want of better: what those cannot compute; else NULL */
    const char *why;    /* why it is chosen, or why not; never NULL */
} fcnn_verdict;

/* Explains the choice of fcnn_plan_create() for a problem under the given options (NULL: defaults), kernel by kernel:
 * index 0 .. fcnn_kernel_count()-1. Nothing is measured for it. FCNN_NO_KERNEL or FCNN_NOT_TUNED, with a verdict: a
 * plan would fail so (what was asked for by name cannot serve). FCNN_BAD_ARGUMENT, FCNN_BAD_SHAPE, FCNN_BAD_SETTING:
 * there is no verdict. */
FCNN_API fcnn_status fcnn_explain_sized(int index, const fcnn_problem *problem, size_t problem_size,
                                        const fcnn_options *options, size_t options_size, fcnn_verdict *verdict,
                                        size_t verdict_size);
FCNN_INLINE fcnn_status fcnn_explain(int index, const fcnn_problem *problem, const fcnn_options *options,
                                     fcnn_verdict *verdict)
{
    return fcnn_explain_sized(index, problem, sizeof *problem, options, sizeof *options, verdict, sizeof *verdict);
}

/* Checks isa, math, kernel names and threads, from the options and the environment, without planning anything. */
FCNN_API fcnn_status fcnn_options_check_sized(const fcnn_options *options, size_t options_size);
FCNN_INLINE fcnn_status fcnn_options_check(const fcnn_options *options)
{
    return fcnn_options_check_sized(options, sizeof *options);
}

/* The number of threads that options and environment come to, 1 to FCNN_MAX_THREADS; 0 where fcnn_options_check()
 * fails. */
FCNN_API int fcnn_options_threads_sized(const fcnn_options *options, size_t options_size);
FCNN_INLINE int fcnn_options_threads(const fcnn_options *options)
{
    return fcnn_options_threads_sized(options, sizeof *options);
}

/* What dispatch knows of this machine. */
typedef struct fcnn_machine {
    char cpu[64];                  /* brand string */
    unsigned isas;                 /* bit i: fcnn_isa i can be used */
    int cores;                     /* usable by this process */
    long l1d, l2, l3;              /* bytes per core, per core, shared; 0: unknown */
    const char *features;          /* "sse4.2 avx2 fma avx512f avx512bw ...": a constant */
} fcnn_machine;
FCNN_API void fcnn_machine_describe_sized(fcnn_machine *machine, size_t machine_size); /* NULL: nothing */
FCNN_INLINE void fcnn_machine_describe(fcnn_machine *machine)
{
    fcnn_machine_describe_sized(machine, sizeof *machine);
}

/* Repeats fused multiply-adds from registers with the given instruction set for about `seconds`; returns the measured
 * GFLOP/s of the calling thread: the denominator of every "% of peak". 0 if this CPU cannot run that instruction
 * set. */
FCNN_API double fcnn_measure_peak(fcnn_isa isa, double seconds);

/* Seconds in which each input of a problem is read and each output written once, by plain vector loads and stores of an
 * instruction set, from whatever caches they fit: the other denominator, of "% of memory" (Williams, Waterman,
 * Patterson: Roofline, 2009). Each of `threads` threads that measure at once gets its share of every tensor; what
 * counts is then the slowest. Takes about `seconds`, and as much memory as the share, from the library's allocator.
 * NAN: that CPU cannot run the set, the problem is wrong, threads < 1, or no memory. Thread-safe. */
FCNN_API double fcnn_measure_traffic(fcnn_isa isa, const fcnn_problem *problem, int threads, double seconds);

#ifdef __cplusplus
}
#endif

#include "fastcnn_tuning.h"
#include "fastcnn_net.h"
#include "fastcnn_run.h"

#endif

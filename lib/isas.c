/* SPDX-License-Identifier: BSD-2-Clause
 * The rows of the table of instruction sets. tests/check_isas.c compares `needs` with configure's flags. */
#include "lib/isas.h"

#include "kernels/peak/peak.h"

#define PHRASES(name) .capped = "the instruction set is capped at " name, .first = name " goes first"
#define AVX2_FMA (FCNN_FEATURE_AVX2 | FCNN_FEATURE_FMA)

const struct fcnn_isa_row fcnn_isas[FCNN_ISAS] = {
    [FCNN_SCALAR] = {"scalar", FCNN_EVERYWHERE, 0, FCNN_NO_FEATURE, PHRASES("scalar"),
                     FCNN_IF_SCALAR(.built = 1, .loops = &fcnn_loops_scalar)},
    [FCNN_AVX2] = {"avx2", FCNN_X86, 1, AVX2_FMA, PHRASES("avx2"), .missing = "this CPU has no AVX2 with FMA",
                   .unbuilt = "no AVX2 kernels in this build (see configure)",
                   FCNN_IF_AVX2(.built = 1, .loops = &fcnn_loops_avx2)},
    [FCNN_AVX512] = {"avx512", FCNN_X86, 2,
                     FCNN_FEATURE_FMA | FCNN_FEATURE_AVX512F | FCNN_FEATURE_AVX512VL | FCNN_FEATURE_AVX512DQ |
                         FCNN_FEATURE_AVX512BW,
                     PHRASES("avx512"), .missing = "this CPU has no AVX-512 (F, VL, DQ, BW)",
                     .unbuilt = "no AVX-512 kernels in this build (see configure)",
                     FCNN_IF_AVX512(.built = 1, .loops = &fcnn_loops_avx512)},
    [FCNN_NEON] = {"neon", FCNN_ARM, 1, FCNN_FEATURE_ASIMD, PHRASES("neon"), .missing = "this CPU has no NEON",
                   .unbuilt = "no NEON kernels in this build (see configure)",
                   FCNN_IF_NEON(.built = 1, .loops = &fcnn_loops_neon)},
};

#if defined(__x86_64__) || defined(__i386__)
const enum fcnn_family fcnn_family_here = FCNN_X86;
#elif defined(__aarch64__) || defined(__arm__)
const enum fcnn_family fcnn_family_here = FCNN_ARM;
#else
const enum fcnn_family fcnn_family_here = FCNN_EVERYWHERE;
#endif

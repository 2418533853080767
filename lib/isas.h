/* SPDX-License-Identifier: BSD-2-Clause
 * The table of instruction sets. Registry, detection of the CPU, settings, dispatch and the measuring loops read its
 * rows; docs/adding-a-kernel.md lists what else a new one takes. */
#ifndef FCNN_ISAS_H
#define FCNN_ISAS_H

#include "kernels/kernel.h"

/* FCNN_IF_AVX2(...) is its arguments if the kernels of that instruction set were built (configure), else nothing. */
#define FCNN_IF_SCALAR(...) __VA_ARGS__
#ifdef FCNN_HAVE_AVX2
#define FCNN_IF_AVX2(...) __VA_ARGS__
#else
#define FCNN_IF_AVX2(...)
#endif
#ifdef FCNN_HAVE_AVX512
#define FCNN_IF_AVX512(...) __VA_ARGS__
#else
#define FCNN_IF_AVX512(...)
#endif
#ifdef FCNN_HAVE_NEON
#define FCNN_IF_NEON(...) __VA_ARGS__
#else
#define FCNN_IF_NEON(...)
#endif

/* What a CPU has or lacks, by the compiler's names of it: X(member of the enum, name). */
#define FCNN_FEATURES(X) FCNN_X86_FEATURES(X) FCNN_ARM_FEATURES(X)
#define FCNN_ARM_FEATURES(X) X(ASIMD, "asimd")
#define FCNN_X86_FEATURES(X)                                                                                           \
    X(SSE4_2, "sse4.2") X(AVX, "avx") X(AVX2, "avx2") X(FMA, "fma") X(AVX512F, "avx512f") X(AVX512VL, "avx512vl")      \
    X(AVX512DQ, "avx512dq") X(AVX512BW, "avx512bw")
#define FCNN_FEATURE_BIT(name, text) FCNN_BIT_##name,
#define FCNN_FEATURE_MASK(name, text) FCNN_FEATURE_##name = 1 << FCNN_BIT_##name,
enum { FCNN_FEATURES(FCNN_FEATURE_BIT) FCNN_FEATURE_COUNT };
enum { FCNN_FEATURES(FCNN_FEATURE_MASK) FCNN_NO_FEATURE = 0 };

/* A machine has the sets of one family, and what runs everywhere. */
enum fcnn_family { FCNN_EVERYWHERE, FCNN_X86, FCNN_ARM };

struct fcnn_isa_row {
    const char *name;
    enum fcnn_family family;
    int rank;              /* in the family: dispatch prefers the highest, a cap cuts off what is above it; scalar: 0 */
    unsigned needs;        /* FCNN_FEATURE_..: exactly what its kernels are compiled with */
    int built;
    const char *missing;   /* phrases: why a CPU cannot run it; */
    const char *unbuilt;   /* why there are no kernels of it; */
    const char *capped;    /* why a higher one is not taken under this cap; */
    const char *first;     /* why a lower one is not taken beside this one */
    const struct fcnn_loops *loops; /* kernels/peak/peak.h; NULL if it was not built */
};
extern const struct fcnn_isa_row fcnn_isas[FCNN_ISAS];

/* The family of the machines that this library was built for. */
extern const enum fcnn_family fcnn_family_here;

/* Whether a cap leaves an instruction set: the same family, and no higher rank. What runs everywhere is always left. */
static inline int fcnn_isa_is_within(const struct fcnn_isa_row *isa, const struct fcnn_isa_row *cap)
{
    return isa->family == FCNN_EVERYWHERE || (isa->family == cap->family && isa->rank <= cap->rank);
}

/* ---- names.c: the classes, as phrases ---- */

struct fcnn_class_row {
    const char *name;
    const char *refused; /* why a row of this class is not taken where it was not allowed */
    const char *first;   /* why a row of another class is not taken beside this one */
};
extern const struct fcnn_class_row fcnn_classes[FCNN_CLASSES];

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * What bodies need beside vectors. A body is compiled once per instruction set: the stub includes vector_<isa>.h
 * first. */
#ifndef FCNN_COMMON_H
#define FCNN_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* Loops with constant bounds over arrays of vectors must vanish, or the arrays live in memory (in scalar code they do
 * anyway). */
#if VL == 1
#define FCNN_UNROLL
#elif defined(__clang__)
#define FCNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FCNN_UNROLL _Pragma("GCC unroll 32")
#endif

#define FCNN_INLINE static inline __attribute__((always_inline))

#define FCNN_LIVE_WORD 64 /* values of which a word says, bit by bit, that they are not zero (live.h) */

/* p + step, which may lie outside of p's array: what is only prefetched, or begins a row that there is not. C has no
 * such sum of pointers, but of integers; the instructions are the same. */
#define FCNN_BEYOND(p, step) ((__typeof__(p))((uintptr_t)(p) + (uintptr_t)(step) * sizeof *(p)))

/* The same, added where it is used: else compilers compute all addresses of a tile beforehand, and spill them. */
FCNN_INLINE const float *fcnn_next(const float *p, int64_t step)
{
    p = FCNN_BEYOND(p, step);
    __asm__("" : "+r"(p));
    return p;
}

#ifdef FCNN_VECTOR_H
#define VEC_HAS_TAILS (VL > 1) /* a vector of one lane is never partial */

/* Lanes of `real`, all of them if `whole`, a constant: Intel's masked loads take a place among the multiply-adds. */
FCNN_INLINE vec vec_load_real(const float *p, const int whole, mask real)
{
    return whole ? vec_load(p) : vec_load_masked(p, real);
}

/* All lanes, which the compiler does not know, so that it leaves loads under this mask as they are. */
FCNN_INLINE mask mask_of_all(void)
{
    int64_t lanes = VL;
    __asm__("" : "+r"(lanes));
    return vec_first(lanes);
}
#endif

static inline int64_t fcnn_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t fcnn_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t fcnn_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* Bytes rounded up to a cache line. */
static inline size_t fcnn_line(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif

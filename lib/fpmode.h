/* SPDX-License-Identifier: BSD-2-Clause
 * The floating-point mode of a thread: round to nearest, gradual underflow, no traps (docs/numerics.md, rule 10). Other
 * libraries flip it process-wide, so every execution sets it and puts the caller's back. */
#ifndef FCNN_FPMODE_H
#define FCNN_FPMODE_H

#if defined(__x86_64__)
#include <xmmintrin.h>

typedef unsigned fcnn_fpmode;
static inline fcnn_fpmode fcnn_fpmode_enter(void)
{
    fcnn_fpmode saved = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return saved;
}
static inline void fcnn_fpmode_leave(fcnn_fpmode saved) { _mm_setcsr(saved); }

#else
#include <fenv.h>

typedef fenv_t fcnn_fpmode;
static inline fcnn_fpmode fcnn_fpmode_enter(void)
{
    fcnn_fpmode saved;
    fegetenv(&saved);
    fesetenv(FE_DFL_ENV);
    return saved;
}
static inline void fcnn_fpmode_leave(fcnn_fpmode saved) { fesetenv(&saved); }
#endif

#endif

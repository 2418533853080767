/* SPDX-License-Identifier: BSD-2-Clause
 * Values that are too small to matter count as 0 where they are born, so that no multiply-add meets a denormal
 * (docs/numerics.md, rule 10). Must equal the REF_TINY_ constants of reference/ref.h; tests compare by result. */
#ifndef FCNN_FLUSH_H
#define FCNN_FLUSH_H

#define TINY_GRADIENT 0x1p-50f
#define TINY_MOMENT_1 0x1p-80f
#define TINY_MOMENT_2 0x1p-110f
#define TINY_PROBABILITY 0x1p-100f

/* +0 where |x| < tiny; a NaN stays. */
static inline vec vec_flush(vec x, float tiny) { return vec_select(vec_lt(vec_abs(x), vec_set1(tiny)), vec_zero(), x); }

#endif

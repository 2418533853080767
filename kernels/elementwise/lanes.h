/* SPDX-License-Identifier: BSD-2-Clause
 * Arrays walked VL elements at a time. The `n` of a step is how many elements are left: a loop over whole vectors
 * passes the constant VL, so that the test vanishes, and one last step passes the rest:
 *     for (; i + VL <= end; i += VL) step(i, VL);
 *     if (i < end) step(i, end - i);
 * Bodies include this after vector_<isa>.h and common.h. */
#ifndef FCNN_LANES_H
#define FCNN_LANES_H

FCNN_INLINE vec vec_load_first(const float *p, int64_t n)
{
    return n >= VL ? vec_load(p) : vec_load_masked(p, vec_first(n));
}
FCNN_INLINE ivec ivec_load_first(const int32_t *p, int64_t n)
{
    return n >= VL ? ivec_load(p) : ivec_load_masked(p, vec_first(n));
}
FCNN_INLINE void vec_store_first(float *p, vec a, int64_t n)
{
    if (n >= VL) vec_store(p, a);
    else vec_store_masked(p, a, vec_first(n));
}
FCNN_INLINE void ivec_store_first(int32_t *p, ivec a, int64_t n)
{
    if (n >= VL) ivec_store(p, a);
    else ivec_store_masked(p, a, vec_first(n));
}

#endif

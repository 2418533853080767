/* SPDX-License-Identifier: BSD-2-Clause
 * Sums of blocks of images added to others. Include after vector_<isa>.h and common.h. */
#ifndef FCNN_SUMS_H
#define FCNN_SUMS_H

FCNN_INLINE void add_row(int64_t width, const float *a, const float *b, float *to)
{
    int64_t i = 0;
    for (; i + VL <= width; i += VL) vec_store(to + i, vec_add(vec_load(a + i), vec_load(b + i)));
    if (i == width) return;
    const mask real = vec_first(width - i);
    vec_store_masked(to + i, vec_add(vec_load_masked(a + i, real), vec_load_masked(b + i, real)), real);
}

/* to[i] = a[i] + b[i], `width` floats of rows that are so many floats apart; `to` may be a or b. */
static void add_sums(int64_t rows, int64_t width, const float *a, int64_t a_step, const float *b, int64_t b_step,
                     float *to, int64_t to_step)
{
    if (a_step == width && b_step == width && to_step == width) width *= rows, rows = 1;
    for (; rows > 0; rows--) {
        add_row(width, a, b, to);
        a = FCNN_BEYOND(a, a_step), b = FCNN_BEYOND(b, b_step), to = FCNN_BEYOND(to, to_step);
    }
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Dropout, forward and backward alike: element e is kept and scaled if word counter + e of the seed's stream is at
 * least a threshold, else 0. May run in place. The words of a piece lie in memory, so that numbers that do not begin
 * with a whole block cost one short piece. */
#include "kernels/elementwise/chunks.h"
#include "kernels/elementwise/lanes.h"
#include "kernels/simd/philox.h"

#define DROPOUT_STREAM 2 /* docs/numerics.md, rule 11 */

struct dropout {
    ivec threshold;
    vec scale;
};

FCNN_INLINE void dropout_step(const struct dropout *d, const int32_t *words, const float *from, float *to, int64_t n)
{
    const mask kept = ivec_not_below(ivec_load_first(words, n), d->threshold);
    vec_store_first(to, vec_select(kept, vec_mul(vec_load_first(from, n), d->scale), vec_zero()), n);
}

static void dropout_run(const struct fcnn_query *query, const fcnn_hyper *hyper, const float *from, float *to,
                        int64_t first, int64_t last)
{
    const uint32_t threshold = (uint32_t)((double)hyper->dropout_rate * 0x1p32); /* the product is exact */
    const struct dropout d = {ivec_set1((int32_t)threshold), vec_set1(1.0f / (1.0f - hyper->dropout_rate))};
    const int64_t end = fcnn_min(last * CHUNK, chunk_count(query->problem));
    for (int64_t i = first * CHUNK; i < end;) {
        int32_t words[PHILOX_WORDS];
        const uint64_t number = hyper->dropout_counter + (uint64_t)i;
        const int64_t skipped = (int64_t)(number % 4), count = fcnn_min(PHILOX_WORDS - skipped, end - i);
        philox_words(hyper->dropout_seed, number / 4, DROPOUT_STREAM, words);
        int64_t j = 0;
        for (; j + VL <= count; j += VL) dropout_step(&d, words + skipped + j, from + i + j, to + i + j, VL);
        if (j < count) dropout_step(&d, words + skipped + j, from + i + j, to + i + j, count - j);
        i += count;
    }
}

static void dropout_forward(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                            enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    dropout_run(query, t->hyper, t->src, t->dst, first, last);
}

static void dropout_backward_data(const struct fcnn_query *query, const fcnn_tensors *t,
                                  const struct fcnn_memory *memory, enum fcnn_stage stage, int64_t first, int64_t last)
{
    (void)memory, (void)stage;
    dropout_run(query, t->hyper, t->d_dst, t->d_src, first, last);
}

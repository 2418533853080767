/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dropout: which elements are kept is a function of a seed and of each element's number alone. In place is fine. */
#include "reference/ref.h"

void ref_philox(uint32_t counter[4], const uint32_t key[2])
{
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9, k1 += 0xbb67ae85) {
        const uint64_t a = (uint64_t)0xd2511f53 * counter[0], b = (uint64_t)0xcd9e8d57 * counter[2];
        counter[0] = (uint32_t)(b >> 32) ^ counter[1] ^ k0;
        counter[1] = (uint32_t)b;
        counter[2] = (uint32_t)(a >> 32) ^ counter[3] ^ k1;
        counter[3] = (uint32_t)a;
    }
}

static uint32_t word(uint64_t seed, uint64_t number)
{
    const uint64_t block = number / 4;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, REF_DROPOUT_STREAM};
    ref_philox(words, key);
    return words[number % 4];
}

void ref_dropout(int64_t count, uint64_t seed, uint64_t counter, float rate, const float *from, float *to)
{
    const uint32_t threshold = (uint32_t)((double)rate * 0x1p32); /* the product is exact */
    const float scale = 1.0f / (1.0f - rate);
    for (int64_t i = 0; i < count; i++)
        to[i] = word(seed, counter + (uint64_t)i) >= threshold ? from[i] * scale : 0.0f;
}

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers of training: a counter-based generator, so that every number is a function of seed, purpose and index
 * and nobody has to draw them in an order. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#include "lib/net/net.h"

#include <Random123/philox.h>
#include <math.h>

enum { STREAM_WEIGHTS, STREAM_SHUFFLE, STREAM_DROPOUT_SEED = 3 }; /* 2: the words of dropout's kernels */

/* Four words. `of`: the layer or the epoch. */
static philox4x32_ctr_t draw(uint64_t seed, uint32_t stream, uint32_t of, uint64_t index)
{
    philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), of, stream}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

void net_glorot(float *weights, int64_t count, uint64_t seed, int layer, int64_t fan_in, int64_t fan_out)
{
    const float limit = (float)sqrt(6.0 / ((double)fan_in + (double)fan_out));
    for (int64_t i = 0; i < count; i += 4) {
        philox4x32_ctr_t words = draw(seed, STREAM_WEIGHTS, (uint32_t)layer, (uint64_t)i / 4);
        for (int j = 0; j < 4 && i + j < count; j++) {
            int32_t signed24 = (int32_t)(words.v[j] >> 8) - (1 << 23); /* exact in a float; one rounding follows */
            weights[i + j] = ((float)signed24 * 0x1p-23f) * limit;
        }
    }
}

void net_shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        philox4x32_ctr_t words = draw(seed, STREAM_SHUFFLE, (uint32_t)epoch, (uint64_t)i);
        uint64_t random = (uint64_t)words.v[1] << 32 | words.v[0];
        int64_t j = (int64_t)(random % ((uint64_t)i + 1)); /* bias below n / 2^64 */
        int64_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

uint64_t net_dropout_seed(uint64_t seed, int layer, int64_t step)
{
    const philox4x32_ctr_t words = draw(seed, STREAM_DROPOUT_SEED, (uint32_t)layer, (uint64_t)step);
    return (uint64_t)words.v[1] << 32 | words.v[0];
}

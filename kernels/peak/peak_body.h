/* SPDX-License-Identifier: BSD-2-Clause
 * FMA throughput loop; values converge to 1, so nothing overflows or becomes denormal. */
#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

FCNN_INLINE float peak_run(int64_t rounds)
{
    const vec a = vec_set1(0.5f), b = vec_set1(0.5f);
    vec chain[FCNN_PEAK_CHAINS];
    FCNN_UNROLL for (int i = 0; i < FCNN_PEAK_CHAINS; i++) chain[i] = vec_set1((float)i);
    for (int64_t round = 0; round < rounds; round++)
        FCNN_UNROLL for (int i = 0; i < FCNN_PEAK_CHAINS; i++) chain[i] = vec_fma(chain[i], a, b);
    float sum = 0, lane[VL];
    FCNN_UNROLL for (int i = 0; i < FCNN_PEAK_CHAINS; i++) {
        vec_store(lane, chain[i]);
        sum += lane[0];
    }
    return sum;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Traffic: every stream is read, written or both, once. Loads go into maxima, which denormals do not slow down. */
#include "kernels/peak/peak.h"
#include "kernels/simd/common.h"

/* Maxima in flight: a latency of 3 cycles at two loads per cycle, and AVX2's registers. */
#define STREAM_CHAINS 8
#define STREAM_LINE 16 /* floats */

FCNN_INLINE void stream_read(const float *data, int64_t n, vec *largest)
{
    int64_t i = 0;
    for (; i + STREAM_CHAINS * VL <= n; i += STREAM_CHAINS * VL)
        FCNN_UNROLL for (int j = 0; j < STREAM_CHAINS; j++)
            largest[j] = vec_max(vec_load(data + i + j * VL), largest[j]);
    for (; i < n; i += VL) largest[0] = vec_max(vec_load(data + i), largest[0]);
}

FCNN_INLINE void stream_write(float *data, int64_t n, vec least)
{
    for (int64_t i = 0; i < n; i += VL) vec_store(data + i, least);
}

FCNN_INLINE void stream_update(float *data, int64_t n, vec least)
{
    for (int64_t i = 0; i < n; i += VL) vec_store(data + i, vec_max(least, vec_load(data + i)));
}

/* In rounds of about 8 KB of all streams together, each with its share, so that reads and writes overlap. */
FCNN_INLINE float stream_run(const struct fcnn_stream *streams, int count, float least)
{
    const vec floor = vec_set1(least);
    vec largest[STREAM_CHAINS];
    int64_t lines = 0, share[FCNN_MAX_STREAMS];
    FCNN_UNROLL for (int j = 0; j < STREAM_CHAINS; j++) largest[j] = floor;
    for (int i = 0; i < count; i++) lines += streams[i].lines;
    const int64_t rounds = lines / 128 + 1;
    for (int i = 0; i < count; i++) share[i] = (streams[i].lines / rounds + STREAM_CHAINS) & -STREAM_CHAINS;
    for (int64_t round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            const struct fcnn_stream *s = &streams[i];
            const int64_t first = fcnn_min(round * share[i], s->lines);
            const int64_t n = (fcnn_min(first + share[i], s->lines) - first) * STREAM_LINE;
            float *data = s->data + first * STREAM_LINE;
            if (!s->writes) stream_read(data, n, largest);
            else if (!s->reads) stream_write(data, n, floor);
            else stream_update(data, n, floor);
        }
    }
    float sum = 0, lane[VL];
    FCNN_UNROLL for (int j = 0; j < STREAM_CHAINS; j++) {
        vec_store(lane, largest[j]);
        sum += lane[0];
    }
    return sum;
}

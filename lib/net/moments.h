/* SPDX-License-Identifier: BSD-2-Clause
 * Batch normalization between the shards of a batch (docs/numerics.md, rule 14): mean and variance of the batch from
 * the sums of its shards, and the moving averages. Pure functions of their arguments; no memory, no errors. */
#ifndef FCNN_MOMENTS_H
#define FCNN_MOMENTS_H

#include <stdint.h>

/* What batch_sums gave for one shard: `sums` (3, c), of `pixels` = n h w. With no
 * pixels, sums are not looked at and may be NULL. */
struct net_shard_sums {
    const float *sums;
    int64_t pixels;
};

/* Mean and biased variance (c each) of a batch of `count` >= 1 shards, at least one of which has pixels. */
void net_moments(const struct net_shard_sums *shards, int count, int64_t c, float *mean, float *variance);

/* moving = moving * momentum + now * (1 - momentum), element by element; smaller than 2^-110: 0. */
void net_moving_average(float *moving, const float *now, int64_t c, float momentum);

#endif

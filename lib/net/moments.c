/* SPDX-License-Identifier: BSD-2-Clause
 * Chan, Golub & LeVeque 1983: moments of two samples become those of both. */
#include "lib/net/moments.h"

#include <math.h>

#define TINY 0x1p-110 /* a moving average that decays to 0 must not do so through denormal numbers */

struct moments {
    double pixels, mean, squares;
};

static struct moments join(struct moments a, struct moments b)
{
    if (a.pixels == 0) return b;
    if (b.pixels == 0) return a;
    const double pixels = a.pixels + b.pixels, part = b.pixels / pixels, d = b.mean - a.mean;
    return (struct moments){pixels, a.mean + d * part, a.squares + b.squares + d * d * (a.pixels * part)};
}

/* Of one channel of a shard. */
static struct moments leaf(const float *sums, int64_t c, int64_t channel, double pixels)
{
    if (pixels == 0) return (struct moments){0, 0, 0};
    const double rest = (double)sums[c + channel], shift = rest / pixels;
    const double squares = (double)sums[2 * c + channel] - rest * shift;
    return (struct moments){pixels, (double)sums[channel] + shift, squares < 0 ? 0 : squares};
}

/* The tree of rule 6 over shards lo .. hi-1. */
static struct moments over(const struct net_shard_sums *shards, int lo, int hi, int64_t c, int64_t channel)
{
    if (hi - lo == 1) return leaf(shards[lo].sums, c, channel, (double)shards[lo].pixels);
    int half = 1;
    while (2 * half < hi - lo) half *= 2;
    return join(over(shards, lo, lo + half, c, channel), over(shards, lo + half, hi, c, channel));
}

void net_moments(const struct net_shard_sums *shards, int count, int64_t c, float *mean, float *variance)
{
    for (int64_t i = 0; i < c; i++) {
        const struct moments all = over(shards, 0, count, c, i);
        mean[i] = (float)all.mean;
        variance[i] = (float)(all.squares / all.pixels);
    }
}

void net_moving_average(float *moving, const float *now, int64_t c, float momentum)
{
    for (int64_t i = 0; i < c; i++) {
        const double next = (double)moving[i] * (double)momentum + (double)now[i] * (1 - (double)momentum);
        moving[i] = fabs(next) < TINY ? 0.0f : (float)next;
    }
}

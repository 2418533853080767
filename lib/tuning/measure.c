/* SPDX-License-Identifier: BSD-2-Clause
 * Which of two candidates is faster: see search.h. */
#include <math.h>
#include <stdlib.h>

#include "lib/tuning/search.h"

#define MOST_PAIRS 16
#define LEAST_GAIN 0.01 /* below 1 % a choice is not worth another line in a file */

/* ---- sides ---- */

int fcnn_side_open(const struct fcnn_lab *lab, const struct fcnn_candidate *candidate, struct fcnn_side *side)
{
    *side = (struct fcnn_side){.candidate = *candidate, .ready = lab->open(lab->context, candidate)};
    return side->ready != NULL;
}

void fcnn_side_close(const struct fcnn_lab *lab, struct fcnn_side *side)
{
    if (side->ready) lab->close(lab->context, side->ready);
    side->ready = NULL;
}

static double window(const struct fcnn_lab *lab, struct fcnn_side *side)
{
    const double tiny = 1e-12, seconds = lab->window(lab->context, side->ready, side->executions);
    const double each = fmax(seconds / (double)side->executions, tiny);
    if (!(side->seconds > 0) || each < side->seconds) side->seconds = each;
    return each;
}

/* At most 2^20 executions: a clock that stands still must not keep us. */
void fcnn_side_time(const struct fcnn_lab *lab, struct fcnn_side *side)
{
    if (side->executions) return;
    side->executions = 1;
    window(lab, side); /* its first one finds cold caches and untouched pages */
    side->seconds = 0;
    while (window(lab, side) * (double)side->executions < lab->shortest && side->executions < 1 << 20) {
        const double wanted = lab->shortest / side->seconds * 1.2;
        const int64_t most = side->executions * 16;
        side->executions = wanted < (double)most ? (int64_t)wanted + 1 : most;
    }
}

/* ---- bouts ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The logarithm of the challenger's time over the incumbent's. */
static double pair(const struct fcnn_lab *lab, struct fcnn_side *challenger, struct fcnn_side *incumbent, int first)
{
    double mine, theirs;
    if (first) mine = window(lab, challenger), theirs = window(lab, incumbent);
    else theirs = window(lab, incumbent), mine = window(lab, challenger);
    return log(mine / theirs);
}

/* How many of `pairs` fair coins may fall to one side before fewer than `part` of all throws are as uneven; -1: none
 * may. */
static int tolerated(int pairs, double part)
{
    double ways = 1, sum = 0;
    int k = 0;
    for (; (sum += ways) < part * ldexp(1, pairs); k++) ways = ways * (pairs - k) / (k + 1);
    return k - 1;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted ratios. UNDECIDED: more pairs are wanted. */
#define UNDECIDED (-1)
static int judge(const double *sorted, int pairs, enum fcnn_care care)
{
    const double slowest_yet = pairs >= 5 ? 0 : pairs >= 3 ? log(1.1) : pairs >= 2 ? log(1.5) : log(4);
    const int look = care == FCNN_SURELY ? pairs >= 8 : pairs == 6 || pairs == 9 || pairs == 13 || pairs == 16;
    if (sorted[0] > slowest_yet) return FCNN_SLOWER;
    if (pairs >= 4 && sorted[0] > -LEAST_GAIN) return FCNN_TIE; /* not even its luckiest pair shows a gain */
    if (pairs >= 9 && sorted[pairs / 2] > -LEAST_GAIN) return FCNN_TIE;
    const int lost = look ? tolerated(pairs, care == FCNN_SURELY ? 0.005 : 0.02) : -1;
    if (lost < 0 || sorted[pairs / 2] > -LEAST_GAIN) return UNDECIDED;
    return sorted[pairs - 1 - lost] < 0 ? FCNN_FASTER : UNDECIDED;
}

struct fcnn_bout fcnn_compare(const struct fcnn_lab *lab, struct fcnn_side *challenger, struct fcnn_side *incumbent,
                              enum fcnn_care care, double deadline, uint64_t *random)
{
    struct fcnn_bout bout = {.outcome = FCNN_TIE};
    double sorted[MOST_PAIRS];
    int first = 0;
    fcnn_side_time(lab, incumbent);
    fcnn_side_time(lab, challenger);
    while (bout.pairs < MOST_PAIRS) {
        first = bout.pairs % 2 ? !first : (int)(draw(random) >> 63);
        sorted[bout.pairs++] = pair(lab, challenger, incumbent, first);
        qsort(sorted, (size_t)bout.pairs, sizeof *sorted, ascending);
        bout.ratio = sorted[bout.pairs / 2];
        const int verdict = judge(sorted, bout.pairs, care);
        bout.outcome = verdict == UNDECIDED ? FCNN_TIE : (enum fcnn_outcome)verdict;
        /* A sure bout goes on where it is clear that the challenger is faster: how much faster is wanted too. */
        if (verdict != UNDECIDED && (verdict != FCNN_FASTER || care == FCNN_BRIEFLY)) break;
        if (lab->now(lab->context) > deadline) break;
    }
    return bout;
}

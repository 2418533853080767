/* SPDX-License-Identifier: BSD-2-Clause
 * The search for the fastest choice, apart from clocks and kernels: measure.c compares two candidates, search.c decides
 * which ones. Time comes through a struct fcnn_lab, so that tests can bring costs that are made up. */
#ifndef FCNN_SEARCH_H
#define FCNN_SEARCH_H

#include "lib/internal.h"

struct fcnn_candidate {
    struct fcnn_choice choice;
    int team; /* threads that an execution takes */
};

/* What a search needs of the world. */
struct fcnn_lab {
    void *context;
    /* Makes a candidate ready to be executed. NULL: that is not possible, so it is passed over. */
    void *(*open)(void *context, const struct fcnn_candidate *candidate);
    void (*close)(void *context, void *ready);
    /* Seconds that so many executions take one after the other, in caches as they leave them. */
    double (*window)(void *context, void *ready, int64_t executions);
    double (*now)(void *context); /* seconds, for the budget */
    double shortest;              /* seconds: windows that are shorter say more of the clock than of what it times */
};

/* ---- measure.c ---- */

/* A candidate that is ready, and what is known of it. */
struct fcnn_side {
    struct fcnn_candidate candidate;
    void *ready;
    int64_t executions; /* of a window; 0: not timed yet */
    double seconds;     /* of an execution in the fastest window so far */
};
int fcnn_side_open(const struct fcnn_lab *lab, const struct fcnn_candidate *candidate, struct fcnn_side *side);
void fcnn_side_close(const struct fcnn_lab *lab, struct fcnn_side *side);
void fcnn_side_time(const struct fcnn_lab *lab, struct fcnn_side *side); /* finds how many executions fill a window */

enum fcnn_outcome { FCNN_SLOWER, FCNN_TIE, FCNN_FASTER };

struct fcnn_bout {
    enum fcnn_outcome outcome; /* of the challenger */
    double ratio;              /* median of the logarithms of its time over the incumbent's */
    int pairs;
};

/* How sure a bout is to be. */
enum fcnn_care { FCNN_BRIEFLY, FCNN_SURELY };

/* Windows of both in turn, pair by pair. A pair's two windows lie next to each other in time, so that what disturbs
 * the machine disturbs both: only the ratio of the two counts, never times of different pairs. In every two pairs each
 * side is first once, at random.
 *
 * The challenger is faster only if a sign test says so: it lost so few of the pairs that two equally fast ones would
 * come to it less than 2 times in 100 (FCNN_BRIEFLY, asked after 6, 9, 13 and 16 pairs) or 5 in 1000 (FCNN_SURELY,
 * after 16), and the median gain is 1 % or more. A sign test, because nothing is known of how windows are distributed
 * on a busy machine: they have long tails, which neither a mean nor its deviation survives. It is slower when it lost
 * all pairs, the fewer the more it lost by. All else is a tie: when not even its best one of four pairs shows a gain or
 * the median of nine does not, when time (`deadline`, of lab->now()) is over, when it has not become clear. */
struct fcnn_bout fcnn_compare(const struct fcnn_lab *lab, struct fcnn_side *challenger, struct fcnn_side *incumbent,
                              enum fcnn_care care, double deadline, uint64_t *random);

/* ---- search.c ---- */

/* A candidate that was compared: what a caller is shown. */
struct fcnn_trial {
    const struct fcnn_side *side, *best;
    struct fcnn_bout bout; /* against the best one */
    double part;           /* of the budget that is spent, 0 to 1 */
};

struct fcnn_search {
    const fcnn_problem *problem;
    const struct fcnn_caches *caches;
    const struct fcnn_kernel *const *rows; /* all of one class; each can serve the problem */
    int row_count;
    struct fcnn_candidate estimate; /* where it begins */
    int threads;                    /* the largest team */
    const struct fcnn_lab *lab;
    double seconds;                 /* the budget, about; 0: FCNN_TUNE_SECONDS, or 200 executions if that is more */
    int (*visit)(void *context, const struct fcnn_trial *trial); /* not 0: stop. May be NULL */
    void *context;
    uint64_t seed;
};
#define FCNN_TUNE_SECONDS 1.0

struct fcnn_found {
    struct fcnn_candidate best;
    double gain;    /* time of the estimate over that of the best one, from one last bout; 1: the estimate stays */
    double seconds; /* of an execution of the best one */
    int trials;
};

/* FCNN_OUT_OF_MEMORY: not even the estimate could be made ready. FCNN_INTERRUPTED: visit() said so. */
fcnn_status fcnn_search_run(const struct fcnn_search *search, struct fcnn_found *found);

#endif

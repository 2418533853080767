/* SPDX-License-Identifier: BSD-2-Clause
 * Which candidates are compared: from coarse to fine, until the budget is spent. First every row with the standard
 * values of its knobs; then, for the rows that came close, one knob after the other; then fewer threads. In the end the
 * best one meets the estimate once more: it was chosen for having been lucky too, and that bout knows nothing of it. */
#include <math.h>

#include "lib/tuning/search.h"

#define MOST_FINALISTS 3
#define CLOSE 0.3       /* log: rows that are this much slower with standard knobs are not looked at further */
#define LAST_PART 0.15  /* of the budget is kept for the last bout */

struct state {
    const struct fcnn_search *search;
    const struct fcnn_lab *lab;
    struct fcnn_side estimate, best; /* `best` is open only where it is another one */
    int moved;                       /* whether it is */
    double score;                    /* how far the best one is behind the estimate: a logarithm, mostly below 0 */
    int team;                        /* the largest that is tried */
    double begin, deadline, end;     /* of the search, of its last bout */
    uint64_t random;
    int trials;
    fcnn_status status;
};

static struct fcnn_side *best_of(struct state *s) { return s->moved ? &s->best : &s->estimate; }

static int over(const struct state *s) { return s->status || s->lab->now(s->lab->context) > s->deadline; }

/* ---- candidates ---- */

/* Threads that have something to do, at most `wanted`. */
static int useful_team(const struct fcnn_choice *choice, const fcnn_problem *problem, int wanted)
{
    const struct fcnn_demand demand = fcnn_row_demand(choice, problem);
    return fcnn_useful_threads(&demand, wanted);
}

static int is_moot(const struct fcnn_choice *choice, const fcnn_problem *problem, int knob)
{
    return fcnn_row_knob(choice, problem, knob) == FCNN_MOOT;
}

/* With another value of a knob. What becomes moot by it takes its first value, what was moot its standard one. */
static struct fcnn_candidate with_knob(const struct state *s, const struct fcnn_candidate *from, int knob,
                                       int64_t value)
{
    const struct fcnn_search *search = s->search;
    const struct fcnn_variant *variant = from->choice.kernel->variant;
    struct fcnn_candidate changed = *from;
    changed.choice.knobs[knob] = value;
    for (int i = knob + 1; i < variant->knob_count; i++) {
        const int64_t standard = fcnn_row_knob(&changed.choice, search->problem, i);
        if (standard == FCNN_MOOT) changed.choice.knobs[i] = variant->knobs[i].values[0];
        else if (is_moot(&from->choice, search->problem, i)) changed.choice.knobs[i] = standard;
    }
    changed.team = useful_team(&changed.choice, search->problem, s->team);
    return changed;
}

static int show(struct state *s, const struct fcnn_side *side, const struct fcnn_side *best, struct fcnn_bout bout)
{
    const double part = (s->lab->now(s->lab->context) - s->begin) / (s->end - s->begin);
    const struct fcnn_trial trial = {side, best, bout, part < 1 ? part : 1};
    return s->search->visit ? s->search->visit(s->search->context, &trial) : 0;
}

/* Meets `incumbent`; where it is faster it stays ready, as *winner. */
static struct fcnn_bout meet(struct state *s, const struct fcnn_candidate *candidate, struct fcnn_side *incumbent,
                             struct fcnn_side *winner)
{
    struct fcnn_bout bout = {.outcome = FCNN_SLOWER, .ratio = INFINITY};
    struct fcnn_side side;
    if (!fcnn_affordable(&candidate->choice, s->search->problem)) return bout;
    if (!fcnn_side_open(s->lab, candidate, &side)) return bout;
    bout = fcnn_compare(s->lab, &side, incumbent, FCNN_BRIEFLY, s->deadline, &s->random);
    s->trials++;
    if (show(s, &side, incumbent, bout)) s->status = FCNN_INTERRUPTED;
    if (bout.outcome == FCNN_FASTER) *winner = side;
    else fcnn_side_close(s->lab, &side);
    return bout;
}

/* Takes the place of *best, which is closed, where it is faster. */
static enum fcnn_outcome replace(struct state *s, const struct fcnn_candidate *candidate, struct fcnn_side *best)
{
    struct fcnn_side winner;
    const struct fcnn_bout bout = meet(s, candidate, best, &winner);
    if (bout.outcome != FCNN_FASTER) return bout.outcome;
    fcnn_side_close(s->lab, best);
    *best = winner;
    return bout.outcome;
}

/* The same for the best one of all; the estimate stays open for the last bout. Returns how far the candidate is behind
 * the estimate. */
static double challenge(struct state *s, const struct fcnn_candidate *candidate)
{
    struct fcnn_side winner;
    const struct fcnn_bout bout = meet(s, candidate, best_of(s), &winner);
    const double score = s->score + bout.ratio;
    if (bout.outcome != FCNN_FASTER) return score;
    if (s->moved) fcnn_side_close(s->lab, &s->best);
    s->best = winner;
    s->moved = 1;
    s->score = score;
    return score;
}

/* ---- knobs ---- */

/* Values of a knob from where it stands, in one direction, as long as they do not lose; past one tie. A knob of two or
 * three values is rather a switch than a size: there every value is tried. */
static int walk(struct state *s, struct fcnn_side *best, int knob, int step)
{
    const struct fcnn_knob *k = &best->candidate.choice.kernel->variant->knobs[knob];
    const int64_t from = best->candidate.choice.knobs[knob];
    int moved = 0, ties = 0;
    for (int i = step > 0 ? 0 : k->count - 1; i >= 0 && i < k->count && !over(s); i += step) {
        if (step > 0 ? k->values[i] <= from : k->values[i] >= from) continue;
        const struct fcnn_candidate next = with_knob(s, &best->candidate, knob, k->values[i]);
        const enum fcnn_outcome outcome = replace(s, &next, best);
        moved |= outcome == FCNN_FASTER;
        ties += outcome == FCNN_TIE;
        if (k->count > 3 && (outcome == FCNN_SLOWER || ties > 1)) break;
    }
    return moved;
}

/* One knob after the other, twice if the first time changed something: the first ones may now want other values.
 * Returns whether anything changed. */
static int descend(struct state *s, struct fcnn_side *best)
{
    const struct fcnn_variant *variant = best->candidate.choice.kernel->variant;
    int moved = 1, changed = 0;
    for (int times = 0; moved && times < 2; times++) {
        moved = 0;
        for (int knob = 0; knob < variant->knob_count && !over(s); knob++) {
            if (is_moot(&best->candidate.choice, s->search->problem, knob)) continue;
            const int up = walk(s, best, knob, 1);
            moved |= up || walk(s, best, knob, -1);
        }
        changed |= moved;
    }
    return changed;
}

/* ---- rows ---- */

/* A row that may be worth its knobs, and how far it is behind the estimate with standard ones (logarithm). */
struct finalist {
    struct fcnn_candidate candidate;
    double score;
};

static void enter(struct finalist *list, int *count, const struct finalist *one)
{
    int at = *count < MOST_FINALISTS ? (*count)++ : MOST_FINALISTS;
    for (; at > 0 && list[at - 1].score > one->score; at--)
        if (at < MOST_FINALISTS) list[at] = list[at - 1];
    if (at < MOST_FINALISTS) list[at] = *one;
}

static int qualify(struct state *s, struct finalist *list)
{
    const struct fcnn_search *search = s->search;
    int count = 0;
    enter(list, &count, &(struct finalist){search->estimate, 0});
    for (int i = 0; i < search->row_count && !over(s); i++) {
        if (search->rows[i] == search->estimate.choice.kernel) continue;
        struct finalist one = {
            .candidate.choice = fcnn_standard_choice(search->rows[i], search->problem, search->caches)};
        one.candidate.team = useful_team(&one.candidate.choice, search->problem, s->team);
        one.score = challenge(s, &one.candidate);
        enter(list, &count, &one);
    }
    while (count > 1 && list[count - 1].score > list[0].score + CLOSE) count--;
    return count;
}

/* The knobs of one candidate, among its own kind; if others are better, they meet the best one of all. */
static void refine(struct state *s, const struct fcnn_candidate *one, double share)
{
    const double deadline = s->deadline, now = s->lab->now(s->lab->context);
    struct fcnn_side side;
    if (over(s) || !one->choice.kernel->variant->knob_count) return;
    if (!fcnn_side_open(s->lab, one, &side)) return;
    s->deadline = now + (deadline - now) * share;
    const int moved = descend(s, &side);
    s->deadline = deadline;
    const struct fcnn_candidate refined = side.candidate;
    fcnn_side_close(s->lab, &side);
    if (moved && !s->status) challenge(s, &refined);
}

/* ---- threads ---- */

/* Halves them as long as that does not lose. Returns whether fewer are better. */
static int halve_threads(struct state *s)
{
    const int before = best_of(s)->candidate.team;
    double slower = 0;
    for (int team = before / 2; team >= 1 && slower < CLOSE && !over(s); team /= 2) {
        struct fcnn_candidate fewer = best_of(s)->candidate;
        fewer.team = team;
        slower = challenge(s, &fewer) - s->score;
    }
    s->team = best_of(s)->candidate.team;
    return s->team != before;
}

/* ---- all of it ---- */

/* The time is over when the best one has been found; its last bout has a part of its own. */
static void set_deadlines(struct state *s)
{
    const double asked = s->search->seconds, standard = fmax(FCNN_TUNE_SECONDS, 200 * s->estimate.seconds);
    const double seconds = asked > 0 ? asked : standard;
    s->end = s->begin + seconds;
    s->deadline = s->end - LAST_PART * seconds;
}

static void look(struct state *s)
{
    struct finalist list[MOST_FINALISTS];
    const int count = qualify(s, list);
    for (int i = 0; i < count; i++) refine(s, &list[i].candidate, 1.0 / (count - i + (s->team > 1)));
    if (s->team > 1 && halve_threads(s)) {
        const struct fcnn_candidate best = best_of(s)->candidate;
        refine(s, &best, 1);
    }
}

static void conclude(struct state *s, struct fcnn_found *found)
{
    const double grace = s->end + LAST_PART * (s->end - s->begin);
    *found = (struct fcnn_found){.best = s->estimate.candidate, .gain = 1, .seconds = s->estimate.seconds};
    if (s->moved && !s->status) {
        const struct fcnn_bout bout = fcnn_compare(s->lab, &s->best, &s->estimate, FCNN_SURELY, grace, &s->random);
        if (bout.outcome == FCNN_FASTER)
            *found = (struct fcnn_found){s->best.candidate, exp(-bout.ratio), s->best.seconds, 0};
    }
    found->trials = s->trials;
}

fcnn_status fcnn_search_run(const struct fcnn_search *search, struct fcnn_found *found)
{
    struct state s = {.search = search, .lab = search->lab, .random = search->seed,
                      .team = search->threads};
    s.begin = s.lab->now(s.lab->context);
    if (!fcnn_side_open(s.lab, &search->estimate, &s.estimate))
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory to measure %s", search->estimate.choice.kernel->name);
    fcnn_side_time(s.lab, &s.estimate);
    set_deadlines(&s);
    look(&s);
    conclude(&s, found);
    if (s.moved) fcnn_side_close(s.lab, &s.best);
    fcnn_side_close(s.lab, &s.estimate);
    return s.status ? fcnn_fail(s.status, "the search was interrupted") : FCNN_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Choices for tests: see choices.h. */
#include "tests/choices.h"

#include "tests/fill.h"

enum { DRAWS = 20 };

struct fcnn_choice standard_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem)
{
    return fcnn_standard_choice(kernel, problem, fcnn_cpu_caches());
}

/* Between two listed values any is as likely as another. */
static int64_t draw_value(const struct fcnn_knob *knob, int64_t standard, uint64_t *state)
{
    const int64_t from = rng_below(state, knob->count - 1);
    switch (rng_below(state, 6)) {
    case 0: return standard;
    case 1:
    case 2: return knob->values[from] + rng_below(state, knob->values[from + 1] - knob->values[from] + 1);
    default: return knob->values[rng_below(state, knob->count)];
    }
}

struct fcnn_choice drawn_choice(const struct fcnn_kernel *kernel, const fcnn_problem *problem, uint64_t *state)
{
    const struct fcnn_choice standard = standard_choice(kernel, problem);
    for (int draw = 0; draw < DRAWS && kernel->variant->knob_count; draw++) {
        struct fcnn_choice choice = standard;
        for (int i = 0; i < kernel->variant->knob_count; i++)
            choice.knobs[i] = draw_value(&kernel->variant->knobs[i], standard.knobs[i], state);
        if (fcnn_affordable(&choice, problem)) return choice;
    }
    return standard;
}

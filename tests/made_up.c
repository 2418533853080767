/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/made_up.h"

#include <stdio.h>
#include <string.h>

void made_up_start(struct made_up *m)
{
    memset(m, 0, sizeof *m);
    m->results.rows = m->rows;
    m->results.threads = 1;
}

struct bench_problem *made_up_problem(struct made_up *m, fcnn_direction direction, int64_t map)
{
    const int index = m->results.problem_count++;
    struct bench_problem *p = &m->problems[index];
    p->problem = (fcnn_problem){.op = FCNN_CONV2D, .direction = direction, .p = map, .q = map};
    p->flops = 2e9;
    p->bytes = 1e9;
    snprintf(p->layer, sizeof p->layer, "layer%d", index);
    snprintf(p->text, sizeof p->text, "text%d", index);
    return p;
}

struct bench_result *made_up_row(struct made_up *m, const struct bench_problem *of, const char *kernel, fcnn_isa isa,
                                 const double *seconds)
{
    const int index = m->results.row_count++;
    struct bench_result *row = &m->rows[index];
    row->of = of;
    row->isa = isa;
    row->threads = 1;
    row->windows = MADE_WINDOWS;
    row->verdict = BENCH_RIGHT;
    row->error = 2.5;
    row->samples = m->samples[index];
    snprintf(row->kernel, sizeof row->kernel, "%s", kernel);
    snprintf(row->name, sizeof row->name, "%s/%s", of->layer, kernel);
    snprintf(row->suffix, sizeof row->suffix, "/real_time");
    m->results.windows += row->windows;
    for (; *seconds > 0; seconds++) {
        row->samples[row->count++] =
            (struct bench_sample){.iterations = 4, .cpu = *seconds, .wall = 2 * *seconds, .bounds = {8, 0.125}};
        m->results.windows_done++;
        row->executions += 4;
    }
    return row;
}

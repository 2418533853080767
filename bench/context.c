/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/context.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/results.h"

#if defined(__clang__)
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

void bench_context_now(struct bench_context *c)
{
    fcnn_machine machine;
    const time_t now = time(NULL);
    struct tm local;
    memset(c, 0, sizeof *c);
    if (localtime_r(&now, &local)) strftime(c->date, sizeof c->date, "%Y-%m-%dT%H:%M:%S%z", &local);
    gethostname(c->host, sizeof c->host - 1);
    fcnn_machine_describe(&machine);
    snprintf(c->cpu, sizeof c->cpu, "%s", machine.cpu);
    snprintf(c->version, sizeof c->version, "%s", fcnn_version_details());
    snprintf(c->compiler, sizeof c->compiler, "%s", COMPILER);
    for (int isa = 0, at = 0; isa < BENCH_ISAS && at < (int)sizeof c->isas; isa++)
        if (machine.isas >> isa & 1)
            at += snprintf(c->isas + at, sizeof c->isas - (size_t)at, "%s%s", at ? " " : "",
                           fcnn_isa_name((fcnn_isa)isa));
    c->cores = machine.cores;
    c->l1d = machine.l1d, c->l2 = machine.l2, c->l3 = machine.l3;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * When, where and by what results were measured: what files say beside the results. */
#ifndef BENCH_CONTEXT_H
#define BENCH_CONTEXT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_context {
    char date[64], host[256];         /* date: ISO 8601 */
    char cpu[64], isas[128];          /* isas: names of those that can be used, with blanks between */
    char version[256], compiler[128]; /* of the library; of the benchmark */
    int cores;
    int64_t l1d, l2, l3;              /* bytes; 0: unknown */
};

/* Of this process, now. */
void bench_context_now(struct bench_context *context);

#ifdef __cplusplus
}
#endif
#endif

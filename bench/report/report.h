/* SPDX-License-Identifier: BSD-2-Clause
 * One page of HTML about kept results, which needs nothing beside itself. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes `path` from results (--json), whole programs (hyperfine's JSON) and trainings (fastcnn train --json), in any
 * order; several results stand side by side. 0, or the status to exit with after a message. */
int bench_report(const char *path, const char *const *from, int count);

#ifdef __cplusplus
}
#endif
#endif

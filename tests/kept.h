/* SPDX-License-Identifier: BSD-2-Clause
 * Made-up results of the benchmark in files, which tests keep in a folder of their own. */
#ifndef FCNN_TESTS_KEPT_H
#define FCNN_TESTS_KEPT_H

#include "bench/context.h"
#include "tests/made_up.h"

/* A checked fixture: the folder, in which there are no programs (PATH), comes before each test, and must have none but
 * files of known names at its end. */
void kept_make_folder(void);
void kept_remove_folder(void);
const char *kept_path(const char *name); /* in the folder; four at a time */
void kept_write(const char *name, const char *text);
char *kept_read(const char *name); /* one at a time */

extern const struct bench_context kept_machine;
#define KEPT_FORWARD_1 "conv2d forward mb1ic16ih7oc16oh7kh3ph1"
#define KEPT_FORWARD_2 "conv2d forward mb1ic16ih7oc32oh7kh3ph1"
#define KEPT_BACKWARD "conv2d backward_data mb1ic16ih7oc16oh7kh3ph1"

struct bench_problem *kept_add_problem(struct made_up *m, const char *layer, const char *text);
/* What dispatch takes, the reference and a peer, with so many seconds. */
void kept_add_layer(struct made_up *m, const char *layer, const char *text, double ours, double reference, double peer);
/* net.one and net.two, forward, and other.one, backward: 4, 9 and 2 times faster than the reference, 2, 1/2 and 3 times
 * than the peer. */
void kept_results(struct made_up *m);

void kept_keep(const struct bench_results *results, const char *name); /* summarized ones */
void kept_keep_results(const char *name);

#endif

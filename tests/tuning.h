/* SPDX-License-Identifier: BSD-2-Clause
 * What the tests of tuning files share: texts of files, tables made of them. */
#ifndef FCNN_TESTS_TUNING_H
#define FCNN_TESTS_TUNING_H

#include "lib/tuning/table.h"

#define HEADER "fastcnn tuning 1, written by fastcnn " PACKAGE_VERSION "\n"
#define PROBLEM "conv2d forward mb2ic16ih9oc16oh9kh3ph1"
#define CHOICE "conv2d_fwd_naive revision=0 team=1 gain=1.25"
#define ROOM 65536
#define FULL HEADER "# of all\n\n# of this machine\n@\n" \
    "# before\n" PROBLEM " threads=1 exact -> " CHOICE " # quiet, 2.1 GHz\n" \
    PROBLEM " threads=2 exact -> " CHOICE "\n" \
    "relu forward mb1ic9 threads=1 exact -> relu_fwd_naive revision=0 team=1 gain=0.90\n\n# the end\n"

void save(const char *name, const char *text);
const char *load(const char *name); /* until the next call */

/* Text with this machine's line in place of "@"; until the next call. */
const char *here(const char *text);

/* How many notes there were, and the first one. */
extern struct tuning_notes {
    int count, line;
    char what[256];
} notes;
void take_note(void *context, const char *origin, int line, const char *what);

fcnn_tuning *empty(void);
fcnn_tuning *parse(const char *text);
void expect_text(fcnn_tuning *table, const char *want);
struct fcnn_tuning_key key_of(const char *text, int threads);
int find(fcnn_tuning *table, const char *text, int threads, struct fcnn_tuning_entry *entry);
void put(fcnn_tuning *table, const char *text, int threads, double gain);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * What the parts of measured dispatch share. table.c: entries in memory, sorted; text.c: lines to entries and back;
 * file.c: reading, merging, writing; places.c: the process's own table and where it comes from; machine.c: the header;
 * measure.c: paired interleaved windows; search.c: what is tried; tune.c: the public functions. */
#ifndef FCNN_TUNING_H
#define FCNN_TUNING_H

#include "lib/choice.h"

/* What an entry is for. */
struct fcnn_tuning_key {
    char problem[256]; /* fcnn_problem_format() of a completed problem */
    fcnn_class numerics;
    int threads;       /* settings.threads */
};

/* What a usable entry says. */
struct fcnn_tuning_entry {
    struct fcnn_choice choice;
    int team;
    double gain;
};

/* The key of a problem that passed fcnn_problem_complete(). */
void fcnn_tuning_key_of(const fcnn_problem *problem, fcnn_class numerics, int threads, struct fcnn_tuning_key *key);

/* Looks a key up: 1 and *entry if there is a usable one (on this machine, of the kernels' revisions). Quick: dispatch
 * asks for every plan. Thread-safe. */
int fcnn_tuning_find(fcnn_tuning *tuning, const fcnn_problem *problem, const struct fcnn_tuning_key *key,
                     struct fcnn_tuning_entry *entry);

/* Puts an entry in, or replaces the one that is there; `conditions`: free words without line breaks ("load 0.3,
 * 2.1 GHz"), kept in the file. FCNN_OUT_OF_MEMORY: the table is as it was. */
fcnn_status fcnn_tuning_put(fcnn_tuning *tuning, const struct fcnn_tuning_key *key,
                            const struct fcnn_tuning_entry *entry, const char *conditions);

/* Takes an entry out; 0 if there was none. */
int fcnn_tuning_remove(fcnn_tuning *tuning, const struct fcnn_tuning_key *key);

#endif

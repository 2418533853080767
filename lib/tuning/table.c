/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning tables in memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sized.h"
#include "lib/tuning/table.h"

/* ---- the lock ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void fcnn_tuning_lock(void) { pthread_mutex_lock(&lock); }
void fcnn_tuning_unlock(void) { pthread_mutex_unlock(&lock); }

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(fcnn_tuning_lock, fcnn_tuning_unlock, fcnn_tuning_unlock);
}

/* ---- tables ---- */

fcnn_status fcnn_tuning_create(fcnn_tuning **tuning)
{
    if (!tuning) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the tuning table is NULL");
    *tuning = calloc(1, sizeof **tuning);
    return *tuning ? FCNN_OK : fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for a tuning table");
}

void fcnn_tuning_clear(struct fcnn_tuning *tuning)
{
    fcnn_lines_free(&tuning->lines);
    fcnn_lines_free(&tuning->remarks);
    fcnn_lines_free(&tuning->removed);
}

void fcnn_tuning_destroy(fcnn_tuning *tuning)
{
    if (!tuning || fcnn_tuning_is_default(tuning)) return;
    fcnn_tuning_clear(tuning);
    free(tuning);
}

/* ---- entries ---- */

void fcnn_tuning_key_of(const fcnn_problem *problem, fcnn_class numerics, int threads, struct fcnn_tuning_key *key)
{
    fcnn_problem_format(problem, key->problem, sizeof key->problem);
    key->numerics = numerics;
    key->threads = threads;
}

/* A line of this machine with nothing but a key, for looking up. */
static struct fcnn_line line_of(const struct fcnn_tuning_key *key)
{
    return (struct fcnn_line){.machine = fcnn_tuning_machine(), .problem = key->problem,
                              .numerics = fcnn_class_name(key->numerics), .choice = "", .conditions = "",
                              .threads = key->threads};
}

int fcnn_tuning_find(fcnn_tuning *tuning, const fcnn_problem *problem, const struct fcnn_tuning_key *key,
                     struct fcnn_tuning_entry *entry)
{
    const struct fcnn_line wanted = line_of(key);
    char stale[sizeof wanted.stale] = "";
    int where, usable = 0;
    fcnn_tuning_lock();
    if (fcnn_lines_find(&tuning->lines, &wanted, &where)) {
        const struct fcnn_line *line = tuning->lines.at[where];
        usable = !line->stale[0];
        if (usable) *entry = (struct fcnn_tuning_entry){line->usable, line->team, line->gain / 100.0};
        else strcpy(stale, line->stale);
    }
    fcnn_tuning_unlock();
    if (*stale) fcnn_tuning_report_stale(key->problem, stale);
    /* Problems that differ in padding that no window reads have one text, and a kernel may refuse one of them. */
    return usable && !fcnn_row_unsupported(entry->choice.kernel, problem) && fcnn_affordable(&entry->choice, problem);
}

/* Nothing that would end a line, or that a terminal might obey. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) *text = ' ';
}

static int hundredths(double gain)
{
    return gain > 0.01 ? gain < 1e6 ? (int)(gain * 100 + 0.5) : 100000000 : 1;
}

/* The same choice measured again, with about the same gain: the line stays as it is, and so does the file. */
#define ABOUT 5 /* hundredths */
static int says_the_same(const struct fcnn_line *old, const struct fcnn_line *line)
{
    return !strcmp(old->choice, line->choice) && old->revision == line->revision && old->team == line->team &&
           abs(old->gain - line->gain) <= ABOUT;
}

/* Takes the line over, also where it fails. */
static fcnn_status put(fcnn_tuning *tuning, struct fcnn_line *line)
{
    int where;
    if (fcnn_lines_find(&tuning->removed, line, &where)) fcnn_lines_drop(&tuning->removed, where);
    const int there = fcnn_lines_find(&tuning->lines, line, &where);
    if (there && says_the_same(tuning->lines.at[where], line)) {
        fcnn_line_free(line);
        return FCNN_OK;
    }
    const int full = !there && tuning->lines.count == FCNN_TUNING_MOST_LINES;
    if (!full && fcnn_lines_put(&tuning->lines, line)) return FCNN_OK;
    fcnn_line_free(line);
    return full ? fcnn_fail(FCNN_OUT_OF_MEMORY, "a tuning table holds at most %d problems", FCNN_TUNING_MOST_LINES)
                : fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for an entry of a tuning table");
}

fcnn_status fcnn_tuning_put(fcnn_tuning *tuning, const struct fcnn_tuning_key *key,
                            const struct fcnn_tuning_entry *entry, const char *conditions)
{
    char choice[FCNN_CHOICE_TEXT], words[256];
    fcnn_problem problem;
    fcnn_status status = fcnn_problem_parse(&problem, key->problem);
    if (status) return status;
    fcnn_choice_format(&entry->choice, &problem, choice);
    snprintf(words, sizeof words, "%s", conditions ? conditions : "");
    clean(words);
    struct fcnn_line fields = line_of(key);
    fields.choice = choice;
    fields.conditions = words;
    fields.revision = entry->choice.kernel->variant->revision;
    fields.team = entry->team;
    fields.gain = hundredths(entry->gain);
    struct fcnn_line *line = fcnn_line_make(&fields);
    if (!line) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for an entry of a tuning table");
    fcnn_line_judge(line);
    if (line->stale[0]) {
        status = fcnn_fail(FCNN_BAD_ARGUMENT, "\"%s\" cannot be tuned to %s: %s", key->problem, choice, line->stale);
        fcnn_line_free(line);
        return status;
    }
    fcnn_tuning_lock();
    status = put(tuning, line);
    fcnn_tuning_unlock();
    return status;
}

/* Without memory the file's line comes back. */
static void remember_removed(fcnn_tuning *tuning, const struct fcnn_line *fields)
{
    struct fcnn_line *line = fcnn_line_make(fields);
    if (line && !fcnn_lines_put(&tuning->removed, line)) fcnn_line_free(line);
}

int fcnn_tuning_remove(fcnn_tuning *tuning, const struct fcnn_tuning_key *key)
{
    const struct fcnn_line wanted = line_of(key);
    int where;
    fcnn_tuning_lock();
    const int there = fcnn_lines_find(&tuning->lines, &wanted, &where);
    if (there) {
        fcnn_lines_drop(&tuning->lines, where);
        remember_removed(tuning, &wanted);
    }
    fcnn_tuning_unlock();
    return there;
}

int fcnn_tuning_count(fcnn_tuning *tuning)
{
    if (!tuning) return 0;
    fcnn_tuning_lock();
    const int count = tuning->lines.count;
    fcnn_tuning_unlock();
    return count;
}

fcnn_status fcnn_tuning_describe_sized(fcnn_tuning *tuning, int index, fcnn_tuned *tuned, size_t tuned_size)
{
    if (!tuning || !tuned) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", tuning ? "tuned" : "the tuning table");
    fcnn_tuned known = {0};
    fcnn_tuning_lock();
    const int count = tuning->lines.count, there = index >= 0 && index < count;
    if (there) {
        const struct fcnn_line *line = tuning->lines.at[index];
        known = (fcnn_tuned){line->problem, fcnn_line_class(line), line->threads, line->choice, line->team,
                             line->gain / 100.0, line->stale[0] ? line->stale : NULL, line->machine, line->conditions};
    }
    fcnn_tuning_unlock();
    if (!there) return fcnn_fail(FCNN_BAD_ARGUMENT, "there is no line %d of %d", index, count);
    FCNN_GIVE(tuned, tuned_size, known);
    return FCNN_OK;
}

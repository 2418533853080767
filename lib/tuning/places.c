/* SPDX-License-Identifier: BSD-2-Clause
 * The process's own table: which files it comes from, and what became of each. Read once, when a plan first wants
 * it. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/environment.h"
#include "lib/sized.h"
#include "lib/tuning/table.h"

#ifndef FCNN_SYSCONFDIR
#define FCNN_SYSCONFDIR "/etc"
#endif

static struct fcnn_tuning own;

#define PLACES 16
#define VERDICT 320
static struct place {
    char *path;
    const char *origin;
    char verdict[VERDICT];
    struct fcnn_tuning_reader reader;
    char first[VERDICT / 2]; /* the first line of no use */
} places[PLACES];
static int count, writes; /* of places; whether the first one is written to */

int fcnn_tuning_is_default(const fcnn_tuning *tuning) { return tuning == &own; }

/* ---- which files ---- */

/* Paths that are too many, or find no memory, are not read. */
static void add(const char *origin, const char *folder, const char *rest)
{
    char *path;
    if (count == PLACES || asprintf(&path, "%s%s", folder, rest) < 0) return;
    places[count].path = path;
    places[count++].origin = origin;
}

static void add_list(const char *list)
{
    char *copy = strdup(list), *rest = copy;
    for (char *path; copy && (path = strsep(&rest, ":"));)
        if (*path) add("FASTCNN_TUNING", path, "");
    free(copy);
    writes = count > 0;
}

static void find_places(void)
{
    const char *list = fcnn_getenv("FASTCNN_TUNING"), *folder = fcnn_getenv("XDG_CONFIG_HOME");
    const char *home = fcnn_getenv("HOME");
    if (list && !strcmp(list, "off")) return;
    if (list && *list) {
        add_list(list);
        return;
    }
    if (folder && *folder == '/') add("XDG_CONFIG_HOME", folder, "/fastcnn/tuning");
    else if (home && *home == '/') add("HOME", home, "/.config/fastcnn/tuning");
    writes = count > 0;
    add("system", FCNN_SYSCONFDIR, "/fastcnn/tuning");
}

/* ---- what became of them ---- */

static void keep_first(void *context, const char *origin, int line, const char *what)
{
    struct place *place = context;
    (void)origin;
    if (!*place->first) snprintf(place->first, sizeof place->first, "line %d: %s", line, what);
}

static void judge(struct place *place, fcnn_status status)
{
    const struct fcnn_tuning_reader *reader = &place->reader;
    if (reader->error == ENOENT || reader->error == ENOTDIR) {
        strcpy(place->verdict, "it does not exist");
    } else if (status) { /* the sentence begins with the path */
        const char *why = fcnn_last_error();
        const size_t path = strlen(place->path);
        const int named = !strncmp(why, place->path, path) && !strncmp(why + path, ": ", 2);
        snprintf(place->verdict, sizeof place->verdict, "%s", why + (named ? path + 2 : 0));
    } else {
        const int used = snprintf(place->verdict, sizeof place->verdict, "%d line%s", reader->taken,
                                  reader->taken == 1 ? "" : "s");
        char first[sizeof place->first];
        memcpy(first, place->first, sizeof first);
        if (reader->stale + reader->bad)
            snprintf(place->verdict + used, sizeof place->verdict - (size_t)used,
                     ", %d of them not for here, %d left out (%s)", reader->stale, reader->bad, first);
    }
}

/* From the last to the first: what is read later wins. */
static void read_places(void)
{
    char sentence[512];
    snprintf(sentence, sizeof sentence, "%s", fcnn_last_error());
    find_places();
    for (int i = count - 1; i >= 0; i--) {
        struct place *place = &places[i];
        place->reader = (struct fcnn_tuning_reader){.origin = place->path, .note = keep_first, .context = place};
        judge(place, fcnn_tuning_read_file(&own, place->path, &place->reader));
    }
    fcnn_fail(FCNN_OK, "%s", sentence); /* a plan that succeeds leaves the sentence of the last failure */
}

static void read_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_places);
}

fcnn_tuning *fcnn_tuning_default(void)
{
    read_once();
    return &own;
}

fcnn_status fcnn_tuning_place_describe_sized(int index, fcnn_tuning_place *place, size_t place_size)
{
    read_once();
    if (!place) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the place is NULL");
    if (index < 0 || index >= count) return fcnn_fail(FCNN_BAD_ARGUMENT, "there is no place %d of %d", index, count);
    const struct place *p = &places[index];
    const fcnn_tuning_place known = {p->path, p->origin, p->verdict, p->reader.taken, p->reader.stale, p->reader.bad,
                                     writes && !index};
    FCNN_GIVE(place, place_size, known);
    return FCNN_OK;
}

void fcnn_tuning_report_stale(const char *problem, const char *why)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const char *verbose = fcnn_getenv("FASTCNN_VERBOSE");
    if (!verbose || !strstr(verbose, "dispatch") || atomic_flag_test_and_set(&said)) return;
    fprintf(stderr, "fastcnn_verbose,stale,%s,%s\n", problem, why);
}

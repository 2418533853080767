/* SPDX-License-Identifier: BSD-2-Clause
 * Which peers there are, and which take part. */
#include <stdio.h>
#include <string.h>

#include "bench/peer.h"

#ifdef BENCH_HAVE_ONEDNN
#define ONEDNN &bench_peer_onednn
#else
#define ONEDNN NULL
#endif
#ifdef BENCH_HAVE_OPENBLAS
#define OPENBLAS &bench_peer_openblas
#else
#define OPENBLAS NULL
#endif
#ifdef BENCH_HAVE_XNNPACK
#define XNNPACK &bench_peer_xnnpack
#else
#define XNNPACK NULL
#endif

/* The first that takes part is the one that tables have a column for. */
static const struct bench_peer_entry known[] = {
    {"onednn", "libdnnl-dev", ONEDNN},
    {"openblas", "libopenblas-dev", OPENBLAS},
    {"xnnpack", "libxnnpack-dev libpthreadpool-dev", XNNPACK},
};
_Static_assert(sizeof known / sizeof *known <= BENCH_MOST_PEERS, "results have room for all");

const struct bench_peer_entry *bench_peers(int *count)
{
    *count = sizeof known / sizeof *known;
    return known;
}

/* NULL: started. */
static const char *start(const struct bench_peer_entry *peer, fcnn_isa isa, char *text, size_t size)
{
    if (peer->library) return peer->library->start(isa);
    snprintf(text, size, "built without it (install Debian's %s, then ./configure again)", peer->package);
    return text;
}

static int is_named(const char *names, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = names; *at; at += *at == ',') {
        const size_t one = strcspn(at, ",");
        if (one == length && !strncmp(at, word, length)) return 1;
        at += one;
    }
    return 0;
}

/* 1: all names are those of peers. */
static int know(const char *names, const struct bench_peer_entry *peers, int count)
{
    const char *at = names;
    do {
        const int length = (int)strcspn(at, ",");
        int is_known = 0;
        for (int i = 0; i < count; i++)
            is_known |= (int)strlen(peers[i].word) == length && !strncmp(at, peers[i].word, (size_t)length);
        if (!is_known) {
            fprintf(stderr, "fastcnn-bench: --peers: no peer \"%.*s\"; there are", length, at);
            for (int i = 0; i < count; i++) fprintf(stderr, " %s", peers[i].word);
            return fputc('\n', stderr), 0;
        }
        at += length;
    } while (*at++);
    return 1;
}

int bench_peers_start(const struct bench_peer_entry *peers, int count, const char *names, int needed, fcnn_isa isa,
                      const struct bench_peer_library *started[BENCH_MOST_PEERS])
{
    int start_count = 0, failed = 0;
    const char *reasons[BENCH_MOST_PEERS] = {NULL};
    char texts[BENCH_MOST_PEERS][160];
    if (names && !know(names, peers, count)) return -1;
    for (int i = 0; i < count; i++) {
        if (names && !is_named(names, peers[i].word)) continue;
        reasons[i] = start(&peers[i], isa, texts[i], sizeof texts[i]);
        if (reasons[i]) failed++;
        else started[start_count++] = peers[i].library;
    }
    if (names ? !failed : start_count || !needed) return start_count;
    for (int i = 0; i < count; i++)
        if (reasons[i]) fprintf(stderr, "fastcnn-bench: --peers: %s: %s\n", peers[i].word, reasons[i]);
    return -1;
}

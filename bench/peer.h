/* SPDX-License-Identifier: BSD-2-Clause
 * Peers: other libraries' code for the same problem, in the layouts which they like best. Linked into the benchmark
 * alone. A library is one file, peer_NAME.c, and one row of peers.c; configure says which are built. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/cases.h"

/* A problem in a library's hands. Libraries have a struct of their own, which begins with this. */
struct bench_peer {
    const struct bench_peer_library *library;
    const struct bench_case *of;
    int threads;
    int lacks; /* load() failed as the library has no code for the problem */
};

/* All is required. */
struct bench_peer_library {
    /* "onednn_2.6.3", as it is loaded. */
    const char *(*name)(void);
    /* Before all else: instruction sets beyond `isa` are not to be used. NULL, or why that is impossible. */
    const char *(*start)(fcnn_isa isa);

    /* The library's choice for a problem and a number of threads. BENCH_PEER: among direct algorithms. BENCH_PEER_AUTO:
     * among all of them, if that differs (Winograd's sums are of another class). BENCH_PEER_CONVERTED: the direct one,
     * each execution of which begins with the case's tensors and ends in them, if their layouts are not its own;
     * weights of forward and backward_data are converted beforehand, as ours are packed. NULL: it does not take part.
     * Costs little: no memory, no code yet. */
    struct bench_peer *(*open)(const struct bench_case *c, int threads, enum bench_kind kind);
    void (*close)(struct bench_peer *peer);

    const char *(*implementation)(const struct bench_peer *peer); /* "jit:avx512_core" */
    fcnn_isa (*isa)(const struct bench_peer *peer);

    /* Converts the case's tensors into the peer's layouts. NULL, or what failed. The case has been prepared. */
    const char *(*load)(struct bench_peer *peer);
    void (*execute)(const struct bench_peer *peer);
    /* Converts the outputs back into the case's tensors. NULL, or what failed. */
    const char *(*store)(struct bench_peer *peer);
};

extern const struct bench_peer_library bench_peer_onednn, bench_peer_openblas, bench_peer_xnnpack; /* where built */

/* peers.c */

/* One that this program knows. */
struct bench_peer_entry {
    const char *word, *package;               /* as --peers names it; Debian's, to be installed */
    const struct bench_peer_library *library; /* NULL: built without */
};

const struct bench_peer_entry *bench_peers(int *count);

/* Starts libraries of a table, in its order: those of `names` ("onednn,xnnpack"), without names (NULL) all that can be
 * had. With names it is an error if one cannot be had, without them, where they are `needed`, if none can. Returns the
 * number of those started, or -1 after a message. */
int bench_peers_start(const struct bench_peer_entry *peers, int count, const char *names, int needed, fcnn_isa isa,
                      const struct bench_peer_library *started[BENCH_MOST_PEERS]);

#endif

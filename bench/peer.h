/* SPDX-License-Identifier: BSD-2-Clause
 * Peers: another library's code for the same problem, in the layouts which that library likes best. Linked into the
 * benchmark alone. One of peer_*.c is built: peer_onednn.c, or peer_none.c where configure found no library. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench/cases.h"

struct bench_peer;

/* "onednn_2.6.3", the library that is loaded; NULL: built without. */
const char *bench_peer_name(void);

/* Before all else: instruction sets beyond `isa` are not to be used. 0: impossible. */
int bench_peer_start(fcnn_isa isa);

/* The library's choice for a problem and a number of threads. variant 0: among direct algorithms; 1: among all of them,
 * if that differs (Winograd's sums are of another class). NULL: the peer does not take part. Costs little: no memory,
 * no code yet. */
struct bench_peer *bench_peer_open(const struct bench_case *c, int threads, int variant);
void bench_peer_close(struct bench_peer *peer); /* NULL is fine */

const char *bench_peer_implementation(const struct bench_peer *peer); /* "jit:avx512_core" */
fcnn_isa bench_peer_isa(const struct bench_peer *peer);

/* Converts the case's tensors into the peer's layouts. NULL, or what failed. The case has been prepared. */
const char *bench_peer_load(struct bench_peer *peer);
void bench_peer_execute(const struct bench_peer *peer);
/* Converts the outputs back into the case's tensors. NULL, or what failed. */
const char *bench_peer_store(struct bench_peer *peer);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * No peer: what is built where configure found no other library, or was told --without-onednn. */
#include "bench/peer.h"

const char *bench_peer_name(void) { return NULL; }

int bench_peer_start(fcnn_isa isa)
{
    (void)isa;
    return 0;
}

struct bench_peer *bench_peer_open(const struct bench_case *c, int threads, int variant)
{
    (void)c, (void)threads, (void)variant;
    return NULL;
}

void bench_peer_close(struct bench_peer *peer) { (void)peer; }

const char *bench_peer_implementation(const struct bench_peer *peer)
{
    (void)peer;
    return "";
}

fcnn_isa bench_peer_isa(const struct bench_peer *peer)
{
    (void)peer;
    return FCNN_SCALAR;
}

const char *bench_peer_load(struct bench_peer *peer)
{
    (void)peer;
    return "built without a peer";
}

void bench_peer_execute(const struct bench_peer *peer) { (void)peer; }

const char *bench_peer_store(struct bench_peer *peer)
{
    (void)peer;
    return "built without a peer";
}

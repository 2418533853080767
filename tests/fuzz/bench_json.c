/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a file of kept results holds, reading it gives results whose parts fit each other, or a sentence that names
 * the file. The benchmark prints it: stderr is memory for as long as it reads. */
#include <sysexits.h>

#include "bench/json_read.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct bench_results *results)
{
    EXPECT(results->peer_count >= 0 && results->peer_count <= BENCH_MOST_PEERS);
    for (int i = 0; i < results->row_count; i++) {
        const struct bench_result *row = &results->rows[i];
        EXPECT(row->of && strlen(row->of->layer) < sizeof row->of->layer && *row->kernel);
        EXPECT(row->kind == BENCH_OURS || (row->peer >= 0 && row->peer < results->peer_count));
        EXPECT(row->count >= 0 && row->count <= row->windows);
        for (int j = 0; j < row->count; j++) EXPECT(row->samples[j].iterations > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char path[4096], printed[16384];
    static int fd = -1;
    struct bench_kept kept;
    if (fd < 0) fd = fuzz_file("results.json", path);
    fuzz_fill(fd, bytes, length);
    FILE *terminal = stderr;
    memset(printed, 0, sizeof printed);
    stderr = fmemopen(printed, sizeof printed - 1, "w");
    EXPECT(stderr);
    const int status = bench_json_read(path, &kept);
    fclose(stderr);
    stderr = terminal;
    EXPECT(status ? status == EX_DATAERR && strstr(printed, path) : !*printed);
    if (!status) check(&kept.results);
    bench_kept_free(&kept);
    return 0;
}

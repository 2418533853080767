/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a history of training holds, JSON or CSV, reading it gives a number of epochs and values for each of them,
 * or a sentence that begins with the file. */
#include "cli/history.h"
#include "tests/complaint.h"
#include "tests/fuzz/fuzz.h"

static void read_one(const char *path)
{
    struct cli_history history;
    static volatile double value; /* every one is read */
    int found = 0;
    *complaint = 0;
    const int code = cli_history_read(&history, path);
    for (int i = 0; i < CLI_METRICS; i++) {
        found += history.values[i] != NULL;
        for (int j = 0; j < history.epochs && history.values[i]; j++) value = history.values[i][j];
    }
    EXPECT(code ? code == EX_DATAERR && !found && !strncmp(complaint, path, strlen(path))
                : found && history.epochs > 0 && !*complaint);
    cli_history_free(&history);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char json_path[4096], csv_path[4096];
    static int json = -1, csv;
    if (json < 0) {
        json = fuzz_file("history.json", json_path);
        csv = fuzz_file("history.csv", csv_path);
    }
    const int is_json = length && strchr(" {[", bytes[0]);
    fuzz_fill(is_json ? json : csv, bytes, length);
    read_one(is_json ? json_path : csv_path);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/exports.h"

#include <string.h>
#include <sysexits.h>

#include "bench/json.h"
#include "bench/output.h"
#include "bench/tables.h"

static const struct {
    const char *name, *description;
    int (*write)(const struct bench_results *results, FILE *out);
} formats[BENCH_FORMATS] = {
    [BENCH_JSON] = {"json", "every window, Google Benchmark's JSON", bench_json_write},
    [BENCH_CSV] = {"csv", "a line per kernel", bench_csv_write},
    [BENCH_GITHUB] = {"github", "github-action-benchmark, customSmallerIsBetter", bench_github_write},
    [BENCH_BENCHER] = {"bencher", "Bencher Metric Format", bench_bencher_write},
    [BENCH_TABLES] = {"tables", "every kernel, with a legend", bench_print_all},
};

enum bench_format bench_format_named(const char *name, size_t length)
{
    int format = 0;
    while (format < BENCH_FORMATS &&
           (strncmp(formats[format].name, name, length) || strlen(formats[format].name) != length))
        format++;
    return (enum bench_format)format;
}

const char *bench_format_describe(enum bench_format format) { return formats[format].description; }

const char *bench_exports_path(const struct bench_exports *exports, enum bench_format format)
{
    for (int i = 0; i < exports->count; i++)
        if (exports->files[i].format == format) return exports->files[i].path;
    return NULL;
}

int bench_exports_probe(const struct bench_exports *exports)
{
    for (int i = 0; i < exports->count; i++)
        if (!bench_output_probe(exports->files[i].path)) return EX_CANTCREAT;
    return 0;
}

static int write_one(const struct bench_export *file, const struct bench_results *results)
{
    struct bench_output output;
    if (!bench_output_open(&output, file->path)) return EX_CANTCREAT;
    if (formats[file->format].write(results, output.file)) return bench_output_close(&output) ? 0 : EX_IOERR;
    bench_output_cancel(&output);
    return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
}

int bench_exports_write(const struct bench_exports *exports, const struct bench_results *results)
{
    int status = 0;
    for (int i = 0; i < exports->count; i++) {
        const int failed = write_one(&exports->files[i], results);
        if (!status) status = failed;
    }
    return status;
}

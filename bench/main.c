/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn-bench: options, suite, windows; then the file, the tables, the exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/estimate.h"
#include "bench/gbench.h"
#include "bench/interrupt.h"
#include "bench/json.h"
#include "bench/model.h"
#include "bench/output.h"
#include "bench/progress.h"
#include "bench/steady.h"
#include "bench/tables.h"

static int no_memory(void) { return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR; }

/* 0, or the status to exit with after a message. */
static int write_json(const struct bench_results *results, const char *path)
{
    struct bench_output output;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    if (!bench_json_write(results, output.file)) return bench_output_cancel(&output), no_memory();
    return bench_output_close(&output) ? 0 : EX_IOERR;
}

/* All tables, or after an interruption what fits a few lines. */
static int print(const struct bench_results *results, const struct bench_options *options)
{
    int there = 1;
    if (results->signal) {
        if (!options->scaling) there &= bench_print_comparison(results, 0, stdout);
    } else {
        bench_print_header(results, stdout);
        if (options->scaling) there &= bench_print_scaling(results, stdout);
        else there &= bench_print_tables(results, stdout);
        bench_print_events(results, bench_steady_now(), stdout);
        if (!options->scaling) {
            there &= bench_print_comparison(results, 1, stdout);
            bench_print_winograd(results, stdout);
        }
    }
    bench_print_end(results, stdout);
    return there ? 0 : no_memory();
}

/* The file first: whoever reads the tables may have left. */
static int report(const struct bench_results *results, const struct bench_options *options)
{
    int status = options->json ? write_json(results, options->json) : 0;
    if (options->print_json) {
        if (!bench_json_write(results, stdout)) return no_memory();
    } else if (!options->library_output) {
        const int printed = print(results, options);
        if (!status) status = printed;
        if (options->json && !status)
            printf("\nEvery window: %s (Google Benchmark's JSON)\n", options->json);
    }
    return status;
}

static int run(struct bench_suite *suite)
{
    const struct bench_options *options = suite->options;
    struct bench_results *results = &suite->results;
    if (options->estimate) return bench_estimate_run(suite, stdout);
    if (options->list) return bench_print_list(results, stdout), EXIT_SUCCESS;
    if (options->json && !bench_output_probe(options->json)) return EX_CANTCREAT;
    bench_interrupt_watch();
    bench_progress_start(results, options->budget);
    bench_driver_run(suite);
    bench_progress_end();
    results->seconds = bench_now() - suite->start;
    results->signal = bench_interrupted();
    if (!bench_results_summarize(results)) return no_memory();
    const int reported = report(results, options), status = bench_results_status(results);
    return status ? status : reported;
}

/* Whatever was printed arrived; 0 becomes the status of an output error. */
static int finish(int status)
{
    if (!fflush(stdout) && !ferror(stdout)) return status;
    fprintf(stderr, "fastcnn-bench: cannot write to the standard output: %s\n", strerror(errno));
    return status ? status : EX_IOERR;
}

int main(int argc, char **argv)
{
    struct bench_options options;
    struct bench_suite suite;
    int status = bench_options_read(&options, &argc, argv);
    if (status >= 0) return finish(status);
    if (options.model) return finish(bench_model_run(&options, stdout));
    status = bench_driver_start(&options, argc, argv);
    if (status) return status;
    status = bench_suite_make(&suite, &options, bench_driver_filter());
    if (!status) status = run(&suite);
    bench_suite_free(&suite);
    return finish(status);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn-bench: options, suite, windows; then the files, the summary, the exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/estimate.h"
#include "bench/exports.h"
#include "bench/gbench.h"
#include "bench/interrupt.h"
#include "bench/json.h"
#include "bench/model.h"
#include "bench/orders.h"
#include "bench/progress.h"
#include "bench/report/report.h"
#include "bench/steady.h"
#include "bench/summary.h"
#include "bench/tables.h"

static int no_memory(void) { return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR; }

/* The long tables where they were asked for, or hardly longer than the summary; then the summary. */
static int print(const struct bench_results *results, const struct bench_options *options)
{
    enum { FEW_PROBLEMS = 3 };
    const int brief = !results->signal && (results->scaling || results->problem_count <= FEW_PROBLEMS);
    if (options->tables && !bench_print_all(results, stdout)) return 0;
    if (options->tables || !brief) return bench_print_summary(results, &options->exports, stdout);
    bench_print_header(results, stdout);
    return bench_print_without_legend(results, stdout);
}

/* The files first: whoever reads the tables may have left. */
static int report(const struct bench_results *results, const struct bench_options *options)
{
    const int status = bench_exports_write(&options->exports, results);
    int printed = 1;
    if (options->print_json) printed = bench_json_write(results, stdout);
    else if (!options->library_output) printed = print(results, options);
    return status || printed ? status : no_memory();
}

static int run(struct bench_suite *suite)
{
    const struct bench_options *options = suite->options;
    struct bench_results *results = &suite->results;
    if (options->list) return bench_print_list(results, stdout), EXIT_SUCCESS;
    const int status = bench_exports_probe(&options->exports);
    if (status) return status;
    if (options->estimate) return bench_estimate_run(suite, stdout);
    if (options->orders) return bench_orders_run(suite, stdout);
    bench_interrupt_watch();
    bench_progress_start(results, options->budget);
    bench_driver_run(suite);
    bench_progress_end();
    results->seconds = bench_now() - suite->start;
    results->signal = bench_interrupted();
    results->process = bench_steady_now();
    if (!bench_results_summarize(results)) return no_memory();
    const int reported = report(results, options), verdict = bench_results_status(results);
    return verdict ? verdict : reported;
}

/* Without problems of the user's, those that show orders. */
static void choose_problems(struct bench_options *options)
{
    if (!options->orders || options->problems.count || options->layers.count) return;
    for (int i = 0; i < bench_order_problem_count; i++) options->problems.values[i] = bench_order_problems[i];
    options->problems.count = bench_order_problem_count;
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
    if (options.report) return finish(bench_report(options.report, options.from.values, options.from.count));
    if (options.model) return finish(bench_model_run(&options, stdout));
    status = bench_driver_start(&options, argc, argv);
    if (status) return status;
    choose_problems(&options);
    status = bench_suite_make(&suite, &options, bench_driver_filter());
    if (!status) status = run(&suite);
    bench_suite_free(&suite);
    return finish(status);
}

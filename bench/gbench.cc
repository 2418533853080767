/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn-bench: Google Benchmark as the driver of the C code beside it. The library finds the number of iterations,
 * interleaves the windows of all kernels at random, and writes its JSON; the tables are report.c's. */
#include <benchmark/benchmark.h>
#include <sysexits.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/options.h"
#include "bench/report.h"

namespace {

const char left_out[] = "left_out"; // counter of a window that was not timed

class Silent : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context &) override { return true; }
    void ReportRuns(const std::vector<Run> &) override {}
};

// The library's JSON without windows that were left out, and without means that they went into.
class File : public benchmark::JSONReporter {
public:
    void ReportRuns(const std::vector<Run> &runs) override
    {
        std::vector<Run> timed;
        for (const Run &run : runs)
            if (!run.counters.count(left_out)) timed.push_back(run);
        benchmark::JSONReporter::ReportRuns(timed);
    }
};

void set_counter(benchmark::State &state, const char *name, double value)
{
    if (std::isfinite(value)) state.counters[name] = value;
}

void time_window(benchmark::State &state, bench_run *run)
{
    bench_turn turn = bench_window_open(run, state.max_iterations);
    if (turn == BENCH_FAIL) state.SkipWithError(run->failure);
    if (turn == BENCH_IDLE) {
        for (auto _ : state) continue;
        state.counters[left_out] = 1;
    }
    if (turn != BENCH_TIME) return;
    for (auto _ : state) bench_execute(run);
    if (run->peer) state.SetLabel(run->kernel.name);
    bench_figures figures = bench_window_close(run, state.iterations());
    if (figures.gflops > 0) {
        set_counter(state, "GFLOP/s", figures.gflops);
        set_counter(state, "peak_GFLOP/s", figures.peak);
        set_counter(state, "percent_of_peak", figures.percent_of_peak);
        set_counter(state, "error", figures.error);
    }
    set_counter(state, "percent_of_memory", figures.percent_of_memory);
    set_counter(state, "bytes", figures.bytes);
    set_counter(state, "threads", run->threads);
    if (!run->peer) set_counter(state, "allocations", static_cast<double>(figures.events.allocations));
    set_counter(state, "page_faults", static_cast<double>(figures.events.page_faults));
    state.SetBytesProcessed(static_cast<int64_t>(figures.bytes) * state.iterations());
}

void register_run(bench_run *run)
{
    const bench_options &options = *run->suite->options;
    auto *registered =
        benchmark::RegisterBenchmark(run->name, [run](benchmark::State &state) { time_window(state, run); });
    registered->UseRealTime()->Unit(benchmark::kMicrosecond);
    if (run->repetitions != options.repetitions) registered->Repetitions(run->repetitions);
    if (run->threads > 1) registered->MeasureProcessCPUTime();
}

// Our defaults come first on the library's command line: the user's options, which follow, win.
void initialize(const bench_options &options, int argc, char **argv)
{
    std::vector<std::string> defaults = {"--benchmark_enable_random_interleaving=true",
                                         "--benchmark_min_time=" + std::to_string(options.window),
                                         "--benchmark_repetitions=" + std::to_string(options.repetitions),
                                         "--benchmark_out=" + std::string(options.json)};
    std::vector<char *> pointers = {argv[0]};
    for (std::string &word : defaults) pointers.push_back(&word[0]);
    pointers.insert(pointers.end(), argv + 1, argv + argc);
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    benchmark::Initialize(&count, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(count, pointers.data())) {
        std::fputs("Try 'fastcnn-bench --help'.\n", stderr);
        std::exit(EX_USAGE);
    }
    fcnn_machine machine;
    fcnn_machine_describe(&machine);
    benchmark::AddCustomContext("cpu", machine.cpu);
    benchmark::AddCustomContext("fastcnn", fcnn_version_details());
    benchmark::AddCustomContext("kernel_threads", std::to_string(options.threads));
}

int run_suite(bench_suite &suite)
{
    const bench_options &options = *suite.options;
    if (suite.peer) benchmark::AddCustomContext("peer", suite.peer);
    if (options.list) return bench_report_list(&suite), EXIT_SUCCESS;
    std::string filter = benchmark::GetBenchmarkFilter();
    if (!bench_suite_select(&suite, filter.c_str())) return EX_USAGE;
    if (!bench_report_create(options.json)) return EX_CANTCREAT;
    for (int i = 0; i < suite.run_count; i++)
        if (suite.runs[i].selected) register_run(&suite.runs[i]);
    Silent silent;
    File file;
    benchmark::RunSpecifiedBenchmarks(options.library_output ? nullptr : &silent, &file);
    int wrong = 0;
    for (int i = 0; i < suite.run_count; i++) wrong += suite.runs[i].is_wrong && !suite.runs[i].peer;
    if (!options.library_output) {
        bench_report_tables(&suite);
        if (!options.scaling) bench_report_comparison(&suite), bench_report_winograd(&suite);
        std::printf("\nEvery window: %s (Google Benchmark's JSON)\n", options.json);
    }
    return bench_interrupted() ? 130 : wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

} // namespace

int main(int argc, char **argv)
{
    bench_options options;
    bench_suite suite;
    int status = bench_options_read(&options, &argc, argv);
    if (status >= 0) return status;
    initialize(options, argc, argv);
    if (!(status = bench_suite_make(&suite, &options))) status = run_suite(suite);
    bench_suite_free(&suite);
    benchmark::Shutdown();
    return status;
}

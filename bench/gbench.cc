/* SPDX-License-Identifier: BSD-2-Clause
 * The driver, Google Benchmark: it finds the number of iterations of a window, and interleaves the windows of all
 * kernels at random. What it prints is not asked for: results go from the C code beside it to the C code beside it. */
#include "bench/gbench.h"

#include <benchmark/benchmark.h>
#include <sysexits.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/progress.h"

namespace {

class Silent : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context &) override { return true; }
    void ReportRuns(const std::vector<Run> &) override {}
};

void time_window(benchmark::State &state, bench_run *run, double start)
{
    const bool was_prepared = run->prepared;
    const bench_turn turn = bench_window_open(run, state.max_iterations);
    const bench_result *row = run->result;
    if (!was_prepared && run->prepared && row->verdict != BENCH_RIGHT) bench_progress_left_out(row);
    if (turn == BENCH_FAIL) state.SkipWithError(row->failure);
    if (turn == BENCH_IDLE)
        for (auto _ : state) continue;
    if (turn != BENCH_TIME) return;
    for (auto _ : state) bench_execute(run);
    bench_window_close(run, state.iterations());
    bench_progress(run->results, row, bench_now() - start);
}

void register_run(const bench_suite &suite, bench_run *run)
{
    const double start = suite.start;
    auto *registered = benchmark::RegisterBenchmark(
        run->result->name, [run, start](benchmark::State &state) { time_window(state, run, start); });
    registered->UseRealTime()->Unit(benchmark::kMicrosecond);
    if (run->result->windows != suite.options->repetitions) registered->Repetitions(run->result->windows);
    if (run->result->threads > 1) registered->MeasureProcessCPUTime();
}

void misunderstood()
{
    std::fputs("fastcnn-bench: Google Benchmark does not know this value of one of its options\n"
               "Try 'fastcnn-bench --help'.\n", stderr);
    std::exit(EX_USAGE);
}

} // namespace

// Our defaults come first on the library's command line: the user's options, which follow, win.
int bench_driver_start(const bench_options *options, int argc, char **argv)
{
    std::vector<std::string> words = {"--benchmark_enable_random_interleaving=true",
                                      "--benchmark_min_time=" + std::to_string(options->window),
                                      "--benchmark_repetitions=" + std::to_string(options->repetitions)};
    std::vector<char *> pointers = {argv[0]};
    for (std::string &word : words) pointers.push_back(&word[0]);
    pointers.insert(pointers.end(), argv + 1, argv + argc);
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    benchmark::Initialize(&count, pointers.data(), misunderstood);
    if (!benchmark::ReportUnrecognizedArguments(count, pointers.data())) return 0;
    std::fputs("Try 'fastcnn-bench --help'.\n", stderr);
    return EX_USAGE;
}

const char *bench_driver_filter(void)
{
    static std::string filter;
    filter = benchmark::GetBenchmarkFilter();
    return filter.c_str();
}

void bench_driver_run(bench_suite *suite)
{
    Silent silent;
    benchmark::SetBenchmarkFilter("."); // the suite has what it selects
    for (int phase = 0; phase < suite->phases; phase++) {
        int count = 0;
        for (int i = 0; i < suite->results.row_count; i++)
            if (suite->runs[i].phase == phase) register_run(*suite, &suite->runs[i]), count++;
        if (count) benchmark::RunSpecifiedBenchmarks(suite->options->library_output ? nullptr : &silent);
        benchmark::ClearRegisteredBenchmarks();
    }
    benchmark::Shutdown();
}

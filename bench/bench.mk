# SPDX-License-Identifier: BSD-2-Clause
# The benchmark: a library in C, which tests link too, and Google Benchmark's driver.

.PHONY: bench
EXTRA_DIST += bench/busy_neighbour.sh bench/compare_pytorch.sh bench/programs.sh bench/pytorch_mnist.py \
    bench/pytorch_predict.py bench/baseline/floors.txt bench/check bench/ci-gate bench/compare bench/gate_trial.sh

# Called by busy_neighbour.sh.
noinst_PROGRAMS += plan-time
plan_time_SOURCES = bench/plan_time.c
plan_time_LDADD = libfastcnn.la

# The gate: what times one build, with the shared library it is started with, and what compares two.
noinst_PROGRAMS += fastcnn-ab-time
fastcnn_ab_time_SOURCES = \
    bench/ab_time.c \
    bench/gate/cases.c \
    bench/gate/cases.h \
    bench/gate/subject.c \
    bench/gate/subject.h \
    bench/statistics.c \
    bench/statistics.h
fastcnn_ab_time_LDADD = libfcnn-cases.la libfastcnn.la $(LIBM)

# Without the kernels' library: only its timer has that.
noinst_LTLIBRARIES += libfcnn-gate.la
libfcnn_gate_la_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libfcnn_gate_la_SOURCES = \
    bench/format.c \
    bench/gate/check_floors.c \
    bench/gate/child.c \
    bench/gate/child.h \
    bench/gate/compare.c \
    bench/gate/compare.h \
    bench/gate/conditions.c \
    bench/gate/conditions.h \
    bench/gate/experiment.c \
    bench/gate/experiment.h \
    bench/gate/floors.c \
    bench/gate/floors.h \
    bench/gate/interval.c \
    bench/gate/interval.h \
    bench/gate/judge.c \
    bench/gate/judge.h \
    bench/gate/order.c \
    bench/gate/order.h \
    bench/gate/records.c \
    bench/gate/records.h \
    bench/gate/report.c \
    bench/gate/report.h \
    bench/gate/report_json.c \
    bench/gate/series.c \
    bench/gate/series.h \
    bench/gate/settings.c \
    bench/gate/settings.h \
    bench/interrupt.c \
    bench/output.c \
    bench/statistics.c
libfcnn_gate_la_LIBADD = $(JANSSON_LIBS) $(LIBM)
noinst_PROGRAMS += fastcnn-compare
fastcnn_compare_SOURCES = bench/gate/main.c
fastcnn_compare_LDADD = libfcnn-gate.la

# Is this tree slower than what it is based on? GATE_FLAGS: options of bench/check. A diff of what bench-baseline writes
# is to be reviewed like code. bench-gate-trial: does the gate find what it should? TRIAL_FLAGS: of bench/gate_trial.sh.
.PHONY: bench-check bench-baseline bench-gate-trial
gate = libfastcnn.la fastcnn-ab-time fastcnn-compare fastcnn-icount
bench-check: $(gate)
	$(srcdir)/bench/check $(GATE_FLAGS)
bench-baseline: $(gate)
	$(SHELL) $(srcdir)/bench/icount.sh --record ./fastcnn-icount
	OBJDUMP='$(OBJDUMP)' $(SHELL) $(srcdir)/bench/hot_loops.sh --record ./fastcnn-icount
	OBJDUMP='$(OBJDUMP)' $(SHELL) $(srcdir)/bench/mca --record . || test $$? -eq 77
	./fastcnn-compare --write-floors=$(srcdir)/bench/baseline/floors.txt .libs
bench-gate-trial: $(gate)
	$(srcdir)/bench/gate_trial.sh $(TRIAL_FLAGS)

noinst_LTLIBRARIES += libfcnn-bench.la libfcnn-cases.la libfcnn-layers.la
libfcnn_layers_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_layers_la_SOURCES = \
    bench/layers.c \
    bench/layers.h \
    bench/names.c \
    bench/names.h \
    bench/shape_file.c

# A problem's tensors, what the references make of them, their error: `fastcnn explain` has use for them too.
libfcnn_cases_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_cases_la_SOURCES = \
    bench/cases.c \
    bench/cases.h \
    bench/error.c \
    bench/random.h \
    bench/tensors.c \
    bench/tensors.h
libfcnn_cases_la_LIBADD = libfcnn-double.la $(LIBM)

libfcnn_bench_la_CPPFLAGS = $(LIB_CPPFLAGS) $(JANSSON_CFLAGS)
libfcnn_bench_la_SOURCES = \
    bench/bounds.c \
    bench/bounds.h \
    bench/closing.c \
    bench/comparison.c \
    bench/context.c \
    bench/context.h \
    bench/csv.c \
    bench/estimate.c \
    bench/estimate.h \
    bench/exports.c \
    bench/exports.h \
    bench/format.c \
    bench/format.h \
    bench/interrupt.c \
    bench/interrupt.h \
    bench/json.c \
    bench/json.h \
    bench/json_read.c \
    bench/json_read.h \
    bench/list.c \
    bench/measure.c \
    bench/measure.h \
    bench/model.c \
    bench/model.h \
    bench/options.c \
    bench/options.h \
    bench/order.c \
    bench/order.h \
    bench/orders.c \
    bench/orders.h \
    bench/output.c \
    bench/output.h \
    bench/overview.c \
    bench/peer.h \
    bench/peers.c \
    bench/progress.c \
    bench/progress.h \
    bench/report/batches.c \
    bench/report/charts.c \
    bench/report/gnuplot.c \
    bench/report/gnuplot.h \
    bench/report/html.c \
    bench/report/html.h \
    bench/report/model.c \
    bench/report/orders.c \
    bench/report/page.h \
    bench/report/plots.c \
    bench/report/predictions.c \
    bench/report/report.c \
    bench/report/report.h \
    bench/report/rows.c \
    bench/report/sides.c \
    bench/report/summary.c \
    bench/report/training.c \
    bench/results.c \
    bench/results.h \
    bench/scaling.c \
    bench/services.c \
    bench/statistics.c \
    bench/statistics.h \
    bench/steady.c \
    bench/steady.h \
    bench/suite.c \
    bench/suite.h \
    bench/summaries.c \
    bench/summaries.h \
    bench/summary.c \
    bench/summary.h \
    bench/sums.c \
    bench/sums.h \
    bench/tables.c \
    bench/tables.h \
    bench/winograd.c \
    lib/io/json_text.c \
    lib/io/json_text.h
nodist_libfcnn_bench_la_SOURCES = bench/report/page_files.c
libfcnn_bench_la_LIBADD = libfcnn-cases.la libfcnn-layers.la $(JANSSON_LIBS) $(LIBM)
if HAVE_ONEDNN
libfcnn_bench_la_CPPFLAGS += -DBENCH_HAVE_ONEDNN
libfcnn_bench_la_SOURCES += \
    bench/onednn.c \
    bench/onednn.h \
    bench/peer_onednn.c
libfcnn_bench_la_LIBADD += $(ONEDNN_LIBS)
if HAVE_ONEDNN_2
libfcnn_bench_la_SOURCES += bench/onednn2.c
else
libfcnn_bench_la_SOURCES += bench/onednn3.c
endif
endif
if HAVE_OPENBLAS
libfcnn_bench_la_CPPFLAGS += -DBENCH_HAVE_OPENBLAS
libfcnn_bench_la_SOURCES += bench/peer_openblas.c
libfcnn_bench_la_LIBADD += $(OPENBLAS_LIBS)
endif
if HAVE_XNNPACK
libfcnn_bench_la_CPPFLAGS += -DBENCH_HAVE_XNNPACK -DBENCH_XNNPACK_VERSION='"$(XNNPACK_VERSION)"'
libfcnn_bench_la_SOURCES += bench/peer_xnnpack.c
libfcnn_bench_la_LIBADD += $(XNNPACK_LIBS)
endif
# Allocations are counted (steady.c), the library's too: its objects are linked, not the shared library. They have two
# names that users do not get: fcnn_measure_streams(), and fcnn_settings_read() for the limit that peers share.
bench_link_flags = $(AM_LDFLAGS) \
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign

# The report's style and script, for the program.
page_sources = bench/report/embed.sh bench/report/page.css bench/report/page.js
EXTRA_DIST += $(page_sources)
CLEANFILES += bench/report/page_files.c
bench/report/page_files.c: $(page_sources)
	$(AM_V_GEN)$(MKDIR_P) bench/report && $(SHELL) $(srcdir)/bench/report/embed.sh \
	    report_css $(srcdir)/bench/report/page.css report_js $(srcdir)/bench/report/page.js >$@.part && mv $@.part $@

# What callgrind counts: icount.sh, tests/check_icount.sh.
noinst_PROGRAMS += fastcnn-icount
fastcnn_icount_CPPFLAGS = $(AM_CPPFLAGS) '-DICOUNT_FLAGS="$(CFLAGS) $(SANITIZER_FLAGS) $(ONE_OBJECT)"'
fastcnn_icount_SOURCES = bench/icount.c
fastcnn_icount_LDFLAGS = $(bench_link_flags)
fastcnn_icount_LDADD = libfcnn-bench.la libfcnn-core.la
bench/fastcnn_icount-icount.$(OBJEXT): Makefile # it knows the flags
EXTRA_DIST += bench/icount.sh bench/hot_loops.sh bench/loops.sh bench/mca bench/tier0.sh $(baselines)
baselines = \
    bench/baseline/hot-loops-gcc-12-avx512.txt \
    bench/baseline/hot-loops-gcc-12-neon.txt \
    bench/baseline/icount-gcc-12-avx2.txt \
    bench/baseline/icount-gcc-12-scalar.txt \
    bench/baseline/mca-gcc-12-avx2.txt \
    bench/baseline/mca-gcc-12-avx512.txt \
    bench/baseline/mca-gcc-12-neon.txt

if HAVE_BENCHMARK
noinst_PROGRAMS += fastcnn-bench
fastcnn_bench_CPPFLAGS = $(AM_CPPFLAGS) $(BENCHMARK_CFLAGS)
fastcnn_bench_SOURCES = \
    bench/gbench.cc \
    bench/gbench.h \
    bench/main.c
fastcnn_bench_LDFLAGS = $(bench_link_flags)
fastcnn_bench_LDADD = libfcnn-bench.la libfcnn-core.la $(BENCHMARK_LIBS)

bench: all
	$(MKDIR_P) bench/out
	./fastcnn prove --quick >bench/out/prove.txt || { cat bench/out/prove.txt; exit 1; }
	@grep '^All ' bench/out/prove.txt
	./fastcnn-bench --model --budget=10 --json=bench/out/model.json >bench/out/model.txt
	./fastcnn-bench --layers=mnist --choice --batch=1,8,64 --filter='*@*' --quick --json=bench/out/batch.json \
	    >bench/out/batch.txt
	./fastcnn-bench --json=bench/out/kernels.json --csv=bench/out/kernels.csv --tables=bench/out/tables.txt
	./fastcnn-bench --report=bench/out/report.html bench/out/kernels.json bench/out/batch.json bench/out/model.json
else
bench:
	@echo 'make bench needs g++ and Google Benchmark: apt-get install g++ libbenchmark-dev, then ./configure again.' >&2
	@exit 1
endif

# libtool puts the program itself in place of its wrapper, whose start would be timed with it.
.PHONY: bench-programs
bench-programs: all
	./libtool --mode=execute $(SHELL) $(srcdir)/bench/programs.sh --out=bench/out ./fastcnn

EXTRA_DIST += bench/winograd_accuracy.sh
clean-local: clean-bench
clean-bench:
	rm -rf bench/out
.PHONY: clean-bench

# SPDX-License-Identifier: BSD-2-Clause
# The benchmark: a library in C, which tests link too, and Google Benchmark's driver.

.PHONY: bench
EXTRA_DIST += bench/busy_neighbour.sh bench/compare_pytorch.sh bench/programs.sh bench/pytorch_mnist.py \
    bench/baseline/floors.txt bench/check bench/ci-gate bench/compare bench/gate_trial.sh

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
    bench/random.h \
    bench/statistics.c \
    bench/statistics.h \
    bench/tensors.c \
    bench/tensors.h
fastcnn_ab_time_LDADD = libfastcnn.la $(LIBM)

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
gate = libfastcnn.la fastcnn-ab-time fastcnn-compare
bench-check: $(gate)
	$(srcdir)/bench/check $(GATE_FLAGS)
bench-baseline: $(gate)
	./fastcnn-compare --write-floors=$(srcdir)/bench/baseline/floors.txt .libs
bench-gate-trial: $(gate)
	$(srcdir)/bench/gate_trial.sh $(TRIAL_FLAGS)

noinst_LTLIBRARIES += libfcnn-bench.la libfcnn-layers.la
libfcnn_layers_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_layers_la_SOURCES = \
    bench/layers.c \
    bench/layers.h \
    bench/shape_file.c

libfcnn_bench_la_CPPFLAGS = $(LIB_CPPFLAGS) $(JANSSON_CFLAGS)
libfcnn_bench_la_SOURCES = \
    bench/bounds.c \
    bench/bounds.h \
    bench/cases.c \
    bench/cases.h \
    bench/closing.c \
    bench/comparison.c \
    bench/error.c \
    bench/estimate.c \
    bench/estimate.h \
    bench/format.c \
    bench/format.h \
    bench/interrupt.c \
    bench/interrupt.h \
    bench/json.c \
    bench/json.h \
    bench/list.c \
    bench/measure.c \
    bench/measure.h \
    bench/options.c \
    bench/options.h \
    bench/output.c \
    bench/output.h \
    bench/peer.h \
    bench/progress.c \
    bench/progress.h \
    bench/results.c \
    bench/results.h \
    bench/random.h \
    bench/scaling.c \
    bench/statistics.c \
    bench/statistics.h \
    bench/steady.c \
    bench/steady.h \
    bench/suite.c \
    bench/suite.h \
    bench/summaries.c \
    bench/summaries.h \
    bench/tables.c \
    bench/tables.h \
    bench/tensors.c \
    bench/tensors.h \
    bench/winograd.c
libfcnn_bench_la_LIBADD = libfcnn-layers.la libfcnn-double.la $(JANSSON_LIBS) $(LIBM)
if HAVE_ONEDNN
libfcnn_bench_la_SOURCES += \
    bench/onednn.c \
    bench/onednn.h \
    bench/peer_onednn.c
libfcnn_bench_la_LIBADD += $(ONEDNN_LIBS)
else
libfcnn_bench_la_SOURCES += bench/peer_none.c
endif
# Allocations are counted (steady.c), the library's too: its objects are linked, not the shared library. They have two
# names that users do not get: fcnn_measure_traffic(), and fcnn_settings_read() for the limit that peers share.
bench_link_flags = $(AM_LDFLAGS) \
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign

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
	./fastcnn-bench --json=bench/out/kernels.json
	./fastcnn prove --quick
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

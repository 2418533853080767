# SPDX-License-Identifier: BSD-2-Clause
# The benchmark: a library in C, which tests link too, and Google Benchmark's driver.

.PHONY: bench
EXTRA_DIST += bench/busy_neighbour.sh bench/compare_pytorch.sh bench/programs.sh bench/pytorch_mnist.py

# Called by busy_neighbour.sh.
noinst_PROGRAMS += plan-time
plan_time_SOURCES = bench/plan_time.c
plan_time_LDADD = libfastcnn.la

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
    bench/order.c \
    bench/order.h \
    bench/orders.c \
    bench/orders.h \
    bench/output.c \
    bench/output.h \
    bench/peer.h \
    bench/progress.c \
    bench/progress.h \
    bench/results.c \
    bench/results.h \
    bench/scaling.c \
    bench/statistics.c \
    bench/statistics.h \
    bench/steady.c \
    bench/steady.h \
    bench/suite.c \
    bench/suite.h \
    bench/summaries.c \
    bench/summaries.h \
    bench/sums.c \
    bench/sums.h \
    bench/tables.c \
    bench/tables.h \
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

# What callgrind counts: icount.sh, tests/check_icount.sh.
noinst_PROGRAMS += fastcnn-icount
fastcnn_icount_CPPFLAGS = $(AM_CPPFLAGS) '-DICOUNT_FLAGS="$(CFLAGS) $(SANITIZER_FLAGS) $(ONE_OBJECT)"'
fastcnn_icount_SOURCES = bench/icount.c
fastcnn_icount_LDFLAGS = $(bench_link_flags)
fastcnn_icount_LDADD = libfcnn-bench.la libfcnn-core.la
bench/fastcnn_icount-icount.$(OBJEXT): Makefile # it knows the flags
EXTRA_DIST += bench/icount.sh bench/hot_loops.sh $(baselines)
baselines = \
    bench/baseline/hot-loops-gcc-12-avx512.txt \
    bench/baseline/icount-gcc-12-avx2.txt \
    bench/baseline/icount-gcc-12-scalar.txt

# Tier 0 of the gate: compared by make check, and by itself; written anew for this compiler.
.PHONY: bench-check-0 bench-baseline
bench-check-0: fastcnn-icount
	@status=0; for tool in icount hot_loops; do \
	    OBJDUMP='$(OBJDUMP)' $(SHELL) $(srcdir)/bench/$$tool.sh ./fastcnn-icount; \
	    case $$? in 0|77) ;; *) status=1 ;; esac; done; exit $$status
bench-baseline: fastcnn-icount
	$(SHELL) $(srcdir)/bench/icount.sh --record ./fastcnn-icount
	OBJDUMP='$(OBJDUMP)' $(SHELL) $(srcdir)/bench/hot_loops.sh --record ./fastcnn-icount

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

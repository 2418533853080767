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
    bench/model.c \
    bench/model.h \
    bench/options.c \
    bench/options.h \
    bench/output.c \
    bench/output.h \
    bench/peer.h \
    bench/peers.c \
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
    bench/tables.c \
    bench/tables.h \
    bench/winograd.c
libfcnn_bench_la_LIBADD = libfcnn-layers.la libfcnn-double.la $(JANSSON_LIBS) $(LIBM)
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

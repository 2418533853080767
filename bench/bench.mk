# SPDX-License-Identifier: BSD-2-Clause
# The benchmark: C, except for the driver, which is Google Benchmark's.

.PHONY: bench
EXTRA_DIST += bench/busy_neighbour.sh bench/compare_pytorch.sh bench/programs.sh bench/pytorch_mnist.py
# Called by busy_neighbour.sh.
noinst_PROGRAMS += plan-time
plan_time_SOURCES = bench/plan_time.c
plan_time_LDADD = libfastcnn.la
if HAVE_BENCHMARK
noinst_PROGRAMS += fastcnn-bench
fastcnn_bench_CPPFLAGS = $(AM_CPPFLAGS) $(BENCHMARK_CFLAGS) $(JANSSON_CFLAGS)
fastcnn_bench_SOURCES = \
    bench/bounds.c \
    bench/bounds.h \
    bench/cases.c \
    bench/cases.h \
    bench/comparison.c \
    bench/error.c \
    bench/gbench.cc \
    bench/layers.c \
    bench/measure.c \
    bench/measure.h \
    bench/options.c \
    bench/options.h \
    bench/peer.h \
    bench/report.c \
    bench/report.h \
    bench/scaling.c \
    bench/steady.c \
    bench/steady.h \
    bench/suite.c \
    bench/winograd.c
# Allocations are counted: steady.c.
fastcnn_bench_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign
fastcnn_bench_LDADD = libfcnn-core.la libfcnn-double.la $(BENCHMARK_LIBS) $(JANSSON_LIBS) $(LIBM)
if HAVE_ONEDNN
fastcnn_bench_SOURCES += \
    bench/onednn.c \
    bench/onednn.h \
    bench/peer_onednn.c
fastcnn_bench_LDADD += $(ONEDNN_LIBS)
else
fastcnn_bench_SOURCES += bench/peer_none.c
endif

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

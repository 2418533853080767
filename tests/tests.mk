# SPDX-License-Identifier: BSD-2-Clause
# Tests: programs on Check, and scripts that look at sources, objects and the installed library.
# FCNN_RUN is put before every program, e.g. make check FCNN_RUN='./libtool --mode=execute qemu-x86_64 -cpu Nehalem'.

script_tests = \
    tests/check_bench.sh \
    tests/check_cli.sh \
    tests/check_filters.sh \
    tests/check_includes.sh \
    tests/check_install.sh \
    tests/check_leak.sh \
    tests/check_symbols.sh \
    tests/check_table.sh
EXTRA_DIST += $(script_tests) tests/README.md tests/lsan.supp

TEST_EXTENSIONS = .sh
LOG_COMPILER = $(FCNN_RUN)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
    export CC='$(CC)' CFLAGS='$(CFLAGS) $(SANITIZER_FLAGS)' NM='$(NM)' OBJDUMP='$(OBJDUMP)' MAKE='$(MAKE)' \
    PKG_CONFIG='$(PKG_CONFIG)' LIBDIR='$(libdir)' HOST_CPU='$(host_cpu)' FCNN_ISAS='scalar $(fcnn_isas)' \
    FCNN_RUN='$(FCNN_RUN)' FCNN_VERSION='$(PACKAGE_VERSION)' top_srcdir='$(top_srcdir)';
AM_TESTS_ENVIRONMENT += \
    export OBJCOPY='$(OBJCOPY)' OPENMP_CFLAGS='$(OPENMP_CFLAGS)' SLEEF_CFLAGS='$(SLEEF_CFLAGS)' \
    SLEEF_LIBS='$(SLEEF_LIBS)';
if SANITIZER
AM_TESTS_ENVIRONMENT += \
    export CK_FORK=$${CK_FORK-no} LSAN_OPTIONS=$${LSAN_OPTIONS-suppressions=$(abs_top_srcdir)/tests/lsan.supp};
endif

AM_CPPFLAGS += $(CHECK_CFLAGS)
if HAVE_CHECK
check_PROGRAMS += $(check_programs)
TESTS = $(check_programs) $(script_tests)
else
TESTS =
check-local:
	@echo 'make check needs Check: apt-get install check, then ./configure again.' >&2
	@exit 1
endif

# tests/NAME comes from tests/NAME.c and the common library.
check_programs = \
    tests/check_api \
    tests/check_callback \
    tests/check_digits \
    tests/check_dispatch \
    tests/check_faults \
    tests/check_fit \
    tests/check_hyper \
    tests/check_idx \
    tests/check_interface \
    tests/check_kernels \
    tests/check_memory \
    tests/check_metrics \
    tests/check_net \
    tests/check_peak \
    tests/check_places \
    tests/check_problem \
    tests/check_processes \
    tests/check_receipt \
    tests/check_reference \
    tests/check_reference_conv \
    tests/check_reference_math \
    tests/check_sharing \
    tests/check_state \
    tests/check_team \
    tests/check_text \
    tests/check_threads \
    tests/check_training
tests_check_receipt_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
check_LTLIBRARIES = libfcnn-tests.la
libfcnn_tests_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_tests_la_SOURCES = \
    tests/check_reference.h \
    tests/compare.c \
    tests/compare.h \
    tests/fill.c \
    tests/fill.h \
    tests/guard.c \
    tests/guard.h \
    tests/harness.c \
    tests/harness.h \
    tests/shapes.c \
    tests/shapes.h \
    tests/shapes_random.c \
    tests/suite.c \
    tests/suite.h \
    tests/toy.c \
    tests/toy.h \
    tests/winograd.c \
    tests/winograd.h
libfcnn_tests_la_LIBADD = libfcnn-core.la libfcnn-double.la libfastcnn-io.la $(CHECK_LIBS) $(LIBM)
LDADD = libfcnn-tests.la

installcheck-local:
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/check_install.sh '$(DESTDIR)'

# A long run: this many random problems for each row, the table dealt to processes that make -j runs side by side. Meant
# for a build with --enable-sanitizer.
RANDOM_PROBLEMS = 1000
random_parts = random-1of8 random-2of8 random-3of8 random-4of8 random-5of8 random-6of8 random-7of8 random-8of8
.PHONY: check-random $(random_parts)
check-random: $(random_parts)
$(random_parts): tests/check_kernels
	@$(AM_TESTS_ENVIRONMENT) part=$@; part=$${part#random-}; \
	    OMP_WAIT_POLICY=passive FCNN_TEST_LISTS=0 FCNN_TEST_RANDOM='$(RANDOM_PROBLEMS)' \
	    FCNN_TEST_PART=$${part%of*}/$${part#*of} $(FCNN_RUN) tests/check_kernels

# The programs that test threads, for a build with --enable-sanitizer=thread, which wants clang and its OpenMP (configure
# says so). That sanitizer does not see whole vectors, so only scalar kernels run; OpenMP's runtime is not instrumented.
thread_programs = tests/check_fit tests/check_memory tests/check_processes tests/check_sharing tests/check_team \
    tests/check_threads
.PHONY: check-threads
check-threads:
	FASTCNN_ISA=scalar TSAN_OPTIONS='ignore_noninstrumented_modules=1 die_after_fork=0 halt_on_error=1' \
	    $(MAKE) check TESTS='$(thread_programs)'

# The suite again with less than the CPU has, and on a CPU of 2008, where any stray AVX instruction is a crash.
.PHONY: check-isa check-nehalem
check-isa:
	FASTCNN_ISA=scalar $(MAKE) check
	FASTCNN_ISA=avx2 $(MAKE) check
check-nehalem:
	@command -v qemu-x86_64 >/dev/null || { echo 'make check-nehalem needs qemu: apt-get install qemu-user' >&2; exit 1; }
	CK_FORK=no CK_TIMEOUT_MULTIPLIER=50 FCNN_TEST_SMALL=1 FCNN_TEST_RANDOM=5 FCNN_TEST_MOST=1e5 \
	    $(MAKE) check FCNN_RUN='./libtool --mode=execute qemu-x86_64 -cpu Nehalem'

# SPDX-License-Identifier: BSD-2-Clause
# Tests: programs on Check, and scripts that look at sources, objects and the installed library.
# FCNN_RUN is put before every program, e.g. make check FCNN_RUN='./libtool --mode=execute qemu-x86_64 -cpu Nehalem'.

script_tests = \
    tests/check_bench.sh \
    tests/check_checkpoints.sh \
    tests/check_ci.sh \
    tests/check_cli.sh \
    tests/check_columns.sh \
    tests/check_compare.sh \
    tests/check_convert.sh \
    tests/check_fetch.sh \
    tests/check_filter.sh \
    tests/check_filters.sh \
    tests/check_growth.sh \
    tests/check_hardening.sh \
    tests/check_history.sh \
    tests/check_hot_loops.sh \
    tests/check_icount.sh \
    tests/check_includes.sh \
    tests/check_install.sh \
    tests/check_keras_files.sh \
    tests/check_kill.sh \
    tests/check_leak.sh \
    tests/check_lists.sh \
    tests/check_mca.sh \
    tests/check_mca_floors.sh \
    tests/check_musl.sh \
    tests/check_no_memory.sh \
    tests/check_predict.sh \
    tests/check_published.sh \
    tests/check_real_keras.sh \
    tests/check_onnx.sh \
    tests/check_page.sh \
    tests/check_plot.sh \
    tests/check_resume.sh \
    tests/check_symbols.sh \
    tests/check_table.sh \
    tests/check_tier0.sh \
    tests/check_tuning.sh \
    tests/check_tutorial.sh \
    tests/check_vectors.sh \
    tests/check_verify.sh
EXTRA_DIST += \
    tests/receipts/README.md \
    tests/receipts/layers.json \
    tests/receipts/layers.txt \
    tests/receipts/layers_amd.json \
    tests/receipts/layers_arm64.json \
    tests/receipts/make.sh \
    tests/receipts/mnist.json \
    tests/receipts/mnist_amd.json \
    tests/receipts/tiny.json \
    tests/receipts/tiny.txt \
    tests/receipts/winograd.txt \
    tests/receipts/winograd_f2.json \
    tests/receipts/winograd_f4.json
EXTRA_DIST += $(script_tests) tests/program.sh tests/README.md tests/growth.c tests/lsan.supp \
    tests/keras_layouts.py tests/keras_models.py tests/make_keras_files.py tests/make_keras_variants.py \
    tests/real_keras.py \
    tests/verify_keras_files.py tests/onnx_predict.py tests/run_bench.sh

TEST_EXTENSIONS = .sh
LOG_COMPILER = $(FCNN_RUN)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
    export SHELL='$(SHELL)' CC='$(CC)' CFLAGS='$(CFLAGS) $(SANITIZER_FLAGS)' LDFLAGS='$(LDFLAGS)' \
    NM='$(NM)' OBJDUMP='$(OBJDUMP)' MAKE='$(MAKE)' \
    PKG_CONFIG='$(PKG_CONFIG)' PREFIX='$(prefix)' LIBDIR='$(libdir)' DOCDIR='$(docdir)' \
    INCLUDEDIR='$(includedir)' HOST_CPU='$(host_cpu)' FCNN_ISAS='scalar $(fcnn_isas)' \
    AVX2_CFLAGS='$(AVX2_CFLAGS)' AVX512_CFLAGS='$(AVX512_CFLAGS)' \
    HARDENING='$(HARDENING_CFLAGS) $(HARDENING_LDFLAGS)' \
    FCNN_RUN='$(FCNN_RUN)' FCNN_VERSION='$(PACKAGE_VERSION)' top_srcdir='$(top_srcdir)' FASTCNN_TUNING=off;
AM_TESTS_ENVIRONMENT += \
    export OBJCOPY='$(OBJCOPY)' OPENMP_CFLAGS='$(OPENMP_CFLAGS)' FCNN_IO='$(enable_io)' \
    IO_CFLAGS='$(IO_CFLAGS)' IO_LIBS='$(IO_LIBS)' SYSTEM_ROOT='$(PKG_CONFIG_SYSROOT_DIR)'; \
    test -z '$(PKG_CONFIG_LIBDIR)' || export PKG_CONFIG_LIBDIR='$(PKG_CONFIG_LIBDIR)';
if CROSS_COMPILING
# An emulator runs everything, slowly, and some of it does not survive a fork.
AM_TESTS_ENVIRONMENT += \
    export CK_FORK=$${CK_FORK-no} CK_TIMEOUT_MULTIPLIER=$${CK_TIMEOUT_MULTIPLIER-50};
endif
if SANITIZER
AM_TESTS_ENVIRONMENT += \
    export CK_FORK=$${CK_FORK-no} LSAN_OPTIONS=$${LSAN_OPTIONS-suppressions=$(abs_top_srcdir)/tests/lsan.supp};
endif

AM_CPPFLAGS += $(CHECK_CFLAGS)
if HAVE_CHECK
check_PROGRAMS += $(check_programs)
# The longest first, so that no core waits for them at the end.
TESTS = tests/check_kernels $(script_tests) $(other_programs)
else
TESTS =
check-local:
	@echo 'make check needs Check: apt-get install check, then ./configure again.' >&2
	@exit 1
endif

# tests/NAME comes from tests/NAME.c and the common library.
check_programs = \
    tests/check_kernels \
    $(other_programs)
other_programs = \
    tests/check_affinity \
    tests/check_allocator \
    tests/check_api \
    tests/check_batches \
    tests/check_callback \
    tests/check_cases \
    tests/check_checkpoint \
    tests/check_continue \
    tests/check_damaged_checkpoints \
    tests/check_dataset \
    tests/check_denormals \
    tests/check_digits \
    tests/check_dispatch \
    tests/check_early_stopping \
    tests/check_empty \
    tests/check_estimate \
    tests/check_explain \
    tests/check_faults \
    tests/check_fit \
    tests/check_gate \
    tests/check_gate_files \
    tests/check_gate_report \
    tests/check_gradients \
    tests/check_hyper \
    tests/check_idx \
    tests/check_input \
    tests/check_interface \
    tests/check_isas \
    tests/check_kept \
    tests/check_keras \
    tests/check_keras_read \
    tests/check_keras_refused \
    tests/check_layers \
    tests/check_limits \
    tests/check_losses \
    tests/check_many \
    tests/check_memory \
    tests/check_metrics \
    tests/check_net \
    tests/check_npz \
    tests/check_optimizers \
    tests/check_orders \
    tests/check_outputs \
    tests/check_peak \
    tests/check_peers \
    tests/check_pins \
    tests/check_places \
    tests/check_png \
    tests/check_problem \
    tests/check_processes \
    tests/check_program_files \
    tests/check_receipt \
    tests/check_receipt_file \
    tests/check_reference \
    tests/check_reference_batch \
    tests/check_reference_conv \
    tests/check_reference_math \
    tests/check_reference_training \
    tests/check_report \
    tests/check_results \
    tests/check_runs \
    tests/check_safetensors \
    tests/check_search \
    tests/check_selection \
    tests/check_settings \
    tests/check_shape_file \
    tests/check_sharing \
    tests/check_state \
    tests/check_summaries \
    tests/check_summary \
    tests/check_team \
    tests/check_team_portable \
    tests/check_text \
    tests/check_text_models \
    tests/check_threads \
    tests/check_trail \
    tests/check_training \
    tests/check_tune \
    tests/check_tuning_file \
    tests/check_tuning_table \
    tests/check_tuning_text \
    tests/check_winograd
if HAVE_HDF5
# For check_keras_files.sh and check_real_keras.sh.
check_PROGRAMS += tests/keras_files
endif
keras_tests = tests/keras_tests.c tests/keras_tests.h tests/paths.h
tests_keras_files_SOURCES = tests/keras_files.c tests/paths.h
tests_check_idx_SOURCES = tests/check_idx.c tests/paths.h
tests_check_keras_SOURCES = tests/check_keras.c $(keras_tests) tests/zoo.c tests/zoo.h
tests_check_keras_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(HDF5_CFLAGS)
tests_check_keras_LDADD = $(LDADD) $(JANSSON_LIBS)
tests_check_keras_read_SOURCES = tests/check_keras_read.c $(keras_tests)
tests_check_keras_read_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(HDF5_CFLAGS)
tests_check_keras_read_LDADD = $(LDADD) $(JANSSON_LIBS)
tests_check_keras_refused_SOURCES = tests/check_keras_refused.c $(keras_tests)
tests_check_keras_refused_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(HDF5_CFLAGS)
tests_check_keras_refused_LDADD = $(LDADD) $(JANSSON_LIBS)
tests_keras_files_LDADD = libfcnn-io.la libfcnn-core.la
if HAVE_SLEEF
tests_check_reference_math_CPPFLAGS = $(AM_CPPFLAGS) $(SLEEF_CFLAGS) -DHAVE_SLEEF
tests_check_reference_math_LDADD = libfcnn-tests.la $(SLEEF_LIBS)
endif
tests_check_png_CPPFLAGS = $(AM_CPPFLAGS) $(PNG_CFLAGS)
tests_check_png_LDADD = $(LDADD) $(PNG_LIBS)
tests_check_damaged_checkpoints_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_dataset_CPPFLAGS = $(AM_CPPFLAGS) $(PNG_CFLAGS)
tests_check_optimizers_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_receipt_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_receipt_file_SOURCES = tests/check_receipt_file.c tests/zoo.c tests/zoo.h
tests_check_receipt_file_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_receipt_file_LDADD = $(LDADD) $(JANSSON_LIBS)
tests_check_batches_SOURCES = tests/check_batches.c tests/zoo.c tests/zoo.h
tests_check_trail_SOURCES = tests/check_trail.c tests/zoo.c tests/zoo.h
if HAVE_CHECK
check_LTLIBRARIES = libfcnn-tests.la

# For check_onnx.sh.
check_PROGRAMS += tests/make_onnx
tests_make_onnx_SOURCES = tests/make_onnx.c tests/zoo.c tests/zoo.h

# The program with an allocator that fails on command, for check_no_memory.sh.
check_PROGRAMS += tests/broken_fastcnn tests/dying_fastcnn

# Pictures and models for shell tests.
check_PROGRAMS += tests/picture
endif
tests_picture_LDADD = libfcnn-io.la libfcnn-core.la $(LIBM)
tests_broken_fastcnn_CPPFLAGS = $(fastcnn_CPPFLAGS)
tests_broken_fastcnn_SOURCES = $(cli_sources) cli/program.c cli/program.h tests/break_memory.c
tests_broken_fastcnn_LDADD = libfcnn-cases.la libfcnn-layers.la libfcnn-io.la libfcnn-core.la $(JANSSON_LIBS) $(LIBM)
tests_broken_fastcnn_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
    -Wl,--wrap=aligned_alloc -Wl,--wrap=posix_memalign
tests_dying_fastcnn_CPPFLAGS = $(fastcnn_CPPFLAGS)
tests_dying_fastcnn_SOURCES = $(cli_sources) cli/program.c cli/program.h tests/die.c
tests_dying_fastcnn_LDADD = $(tests_broken_fastcnn_LDADD)
tests_dying_fastcnn_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write -Wl,--wrap=fsync -Wl,--wrap=rename \
    -Wl,--wrap=clock_gettime
libfcnn_tests_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_tests_la_SOURCES = \
    tests/check_reference.h \
    tests/compare.c \
    tests/compare.h \
    tests/dispatch.c \
    tests/dispatch.h \
    tests/choices.c \
    tests/choices.h \
    tests/fill.c \
    tests/fill.h \
    tests/guard.c \
    tests/guard.h \
    tests/harness.c \
    tests/harness.h \
    tests/made_up.c \
    tests/made_up.h \
    tests/mutilate.c \
    tests/mutilate.h \
    tests/plain.c \
    tests/plain.h \
    tests/shapes.c \
    tests/shapes.h \
    tests/shapes_random.c \
    tests/suite.c \
    tests/suite.h \
    tests/toy.c \
    tests/toy.h \
    tests/winograd.c \
    tests/winograd.h
libfcnn_tests_la_LIBADD = libfcnn-core.la libfcnn-double.la libfcnn-io.la $(CHECK_LIBS) $(LIBM)
LDADD = libfcnn-tests.la
# The benchmark's own code. A planted fault in what it times, a clock that ticks as a test wants: by the linker.
tests_check_cases_LDADD = libfcnn-bench.la $(LDADD)
tests_check_results_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_results_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_kept_SOURCES = tests/check_kept.c tests/kept.c tests/kept.h tests/paths.h
tests_check_kept_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_kept_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_report_SOURCES = tests/check_report.c tests/kept.c tests/kept.h tests/paths.h
tests_check_report_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_report_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_runs_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_runs_SOURCES = tests/check_runs.c tests/faulty.c tests/faulty.h tests/suites.c tests/suites.h
tests_check_selection_SOURCES = tests/check_selection.c tests/suites.c tests/suites.h
tests_check_selection_LDFLAGS = $(bench_link_flags)
tests_check_selection_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_runs_LDFLAGS = $(bench_link_flags) -Wl,--wrap=fcnn_execute_sized
tests_check_runs_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_peers_LDFLAGS = $(bench_link_flags) -Wl,--wrap=bench_peers
tests_check_peers_LDADD = libfcnn-bench.la $(LDADD)
# The whole benchmark with a kernel that may be told to be wrong, for check_bench.sh.
if HAVE_BENCHMARK
check_PROGRAMS += tests/wrong_bench
tests_wrong_bench_CPPFLAGS = $(fastcnn_bench_CPPFLAGS)
tests_wrong_bench_SOURCES = $(fastcnn_bench_SOURCES) tests/faulty.c tests/faulty.h
tests_wrong_bench_LDFLAGS = $(bench_link_flags) -Wl,--wrap=fcnn_execute_sized
tests_wrong_bench_LDADD = $(fastcnn_bench_LDADD)
endif
tests_check_many_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_many_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_summaries_LDADD = libfcnn-bench.la $(LDADD)
tests_check_summary_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_summary_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_estimate_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_estimate_LDFLAGS = $(bench_link_flags)
tests_check_estimate_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_orders_LDFLAGS = $(bench_link_flags)
tests_check_orders_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_gate_LDADD = libfcnn-gate.la $(LDADD) $(JANSSON_LIBS)
tests_check_gate_files_LDADD = libfcnn-gate.la $(LDADD) $(JANSSON_LIBS)
tests_check_gate_report_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_gate_report_LDADD = libfcnn-gate.la $(LDADD) $(JANSSON_LIBS)
tests_check_program_files_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_program_files_SOURCES = tests/check_program_files.c tests/complaint.c tests/complaint.h tests/held.h \
    cli/history.c cli/json.c cli/kernel_text.c
tests_check_program_files_LDADD = libfcnn-bench.la $(LDADD) $(JANSSON_LIBS)
tests_check_checkpoint_SOURCES = tests/check_checkpoint.c tests/zoo.c tests/zoo.h
tests_check_checkpoint_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_safetensors_SOURCES = tests/check_safetensors.c tests/zoo.c tests/zoo.h
tests_check_safetensors_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_check_text_models_SOURCES = tests/check_text_models.c tests/zoo.c tests/zoo.h
tests_check_shape_file_LDADD = libfcnn-layers.la $(LDADD)
tests_check_tuning_file_SOURCES = tests/check_tuning_file.c tests/tuning.c tests/tuning.h
tests_check_tuning_text_SOURCES = tests/check_tuning_text.c tests/tuning.c tests/tuning.h
tests_check_tuning_file_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc
tests_check_peak_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime

installcheck-local:
	$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/check_install.sh '$(DESTDIR)'

# A long run: this many random problems for each row. Meant for a build with --enable-sanitizer.
RANDOM_PROBLEMS = 1000
.PHONY: check-random
check-random: tests/check_kernels
	@$(AM_TESTS_ENVIRONMENT) FCNN_TEST_LISTS=0 FCNN_TEST_RANDOM='$(RANDOM_PROBLEMS)' $(FCNN_RUN) tests/check_kernels

# libFuzzer on everything that reads files: tests/fuzz/run.sh says how. Succeeds where there is no libFuzzer.
fuzz_targets = \
    tests/fuzz/bench_json.c \
    tests/fuzz/checkpoint.c \
    tests/fuzz/filter_kernel.c \
    tests/fuzz/history.c \
    tests/fuzz/idx.c \
    tests/fuzz/keras_file.c \
    tests/fuzz/keras_json.c \
    tests/fuzz/npz.c \
    tests/fuzz/png.c \
    tests/fuzz/problem.c \
    tests/fuzz/receipt.c \
    tests/fuzz/safetensors.c \
    tests/fuzz/shape_file.c \
    tests/fuzz/text_model.c \
    tests/fuzz/trail.c \
    tests/fuzz/tuning.c
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/run.sh tests/fuzz/fuzz.h tests/fuzz/repair.h $(fuzz_targets) \
    tests/fuzz/seeds
.PHONY: fuzz
fuzz:
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/fuzz/run.sh || test $$? -eq 77

distclean-local:
	rm -rf fuzz

# The programs that test threads, for a build with --enable-sanitizer=thread, which wants clang and its OpenMP
# (configure says so). That sanitizer does not see whole vectors, so only scalar kernels run; OpenMP's runtime has
# no instrumentation.
thread_programs = tests/check_fit tests/check_memory tests/check_processes tests/check_sharing tests/check_team \
    tests/check_team_portable tests/check_threads
.PHONY: check-threads
check-threads:
	FASTCNN_ISA=scalar TSAN_OPTIONS='ignore_noninstrumented_modules=1 die_after_fork=0 halt_on_error=1' \
	    $(MAKE) check TESTS='$(thread_programs)'

# Parts of the suite for builds in which the rest would say the same again: what packaging can break is what reads files
# of the sources, what another compiler can break is what computes.
.PHONY: check-dist check-programs
check-dist:
	$(MAKE) distcheck TESTS='$(script_tests)'
check-programs:
	$(MAKE) check TESTS='$(check_programs)'

# The suite again with less than the CPU has, and on a CPU of 2008, where any stray AVX instruction is a crash. A cap
# changes what plans choose: programs that name their kernels, or have none, do the same under it.
isa_free = cases damaged_checkpoints dataset digits dispatch early_stopping faults gate.* idx input kept kernels \
    keras.* limits many npz orders peak peers places png problem program_files reference.* report results safetensors \
    summaries summary text text_models winograd
.PHONY: check-aarch64 check-isa check-nehalem
check-isa:
	tests=$$(echo $(check_programs) | tr ' ' '\n' | \
	    grep -vE "^tests/check_($$(echo '$(isa_free)' | tr ' ' '|'))\$$") && \
	    FASTCNN_ISA=scalar $(MAKE) check TESTS="$$(echo $$tests)" && \
	    FASTCNN_ISA=avx2 $(MAKE) check TESTS="$$(echo $$tests)"
# Behind an emulator: what chooses by CPU, and what runs the code that every CPU runs. That no object but those of AVX
# kernels has AVX instructions is shown by check_leak.sh.
emulated = tests/check_api tests/check_dispatch tests/check_explain tests/check_fit tests/check_interface \
    tests/check_isas tests/check_kernels tests/check_net tests/check_peak tests/check_pins tests/check_reference \
    tests/check_reference_conv tests/check_reference_training tests/check_state tests/check_winograd
check-nehalem:
	@command -v qemu-x86_64 >/dev/null || { echo 'make check-nehalem needs qemu: apt-get install qemu-user' >&2; exit 1; }
	CK_FORK=no CK_TIMEOUT_MULTIPLIER=50 FCNN_TEST_SMALL=1 FCNN_TEST_RANDOM=5 FCNN_TEST_MOST=1e5 \
	    $(MAKE) check TESTS='$(emulated)' \
	    FCNN_RUN='./libtool --mode=execute qemu-x86_64 -cpu Nehalem'

# In a build of scripts/configure-aarch64: what differs on another machine, in a few minutes of qemu. Every NEON row
# with few problems, what knows instruction sets, and training, which must end where it does on x86.
aarch64_programs = tests/check_denormals tests/check_dispatch tests/check_explain tests/check_isas tests/check_kernels \
    tests/check_peak tests/check_pins tests/check_reference tests/check_reference_training tests/check_settings
aarch64_scripts = tests/check_hot_loops.sh tests/check_mca_floors.sh tests/check_table.sh tests/check_verify.sh
check-aarch64: fastcnn fastcnn-icount
	FCNN_TEST_SMALL=1 FCNN_TEST_KERNEL='*_neon' FCNN_TEST_RANDOM=3 FCNN_TEST_MOST=2e4 $(MAKE) check-TESTS \
	    check_PROGRAMS='$(aarch64_programs)' TESTS='$(aarch64_programs) $(aarch64_scripts)'
	hash=$$(sed -n 's/^| `.\/fastcnn prove --quick` | `\([0-9a-f]*\)` |$$/\1/p' $(srcdir)/README.md) && \
	    FASTCNN_TUNING=off $(FCNN_RUN) ./fastcnn prove --quick --expect="$$hash"

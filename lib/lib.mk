# SPDX-License-Identifier: BSD-2-Clause
# libfcnn-core.la is the whole library with all its names: what white-box tests and the benchmark link.
# libfastcnn.la is the same with only fcnn_* exported: what is installed and what the program links.

noinst_LTLIBRARIES += libfcnn-core.la libfcnn-io.la
lib_LTLIBRARIES += libfastcnn.la
include_HEADERS = kernels/fastcnn_problem.h lib/fastcnn.h lib/fastcnn_tuning.h lib/net/fastcnn_net.h \
    lib/net/fastcnn_run.h

libfcnn_core_la_CPPFLAGS = $(LIB_CPPFLAGS) -DFCNN_SYSCONFDIR='"$(sysconfdir)"'
libfcnn_core_la_SOURCES = \
    lib/bell.c \
    lib/bell.h \
    lib/choice.c \
    lib/choice.h \
    lib/clock.h \
    lib/cpu.c \
    lib/demand.c \
    lib/denormals.c \
    lib/denormals.h \
    lib/dispatch.c \
    lib/environment.h \
    lib/error.c \
    lib/error.h \
    lib/explain.c \
    lib/fastcnn.h \
    lib/fpmode.h \
    lib/hyper.c \
    lib/hyper.h \
    lib/internal.h \
    lib/isas.c \
    lib/isas.h \
    lib/memory.c \
    lib/memory.h \
    lib/naive.c \
    lib/names.c \
    lib/net/added.c \
    lib/net/callbacks.c \
    lib/net/compile.c \
    lib/net/continue.c \
    lib/net/fastcnn_net.h \
    lib/net/fastcnn_run.h \
    lib/net/fit.c \
    lib/net/info.c \
    lib/net/job.c \
    lib/net/kinds.c \
    lib/net/layers.c \
    lib/net/loss.c \
    lib/net/memory.c \
    lib/net/model.c \
    lib/net/moments.c \
    lib/net/moments.h \
    lib/net/net.h \
    lib/net/normalize.c \
    lib/net/optimizer.c \
    lib/net/outputs.c \
    lib/net/plans.c \
    lib/net/random.c \
    lib/net/receipt.c \
    lib/net/shard.c \
    lib/net/state.c \
    lib/net/train.c \
    lib/net/tune.c \
    lib/operation.c \
    lib/operation.h \
    lib/peak.c \
    lib/plan.c \
    lib/pool.c \
    lib/pool.h \
    lib/problem.c \
    lib/problem_sizes.c \
    lib/problem_sizes.h \
    lib/problem_text.c \
    lib/registry.c \
    lib/settings.c \
    lib/sized.h \
    lib/team.c \
    lib/team.h \
    lib/tensors.c \
    lib/threads.c \
    lib/threads.h \
    lib/tuning/file.c \
    lib/tuning/judge.c \
    lib/tuning/lines.c \
    lib/tuning/machine.c \
    lib/tuning/measure.c \
    lib/tuning/places.c \
    lib/tuning/search.c \
    lib/tuning/search.h \
    lib/tuning/table.c \
    lib/tuning/table.h \
    lib/tuning/text.c \
    lib/tuning/tune.c \
    lib/tuning/tune.h \
    lib/tuning/tuning.h \
    lib/version.c \
    lib/waiter.c \
    lib/waiter.h
libfcnn_core_la_LIBADD = $(kernel_libraries) libfcnn-reference.la $(LIBM)

libfastcnn_la_SOURCES =
libfastcnn_la_LIBADD = libfcnn-core.la
libfastcnn_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0
EXTRA_DIST += lib/libfastcnn.map lib/libfastcnn.symbols lib/prefix_static.sh
# Threads of the library may sleep in its code when a program closes it.
libfastcnn_la_LDFLAGS += -Wl,-z,nodelete
if VERSION_SCRIPT
libfastcnn_la_LDFLAGS += -Wl,--version-script=$(srcdir)/lib/libfastcnn.map
EXTRA_libfastcnn_la_DEPENDENCIES = lib/libfastcnn.map
if !SANITIZER
libfastcnn_la_LDFLAGS += -Wl,-z,defs
endif
endif

# What the shared library keeps to itself is visible in the static one, so there it gets our prefix.
install-exec-hook:
	@for name in fastcnn fastcnn-io; do \
	    library='$(DESTDIR)$(libdir)'/lib$$name.a; \
	    test ! -f "$$library" || test -z '$(OBJCOPY)' || \
	        NM='$(NM)' OBJCOPY='$(OBJCOPY)' $(SHELL) $(srcdir)/lib/prefix_static.sh "$$library" || exit 1; \
	done

# The lists of exported functions, from the headers: look at their diff before committing it.
.PHONY: update-symbols
update-symbols:
	top_srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/check_symbols.sh --list fastcnn >lib/symbols.tmp
	mv lib/symbols.tmp $(srcdir)/lib/libfastcnn.symbols
	top_srcdir='$(srcdir)' $(SHELL) $(srcdir)/tests/check_symbols.sh --list fastcnn-io >lib/symbols.tmp
	mv lib/symbols.tmp $(srcdir)/lib/io/libfastcnn-io.symbols

# File formats and receipts: not in the library of kernels, which needs no more than libc, libm and OpenMP. All of it is
# libfcnn-io.la; libfastcnn-io.la is the same with only the functions of fastcnn_io.h exported: what is installed.
IO_CFLAGS = $(JANSSON_CFLAGS) $(NETTLE_CFLAGS) $(ZLIB_CFLAGS) $(HDF5_CFLAGS) $(PNG_CFLAGS)
IO_LIBS = $(JANSSON_LIBS) $(NETTLE_LIBS) $(ZLIB_LIBS) $(HDF5_LIBS) $(PNG_LIBS)
libfcnn_io_la_CPPFLAGS = $(LIB_CPPFLAGS) $(IO_CFLAGS)
libfcnn_io_la_SOURCES = \
    lib/io/checkpoint.c \
    lib/io/checkpoint.h \
    lib/io/checkpoint_run.c \
    lib/io/dataset.c \
    lib/io/dataset.h \
    lib/io/digits.c \
    lib/io/fail.c \
    lib/io/fail.h \
    lib/io/fastcnn_io.h \
    lib/io/folder.c \
    lib/io/idx.c \
    lib/io/input.c \
    lib/io/input.h \
    lib/io/io.h \
    lib/io/json.c \
    lib/io/json.h \
    lib/io/json_text.c \
    lib/io/json_text.h \
    lib/io/keras.h \
    lib/io/keras_chain.c \
    lib/io/keras_config.c \
    lib/io/keras_layers.c \
    lib/io/keras_layers.h \
    lib/io/keras_read.c \
    lib/io/keras_training.c \
    lib/io/models.c \
    lib/io/models.h \
    lib/io/nearest.c \
    lib/io/nearest.h \
    lib/io/npy.c \
    lib/io/npy.h \
    lib/io/npz.c \
    lib/io/number.c \
    lib/io/number.h \
    lib/io/onnx.c \
    lib/io/onnx_graph.c \
    lib/io/onnx_graph.h \
    lib/io/plane.c \
    lib/io/plane.h \
    lib/io/png.c \
    lib/io/png.h \
    lib/io/protobuf.c \
    lib/io/protobuf.h \
    lib/io/receipt.c \
    lib/io/receipt.h \
    lib/io/receipt_compare.c \
    lib/io/receipt_parts.h \
    lib/io/receipt_read.c \
    lib/io/receipt_run.c \
    lib/io/receipt_text.c \
    lib/io/replace.c \
    lib/io/replace.h \
    lib/io/safetensors.c \
    lib/io/safetensors.h \
    lib/io/safetensors_read.c \
    lib/io/safetensors_write.c \
    lib/io/sight.c \
    lib/io/sight.h \
    lib/io/text.c \
    lib/io/text.h \
    lib/io/text_file.c \
    lib/io/text_table.c \
    lib/io/text_write.c \
    lib/io/trail.c \
    lib/io/trail.h \
    lib/io/trail_read.c \
    lib/io/unzip.c \
    lib/io/unzip.h \
    lib/io/whole.c \
    lib/io/whole.h
if HAVE_HDF5
libfcnn_io_la_SOURCES += \
    lib/io/h5.c \
    lib/io/h5.h \
    lib/io/h5_data.c \
    lib/io/h5_make.c \
    lib/io/h5_make.h \
    lib/io/h5_parts.h \
    lib/io/h5_read.c \
    lib/io/h5_write.c \
    lib/io/keras_file.c \
    lib/io/keras_files.h \
    lib/io/keras_legacy.c \
    lib/io/keras_make.c \
    lib/io/keras_notes.c \
    lib/io/keras_state.c \
    lib/io/keras_values.c \
    lib/io/keras_values.h \
    lib/io/keras_vars.c \
    lib/io/zip.c \
    lib/io/zip.h
endif
libfcnn_io_la_LIBADD = $(IO_LIBS) $(LIBM)

if INSTALL_IO
lib_LTLIBRARIES += libfastcnn-io.la
include_HEADERS += lib/io/fastcnn_io.h
endif
libfastcnn_io_la_SOURCES =
libfastcnn_io_la_LIBADD = libfcnn-io.la libfastcnn.la
libfastcnn_io_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0
if VERSION_SCRIPT
libfastcnn_io_la_LDFLAGS += -Wl,--version-script=$(srcdir)/lib/io/libfastcnn-io.map
EXTRA_libfastcnn_io_la_DEPENDENCIES = lib/io/libfastcnn-io.map
if !SANITIZER
libfastcnn_io_la_LDFLAGS += -Wl,-z,defs
endif
endif
EXTRA_DIST += lib/io/libfastcnn-io.map lib/io/libfastcnn-io.symbols

pkgconfig_DATA = fastcnn.pc
if INSTALL_IO
pkgconfig_DATA += fastcnn-io.pc
endif

# For CMake's find_package(). The file finds the installed tree from where it lies itself, so that trees can be moved:
# it needs the folders relative to the prefix, which only make knows.
cmakedir = $(libdir)/cmake/fastcnn
cmake_DATA = fastcnnConfig.cmake fastcnnConfigVersion.cmake
EXTRA_DIST += fastcnnConfig.cmake.in
CLEANFILES += fastcnnConfig.cmake
fastcnnConfig.cmake: fastcnnConfig.cmake.in Makefile
	$(AM_V_GEN)prefix='$(prefix)' libdir='$(libdir)' includedir='$(includedir)'; \
	$(SED) -e "s|@LIBDIR@|$${libdir#"$$prefix"/}|" -e "s|@INCLUDEDIR@|$${includedir#"$$prefix"/}|" \
	    -e 's|@OPENMP_CFLAGS[@]|$(OPENMP_CFLAGS)|' \
	    -e "s|@IO_LIBS[@]|$$(echo $(JANSSON_LIBS) $(NETTLE_LIBS) $(ZLIB_LIBS) $(HDF5_LIBS) $(PNG_LIBS) | tr ' ' ';')|" \
	    $(srcdir)/fastcnnConfig.cmake.in >$@.tmp && mv $@.tmp $@

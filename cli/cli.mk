# SPDX-License-Identifier: BSD-2-Clause
# The program `fastcnn`: one file per subcommand. libfcnn-program.la is what other programs start and end with too.

noinst_LTLIBRARIES += libfcnn-program.la
libfcnn_program_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_program_la_SOURCES = \
    cli/program.c \
    cli/program.h

bin_PROGRAMS += fastcnn
fastcnn_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(NETTLE_CFLAGS)
cli_sources = \
    bench/format.c \
    bench/report/html.c \
    cli/arguments.c \
    cli/arguments.h \
    cli/cli.h \
    cli/canvas.c \
    cli/canvas.h \
    cli/checkpoint.c \
    cli/checkpoint.h \
    cli/checkpoint_model.c \
    cli/checkpoint_options.c \
    cli/convert.c \
    cli/data.c \
    cli/evaluate.c \
    cli/explain.c \
    cli/file.c \
    cli/file_lock.c \
    cli/file_lock.h \
    cli/filter.c \
    cli/history.c \
    cli/history.h \
    cli/info.c \
    cli/json.c \
    cli/kernel_text.c \
    cli/kernel_text.h \
    cli/list.c \
    cli/main.c \
    cli/measure.c \
    cli/model.c \
    cli/model.h \
    cli/network.c \
    cli/network.h \
    cli/plot.c \
    cli/plot.h \
    cli/plot_html.c \
    cli/plot_model.c \
    cli/plot_png.c \
    cli/predict.c \
    cli/progress.c \
    cli/prove.c \
    cli/record.c \
    cli/record.h \
    cli/record_receipt.c \
    cli/shades.c \
    cli/summary.c \
    cli/times.c \
    cli/times.h \
    cli/trail.c \
    cli/train.c \
    cli/train_model.c \
    cli/train_report.c \
    cli/training.c \
    cli/training.h \
    cli/tune.c \
    cli/tune.h \
    cli/tune_file.c \
    cli/tune_list.c \
    cli/ui.c \
    cli/verify.c \
    cli/verify.h \
    cli/verify_begin.c \
    cli/verify_checkpoint.c \
    cli/verify_run.c
fastcnn_SOURCES = $(cli_sources)
fastcnn_LDADD = libfcnn-program.la libfcnn-cases.la libfcnn-reference.la libfcnn-layers.la libfcnn-io.la \
    libfastcnn.la $(JANSSON_LIBS) $(NETTLE_LIBS) $(LIBM)

# Trains with every family of kernels: one hash, or exit status 1.
.PHONY: prove
prove: all
	./fastcnn prove

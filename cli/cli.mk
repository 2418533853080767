# SPDX-License-Identifier: BSD-2-Clause
# The program `fastcnn`: one file per subcommand.

bin_PROGRAMS += fastcnn
fastcnn_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
fastcnn_SOURCES = \
    cli/arguments.c \
    cli/cli.h \
    cli/data.c \
    cli/explain.c \
    cli/info.c \
    cli/list.c \
    cli/main.c \
    cli/measure.c \
    cli/progress.c \
    cli/prove.c \
    cli/train.c \
    cli/ui.c
fastcnn_LDADD = libfastcnn-io.la libfastcnn.la $(JANSSON_LIBS) $(LIBM)

# Trains with every family of kernels: one hash, or exit status 1.
.PHONY: prove
prove: all
	./fastcnn prove

# SPDX-License-Identifier: BSD-2-Clause
# The float reference is part of the library (the kernels called naive); the double one measures errors.

noinst_LTLIBRARIES += libfcnn-reference.la libfcnn-double.la

libfcnn_reference_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_reference_la_CFLAGS = $(PLAIN_CFLAGS)
libfcnn_reference_la_SOURCES = \
    reference/activation.c \
    reference/batchnorm.c \
    reference/conv2d.c \
    reference/conv2d_pool.c \
    reference/dense.c \
    reference/dropout.c \
    reference/math.c \
    reference/optimizer.c \
    reference/pool.c \
    reference/ref.h \
    reference/softmax.c \
    reference/tree.c

libfcnn_double_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_double_la_CFLAGS = $(PLAIN_CFLAGS)
libfcnn_double_la_SOURCES = \
    reference/conv2d_double.c

# SPDX-License-Identifier: BSD-2-Clause
# Each instruction set is one library with its own flags, so that none of its instructions reaches code that runs
# everywhere. A new kernel is one file in one of these lists (and one row in kernels/kernels.def).

noinst_LTLIBRARIES += libfcnn-scalar.la
kernel_libraries = libfcnn-scalar.la

libfcnn_scalar_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_scalar_la_CFLAGS = $(PLAIN_CFLAGS)
libfcnn_scalar_la_SOURCES = \
    kernels/batchnorm/batchnorm_body.h \
    kernels/batchnorm/batchnorm_scalar.c \
    kernels/conv2d/conv2d.h \
    kernels/conv2d/direct_cut.c \
    kernels/conv2d/direct_cut.h \
    kernels/conv2d/direct_gather.c \
    kernels/conv2d/direct_scalar.c \
    kernels/conv2d/direct_weights.c \
    kernels/conv2d/geometry.c \
    kernels/conv2d/geometry.h \
    kernels/conv2d/im2col.c \
    kernels/conv2d/im2col.h \
    kernels/conv2d/im2col_gather.c \
    kernels/conv2d/im2col_scalar.c \
    kernels/conv2d/im2col_weights.c \
    kernels/conv2d/narrow.c \
    kernels/conv2d/narrow.h \
    kernels/conv2d/narrow_scalar.c \
    kernels/conv2d/pack.c \
    kernels/conv2d/spread.c \
    kernels/conv2d/strips.c \
    kernels/conv2d/strips.h \
    kernels/conv2d/weights_cut.c \
    kernels/conv2d/weights_cut.h \
    kernels/conv2d/weights_sum.h \
    kernels/conv2d/weights_tile.c \
    kernels/conv2d/weights_tile.h \
    kernels/depthwise/body.h \
    kernels/depthwise/depthwise.h \
    kernels/depthwise/depthwise_scalar.c \
    kernels/depthwise/gather.c \
    kernels/depthwise/inplace.c \
    kernels/depthwise/inplace.h \
    kernels/depthwise/inplace_body.h \
    kernels/depthwise/inplace_scalar.c \
    kernels/depthwise/weights.c \
    kernels/depthwise/weights.h \
    kernels/depthwise/weights_body.h \
    kernels/depthwise/weights_inplace.c \
    kernels/depthwise/weights_inplace.h \
    kernels/depthwise/weights_inplace_body.h \
    kernels/depthwise/weights_inplace_scalar.c \
    kernels/depthwise/weights_scalar.c \
    kernels/depthwise/weights_window_body.h \
    kernels/elementwise/chunks.h \
    kernels/elementwise/dropout_body.h \
    kernels/elementwise/dropout_scalar.c \
    kernels/elementwise/flush.h \
    kernels/elementwise/lanes.h \
    kernels/elementwise/reduce_body.h \
    kernels/elementwise/reduce_scalar.c \
    kernels/elementwise/relu_body.h \
    kernels/elementwise/relu_scalar.c \
    kernels/elementwise/sigmoid_body.h \
    kernels/elementwise/sigmoid_scalar.c \
    kernels/elementwise/tree.h \
    kernels/fastcnn_problem.h \
    kernels/grouped/body.h \
    kernels/grouped/gather.c \
    kernels/grouped/gather.h \
    kernels/grouped/gather_cut.c \
    kernels/grouped/grouped.c \
    kernels/grouped/grouped.h \
    kernels/grouped/grouped_scalar.c \
    kernels/grouped/march.c \
    kernels/grouped/march_body.h \
    kernels/grouped/planar_body.h \
    kernels/grouped/weights.c \
    kernels/grouped/weights_body.h \
    kernels/kernel.h \
    kernels/kernels.def \
    kernels/optimizer/adam_body.h \
    kernels/optimizer/adam_scalar.c \
    kernels/optimizer/rmsprop_body.h \
    kernels/optimizer/rmsprop_scalar.c \
    kernels/optimizer/sgd_body.h \
    kernels/optimizer/sgd_scalar.c \
    kernels/peak/peak.h \
    kernels/peak/peak_body.h \
    kernels/peak/peak_scalar.c \
    kernels/peak/stream_body.h \
    kernels/pool/avgpool_body.h \
    kernels/pool/avgpool_scalar.c \
    kernels/pool/maxpool_body.h \
    kernels/pool/maxpool_scalar.c \
    kernels/pool/pool.h \
    kernels/simd/common.h \
    kernels/simd/live.h \
    kernels/simd/math.h \
    kernels/simd/philox.h \
    kernels/simd/sums.h \
    kernels/simd/transpose.h \
    kernels/simd/vector_avx2.h \
    kernels/simd/vector_avx512.h \
    kernels/simd/vector_scalar.h \
    kernels/simd/windows.h \
    kernels/skip/skip.c \
    kernels/skip/skip.h \
    kernels/skip/skip_body.h \
    kernels/skip/skip_scalar.c \
    kernels/softmax/mse_body.h \
    kernels/softmax/mse_scalar.c \
    kernels/softmax/row.h \
    kernels/softmax/softmax_body.h \
    kernels/softmax/softmax_scalar.c \
    kernels/sparse/data.c \
    kernels/sparse/sparse.h \
    kernels/sparse/sparse_body.h \
    kernels/sparse/sparse_scalar.c \
    kernels/sparse/weights.c \
    kernels/sparse/winners.c \
    kernels/tile/pool_window.h \
    kernels/tile/spread_body.h \
    kernels/tile/tile.h \
    kernels/tile/tile_body.h \
    kernels/tile/tile_scalar.c \
    kernels/winograd/gather.c \
    kernels/winograd/weights.c \
    kernels/winograd/winograd.c \
    kernels/winograd/winograd.h \
    kernels/winograd/winograd_body.h \
    kernels/winograd/winograd_scalar.c

if HAVE_AVX2
noinst_LTLIBRARIES += libfcnn-avx2.la
kernel_libraries += libfcnn-avx2.la
libfcnn_avx2_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_avx2_la_CFLAGS = $(PLAIN_CFLAGS) $(AVX2_CFLAGS)
libfcnn_avx2_la_SOURCES = \
    kernels/batchnorm/batchnorm_avx2.c \
    kernels/conv2d/direct_avx2.c \
    kernels/conv2d/im2col_avx2.c \
    kernels/conv2d/narrow_avx2.c \
    kernels/depthwise/depthwise_avx2.c \
    kernels/depthwise/inplace_avx2.c \
    kernels/depthwise/weights_avx2.c \
    kernels/depthwise/weights_inplace_avx2.c \
    kernels/elementwise/dropout_avx2.c \
    kernels/elementwise/reduce_avx2.c \
    kernels/elementwise/relu_avx2.c \
    kernels/elementwise/sigmoid_avx2.c \
    kernels/grouped/grouped_avx2.c \
    kernels/optimizer/adam_avx2.c \
    kernels/optimizer/rmsprop_avx2.c \
    kernels/optimizer/sgd_avx2.c \
    kernels/peak/peak_avx2.c \
    kernels/pool/avgpool_avx2.c \
    kernels/pool/maxpool_avx2.c \
    kernels/skip/skip_avx2.c \
    kernels/softmax/mse_avx2.c \
    kernels/softmax/softmax_avx2.c \
    kernels/sparse/sparse_avx2.c \
    kernels/tile/tile_avx2.c \
    kernels/winograd/winograd_avx2.c
endif

if HAVE_AVX512
noinst_LTLIBRARIES += libfcnn-avx512.la
kernel_libraries += libfcnn-avx512.la
libfcnn_avx512_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_avx512_la_CFLAGS = $(PLAIN_CFLAGS) $(AVX512_CFLAGS)
libfcnn_avx512_la_SOURCES = \
    kernels/batchnorm/batchnorm_avx512.c \
    kernels/conv2d/direct_avx512.c \
    kernels/conv2d/im2col_avx512.c \
    kernels/conv2d/narrow_avx512.c \
    kernels/depthwise/depthwise_avx512.c \
    kernels/depthwise/inplace_avx512.c \
    kernels/depthwise/weights_avx512.c \
    kernels/depthwise/weights_inplace_avx512.c \
    kernels/elementwise/dropout_avx512.c \
    kernels/elementwise/reduce_avx512.c \
    kernels/elementwise/relu_avx512.c \
    kernels/elementwise/sigmoid_avx512.c \
    kernels/grouped/grouped_avx512.c \
    kernels/optimizer/adam_avx512.c \
    kernels/optimizer/rmsprop_avx512.c \
    kernels/optimizer/sgd_avx512.c \
    kernels/peak/peak_avx512.c \
    kernels/pool/avgpool_avx512.c \
    kernels/pool/maxpool_avx512.c \
    kernels/skip/skip_avx512.c \
    kernels/softmax/mse_avx512.c \
    kernels/softmax/softmax_avx512.c \
    kernels/sparse/sparse_avx512.c \
    kernels/tile/tile_avx512.c \
    kernels/winograd/winograd_avx512.c
endif

if HAVE_NEON
noinst_LTLIBRARIES += libfcnn-neon.la
kernel_libraries += libfcnn-neon.la
libfcnn_neon_la_CPPFLAGS = $(LIB_CPPFLAGS)
libfcnn_neon_la_CFLAGS = $(PLAIN_CFLAGS) $(NEON_CFLAGS)
libfcnn_neon_la_SOURCES = \
    kernels/batchnorm/batchnorm_neon.c \
    kernels/conv2d/direct_neon.c \
    kernels/conv2d/im2col_neon.c \
    kernels/conv2d/narrow_neon.c \
    kernels/depthwise/depthwise_neon.c \
    kernels/depthwise/inplace_neon.c \
    kernels/depthwise/weights_neon.c \
    kernels/depthwise/weights_inplace_neon.c \
    kernels/elementwise/dropout_neon.c \
    kernels/elementwise/reduce_neon.c \
    kernels/elementwise/relu_neon.c \
    kernels/elementwise/sigmoid_neon.c \
    kernels/grouped/grouped_neon.c \
    kernels/optimizer/adam_neon.c \
    kernels/optimizer/rmsprop_neon.c \
    kernels/optimizer/sgd_neon.c \
    kernels/peak/peak_neon.c \
    kernels/pool/avgpool_neon.c \
    kernels/pool/maxpool_neon.c \
    kernels/skip/skip_neon.c \
    kernels/softmax/mse_neon.c \
    kernels/softmax/softmax_neon.c \
    kernels/sparse/sparse_neon.c \
    kernels/tile/tile_neon.c \
    kernels/winograd/winograd_neon.c
endif

/* SPDX-License-Identifier: BSD-2-Clause
 * A chain of ONNX operators in the making. The field numbers are those of onnx.proto3. */
#ifndef FCNN_IO_ONNX_GRAPH_H
#define FCNN_IO_ONNX_GRAPH_H

#include <stdint.h>

#include "lib/io/protobuf.h"

struct onnx_graph {
    struct io_protobuf graph; /* its finished operators and constants */
    struct io_protobuf node;  /* the last operator, whose output has no name yet */
    char value[192];          /* its name, and its output's */
    int nodes;
};

/* An operator that takes the value of the one before: "LAYER/OP". The following are added to it. */
void onnx_node(struct onnx_graph *g, const char *op, const char *layer);
void onnx_int(struct onnx_graph *g, const char *attribute, int64_t value);
void onnx_ints(struct onnx_graph *g, const char *attribute, const int64_t *values, int count);
void onnx_float(struct onnx_graph *g, const char *attribute, float value);

/* A constant as a further input of the last operator: "LAYER/NAME". A rank of 0 is one number. */
void onnx_constant(struct onnx_graph *g, const char *layer, const char *name, const float *values,
                   const int64_t *shape, int rank);
void onnx_constant_ints(struct onnx_graph *g, const char *layer, const char *name, const int64_t *values, int count);

/* The last operator is the graph's end; its output is called "output". Sizes of 0 have no fixed number: "N". */
void onnx_end(struct onnx_graph *g, const char *name, const int64_t input[4], const int64_t *output, int rank);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/onnx_graph.h"

#include <stdio.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little-endian");

enum { FLOAT = 1, INT64 = 7 };                                        /* TensorProto.DataType */
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_INTS = 7 }; /* AttributeProto.AttributeType */
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_INTS_LIST = 8, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIMS = 1, TENSOR_DATA_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW_DATA = 9 };

/* ---- operators ---- */

static void finish_node(struct onnx_graph *g, const char *output)
{
    if (!g->nodes) return;
    io_protobuf_text(&g->node, NODE_OUTPUT, output);
    io_protobuf_message(&g->graph, GRAPH_NODE, &g->node);
}

void onnx_node(struct onnx_graph *g, const char *op, const char *layer)
{
    finish_node(g, g->value);
    io_protobuf_text(&g->node, NODE_INPUT, g->nodes ? g->value : "input");
    snprintf(g->value, sizeof g->value, "%s/%s", layer, op);
    io_protobuf_text(&g->node, NODE_NAME, g->value);
    io_protobuf_text(&g->node, NODE_OP_TYPE, op);
    g->nodes++;
}

void onnx_int(struct onnx_graph *g, const char *attribute, int64_t value)
{
    struct io_protobuf part = {.count = 0};
    io_protobuf_text(&part, ATTRIBUTE_NAME, attribute);
    io_protobuf_int(&part, ATTRIBUTE_I, value);
    io_protobuf_int(&part, ATTRIBUTE_TYPE, ATTRIBUTE_INT);
    io_protobuf_message(&g->node, NODE_ATTRIBUTE, &part);
}

void onnx_ints(struct onnx_graph *g, const char *attribute, const int64_t *values, int count)
{
    struct io_protobuf part = {.count = 0};
    io_protobuf_text(&part, ATTRIBUTE_NAME, attribute);
    for (int i = 0; i < count; i++) io_protobuf_int(&part, ATTRIBUTE_INTS_LIST, values[i]);
    io_protobuf_int(&part, ATTRIBUTE_TYPE, ATTRIBUTE_INTS);
    io_protobuf_message(&g->node, NODE_ATTRIBUTE, &part);
}

void onnx_float(struct onnx_graph *g, const char *attribute, float value)
{
    struct io_protobuf part = {.count = 0};
    io_protobuf_text(&part, ATTRIBUTE_NAME, attribute);
    io_protobuf_float(&part, ATTRIBUTE_F, value);
    io_protobuf_int(&part, ATTRIBUTE_TYPE, ATTRIBUTE_FLOAT);
    io_protobuf_message(&g->node, NODE_ATTRIBUTE, &part);
}

/* ---- constants ---- */

static void constant(struct onnx_graph *g, const char *layer, const char *name, int type, const void *values,
                     size_t size, const int64_t *shape, int rank)
{
    struct io_protobuf part = {.count = 0};
    char text[192];
    size_t count = 1;
    snprintf(text, sizeof text, "%s/%s", layer, name);
    for (int i = 0; i < rank; i++) {
        io_protobuf_int(&part, TENSOR_DIMS, shape[i]);
        count *= (size_t)shape[i];
    }
    io_protobuf_int(&part, TENSOR_DATA_TYPE, type);
    io_protobuf_text(&part, TENSOR_NAME, text);
    io_protobuf_bytes(&part, TENSOR_RAW_DATA, values, count * size);
    io_protobuf_message(&g->graph, GRAPH_INITIALIZER, &part);
    io_protobuf_text(&g->node, NODE_INPUT, text);
}

void onnx_constant(struct onnx_graph *g, const char *layer, const char *name, const float *values,
                   const int64_t *shape, int rank)
{
    constant(g, layer, name, FLOAT, values, sizeof *values, shape, rank);
}

void onnx_constant_ints(struct onnx_graph *g, const char *layer, const char *name, const int64_t *values, int count)
{
    constant(g, layer, name, INT64, values, sizeof *values, (const int64_t[]){count}, 1);
}

/* ---- ends ---- */

/* ValueInfoProto { name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1,
 * dim_param = 2 } } } } } */
static void put_end(struct onnx_graph *g, int field, const char *name, const int64_t *sizes, int rank)
{
    struct io_protobuf shape = {.count = 0}, tensor = {.count = 0}, type = {.count = 0}, info = {.count = 0};
    for (int i = 0; i < rank; i++) {
        struct io_protobuf dimension = {.count = 0};
        if (sizes[i]) io_protobuf_int(&dimension, 1, sizes[i]);
        else io_protobuf_text(&dimension, 2, "N");
        io_protobuf_message(&shape, 1, &dimension);
    }
    io_protobuf_int(&tensor, 1, FLOAT);
    io_protobuf_message(&tensor, 2, &shape);
    io_protobuf_message(&type, 1, &tensor);
    io_protobuf_text(&info, 1, name);
    io_protobuf_message(&info, 2, &type);
    io_protobuf_message(&g->graph, field, &info);
}

void onnx_end(struct onnx_graph *g, const char *name, const int64_t input[4], const int64_t *output, int rank)
{
    if (!g->nodes) onnx_node(g, "Identity", name);
    finish_node(g, "output");
    io_protobuf_text(&g->graph, GRAPH_NAME, name);
    put_end(g, GRAPH_INPUT, "input", input, 4);
    put_end(g, GRAPH_OUTPUT, "output", output, rank);
}

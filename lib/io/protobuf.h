/* SPDX-License-Identifier: BSD-2-Clause
 * Writing Google's protocol buffers, as far as ONNX needs them: protobuf.dev/programming-guides/encoding. A buffer that
 * could not grow stays so, and shows it in `failed`. */
#ifndef FCNN_IO_PROTOBUF_H
#define FCNN_IO_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct io_protobuf {
    unsigned char *bytes;
    size_t count, room;
    int failed;
};

void io_protobuf_int(struct io_protobuf *to, int field, int64_t value);
void io_protobuf_float(struct io_protobuf *to, int field, float value);
void io_protobuf_bytes(struct io_protobuf *to, int field, const void *bytes, size_t count);
void io_protobuf_text(struct io_protobuf *to, int field, const char *text);
/* A message within another; *part is freed and empty then. */
void io_protobuf_message(struct io_protobuf *to, int field, struct io_protobuf *part);

#endif

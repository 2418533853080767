/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/protobuf.h"

#include <stdlib.h>
#include <string.h>

enum wire { VARINT = 0, LENGTH = 2, FIXED32 = 5 };

static void append(struct io_protobuf *to, const void *bytes, size_t count)
{
    if (!to->failed && count > to->room - to->count) {
        const size_t room = 2 * to->count + count + 64;
        unsigned char *grown = room > count ? realloc(to->bytes, room) : NULL;
        to->failed = !grown;
        if (grown) to->bytes = grown, to->room = room;
    }
    if (to->failed || !count) return;
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void append_varint(struct io_protobuf *to, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    for (; value >= 0x80; value >>= 7) bytes[count++] = (unsigned char)(value | 0x80);
    bytes[count++] = (unsigned char)value;
    append(to, bytes, count);
}

static void append_tag(struct io_protobuf *to, int field, enum wire wire)
{
    append_varint(to, (uint64_t)field << 3 | wire);
}

void io_protobuf_int(struct io_protobuf *to, int field, int64_t value)
{
    append_tag(to, field, VARINT);
    append_varint(to, (uint64_t)value);
}

void io_protobuf_float(struct io_protobuf *to, int field, float value)
{
    append_tag(to, field, FIXED32);
    append(to, &value, sizeof value);
}

void io_protobuf_bytes(struct io_protobuf *to, int field, const void *bytes, size_t count)
{
    append_tag(to, field, LENGTH);
    append_varint(to, count);
    append(to, bytes, count);
}

void io_protobuf_text(struct io_protobuf *to, int field, const char *text)
{
    io_protobuf_bytes(to, field, text, strlen(text));
}

void io_protobuf_message(struct io_protobuf *to, int field, struct io_protobuf *part)
{
    io_protobuf_bytes(to, field, part->bytes, part->count);
    to->failed |= part->failed;
    free(part->bytes);
    *part = (struct io_protobuf){.count = 0};
}

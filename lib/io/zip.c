/* SPDX-License-Identifier: BSD-2-Clause
 * PKWARE's APPNOTE.TXT, 4.3: local headers and data, then the central directory, then its end record. */
#include "lib/io/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/io/fail.h"

enum { LOCAL = 30, CENTRAL = 46, END = 22, MOST_COMMENT = 65535, STORED = 0, DEFLATED = 8, MOST_EXPANSION = 1032 };

static uint32_t get16(const unsigned char *at) { return (uint32_t)at[0] | (uint32_t)at[1] << 8; }
static uint32_t get32(const unsigned char *at) { return get16(at) | get16(at + 2) << 16; }

struct archive {
    const unsigned char *bytes;
    size_t size;
    const char *where;
};

static fcnn_status damaged(const struct archive *a, const char *what)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", a->where, what);
}

/* ---- finding a member ---- */

/* The end record is the last thing, behind which only its comment lies. */
static const unsigned char *find_end(const struct archive *a)
{
    if (a->size < END) return NULL;
    const size_t most = a->size - END < MOST_COMMENT ? a->size - END : MOST_COMMENT;
    for (size_t comment = 0; comment <= most; comment++) {
        const unsigned char *at = a->bytes + a->size - END - comment;
        if (!memcmp(at, "PK\5\6", 4) && get16(at + 20) == comment) return at;
    }
    return NULL;
}

/* Where the entry of this name is in the central directory; NULL and a sentence, or *missing. */
static fcnn_status find_entry(const struct archive *a, const char *name, const unsigned char **entry)
{
    const unsigned char *end = find_end(a);
    if (!end) return damaged(a, "it is no whole zip archive: its end is missing");
    const uint64_t size = get32(end + 12), start = get32(end + 16);
    if (start == UINT32_MAX || get16(end + 10) == UINT16_MAX) return damaged(a, "zip64 archives are not read");
    if (start + size > (uint64_t)(end - a->bytes)) return damaged(a, "the zip archive's directory lies outside of it");
    const unsigned char *at = a->bytes + start;
    *entry = NULL;
    for (uint64_t left = size; left;) {
        if (left < CENTRAL || memcmp(at, "PK\1\2", 4) != 0) return damaged(a, "the zip archive's directory is damaged");
        const uint64_t length = (uint64_t)CENTRAL + get16(at + 28) + get16(at + 30) + get16(at + 32);
        if (length > left) return damaged(a, "the zip archive's directory is damaged");
        if (get16(at + 28) == strlen(name) && !memcmp(at + CENTRAL, name, strlen(name))) {
            if (*entry) return fcnn_io_fail(FCNN_BAD_DATA, "%s: two members are called %s", a->where, name);
            *entry = at;
        }
        at += length;
        left -= length;
    }
    return *entry ? FCNN_OK : fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no member %s", a->where, name);
}

/* ---- unpacking ---- */

struct member {
    const char *name;
    uint32_t method, crc;
    size_t packed, unpacked;
    const unsigned char *data;
};

static fcnn_status refuse(const struct archive *a, const struct member *m, const char *why)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the member %s %s", a->where, m->name, why);
}

static fcnn_status look(const struct archive *a, const unsigned char *entry, struct member *m, size_t most)
{
    m->method = get16(entry + 10);
    m->crc = get32(entry + 16);
    m->packed = get32(entry + 20);
    m->unpacked = get32(entry + 24);
    const size_t start = get32(entry + 42);
    if (get16(entry + 8) & 1) return refuse(a, m, "is encrypted");
    if (m->method != STORED && m->method != DEFLATED) return refuse(a, m, "is neither stored nor deflated");
    if (start > a->size || a->size - start < LOCAL || memcmp(a->bytes + start, "PK\3\4", 4) != 0)
        return refuse(a, m, "has no header of its own");
    const size_t data = start + LOCAL + get16(a->bytes + start + 26) + get16(a->bytes + start + 28);
    if (data > a->size || a->size - data < m->packed) return refuse(a, m, "does not lie within the file");
    if (m->method == STORED && m->packed != m->unpacked) return refuse(a, m, "is stored in another size than its own");
    if (m->unpacked > most || m->unpacked / MOST_EXPANSION > m->packed)
        return refuse(a, m, "is declared larger than it can be");
    m->data = a->bytes + data;
    return FCNN_OK;
}

static int inflate_all(const struct member *m, unsigned char *to)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)m->data, .avail_in = (uInt)m->packed, .next_out = to,
                       .avail_out = (uInt)m->unpacked};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return 0;
    const int status = inflate(&stream, Z_FINISH);
    const int done = status == Z_STREAM_END && !stream.avail_out;
    inflateEnd(&stream);
    return done;
}

static fcnn_status unpack(const struct archive *a, const struct member *m, unsigned char **content)
{
    unsigned char *to = malloc(m->unpacked + 1);
    if (!to)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the member %s of %zu bytes", a->where, m->name,
                            m->unpacked);
    if (m->method == STORED) memcpy(to, m->data, m->unpacked);
    const int done = m->method == STORED || inflate_all(m, to);
    if (!done || crc32_z(crc32(0, NULL, 0), to, m->unpacked) != m->crc) {
        free(to);
        return refuse(a, m, "is damaged: its contents are not those of its checksum");
    }
    to[m->unpacked] = 0;
    *content = to;
    return FCNN_OK;
}

fcnn_status io_zip_read(unsigned char **content, size_t *count, const unsigned char *bytes, size_t size,
                        const char *name, size_t most, const char *where)
{
    const struct archive a = {bytes, size, where};
    struct member m = {.name = name};
    const unsigned char *entry = NULL;
    *content = NULL;
    IO_TRY(find_entry(&a, name, &entry));
    IO_TRY(look(&a, entry, &m, most));
    IO_TRY(unpack(&a, &m, content));
    *count = m.unpacked;
    return FCNN_OK;
}

/* ---- writing ---- */

static unsigned char *put(unsigned char *at, uint32_t value, int size)
{
    for (int i = 0; i < size; i++) *at++ = (unsigned char)(value >> 8 * i);
    return at;
}

/* What local header and directory both say, from the version needed on. Midnight of 1 January 1980. */
static unsigned char *put_facts(unsigned char *at, const struct io_zip_member *m)
{
    at = put(at, 20, 2);
    at = put(at, 0, 2);
    at = put(at, STORED, 2);
    at = put(at, 0, 2);
    at = put(at, 1 << 5 | 1, 2);
    at = put(at, (uint32_t)crc32_z(crc32(0, NULL, 0), m->bytes, m->count), 4);
    at = put(at, (uint32_t)m->count, 4);
    at = put(at, (uint32_t)m->count, 4);
    at = put(at, (uint32_t)strlen(m->name), 2);
    return put(at, 0, 2); /* no extra field */
}

static unsigned char *put_bytes(unsigned char *at, const void *bytes, size_t count)
{
    if (count) memcpy(at, bytes, count);
    return at + count;
}

static unsigned char *put_local(unsigned char *at, const struct io_zip_member *m)
{
    at = put_facts(put_bytes(at, "PK\3\4", 4), m);
    return put_bytes(put_bytes(at, m->name, strlen(m->name)), m->bytes, m->count);
}

static unsigned char *put_entry(unsigned char *at, const struct io_zip_member *m, size_t start)
{
    at = put(put_bytes(at, "PK\1\2", 4), 20, 2);
    at = put(put_facts(at, m), 0, 2); /* no comment */
    at = put(at, 0, 4);               /* first disk, binary */
    at = put(at, 0, 4);
    return put_bytes(put(at, (uint32_t)start, 4), m->name, strlen(m->name));
}

static void put_archive(unsigned char *bytes, const struct io_zip_member *members, int count)
{
    unsigned char *at = bytes;
    for (int i = 0; i < count; i++) at = put_local(at, &members[i]);
    const size_t directory = (size_t)(at - bytes);
    for (int i = 0, start = 0; i < count; i++) {
        at = put_entry(at, &members[i], (size_t)start);
        start += LOCAL + (int)(strlen(members[i].name) + members[i].count);
    }
    const size_t size = (size_t)(at - bytes) - directory;
    at = put(put_bytes(at, "PK\5\6", 4), 0, 4);
    at = put(put(at, (uint32_t)count, 2), (uint32_t)count, 2);
    put(put(put(at, (uint32_t)size, 4), (uint32_t)directory, 4), 0, 2);
}

fcnn_status io_zip_write(unsigned char **bytes, size_t *size, const struct io_zip_member *members, int count,
                         const char *where)
{
    *size = END;
    for (int i = 0; i < count; i++) *size += LOCAL + CENTRAL + 2 * strlen(members[i].name) + members[i].count;
    *bytes = NULL;
    if (*size > INT32_MAX)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the model is too large for this format: 2 GB", where);
    *bytes = malloc(*size);
    if (!*bytes) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for %zu bytes", where, *size);
    put_archive(*bytes, members, count);
    return FCNN_OK;
}

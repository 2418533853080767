/* SPDX-License-Identifier: BSD-2-Clause
 * Whole members read by unzip.c; written by PKWARE's APPNOTE.TXT, 4.3: local headers and data, then the central
 * directory, then its end record. */
#include "lib/io/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/io/fail.h"
#include "lib/io/unzip.h"

enum { LOCAL = 30, CENTRAL = 46, END = 22, STORED = 0 };

/* ---- reading ---- */

static fcnn_status read_whole(struct fcnn_unzip *zip, int member, unsigned char **content, size_t *count, size_t most,
                              const char *where)
{
    int64_t got;
    const char *name = fcnn_unzip_name(zip, member);
    const uint64_t size = (uint64_t)fcnn_unzip_size(zip, member);
    if (size > most)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the member %s has %llu bytes; at most %zu are read", where, name,
                            (unsigned long long)size, most);
    IO_TRY(fcnn_unzip_begin(zip, member));
    *content = malloc((size_t)size + 1);
    if (!*content)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the member %s of %llu bytes", where, name,
                            (unsigned long long)size);
    const fcnn_status status = fcnn_unzip_read(zip, *content, (int64_t)size, &got);
    *count = (size_t)size;
    (*content)[size] = 0;
    if (!status) return FCNN_OK;
    free(*content);
    *content = NULL;
    return status;
}

fcnn_status io_zip_read(unsigned char **content, size_t *count, const unsigned char *bytes, size_t size,
                        const char *name, size_t most, const char *where)
{
    struct fcnn_unzip *zip;
    *content = NULL;
    IO_TRY(fcnn_unzip_open_memory(&zip, bytes, size, where));
    const int member = fcnn_unzip_find(zip, name);
    const fcnn_status status = member < 0 ? fcnn_io_fail(FCNN_BAD_DATA, "%s: it has no member %s", where, name)
                                          : read_whole(zip, member, content, count, most, where);
    fcnn_unzip_close(zip);
    return status;
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

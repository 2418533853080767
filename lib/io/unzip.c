/* SPDX-License-Identifier: BSD-2-Clause
 * See unzip.h. The format: PKWARE's APPNOTE. Sizes are the directory's: those before each member may be missing. */
#include "lib/io/unzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "lib/io/fail.h"

#define MOST_DIRECTORY (1 << 20) /* bytes */
#define MOST_PER_BYTE 64         /* that a packed one stands for, beside a start: deflate could have 1032 */
#define START 4096
#define MOST_COMMENT 65535
#define END 22    /* bytes of the record at the file's end, of a directory's entry, of what is before a member */
#define ENTRY 46
#define LOCAL 30
#define CHUNK 65536

struct member {
    char name[FCNN_UNZIP_NAME];
    int method; /* 0 stored, 8 deflated */
    uint32_t crc;
    int64_t packed, size, local;
};

struct fcnn_unzip {
    char *path;
    const unsigned char *memory; /* the archive; NULL: it is a file */
    int fd, count;
    int64_t length, directory; /* of the file; where its directory begins */
    struct member *members;
    /* the member that is read */
    const struct member *now;
    z_stream raw;
    int inflating;
    int64_t at, end, given; /* in the file: next packed byte, behind the last; bytes that were read out */
    uint32_t crc;
    unsigned char buffer[CHUNK];
};

static uint32_t u16(const unsigned char *b) { return b[0] | (uint32_t)b[1] << 8; }
static uint32_t u32(const unsigned char *b) { return u16(b) | u16(b + 2) << 16; }

/* ---- the directory ---- */

static fcnn_status read_at(struct fcnn_unzip *zip, int64_t at, void *bytes, int64_t count)
{
    if (zip->memory) {
        memcpy(bytes, zip->memory + at, (size_t)count); /* within it: the directory was held against its length */
        return FCNN_OK;
    }
    for (int64_t done = 0; done < count;) {
        const ssize_t n = pread(zip->fd, (char *)bytes + done, (size_t)(count - done), at + done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fcnn_io_fail(FCNN_NO_FILE, "%s: cannot be read: %s", zip->path, strerror(errno));
        if (n == 0) return fcnn_io_fail(FCNN_BAD_DATA, "%s: the file became shorter while it was read", zip->path);
        done += n;
    }
    return FCNN_OK;
}

static fcnn_status bad_entry(const struct fcnn_unzip *zip, int number, const char *what)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: entry %d of the zip directory %s", zip->path, number + 1, what);
}

/* The entry at `b`, of which `room` bytes are there; *length: all of it. */
static fcnn_status read_entry(struct fcnn_unzip *zip, int number, const unsigned char *b, int64_t room, int64_t *length)
{
    struct member *m = &zip->members[number];
    if (room < ENTRY || u32(b) != 0x02014b50) return bad_entry(zip, number, "is damaged");
    const uint32_t name = u16(b + 28);
    *length = ENTRY + (int64_t)name + u16(b + 30) + u16(b + 32);
    if (*length > room) return bad_entry(zip, number, "is longer than the directory");
    if (name < 1 || name >= FCNN_UNZIP_NAME || memchr(b + ENTRY, 0, name))
        return bad_entry(zip, number, "has a name that is empty, longer than 255 bytes or holds a NUL");
    memcpy(m->name, b + ENTRY, name);
    for (int i = 0; i < number; i++)
        if (!strcmp(zip->members[i].name, m->name)) return bad_entry(zip, number, "has the name of another one");
    m->method = (int)u16(b + 10);
    m->crc = u32(b + 16);
    m->packed = u32(b + 20);
    m->size = u32(b + 24);
    m->local = u32(b + 42);
    if (u16(b + 8) & 1) return bad_entry(zip, number, "is encrypted");
    if (m->method != 0 && m->method != 8) return bad_entry(zip, number, "is neither stored nor deflated");
    if (m->packed == UINT32_MAX || m->size == UINT32_MAX || m->local == UINT32_MAX)
        return bad_entry(zip, number, "is larger than 4 GB (zip64), which is not read");
    if (m->local + LOCAL + m->packed > zip->directory) return bad_entry(zip, number, "lies outside of the file");
    if (m->method == 0 ? m->size != m->packed : m->size / MOST_PER_BYTE > m->packed + START)
        return bad_entry(zip, number, "announces far more bytes than it has packed ones");
    return FCNN_OK;
}

static fcnn_status read_entries(struct fcnn_unzip *zip, int64_t size)
{
    unsigned char *bytes = malloc((size_t)size + 1);
    zip->members = calloc((size_t)zip->count + 1, sizeof *zip->members);
    fcnn_status status = bytes && zip->members ? read_at(zip, zip->directory, bytes, size)
                                               : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", zip->path);
    int64_t at = 0, length = 0;
    for (int i = 0; i < zip->count && !status; i++, at += length)
        status = read_entry(zip, i, bytes + at, size - at, &length);
    free(bytes);
    return status;
}

/* Finds the record that ends the file, behind which only a comment may follow. */
static fcnn_status read_directory(struct fcnn_unzip *zip)
{
    unsigned char tail[END + MOST_COMMENT];
    const int64_t room = zip->length < (int64_t)sizeof tail ? zip->length : (int64_t)sizeof tail;
    IO_TRY(read_at(zip, zip->length - room, tail, room));
    const unsigned char *end = NULL;
    for (int64_t at = room - END; at >= 0 && !end; at--)
        if (u32(tail + at) == 0x06054b50 && u16(tail + at + 20) == (uint32_t)(room - END - at)) end = tail + at;
    if (!end) return fcnn_io_fail(FCNN_BAD_DATA, "%s: not a zip file, or truncated: no directory at its end",
        zip->path);
    const int64_t size = u32(end + 12), record = zip->length - room + (end - tail);
    zip->count = (int)u16(end + 10);
    zip->directory = u32(end + 16);
    if (u16(end + 4) || u16(end + 6) || u16(end + 8) != u16(end + 10))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a part of a split zip file", zip->path);
    if (zip->count > FCNN_UNZIP_MEMBERS || size > MOST_DIRECTORY)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %d members, a directory of %lld bytes; at most %d and %d are read",
                            zip->path, zip->count, (long long)size, FCNN_UNZIP_MEMBERS, MOST_DIRECTORY);
    if (zip->directory + size > record)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the zip directory lies outside of the file", zip->path);
    return read_entries(zip, size);
}

static struct fcnn_unzip *make(const char *path)
{
    struct fcnn_unzip *zip = calloc(1, sizeof *zip);
    if (zip) zip->fd = -1;
    if (zip && (zip->path = strdup(path))) return zip;
    free(zip);
    fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", path);
    return NULL;
}

static fcnn_status conclude(struct fcnn_unzip *zip, fcnn_status status, struct fcnn_unzip **to)
{
    if (!status) status = read_directory(zip);
    if (status) fcnn_unzip_close(zip);
    *to = status ? NULL : zip;
    return status;
}

fcnn_status fcnn_unzip_open(struct fcnn_unzip **to, const char *path)
{
    struct stat st;
    struct fcnn_unzip *zip = *to = make(path);
    if (!zip) return FCNN_OUT_OF_MEMORY;
    fcnn_status status = FCNN_OK;
    zip->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (zip->fd < 0 || fstat(zip->fd, &st))
        status = fcnn_io_fail(FCNN_NO_FILE, "%s: cannot be opened: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode)) status = fcnn_io_fail(FCNN_NO_FILE, "%s: not a regular file", path);
    else zip->length = st.st_size;
    return conclude(zip, status, to);
}

fcnn_status fcnn_unzip_open_memory(struct fcnn_unzip **to, const unsigned char *bytes, size_t size, const char *name)
{
    struct fcnn_unzip *zip = *to = make(name);
    if (!zip) return FCNN_OUT_OF_MEMORY;
    zip->memory = bytes;
    zip->length = (int64_t)size;
    return conclude(zip, FCNN_OK, to);
}

void fcnn_unzip_close(struct fcnn_unzip *zip)
{
    if (!zip) return;
    if (zip->inflating) inflateEnd(&zip->raw);
    if (zip->fd >= 0) close(zip->fd);
    free(zip->members);
    free(zip->path);
    free(zip);
}

int fcnn_unzip_count(const struct fcnn_unzip *zip) { return zip->count; }
const char *fcnn_unzip_name(const struct fcnn_unzip *zip, int member) { return zip->members[member].name; }
int64_t fcnn_unzip_size(const struct fcnn_unzip *zip, int member) { return zip->members[member].size; }

int fcnn_unzip_find(const struct fcnn_unzip *zip, const char *name)
{
    for (int i = 0; i < zip->count; i++)
        if (!strcmp(zip->members[i].name, name)) return i;
    return -1;
}

/* ---- contents ---- */

static fcnn_status bad_member(const struct fcnn_unzip *zip, const char *what)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s: %s", zip->path, zip->now->name, what);
}

fcnn_status fcnn_unzip_begin(struct fcnn_unzip *zip, int member)
{
    unsigned char b[LOCAL];
    if (zip->inflating) inflateEnd(&zip->raw);
    zip->inflating = 0;
    zip->now = &zip->members[member];
    IO_TRY(read_at(zip, zip->now->local, b, LOCAL));
    zip->at = zip->now->local + LOCAL + u16(b + 26) + u16(b + 28);
    zip->end = zip->at + zip->now->packed;
    if (u32(b) != 0x04034b50 || (int)u16(b + 8) != zip->now->method || zip->end > zip->directory)
        return bad_member(zip, "the header before it is damaged");
    zip->given = 0;
    zip->crc = (uint32_t)crc32(0, NULL, 0);
    zip->raw = (z_stream){0};
    if (zip->now->method == 0) return FCNN_OK;
    if (inflateInit2(&zip->raw, -15) != Z_OK) /* deflate without zlib's header */
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", zip->path);
    zip->inflating = 1;
    return FCNN_OK;
}

/* At least one byte, `count` or fewer; none at the end of the packed data. */
static fcnn_status read_some(struct fcnn_unzip *zip, unsigned char *bytes, int64_t count, int64_t *got)
{
    if (!zip->inflating) {
        *got = zip->end - zip->at < count ? zip->end - zip->at : count;
        zip->at += *got;
        return read_at(zip, zip->at - *got, bytes, *got);
    }
    zip->raw.next_out = bytes;
    zip->raw.avail_out = count < CHUNK ? (unsigned)count : CHUNK;
    const unsigned room = zip->raw.avail_out;
    int code = Z_OK;
    while (zip->raw.avail_out == room && code == Z_OK) {
        if (!zip->raw.avail_in) {
            const int64_t piece = zip->end - zip->at < CHUNK ? zip->end - zip->at : CHUNK;
            IO_TRY(read_at(zip, zip->at, zip->buffer, piece));
            zip->at += piece;
            zip->raw.next_in = zip->buffer;
            zip->raw.avail_in = (unsigned)piece;
        }
        code = inflate(&zip->raw, Z_NO_FLUSH);
    }
    *got = room - zip->raw.avail_out;
    if (code == Z_MEM_ERROR) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", zip->path);
    if (code == Z_BUF_ERROR) return bad_member(zip, "the deflated data end too early");
    return code == Z_OK || code == Z_STREAM_END ? FCNN_OK : bad_member(zip, "the deflated data are corrupt");
}

fcnn_status fcnn_unzip_read(struct fcnn_unzip *zip, void *bytes, int64_t count, int64_t *got)
{
    const int64_t left = zip->now->size - zip->given;
    *got = 0;
    for (int64_t want = count < left ? count : left, part; *got < want; *got += part) {
        unsigned char *to = (unsigned char *)bytes + *got;
        IO_TRY(read_some(zip, to, want - *got, &part));
        if (!part) return bad_member(zip, "it is shorter than the directory says");
        zip->crc = (uint32_t)crc32(zip->crc, to, (unsigned)part);
        zip->given += part;
    }
    if (zip->given < zip->now->size || zip->crc == zip->now->crc) return FCNN_OK;
    return bad_member(zip, "its checksum is not the one of the directory");
}

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads MNIST's IDX files: bytes 0 0 T D (T: element type, D: number of dimensions), D big-endian 32-bit sizes, then
 * the elements, row by row. Files come from anywhere, so nothing in a header is believed: what it announces is held
 * against the file's size before memory is asked for. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/io/input.h"
#include "lib/io/io.h"

#define IMAGES_MAGIC 0x00000803u
#define LABELS_MAGIC 0x00000801u

/* Deflate cannot expand by more than 1032:1 (zlib's technical notes). */
#define MOST_PER_GZ_BYTE 1032
#define CHUNK 65536

struct idx_file {
    char path[4096];
    struct fcnn_input input;
    int is_open;
    int64_t sizes[3]; /* images: N, H, W; labels: N */
    int64_t data;     /* bytes after the header, as the header announces */
    char *message;
    size_t size;
};

/* ---- messages ---- */

static fcnn_status fail(struct idx_file *file, fcnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static fcnn_status fail(struct idx_file *file, fcnn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int used = snprintf(file->message, file->size, "%s: ", file->path);
    if (used >= 0 && (size_t)used < file->size)
        vsnprintf(file->message + used, file->size - (size_t)used, format, arguments);
    va_end(arguments);
    return status;
}

/* Says what a magic number stands for, so that swapped or foreign files are recognised at once. */
static void describe_magic(uint32_t magic, char *text, size_t size)
{
    static const struct { uint32_t type; const char *name; } types[] = {
        {0x08, "unsigned bytes"}, {0x09, "signed bytes"}, {0x0b, "16-bit integers"},
        {0x0c, "32-bit integers"}, {0x0d, "floats"}, {0x0e, "doubles"},
    };
    const char *type = NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (magic >> 8 == types[i].type) type = types[i].name;

    if (magic == IMAGES_MAGIC) snprintf(text, size, "images (idx3-ubyte)");
    else if (magic == LABELS_MAGIC) snprintf(text, size, "labels (idx1-ubyte)");
    else if (magic == 0x00000c02u)
        snprintf(text, size, "idx2-int: the extended labels of QMNIST, which are not supported");
    else if (type) snprintf(text, size, "IDX data of %s with %u dimensions", type, magic & 0xff);
    else if (magic == 0x03080000u || magic == 0x01080000u) snprintf(text, size, "IDX data in little-endian order");
    else if (magic >> 16 == 0x1f8b) snprintf(text, size, "gzip data inside gzip data");
    else snprintf(text, size, "not an IDX file");
}

/* ---- reading ---- */

/* Reads up to `count` bytes; *got < count only at the end of the file. */
static fcnn_status read_bytes(struct idx_file *file, void *bytes, int64_t count, int64_t *got)
{
    fcnn_status status = fcnn_input_read(&file->input, bytes, count, got);
    return status ? fail(file, status, "%s", file->input.problem) : FCNN_OK;
}

/* The file must end here, and with it the gzip checksum must be right. */
static fcnn_status expect_end(struct idx_file *file)
{
    unsigned char byte;
    int64_t got;
    fcnn_status status = read_bytes(file, &byte, 1, &got);
    if (status == FCNN_OK && got)
        status = fail(file, FCNN_BAD_DATA,
                      "expected the file to end after the %lld bytes of data that its header announces, "
                      "found more bytes",
                      (long long)file->data);
    return status;
}

static fcnn_status truncated(struct idx_file *file, int64_t got)
{
    return fail(file, FCNN_BAD_DATA, "truncated: expected %lld bytes of data after the header, found %lld",
                (long long)file->data, (long long)got);
}

/* ---- opening ---- */

static fcnn_status open_file(struct idx_file *file, const char *directory, const char *what, const char *kind)
{
    static const char *const spellings[] = {"%s/%s-%s", "%s/%s-%s.gz", "%s/%s.%s", "%s/%s.%s.gz"};
    for (int i = 0; i < 4; i++) {
        int length = snprintf(file->path, sizeof file->path, spellings[i], directory, what, kind);
        if (length >= (int)sizeof file->path) break;
        fcnn_status status = fcnn_input_open(&file->input, file->path);
        file->is_open = status == FCNN_OK;
        if (file->is_open) return FCNN_OK;
        if (file->input.error != ENOENT) return fail(file, status, "%s", file->input.problem);
    }
    struct stat st;
    snprintf(file->path, sizeof file->path, "%s", directory);
    if (stat(directory, &st)) return fail(file, FCNN_NO_FILE, "%s", strerror(errno));
    return fail(file, FCNN_NO_FILE, "no file of this name; tried %s-%s, %s-%s.gz, %s.%s and %s.%s.gz",
                what, kind, what, kind, what, kind, what, kind);
}

/* Reads the header and holds it against the file's real size. dimensions: 3 for images, 1 for labels. */
static fcnn_status read_header(struct idx_file *file, int dimensions)
{
    unsigned char b[16];
    int64_t got, header = 4 + 4 * dimensions;
    fcnn_status status = read_bytes(file, b, header, &got);
    if (status != FCNN_OK) return status;
    if (got >= 4) {
        uint32_t expected = dimensions == 3 ? IMAGES_MAGIC : LABELS_MAGIC;
        uint32_t magic = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        char text[80];
        describe_magic(magic, text, sizeof text);
        if (magic != expected)
            return fail(file, FCNN_BAD_DATA, "expected %s, magic number 0x%08x; found 0x%08x: %s",
                        dimensions == 3 ? "images" : "labels", (unsigned)expected, (unsigned)magic, text);
    }
    if (got < header)
        return fail(file, FCNN_BAD_DATA, "truncated: expected a header of %lld bytes, found %lld bytes in all",
                    (long long)header, (long long)got);

    const int64_t length = file->input.size;
    int64_t most = length;
    if (file->input.gzip && __builtin_mul_overflow(length, MOST_PER_GZ_BYTE, &most)) most = INT64_MAX;
    file->data = 1;
    for (int i = 0; i < dimensions; i++) {
        const unsigned char *s = b + 4 + 4 * i;
        file->sizes[i] = (int64_t)s[0] << 24 | (int64_t)s[1] << 16 | (int64_t)s[2] << 8 | s[3];
        if (!file->sizes[i])
            return fail(file, FCNN_BAD_DATA, "size %d of %d in the header is 0, expected at least 1", i + 1,
                        dimensions);
        if (__builtin_mul_overflow(file->data, file->sizes[i], &file->data)) file->data = INT64_MAX;
    }
    if (file->data <= most) return FCNN_OK;
    if (!file->input.gzip) return truncated(file, length - header);
    return fail(file, FCNN_BAD_DATA,
                "the header announces %lld bytes of data, but %lld bytes of gzip data hold at most %lld",
                (long long)file->data, (long long)length, (long long)most);
}

/* ---- contents ---- */

static fcnn_status read_images(struct idx_file *file, struct fcnn_dataset *set)
{
    float value[256];
    for (int i = 0; i < 256; i++) value[i] = (float)i / 255.0f;

    unsigned char bytes[CHUNK];
    int64_t kept = set->n * set->h * set->w, at = 0, got = 1;
    for (; at < file->data; at += got) {
        int64_t want = file->data - at < CHUNK ? file->data - at : CHUNK;
        fcnn_status status = read_bytes(file, bytes, want, &got);
        if (status != FCNN_OK) return status;
        for (int64_t i = 0; i < got && at + i < kept; i++) set->x[at + i] = value[bytes[i]];
        if (got < want) return truncated(file, at + got);
    }
    return expect_end(file);
}

static fcnn_status read_labels(struct idx_file *file, struct fcnn_dataset *set, int classes)
{
    unsigned char bytes[CHUNK];
    for (int64_t at = 0, got; at < file->data; at += got) {
        int64_t want = file->data - at < CHUNK ? file->data - at : CHUNK;
        fcnn_status status = read_bytes(file, bytes, want, &got);
        if (status != FCNN_OK) return status;
        for (int64_t i = 0; i < got; i++) {
            if (classes && bytes[i] >= classes)
                return fail(file, FCNN_BAD_DATA, "label %lld (counted from 0): expected 0 to %d, found %d",
                            (long long)(at + i), classes - 1, bytes[i]);
            if (bytes[i] >= set->classes) set->classes = bytes[i] + 1;
            if (at + i < set->n) set->y[at + i] = bytes[i];
        }
        if (got < want) return truncated(file, at + got);
    }
    return expect_end(file);
}

static fcnn_status load(struct fcnn_dataset *set, struct idx_file *images, struct idx_file *labels, int64_t limit,
                        int classes)
{
    fcnn_status status = read_header(images, 3);
    if (status == FCNN_OK) status = read_header(labels, 1);
    if (status != FCNN_OK) return status;
    if (images->sizes[0] != labels->sizes[0])
        return fail(labels, FCNN_BAD_DATA, "expected as many labels as %s has images, %lld; found %lld", images->path,
                    (long long)images->sizes[0], (long long)labels->sizes[0]);

    *set = (struct fcnn_dataset){.n = images->sizes[0], .h = images->sizes[1], .w = images->sizes[2], .c = 1};
    if (limit > 0 && limit < set->n) set->n = limit;
    set->x = malloc((size_t)(set->n * set->h * set->w) * sizeof *set->x);
    set->y = malloc((size_t)set->n * sizeof *set->y);
    if (!set->x || !set->y)
        return fail(images, FCNN_OUT_OF_MEMORY, "out of memory for %lld images of %lld x %lld", (long long)set->n,
                    (long long)set->h, (long long)set->w);
    status = read_labels(labels, set, classes);
    return status == FCNN_OK ? read_images(images, set) : status;
}

fcnn_status fcnn_idx_load(struct fcnn_dataset *set, const char *directory, int training, int64_t limit, int classes,
                          char *message, size_t size)
{
    *set = (struct fcnn_dataset){0};
    if (size) message[0] = 0;
    struct idx_file *files = calloc(2, sizeof *files), *images = files, *labels = files + 1;
    if (!files) {
        snprintf(message, size, "%s: out of memory", directory);
        return FCNN_OUT_OF_MEMORY;
    }
    images->message = labels->message = message;
    images->size = labels->size = size;
    fcnn_status status = open_file(images, directory, training ? "train-images" : "t10k-images", "idx3-ubyte");
    if (status == FCNN_OK)
        status = open_file(labels, directory, training ? "train-labels" : "t10k-labels", "idx1-ubyte");
    if (status == FCNN_OK) status = load(set, images, labels, limit, classes);
    for (int i = 0; i < 2; i++)
        if (files[i].is_open) fcnn_input_close(&files[i].input);
    free(files);
    if (status != FCNN_OK) fcnn_dataset_free(set);
    return status;
}

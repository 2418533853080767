/* SPDX-License-Identifier: BSD-2-Clause
 * Attributes and data sets of HDF5: their types, their spaces, their contents. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/h5.h"
#include "lib/io/h5_parts.h"

enum class { INTEGER, REAL, FIXED_TEXT, VARIABLE_TEXT, OTHER };
struct type {
    enum class class;
    uint64_t size;
    int kind, is_signed, big_endian; /* kind: HDF5's class */
};
struct space {
    int rank;
    int64_t dims[IO_H5_RANKS], count;
};

/* ---- types and spaces: what is wrong, or NULL ---- */

/* IEEE's 32 and 64 bits: where exponent and mantissa lie, how long they are, the bias. */
static int is_ieee(const unsigned char *data, uint64_t size)
{
    static const unsigned char single[12] = {0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0};
    static const unsigned char twice[12] = {0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0};
    return (size == 4 && !memcmp(data, single, 12)) || (size == 8 && !memcmp(data, twice, 12));
}

static const char *read_type(struct type *type, const struct io_found *m)
{
    *type = (struct type){.class = OTHER};
    if (m->shared || m->size < 8) return m->shared ? "has a type that lies elsewhere" : "is damaged";
    const unsigned char *d = m->data;
    type->size = io_little(d + 4, 4);
    type->kind = d[0] & 15;
    type->big_endian = d[1] & 1;
    type->is_signed = d[1] >> 3 & 1;
    switch (type->kind) {
    case 0:
        if (m->size < 12 || io_little(d + 8, 2) != 0 || io_little(d + 10, 2) != 8 * type->size) break;
        if (type->size == 1 || type->size == 2 || type->size == 4 || type->size == 8) type->class = INTEGER;
        break;
    case 1:
        if (m->size >= 20 && !(d[1] & 64) && is_ieee(d + 8, type->size)) type->class = REAL;
        break;
    case 3:
        if (type->size) type->class = FIXED_TEXT;
        break;
    case 9:
        if ((d[1] & 15) == 1 && type->size == 16) type->class = VARIABLE_TEXT;
        break;
    }
    return NULL;
}

static const char *read_space(struct space *space, const struct io_found *m)
{
    *space = (struct space){.count = 1};
    const unsigned char *d = m->data;
    if (m->shared || m->size < 4 || (d[0] != 1 && d[0] != 2)) return "is damaged";
    const uint64_t start = d[0] == 1 ? 8 : 4;
    if (d[1] > IO_H5_RANKS) return "has more than 8 dimensions";
    if (m->size < start + 8u * d[1]) return "is damaged";
    if (d[0] == 2 && d[3] == 2) space->count = 0;
    space->rank = d[1];
    for (int i = 0; i < space->rank; i++) {
        const uint64_t size = io_little(d + start + 8 * i, 8);
        if (size > INT64_MAX || __builtin_mul_overflow(space->count, (int64_t)size, &space->count))
            return "is declared larger than any file";
        space->dims[i] = (int64_t)size;
    }
    return NULL;
}

/* ---- attributes ---- */

struct attribute {
    struct io_h5 *h5;
    const char *name, *problem;
    struct type type;
    struct space space;
    const unsigned char *data;
    uint64_t size;
};

static fcnn_status refuse(const struct attribute *a, const char *why)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the attribute %.80s %s", a->h5->path, a->name, why);
}

/* A piece of a message, with its padding. */
static int take(struct io_found *message, uint64_t size, int padded, struct io_found *piece)
{
    const uint64_t whole = padded ? (size + 7) / 8 * 8 : size;
    if (size > message->size) return 0;
    *piece = (struct io_found){.data = message->data, .size = size};
    message->data += whole < message->size ? whole : message->size;
    message->size -= whole < message->size ? whole : message->size;
    return 1;
}

/* Version, flags, three sizes; name, type and space, padded in version 1; the rest is the contents. */
static int see_attribute(void *context, enum io_message kind, const struct io_found *message)
{
    struct attribute *a = context;
    struct io_found rest = *message, head, name, type, space;
    if (kind != IO_ATTRIBUTE || message->shared || message->size < 8) return 0;
    const int version = message->data[0];
    if (version < 1 || version > 3 || !take(&rest, version == 3 ? 9 : 8, 0, &head)) return 0;
    if (!take(&rest, io_little(head.data + 2, 2), version == 1, &name)) return 0;
    if (strlen(a->name) + 1 != name.size || memcmp(a->name, name.data, name.size) != 0) return 0;
    const int shared = version > 1 ? head.data[1] : 0;
    a->problem = "is damaged";
    if (!take(&rest, io_little(head.data + 4, 2), version == 1, &type)) return 1;
    if (!take(&rest, io_little(head.data + 6, 2), version == 1, &space)) return 1;
    type.shared = shared & 1;
    space.shared = shared & 2;
    a->problem = read_type(&a->type, &type);
    if (!a->problem) a->problem = read_space(&a->space, &space);
    a->data = rest.data;
    a->size = rest.size;
    return 1;
}

/* *found: whether there is one. */
static fcnn_status open_attribute(struct attribute *a, struct io_h5 *h5, uint64_t object, const char *name, int *found)
{
    *a = (struct attribute){.h5 = h5, .name = name};
    const int seen = io_h5_messages(h5, object, see_attribute, a);
    *found = seen > 0;
    if (seen < 0)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: where the attribute %.80s should be it is damaged, or in no format of "
                            "Keras", h5->path, name);
    if (a->problem) return refuse(a, a->problem);
    uint64_t bytes;
    if (*found && (__builtin_mul_overflow((uint64_t)a->space.count, a->type.size, &bytes) || bytes > a->size))
        return refuse(a, "is declared larger than it is");
    return FCNN_OK;
}

int io_h5_has_attribute(struct io_h5 *h5, uint64_t object, const char *name)
{
    struct attribute a = {.h5 = h5, .name = name};
    return io_h5_messages(h5, object, see_attribute, &a) > 0;
}

/* ---- texts ---- */

/* Object `index` of the global heap at an address: index, references, 4 bytes, size, contents, padded. */
static const unsigned char *in_heap(struct io_h5 *h5, uint64_t address, uint64_t index, uint64_t *size)
{
    const unsigned char *heap = io_at(h5, address, 16);
    if (!heap || memcmp(heap, "GCOL\1", 5) != 0 || !io_at(h5, address, io_little(heap + 8, 8))) return NULL;
    const uint64_t count = io_little(heap + 8, 8);
    for (uint64_t at = 16; at + 16 <= count && h5->work; h5->work--) {
        const uint64_t number = io_little(heap + at, 2);
        *size = io_little(heap + at + 8, 8);
        if (!number || *size > count - at - 16) return NULL;
        if (number == index) return heap + at + 16;
        at += 16 + (*size + 7) / 8 * 8;
    }
    return NULL;
}

/* Text i of an attribute, which may end in a zero or be filled up with zeros or spaces; NULL: damaged. */
static const char *text_at(const struct attribute *a, int64_t i, uint64_t *length)
{
    const unsigned char *at = a->data + (uint64_t)i * a->type.size;
    if (a->type.class == VARIABLE_TEXT) {
        uint64_t size;
        *length = io_little(at, 4);
        if (!*length) return "";
        at = in_heap(a->h5, io_little(at + 4, 8), io_little(at + 12, 4), &size);
        if (!at || *length > size) return NULL;
    } else *length = a->type.size;
    *length = strnlen((const char *)at, *length);
    while (a->type.class == FIXED_TEXT && *length && at[*length - 1] == ' ') --*length;
    return (const char *)at;
}

/* All of a list may be the same text in the file: the work that is left bounds how long they are together. */
static fcnn_status copy_text(const struct attribute *a, int64_t i, char **copy)
{
    uint64_t length;
    const char *text = text_at(a, i, &length);
    if (!text) return refuse(a, "has a text that is damaged");
    if (length > a->h5->work) return refuse(a, "is longer than it can be");
    a->h5->work -= length;
    *copy = strndup(text, length);
    return *copy ? FCNN_OK : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path);
}

static int is_text(const struct attribute *a)
{
    return a->type.class == FIXED_TEXT || a->type.class == VARIABLE_TEXT;
}

static fcnn_status append(const struct attribute *a, struct io_texts *texts)
{
    if (!a->space.count) return FCNN_OK;
    if (!is_text(a)) return refuse(a, "is no list of texts");
    if (a->space.count > IO_H5_TEXTS - texts->count) return refuse(a, "is too long a list");
    char **room = realloc(texts->at, (size_t)(texts->count + a->space.count) * sizeof *room);
    if (!room) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", a->h5->path);
    texts->at = room;
    for (int64_t i = 0; i < a->space.count; i++) {
        IO_TRY(copy_text(a, i, &room[texts->count]));
        texts->count++;
    }
    return FCNN_OK;
}

static fcnn_status append_named(struct io_h5 *h5, uint64_t object, const char *name, struct io_texts *texts, int *found)
{
    struct attribute a;
    IO_TRY(open_attribute(&a, h5, object, name, found));
    return *found ? append(&a, texts) : FCNN_OK;
}

fcnn_status io_h5_texts(struct io_h5 *h5, uint64_t object, const char *name, struct io_texts *texts)
{
    char piece[80];
    int found;
    *texts = (struct io_texts){0};
    fcnn_status status = append_named(h5, object, name, texts, &found);
    for (int i = 0, more = !found; more && !status && i < IO_H5_TEXTS; i++) {
        snprintf(piece, sizeof piece, "%.60s%d", name, i);
        status = append_named(h5, object, piece, texts, &more);
    }
    if (status) io_texts_free(texts);
    return status;
}

void io_texts_free(struct io_texts *texts)
{
    for (int i = 0; i < texts->count; i++) free(texts->at[i]);
    free(texts->at);
    *texts = (struct io_texts){0};
}

fcnn_status io_h5_text(struct io_h5 *h5, uint64_t object, const char *name, char **text)
{
    struct attribute a;
    int found;
    *text = NULL;
    IO_TRY(open_attribute(&a, h5, object, name, &found));
    if (!found) return FCNN_OK;
    if (!is_text(&a) || a.space.count != 1) return refuse(&a, "is not one text");
    return copy_text(&a, 0, text);
}

/* ---- numbers ---- */

/* `value`: the bytes of a number, in its file's order. */
static uint64_t bits_of(const unsigned char *value, int size, int big_endian)
{
    uint64_t bits = 0;
    for (int i = 0; i < size; i++) bits = bits << 8 | value[big_endian ? i : size - 1 - i];
    return bits;
}

static double number_at(const unsigned char *value, int size, int real, int is_signed, int big_endian)
{
    const uint64_t bits = bits_of(value, size, big_endian);
    const uint32_t half = (uint32_t)bits;
    float single;
    double number;
    memcpy(&single, &half, sizeof single);
    memcpy(&number, &bits, sizeof number);
    if (real) return size == 4 ? (double)single : number;
    if (!is_signed) return (double)bits;
    return (double)((int64_t)(bits << (64 - 8 * size)) >> (64 - 8 * size));
}

fcnn_status io_h5_number(struct io_h5 *h5, uint64_t object, const char *name, double *value, int *found)
{
    struct attribute a;
    IO_TRY(open_attribute(&a, h5, object, name, found));
    if (!*found) return FCNN_OK;
    if ((a.type.class != REAL && a.type.class != INTEGER) || a.space.count != 1) return refuse(&a, "is not one number");
    *value = number_at(a.data, (int)a.type.size, a.type.class == REAL, a.type.is_signed, a.type.big_endian);
    return FCNN_OK;
}

/* ---- data sets ---- */

struct data_set {
    struct io_h5 *h5;
    const char *problem;
    struct type type;
    struct space space;
    int has_type, has_space;
    const unsigned char *data;
    uint64_t size;
    const char *storage; /* what is wrong with it */
};

static const char *read_layout(struct data_set *set, const struct io_found *m)
{
    if (m->shared || m->size < 4) return "is damaged";
    const unsigned char *d = m->data;
    if (d[0] == 4 && d[1] == 3) return "is virtual, which is not read";
    if (d[1] == 2) return "is chunked or compressed, which no Keras writes";
    if (d[0] != 3 || d[1] > 1) return "is stored in a way that no Keras uses";
    if (d[1] == 0) {
        set->size = io_little(d + 2, 2);
        set->data = d + 4;
        return set->size <= m->size - 4 ? NULL : "is damaged";
    }
    if (m->size < 18) return "is damaged";
    set->size = io_little(d + 10, 8);
    set->data = io_little(d + 2, 8) == IO_H5_NOWHERE ? NULL : io_at(set->h5, io_little(d + 2, 8), set->size);
    return set->data ? NULL : "is not stored as large as it is declared";
}

static int see_data(void *context, enum io_message kind, const struct io_found *message)
{
    struct data_set *set = context;
    const char *problem = NULL;
    switch (kind) {
    case IO_TYPE:
        problem = read_type(&set->type, message);
        set->has_type = 1;
        break;
    case IO_SPACE:
        problem = read_space(&set->space, message);
        set->has_space = 1;
        break;
    case IO_LAYOUT: set->storage = read_layout(set, message); break;
    case IO_EXTERNAL: problem = "lies in another file, which is not read"; break;
    case IO_FILTERS: problem = "is chunked or compressed, which no Keras writes"; break;
    default: break;
    }
    if (problem) set->problem = problem;
    return problem != NULL;
}

/* Every number that is declared is in the file. */
static const char *check_data(const struct data_set *set)
{
    uint64_t bytes;
    if (!set->has_type || !set->has_space) return "is none";
    if (set->storage) return set->storage;
    if (__builtin_mul_overflow((uint64_t)set->space.count, set->type.size, &bytes) || bytes != set->size || !set->data)
        return "is not stored as large as it is declared";
    return NULL;
}

static fcnn_status refuse_type(const struct data_set *set, const char *path)
{
    static const char *const kinds[] = {"int", "float", "times", "texts", "bits", "bytes", "compounds", "references",
                                        "enumerations", "lists", "arrays", "something else"};
    const int kind = set->type.kind < 11 ? set->type.kind : 11;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the data set %.200s holds %s%.0llu; IEEE's float32, float64, and integers "
                        "are read", set->h5->path, path, kinds[kind], kind < 2 ? 8ull * set->type.size : 0);
}

fcnn_status io_h5_array(struct io_h5 *h5, uint64_t group, const char *path, struct io_array *array)
{
    struct data_set set = {.h5 = h5};
    uint64_t object;
    IO_TRY(io_h5_find(h5, group, path, &object));
    if (io_h5_messages(h5, object, see_data, &set) < 0) set.problem = "is damaged";
    if (!set.problem) set.problem = check_data(&set);
    if (!set.problem && set.type.class != REAL && set.type.class != INTEGER) return refuse_type(&set, path);
    if (set.problem) return fcnn_io_fail(FCNN_BAD_DATA, "%s: the data set %.200s %s", h5->path, path, set.problem);
    *array = (struct io_array){.rank = set.space.rank, .count = set.space.count, .real = set.type.class == REAL,
                               .is_signed = set.type.is_signed, .big_endian = set.type.big_endian,
                               .size = (int)set.type.size, .data = set.data, .path = path};
    memcpy(array->dims, set.space.dims, sizeof array->dims);
    return FCNN_OK;
}

static double element(const struct io_array *a, int64_t i)
{
    return number_at(a->data + i * a->size, a->size, a->real, a->is_signed, a->big_endian);
}

void io_h5_floats(const struct io_array *array, float *values)
{
    if (array->real && array->size == 4 && !array->big_endian && array->count)
        memcpy(values, array->data, (size_t)array->count * sizeof *values);
    else
        for (int64_t i = 0; i < array->count; i++) values[i] = (float)element(array, i);
}

/* Keras 2.0 kept its count of steps as a float. */
fcnn_status io_h5_integer(struct io_h5 *h5, const struct io_array *array, int64_t *value)
{
    const double number = array->count == 1 ? element(array, 0) : -1;
    if (!(number >= 0 && number < 0x1p53 && number == floor(number)))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the data set %.200s is not one count", h5->path, array->path);
    *value = (int64_t)number;
    return FCNN_OK;
}

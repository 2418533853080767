/* SPDX-License-Identifier: BSD-2-Clause
 * See npy.h. The format: NumPy's documentation, numpy.lib.format. */
#include "lib/io/npy.h"

#include <string.h>

#include "lib/io/fail.h"

/* ---- the length ---- */

fcnn_status fcnn_npy_length(const unsigned char *start, size_t count, size_t *length, const char *where)
{
    *length = 0;
    if (count < FCNN_NPY_START || memcmp(start, "\x93NUMPY", 6))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: not an array of NumPy: it does not begin with \\x93NUMPY", where);
    if (start[6] < 1 || start[6] > 3 || start[7])
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: version %d.%d of the .npy format; 1.0 to 3.0 are known", where,
            start[6],
                            start[7]);
    size_t text = start[8] | (size_t)start[9] << 8, before = 10;
    if (start[6] > 1) {
        text |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
        before = 12;
    }
    if (text < 2 || text > FCNN_NPY_MOST_HEADER - before)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a header of %zu bytes; expected 2 to %d", where, text,
                            (int)(FCNN_NPY_MOST_HEADER - before));
    *length = before + text;
    return FCNN_OK;
}

/* ---- the dict ---- */

struct text {
    const char *at, *end, *begin;
    const char *where;
};

static fcnn_status bad(const struct text *text, const char *expected)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: header, character %lld: expected %s", text->where,
                        (long long)(text->at - text->begin + 1), expected);
}

static void skip_blanks(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n')) text->at++;
}

/* Passes over a word and the blanks before it, if it is there. */
static int take(struct text *text, const char *word)
{
    const size_t length = strlen(word);
    skip_blanks(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length)) return 0;
    text->at += length;
    return 1;
}

static int other_order(char order)
{
    return order == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<');
}

/* '<f4' */
static fcnn_status read_type(struct text *text, struct fcnn_npy *npy)
{
    static const char *const types[] = {"u1", "i1", "b1", "i4", "u4", "i8", "u8", "f4", "f8"};
    skip_blanks(text);
    const char *quote = text->at, order = text->end - quote > 5 ? quote[1] : 0;
    if (!order || (quote[0] != '\'' && quote[0] != '"') || quote[4] != quote[0] || !strchr("<>=|", order))
        return bad(text, "a type of four characters in quotes, as '<f4': structures and texts are not read");
    npy->kind = quote[2];
    npy->size = quote[3] - '0';
    npy->swapped = other_order(order);
    text->at += 5;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i][0] == quote[2] && types[i][1] == quote[3]) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: elements of type %c%c; expected one of u1 i1 b1 u4 i4 u8 i8 f4 f8",
                        text->where, quote[2], quote[3]);
}

static fcnn_status read_size(struct text *text, int64_t *size)
{
    skip_blanks(text);
    const char *first = text->at;
    for (*size = 0; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, *text->at - '0', size))
            return bad(text, "a size below 2^63");
    return text->at > first ? FCNN_OK : bad(text, "a size");
}

/* (60000, 28, 28) or (5,) or () */
static fcnn_status read_shape(struct text *text, struct fcnn_npy *npy)
{
    if (!take(text, "(")) return bad(text, "a shape in parentheses");
    npy->elements = 1;
    for (npy->dimensions = 0; !take(text, ")"); npy->dimensions++) {
        if (npy->dimensions == FCNN_NPY_DIMENSIONS) return bad(text, "at most 4 dimensions");
        int64_t *size = &npy->shape[npy->dimensions];
        IO_TRY(read_size(text, size));
        if (__builtin_mul_overflow(npy->elements, *size, &npy->elements)) return bad(text, "fewer than 2^63 elements");
        skip_blanks(text);
        if (!take(text, ",") && (text->at == text->end || *text->at != ')')) return bad(text, "',' or ')'");
    }
    return FCNN_OK;
}

enum { DESCR = 1, FORTRAN = 2, SHAPE = 4, ALL = 7 };

/* One pair of the dict; *seen gets its bit. */
static fcnn_status read_pair(struct text *text, struct fcnn_npy *npy, int *fortran, int *seen)
{
    const int key = take(text, "'descr'") ? DESCR : take(text, "'fortran_order'") ? FORTRAN
                                                 : take(text, "'shape'") ? SHAPE : 0;
    if (!key || (*seen & key)) return bad(text, "one of 'descr', 'fortran_order' and 'shape', each once");
    *seen |= key;
    if (!take(text, ":")) return bad(text, "':'");
    if (key == DESCR) return read_type(text, npy);
    if (key == SHAPE) return read_shape(text, npy);
    *fortran = take(text, "True");
    return *fortran || take(text, "False") ? FCNN_OK : bad(text, "True or False");
}

fcnn_status fcnn_npy_parse(struct fcnn_npy *npy, const unsigned char *header, size_t length, const char *where)
{
    *npy = (struct fcnn_npy){0};
    const char *dict = (const char *)header + (header[6] == 1 ? 10 : 12);
    struct text text = {dict, (const char *)header + length, dict, where};
    int seen = 0, fortran = 0;
    if (!take(&text, "{")) return bad(&text, "'{'");
    while (!take(&text, "}")) {
        IO_TRY(read_pair(&text, npy, &fortran, &seen));
        if (!take(&text, ",") && (text.at == text.end || *text.at != '}')) return bad(&text, "',' or '}'");
    }
    skip_blanks(&text);
    if (text.at != text.end) return bad(&text, "nothing behind '}'");
    if (seen != ALL) return bad(&text, "all of 'descr', 'fortran_order' and 'shape'");
    if (fortran && npy->dimensions > 1)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: Fortran order is not read: save numpy.ascontiguousarray() of it",
            where);
    if (__builtin_mul_overflow(npy->elements, npy->size, &npy->bytes))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: more than 2^63 bytes", where);
    return FCNN_OK;
}

/* ---- elements ---- */

double fcnn_npy_value(const struct fcnn_npy *npy, const unsigned char *bytes, int64_t index)
{
    const unsigned char *at = bytes + index * npy->size;
    if (npy->size == 1) return npy->kind == 'i' ? (double)(signed char)*at : (double)*at;
    uint64_t bits = 0;
    for (int i = 0; i < npy->size; i++) { /* the first byte counts least, or most */
        const int swap = npy->swapped != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
        bits |= (uint64_t)at[swap ? npy->size - 1 - i : i] << 8 * i;
    }
    const uint32_t low = (uint32_t)bits;
    float single;
    double twice;
    memcpy(&single, &low, sizeof single);
    memcpy(&twice, &bits, sizeof twice);
    if (npy->kind == 'f') return npy->size == 4 ? (double)single : twice;
    if (npy->kind == 'u') return npy->size == 4 ? (double)low : (double)bits;
    return npy->size == 4 ? (double)(int32_t)low : (double)(int64_t)bits;
}

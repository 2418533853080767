/* SPDX-License-Identifier: BSD-2-Clause
 * Sizes as text: "mb64ic32ih13oc64oh11kh3ph0", the descriptors of oneDNN's benchdnn. What that program takes means the
 * same here, or is refused; it never becomes another problem. Its rules: an axis that is not mentioned is that of a
 * square, or of a row where only the width is; one that is has its own defaults (stride 1, no holes, no padding, but
 * where the output is given the same padding on both sides); what the two sides cannot share comes behind the input. */
#include "lib/problem_sizes.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Batch, channels; then six sizes of each axis in the order of struct axis. */
enum key { G, MB, IC, OC, IH, OH, KH, SH, PH, DH, IW, OW, KW, SW, PW, DW, KEYS };
static const char *const names[KEYS] = {"g",  "mb", "ic", "oc", "ih", "oh", "kh", "sh",
                                        "ph", "dh", "iw", "ow", "kw", "sw", "pw", "dw"};
#define ABSENT (-1)

/* Whether an operation reads a key. Pooling has no holes, but may say so. */
static int has_key(const fcnn_problem *p, enum key key, int64_t value)
{
    switch (key) {
    case G: return fcnn_has(p, FCNN_HAS_GROUPS);
    case MB:
    case IC: return 1;
    case OC: return fcnn_has(p, FCNN_HAS_WEIGHTS);
    case IH:
    case IW: return fcnn_has(p, FCNN_HAS_MAP | FCNN_HAS_ROWS);
    case DH:
    case DW: return fcnn_has(p, FCNN_HAS_GROUPS) || (fcnn_has(p, FCNN_HAS_WINDOW) && value == 0);
    default: return fcnn_has(p, FCNN_HAS_WINDOW);
    }
}

static int may_be_zero(enum key key) { return key == PH || key == PW || key == DH || key == DW; }

static fcnn_status check_value(const fcnn_problem *p, const char *text, enum key key, int64_t before, uint64_t value)
{
    if (before != ABSENT)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s is given twice", text, names[key]);
    if (value > INT32_MAX)
        return fcnn_fail(FCNN_BAD_SHAPE, "problem sizes \"%s\": %s is larger than %d", text, names[key], INT32_MAX);
    if (!has_key(p, key, (int64_t)value))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s has no size %s", text, fcnn_op_name(p->op),
                         names[key]);
    if (!value && !may_be_zero(key))
        return fcnn_fail(FCNN_BAD_SHAPE, "problem sizes \"%s\": %s is 0; it must be at least 1", text, names[key]);
    return FCNN_OK;
}

static fcnn_status not_a_key(const char *text, const char *at, size_t letters)
{
    static const char *const deep[] = {"id", "od", "kd", "sd", "pd", "dd"};
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++)
        if (letters == 2 && !strncmp(at, deep[i], 2))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s makes it three-dimensional; there are two "
                             "dimensions here, h and w", text, deep[i]);
    return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": expected one of g mb ic ih iw oc oh ow kh kw sh sw ph "
                     "pw dh dw and a number at \"%.12s\"", text, at);
}

/* "mb64ic32..." into value[]. An n begins the problem's name in benchdnn's lists, which goes to the end. */
static fcnn_status read_values(const fcnn_problem *p, const char *text, int64_t value[KEYS])
{
    for (int i = 0; i < KEYS; i++) value[i] = ABSENT;
    for (const char *at = text; *at && (*at != 'n' || !strcmp(at, "nobias"));) {
        if (*at == '_') {
            at++;
            continue;
        }
        const size_t letters = strspn(at, "abcdefghijklmnopqrstuvwxyz");
        int key = 0;
        while (key < KEYS && (strlen(names[key]) != letters || strncmp(at, names[key], letters))) key++;
        if (key == KEYS) return not_a_key(text, at, letters);
        if (!isdigit((unsigned char)at[letters]))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s needs a number", text, names[key]);
        char *end;
        const uint64_t number = strtoull(at + letters, &end, 10);
        const fcnn_status status = check_value(p, text, (enum key)key, value[key], number);
        if (status) return status;
        value[key] = (int64_t)number;
        at = end;
    }
    return FCNN_OK;
}

/* One axis, as written: ABSENT or a value; `holes` between the elements of the window. */
struct axis {
    int64_t in, out, window, stride, pad, holes;
    int64_t pad_after; /* found by complete() */
};

static struct axis axis_of(const int64_t value[6])
{
    return (struct axis){value[0], value[1], value[2], value[3], value[4], value[5], 0};
}

/* A stride of 1 and no padding or holes are no mention of an axis. */
static int mentioned(const struct axis *a)
{
    return a->in > 0 || a->out > 0 || a->window > 0 || a->stride > 1 || a->pad > 0 || a->holes > 0;
}

static fcnn_status complete(const char *text, char name, struct axis *a)
{
    if (a->in == ABSENT || a->window == ABSENT)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %c%c is missing", text, a->in == ABSENT ? 'i' : 'k',
                         name);
    if (a->stride == ABSENT) a->stride = 1;
    if (a->holes == ABSENT) a->holes = 0;
    if (a->out == ABSENT) {
        if (a->pad == ABSENT) a->pad = 0;
        a->pad_after = a->pad;
        return FCNN_OK;
    }
    const int64_t covered = (a->window - 1) * (a->holes + 1) + 1, total = (a->out - 1) * a->stride + covered - a->in;
    /* Nobody means an output that needs more padding than this. Both sides found here: no window lies in it alone. One
     * written: as fcnn_problem_format() writes it, even where a small input has much padding. */
    const int64_t most = a->pad == ABSENT ? covered - 1 : a->in + a->pad + covered + 16;
    if (a->pad == ABSENT) a->pad = total / 2;
    a->pad_after = total - a->pad;
    if (a->pad_after < 0 && a->pad_after > -a->stride) a->pad_after = 0; /* elements behind the last window */
    if (a->pad < 0 || a->pad_after < 0)
        return fcnn_fail(FCNN_BAD_SHAPE, "problem sizes \"%s\": o%c%lld is less than the other sizes give", text, name,
                         (long long)a->out);
    if (a->pad_after > most)
        return fcnn_fail(FCNN_BAD_SHAPE,
                         "problem sizes \"%s\": o%c%lld asks for padding of %lld behind an input of %lld", text, name,
                         (long long)a->out, (long long)a->pad_after, (long long)a->in);
    return FCNN_OK;
}

/* What the width says without being mentioned must be what it gets. */
static int agrees(int64_t written, int64_t found) { return written == ABSENT || written == found; }

static fcnn_status set_axes(fcnn_problem *p, const char *text, const int64_t value[KEYS])
{
    struct axis h = axis_of(value + IH), w = axis_of(value + IW);
    const struct axis point = {.in = 1, .out = 1, .window = 1, .stride = 1};
    const int rows = mentioned(&h), columns = mentioned(&w);
    fcnn_status status = rows || !columns ? complete(text, 'h', &h) : FCNN_OK;
    if (!status && columns) status = complete(text, 'w', &w);
    if (status) return status;
    if (!columns) {
        if (!agrees(w.stride, h.stride) || !agrees(w.pad, h.pad) || !agrees(w.holes, h.holes))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": the width differs from the height, but iw and "
                             "kw are missing", text);
        w = h;
    }
    if (!rows) h = point;
    p->h = h.in, p->r = h.window, p->stride_h = h.stride, p->dilation_h = h.holes + 1;
    p->w = w.in, p->s = w.window, p->stride_w = w.stride, p->dilation_w = w.holes + 1;
    p->pad_top = h.pad, p->pad_bottom = h.pad_after, p->pad_left = w.pad, p->pad_right = w.pad_after;
    return FCNN_OK;
}

fcnn_status fcnn_sizes_read(fcnn_problem *p, const char *text)
{
    const int shared = fcnn_has(p, FCNN_HAS_WINDOW | FCNN_HAS_WEIGHTS); /* benchdnn has these operations too */
    int64_t value[KEYS];
    const fcnn_status status = read_values(p, text, value);
    if (status) return status;
    if ((shared && value[IC] == ABSENT) || (fcnn_has(p, FCNN_HAS_WEIGHTS) && value[OC] == ABSENT))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s is missing", text,
                         value[IC] == ABSENT ? "ic (input channels)" : "oc (output channels)");
    p->n = value[MB] != ABSENT ? value[MB] : shared ? 2 : 1;
    p->groups = value[G] == ABSENT ? 1 : value[G];
    p->c = value[IC] == ABSENT ? 1 : value[IC];
    p->k = value[OC] == ABSENT ? 0 : value[OC];
    if (fcnn_has(p, FCNN_HAS_WINDOW)) return set_axes(p, text, value);
    p->h = value[IH] == ABSENT ? 1 : value[IH];
    p->w = value[IW] == ABSENT ? p->h : value[IW];
    return FCNN_OK;
}

/* ---- writing ---- */

struct text {
    char *at;
    size_t size;
    int length;
};

static void put(struct text *text, const char *key, int64_t value)
{
    const size_t done = (size_t)text->length < text->size ? (size_t)text->length : text->size;
    text->length += snprintf(text->at + done, text->size - done, "%s%lld", key, (long long)value);
}

static int64_t outputs(int64_t in, int64_t window, int64_t dilation, int64_t stride, int64_t padding)
{
    return (in + padding - (window - 1) * dilation - 1) / stride + 1;
}

static int64_t rows(const fcnn_problem *p)
{
    return outputs(p->h, p->r, p->dilation_h, p->stride_h, p->pad_top + p->pad_bottom);
}

static int64_t columns(const fcnn_problem *p)
{
    return outputs(p->w, p->s, p->dilation_w, p->stride_w, p->pad_left + p->pad_right);
}

/* Where the width need not be mentioned. */
static int is_square(const fcnn_problem *p)
{
    return p->h == p->w && rows(p) == columns(p) && p->r == p->s && p->stride_h == p->stride_w &&
           p->pad_top == p->pad_left && p->dilation_h == p->dilation_w;
}

static void put_window(struct text *text, const fcnn_problem *p, int square)
{
    put(text, "oh", rows(p));
    if (!square) put(text, "ow", columns(p));
    put(text, "kh", p->r);
    if (!square) put(text, "kw", p->s);
    if (p->stride_h > 1 || p->stride_w > 1) {
        put(text, "sh", p->stride_h);
        if (!square) put(text, "sw", p->stride_w);
    }
    put(text, "ph", p->pad_top);
    if (!square) put(text, "pw", p->pad_left);
    if (p->dilation_h > 1 || p->dilation_w > 1) {
        put(text, "dh", p->dilation_h - 1);
        if (!square) put(text, "dw", p->dilation_w - 1);
    }
}

int fcnn_sizes_write(const fcnn_problem *p, char *at, size_t size)
{
    struct text text = {at, size, 0};
    const int window = fcnn_has(p, FCNN_HAS_WINDOW), square = is_square(p);
    if (p->groups > 1) put(&text, "g", p->groups);
    put(&text, "mb", p->n);
    put(&text, "ic", p->c);
    if (p->h > 1 || p->w > 1 || window) put(&text, "ih", p->h);
    if (!square) put(&text, "iw", p->w);
    if (fcnn_has(p, FCNN_HAS_WEIGHTS)) put(&text, "oc", p->k);
    if (window) put_window(&text, p, square);
    return text.length;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Problems as text: names of operations and directions, and sizes in the syntax of oneDNN's benchdnn
 * ("mb64ic32ih13oc64oh11kh3ph0", its doc/knobs: a missing width equals its height, dh counts the holes). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/internal.h"
#include "lib/sized.h"

static const char *const direction_names[FCNN_DIRECTIONS] = {
    [FCNN_FORWARD] = "forward", [FCNN_BACKWARD_DATA] = "backward_data", [FCNN_BACKWARD_WEIGHTS] = "backward_weights",
    [FCNN_UPDATE] = "update"};

const char *fcnn_op_name(fcnn_op op) { return (unsigned)op < FCNN_OPS ? fcnn_operations[op].name : "unknown"; }
const char *fcnn_direction_name(fcnn_direction d)
{
    return (unsigned)d < FCNN_DIRECTIONS ? direction_names[d] : "unknown";
}

enum key { G, MB, IC, IH, IW, OC, OH, OW, KH, KW, SH, SW, PH, PW, DH, DW, KEYS };
static const char *const key_names[KEYS] = {"g",  "mb", "ic", "ih", "iw", "oc", "oh", "ow",
                                            "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw"};

/* "mb64ic32..." into value[] (-1: not given). */
static fcnn_status parse_sizes(const char *text, int64_t value[KEYS])
{
    for (int i = 0; i < KEYS; i++) value[i] = -1;
    for (const char *at = text; *at;) {
        if (*at == '_') {
            at++;
            continue;
        }
        size_t letters = strspn(at, "abcdefghijklmnopqrstuvwxyz");
        int key = 0;
        while (key < KEYS && (strlen(key_names[key]) != letters || strncmp(at, key_names[key], letters))) key++;
        if (key == KEYS || !letters)
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": expected one of g mb ic ih iw oc oh ow kh kw sh "
                             "sw ph pw dh dw and a number at \"%.12s\"", text, at);
        if (!isdigit((unsigned char)at[letters]))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s needs a number", text, key_names[key]);
        if (value[key] >= 0)
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem sizes \"%s\": %s is given twice", text, key_names[key]);
        char *end;
        unsigned long long number = strtoull(at + letters, &end, 10);
        if (number > INT32_MAX)
            return fcnn_fail(FCNN_BAD_SHAPE, "problem sizes \"%s\": %s is larger than %d", text, key_names[key],
                             INT32_MAX);
        value[key] = (int64_t)number;
        at = end;
    }
    return FCNN_OK;
}

/* The padding after the input that gives `out` outputs; -1: none does. */
static int64_t pad_after(int64_t in, int64_t out, int64_t window, int64_t stride, int64_t before)
{
    int64_t pad = (out - 1) * stride + window - in - before;
    if (pad < 0 && (in + before - window) / stride + 1 == out) pad = 0;
    return pad;
}

static fcnn_status set_sizes(fcnn_problem *p, const int64_t value[KEYS])
{
    static const struct { enum key width, height; } pairs[] = {{IW, IH}, {KW, KH}, {SW, SH}, {PW, PH}, {DW, DH}};
    int64_t v[KEYS];
    memcpy(v, value, sizeof v);
    if (v[OW] < 0 && v[IW] < 0 && v[KW] < 0 && v[SW] < 0 && v[PW] < 0 && v[DW] < 0) v[OW] = v[OH];
    for (unsigned i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (v[pairs[i].width] < 0) v[pairs[i].width] = v[pairs[i].height];
#define OR(key, otherwise) (v[key] < 0 ? (otherwise) : v[key])
    p->groups = OR(G, 1), p->n = OR(MB, 1), p->c = OR(IC, 1), p->k = OR(OC, 0);
    p->h = OR(IH, 1), p->w = OR(IW, 1), p->r = OR(KH, 1), p->s = OR(KW, 1);
    p->stride_h = OR(SH, 1), p->stride_w = OR(SW, 1), p->dilation_h = OR(DH, 0) + 1, p->dilation_w = OR(DW, 0) + 1;
    p->pad_top = p->pad_bottom = OR(PH, 0), p->pad_left = p->pad_right = OR(PW, 0);
#undef OR
    if (!p->stride_h || !p->stride_w) return fcnn_fail(FCNN_BAD_SHAPE, "a stride of 0 in the problem sizes");
    if (v[OH] >= 0) p->pad_bottom = pad_after(p->h, v[OH], (p->r - 1) * p->dilation_h + 1, p->stride_h, p->pad_top);
    if (v[OW] >= 0) p->pad_right = pad_after(p->w, v[OW], (p->s - 1) * p->dilation_w + 1, p->stride_w, p->pad_left);
    if (v[OH] == 0 || v[OW] == 0 || p->pad_bottom < 0 || p->pad_right < 0)
        return fcnn_fail(FCNN_BAD_SHAPE, "an output of %lldx%lld does not go with the other sizes: it must be at least "
                         "what the input gives without padding at the bottom and right", (long long)v[OH],
                         (long long)v[OW]);
    return FCNN_OK;
}

static fcnn_status parse_op(fcnn_problem *p, const char *word)
{
    size_t length = strlen(word);
    int relu = length > 5 && !strcmp(word + length - 5, "+relu");
    if (relu) length -= 5;
    for (int op = 0; op < FCNN_OPS; op++)
        if (strlen(fcnn_operations[op].name) == length && !strncmp(word, fcnn_operations[op].name, length) &&
            (!relu || fcnn_operations[op].fields & FCNN_HAS_ACTIVATION)) {
            p->op = (fcnn_op)op;
            p->activation = relu ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_ARGUMENT, "operation \"%s\" does not exist; there are conv2d conv2d+relu "
                     "conv2d+relu+maxpool dense dense+relu maxpool avgpool relu softmax cross_entropy reduce adam sgd",
                     word);
}

static fcnn_status parse_direction(fcnn_problem *p, const char *word)
{
    for (int d = 0; d < FCNN_DIRECTIONS; d++)
        if (!strcmp(word, direction_names[d])) {
            p->direction = (fcnn_direction)d;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_ARGUMENT, "direction \"%s\" does not exist; there are forward backward_data "
                     "backward_weights update", word);
}

fcnn_status fcnn_problem_parse_sized(fcnn_problem *problem, size_t problem_size, const char *text)
{
    if (!problem || !text) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem or its text is NULL");
    char op[32], direction[32], sizes[256], last[32], more;
    fcnn_problem p = {0};
    int64_t value[KEYS];
    int words = sscanf(text, "%31s %31s %255s %31s %c", op, direction, sizes, last, &more);
    if (words < 3 || words > 4)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem \"%s\": expected operation, direction, sizes and at most "
                         "\"nobias\", as in \"conv2d+relu forward mb64ic32ih13oc64kh3\"", text);
    fcnn_status status = parse_op(&p, op);
    if (!status) status = parse_direction(&p, direction);
    if (!status) status = parse_sizes(sizes, value);
    if (!status && words == 4) {
        if (strcmp(last, "nobias") || !fcnn_has(&p, FCNN_HAS_WEIGHTS))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem \"%s\": the last word \"%s\" is not understood", text, last);
        p.no_bias = 1;
    }
    if (!status && fcnn_has(&p, FCNN_HAS_WEIGHTS) && value[OC] < 0)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem \"%s\": oc (output channels) is missing", text);
    if (!status) status = set_sizes(&p, value);
    if (!status) status = fcnn_problem_check(&p);
    if (!status) FCNN_GIVE(problem, problem_size, p);
    return status;
}

static int format(const fcnn_problem *p, char *text, size_t size)
{
    char sizes[256] = "", end[16] = "";
    int pooled = p->op == FCNN_CONV2D_POOL ? 2 : 1;
    int conv = p->op == FCNN_CONV2D || pooled == 2, window = conv || p->op == FCNN_MAXPOOL || p->op == FCNN_AVGPOOL;
    int at = 0;
#define PUT(key, value) at += snprintf(sizes + at, sizeof sizes - (size_t)at, key "%lld", (long long)(value))
    if (p->groups > 1) PUT("g", p->groups);
    PUT("mb", p->n);
    PUT("ic", p->c);
    if (p->h > 1 || p->w > 1 || window) PUT("ih", p->h);
    if (p->h != p->w) PUT("iw", p->w);
    if (fcnn_has(p, FCNN_HAS_WEIGHTS)) PUT("oc", p->k);
    if (window) {
        int64_t conv_p = (p->h + p->pad_top + p->pad_bottom - (p->r - 1) * p->dilation_h - 1) / p->stride_h + 1;
        int64_t conv_q = (p->w + p->pad_left + p->pad_right - (p->s - 1) * p->dilation_w - 1) / p->stride_w + 1;
        int square = p->h == p->w && conv_p == conv_q && p->r == p->s && p->stride_h == p->stride_w &&
                     p->pad_top == p->pad_left && p->dilation_h == p->dilation_w;
        PUT("oh", conv_p);
        if (!square) PUT("ow", conv_q);
        PUT("kh", p->r);
        if (p->r != p->s) PUT("kw", p->s);
        if (p->stride_h > 1 || p->stride_h != p->stride_w) PUT("sh", p->stride_h);
        if (p->stride_h != p->stride_w) PUT("sw", p->stride_w);
        PUT("ph", p->pad_top);
        if (p->pad_top != p->pad_left) PUT("pw", p->pad_left);
        if (p->dilation_h > 1 || p->dilation_h != p->dilation_w) PUT("dh", p->dilation_h - 1);
        if (p->dilation_h != p->dilation_w) PUT("dw", p->dilation_w - 1);
    }
#undef PUT
    if (p->no_bias) snprintf(end, sizeof end, " nobias");
    return snprintf(text, size, "%s%s %s %s%s", fcnn_op_name(p->op),
                    p->activation == FCNN_RELU_ACTIVATION && (p->op == FCNN_CONV2D || p->op == FCNN_DENSE)
                        ? "+relu" : "",
                    fcnn_direction_name(p->direction), sizes, end);
}

int fcnn_problem_format_sized(const fcnn_problem *problem, size_t problem_size, char *text, size_t size)
{
    fcnn_problem p;
    int empty;
    if (!problem || !fcnn_sized_take(&p, sizeof p, problem, problem_size) || fcnn_problem_complete(&p, &empty))
        return snprintf(text, text ? size : 0, "invalid problem");
    if (empty) p.n = 0;
    return format(&p, text, text ? size : 0);
}

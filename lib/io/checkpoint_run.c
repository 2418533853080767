/* SPDX-License-Identifier: BSD-2-Clause
 * A run and its state as JSON. Members are rows of tables, so that what is written and what is read is one text. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/io/checkpoint.h"
#include "lib/io/fail.h"
#include "lib/io/json.h"

enum kind { INTEGER, COUNT, FLAG, FLOAT, DOUBLE, TEXT }; /* int; int64_t, at least 0; int; float; double; char[size] */

struct member {
    const char *name;
    enum kind kind;
    size_t at, size;
};

#define MEMBER(type, kind, name) {#name, kind, offsetof(type, name), sizeof(((type *)NULL)->name)}
#define RUN(kind, name)          MEMBER(fcnn_receipt, kind, name)
#define STATE(kind, name)        MEMBER(fcnn_state, kind, name)

/* What a model cannot know of itself. */
static const struct member run_members[] = {
    RUN(TEXT, weights), RUN(TEXT, data), RUN(TEXT, classes), RUN(INTEGER, numerics), RUN(FLAG, given),
    RUN(FLAG, altered), RUN(FLAG, stopped), RUN(COUNT, diverged_step), RUN(COUNT, steps), RUN(COUNT, first_step),
    RUN(COUNT, first_epoch), RUN(COUNT, first_epoch_steps), RUN(FLOAT, first_beta_1_power),
    RUN(FLOAT, first_beta_2_power), RUN(COUNT, epochs), RUN(COUNT, images), RUN(COUNT, validation_images),
    RUN(COUNT, batch_size), RUN(DOUBLE, validation_split), RUN(FLAG, shuffled), RUN(FLAG, keep_going), {0},
};
static const struct member state_members[] = {
    STATE(COUNT, steps), STATE(COUNT, epochs), STATE(FLOAT, beta_1_power), STATE(FLOAT, beta_2_power),
    STATE(COUNT, epoch_steps), STATE(DOUBLE, epoch_loss), STATE(COUNT, epoch_correct), {0},
};

/* ---- writing ---- */

/* Whatever the locale, and not a number too. */
static json_t *bits_json(double value)
{
    uint64_t bits;
    char text[17];
    memcpy(&bits, &value, sizeof bits);
    snprintf(text, sizeof text, "%016llx", (unsigned long long)bits);
    return json_string(text);
}

static json_t *member_json(const struct member *member, const void *from)
{
    const char *at = (const char *)from + member->at;
    int64_t count;
    int number;
    float small;
    double large;
    switch (member->kind) {
    case INTEGER: memcpy(&number, at, sizeof number); return json_integer(number);
    case COUNT: memcpy(&count, at, sizeof count); return json_integer(count);
    case FLAG: memcpy(&number, at, sizeof number); return json_boolean(number);
    case FLOAT: memcpy(&small, at, sizeof small); return bits_json((double)small);
    case DOUBLE: memcpy(&large, at, sizeof large); return bits_json(large);
    default: return json_string(at);
    }
}

static json_t *members_json(const struct member *members, const void *from)
{
    json_t *json = json_object();
    int failed = !json;
    for (const struct member *m = members; m->name; m++)
        failed |= json_object_set_new(json, m->name, member_json(m, from));
    if (!failed) return json;
    json_decref(json);
    return NULL;
}

json_t *io_checkpoint_run(const fcnn_receipt *run) { return members_json(run_members, run); }
json_t *io_checkpoint_state(const fcnn_state *state) { return members_json(state_members, state); }

/* ---- reading ---- */

static int read_bits(const json_t *json, double *value)
{
    const char *text = json_string_value(json);
    uint64_t bits = 0;
    if (!text || strlen(text) != 16) return 0;
    for (int i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef", *digit = strchr(digits, text[i]);
        if (!digit) return 0;
        bits = bits << 4 | (uint64_t)(digit - digits);
    }
    memcpy(value, &bits, sizeof bits);
    return 1;
}

static int read_whole(const json_t *json, int64_t least, int64_t most, int64_t *value)
{
    if (!json_is_integer(json) || json_integer_value(json) < least || json_integer_value(json) > most) return 0;
    *value = json_integer_value(json);
    return 1;
}

/* 0: it is not there, or another kind of value. */
static int read_member(const struct member *member, const json_t *json, void *to)
{
    char *at = (char *)to + member->at;
    int64_t count = 0;
    double value = 0;
    const char *text = json_string_value(json);
    switch (member->kind) {
    case INTEGER:
        if (!read_whole(json, INT32_MIN, INT32_MAX, &count)) return 0;
        memcpy(at, &(int){(int)count}, sizeof(int));
        return 1;
    case COUNT:
        if (!read_whole(json, 0, INT64_MAX, &count)) return 0;
        memcpy(at, &count, sizeof count);
        return 1;
    case FLAG:
        if (!json_is_boolean(json)) return 0;
        memcpy(at, &(int){json_is_true(json)}, sizeof(int));
        return 1;
    case FLOAT:
        if (!read_bits(json, &value)) return 0;
        memcpy(at, &(float){(float)value}, sizeof(float));
        return 1;
    case DOUBLE:
        if (!read_bits(json, &value)) return 0;
        memcpy(at, &value, sizeof value);
        return 1;
    default:
        if (!text || strlen(text) >= member->size) return 0;
        memset(at, 0, member->size);
        memcpy(at, text, strlen(text));
        return 1;
    }
}

static fcnn_status read_members(const struct member *members, const json_t *json, const char *where, void *to)
{
    static const char *const kinds[] = {[INTEGER] = "a whole number", [COUNT] = "a whole number, at least 0",
                                        [FLAG] = "true or false", [FLOAT] = "16 hexadecimal digits",
                                        [DOUBLE] = "16 hexadecimal digits", [TEXT] = "a text, or is too long"};
    for (const struct member *m = members; m->name; m++)
        if (!read_member(m, json_object_get(json, m->name), to))
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not %s", where, m->name, kinds[m->kind]);
    return FCNN_OK;
}

fcnn_status io_checkpoint_read_run(const json_t *json, const char *where, fcnn_receipt *run)
{
    return read_members(run_members, json, where, run);
}

fcnn_status io_checkpoint_read_state(const json_t *json, const char *where, fcnn_state *state)
{
    return read_members(state_members, json, where, state);
}

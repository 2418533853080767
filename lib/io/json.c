/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json_text.h"
#include "lib/io/number.h"

fcnn_status io_json_measure(const char *text, size_t length, const char *where)
{
    if (length > IO_JSON_LONGEST)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: its JSON has %zu bytes; at most %zu are read", where, length,
                            IO_JSON_LONGEST);
    const uint64_t memory = io_json_memory(text, length);
    if (memory <= IO_JSON_MEMORY) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: its JSON would take %llu MiB of memory; at most %zu are given", where,
                        (unsigned long long)(memory >> 20), IO_JSON_MEMORY >> 20);
}

fcnn_status io_json_parse(json_t **value, const char *text, size_t length, const char *where)
{
    json_error_t error;
    *value = NULL;
    IO_TRY(io_json_measure(text, length, where));
    *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (*value) return FCNN_OK;
    if (json_error_code(&error) == json_error_out_of_memory)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its JSON", where);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: no JSON: line %d, column %d: %s", where, error.line, error.column,
                        error.text);
}

/* ---- numbers ---- */

json_t *io_json_float(float value)
{
    char text[32];
    double nearest = 0;
    if (!isfinite(value)) return NULL;
    io_number_write_float(text, value);
    return io_number_read(text, &nearest) ? json_real(nearest) : NULL;
}

/* ---- members ---- */

const json_t *io_get(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static fcnn_status unexpected(const struct io_members *members, const char *key, const char *expected)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not %s", members->where, key, expected);
}

/* Python writes whole numbers as floats now and then. */
static int as_int(const json_t *value, int64_t least, int64_t most, int64_t *result)
{
    if (json_is_integer(value)) *result = json_integer_value(value);
    else if (json_is_real(value) && fabs(json_real_value(value)) < 0x1p53) {
        *result = (int64_t)json_real_value(value);
        if ((double)*result != json_real_value(value)) return 0;
    } else return 0;
    return *result >= least && *result <= most;
}

fcnn_status io_get_int(const struct io_members *members, const char *key, int64_t least, int64_t most, int64_t *value)
{
    char expected[80];
    const json_t *member = io_get(members->object, key);
    int64_t read;
    if (!member) return FCNN_OK;
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)least, (long long)most);
    if (!as_int(member, least, most, &read)) return unexpected(members, key, expected);
    *value = read;
    return FCNN_OK;
}

fcnn_status io_get_bool(const struct io_members *members, const char *key, int *value)
{
    const json_t *member = io_get(members->object, key);
    if (!member) return FCNN_OK;
    if (!json_is_boolean(member)) return unexpected(members, key, "true or false");
    *value = json_is_true(member);
    return FCNN_OK;
}

/* numpy's numbers of no dimension, as Keras 2.2 and 2.3 wrote them: {"type":"ndarray","value":0.0} */
static const json_t *without_numpy(const json_t *member)
{
    return io_get(member, "type") && json_object_get(member, "value") ? io_get(member, "value") : member;
}

fcnn_status io_get_double(const struct io_members *members, const char *key, double *value)
{
    const json_t *member = without_numpy(io_get(members->object, key));
    if (!member) return FCNN_OK;
    if (!json_is_number(member)) return unexpected(members, key, "a number");
    *value = json_number_value(member);
    return FCNN_OK;
}

fcnn_status io_get_text(const struct io_members *members, const char *key, const char **value)
{
    const json_t *member = io_get(members->object, key);
    if (!member) return FCNN_OK;
    if (!json_is_string(member)) return unexpected(members, key, "a text");
    *value = json_string_value(member);
    return FCNN_OK;
}

fcnn_status io_get_pair(const struct io_members *members, const char *key, int64_t least, int64_t most, int64_t *a,
                        int64_t *b)
{
    char expected[96];
    const json_t *member = io_get(members->object, key);
    int64_t first, second;
    if (!member) return FCNN_OK;
    const int list = json_is_array(member) && json_array_size(member) == 2;
    const json_t *one = list ? json_array_get(member, 0) : member, *other = list ? json_array_get(member, 1) : member;
    snprintf(expected, sizeof expected, "a whole number from %lld to %lld, or two of them", (long long)least,
             (long long)most);
    if (!as_int(one, least, most, &first) || !as_int(other, least, most, &second))
        return unexpected(members, key, expected);
    *a = first;
    *b = second;
    return FCNN_OK;
}

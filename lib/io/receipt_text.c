/* SPDX-License-Identifier: BSD-2-Clause
 * The one spelling of a receipt. jansson's spelling of numbers is that of its version, and a hash is over letters. */
#include "lib/io/receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/number.h"

static const char begin_hash[] = "\n \"receipt_sha256\": \"";

static int write_value(FILE *out, const json_t *value, int depth);

/* Texts as jansson has them: it escapes what has to be and nothing else. */
static int write_text(FILE *out, const json_t *text)
{
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    const int failed = !quoted || fputs(quoted, out) == EOF;
    free(quoted);
    return failed;
}

/* A whole number that is a real stays one. */
static void write_real(FILE *out, double value)
{
    char text[32];
    io_number_write(text, value);
    fprintf(out, "%s%s", text, text[strcspn(text, ".e")] ? "" : ".0");
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static int write_members(FILE *out, const json_t *object, int depth)
{
    const size_t count = json_object_size(object);
    const char **keys = calloc(count + 1, sizeof *keys), *key;
    json_t *value;
    size_t i = 0;
    int failed = !keys;
    if (!failed) json_object_foreach((json_t *)(uintptr_t)object, key, value) keys[i++] = key;
    if (!failed) qsort(keys, count, sizeof *keys, by_name);
    for (i = 0; i < count && !failed; i++) {
        fprintf(out, "%s\n%*s", i ? "," : "", depth, "");
        json_t *name = json_string(keys[i]);
        failed = !name || write_text(out, name);
        json_decref(name);
        fputs(": ", out);
        failed = failed || write_value(out, json_object_get(object, keys[i]), depth);
    }
    free(keys);
    return failed;
}

static int write_list(FILE *out, const json_t *list, int depth)
{
    int failed = 0;
    for (size_t i = 0; i < json_array_size(list) && !failed; i++) {
        fprintf(out, "%s\n%*s", i ? "," : "", depth, "");
        failed = write_value(out, json_array_get(list, i), depth);
    }
    return failed;
}

/* depth: blanks in front of what encloses it. Documents are jansson's, which have a bound on that. */
static int write_value(FILE *out, const json_t *value, int depth)
{
    const int object = json_is_object(value), empty = !(object ? json_object_size(value) : json_array_size(value));
    switch (json_typeof(value)) {
    case JSON_STRING: return write_text(out, value);
    case JSON_INTEGER: return fprintf(out, "%lld", (long long)json_integer_value(value)) < 0;
    case JSON_REAL: write_real(out, json_real_value(value)); return 0;
    case JSON_TRUE: return fputs("true", out) == EOF;
    case JSON_FALSE: return fputs("false", out) == EOF;
    case JSON_NULL: return fputs("null", out) == EOF;
    default: break;
    }
    fputc(object ? '{' : '[', out);
    const int failed = object ? write_members(out, value, depth + 1) : write_list(out, value, depth + 1);
    if (!empty) fprintf(out, "\n%*s", depth, "");
    fputc(object ? '}' : ']', out);
    return failed;
}

static char *spell(const json_t *document)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    int failed = write_value(out, document, 0);
    failed |= fputc('\n', out) == EOF;
    failed |= fclose(out) != 0;
    if (!failed) return text;
    free(text);
    return NULL;
}

/* The hash of `text`, between the quotes that wait for it. */
static char *sign(char *text)
{
    char sha256[65];
    const size_t length = strlen(text);
    char *whole = malloc(length + sizeof sha256), *at = strstr(text, begin_hash);
    if (whole && at) {
        const size_t before = (size_t)(at - text) + sizeof begin_hash - 1;
        fcnn_sha256_text(sha256, text, length);
        memcpy(whole, text, before);
        memcpy(whole + before, sha256, 64);
        memcpy(whole + before + 64, text + before, length - before + 1);
    }
    free(text);
    return whole;
}

char *fcnn_receipt_text(const json_t *receipt)
{
    if (!json_object_get(receipt, "receipt")) return spell(receipt);
    json_t *copy = json_copy((json_t *)(uintptr_t)receipt);
    char *text = copy && !json_object_set_new(copy, "receipt_sha256", json_string("")) ? spell(copy) : NULL;
    json_decref(copy);
    return text ? sign(text) : NULL;
}

fcnn_status fcnn_receipt_file_text(char **text, const json_t *receipt, const char *where)
{
    *text = fcnn_receipt_text(receipt);
    const size_t length = *text ? strlen(*text) : 0;
    if (!*text) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for the receipt's text", where);
    if (length <= IO_JSON_MOST) return FCNN_OK;
    free(*text);
    *text = NULL;
    return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is not written: the receipt has %zu bytes, and none of more than %zu is "
                        "read again; fewer epochs make it shorter", where, length, IO_JSON_MOST);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Reading receipts. Nobody is believed: the text must be as fastcnn writes it, its hash that of its text, and each
 * member that a run is repeated from is looked at. All others are compared with those of the repeated run. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/json.h"
#include "lib/io/receipt.h"
#include "lib/io/text.h"
#include "lib/io/whole.h"

#define MOST_IMAGES 100000000 /* as `fastcnn train` takes */
#define MOST_STEPS  INT64_C(1000000000000000)

/* An object of the receipt: "FILE" or "FILE: fit". */
struct part {
    struct io_members members;
    char where[4400];
};

static fcnn_status unexpected(const struct part *part, const char *key, const char *expected)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not %s", part->where, key, expected);
}

static fcnn_status open_part(struct part *part, const json_t *json, const char *where, const char *name)
{
    snprintf(part->where, sizeof part->where, "%s%s%s", where, *name ? ": " : "", name);
    part->members = (struct io_members){json, part->where};
    if (json_is_object(json)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is not an object", where, *name ? name : "the document");
}

static fcnn_status need(const struct part *part, const char *key)
{
    if (io_get(part->members.object, key)) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: %s is missing", part->where, key);
}

static fcnn_status get_int(const struct part *part, const char *key, int64_t least, int64_t most, int64_t *value)
{
    IO_TRY(need(part, key));
    return io_get_int(&part->members, key, least, most, value);
}

static fcnn_status get_bool(const struct part *part, const char *key, int *value)
{
    IO_TRY(need(part, key));
    return io_get_bool(&part->members, key, value);
}

static fcnn_status get_real(const struct part *part, const char *key, double *value)
{
    IO_TRY(need(part, key));
    return json_is_number(io_get(part->members.object, key)) ? io_get_double(&part->members, key, value)
                                                             : unexpected(part, key, "a number");
}

/* Whole numbers of 64 bits are texts. */
static fcnn_status get_count(const struct part *part, const char *key, uint64_t *value)
{
    char again[32];
    const char *text = NULL;
    IO_TRY(need(part, key));
    IO_TRY(io_get_text(&part->members, key, &text));
    *value = strtoull(text, NULL, 10);
    snprintf(again, sizeof again, "%llu", (unsigned long long)*value);
    return strcmp(text, again) ? unexpected(part, key, "a whole number as a text") : FCNN_OK;
}

static fcnn_status get_hash(const struct part *part, const char *key, const char **hash)
{
    IO_TRY(need(part, key));
    IO_TRY(io_get_text(&part->members, key, hash));
    if (strlen(*hash) == 64 && strspn(*hash, "0123456789abcdef") == 64) return FCNN_OK;
    return unexpected(part, key, "a SHA-256 of 64 hexadecimal digits");
}

/* Texts of a list, each with `end` behind it; free(). */
static fcnn_status join(const struct part *part, const char *key, size_t most, char end, char **joined)
{
    const json_t *list = io_get(part->members.object, key);
    size_t size = 1, length = 0;
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > most)
        return unexpected(part, key, "a list of texts");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        if (!json_is_string(text) || strchr(json_string_value(text), end))
            return unexpected(part, key, "a list of texts, each one line");
        size += json_string_length(text) + 1;
    }
    *joined = malloc(size);
    if (!*joined) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for %s", part->where, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *text = json_array_get(list, i);
        memcpy(*joined + length, json_string_value(text), json_string_length(text));
        length += json_string_length(text);
        (*joined)[length++] = end;
    }
    (*joined)[length] = 0;
    return FCNN_OK;
}

/* ---- members ---- */

static int is_class(const char *name, size_t length)
{
    for (int i = FCNN_EXACT; i <= FCNN_BF16; i++) {
        const char *known = fcnn_class_name((fcnn_class)i);
        if (strlen(known) == length && !memcmp(known, name, length)) return 1;
    }
    return 0;
}

static fcnn_status read_math(struct fcnn_receipt_file *file, const struct part *whole)
{
    IO_TRY(join(whole, "math", 8, ',', &file->math));
    file->math[strlen(file->math) - 1] = 0;
    for (const char *at = file->math; *at;) {
        const size_t length = strcspn(at, ",");
        if (!is_class(at, length)) return unexpected(whole, "math", "a list of numerics classes");
        at += length + (at[length] == ',');
    }
    return io_get_text(&whole->members, "kernel", &file->kernel);
}

static fcnn_status read_source(struct fcnn_receipt_file *file, const struct part *whole)
{
    struct part source, pixels;
    IO_TRY(open_part(&source, io_get(whole->members.object, "source"), whole->where, "source"));
    IO_TRY(need(&source, "kind"));
    IO_TRY(io_get_text(&source.members, "kind", &file->kind));
    file->synthetic = io_get(source.members.object, "seed") != NULL;
    if (file->synthetic) IO_TRY(get_count(&source, "seed", &file->seed));
    IO_TRY(get_int(&source, "images", 1, MOST_IMAGES, &file->images));
    file->scaled = io_get(source.members.object, "pixels") != NULL;
    if (!file->scaled) return FCNN_OK;
    IO_TRY(open_part(&pixels, io_get(source.members.object, "pixels"), source.where, "pixels"));
    IO_TRY(get_real(&pixels, "scale", &file->scale));
    return get_real(&pixels, "offset", &file->offset);
}

static fcnn_status read_fit(struct fcnn_receipt_file *file, const struct part *whole)
{
    struct part fit;
    int64_t images = 0, validation = 0, epochs = 0;
    int shuffled = 0;
    IO_TRY(open_part(&fit, io_get(whole->members.object, "fit"), whole->where, "fit"));
    IO_TRY(get_int(&fit, "images", 1, MOST_IMAGES, &images));
    IO_TRY(get_int(&fit, "validation_images", 0, MOST_IMAGES, &validation));
    IO_TRY(get_int(&fit, "batch_size", 1, MOST_IMAGES, &file->fit.batch_size));
    IO_TRY(get_int(&fit, "epochs", 0, 1000000, &epochs));
    IO_TRY(get_real(&fit, "validation_split", &file->fit.validation_split));
    IO_TRY(get_bool(&fit, "shuffle", &shuffled));
    IO_TRY(get_bool(&fit, "keep_going", &file->fit.keep_going));
    file->fit.epochs = (int)epochs;
    file->fit.no_shuffle = !shuffled;
    if (!(file->fit.validation_split >= 0 && file->fit.validation_split < 1))
        return unexpected(&fit, "validation_split", "a number from 0 to below 1");
    if (images + validation != file->images)
        return unexpected(&fit, "images", "what source.images and validation_images leave");
    return FCNN_OK;
}

static fcnn_status read_data(struct fcnn_receipt_file *file, const struct part *whole)
{
    struct part data, trail;
    IO_TRY(open_part(&data, io_get(whole->members.object, "data"), whole->where, "data"));
    IO_TRY(get_hash(&data, "sha256", &file->data));
    if (io_get(data.members.object, "validation_sha256"))
        IO_TRY(get_hash(&data, "validation_sha256", &file->validation));
    if (!io_get(whole->members.object, "trail")) return FCNN_OK;
    IO_TRY(open_part(&trail, io_get(whole->members.object, "trail"), whole->where, "trail"));
    return get_hash(&trail, "sha256", &file->trail);
}

static fcnn_status read_initial(struct fcnn_receipt_file *file, const struct part *whole)
{
    static const char *const hashes[] = {"weights_sha256", "moment_1_sha256", "moment_2_sha256"};
    struct part initial;
    double powers[2] = {0, 0};
    IO_TRY(open_part(&initial, io_get(whole->members.object, "initial"), whole->where, "initial"));
    IO_TRY(get_bool(&initial, "given", &file->given));
    for (int i = 0; i < 3; i++) IO_TRY(get_hash(&initial, hashes[i], &file->initial[i]));
    IO_TRY(get_int(&initial, "step", 0, MOST_STEPS, &file->first.steps));
    IO_TRY(get_int(&initial, "epoch", 0, UINT32_MAX, &file->first.epochs));
    IO_TRY(get_int(&initial, "epoch_steps", 0, MOST_STEPS, &file->first.epoch_steps));
    IO_TRY(get_real(&initial, "beta_1_power", &powers[0]));
    IO_TRY(get_real(&initial, "beta_2_power", &powers[1]));
    for (int i = 0; i < 2; i++)
        if (!(powers[i] >= 0 && powers[i] <= 1))
            return unexpected(&initial, i ? "beta_2_power" : "beta_1_power", "a number from 0 to 1");
    file->first.beta_1_power = (float)powers[0];
    file->first.beta_2_power = (float)powers[1];
    if (!file->given && (file->first.steps || file->first.epochs))
        return unexpected(&initial, "step", "0, where a run begins that was given nothing");
    return FCNN_OK;
}

static fcnn_status read_epochs(struct fcnn_receipt_file *file, const struct part *whole)
{
    const json_t *list = io_get(whole->members.object, "epochs");
    struct part epoch;
    char name[48];
    const char *hash;
    int64_t number = 0, steps = 0;
    if (!json_is_array(list) || json_array_size(list) != (size_t)file->fit.epochs)
        return unexpected(whole, "epochs", "a list of as many epochs as fit.epochs says");
    for (size_t i = 0; i < json_array_size(list); i++) {
        snprintf(name, sizeof name, "epochs[%zu]", i);
        IO_TRY(open_part(&epoch, json_array_get(list, i), whole->where, name));
        IO_TRY(get_int(&epoch, "epoch", (int64_t)i + 1, (int64_t)i + 1, &number));
        IO_TRY(get_int(&epoch, "steps", steps + 1, MOST_STEPS, &steps));
        IO_TRY(get_hash(&epoch, "weights_sha256", &hash));
    }
    return FCNN_OK;
}

static fcnn_status read_result(struct fcnn_receipt_file *file, const struct part *whole)
{
    struct part result;
    IO_TRY(open_part(&result, io_get(whole->members.object, "result"), whole->where, "result"));
    IO_TRY(get_bool(&result, "altered", &file->altered));
    IO_TRY(get_bool(&result, "stopped", &file->stopped));
    IO_TRY(get_int(&result, "steps", 0, MOST_STEPS, &file->steps));
    IO_TRY(get_hash(&result, "weights_sha256", &file->weights));
    if (file->fit.epochs || file->stopped) return FCNN_OK;
    return unexpected(&result, "stopped", "true, and there is no epoch");
}

/* ---- the whole ---- */

/* A copy without its hash gets that hash and the very text again. */
static fcnn_status check_text(const struct fcnn_receipt_file *file, const struct part *whole, const char *text,
                              size_t count)
{
    const char *signature;
    IO_TRY(get_hash(whole, "receipt_sha256", &signature));
    char *again = fcnn_receipt_text(file->json);
    if (!again) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its text", whole->where);
    static const char of_hash[] = " \"receipt_sha256\"";
    size_t same = 0, line = 1, start = 0;
    for (; same < count && again[same] && again[same] == text[same]; same++)
        if (text[same] == '\n') line++, start = same + 1;
    const int equal = same == count && !again[same], hash_alone = !strncmp(again + start, of_hash, sizeof of_hash - 1);
    free(again);
    if (equal) return FCNN_OK;
    if (hash_alone)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the receipt is damaged: its text has another SHA-256 than its "
                            "receipt_sha256", whole->where);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s:%zu: the receipt is damaged, or was written anew by another program: this "
                        "is not how fastcnn writes it", whole->where, line);
}

static fcnn_status read_all(struct fcnn_receipt_file *file, const struct part *whole, const char *text, size_t count)
{
    int64_t format = 0, numerics = 0;
    IO_TRY(get_int(whole, "receipt", 1, INT32_MAX, &format));
    if (format != FCNN_RECEIPT_FORMAT)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a receipt of format %lld; this program reads format %d", whole->where,
                            (long long)format, FCNN_RECEIPT_FORMAT);
    IO_TRY(check_text(file, whole, text, count));
    IO_TRY(get_int(whole, "numerics", 1, INT32_MAX, &numerics));
    file->numerics = (int)numerics;
    IO_TRY(join(whole, "model", IO_TEXT_MOST_LAYERS + 2, '\n', &file->model));
    IO_TRY(read_math(file, whole));
    IO_TRY(read_source(file, whole));
    IO_TRY(read_fit(file, whole));
    IO_TRY(read_data(file, whole));
    IO_TRY(read_initial(file, whole));
    IO_TRY(read_epochs(file, whole));
    return read_result(file, whole);
}

fcnn_status fcnn_receipt_parse(struct fcnn_receipt_file *file, const char *text, size_t count, const char *where)
{
    struct part whole;
    *file = (struct fcnn_receipt_file){0};
    if (count && *text == '{') IO_TRY(io_json_parse(&file->json, text, count, where));
    if (!json_object_get(file->json, "receipt"))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: it is no receipt: 'fastcnn train --receipt=FILE' writes one", where);
    IO_TRY(open_part(&whole, file->json, where, ""));
    return read_all(file, &whole, text, count);
}

fcnn_status fcnn_receipt_read(struct fcnn_receipt_file *file, const char *path)
{
    unsigned char *bytes;
    size_t count;
    *file = (struct fcnn_receipt_file){0};
    IO_TRY(io_whole_read(&bytes, &count, path, (int64_t)IO_JSON_MOST));
    const fcnn_status status = fcnn_receipt_parse(file, (const char *)bytes, count, path);
    free(bytes);
    return status;
}

void fcnn_receipt_close(struct fcnn_receipt_file *file)
{
    json_decref(file->json);
    free(file->model);
    free(file->math);
    *file = (struct fcnn_receipt_file){0};
}

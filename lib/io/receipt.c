/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/io/receipt.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/io/number.h"
#include "lib/io/receipt_parts.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are defined over little-endian numbers");

/* ---- hashes ---- */

/* Both hashes over the same bytes; the quick one tells whether data are those that the model has seen. */
struct hashes {
    struct sha256_ctx sha256;
    XXH3_state_t xxh3;
};

static void hash_bytes(struct hashes *hashes, const void *bytes, size_t count)
{
    sha256_update(&hashes->sha256, count, bytes);
    XXH3_128bits_update(&hashes->xxh3, bytes, count);
}

static void begin(struct hashes *hashes)
{
    sha256_init(&hashes->sha256);
    XXH3_128bits_reset(&hashes->xxh3);
}

static void hash_floats(struct hashes *hashes, const float *x, int64_t count)
{
    float block[1024];
    for (int64_t done = 0; done < count;) {
        const int64_t now = count - done < 1024 ? count - done : 1024;
        for (int64_t i = 0; i < now; i++) block[i] = x[done + i] == 0 ? 0.0f : x[done + i];
        hash_bytes(hashes, block, (size_t)now * sizeof *block);
        done += now;
    }
}

void fcnn_sha256_spell(char text[65], struct sha256_ctx *hash)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof digest, digest);
    io_number_hex(text, digest, sizeof digest);
}

static void finish_xxh3(const struct hashes *hashes, char text[33])
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&hashes->xxh3));
    io_number_hex(text, bytes.digest, sizeof bytes.digest);
}

void fcnn_sha256(char text[65], const float *x, int64_t count, const int32_t *y, int64_t labels)
{
    struct hashes hashes;
    begin(&hashes);
    hash_floats(&hashes, x, count);
    if (labels) hash_bytes(&hashes, y, (size_t)labels * sizeof *y);
    fcnn_sha256_spell(text, &hashes.sha256);
}

fcnn_status fcnn_sha256_array(char text[65], const fcnn_model *model, fcnn_array array, float *values)
{
    const int64_t count = fcnn_model_parameters(model);
    const fcnn_status status = fcnn_model_get_array(model, array, values, count);
    if (!status) fcnn_sha256(text, values, count, NULL, 0);
    return status;
}

void fcnn_sha256_text(char text[65], const char *bytes, size_t count)
{
    struct sha256_ctx sha256;
    sha256_init(&sha256);
    sha256_update(&sha256, count, (const uint8_t *)bytes);
    fcnn_sha256_spell(text, &sha256);
}

/* ---- parts of the receipt; NULL: no memory ---- */

struct source {
    const fcnn_model *model;
    fcnn_receipt receipt;
    fcnn_layer_info first; /* whose input is the model's */
    int64_t outputs;       /* of the last one, for an image */
    char data[65], validation[65], arrays[FCNN_ARRAY_INITIAL_MOMENT_2 + 1][65]; /* SHA-256 */
};

static const char *activation_name(fcnn_activation activation)
{
    switch (activation) {
    case FCNN_RELU_ACTIVATION: return "relu";
    case FCNN_SIGMOID_ACTIVATION: return "sigmoid";
    case FCNN_TANH_ACTIVATION: return "tanh";
    case FCNN_SOFTMAX_ACTIVATION: return "softmax";
    default: return "linear";
    }
}

/* Of a convolution: what is not Keras' default. */
static int describe_convolution(json_t *object, const fcnn_layer *layer)
{
    int failed = 0;
    if (layer->dilation_h > 1 || layer->dilation_w > 1)
        failed |= json_object_set_new(object, "dilation", json_pack("[I,I]", (json_int_t)layer->dilation_h,
                                                                    (json_int_t)layer->dilation_w));
    if (layer->groups > 1) failed |= json_object_set_new(object, "groups", json_integer(layer->groups));
    if (layer->no_bias) failed |= json_object_set_new(object, "bias", json_false());
    return failed;
}

/* Of the kinds that have neither windows nor weights of the usual form. */
static int describe_others(json_t *object, const fcnn_layer *layer)
{
    switch (layer->kind) {
    case FCNN_LAYER_ACTIVATION:
        return json_object_set_new(object, "activation", json_string(activation_name(layer->activation)));
    case FCNN_LAYER_DROPOUT: return json_object_set_new(object, "rate", json_real((double)layer->rate));
    case FCNN_LAYER_ZERO_PADDING2D:
        return json_object_set_new(object, "padding", json_pack("[[I,I],[I,I]]", (json_int_t)layer->pad_top,
                                                                (json_int_t)layer->pad_bottom,
                                                                (json_int_t)layer->pad_left,
                                                                (json_int_t)layer->pad_right));
    case FCNN_LAYER_RESCALING:
        return json_object_update_new(object, json_pack("{s:f, s:f}", "scale", (double)layer->scale, "offset",
                                                        (double)layer->offset));
    case FCNN_LAYER_BATCH_NORMALIZATION:
        return json_object_update_new(object, json_pack("{s:f, s:f, s:b, s:b}", "epsilon", (double)layer->epsilon,
                                                        "momentum", (double)layer->momentum, "scale",
                                                        !layer->no_scale, "center", !layer->no_center));
    default: return 0;
    }
}

static json_t *layer_json(const fcnn_layer_info *info, const fcnn_layer *added)
{
    json_t *layer = json_pack("{s:s, s:s, s:[I,I,I]}", "class", info->class_name, "name", info->name, "output",
                              (json_int_t)info->h, (json_int_t)info->w, (json_int_t)info->c);
    const int64_t parameters = info->weights + info->bias + 2 * info->moving;
    int failed = !layer;
    if (info->r)
        failed |= json_object_update_new(
            layer, json_pack("{s:[I,I], s:[I,I], s:s}", "window", (json_int_t)info->r, (json_int_t)info->s, "strides",
                             (json_int_t)info->stride_h, (json_int_t)info->stride_w, "padding",
                             info->padding == FCNN_PAD_SAME ? "same" : "valid"));
    if (parameters && !info->moving)
        failed |= json_object_set_new(layer, "activation", json_string(activation_name(info->activation)));
    if (parameters) failed |= json_object_set_new(layer, "parameters", json_integer(parameters));
    if (!failed) failed = describe_convolution(layer, added) | describe_others(layer, added);
    if (!failed) return layer;
    json_decref(layer);
    return NULL;
}

static json_t *layers_json(const fcnn_model *model)
{
    json_t *layers = json_array();
    for (int i = 0; layers && i < fcnn_model_layers(model); i++) {
        fcnn_layer_info info;
        fcnn_layer added;
        fcnn_model_layer(model, i, &info);
        fcnn_model_layer_as_added(model, i, &added);
        if (!json_array_append_new(layers, layer_json(&info, &added))) continue;
        json_decref(layers);
        return NULL;
    }
    return layers;
}

/* Keras' names. */
static const char *loss_name(fcnn_loss loss)
{
    switch (loss) {
    case FCNN_LOSS_CATEGORICAL_CROSSENTROPY: return "categorical_crossentropy";
    case FCNN_LOSS_MEAN_SQUARED_ERROR: return "mean_squared_error";
    default: return "sparse_categorical_crossentropy";
    }
}

static json_t *schedule_json(const fcnn_receipt *r)
{
    if (r->schedule == FCNN_SCHEDULE_CONSTANT) return json_pack("{s:s}", "name", "constant");
    return json_pack("{s:s, s:I, s:f}", "name", r->schedule == FCNN_SCHEDULE_STEP ? "step" : "cosine", "steps",
                     (json_int_t)r->schedule_steps, "factor", r->schedule_factor);
}

/* What an optimizer has beside its rate. */
static json_t *constants_json(const fcnn_receipt *r)
{
    switch (r->optimizer) {
    case FCNN_OPTIMIZER_SGD:
        return json_pack("{s:s, s:f, s:b}", "name", "sgd", "momentum", (double)r->momentum, "nesterov", r->nesterov);
    case FCNN_OPTIMIZER_RMSPROP:
        return json_pack("{s:s, s:f, s:f, s:f}", "name", "rmsprop", "rho", (double)r->rho, "momentum",
                         (double)r->momentum, "epsilon", (double)r->epsilon);
    case FCNN_OPTIMIZER_ADAMW:
        return json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", "adamw", "beta_1", (double)r->beta_1, "beta_2",
                         (double)r->beta_2, "epsilon", (double)r->epsilon, "weight_decay", (double)r->weight_decay);
    default:
        return json_pack("{s:s, s:f, s:f, s:f}", "name", "adam", "beta_1", (double)r->beta_1, "beta_2",
                         (double)r->beta_2, "epsilon", (double)r->epsilon);
    }
}

static json_t *optimizer_json(const fcnn_receipt *r)
{
    json_t *optimizer = constants_json(r);
    const int failed = json_object_set_new(optimizer, "learning_rate", json_real((double)r->learning_rate)) |
                       json_object_set_new(optimizer, "schedule", schedule_json(r));
    if (!failed) return optimizer;
    json_decref(optimizer);
    return NULL;
}

/* "exact,winograd_f2" as a list */
static json_t *classes_json(const char *names)
{
    json_t *list = json_array();
    for (const char *at = names; list && *at;) {
        const size_t length = strcspn(at, ",");
        if (json_array_append_new(list, json_stringn(at, length))) {
            json_decref(list);
            return NULL;
        }
        at += length + (at[length] == ',');
    }
    return list;
}

static json_t *initial_json(const struct source *source)
{
    const fcnn_receipt *r = &source->receipt;
    return json_pack("{s:b, s:I, s:I, s:I, s:f, s:f, s:s, s:s, s:s}", "given", r->given, "step",
                     (json_int_t)r->first_step, "epoch", (json_int_t)r->first_epoch, "epoch_steps",
                     (json_int_t)r->first_epoch_steps, "beta_1_power", (double)r->first_beta_1_power,
                     "beta_2_power", (double)r->first_beta_2_power, "weights_sha256",
                     source->arrays[FCNN_ARRAY_INITIAL_WEIGHTS], "moment_1_sha256",
                     source->arrays[FCNN_ARRAY_INITIAL_MOMENT_1], "moment_2_sha256",
                     source->arrays[FCNN_ARRAY_INITIAL_MOMENT_2]);
}

static json_t *fit_json(const struct source *source)
{
    const fcnn_receipt *r = &source->receipt;
    return json_pack("{s:I, s:I, s:I, s:I, s:f, s:b, s:b}", "images", (json_int_t)r->images, "validation_images",
                     (json_int_t)r->validation_images, "batch_size", (json_int_t)r->batch_size, "epochs",
                     (json_int_t)r->epochs, "validation_split", r->validation_split, "shuffle", r->shuffled,
                     "keep_going", r->keep_going);
}

static json_t *result_json(const struct source *source)
{
    const fcnn_receipt *r = &source->receipt;
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "steps", (json_int_t)r->steps, "weights_sha256",
                     source->arrays[FCNN_ARRAY_WEIGHTS], "moment_1_sha256", source->arrays[FCNN_ARRAY_MOMENT_1],
                     "moment_2_sha256", source->arrays[FCNN_ARRAY_MOMENT_2], "weights_xxh3", r->weights, "altered",
                     r->altered, "stopped", r->stopped, "diverged_step",
                     r->diverged_step ? json_integer(r->diverged_step) : json_null());
}

static json_t *data_json(const struct source *source)
{
    if (!*source->receipt.data) return json_null();
    return json_pack("{s:s, s:s, s:o}", "sha256", source->data, "xxh3", source->receipt.data, "validation_sha256",
                     *source->validation ? json_string(source->validation) : json_null());
}

static json_t *receipt_json(const struct source *source, const struct fcnn_receipt_run *run)
{
    const fcnn_receipt *r = &source->receipt;
    char seed[32]; /* a text, as many readers of JSON have no 64-bit integers */
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->seed);
    return json_pack("{s:i, s:i, s:s, s:s, s:i, s:o, s:s, s:o, s:[I,I,I], s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o}", "receipt", FCNN_RECEIPT_FORMAT, "numerics", r->numerics,
                     "versions", r->versions, "seed", seed, "shards", r->shards, "classes", classes_json(r->classes),
                     "loss", loss_name(r->loss), "optimizer", optimizer_json(r), "input",
                     (json_int_t)source->first.in_h, (json_int_t)source->first.in_w, (json_int_t)source->first.in_c,
                     "layers", layers_json(source->model), "data", data_json(source), "initial", initial_json(source),
                     "fit", fit_json(source), "result", result_json(source), "model", fcnn_receipt_model(source->model),
                     "source", fcnn_receipt_source(run), "math", run ? classes_json(run->math) : json_null(), "kernel",
                     run && *run->kernel ? json_string(run->kernel) : json_null(), "epochs",
                     fcnn_receipt_epochs(run, r->epochs), "trail",
                     run && run->trail ? json_pack("{s:s}", "sha256", run->trail) : json_null());
}

/* ---- the whole ---- */

static fcnn_status fail(char *message, size_t size, fcnn_status status, const char *sentence)
{
    snprintf(message, size, "%s", sentence);
    return status;
}

/* The images from `first` on, then their labels or, where these are NULL, their targets. */
static void hash_images(struct hashes *hashes, const struct source *source, const float *x, const int32_t *y,
                        const float *targets, int64_t first, int64_t count)
{
    const int64_t image = source->first.in_h * source->first.in_w * source->first.in_c;
    begin(hashes);
    hash_floats(hashes, x + first * image, count * image);
    if (y) hash_bytes(hashes, y + first, (size_t)count * sizeof *y);
    else hash_floats(hashes, targets + first * source->outputs, count * source->outputs);
}

/* Those that validate come behind those that train. */
static fcnn_status hash_data(struct source *source, const float *x, const int32_t *y, const float *targets, int whole,
                             char *message, size_t size)
{
    const fcnn_receipt *r = &source->receipt;
    struct hashes hashes;
    char quick[33];
    if (!*r->data) return FCNN_OK;
    if (!x || (!y && !targets)) return fail(message, size, FCNN_BAD_ARGUMENT, "the data of the run are NULL");
    hash_images(&hashes, source, x, y, targets, 0, r->images);
    fcnn_sha256_spell(source->data, &hashes.sha256);
    finish_xxh3(&hashes, quick);
    if (!strcmp(quick, r->data)) {
        if (!r->validation_images || !whole) return FCNN_OK;
        hash_images(&hashes, source, x, y, targets, r->images, r->validation_images);
        fcnn_sha256_spell(source->validation, &hashes.sha256);
        return FCNN_OK;
    }
    return fail(message, size, FCNN_BAD_DATA, "these are not the data that the model was trained on");
}

static fcnn_status hash_model(struct source *source, char *message, size_t size)
{
    const int64_t count = fcnn_model_parameters(source->model);
    float *values = malloc((size_t)count * sizeof *values);
    if (!values) return fail(message, size, FCNN_OUT_OF_MEMORY, "no memory for a copy of the weights");
    fcnn_status status = FCNN_OK;
    for (int array = 0; array <= FCNN_ARRAY_INITIAL_MOMENT_2 && !status; array++)
        status = fcnn_sha256_array(source->arrays[array], source->model, (fcnn_array)array, values);
    free(values);
    return status ? fail(message, size, status, fcnn_last_error()) : FCNN_OK;
}

static fcnn_status read_model(struct source *source)
{
    fcnn_layer_info last;
    fcnn_status status = fcnn_model_receipt(source->model, &source->receipt);
    if (!status) status = fcnn_model_layer(source->model, 0, &source->first);
    if (!status) status = fcnn_model_layer(source->model, fcnn_model_layers(source->model) - 1, &last);
    if (!status) source->outputs = last.h * last.w * last.c;
    return status;
}

static fcnn_status make(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                        const float *targets, const struct fcnn_receipt_run *run, char *message, size_t size)
{
    struct source source = {.model = model};
    *receipt = NULL;
    fcnn_status status = read_model(&source);
    if (status) return fail(message, size, status, fcnn_last_error());
    status = hash_data(&source, x, y, targets, run != NULL, message, size);
    if (!status) status = hash_model(&source, message, size);
    if (status) return status;
    *receipt = receipt_json(&source, run);
    return *receipt ? FCNN_OK : fail(message, size, FCNN_OUT_OF_MEMORY, "no memory for the receipt");
}

fcnn_status fcnn_receipt_json(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                              char *message, size_t size)
{
    return make(receipt, model, x, y, NULL, NULL, message, size);
}

fcnn_status fcnn_receipt_json_run(json_t **receipt, const fcnn_model *model, const float *x, const int32_t *y,
                                  const struct fcnn_receipt_run *run, char *message, size_t size)
{
    return make(receipt, model, x, y, NULL, run, message, size);
}

fcnn_status fcnn_receipt_json_targets(json_t **receipt, const fcnn_model *model, const float *x, const float *targets,
                                      char *message, size_t size)
{
    return make(receipt, model, x, NULL, targets, NULL, message, size);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The receipt of a training run: what the weights depended on, and a hash that two runs can compare. */
#include "lib/net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are defined over little-endian floats");

/* -0 and +0 are one value (docs/numerics.md, rule 7), so they must be one hash. */
static void update(XXH3_state_t *state, const float *x, int64_t count)
{
    float block[1024];
    for (int64_t done = 0; done < count;) {
        int64_t now = count - done < 1024 ? count - done : 1024;
        for (int64_t i = 0; i < now; i++) block[i] = x[done + i] == 0 ? 0.0f : x[done + i];
        XXH3_128bits_update(state, block, (size_t)now * sizeof(float));
        done += now;
    }
}

static void finish(const XXH3_state_t *state, char text[33])
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state));
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", bytes.digest[i]);
}

void net_hash(char text[33], const float *x, int64_t count, const int32_t *y, int64_t labels)
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    update(&state, x, count);
    if (labels) XXH3_128bits_update(&state, y, (size_t)labels * sizeof(int32_t));
    finish(&state, text);
}

static void hash_weights(const fcnn_model *model, char text[33])
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    for (int i = 0; i < model->layers; i++) {
        update(&state, model->weights + model->layer[i].at_weights, model->layer[i].weights);
        update(&state, model->weights + model->layer[i].at_bias, model->layer[i].bias);
    }
    finish(&state, text);
}

static void name_classes(unsigned classes, char *text, size_t size)
{
    size_t length = 0;
    text[0] = 0;
    for (int i = 0; i < 32 && classes >> i && length < size; i++)
        if (classes >> i & 1)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "," : "",
                                       fcnn_class_name((fcnn_class)i));
}

fcnn_status fcnn_model_receipt(const fcnn_model *model, fcnn_receipt *receipt)
{
    if (!model || !receipt) return fcnn_fail(FCNN_BAD_ARGUMENT, "%s is NULL", model ? "receipt" : "model");
    if (!model->compiled) return fcnn_fail(FCNN_BAD_ARGUMENT, "a model has no receipt before fcnn_compile()");
    *receipt = (fcnn_receipt){.seed = model->seed, .shards = model->shards, .steps = model->steps};
    const fcnn_fpmode saved = fcnn_fpmode_enter(); /* a denormal is not 0 */
    hash_weights(model, receipt->weights);
    fcnn_fpmode_leave(saved);
    memcpy(receipt->data, model->data_hash, sizeof receipt->data);
    name_classes(model->classes, receipt->classes, sizeof receipt->classes);
    snprintf(receipt->versions, sizeof receipt->versions, "%s", fcnn_version_details());
    return FCNN_OK;
}

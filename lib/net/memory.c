/* SPDX-License-Identifier: BSD-2-Clause
 * Memory of the network: aligned blocks, and what each worker needs for a shard, carved from one block. */
#include "lib/net/net.h"

#include <stdlib.h>
#include <string.h>

#include "lib/memory.h"

void *net_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    void *memory = fcnn_memory_allocate(bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void net_free(void *memory) { fcnn_memory_free(memory); }

/* The next count * size bytes of a block, at a multiple of 64. base NULL: only counts; *at sticks to SIZE_MAX on
 * overflow. */
static void *carve(char *base, size_t *at, int64_t count, size_t size)
{
    void *area = base ? base + *at : NULL;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX - 64 ||
        __builtin_add_overflow(*at, (bytes + 63) & ~(size_t)63, at))
        *at = SIZE_MAX;
    return area;
}

static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* Lays out a worker's images and workspace in worker->memory (NULL: only counts); returns the bytes. */
static size_t lay_out(const fcnn_model *model, struct net_worker *worker)
{
    const int64_t n = worker->capacity;
    char *base = worker->memory;
    size_t at = 0;
    int64_t largest = 0;
    worker->input = carve(base, &at, times(n, model->image), sizeof(float));
    worker->labels = carve(base, &at, n, sizeof(int32_t));
    worker->targets = carve(base, &at, net_takes_targets(model) ? times(n, net_classes(model)) : 0, sizeof(float));
    for (int i = 0; i < model->layers; i++) {
        const struct net_layer *layer = &model->layer[i];
        struct net_activation *mine = &worker->layers[i];
        mine->dst = carve(base, &at, times(n, layer->dst), sizeof(float));
        mine->choice = layer->choices ? carve(base, &at, times(n, layer->choices), sizeof(uint16_t)) : NULL;
        mine->argmax = layer->argmaxes ? carve(base, &at, times(n, layer->argmaxes), sizeof(int32_t)) : NULL;
        largest = layer->dst > largest ? layer->dst : largest;
    }
    worker->probabilities = carve(base, &at, times(n, net_classes(model)), sizeof(float));
    worker->loss = carve(base, &at, n, sizeof(float));
    worker->gradients[0] = carve(base, &at, times(n, largest), sizeof(float));
    worker->gradients[1] = carve(base, &at, times(n, largest), sizeof(float));
    worker->workspace = carve(base, &at, 1, worker->workspace_bytes);
    return at;
}

static void release_worker(struct net_worker *worker)
{
    net_free(worker->memory);
    free(worker->layers);
    *worker = (struct net_worker){0};
}

void net_release_workers(fcnn_model *model)
{
    for (int i = 0; model->worker && i < model->places; i++) release_worker(&model->worker[i]);
    free(model->worker);
    model->worker = NULL;
}

/* Of the capacity and workspace that it names. */
static fcnn_status make_worker(const fcnn_model *model, struct net_worker *worker)
{
    const long long capacity = worker->capacity;
    worker->layers = calloc((size_t)model->layers, sizeof *worker->layers);
    if (worker->layers) worker->memory = net_alloc(lay_out(model, worker), 1);
    if (!worker->memory) {
        release_worker(worker);
        return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the activations of %lld images in each worker", capacity);
    }
    lay_out(model, worker);
    return FCNN_OK;
}

/* What a worker has goes first, unless a fcnn_fit() whose callback asks for more has to go on without. */
static fcnn_status reserve_worker(const fcnn_model *model, struct net_worker *worker, int64_t capacity,
                                  size_t workspace)
{
    if (capacity <= worker->capacity && workspace <= worker->workspace_bytes) return FCNN_OK;
    struct net_worker made = {.capacity = capacity > worker->capacity ? capacity : worker->capacity,
                              .workspace_bytes = workspace > worker->workspace_bytes ? workspace
                                                                                     : worker->workspace_bytes};
    if (!model->fitting) release_worker(worker);
    NET_TRY(make_worker(model, &made));
    release_worker(worker);
    *worker = made;
    return FCNN_OK;
}

/* No worker without a shard needs memory; but any of a team that is at work already may take one. Where training
 * pauses, every shard needs a place for its activations. */
static fcnn_status reserve_workers(fcnn_model *model, int64_t capacity, size_t workspace, int64_t shards, int training)
{
    const int places = net_pauses(model) && model->shards > model->workers ? model->shards : model->workers;
    if (model->at_work && shards < model->at_work->workers) shards = model->at_work->workers;
    if (!model->worker) model->worker = calloc((size_t)places, sizeof *model->worker);
    if (!model->worker) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for %d workers", places);
    model->places = places;
    for (int i = 0; i < (training ? places : model->workers) && i < shards; i++)
        NET_TRY(reserve_worker(model, &model->worker[i], capacity, i < model->workers ? workspace : 0));
    return FCNN_OK;
}

static fcnn_status reserve_sums(fcnn_model *model, int64_t shards)
{
    if (shards <= model->sums_capacity) return FCNN_OK;
    struct net_sum *sums = net_alloc((size_t)shards, sizeof *sums);
    if (!sums) return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the metrics of %lld shards", (long long)shards);
    net_free(model->sums);
    model->sums = sums;
    model->sums_capacity = shards;
    return FCNN_OK;
}

/* What only training needs is there from the first training on: models that files describe may never train. */
static fcnn_status reserve_gradients(fcnn_model *model)
{
    size_t all;
    if (__builtin_mul_overflow((size_t)model->arena, (size_t)model->shards, &all)) all = SIZE_MAX;
    if (!model->gradient) model->gradient = net_alloc((size_t)model->arena, sizeof(float));
    if (!model->shard_gradients) model->shard_gradients = net_alloc(all, sizeof(float));
    if (model->gradient && model->shard_gradients) return FCNN_OK;
    return fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the gradients of %lld parameters in %d shards and their sum",
                     (long long)model->arena, model->shards);
}

fcnn_status net_reserve(fcnn_model *model, int64_t capacity, size_t workspace, int64_t shards, int training)
{
    if (training) NET_TRY(reserve_gradients(model));
    NET_TRY(reserve_sums(model, shards));
    return reserve_workers(model, capacity, workspace, shards, training);
}

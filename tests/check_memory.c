/* SPDX-License-Identifier: BSD-2-Clause
 * A model's memory for workers grows with the shards that can run at a time, not with the threads that were allowed. */
#include <check.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/net.h"
#include "tests/suite.h"
#include "tests/toy.h"

static fcnn_model *build(int threads)
{
    return toy_build(&(fcnn_compile_options){.shards = 4, .kernels = &(fcnn_options){.threads = threads}});
}

/* Images that there is room for, over all workers. */
static int64_t room(const fcnn_model *model)
{
    int64_t images = 0;
    for (int i = 0; model->worker && i < model->workers; i++) {
        ck_assert(!model->worker[i].capacity == !model->worker[i].memory);
        images += model->worker[i].capacity;
    }
    return images;
}

START_TEST(training_pays_for_shards)
{
    fcnn_model *few = build(4), *many = build(64);
    ck_assert_int_eq(many->workers, omp_get_thread_limit() < 64 ? omp_get_thread_limit() : 64);
    toy_step(few, 0, TOY_IMAGES);
    toy_step(many, 0, TOY_IMAGES);
    ck_assert_int_eq(room(few), 4 * TOY_IMAGES / 4); /* shards x images of a shard */
    ck_assert_int_eq(room(many), room(few));
    toy_same(few, many);
    fcnn_model_destroy(few);
    fcnn_model_destroy(many);
}
END_TEST

/* Gradients of all shards are the most of a model: who only predicts, or loads a file that asks for a thousand shards,
 * has none. */
START_TEST(gradients_are_for_training)
{
    fcnn_model *model = build(1);
    float y[TOY_CLASSES];
    OK(fcnn_predict(model, toy_images, 1, y));
    ck_assert(!model->gradient && !model->shard_gradients);
    toy_step(model, 0, TOY_IMAGES);
    ck_assert(model->gradient && model->shard_gradients);
    fcnn_model_destroy(model);
}
END_TEST

/* What evaluation needs beyond: more workers, each for a few images only, however large the batches were. */
START_TEST(evaluation_pays_for_its_own_shards)
{
    enum { SHARDS = 6, IMAGES = SHARDS * NET_CHUNK };
    static float x[IMAGES * TOY_PIXELS], y[IMAGES * TOY_CLASSES], alone[IMAGES * TOY_CLASSES];
    for (int i = 0; i < IMAGES; i++)
        memcpy(x + i * TOY_PIXELS, toy_images + i % TOY_IMAGES * TOY_PIXELS, TOY_PIXELS * sizeof(float));
    fcnn_model *few = build(1), *many = build(64);
    OK(fcnn_predict(few, x, IMAGES, alone));
    OK(fcnn_predict(many, x, IMAGES, y));
    ck_assert_int_eq(room(few), NET_CHUNK);
    ck_assert_int_eq(room(many), many->workers < SHARDS ? many->workers * NET_CHUNK : IMAGES);
    ck_assert(!memcmp(y, alone, sizeof y));
    fcnn_model_destroy(few);
    fcnn_model_destroy(many);
}
END_TEST

/* And workspace for those images, not for the large shards that were trained on before. */
START_TEST(evaluation_pays_for_its_own_plans)
{
    enum { WORKERS = TOY_IMAGES / NET_CHUNK };
    const fcnn_options kernels = {.threads = WORKERS, .kernel = "*_direct_*"};
    const fcnn_compile_options options = {.shards = 1, .kernels = &kernels};
    static float y[TOY_IMAGES * TOY_CLASSES];
    fcnn_model *trained = toy_build(&options), *fresh = toy_build(&options);
    if (fresh->workers < WORKERS) return;
    toy_step(trained, 0, TOY_IMAGES);
    OK(fcnn_predict(trained, toy_images, TOY_IMAGES, y));
    OK(fcnn_predict(fresh, toy_images, TOY_IMAGES, y));
    ck_assert_uint_gt(trained->worker[0].workspace_bytes, trained->worker[WORKERS - 1].workspace_bytes);
    ck_assert_uint_eq(trained->worker[WORKERS - 1].workspace_bytes, fresh->worker[WORKERS - 1].workspace_bytes);
    fcnn_model_destroy(trained);
    fcnn_model_destroy(fresh);
}
END_TEST

/* A worker that has room for as many images may lack workspace for the plans of others. */
START_TEST(workers_get_the_workspace_of_all_plans)
{
    fcnn_model *model = build(1);
    toy_step(model, 0, TOY_IMAGES);
    const int64_t capacity = model->worker[0].capacity;
    const size_t workspace = model->worker[0].workspace_bytes + 4096;
    OK(net_reserve(model, capacity, workspace, 1, 1));
    ck_assert_uint_eq(model->worker[0].workspace_bytes, workspace);
    ck_assert_int_eq(model->worker[0].capacity, capacity);
    fcnn_model_destroy(model);
}
END_TEST

/* Of a team that is at work any worker may take the only shard. */
START_TEST(teams_at_work_have_memory)
{
    fcnn_model *model = build(3);
    struct fcnn_team team = {.workers = 3};
    toy_step(model, 0, TOY_IMAGES);
    ck_assert_ptr_null(model->at_work); /* the team of the training is gone */
    if (model->workers == 3) { /* OMP_THREAD_LIMIT */
        model->at_work = &team;
        OK(net_reserve(model, TOY_IMAGES, 0, 1, 1));
        ck_assert_int_eq(room(model), 3 * TOY_IMAGES);
        model->at_work = NULL;
    }
    fcnn_model_destroy(model);
}
END_TEST

/* ---- plans ---- */

enum { MANY = 40 };
static float many_images[MANY * TOY_PIXELS];
static int32_t many_labels[MANY];

/* One step of `images` images in one shard: plans for a size of its own. */
static void step_of(fcnn_model *model, int images, const fcnn_fit_options *options)
{
    fcnn_fit_options fit = options ? *options : (fcnn_fit_options){0};
    fit.batch_size = images;
    OK(fcnn_fit(model, many_images, many_labels, images, &fit, NULL));
}

static int sizes(const fcnn_model *model)
{
    int count = 0;
    for (const struct net_plans *plans = model->plans; plans; plans = plans->next) count++;
    return count;
}

START_TEST(plans_of_many_sizes_are_forgotten)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.shards = 1});
    for (int images = 1; images <= MANY; images++) step_of(model, images, NULL);
    ck_assert_int_lt(sizes(model), MANY / 2);
    fcnn_model_destroy(model);
}
END_TEST

static int evaluate_one(void *model, const fcnn_progress *progress)
{
    fcnn_metrics metrics;
    (void)progress;
    OK(fcnn_evaluate(model, many_images, many_labels, 1, &metrics));
    return 0;
}

/* But not those of a training whose callback meets the limit. */
START_TEST(plans_in_use_are_kept)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.shards = 1});
    int most = 1;
    for (int before = 0; most <= MANY && sizes(model) >= before; most++) {
        before = sizes(model);
        step_of(model, most, NULL);
    }
    fcnn_model *other = toy_build(&(fcnn_compile_options){.shards = 1});
    for (int images = 1; images < most - 1; images++) {
        const fcnn_fit_options options = {.epochs = 2, .callback = evaluate_one, .context = other};
        step_of(other, images, &options);
    }
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
}
END_TEST

int main(void)
{
    if (suite_emulated()) return 77;
    toy_make_data();
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, training_pays_for_shards);
    tcase_add_test(tests, gradients_are_for_training);
    tcase_add_test(tests, evaluation_pays_for_its_own_shards);
    tcase_add_test(tests, evaluation_pays_for_its_own_plans);
    tcase_add_test(tests, workers_get_the_workspace_of_all_plans);
    tcase_add_test(tests, teams_at_work_have_memory);
    tcase_add_test(tests, plans_of_many_sizes_are_forgotten);
    tcase_add_test(tests, plans_in_use_are_kept);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

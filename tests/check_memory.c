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
    const fcnn_options kernels = {.threads = WORKERS, .kernel = "*_im2col_*"};
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

int main(void)
{
    if (suite_emulated()) return 77;
    toy_make_data();
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, training_pays_for_shards);
    tcase_add_test(tests, evaluation_pays_for_its_own_shards);
    tcase_add_test(tests, evaluation_pays_for_its_own_plans);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

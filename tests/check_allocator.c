/* SPDX-License-Identifier: BSD-2-Clause
 * The caller's allocator: what plans and models take from it, they give back to it; what it refuses is a status. Its
 * blocks lie behind a header of its own, so that free() in place of release() would be a crash. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fastcnn.h"
#include "tests/suite.h"

/* What a test's allocator has done; counted with atomics, for it may be called by any thread. */
struct account {
    int allocated, released, misaligned;
    int allowed; /* allocations that succeed; negative: all */
};

static void *allocate(void *context, size_t bytes, size_t alignment)
{
    struct account *account = context;
    if (bytes == 0 || bytes % alignment || alignment < 64 || alignment & (alignment - 1)) account->misaligned = 1;
    if (__atomic_add_fetch(&account->allocated, 1, __ATOMIC_SEQ_CST) > account->allowed && account->allowed >= 0) {
        __atomic_sub_fetch(&account->allocated, 1, __ATOMIC_SEQ_CST);
        return NULL;
    }
    unsigned char *block = aligned_alloc(alignment, bytes + alignment);
    ck_assert_ptr_nonnull(block);
    memset(block, 0xff, bytes + alignment); /* floats: NaN */
    memcpy(block + alignment - sizeof block, &block, sizeof block);
    return block + alignment;
}

static void release(void *context, void *memory)
{
    struct account *account = context;
    void *block;
    memcpy(&block, (unsigned char *)memory - sizeof block, sizeof block);
    free(block);
    __atomic_add_fetch(&account->released, 1, __ATOMIC_SEQ_CST);
}

static void use(struct account *account)
{
    const fcnn_allocator allocator = {.allocate = allocate, .release = release, .context = account};
    ck_assert_msg(fcnn_set_allocator(&allocator) == FCNN_OK, "%s", fcnn_last_error());
}

static void settle(const struct account *account)
{
    ck_assert_msg(account->allocated == account->released, "%d allocated, %d released", account->allocated,
                  account->released);
    ck_assert_int_eq(account->misaligned, 0);
    ck_assert_msg(fcnn_set_allocator(NULL) == FCNN_OK, "%s", fcnn_last_error());
}

static const fcnn_problem problem = {.n = 2, .h = 8, .w = 8, .c = 16, .k = 32, .r = 3, .s = 3};

START_TEST(plans)
{
    struct account account = {.allowed = -1};
    fcnn_plan *plan;
    use(&account);
    ck_assert_int_eq(fcnn_plan_create(&plan, &problem, NULL), FCNN_OK);
    ck_assert_int_gt(account.allocated, 0);
    /* not while there are blocks of this one */
    ck_assert_int_eq(fcnn_set_allocator(NULL), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "in use"));
    fcnn_plan_destroy(plan);
    settle(&account);
}
END_TEST

/* Each allocation refused in turn, until there are enough of them. */
START_TEST(refusals)
{
    int allowed = 0;
    for (fcnn_status status = FCNN_OUT_OF_MEMORY; status != FCNN_OK; allowed++) {
        struct account account = {.allowed = allowed};
        fcnn_plan *plan;
        use(&account);
        status = fcnn_plan_create(&plan, &problem, NULL);
        ck_assert_int_eq(status, plan ? FCNN_OK : FCNN_OUT_OF_MEMORY);
        fcnn_plan_destroy(plan);
        settle(&account);
    }
    ck_assert_int_gt(allowed, 1);
}
END_TEST

static fcnn_status train(float *weights, int64_t *parameters)
{
    float x[12 * 36];
    int32_t y[12];
    fcnn_metrics metrics;
    fcnn_model *model;
    for (int i = 0; i < 12 * 36; i++) x[i] = (float)(i * 7 % 13) / 13;
    for (int i = 0; i < 12; i++) y[i] = i % 3;
    fcnn_status status = fcnn_model_create(&model, 6, 6, 1);
    if (status) return status;
    if (!status) status = fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_RESCALING, .scale = 2});
    if (!status) status = fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_BATCH_NORMALIZATION});
    if (!status) status = fcnn_add_conv2d(model, 4, 3, 3, 1, FCNN_PAD_SAME, FCNN_RELU_ACTIVATION);
    if (!status) status = fcnn_add_maxpool2d(model, 2, 2);
    if (!status) status = fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f});
    if (!status) status = fcnn_add_flatten(model);
    if (!status) status = fcnn_add_dense(model, 3, FCNN_LINEAR);
    if (!status) status = fcnn_compile(model, &(fcnn_compile_options){.kernels = &(fcnn_options){.threads = 1}});
    if (!status) status = fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.epochs = 2, .batch_size = 5}, NULL);
    if (!status) status = fcnn_evaluate(model, x, y, 12, &metrics);
    if (!status) *parameters = fcnn_model_parameters(model);
    if (!status) status = fcnn_model_get_weights(model, weights, *parameters);
    /* another run keeps a copy of the weights that it begins with; weights that are set end it */
    if (!status) status = fcnn_model_set_weights(model, weights, *parameters);
    if (!status) status = fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.epochs = 1, .batch_size = 5}, NULL);
    if (!status) status = fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.epochs = 1, .batch_size = 6}, NULL);
    if (!status) status = fcnn_model_set_weights(model, weights, *parameters);
    if (!status) status = fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.epochs = 1, .batch_size = 5}, NULL);
    fcnn_model_destroy(model);
    return status;
}

/* The same bits from memory full of NaN; and no block is lost or given to somebody else. */
START_TEST(models)
{
    struct account account = {.allowed = -1};
    float want[256], got[256];
    int64_t parameters = 0;
    ck_assert_int_eq(train(want, &parameters), FCNN_OK);
    ck_assert_int_le(parameters, 256);
    use(&account);
    ck_assert_msg(train(got, &parameters) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert_mem_eq(got, want, (size_t)parameters * sizeof *want);
    ck_assert_int_gt(account.allocated, 10);
    settle(&account);
    for (int allowed = 0; allowed < account.allocated; allowed++) {
        struct account poor = {.allowed = allowed};
        use(&poor);
        ck_assert_int_eq(train(got, &parameters), FCNN_OUT_OF_MEMORY);
        settle(&poor);
    }
}
END_TEST

/* What a refused fcnn_fit() has made is used by the next one, or given back. */
START_TEST(fits_that_are_tried_again)
{
    static float x[24];
    static int32_t y[24];
    fcnn_status status = FCNN_OUT_OF_MEMORY;
    for (int allowed = 0; status != FCNN_OK; allowed++) {
        struct account account = {.allowed = -1};
        fcnn_model *model;
        use(&account);
        ck_assert_int_eq(fcnn_model_create(&model, 1, 1, 2), FCNN_OK);
        ck_assert_int_eq(fcnn_add_dense(model, 3, FCNN_RELU_ACTIVATION), FCNN_OK);
        ck_assert_int_eq(fcnn_add_dense(model, 2, FCNN_LINEAR), FCNN_OK);
        ck_assert_int_eq(fcnn_compile(model, &(fcnn_compile_options){.shards = 1}), FCNN_OK);
        account.allowed = account.allocated + allowed;
        status = fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.batch_size = 5}, NULL);
        account.allowed = -1;
        if (status) ck_assert_int_eq(status, FCNN_OUT_OF_MEMORY);
        ck_assert_int_eq(fcnn_fit(model, x, y, 12, &(fcnn_fit_options){.batch_size = 5}, NULL), FCNN_OK);
        fcnn_model_destroy(model);
        settle(&account);
        ck_assert(allowed > 0 || status != FCNN_OK);
    }
}
END_TEST

START_TEST(halves)
{
    ck_assert_int_eq(fcnn_set_allocator(&(fcnn_allocator){.allocate = allocate}), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "release"));
    ck_assert_int_eq(fcnn_set_allocator(&(fcnn_allocator){.release = release}), FCNN_BAD_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "allocate"));
    ck_assert_int_eq(fcnn_set_allocator(&(fcnn_allocator){0}), FCNN_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocator");
    TCase *cases = tcase_create("allocator");
    tcase_add_test(cases, plans);
    tcase_add_test(cases, refusals);
    tcase_add_test(cases, models);
    tcase_add_test(cases, fits_that_are_tried_again);
    tcase_add_test(cases, halves);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

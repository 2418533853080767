/* SPDX-License-Identifier: BSD-2-Clause
 * Problems at the limits of kernels: huge paddings, windows and strides in small tensors; memory and tasks that kernels
 * ask for; inputs that numbers of 24 bits cannot count. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/conv2d/geometry.h"
#include "tests/choices.h"
#include "tests/fill.h"
#include "tests/suite.h"

/* ---- geometry.c against its definition, fcnn_axis_meet() ---- */

enum { MOST = 24, AXES = 4000 };

/* A random problem whose rows and columns are such axes; not as fcnn_problem_check() wants it: kernels widen them. */
static fcnn_problem random_axes(uint64_t *state, fcnn_direction direction)
{
    fcnn_problem p = {.op = FCNN_CONV2D, .direction = direction, .n = 1, .c = 1, .k = 1, .groups = 1};
    p.h = 1 + rng_below(state, MOST), p.w = 1 + rng_below(state, MOST);
    p.p = 1 + rng_below(state, MOST), p.q = 1 + rng_below(state, MOST);
    p.r = 1 + rng_below(state, MOST), p.s = 1 + rng_below(state, 5);
    p.stride_h = 1 + rng_below(state, 8), p.stride_w = 1 + rng_below(state, 40);
    p.dilation_h = 1 + rng_below(state, 8), p.dilation_w = 1 + rng_below(state, 40);
    p.pad_top = rng_below(state, 60), p.pad_left = rng_below(state, 8);
    return p;
}

static int64_t outputs_of(const fcnn_problem *p, int vertical)
{
    if (p->direction == FCNN_BACKWARD_DATA) return vertical ? p->h : p->w;
    return vertical ? p->p : p->q;
}

/* The class says of its i-th output what is true: which taps meet an input, and which. */
static int tells_the_truth(const fcnn_problem *p, int vertical, const struct fcnn_axis_class *c, int64_t i)
{
    const int64_t taps = vertical ? p->r : p->s, out = c->first + i * c->step;
    int64_t next = 0;
    for (int64_t tap = 0; tap < taps; tap++) {
        const int64_t in = fcnn_axis_meet(p, vertical, out, tap);
        if (in < 0) continue;
        if (next == c->taps || tap != c->tap + next * c->tap_step) return 0;
        if (in != c->origin + i * c->stride + next * c->advance) return 0;
        next++;
    }
    return next == c->taps;
}

static void check_classes(const fcnn_problem *p, int vertical)
{
    struct fcnn_axis_class classes[MOST];
    int seen[MOST] = {0};
    const int64_t outputs = outputs_of(p, vertical), count = fcnn_axis_classes(p, vertical, classes);
    ck_assert_int_le(count, outputs);
    for (const struct fcnn_axis_class *c = classes; c < classes + count; c++) {
        for (int64_t i = 0; i < c->count; i++) {
            ck_assert(tells_the_truth(p, vertical, c, i));
            seen[c->first + i * c->step]++;
        }
        /* As few as possible: neighbours of a phase differ. */
        if (c > classes && c->taps && c->first == c[-1].first + c[-1].count * c[-1].step)
            ck_assert(c->taps != c[-1].taps || c->tap != c[-1].tap);
    }
    for (int64_t out = 0; out < outputs; out++) ck_assert_int_eq(seen[out], 1);
}

static void check_taps(const fcnn_problem *p, int vertical)
{
    struct fcnn_axis_class classes[MOST];
    const int64_t outputs = outputs_of(p, vertical), taps = vertical ? p->r : p->s;
    fcnn_axis_taps(p, vertical, classes);
    for (int64_t tap = 0; tap < taps; tap++) {
        const struct fcnn_axis_class c = classes[tap];
        int64_t met = 0;
        ck_assert(c.tap == tap && c.taps == 1);
        for (int64_t out = 0; out < outputs; out++) {
            const int64_t in = fcnn_axis_meet(p, vertical, out, tap);
            if (in < 0) continue;
            ck_assert_int_eq(out, c.first + met * c.step);
            ck_assert_int_eq(in, c.origin + met * c.stride);
            met++;
        }
        ck_assert_int_eq(met, c.count);
    }
}

START_TEST(classes_say_which_inputs_meet_which_outputs)
{
    uint64_t state = 1;
    for (int i = 0; i < AXES; i++) {
        const fcnn_direction directions[] = {FCNN_FORWARD, FCNN_BACKWARD_DATA, FCNN_BACKWARD_WEIGHTS};
        const fcnn_problem p = random_axes(&state, directions[i % 3]);
        for (int vertical = 0; vertical < 2; vertical++) {
            check_classes(&p, vertical);
            check_taps(&p, vertical);
        }
    }
}
END_TEST

/* ---- problems whose numbers are large and whose tensors are small ---- */

/* Quadratic work in padding, window or stride would take minutes or hours here. */
static const char *const wide[] = {
    "conv2d forward ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d backward_data ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d backward_weights ic1oc1ih1kh200001ph200000iw1kw1pw0",
    "conv2d forward ic1oc1ih100000kh1sh2000000000iw1kw1",
    "conv2d backward_data ic1oc1ih100000kh1sh2000000000iw1kw1",
};

START_TEST(small_tensors_are_planned_at_once)
{
    fcnn_problem p;
    fcnn_plan *plan;
    ck_assert_msg(fcnn_problem_parse(&p, wide[_i]) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert_msg(fcnn_plan_create(&plan, &p, &(fcnn_options){.threads = 1}) == FCNN_OK, "%s", fcnn_last_error());
    fcnn_plan_destroy(plan);
}
END_TEST

static fcnn_problem parsed(const char *text)
{
    fcnn_problem p;
    ck_assert_msg(fcnn_problem_parse(&p, text) == FCNN_OK, "%s: %s", text, fcnn_last_error());
    return p;
}

static int is_for(const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    return kernel->op == p->op && kernel->direction == p->direction && !fcnn_cpu_missing(kernel->isa);
}

static size_t total(const struct fcnn_demand *d) { return d->tables + d->packed + d->shared + d->sums + d->scratch; }

/* Tensors of a problem, zeros; inputs are filled with numbers of 24 bits from `seed`. */
struct tensors {
    int count;
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    void *data[FCNN_MAX_TENSORS];
    fcnn_tensors tensors;
};

static void make_tensors(struct tensors *t, const fcnn_problem *p)
{
    uint64_t state = 1;
    *t = (struct tensors){0};
    t->count = fcnn_tensor_list(p, t->info);
    for (int i = 0; i < t->count; i++) {
        const struct fcnn_tensor_info *info = &t->info[i];
        t->data[i] = grab(tensor_bytes(info));
        memset(t->data[i], 0, tensor_bytes(info));
        for (int64_t at = 0; info->role == FCNN_IN && info->element_size == sizeof(float) && at < info->elements; at++)
            ((float *)t->data[i])[at] = rng_float(&state);
        tensor_set(&t->tensors, info, t->data[i]);
    }
}

static void free_tensors(struct tensors *t)
{
    for (int i = 0; i < t->count; i++) free(t->data[i]);
}

/* Outputs of two runs on equal inputs; of choice words every bit counts, too. */
static int same_outputs(const struct tensors *a, const struct tensors *b)
{
    for (int i = 0; i < a->count; i++) {
        const size_t size = a->info[i].element_size;
        if (a->info[i].role == FCNN_IN) continue;
        for (int64_t at = 0; at < a->info[i].elements; at++) {
            const char *x = (const char *)a->data[i] + (size_t)at * size,
                       *y = (const char *)b->data[i] + (size_t)at * size;
            float p = 0, q = 0;
            if (size == sizeof p) memcpy(&p, x, size), memcpy(&q, y, size);
            if (size == sizeof p ? p != q : memcmp(x, y, size) != 0) return 0;
        }
    }
    return 1;
}

static void check_row(const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    struct tensors got, want;
    make_tensors(&got, p);
    make_tensors(&want, p);
    run_kernel(kernel, p, &got.tensors);
    run_kernel(naive_kernel(p->op, p->direction), p, &want.tensors);
    ck_assert_msg(same_outputs(&got, &want), "%s: wrong bits", kernel->name);
    free_tensors(&got);
    free_tensors(&want);
}

/* ---- memory ---- */

/* Some kernels would ask for gigabytes, or for more than a size_t counts; or for areas that are too large together. */
static const char *const absurd[] = {
    "conv2d+relu+maxpool backward_data mb1ic3ih4oc44oh4kh3ph8000dh7999",
    "conv2d+relu+maxpool forward mb23ic294ih2iw10oc6oh2ow10kh2kw2ph1177pw1177dh2354dw2354",
    "conv2d forward ic1oc1ih1kh50001ph50000iw1kw1pw0",
    "conv2d forward mb1ic4ih1iw1oc2kh1ph0kw7700pw4849",
    "conv2d+relu+maxpool forward mb2000000000ic1oc1ih4kh100000001ph50000000iw10kw3pw1",
    "conv2d+relu+maxpool backward_weights mb2000000000ic1oc1ih4kh100000001ph50000000iw10kw3pw1",
};

static struct fcnn_demand demand_of(const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    const struct fcnn_choice choice = standard_choice(kernel, p);
    return fcnn_row_demand(&choice, p);
}

START_TEST(no_kernel_asks_for_gigabytes)
{
    const fcnn_problem p = parsed(absurd[_i]);
    struct fcnn_tensor_info info[FCNN_MAX_TENSORS];
    size_t bytes = 0;
    const double taps = (double)(p.n * p.p * p.q * p.k) * (double)(p.r * p.s * p.c);
    int refused = 0, served = 0;
    for (int i = fcnn_tensor_list(&p, info) - 1; i >= 0; i--) bytes += tensor_bytes(&info[i]);
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (!is_for(kernel, &p)) continue;
        if (fcnn_unservable(kernel, &p)) {
            refused++;
            continue;
        }
        const struct fcnn_demand demand = demand_of(kernel, &p);
        ck_assert_msg(total(&demand) <= ((size_t)64 << 20) + 16 * bytes, "%s asks for %zu bytes", kernel->name,
                      total(&demand));
        served++;
        if (taps < 1e8) check_row(kernel, &p); /* the reference visits padding, too */
    }
    ck_assert(refused && served); /* the naive row always serves */
}
END_TEST

/* Sums of blocks of images are needed once, not by every thread; and they are not copies of gradients. */
START_TEST(threads_do_not_multiply_sums)
{
    const fcnn_problem p = parsed("dense backward_weights mb64ic25088oc4096");
    const size_t weights = (size_t)(p.c * p.k) * sizeof(float);
    for (int i = 0; i < fcnn_kernels_count; i++) {
        if (!is_for(&fcnn_kernels[i], &p)) continue;
        const struct fcnn_demand demand = demand_of(&fcnn_kernels[i], &p);
        ck_assert_uint_lt(demand.scratch, weights / 8);
        ck_assert_uint_le(demand.sums, 3 * (weights + weights / 8)); /* 8 blocks */
    }
    const fcnn_problem small = parsed("dense backward_weights mb64ic512oc512");
    fcnn_plan *plans[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(fcnn_plan_create(&plans[i], &small, &(fcnn_options){.threads = i ? 2 : 1}), FCNN_OK);
    const size_t alone = fcnn_plan_workspace(plans[0]), both = fcnn_plan_workspace(plans[1]);
    ck_assert_uint_lt(both - alone, (size_t)(small.c * small.k) * sizeof(float));
    for (int i = 0; i < 2; i++) fcnn_plan_destroy(plans[i]);
}
END_TEST

static int is_direct(const struct fcnn_kernel *kernel) { return strstr(kernel->name, "_direct_") != NULL; }

START_TEST(masked_gradients_are_copied_in_parts)
{
    const fcnn_problem large = parsed("conv2d+relu backward_data mb128ic256ih56oc1024kh1");
    const fcnn_problem tall = parsed("conv2d+relu backward_data mb64ic1ih130oc16kh1");
    for (int i = 0; i < fcnn_kernels_count; i++) {
        const struct fcnn_kernel *kernel = &fcnn_kernels[i];
        if (!is_for(kernel, &large) || !is_direct(kernel)) continue;
        struct fcnn_demand demand = demand_of(kernel, &large);
        ck_assert_uint_eq(demand.shared, 0);
        ck_assert_uint_lt(demand.scratch, (size_t)16 << 20);
        demand = demand_of(kernel, &tall);
        ck_assert_uint_eq(demand.shared, 0);
        check_row(kernel, &tall);
    }
}
END_TEST

/* An image of one channel, which a copy gives a cache line per pixel: 2.2e9 floats from its first row to its last. */
START_TEST(copies_have_offsets_of_32_bits)
{
    const fcnn_problem p = parsed("conv2d backward_weights mb1ic1ih140000iw1000oc128oh85ow1kh1kw1000sh1650ph0pw0");
    int found = 0;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        if (!is_for(&fcnn_kernels[i], &p) || !is_direct(&fcnn_kernels[i])) continue;
        ck_assert_uint_lt(demand_of(&fcnn_kernels[i], &p).scratch, (size_t)16 << 20);
        found++;
    }
    ck_assert_int_gt(found, 0);
}
END_TEST

/* A row that looks at each phase of a dilation has a bound for them, or a short text would keep it busy. */
START_TEST(phases_are_bounded)
{
    const fcnn_problem p = parsed("conv2d forward g8mb1ic8ih1iw100000oc8kh3kw3ph1pw65dw64");
    int found = 0;
    for (int i = 0; i < fcnn_kernels_count; i++) {
        if (!strstr(fcnn_kernels[i].name, "_fwd_depthwise_inplace_")) continue;
        ck_assert_ptr_nonnull(fcnn_row_unsupported(&fcnn_kernels[i], &p));
        found++;
    }
    ck_assert_int_gt(found, 0);
}
END_TEST

/* ---- tasks ---- */

static void *aligned(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    ck_assert(memory != NULL);
    return memory;
}

/* Outputs between a class and a sweep, one panel or several. */
static const char *const swept[] = {
    "conv2d forward mb1ic512ih19oc16kh3ph1",
    "conv2d backward_data mb1ic16ih7oc512kh3ph1",
    "conv2d forward mb2ic300ih5oc90kh3ph1",
    "conv2d+relu forward mb1ic40ih7oc40kh5ph2",
};

static int is_untouched(const struct tensors *t)
{
    for (int i = 0; i < t->count; i++)
        for (size_t at = 0; t->info[i].role == FCNN_OUT && at < tensor_bytes(&t->info[i]); at++)
            if (((const unsigned char *)t->data[i])[at]) return 0;
    return 1;
}

/* Random inputs: no sum is 0, unless it is of no term. */
static void check_tasks(const struct fcnn_kernel *kernel, const fcnn_problem *p)
{
    const struct fcnn_choice choice = standard_choice(kernel, p);
    struct fcnn_demand demand = fcnn_row_demand(&choice, p);
    const int64_t tasks = demand.tasks[FCNN_COMPUTE];
    struct fcnn_memory memory = {aligned(demand.tables), aligned(demand.packed), aligned(demand.shared),
                                 aligned(demand.sums), aligned(demand.scratch)};
    struct tensors t;
    make_tensors(&t, p);
    demand.tasks[FCNN_COMPUTE] = 0;
    fcnn_run_stages(&choice, p, &t.tensors, &memory, &demand, 0);
    for (int64_t task = 0; task < tasks; task++) {
        fcnn_row_run(&choice, p, &t.tensors, &memory, FCNN_COMPUTE, task, task + 1);
        ck_assert_msg(!is_untouched(&t), "%s: task %lld of %lld does nothing", kernel->name, (long long)task,
                      (long long)tasks);
        for (int i = 0; i < t.count; i++)
            if (t.info[i].role == FCNN_OUT) memset(t.data[i], 0, tensor_bytes(&t.info[i]));
    }
    free_tensors(&t);
    free(memory.tables), free(memory.packed), free(memory.shared), free(memory.sums), free(memory.scratch);
}

START_TEST(every_task_does_something)
{
    const fcnn_problem p = parsed(swept[_i]);
    for (int i = 0; i < fcnn_kernels_count; i++)
        if (is_for(&fcnn_kernels[i], &p) && is_direct(&fcnn_kernels[i])) check_tasks(&fcnn_kernels[i], &p);
}
END_TEST

/* ---- numbers (docs/numerics.md, rule 5) ---- */

START_TEST(one_chain_of_ones_ends_at_2_to_the_24)
{
    const fcnn_problem p = parsed("conv2d backward_weights mb1ic1ih8192iw4096oc1kh1kw1");
    const int64_t count = p.h * p.w; /* 2^25 */
    float *ones = grab((size_t)count * sizeof *ones), d_weights = 0, d_bias = 0;
    const fcnn_tensors tensors = {.src = ones, .d_dst = ones, .d_weights = &d_weights, .d_bias = &d_bias};
    fcnn_plan *plan;
    for (int64_t i = 0; i < count; i++) ones[i] = 1.0f;
    ck_assert_msg(fcnn_plan_create(&plan, &p, NULL) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert_msg(fcnn_execute(plan, &tensors) == FCNN_OK, "%s", fcnn_last_error());
    ck_assert(d_bias == 0x1p24f && d_weights == 0x1p24f);
    fcnn_plan_destroy(plan);
    free(ones);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tests = tcase_create("limits");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, classes_say_which_inputs_meet_which_outputs);
    tcase_add_loop_test(tests, small_tensors_are_planned_at_once, 0, sizeof wide / sizeof *wide);
    tcase_add_loop_test(tests, no_kernel_asks_for_gigabytes, 0, sizeof absurd / sizeof *absurd);
    tcase_add_test(tests, threads_do_not_multiply_sums);
    tcase_add_test(tests, masked_gradients_are_copied_in_parts);
    tcase_add_test(tests, copies_have_offsets_of_32_bits);
    tcase_add_test(tests, phases_are_bounded);
    tcase_add_loop_test(tests, every_task_does_something, 0, sizeof swept / sizeof *swept);
    tcase_add_test(tests, one_chain_of_ones_ends_at_2_to_the_24);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The proof of orders: see orders.h. */
#include "bench/orders.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/format.h"
#include "bench/interrupt.h"
#include "bench/output.h"
#include "bench/peer.h"
#include "bench/suite.h"

const char *const bench_order_problems[] = {
    "conv2d forward mb1ic19ih5oc37kh3ph1",
    "conv2d forward g32mb1ic32ih7oc32kh3ph1",
    "conv2d forward g8mb1ic32ih7oc32kh3ph1",
    "conv2d backward_data mb1ic37ih5oc19kh3ph1",
    "conv2d backward_data mb1ic3ih7oc17kh3ph1",
    "conv2d+relu backward_data mb1ic37ih5oc19kh3ph1",
    "conv2d backward_data g32mb1ic32ih7oc32kh3ph1",
    "conv2d backward_data g8mb1ic32ih7oc32kh3ph1",
    "conv2d backward_weights mb19ic5ih3oc20kh3ph1",
    "conv2d backward_weights g32mb19ic32ih3oc32kh3ph1",
    "conv2d backward_weights g8mb19ic32ih3oc32kh3ph1",
    "conv2d backward_weights mb1ic4ih20oc8kh1",
    "conv2d+relu+maxpool forward mb1ic9ih6oc20kh3",
    "conv2d+relu+maxpool backward_data mb1ic20ih7oc24kh3",
    "conv2d+relu+maxpool backward_weights mb19ic3ih6oc20kh3",
    "conv2d+relu+maxpool backward_weights mb10ic1ih8oc32kh3",
    "dense forward mb5ic150oc20",
    "dense backward_data mb5ic20oc150",
    "dense backward_weights mb35ic20oc20",
    "maxpool backward_data mb1ic20ih7kh3sh1",
    "avgpool forward mb1ic20ih7kh4sh1",
    "avgpool backward_data mb1ic20ih7kh3sh1",
    "reduce forward mb37ic40",
    "batch_norm backward_weights mb3ic20ih9",
};
const int bench_order_problem_count = sizeof bench_order_problems / sizeof *bench_order_problems;

/* ---- oracles ---- */

struct kernel_oracle {
    const struct bench_sum *sum;
    fcnn_plan *plan;
    fcnn_status status;
};

static double ask_kernel(void *context, int plus, int minus)
{
    struct kernel_oracle *o = context;
    bench_sum_mask(o->sum, plus, minus);
    o->status = fcnn_execute(o->plan, &o->sum->of->tensors.arrays);
    return o->status ? NAN : bench_sum_value(o->sum);
}

int bench_order_of_kernel(struct order_tree *tree, const struct bench_sum *sum, const char *kernel,
                          fcnn_class numerics, int threads, char *why, size_t size)
{
    const fcnn_options pinned = {.threads = threads, .kernel = kernel, .math = fcnn_class_name(numerics)};
    struct kernel_oracle o = {.sum = sum};
    int status = -1;
    *tree = (struct order_tree){0};
    o.status = fcnn_plan_create(&o.plan, &sum->of->about.problem, &pinned);
    if (!o.status) status = (int)order_recover(tree, sum->count, ask_kernel, &o, why, size);
    if (o.status) snprintf(why, size, "%s", bench_reason(o.status));
    fcnn_plan_destroy(o.plan);
    return o.status ? -1 : status;
}

/* A peer takes the tensors into its own layouts once in its life: each sum is another one. */
struct peer_oracle {
    const struct bench_sum *sum;
    const struct bench_order *entry;
    int threads;
    char failure[128];
};

static double ask_peer(void *context, int plus, int minus)
{
    struct peer_oracle *o = context;
    bench_sum_mask(o->sum, plus, minus);
    const struct bench_peer_library *library = o->entry->library;
    struct bench_peer *peer = library->open(o->sum->of, o->threads, o->entry->of->kind);
    const char *failure = peer ? library->load(peer) : "it does not take part";
    if (!failure) {
        library->execute(peer);
        failure = library->store(peer);
    }
    if (failure) snprintf(o->failure, sizeof o->failure, "%s", failure);
    if (peer) library->close(peer);
    return failure ? NAN : bench_sum_value(o->sum);
}

static int order_of_peer(struct order_tree *tree, const struct bench_sum *sum, const struct bench_order *entry,
                         int threads, char *why, size_t size)
{
    struct peer_oracle o = {.sum = sum, .entry = entry, .threads = threads};
    const fcnn_problem *p = &sum->of->about.problem;
    *tree = (struct order_tree){0};
    if (p->op == FCNN_CONV2D_POOL && p->direction != FCNN_FORWARD) /* its windows' winners are its own to find */
        return snprintf(why, size, "a peer's backward pass of pooling cannot be masked"), -1;
    const enum order_status status = order_recover(tree, sum->count, ask_peer, &o, why, size);
    if (*o.failure) snprintf(why, size, "%s", o.failure);
    return *o.failure ? -1 : (int)status;
}

/* ---- one row ---- */

static int is_transformed(const struct bench_result *row)
{
    return row->numerics != FCNN_EXACT || row->kind == BENCH_PEER_AUTO;
}

/* With the first number of threads, then with the second. What is summed in a transformed space is no tree of these
 * terms, whatever single outputs may look like. */
static void find(struct bench_order *e, const struct bench_sum *sum)
{
    struct order_tree documented, found[2] = {{0}, {0}};
    int right = bench_sum_documented(sum, &documented);
    right = right && order_describe(&documented, sum->has_bias, e->documented, sizeof e->documented);
    e->is_tree = right && !is_transformed(e->of);
    if (is_transformed(e->of)) snprintf(e->failure, sizeof e->failure, "not a sum of products");
    for (int i = 0; i < 2 && e->is_tree; i++) {
        const int status =
            e->of->kind == BENCH_OURS
                ? bench_order_of_kernel(&found[i], sum, e->of->kernel, e->of->numerics, e->threads[i], e->failure,
                                        sizeof e->failure)
                : order_of_peer(&found[i], sum, e, e->threads[i], e->failure, sizeof e->failure);
        e->is_tree = status == ORDER_OK && order_describe(&found[i], sum->has_bias, e->words[i], sizeof e->words[i]);
        right = right && e->is_tree && order_equal(&found[i], &documented);
    }
    e->is_documented = right;
    e->depends = e->is_tree && !order_equal(&found[0], &found[1]);
    for (int i = 0; i < 2; i++) order_tree_free(&found[i]);
    order_tree_free(&documented);
}

/* 0: there is no such sum to look at. */
static int look_at(struct bench_order *e, struct bench_case *c, enum bench_output_of which)
{
    struct bench_sum sum;
    const char *const why = bench_sum_make(&sum, c, which);
    if (why) snprintf(e->failure, sizeof e->failure, "%s", why);
    e->output = sum.output ? sum.output : "";
    e->terms = sum.count;
    if (!why) find(e, &sum);
    bench_sum_free(&sum);
    return !why || which == BENCH_MAIN_OUTPUT;
}

/* ---- the report ---- */

static int is_wrong(const struct bench_order *e)
{
    return e->of->kind == BENCH_OURS && e->of->numerics == FCNN_EXACT && *e->documented && !e->is_documented;
}

static void print_one(const struct bench_order *e, const struct bench_order *before, FILE *out)
{
    if (!before || before->of->of != e->of->of || strcmp(before->output, e->output) != 0) {
        fprintf(out, "\n%s\n", e->of->of->text);
        if (*e->documented) fprintf(out, "  %-44s %s\n", e->output, e->documented);
    }
    fprintf(out, "%s  %-44s ", bench_style(out, is_wrong(e) ? BENCH_RED : BENCH_PLAIN), e->of->kernel);
    if (!e->is_tree) fprintf(out, "%s%s", is_wrong(e) ? "no order found: " : "", e->failure);
    else if (e->is_documented) fputs("as documented", out);
    else fprintf(out, "%s%s", is_wrong(e) ? "NOT as documented: " : "", e->words[0]);
    if (e->depends) fprintf(out, "; with %d threads %s: depends on threads", e->threads[1], e->words[1]);
    fprintf(out, "%s\n", bench_style(out, BENCH_PLAIN));
}

static void print(const struct bench_order *list, int count, int threads, int left, FILE *out)
{
    int wrong = 0, ours = 0;
    fprintf(out, "Orders of summation, recovered from outputs alone, with 1 and %d threads: of one output of each\n"
                 "problem the documented order (docs/numerics.md), below it what kernels do\n", threads);
    for (int i = 0; i < count; i++) {
        print_one(&list[i], i ? &list[i - 1] : NULL, out);
        wrong += is_wrong(&list[i]);
        ours += list[i].of->kind == BENCH_OURS && list[i].of->numerics == FCNN_EXACT && *list[i].documented;
    }
    fprintf(out, "\n%d of %d orders of exact kernels are the documented ones with 1 and %d threads\n", ours - wrong,
            ours, threads);
    if (left) fprintf(out, "%d were not looked at: no time left, see --budget\n", left);
}

static int write_list(const struct bench_order *list, int count, FILE *out)
{
    json_t *all = json_array();
    int failed = 0;
    for (int i = 0; i < count; i++) {
        const struct bench_order *e = &list[i];
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:b}", "problem", e->of->of->text, "kernel",
                                e->of->kernel, "class",
                                e->of->kind == BENCH_OURS ? fcnn_class_name(e->of->numerics) : "peer", "output",
                                e->output, "terms", e->terms, "documented", e->is_documented, "depends_on_threads",
                                e->depends);
        if (*e->documented) failed |= json_object_set_new(one, "document", json_string(e->documented));
        for (int j = 0; j < 2 && e->is_tree; j++) {
            char name[32];
            snprintf(name, sizeof name, "threads_%d", e->threads[j]);
            failed |= json_object_set_new(one, name, json_string(e->words[j]));
        }
        if (!e->is_tree) failed |= json_object_set_new(one, "failure", json_string(e->failure));
        failed |= json_array_append_new(all, one);
    }
    if (!failed && !json_dumpf(all, out, JSON_INDENT(2))) fputc('\n', out);
    json_decref(all);
    return !failed;
}

/* 0, or the status to exit with after a message. */
static int write_json(const struct bench_order *list, int count, const char *path)
{
    struct bench_output output;
    if (!bench_output_open(&output, path)) return EX_CANTCREAT;
    if (write_list(list, count, output.file)) return bench_output_close(&output) ? 0 : EX_IOERR;
    bench_output_cancel(&output);
    return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
}

int bench_orders_run(const struct bench_suite *suite, FILE *out)
{
    const int threads = suite->options->threads;
    const double end = suite->start + suite->options->budget;
    struct bench_order *list = calloc(2 * (size_t)suite->results.row_count + 1, sizeof *list);
    int count = 0, left = 0, status = 0, wrong = 0;
    if (!list) return fputs("fastcnn-bench: no memory\n", stderr), EX_OSERR;
    bench_interrupt_watch();
    for (enum bench_output_of which = BENCH_MAIN_OUTPUT; which <= BENCH_BIAS_GRADIENT; which++)
        for (int i = 0; i < suite->results.row_count && !bench_interrupted(); i++) {
            struct bench_order *e = &list[count];
            const struct bench_peer *peer = suite->runs[i].peer;
            *e = (struct bench_order){.of = &suite->results.rows[i], .library = peer ? peer->library : NULL,
                                      .threads = {1, threads}, .output = ""};
            if (bench_now() > end) {
                left += which == BENCH_MAIN_OUTPUT;
            } else if (look_at(e, suite->runs[i].of, which)) {
                wrong |= is_wrong(e);
                count++;
            }
        }
    print(list, count, threads, left, out);
    const char *json = bench_exports_path(&suite->options->exports, BENCH_JSON);
    if (json) status = write_json(list, count, json);
    free(list);
    return bench_interrupted() ? 128 + bench_interrupted() : status ? status : wrong;
}

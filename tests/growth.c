/* SPDX-License-Identifier: BSD-2-Clause
 * A program that tests/check_growth.sh compiles against one header and runs with the library of another. Each struct
 * lies between bytes that are no struct: a library that thinks it larger reads nonsense or destroys them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fastcnn.h>

enum { AFTER = 256 };
static int failures;

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (condition) break;                                                                                          \
        printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, fcnn_last_error());                                 \
        failures++;                                                                                                    \
    } while (0)

/* A variable of a struct type that is all zero, with noise behind it; and whether the noise is still there. */
#define GUARDED(type, name)                                                                                            \
    struct { type it; unsigned char after[AFTER]; } name;                                                              \
    memset(&name.it, 0, sizeof name.it);                                                                               \
    memset(name.after, 0xa5, AFTER)
#define INTACT(name) EXPECT(intact(name.after))

static int intact(const unsigned char *after)
{
    for (int i = 0; i < AFTER; i++)
        if (after[i] != 0xa5) return 0;
    return 1;
}

static void problems(void)
{
    GUARDED(fcnn_problem, p);
    GUARDED(fcnn_tensor_info, info);
    char text[128];
    EXPECT(!fcnn_problem_parse(&p.it, "conv2d+relu forward mb2ic3ih4oc5kh3ph1"));
    EXPECT(!fcnn_problem_check(&p.it));
    EXPECT(p.it.n == 2 && p.it.p == 4 && p.it.q == 4 && p.it.activation == FCNN_RELU_ACTIVATION);
    EXPECT(fcnn_problem_flops(&p.it) == 2.0 * 2 * 5 * 3 * 100);
    EXPECT(fcnn_problem_format(&p.it, text, sizeof text) == (int)strlen(text));
    EXPECT(!strcmp(text, "conv2d+relu forward mb2ic3ih4oc5oh4kh3ph1"));
    EXPECT(!fcnn_problem_tensors(&p.it, 3, &info.it));
    EXPECT(!strcmp(info.it.name, "dst") && info.it.elements == 2 * 4 * 4 * 5 && info.it.role == FCNN_OUT);
    INTACT(p);
    INTACT(info);
}

static void plans(void)
{
    GUARDED(fcnn_problem, p);
    GUARDED(fcnn_options, options);
    GUARDED(fcnn_tensors, t);
    GUARDED(fcnn_hyper, hyper);
    GUARDED(fcnn_machine, machine);
    GUARDED(fcnn_plan_info, about);
    GUARDED(fcnn_verdict, verdict);
    float weights[3] = {1, 2, 3}, gradient[3] = {1, 2, 4}, moment[3] = {0};
    fcnn_plan *plan;
    p.it.op = FCNN_SGD, p.it.direction = FCNN_UPDATE, p.it.c = 3;
    options.it.threads = 1, options.it.isa = "scalar";
    EXPECT(!fcnn_options_check(&options.it));
    EXPECT(!fcnn_plan_create(&plan, &p.it, &options.it));
    if (!plan) return;
    hyper.it.learning_rate = 0.5f;
    t.it.d_weights = gradient, t.it.parameters = weights, t.it.moment_1 = moment, t.it.hyper = &hyper.it;
    EXPECT(!fcnn_execute(plan, &t.it));
    EXPECT(weights[0] == 0.5f && weights[1] == 1 && weights[2] == 1);
    EXPECT(!fcnn_plan_describe(plan, &about.it));
    EXPECT(about.it.threads == 1 && !strcmp(about.it.kernel, fcnn_plan_kernel(plan)));
    EXPECT(!fcnn_explain(0, &p.it, &options.it, &verdict.it));
    EXPECT(!strcmp(verdict.it.kernel, fcnn_kernel_describe(0).name) && verdict.it.reason);
    fcnn_plan_destroy(plan);
    fcnn_machine_describe(&machine.it);
    EXPECT(machine.it.cores > 0);
    INTACT(p);
    INTACT(options);
    INTACT(t);
    INTACT(hyper);
    INTACT(machine);
    INTACT(about);
    INTACT(verdict);
}

static void *allocate(void *context, size_t bytes, size_t alignment)
{
    ++*(int *)context;
    return aligned_alloc(alignment, bytes);
}

static void release(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static void allocators(void)
{
    GUARDED(fcnn_allocator, allocator);
    int calls = 0;
    fcnn_plan *plan;
    allocator.it.allocate = allocate, allocator.it.release = release, allocator.it.context = &calls;
    EXPECT(!fcnn_set_allocator(&allocator.it));
    EXPECT(!fcnn_plan_create(&plan, &(fcnn_problem){.op = FCNN_RELU, .c = 4}, NULL));
    fcnn_plan_destroy(plan);
    EXPECT(calls > 0);
    EXPECT(!fcnn_set_allocator(NULL));
    INTACT(allocator);
}

static int progress_seen;

static int callback(void *context, const fcnn_progress *progress)
{
    (void)context;
    progress_seen += progress->epoch_ended ? 1 : 0;
    EXPECT(progress->epochs == 3 && progress->step >= 1 && progress->step <= progress->steps);
    return 0;
}

static void networks(void)
{
    GUARDED(fcnn_compile_options, compile);
    GUARDED(fcnn_options, kernels);
    GUARDED(fcnn_fit_options, fit);
    GUARDED(fcnn_metrics, metrics);
    GUARDED(fcnn_receipt, receipt);
    struct { fcnn_progress it[3]; unsigned char after[AFTER]; } history = {0};
    float x[8 * 16];
    int32_t y[8];
    fcnn_model *model = NULL;
    memset(history.after, 0xa5, AFTER);
    for (int i = 0; i < 8 * 16; i++) x[i] = (float)(i * 7 % 11) / 11;
    for (int i = 0; i < 8; i++) y[i] = i % 2;
    EXPECT(!fcnn_model_create(&model, 4, 4, 1));
    EXPECT(!fcnn_add_conv2d(model, 2, 3, 3, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    EXPECT(!fcnn_add_flatten(model));
    EXPECT(!fcnn_add_dense(model, 2, FCNN_LINEAR));
    kernels.it.threads = 1;
    compile.it.optimizer = FCNN_OPTIMIZER_SGD, compile.it.seed = 3, compile.it.kernels = &kernels.it;
    EXPECT(!fcnn_compile(model, &compile.it));
    fit.it.epochs = 3, fit.it.batch_size = 4, fit.it.callback = callback;
    EXPECT(!fcnn_fit(model, x, y, 8, &fit.it, history.it));
    EXPECT(progress_seen == 3);
    for (int i = 0; i < 3; i++) EXPECT(history.it[i].epoch == i + 1 && history.it[i].steps == 2);
    EXPECT(!fcnn_evaluate(model, x, y, 8, &metrics.it));
    EXPECT(metrics.it.loss > 0 && metrics.it.loss < 10);
    EXPECT(!fcnn_model_receipt(model, &receipt.it));
    EXPECT(receipt.it.seed == 3 && receipt.it.steps == 6);
    fcnn_model_destroy(model);
    INTACT(compile);
    INTACT(kernels);
    INTACT(fit);
    INTACT(metrics);
    INTACT(receipt);
    INTACT(history);
}

static void tuning_of_a_problem(fcnn_tuning *table)
{
    GUARDED(fcnn_problem, p);
    GUARDED(fcnn_options, options);
    GUARDED(fcnn_tune_options, how);
    GUARDED(fcnn_knob_info, knob);
    int measured;
    EXPECT(!fcnn_problem_parse(&p.it, "relu forward mb1ic9"));
    options.it.threads = 1;
    options.it.tuning = table;
    how.it.seconds = 1e-3;
    EXPECT(!fcnn_tune(table, &p.it, &options.it, &how.it, &measured) && measured);
    EXPECT(fcnn_knob_describe(-1, 0, &knob.it) == FCNN_BAD_ARGUMENT);
    INTACT(p);
    INTACT(options);
    INTACT(how);
    INTACT(knob);
}

static void tuning(void)
{
    static const char text[] = "fastcnn tuning 1\ncpu of old\nrelu forward mb1ic9 threads=2 exact -> "
                               "relu_fwd_naive revision=0 team=1 gain=1.50\n";
    GUARDED(fcnn_tuned, line);
    GUARDED(fcnn_tuning_place, place);
    fcnn_tuning *table;
    EXPECT(!fcnn_tuning_create(&table));
    EXPECT(!fcnn_tuning_parse(table, text, strlen(text), NULL, NULL, NULL));
    EXPECT(!fcnn_tuning_describe(table, 0, &line.it));
    EXPECT(line.it.threads == 2 && line.it.team == 1 && line.it.gain == 1.5 && !strcmp(line.it.machine, "of old"));
    EXPECT(line.it.stale && !strcmp(line.it.choice, "relu_fwd_naive") && !*line.it.conditions);
    tuning_of_a_problem(table);
    fcnn_tuning_destroy(table);
    setenv("FASTCNN_TUNING", "/nowhere/tuning", 1);
    EXPECT(!fcnn_tuning_place_describe(0, &place.it));
    EXPECT(!strcmp(place.it.path, "/nowhere/tuning") && !place.it.lines && place.it.written);
    INTACT(line);
    INTACT(place);
}

int main(void)
{
    tuning(); /* before the first plan, which reads the process's table */
    problems();
    plans();
    allocators();
    networks();
    if (!failures) printf("structs of %zu and %zu bytes\n", sizeof(fcnn_problem), sizeof(fcnn_tensors));
    return failures != 0;
}

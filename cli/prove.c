/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn prove: trains the same network with each family of kernels, on each instruction set and at 1, 2 and 3
 * threads, and compares the weights. A run counts only if its kernels were really those it claims. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"

#define MOST_THREADS 3
#define MOST_VARIANTS (1 + 3 * FCNN_ISAS)

struct variant {
    const char *family; /* "naive" "im2col" "direct"; "dispatch": whatever dispatch takes */
    fcnn_isa isa;
    const char *missing; /* why this machine cannot run it */
};

struct outcome {
    const struct variant *variant;
    int threads, same;
    int team;    /* threads that trained: fewer than `threads` where the system or OMP_THREAD_LIMIT gives no more */
    int skipped; /* for that reason */
    double seconds;
    fcnn_progress last; /* of the last epoch */
    fcnn_receipt receipt;
};

struct proof {
    struct cli_data data;
    fcnn_fit_options fit;
    int64_t images;
    int quick;
    const char *expected;
    struct variant variants[MOST_VARIANTS];
    int variant_count;
    struct outcome outcomes[MOST_VARIANTS * MOST_THREADS];
    int outcome_count, different, skipped; /* outcomes; of these that differ; and that are skipped */
};

/* naive, then for each instruction set im2col, direct, and what dispatch takes (today: pool-sparse kernels too). */
static void collect_variants(struct proof *p)
{
    static const char *const families[] = {"naive", "im2col", "direct", "dispatch"};
    for (int f = 0; f < 4; f++)
        for (int isa = 0; isa < (f == 0 ? 1 : FCNN_ISAS); isa++) {
            struct variant *variant = &p->variants[p->variant_count++];
            *variant = (struct variant){families[f], (fcnn_isa)isa, "no such kernels in this build"};
            for (int i = 0; i < fcnn_kernel_count(); i++) {
                fcnn_kernel_info kernel = fcnn_kernel_describe(i);
                if ((int)kernel.isa == isa && kernel.op == FCNN_CONV2D && (f == 3 || strstr(kernel.name, families[f])))
                    variant->missing = kernel.missing;
            }
        }
}

static void variant_name(const struct variant *variant, char name[24])
{
    if (!strcmp(variant->family, "naive")) snprintf(name, 24, "naive");
    else snprintf(name, 24, "%s %s", variant->family, fcnn_isa_name(variant->isa));
}

/* That all convolutions of the model run on kernels of this variant: dispatch may pass over a wish, a proof may not.
 * A line is "PROBLEM: KERNEL, KERNEL, KERNEL". */
static int uses_variant(fcnn_model *model, const struct variant *variant)
{
    char line[256], wanted[48];
    if (!strcmp(variant->family, "naive")) snprintf(wanted, sizeof wanted, "_naive");
    else if (!strcmp(variant->family, "dispatch")) snprintf(wanted, sizeof wanted, "_%s", fcnn_isa_name(variant->isa));
    else snprintf(wanted, sizeof wanted, "_%s_%s", variant->family, fcnn_isa_name(variant->isa));
    int convolutions = 0;
    for (int i = 0; !fcnn_model_kernels(model, i, line, sizeof line); i++) {
        char *rest = strchr(line, ':');
        if (strncmp(line, "conv2d", 6) || !rest) continue;
        for (char *name; (name = strtok_r(rest, ":, ", &rest)); convolutions++)
            if (!strstr(name, wanted)) return 0;
    }
    return convolutions > 0;
}

/* What a row runs on is the row's alone: the environment's FASTCNN_ISA, FASTCNN_KERNEL and FASTCNN_MATH would make it
 * something else. ("" pins nothing; NULL would ask the environment.) */
static fcnn_status compile(const struct proof *p, fcnn_model *model, const struct outcome *o)
{
    char wish[32] = "";
    if (!strcmp(o->variant->family, "naive")) strcpy(wish, "*_naive");
    else if (strcmp(o->variant->family, "dispatch")) snprintf(wish, sizeof wish, "*_%s_*", o->variant->family);
    const fcnn_options kernels = {
        .threads = o->threads, .isa = fcnn_isa_name(o->variant->isa), .math = "exact", .kernel = wish};
    const fcnn_compile_options settings = {.seed = p->data.seed, .shards = 8, .kernels = &kernels};
    return fcnn_compile(model, &settings);
}

static fcnn_status fit(const struct proof *p, fcnn_model *model, struct outcome *o)
{
    struct cli_progress progress = {0};
    fcnn_fit_options settings = p->fit;
    fcnn_progress *history = program_allocate((size_t)settings.epochs, sizeof *history);
    settings.callback = cli_progress_step;
    settings.context = &progress;
    double begin = cli_now();
    fcnn_status status = fcnn_fit(model, p->data.train.x, p->data.train.y, p->data.train.n, &settings, history);
    o->seconds = cli_now() - begin;
    o->last = history[settings.epochs - 1];
    o->team = fcnn_model_threads(model);
    free(history);
    return status ? status : fcnn_model_receipt(model, &o->receipt);
}

/* The hash of all weights, and loss and accuracy to the last bit. */
static int same(const struct proof *p, const struct outcome *o)
{
    const struct outcome *first = &p->outcomes[0]; /* of one thread, which is always there */
    return !strcmp(o->receipt.weights, p->expected ? p->expected : first->receipt.weights) &&
           o->last.loss == first->last.loss && o->last.accuracy == first->last.accuracy;
}

static void print_row(const struct proof *p, const struct outcome *o)
{
    char name[24];
    variant_name(o->variant, name);
    const char *verdict = !o->same           ? "DIFFERENT"
                          : p->expected      ? "as expected"
                          : o == p->outcomes ? "reference"
                                             : "same";
    printf("%-15s  %7d  %8.4f  %8.4f  %-32s  %s%-11s%s  %6.2f s\n", name, o->threads, o->last.loss,
           o->last.accuracy, o->receipt.weights, cli_color(stdout, o->same ? CLI_GREEN : CLI_RED), verdict,
           cli_color(stdout, CLI_PLAIN), o->seconds);
    fflush(stdout);
}

/* Each failure has its sentence here. */
static int train(const struct proof *p, fcnn_model *model, struct outcome *o)
{
    char name[24];
    fcnn_status status = compile(p, model, o);
    if (!status && !uses_variant(model, o->variant)) {
        variant_name(o->variant, name);
        program_complain("%s: the model does not use these kernels although they were asked for", name);
        return EX_SOFTWARE;
    }
    if (!status) status = fit(p, model, o);
    if (status == FCNN_INTERRUPTED || cli_interrupted()) {
        program_complain("interrupted; the proof is not complete");
        return EXIT_INTERRUPTED;
    }
    return status ? program_failed(status) : EXIT_SUCCESS;
}

static int run_one(struct proof *p, const struct variant *variant, int threads)
{
    struct outcome *o = &p->outcomes[p->outcome_count];
    fcnn_model *model = NULL;
    *o = (struct outcome){.variant = variant, .threads = threads};
    fcnn_status status = fcnn_model_mnist(&model);
    if (status) return program_failed(status);
    int code = train(p, model, o);
    fcnn_model_destroy(model);
    if (code) return code;
    p->outcome_count++;
    o->same = same(p, o);
    o->skipped = o->same && o->team < threads;
    p->different += !o->same;
    p->skipped += o->skipped;
    if (!cli_json && !o->skipped) print_row(p, o);
    return EXIT_SUCCESS;
}

static int run_all(struct proof *p)
{
    int tty = cli_is_terminal(stderr);
    for (int v = 0; v < p->variant_count; v++)
        for (int threads = 1; threads <= MOST_THREADS && !p->variants[v].missing; threads++) {
            char name[24];
            variant_name(&p->variants[v], name);
            if (tty) fprintf(stderr, "training: %s, %d thread%s ...\r", name, threads, threads == 1 ? "" : "s");
            int code = run_one(p, &p->variants[v], threads);
            if (tty) fputs("\033[K", stderr);
            if (code) return code;
        }
    if (p->outcome_count) return EXIT_SUCCESS;
    program_complain("nothing was proved: this build has no convolution kernels that this machine can run");
    return EX_SOFTWARE;
}

/* Such a row did run, but not with the threads that it would name. */
static void describe_skip(const struct outcome *o, char name[40], char reason[96])
{
    char variant[24];
    variant_name(o->variant, variant);
    snprintf(name, 40, "%s, %d threads", variant, o->threads);
    snprintf(reason, 96, "OMP_THREAD_LIMIT or the system gave %d thread%s", o->team, o->team == 1 ? "" : "s");
}

static json_t *proof_json(const struct proof *p)
{
    char name[24];
    json_t *runs = json_array(), *skipped = json_array();
    for (int i = 0; i < p->outcome_count; i++) {
        const struct outcome *o = &p->outcomes[i];
        if (o->skipped) {
            char row[40], reason[96];
            describe_skip(o, row, reason);
            json_array_append_new(skipped, json_pack("{s:s, s:s}", "variant", row, "reason", reason));
            continue;
        }
        variant_name(o->variant, name);
        json_array_append_new(
            runs, json_pack("{s:s, s:i, s:o, s:o, s:s, s:b, s:f}", "variant", name, "threads", o->threads, "loss",
                            cli_json_real(o->last.loss), "accuracy", cli_json_real(o->last.accuracy), "weights",
                            o->receipt.weights, "same", o->same, "seconds", o->seconds));
    }
    for (int v = 0; v < p->variant_count; v++) {
        variant_name(&p->variants[v], name);
        if (p->variants[v].missing)
            json_array_append_new(skipped, json_pack("{s:s, s:s}", "variant", name, "reason", p->variants[v].missing));
    }
    const fcnn_receipt *r = &p->outcomes[0].receipt;
    return json_pack("{s:s, s:o, s:i, s:I, s:I, s:i, s:s, s:s, s:s, s:s?, s:b, s:o, s:o}", "command", "prove", "data",
                     cli_data_json(&p->data), "epochs", p->fit.epochs, "batch_size", (json_int_t)p->fit.batch_size,
                     "seed", (json_int_t)r->seed, "shards", r->shards, "versions", r->versions, "data_hash", r->data,
                     "weights", r->weights, "expected", p->expected, "identical", !p->different, "runs", runs,
                     "skipped", skipped);
}

static void print_summary(const struct proof *p)
{
    char name[24];
    const struct outcome *first = &p->outcomes[0];
    for (int v = 0; v < p->variant_count; v++) {
        variant_name(&p->variants[v], name);
        if (p->variants[v].missing) printf("%-15s  skipped: %s\n", name, p->variants[v].missing);
    }
    for (int i = 0; i < p->outcome_count; i++) {
        char row[40], reason[96];
        describe_skip(&p->outcomes[i], row, reason);
        if (p->outcomes[i].skipped) printf("%-24s  skipped: %s\n", row, reason);
    }
    putchar('\n');
    if (!p->different)
        printf("All %d runs ended at the same weights: %s\n", p->outcome_count - p->skipped, first->receipt.weights);
    else
        printf("%d of %d runs did NOT end at %s %s\n", p->different,
               p->outcome_count - p->skipped,
               p->expected ? "the expected weights" : "the weights, loss and accuracy of the first run,",
               p->expected ? p->expected : first->receipt.weights);
    printf("data hash %s, seed %llu, shards %d, steps %lld, numerics %s\n%s\n", first->receipt.data,
           (unsigned long long)first->receipt.seed, first->receipt.shards, (long long)first->receipt.steps,
           first->receipt.classes, first->receipt.versions);
}

static int report(const struct proof *p)
{
    int code = EXIT_SUCCESS;
    if (cli_json) code = cli_print_json(proof_json(p));
    else print_summary(p);
    return code ? code : p->different ? EXIT_CHECK_FAILED : EXIT_SUCCESS;
}

static int is_hash(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static void print_head(const struct proof *p)
{
    char text[4400];
    printf("%s; %d epoch%s, batches of %lld\n\n%s%-15s  %7s  %8s  %8s  %-32s  %-11s  %8s%s\n",
           cli_data_describe(&p->data, text, sizeof text), p->fit.epochs, p->fit.epochs == 1 ? "" : "s",
           (long long)p->fit.batch_size, cli_color(stdout, CLI_BOLD), "variant", "threads", "loss", "accuracy",
           "weights", "", "time", cli_color(stdout, CLI_PLAIN));
    fflush(stdout);
}

static int run(int argc, char **argv)
{
    static struct proof p = {.data.seed = 1, .fit = {.epochs = 1, .batch_size = 32}};
    cli_parse(&cli_prove, argc, argv, &p);
    if (p.expected && !is_hash(p.expected))
        cli_usage(&cli_prove, "--expect: expected a weight hash of 32 hexadecimal digits, found '%s'", p.expected);
    int code = cli_data_load(&p.data, p.images ? p.images : p.quick ? 128 : 256, 0);
    if (code) return code;
    collect_variants(&p);
    if (!cli_json) print_head(&p);
    cli_catch_interrupt();
    code = run_all(&p);
    if (!code) code = report(&p);
    cli_data_free(&p.data);
    return code;
}

#define FIELD(name) offsetof(struct proof, name)
static const struct cli_option options[] = {
    {"data", "DIR", "Folder with MNIST's IDX files, plain or .gz (default: synthetic digits)", CLI_TEXT,
     .field = FIELD(data.directory)},
    {"images", "N", "Train with N images (default 256; 128 with --quick)", CLI_INT64,
     .field = FIELD(images), .low = 1, .high = 100000000},
    {"epochs", "N", "Passes over the images (default 1)", CLI_INT,
     .field = FIELD(fit.epochs), .low = 1, .high = 1000000},
    {"batch-size", "N", "Images per optimizer step (default 32)", CLI_INT64,
     .field = FIELD(fit.batch_size), .low = 1, .high = 1000000},
    {"seed", "N", "Seed of weights, shuffling and synthetic digits (default 1)", CLI_INT64,
     .field = FIELD(data.seed), .low = 0, .high = INT64_MAX},
    {"quick", NULL, "As few images as show it", CLI_SET, .field = FIELD(quick), .low = 1},
    {"expect", "HASH", "Exit with 1 unless every run ends at this weight hash", CLI_TEXT, .field = FIELD(expected)},
    {0}};

const struct cli_command cli_prove = {
    .name = "prove",
    .summary = "train it with every family of kernels, compare the weights",
    .doc = "Trains the MNIST network briefly with every family of kernels (naive, im2col, direct, and as dispatched), "
           "on every instruction set this machine has, with 1, 2 and 3 threads, and compares the weights bit by bit. "
           "Exits with 1 if they differ.",
    .options = options,
    .run = run,
};

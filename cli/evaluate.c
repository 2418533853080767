/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn evaluate: loss and accuracy of a trained model on a data set, and which classes it takes for which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/network.h"

#define MOST_COLUMNS 20 /* of a matrix on the terminal */
#define MOST_PAIRS 10

struct evaluation {
    struct cli_data data;
    struct cli_network network;
    fcnn_options kernels;
    int part;
    double minimum;
    /* results */
    fcnn_metrics metrics;
    int64_t *confusion; /* (classes, classes): true, predicted */
    int64_t *lost;      /* (classes): images whose output is not finite, which no class is predicted for */
};

/* ---- counting ---- */

static int64_t at(const struct evaluation *e, int truth, int predicted)
{
    return e->confusion[truth * e->network.classes + predicted];
}

/* Images of a class, or predictions of it. */
static int64_t total(const struct evaluation *e, int number, int predicted)
{
    int64_t sum = predicted ? 0 : e->lost[number];
    for (int i = 0; i < e->network.classes; i++) sum += predicted ? at(e, i, number) : at(e, number, i);
    return sum;
}

static int64_t correct(const struct evaluation *e)
{
    int64_t sum = 0;
    for (int i = 0; i < e->network.classes; i++) sum += at(e, i, i);
    return sum;
}

static int64_t not_finite(const struct evaluation *e)
{
    int64_t sum = 0;
    for (int i = 0; i < e->network.classes; i++) sum += e->lost[i];
    return sum;
}

struct scores {
    int64_t images, predicted, correct;
    double precision, recall, f1; /* 0 where there is nothing to divide by, as scikit-learn has it */
};

static double quotient(double a, double b) { return b > 0 ? a / b : 0; }

static struct scores score(const struct evaluation *e, int number)
{
    struct scores s = {.images = total(e, number, 0), .predicted = total(e, number, 1),
                       .correct = at(e, number, number)};
    s.precision = quotient((double)s.correct, (double)s.predicted);
    s.recall = quotient((double)s.correct, (double)s.images);
    s.f1 = quotient(2 * s.precision * s.recall, s.precision + s.recall);
    return s;
}

/* Binary cross-entropy as Keras computes it, and what lies above one half. */
static void judge_binary(struct evaluation *e, const float *probabilities)
{
    const struct fcnn_dataset *set = &e->data.test;
    int64_t right = 0;
    for (int64_t i = 0; i < set->n; i++) {
        const double p = fmin(fmax((double)probabilities[2 * i + set->y[i]], 1e-7), 1 - 1e-7);
        e->metrics.loss -= log(p) / (double)set->n;
        right += cli_largest(probabilities + 2 * i, 2) == set->y[i];
    }
    e->metrics.accuracy = (double)right / (double)set->n;
}

static fcnn_status measure(struct evaluation *e)
{
    const struct fcnn_dataset *set = &e->data.test;
    const int classes = e->network.classes;
    e->confusion = program_allocate((size_t)classes * (size_t)classes, sizeof *e->confusion);
    e->lost = program_allocate((size_t)classes, sizeof *e->lost);
    float *probabilities = program_allocate((size_t)set->n * (size_t)classes, sizeof *probabilities);
    cli_network_scale(&e->network, set->x, set->n * set->h * set->w * set->c);
    fcnn_status status = cli_network_predict(&e->network, set->x, set->n, probabilities);
    if (!status && e->network.is_binary) judge_binary(e, probabilities);
    else if (!status) status = fcnn_evaluate(e->network.model, set->x, set->y, set->n, &e->metrics);
    for (int64_t i = 0; i < set->n && !status; i++) {
        const int said = cli_largest(probabilities + i * classes, classes);
        if (said < 0) e->lost[set->y[i]]++;
        else e->confusion[set->y[i] * classes + said]++;
    }
    free(probabilities);
    if (!status && not_finite(e)) e->metrics.accuracy = (double)correct(e) / (double)set->n;
    return status;
}

/* ---- text ---- */

static const char *name(const struct evaluation *e, int number, char text[16])
{
    return fcnn_dataset_class(&e->data.test, number, text);
}

static int name_width(const struct evaluation *e)
{
    int width = 5;
    char text[16];
    for (int i = 0; i < e->network.classes; i++) {
        const int length = (int)strlen(name(e, i, text));
        if (length > width) width = length;
    }
    return width;
}

static void print_classes(const struct evaluation *e, int width)
{
    char text[16];
    printf("\n%-*s  %9s  %9s  %9s  %9s\n", width, "class", "images", "precision", "recall", "f1");
    for (int i = 0; i < e->network.classes; i++) {
        const struct scores s = score(e, i);
        printf("%-*s  %9lld  %9.4f  %9.4f  %9.4f\n", width, name(e, i, text), (long long)s.images, s.precision,
            s.recall,
               s.f1);
    }
}

static void print_matrix(const struct evaluation *e, int width)
{
    char text[16];
    int cell = 5;
    for (int i = 0; i < e->network.classes; i++) {
        const int length = (int)strlen(name(e, i, text));
        if (length > cell && length <= 12) cell = length;
    }
    printf("\nconfusion: a row for each true class, a column for each predicted one\n%-*s", width, "");
    for (int i = 0; i < e->network.classes; i++) printf(" %*.*s", cell, cell, name(e, i, text));
    putchar('\n');
    for (int i = 0; i < e->network.classes; i++) {
        printf("%-*s", width, name(e, i, text));
        for (int j = 0; j < e->network.classes; j++) {
            const char *color = cli_color(stdout, i == j ? CLI_GREEN : at(e, i, j) ? CLI_RED : CLI_DIM);
            printf(" %s%*lld%s", color, cell, (long long)at(e, i, j), cli_color(stdout, CLI_PLAIN));
        }
        putchar('\n');
    }
}

/* The largest entries beside the diagonal, where the matrix would be too wide. */
static void print_pairs(const struct evaluation *e)
{
    char true_text[16], text[16];
    const int classes = e->network.classes;
    int64_t below = INT64_MAX; /* entries from here on were printed */
    printf("\nmost confused:\n");
    for (int printed = 0; printed < MOST_PAIRS;) {
        int64_t most = 0;
        for (int i = 0; i < classes * classes; i++)
            if (i / classes != i % classes && e->confusion[i] < below && e->confusion[i] > most) most = e->confusion[i];
        if (!most) return;
        for (int i = 0; i < classes * classes && printed < MOST_PAIRS; i++)
            if (i / classes != i % classes && e->confusion[i] == most && printed++ >= 0)
                printf("  %s taken for %s: %lld\n", name(e, i / classes, true_text), name(e, i % classes, text),
                       (long long)most);
        below = most;
    }
}

static void print_text(const struct evaluation *e)
{
    char text[4400], right[32], all[32], remark[sizeof e->network.info.remark];
    snprintf(remark, sizeof remark, "%s", e->network.info.remark);
    const int width = name_width(e);
    printf("data      %s\n", cli_data_describe(&e->data, text, sizeof text));
    printf("model     %s\n", cli_network_describe(&e->network, text, sizeof text));
    if (e->network.info.other_loss && !e->network.is_binary) printf("remark    %s\n", program_printable(remark));
    printf("%stest      loss %.4f%s, accuracy %.4f%s (%s of %s)\n", cli_color(stdout, CLI_BOLD), e->metrics.loss,
           e->network.is_binary ? " (binary cross-entropy)" : "",
           e->metrics.accuracy, cli_color(stdout, CLI_PLAIN), cli_count(correct(e), right),
           cli_count(e->data.test.n, all));
    print_classes(e, width);
    if (e->network.classes <= MOST_COLUMNS) print_matrix(e, width);
    else print_pairs(e);
}

/* ---- JSON ---- */

static json_t *result_json(const struct evaluation *e)
{
    char text[16];
    json_t *classes = json_array(), *matrix = json_array();
    for (int i = 0; i < e->network.classes; i++) {
        const struct scores s = score(e, i);
        json_t *row = json_array();
        for (int j = 0; j < e->network.classes; j++) json_array_append_new(row, json_integer(at(e, i, j)));
        json_array_append_new(matrix, row);
        json_array_append_new(classes, json_pack("{s:o, s:I, s:I, s:I, s:f, s:f, s:f}", "name",
                                                 cli_json_text(name(e, i, text)), "images", (json_int_t)s.images,
                                                 "predicted", (json_int_t)s.predicted, "correct", (json_int_t)s.correct,
                                                 "precision", s.precision, "recall", s.recall, "f1", s.f1));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:I, s:I, s:o, s:o}", "command", "evaluate", "model",
                     cli_json_text(e->network.what), "remark", cli_json_text(e->network.info.remark), "data",
                     cli_data_json(&e->data), "images",
                     (json_int_t)e->data.test.n, "loss", cli_json_real(e->metrics.loss), "accuracy",
                     cli_json_real(e->metrics.accuracy), "correct", (json_int_t)correct(e), "not_finite",
                     (json_int_t)not_finite(e), "classes", classes, "confusion", matrix);
}

/* ---- the command ---- */

static int report(const struct evaluation *e)
{
    int code = EXIT_SUCCESS;
    if (cli_json) code = cli_print_json(result_json(e));
    else print_text(e);
    if (!code) code = cli_network_not_finite(&e->network, not_finite(e), e->data.test.n);
    if (code || e->metrics.accuracy >= e->minimum) return code;
    program_complain("the accuracy is %.4f; --min-accuracy asks for %g", e->metrics.accuracy, e->minimum);
    return EXIT_CHECK_FAILED;
}

static int evaluate(struct evaluation *e)
{
    const struct cli_network *n = &e->network;
    int code = cli_data_load_part(&e->data, cli_part(e->part));
    if (!code) code = cli_data_fits(&e->data, n->h, n->w, n->c, n->classes);
    if (!code) {
        const fcnn_status status = measure(e);
        code = status ? program_failed(status) : report(e);
    }
    free(e->confusion);
    free(e->lost);
    cli_data_free(&e->data);
    return code;
}

static int run(int argc, char **argv)
{
    struct evaluation e = {.data.seed = 1};
    const int first = cli_parse(&cli_evaluate, argc, argv, &e);
    if (argc - first != 1)
        cli_usage(&cli_evaluate, argc == first ? "expected a model" : "unexpected argument '%s'", argv[argc - 1]);
    int code = cli_network_open(&e.network, argv[first], &e.kernels);
    if (!code) code = evaluate(&e);
    cli_network_close(&e.network);
    return code;
}

#define FIELD(name) offsetof(struct evaluation, name)
static const struct cli_option options[] = {
    {"data", "PATH", "Folder of IDX files, .npz file, or folder of classes with PNG files (default: 2,000 synthetic "
     "digits)", CLI_TEXT, .field = FIELD(data.directory)},
    {"part", "WORD", "test, train, or auto (default): the test part, or all where PATH is not split", CLI_CHOICE,
     .field = FIELD(part), .word = cli_part_word},
    {"seed", "N", "Seed of the synthetic digits (default 1)", CLI_INT64, .field = FIELD(data.seed), .low = 0,
     .high = INT64_MAX},
    {"min-accuracy", "X", "Exit with 1 if the accuracy is below X", CLI_DOUBLE, .field = FIELD(minimum), .most = 1},
    {0}};

const struct cli_command cli_evaluate = {
    .name = "evaluate",
    .summary = "loss, accuracy and confusions of a trained model",
    .arguments = "MODEL",
    .doc = "Evaluates MODEL on a data set: loss, accuracy, precision and recall of each class, and which classes it "
        "takes "
           "for which.",
    .more = CLI_MODEL_HELP,
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};

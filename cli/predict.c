/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn predict: what a trained model says of pictures, with the picture as it sees it, or of a whole data set. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/arguments.h"
#include "cli/network.h"
#include "lib/io/fail.h"
#include "lib/io/sight.h"

#define BAR_CELLS 32
#define MOST_BARS 10
#define MOST_VALUES 100

struct prediction {
    struct cli_network network;
    struct fcnn_sight_options sight;
    fcnn_options kernels;
    int polarity, part, brief, csv;
    float *probabilities; /* of one picture */
    json_t *list;         /* --json */
    int64_t images, not_finite; /* judged; of these */
    int code;             /* of the first file that failed */
};

static void note_failure(struct prediction *p, const char *file, int code, const char *sentence)
{
    program_complain("%s", sentence);
    if (!p->code) p->code = code;
    if (cli_json)
        json_array_append_new(p->list, json_pack("{s:o, s:o}", "file", cli_json_text(file), "error",
                                                 cli_json_text(sentence)));
}

static json_t *numbers_json(const float *values, int64_t count)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < count; i++) json_array_append_new(list, cli_json_real(values[i]));
    return list;
}

/* ---- words that both need ---- */

static const char *output_word(const struct prediction *p) { return p->network.is_value ? "value" : "probability"; }

/* Prints a character, '?' for what is none; returns its bytes. */
static size_t print_letter(const char *text)
{
    const size_t length = program_letter(text);
    if (length) fwrite(text, 1, length, stdout);
    else putchar('?');
    return length ? length : 1;
}

static void print_text(const char *text)
{
    while (*text) text += print_letter(text);
}

static void print_field(const char *text)
{
    const int quoted = strpbrk(text, ",\"") != NULL;
    if (quoted) putchar('"');
    while (*text) {
        if (*text == '"') putchar('"');
        text += print_letter(text);
    }
    if (quoted) putchar('"');
}

/* A line of --csv: nothing is in the field of what is not known, of a class where the model has one output, of an
 * output that is not finite. */
static void print_row(const struct prediction *p, const char *file, const char *said, float output, const char *label)
{
    print_field(file);
    putchar(',');
    if (p->network.classes > 1) print_field(said);
    if (*said) printf(",%.6g,", (double)output);
    else printf(",,");
    print_field(label);
    putchar('\n');
}

/* What the model says of an image: the number of a class, -1 if its output is not finite. */
static int judge(struct prediction *p, const float *outputs)
{
    const int best = cli_largest(outputs, p->network.classes);
    p->images++;
    p->not_finite += best < 0;
    return best;
}

/* ---- pictures ---- */

/* The classes with the highest probabilities, in the order of their numbers if all are shown. */
static void print_bars(const struct prediction *p, int best)
{
    const int classes = p->network.classes, all = classes <= MOST_BARS;
    char *shown = program_allocate((size_t)classes, 1);
    for (int n = 0; n < (all ? classes : MOST_BARS); n++) {
        int number = all ? n : -1;
        for (int i = 0; i < classes && !all; i++)
            if (!shown[i] && (number < 0 || p->probabilities[i] > p->probabilities[number])) number = i;
        shown[number] = 1;
        const double part = p->probabilities[number];
        printf("  %s%3d ", cli_color(stdout, number == best ? CLI_BOLD : CLI_PLAIN), number);
        cli_show_bar(part, BAR_CELLS);
        printf(" %5.1f %%%s\n", 100 * part, cli_color(stdout, CLI_PLAIN));
    }
    free(shown);
}

static void print_values(const struct prediction *p, int best)
{
    const int classes = p->network.classes;
    for (int i = 0; i < classes && i < MOST_VALUES; i++)
        printf("  %s%3d %12.6g%s\n", cli_color(stdout, i == best ? CLI_BOLD : CLI_PLAIN), i,
               (double)p->probabilities[i], cli_color(stdout, CLI_PLAIN));
    if (classes > MOST_VALUES) printf("  ... of %d\n", classes);
}

static void print_verdict(const struct prediction *p, const char *file, int best)
{
    const char *bold = cli_color(stdout, CLI_BOLD), *plain = cli_color(stdout, CLI_PLAIN);
    fputs(bold, stdout);
    print_text(file);
    if (best < 0) printf(": not finite%s\n", plain);
    else if (p->network.classes == 1) printf(": value %.6g%s\n", (double)p->probabilities[0], plain);
    else if (p->network.is_value) printf(": %d%s (value %.6g)\n", best, plain, (double)p->probabilities[best]);
    else printf(": %d%s (%.1f %%)\n", best, plain, 100 * (double)p->probabilities[best]);
}

static void print_picture(const struct prediction *p, const char *file, const fcnn_picture *picture,
                          const struct fcnn_sight *seen, int best)
{
    static const char *const kinds[] = {"", "grey", "grey with alpha", "RGB", "RGB with alpha"};
    print_verdict(p, file, best);
    if (p->brief) return;
    cli_show_image(seen->x, seen->h, seen->w, seen->c);
    printf("  %lld x %lld, %s", (long long)picture->h, (long long)picture->w, kinds[picture->c]);
    for (int i = 0; i < seen->step_count; i++) printf("\n  - %s", seen->steps[i]);
    putchar('\n');
    if (p->network.is_value && p->network.classes > 1) print_values(p, best);
    else if (!p->network.is_value && best >= 0) print_bars(p, best);
}

/* null: not finite, or one output, which is no class. */
static json_t *class_json(const struct prediction *p, int best)
{
    return best < 0 || p->network.classes == 1 ? json_null() : json_integer(best);
}

static json_t *output_json(const float *outputs, int best)
{
    return best < 0 ? json_null() : cli_json_real(outputs[best]);
}

static json_t *picture_json(const struct prediction *p, const char *file, const struct fcnn_sight *seen, int best)
{
    json_t *steps = json_array();
    for (int i = 0; i < seen->step_count; i++) json_array_append_new(steps, cli_json_text(seen->steps[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "file", cli_json_text(file), "class", class_json(p, best),
                     output_word(p), output_json(p->probabilities, best),
                     p->network.is_value ? "values" : "probabilities",
                     numbers_json(p->probabilities, p->network.classes), "steps", steps);
}

/* What the network sees of it. A vector that is no square can be a picture as it is. */
static fcnn_status see(const struct prediction *p, const char *file, const fcnn_picture *picture,
                       struct fcnn_sight *seen)
{
    const struct cli_network *n = &p->network;
    if (n->see_h) return fcnn_sight_make(seen, picture, n->see_h, n->see_w, n->see_c, &p->sight, file);
    if (p->sight.as_is && picture->h * picture->w == n->c)
        return fcnn_sight_make(seen, picture, picture->h, picture->w, 1, &p->sight, file);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the model takes a vector of %lld numbers, which make no square picture; "
                        "--as-is takes pictures of %lld pixels", file, (long long)n->c, (long long)n->c);
}

static void judge_picture(struct prediction *p, const char *file, const fcnn_picture *picture)
{
    const struct cli_network *n = &p->network;
    struct fcnn_sight seen;
    char said[16] = "";
    fcnn_status status = see(p, file, picture, &seen);
    if (status) {
        note_failure(p, file, program_exit_code(status), fcnn_io_last_error());
        return;
    }
    const int64_t count = seen.h * seen.w * seen.c;
    float *input = program_allocate((size_t)count, sizeof *input);
    memcpy(input, seen.x, (size_t)count * sizeof *input);
    cli_network_scale(n, input, count);
    status = cli_network_predict(n, input, 1, p->probabilities);
    const int best = status ? -1 : judge(p, p->probabilities);
    if (status) note_failure(p, file, program_exit_code(status), fcnn_last_error());
    else if (cli_json) json_array_append_new(p->list, picture_json(p, file, &seen, best));
    else if (p->csv) {
        if (best >= 0) snprintf(said, sizeof said, "%d", best);
        print_row(p, file, said, p->probabilities[best < 0 ? 0 : best], "");
    }
    else print_picture(p, file, picture, &seen, best);
    free(input);
    fcnn_sight_free(&seen);
}

static void predict_picture(struct prediction *p, const char *file)
{
    fcnn_picture picture;
    const fcnn_status status = fcnn_picture_read(&picture, file);
    if (status) note_failure(p, file, program_exit_code(status), fcnn_io_last_error());
    else judge_picture(p, file, &picture);
    fcnn_picture_free(&picture);
}

/* ---- data sets ---- */

static json_t *image_json(const struct prediction *p, const struct fcnn_dataset *set, int64_t i, const float *outputs,
                          int best)
{
    json_t *json = json_pack("{s:I, s:i, s:o, s:o}", "image", (json_int_t)i, "label", (int)set->y[i], "class",
                             class_json(p, best), output_word(p), output_json(outputs, best));
    if (set->files) json_object_set_new(json, "file", cli_json_text(set->files[i]));
    return json;
}

/* With the names that there are; "data#3" where images are not files of their own. */
static void print_image(const struct prediction *p, const char *file, const struct fcnn_dataset *set, int64_t i,
                        const float *outputs, int best)
{
    char said[16], label[16], *numbered = program_allocate(strlen(file) + 24, 1);
    snprintf(numbered, strlen(file) + 24, "%s#%lld", file, (long long)i);
    print_row(p, set->files ? set->files[i] : numbered, best < 0 ? "" : fcnn_dataset_class(set, best, said),
              outputs[best < 0 ? 0 : best], fcnn_dataset_class(set, set->y[i], label));
    free(numbered);
}

static json_t *names_json(const struct fcnn_dataset *set)
{
    char text[16];
    json_t *names = json_array();
    for (int i = 0; i < set->classes; i++)
        json_array_append_new(names, cli_json_text(fcnn_dataset_class(set, i, text)));
    return names;
}

static json_t *set_json(const struct prediction *p, const char *file, const struct cli_data *data, double accuracy,
                        json_t *images)
{
    json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "file", cli_json_text(file), "data", cli_data_json(data),
                             "accuracy", p->network.classes > 1 ? cli_json_real(accuracy) : json_null(), "images",
                             images);
    if (data->test.names) json_object_set_new(json, "classes", names_json(&data->test));
    return json;
}

static void print_set(struct prediction *p, const char *file, const struct cli_data *data, const float *outputs)
{
    const struct fcnn_dataset *set = &data->test;
    const int classes = p->network.classes;
    json_t *images = cli_json ? json_array() : NULL;
    int64_t correct = 0;
    for (int64_t i = 0; i < set->n; i++) {
        const float *mine = outputs + i * classes;
        const int best = judge(p, mine);
        correct += best == set->y[i];
        if (cli_json) json_array_append_new(images, image_json(p, set, i, mine, best));
        else if (p->csv) print_image(p, file, set, i, mine, best);
    }
    const double accuracy = (double)correct / (double)set->n;
    char right[32], all[32];
    if (cli_json) json_array_append_new(p->list, set_json(p, file, data, accuracy, images));
    if (cli_json || p->csv) return;
    print_text(file);
    if (classes == 1)
        printf(": %s images; the model has one output, which is no class (--csv lists the values)\n",
               cli_count(set->n, all));
    else
        printf(": %s of %s right, accuracy %.4f (--csv lists them, 'fastcnn evaluate' tells which are confused)\n",
               cli_count(correct, right), cli_count(set->n, all), accuracy);
}

static void predict_set(struct prediction *p, const char *file)
{
    const struct cli_network *n = &p->network;
    struct cli_data data = {.directory = file};
    int code = cli_data_load_part(&data, cli_part(p->part));
    if (!code) code = cli_data_fits(&data, n->h, n->w, n->c, n->classes > 1 ? n->classes : INT_MAX);
    if (!code) {
        const struct fcnn_dataset *set = &data.test;
        float *outputs = program_allocate((size_t)set->n * (size_t)n->classes, sizeof *outputs);
        cli_network_scale(n, set->x, set->n * set->h * set->w * set->c);
        const fcnn_status status = cli_network_predict(n, set->x, set->n, outputs);
        code = status ? program_failed(status) : EXIT_SUCCESS;
        if (!code) print_set(p, file, &data, outputs);
        free(outputs);
    }
    cli_data_free(&data);
    if (code && !p->code) p->code = code;
}

/* ---- the command ---- */

static int is_set(const char *file)
{
    struct stat st;
    return fcnn_data_look(file) != FCNN_DATA_NONE || (!stat(file, &st) && S_ISDIR(st.st_mode));
}

static int predict(struct prediction *p, char *const *files, int count)
{
    p->probabilities = program_allocate((size_t)p->network.classes, sizeof *p->probabilities);
    p->list = json_array();
    if (p->csv) printf("file,class,%s,label\n", output_word(p));
    for (int i = 0; i < count; i++)
        if (is_set(files[i])) predict_set(p, files[i]);
        else predict_picture(p, files[i]);
    free(p->probabilities);
    const int finite = cli_network_not_finite(&p->network, p->not_finite, p->images);
    if (!p->code) p->code = finite;
    if (!cli_json) {
        json_decref(p->list);
        return p->code;
    }
    const int code = cli_print_json(json_pack("{s:s, s:o, s:o}", "command", "predict", "model",
                                              cli_json_text(p->network.what), "predictions", p->list));
    return p->code ? p->code : code;
}

static int run(int argc, char **argv)
{
    struct prediction p = {0};
    const int first = cli_parse(&cli_predict, argc, argv, &p);
    if (argc - first < 2) cli_usage(&cli_predict, "expected %s", argc == first ? "a model and files" : "files");
    if (p.csv && cli_json) cli_usage(&cli_predict, "--csv and --json exclude each other");
    p.sight.polarity = (enum fcnn_polarity)p.polarity;
    int code = cli_network_open(&p.network, argv[first], &p.kernels);
    if (!code) code = predict(&p, argv + first + 1, argc - first - 1);
    cli_network_close(&p.network);
    return code;
}

#define FIELD(name) offsetof(struct prediction, name)
static const struct cli_option options[] = {
    {"invert", NULL, "Invert pictures, whatever they look like", CLI_SET, .field = FIELD(polarity),
     .low = FCNN_POLARITY_INVERT},
    {"no-invert", NULL, "Do not (default: invert if the ink is darker than the border)", CLI_SET,
     .field = FIELD(polarity), .low = FCNN_POLARITY_KEEP},
    {"no-center", NULL, "Resize the whole picture: do not cut out the ink and centre it", CLI_SET,
     .field = FIELD(sight.no_center), .low = 1},
    {"as-is", NULL, "Take grey values as they are, of pictures that have the model's size; with --invert inverted",
     CLI_SET, .field = FIELD(sight.as_is), .low = 1},
    {"brief", NULL, "One line for each picture", CLI_SET, .field = FIELD(brief), .low = 1},
    {"csv", NULL, "One line for each picture or image: file, class, probability (or value), label", CLI_SET,
     .field = FIELD(csv), .low = 1},
    {"part", "WORD", "Of data sets: test, train, or auto (default): test, or all where a set is not split", CLI_CHOICE,
     .field = FIELD(part), .word = cli_part_word},
    {0}};

const struct cli_command cli_predict = {
    .name = "predict",
    .summary = "what a trained model says of pictures or a data set",
    .arguments = "MODEL FILE...",
    .doc = "Shows for each FILE what MODEL takes it for. A FILE is a PNG picture or a data set: a folder of IDX "
        "files, a "
           ".npz file, a folder of classes with PNG files.",
    .more = "A picture is brought to what networks for MNIST have learnt, and what was done is said: colours to grey, "
            "transparent parts over white (over black where the ink is bright), dark on light inverted, contrast "
            "raised, specks left out, thin strokes thickened, the ink cut out and resized by area averaging to 20 of "
                "28 pixels, its "
            "centre of mass put into the middle. For a model of colour images it is only resized. "
            "A model that takes a vector of 784 numbers sees 28 x 28 pixels row by row. Pictures that show "
            "nothing (blank, no even background, a filled block, noise) are refused with exit status 65.\n"
            CLI_MODEL_HELP,
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};

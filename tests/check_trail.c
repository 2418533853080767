/* SPDX-License-Identifier: BSD-2-Clause
 * Trails: what a line has, for every kind of model; read again; the same at any number of threads; damage by line. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/io/trail.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

#define IMAGES 12
static char path[] = "check_trail.XXXXXX";

#define GOOD(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_io_last_error())

static void write_file(const char *text, size_t count)
{
    FILE *file = fopen(path, "w");
    ck_assert(file && fwrite(text, 1, count, file) == count && !fclose(file));
}

/* ---- writing ---- */

struct writer {
    fcnn_model *model;
    struct io_trail *trail;
    char *text;
    size_t count;
};

static void append(struct writer *w, const char *text, size_t count)
{
    w->text = realloc(w->text, w->count + count + 1);
    ck_assert_ptr_nonnull(w->text);
    memcpy(w->text + w->count, text, count);
    w->text[w->count += count] = 0;
}

static void look(struct writer *w, const double *loss)
{
    const struct io_trail_step *step;
    size_t length;
    GOOD(io_trail_look(w->trail, loss, &step));
    const char *line = io_trail_line(w->trail, &length);
    append(w, line, length);
}

static int watch(void *context, const fcnn_progress *progress)
{
    if (!progress->epoch_ended) look(context, &progress->loss);
    return 0;
}

/* The trail of two epochs of three steps. */
static struct writer write_trail(fcnn_model *model)
{
    struct writer w = {.model = model};
    float *x;
    int32_t *y;
    size_t length;
    GOOD(io_trail_create(&w.trail, model, "exact"));
    const char *head = io_trail_head(w.trail, &length);
    append(&w, head, length);
    look(&w, NULL);
    zoo_data(model, IMAGES, &x, &y);
    const fcnn_fit_options fit = {.epochs = 2, .batch_size = 5, .callback = watch, .context = &w, .keep_going = 1};
    OK(fcnn_fit(model, x, y, IMAGES, &fit, NULL));
    free(x);
    free(y);
    return w;
}

static void end(struct writer *w)
{
    io_trail_destroy(w->trail);
    fcnn_model_destroy(w->model);
    free(w->text);
}

/* ---- what is written ---- */

/* The hash of one part by itself, without what trail.c knows of the order of arrays. */
static uint64_t hash_of(const fcnn_model *model, int layer, fcnn_array array, fcnn_part part, int64_t count)
{
    float *values = malloc((size_t)count * sizeof *values);
    ck_assert_ptr_nonnull(values);
    OK(fcnn_layer_get_array(model, layer, array, part, values, count));
    for (int64_t i = 0; i < count; i++) values[i] = values[i] == 0 ? 0 : values[i];
    const uint64_t hash = XXH3_64bits(values, (size_t)count * sizeof *values);
    free(values);
    return hash;
}

START_TEST(every_tensor_has_its_hash)
{
    struct writer w = write_trail(zoo_make(_i));
    struct io_trail_reader *reader;
    const struct io_trail_step *step, *last = NULL;
    fcnn_compile_options compile;
    int at = 0, steps = 0;
    write_file(w.text, w.count);
    GOOD(io_trail_open(&reader, path));
    ck_assert(io_trail_reader_fits(reader, w.trail) && io_trail_reader_numerics(reader) >= 1);
    ck_assert_str_eq(io_trail_reader_math(reader), "exact");
    for (; io_trail_next(reader, &step) == FCNN_OK && step; steps++) {
        last = step;
        ck_assert(step->step == steps && step->epoch == (steps + 2) / 3);
        ck_assert_int_eq(!strcmp(step->loss, "-"), steps == 0);
    }
    ck_assert(steps == 7 && last && !io_trail_reader_torn(reader));
    ck_assert_int_eq((int)io_trail_reader_offset(reader), (int)w.count);
    OK(fcnn_model_compile_options(w.model, &compile));
    for (int array = 0; array < (compile.optimizer == FCNN_OPTIMIZER_SGD ? 2 : 3); array++)
        for (int i = 0; i < fcnn_model_layers(w.model); i++) {
            fcnn_layer_info info;
            OK(fcnn_model_layer(w.model, i, &info));
            const int64_t counts[] = {info.weights, info.bias, info.moving, info.moving};
            for (int p = 0; p < (array ? 2 : 4); p++)
                if (counts[p])
                    ck_assert_msg(last->hashes[at++] ==
                                      hash_of(w.model, i, (fcnn_array)array, (fcnn_part)p, counts[p]),
                                  "layer %d, array %d, part %d", i, array, p);
        }
    ck_assert_int_eq(at, io_trail_reader_tensors(reader));
    io_trail_close(reader);
    end(&w);
}
END_TEST

START_TEST(one_run_has_one_trail)
{
    struct writer a = write_trail(toy_build(NULL));
    struct writer b = write_trail(toy_build(&(fcnn_compile_options){
        .kernels = &(fcnn_options){.threads = 3, .isa = "scalar"}}));
    struct writer c = write_trail(toy_build(&(fcnn_compile_options){.learning_rate = 1.001e-3f}));
    ck_assert_str_eq(a.text, b.text);
    ck_assert(strcmp(a.text, c.text));
    end(&a);
    end(&b);
    end(&c);
}
END_TEST

/* Which NaN, and which zero, is not promised. */
START_TEST(nan_and_zero_have_one_hash_each)
{
    fcnn_model *model = toy_build(NULL);
    struct io_trail *trail;
    const struct io_trail_step *step;
    uint64_t hashes[4];
    const float values[] = {0.0f, -0.0f, (float)NAN, -(float)NAN};
    float weights[TOY_PARAMETERS];
    GOOD(io_trail_create(&trail, model, "exact"));
    toy_get(model, weights);
    for (int i = 0; i < 4; i++) {
        weights[3] = values[i];
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
        GOOD(io_trail_look(trail, NULL, &step));
        hashes[i] = step->hashes[0];
    }
    ck_assert(hashes[0] == hashes[1] && hashes[2] == hashes[3] && hashes[0] != hashes[2]);
    io_trail_destroy(trail);
    fcnn_model_destroy(model);
}
END_TEST

START_TEST(names_are_escaped)
{
    fcnn_model *model;
    struct io_trail *trail;
    OK(fcnn_model_create(&model, 1, 1, 2));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_DENSE, .units = 2, .name = "a b:c%\n"}));
    ck_assert(io_trail_create(&trail, model, "exact") == FCNN_BAD_ARGUMENT && strstr(fcnn_io_last_error(), "compiled"));
    OK(fcnn_compile(model, NULL));
    GOOD(io_trail_create(&trail, model, "exact"));
    ck_assert_str_eq(io_trail_tensor(trail, 0), "a%20b%3Ac%25%0A/weights");
    ck_assert_str_eq(io_trail_tensor(trail, 5), "a%20b%3Ac%25%0A/bias:moment_2");
    io_trail_destroy(trail);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- comparing ---- */

START_TEST(steps_are_compared_in_their_parts)
{
    uint64_t one[3] = {1, 2, 3}, other[3] = {1, 2, 3};
    struct io_trail_step a = {1, 5, "0.5", one}, b = {1, 5, "0.5", other};
    int tensor, tensors;
    ck_assert_int_eq(io_trail_compare(&a, &b, 3, &tensor, &tensors), IO_TRAIL_SAME);
    strcpy(b.loss, "0.25");
    ck_assert_int_eq(io_trail_compare(&a, &b, 3, &tensor, &tensors), IO_TRAIL_LOSS);
    other[1] = other[2] = 0;
    ck_assert_int_eq(io_trail_compare(&a, &b, 3, &tensor, &tensors), IO_TRAIL_TENSOR);
    ck_assert(tensor == 1 && tensors == 2);
    b.step = 6;
    ck_assert_int_eq(io_trail_compare(&a, &b, 3, &tensor, &tensors), IO_TRAIL_PLACE);
}
END_TEST

/* ---- damage ---- */

/* Reads to the end; the steps that were read. */
static int read_all(fcnn_status *status)
{
    struct io_trail_reader *reader;
    const struct io_trail_step *step = NULL;
    int steps = 0;
    *status = io_trail_open(&reader, path);
    if (*status) {
        ck_assert_ptr_null(reader);
        return 0;
    }
    while (!(*status = io_trail_next(reader, &step)) && step) steps++;
    io_trail_close(reader);
    return steps;
}

static const char small[] = "fastcnn-trail 1\nnumerics 1\nmath exact\ntensor d/weights 2\ntensor d/bias 1\n"
                            "epoch step loss hashes\n"
                            "0 0 - 0123456789abcdef 0000000000000001\n"
                            "1 1 0.5 0123456789abcdef 0000000000000002\n"
                            "1 2 nan 0123456789abcdef 0000000000000003\n";

static const struct damage {
    const char *was, *becomes, *sentence;
} damages[] = {
    {"trail 1", "trail 2", ":1: "},
    {"numerics 1", "numerics x", ":2: "},
    {"numerics 1", "numerics 9999999999", ":2: "},
    {"math exact", "maths", ":3: "},
    {"tensor d/bias 1", "tensor d/bias", ":5: "},
    {"tensor d/bias 1", "tensor d/bias x", ":5: "},
    {"tensor d/bias 1", "tenser d/bias 1", ":5: "},
    {"tensor d/weights 2\ntensor d/bias 1\n", "", ":4: "},
    {"epoch step", "epochs step", ":6: "},
    {"0 0 -", "0 0", ":7: "},
    {"0 0 -", "-1 0 -", ":7: "},
    {"1 1 0.5", "1 1 0,5", ":8: "},
    {"1 1 0.5", "1 2 0.5", "step 2 comes after step 0"},
    {"1 2 nan", "1 1 nan", "step 1 comes after step 1"},
    {"000002", "00002", ":8: "},
    {"000002", "0000002", ":8: "},
    {"000002", "00000Z", ":8: "},
    {"000002", "000002 0000000000000002", ":8: "},
    {"000003", "00000A", ":9: "},
};

START_TEST(damage_is_named_by_its_line)
{
    const struct damage *damage = &damages[_i];
    char text[1024];
    fcnn_status status;
    const char *at = strstr(small, damage->was);
    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - small), small, damage->becomes, at + strlen(damage->was));
    write_file(text, strlen(text));
    read_all(&status);
    ck_assert_msg(status == FCNN_BAD_DATA && strstr(fcnn_io_last_error(), damage->sentence), "%d %s", (int)status,
                  fcnn_io_last_error());
}
END_TEST

/* A prefix of whole lines is a shorter trail; nothing else is taken, and nothing crashes. */
START_TEST(every_truncation_and_changed_byte)
{
    char text[sizeof small];
    fcnn_status status;
    const size_t count = sizeof small - 1, head = (size_t)(strstr(small, "0 0 -") - small);
    for (size_t i = 0; i < count; i++) {
        write_file(small, i);
        int lines = 0;
        for (size_t j = head; j < i; j++) lines += small[j] == '\n';
        ck_assert_int_eq(read_all(&status), lines);
        ck_assert_int_eq(status, i < head ? FCNN_BAD_DATA : FCNN_OK);
    }
    for (size_t i = 0; i < count; i++)
        for (int to = 0; to < 3; to++) {
            memcpy(text, small, sizeof small);
            text[i] = to == 0 ? 0 : to == 1 ? '\n' : (char)(text[i] ^ 1);
            write_file(text, count);
            read_all(&status);
            if (to == 0 && i + 1 < count) ck_assert_msg(status == FCNN_BAD_DATA, "a 0 at %zu is taken", i);
        }
}
END_TEST

START_TEST(what_is_no_trail)
{
    fcnn_status status;
    char *text = malloc(1 << 20);
    ck_assert_ptr_nonnull(text);
    memset(text, 'a', 1 << 20);
    write_file(text, 1 << 20);
    read_all(&status);
    ck_assert(status == FCNN_BAD_DATA && strstr(fcnn_io_last_error(), "longer"));
    free(text);
    struct io_trail_reader *reader;
    ck_assert_int_eq(io_trail_open(&reader, "/"), FCNN_NO_FILE);
    ck_assert_int_eq(io_trail_open(&reader, "no/such/file"), FCNN_NO_FILE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trail");
    TCase *tests = tcase_create("trail");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, every_tensor_has_its_hash, 0, zoo_count);
    tcase_add_test(tests, one_run_has_one_trail);
    tcase_add_test(tests, nan_and_zero_have_one_hash_each);
    tcase_add_test(tests, names_are_escaped);
    tcase_add_test(tests, steps_are_compared_in_their_parts);
    tcase_add_loop_test(tests, damage_is_named_by_its_line, 0, sizeof damages / sizeof *damages);
    tcase_add_test(tests, every_truncation_and_changed_byte);
    tcase_add_test(tests, what_is_no_trail);
    suite_add_tcase(suite, tests);
    toy_make_data();
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    const int code = run_suite(suite);
    unlink(path);
    return code;
}

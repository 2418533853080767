/* SPDX-License-Identifier: BSD-2-Clause
 * Keras' files as this library writes and reads them: the same bits again, training that goes on, what is refused, and
 * damaged files. check_keras_files.sh has the files of others. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/json.h"
#include "lib/io/keras.h"
#include "lib/io/models.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

static char folder[] = "check_keras.XXXXXX";
static const char *const whole[] = {"a.h5", "a.keras"};

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

#define IO_OK(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_io_last_error())
#define IO_FAILS(expected, sentence, call)                                                                             \
    do {                                                                                                               \
        ck_assert_int_eq(call, expected);                                                                              \
        ck_assert_msg(strstr(fcnn_io_last_error(), sentence) != NULL, "%s: %s", #call, fcnn_io_last_error());          \
    } while (0)

static unsigned char *slurp(const char *path, size_t *count)
{
    unsigned char *bytes = malloc(1 << 22);
    FILE *file = fopen(path, "rb");
    ck_assert(bytes && file);
    *count = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

/* A new file: some file systems wait for the disk when an old one is truncated. */
static void spill(const char *path, const unsigned char *bytes, size_t count)
{
    remove(path);
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, count, file) == count);
    fclose(file);
}

/* ---- round trips ---- */

static fcnn_model *trained(int number, float **x, int32_t **y)
{
    fcnn_model *model = zoo_make(number);
    zoo_data(model, 24, x, y);
    OK(fcnn_fit(model, *x, *y, 24, &(fcnn_fit_options){.epochs = 2, .batch_size = 7}, NULL));
    return model;
}

START_TEST(a_model_comes_back_bit_by_bit_and_trains_on_as_it_would)
{
    float *x;
    int32_t *y;
    size_t first_count, second_count;
    fcnn_file_info info;
    fcnn_model *model = trained(_i / 2, &x, &y), *read;
    const char *path = path_of(whole[_i % 2]);
    IO_OK(fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = 2, .input_offset = -1}));
    unsigned char *first = slurp(path, &first_count);
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_weights && info.has_training && info.has_state && info.has_scale && !*info.remark);
    ck_assert(info.input_scale == 2 && info.input_offset == -1);
    ck_assert_int_eq(info.format, _i % 2 ? FCNN_FORMAT_KERAS : FCNN_FORMAT_H5);
    ck_assert(!strncmp(info.producer, "libfastcnn ", 11));
    zoo_same(model, read, 1);
    IO_OK(fcnn_model_save(read, path, &(fcnn_save_options){.input_scale = 2, .input_offset = -1}));
    unsigned char *second = slurp(path, &second_count);
    ck_assert(first_count == second_count && !memcmp(first, second, first_count));
    const fcnn_fit_options more = {.epochs = 1, .batch_size = 5};
    OK(fcnn_fit(model, x, y, 24, &more, NULL));
    OK(fcnn_fit(read, x, y, 24, &more, NULL));
    zoo_same(model, read, 1);
    fcnn_model_destroy(model);
    fcnn_model_destroy(read);
    free(first);
    free(second);
    free(x);
    free(y);
}
END_TEST

START_TEST(weights_alone_go_into_a_model_with_the_same_layers)
{
    static const char *const names[] = {"a.weights.h5", "a.h5", "a.keras"};
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = 1}), *other, *small;
    float before[TOY_PARAMETERS], after[TOY_PARAMETERS], own[TOY_PARAMETERS];
    const char *path = path_of(names[_i]);
    other = toy_build(&(fcnn_compile_options){.seed = 2});
    toy_get(model, before);
    toy_get(other, own);
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load_weights(other, path));
    toy_get(other, after);
    ck_assert(!memcmp(before, after, sizeof before) && memcmp(before, own, sizeof own) != 0);
    OK(fcnn_model_create(&small, 3, 3, 1));
    IO_FAILS(FCNN_BAD_ARGUMENT, "no weights before", fcnn_model_load_weights(small, path));
    OK(fcnn_add_flatten(small));
    OK(fcnn_add_dense(small, 3, FCNN_LINEAR));
    OK(fcnn_compile(small, NULL));
    float kept[30], found[30];
    OK(fcnn_model_get_weights(small, kept, 30));
    ck_assert_int_eq(fcnn_model_load_weights(small, path), FCNN_BAD_DATA);
    OK(fcnn_model_get_weights(small, found, 30));
    ck_assert(!memcmp(kept, found, sizeof kept));
    fcnn_model_destroy(model);
    fcnn_model_destroy(other);
    fcnn_model_destroy(small);
}
END_TEST

START_TEST(options_of_loading_and_saving)
{
    float *x;
    int32_t *y;
    fcnn_file_info info;
    fcnn_compile_options compiled;
    fcnn_state state;
    fcnn_model *model = trained(0, &x, &y), *read;
    const char *path = path_of(whole[_i]);
    IO_OK(fcnn_model_save(model, path, &(fcnn_save_options){.without_state = 1}));
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_weights && info.has_training && !info.has_state && !info.has_scale);
    ck_assert(info.input_scale == 1.0 / 255 && info.input_offset == 0);
    OK(fcnn_model_get_state(read, &state));
    ck_assert(state.steps == 0 && state.epochs == 0);
    fcnn_model_destroy(read);
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load(&read, path, &(fcnn_load_options){.not_compiled = 1}, &info));
    ck_assert(!info.has_weights && fcnn_model_layers(read) == fcnn_model_layers(model));
    FAILS(FCNN_BAD_ARGUMENT, fcnn_model_compile_options(read, &compiled));
    fcnn_model_destroy(read);
    const fcnn_compile_options sgd = {.optimizer = FCNN_OPTIMIZER_SGD, .learning_rate = 0.25f, .seed = 9};
    IO_OK(fcnn_model_load(&read, path, &(fcnn_load_options){.compile = &sgd}, &info));
    OK(fcnn_model_compile_options(read, &compiled));
    ck_assert(compiled.optimizer == FCNN_OPTIMIZER_SGD && compiled.seed == 9 && !info.has_state);
    fcnn_model_destroy(read);
    fcnn_model_destroy(model);
    free(x);
    free(y);
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole_or_not_at_all)
{
    size_t count, now;
    struct stat found;
    fcnn_model *model = toy_build(NULL);
    const char *path = path_of("b.h5"), *link = path_of("link.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    ck_assert(!chmod(path, 0640) && !symlink("b.h5", link));
    IO_OK(fcnn_model_save(model, link, NULL));
    ck_assert(!lstat(link, &found) && S_ISLNK(found.st_mode));
    ck_assert(!stat(path, &found) && (found.st_mode & 07777) == 0640);
    unsigned char *before = slurp(path, &count);
    IO_FAILS(FCNN_BAD_ARGUMENT, "no format of models has that end", fcnn_model_save(model, path_of("b.txt2"), NULL));
    IO_FAILS(FCNN_NO_FILE, "no/a.h5", fcnn_model_save(model, path_of("no/a.h5"), NULL));
    IO_FAILS(FCNN_NO_FILE, "No space left", fcnn_model_save(model, "/dev/full",
                                                            &(fcnn_save_options){.format = FCNN_FORMAT_H5}));
    unsigned char *after = slurp(path, &now);
    ck_assert(count == now && !memcmp(before, after, count));
    fcnn_model *bare;
    OK(fcnn_model_create(&bare, 3, 3, 1));
    IO_FAILS(FCNN_BAD_ARGUMENT, "b.h5", fcnn_model_save(bare, path, NULL));
    fcnn_model_destroy(bare);
    fcnn_model_destroy(model);
    free(before);
    free(after);
}
END_TEST

START_TEST(files_that_are_no_models)
{
    fcnn_model *model;
    IO_FAILS(FCNN_NO_FILE, "No such file", fcnn_model_load(&model, path_of("none.h5"), NULL, NULL));
    ck_assert(!model);
    IO_FAILS(FCNN_NO_FILE, folder, fcnn_model_load(&model, folder, NULL, NULL));
    spill(path_of("empty"), (const unsigned char *)"", 0);
    IO_FAILS(FCNN_BAD_DATA, "it is empty", fcnn_model_load(&model, path_of("empty"), NULL, NULL));
    spill(path_of("pk"), (const unsigned char *)"PK\3\4", 4);
    IO_FAILS(FCNN_BAD_DATA, "no directory at its end", fcnn_model_load(&model, path_of("pk"), NULL, NULL));
    ck_assert(!mkfifo(path_of("fifo"), 0600));
    ck_assert_int_ne(fcnn_model_load(&model, path_of("fifo"), &(fcnn_load_options){.format = FCNN_FORMAT_H5}, NULL),
                     FCNN_OK);
    fcnn_model *toy = toy_build(NULL);
    IO_OK(fcnn_model_save(toy, path_of("c.weights.h5"), NULL));
    IO_FAILS(FCNN_BAD_DATA, "it holds weights alone", fcnn_model_load(&model, path_of("c.weights.h5"), NULL, NULL));
    model = toy;
    IO_FAILS(FCNN_BAD_ARGUMENT, "path is NULL", fcnn_model_load(&model, NULL, NULL, NULL));
    ck_assert(!model);
    fcnn_model_destroy(toy);
}
END_TEST

START_TEST(a_user_block_is_called_so)
{
    static unsigned char bytes[1 << 20];
    size_t count;
    fcnn_model *model = toy_build(NULL);
    const char *path = path_of("a.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    fcnn_model_destroy(model);
    unsigned char *own = slurp(path, &count);
    const size_t block = (size_t)512 << _i;
    ck_assert(count + block <= sizeof bytes);
    memset(bytes, _i ? '#' : 0, block);
    memcpy(bytes + block, own, count);
    spill(path, bytes, block + count);
    IO_FAILS(FCNN_BAD_DATA, "begins behind a user block", fcnn_model_load(&model, path, NULL, NULL));
    IO_FAILS(FCNN_BAD_DATA, "begins behind a user block",
             fcnn_model_load(&model, path, &(fcnn_load_options){.format = FCNN_FORMAT_H5}, NULL));
    free(own);
}
END_TEST

START_TEST(the_scale_of_the_input)
{
    static const fcnn_layer between[] = {{.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1},
                                         {.kind = FCNN_LAYER_FLATTEN},
                                         {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f},
                                         {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_TANH_ACTIVATION}};
    fcnn_model *model, *read;
    fcnn_file_info info;
    const int scales = between[_i].kind != FCNN_LAYER_ACTIVATION;
    OK(fcnn_model_create(&model, 3, 3, 1));
    OK(fcnn_add_layer(model, &between[_i]));
    OK(fcnn_add_layer(model, &(fcnn_layer){.kind = FCNN_LAYER_RESCALING, .scale = 0.5f}));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 3, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    const char *path = path_of("scale.h5");
    IO_OK(fcnn_model_save(model, path, NULL));
    IO_OK(fcnn_model_load(&read, path, NULL, &info));
    ck_assert(info.has_scale == scales && info.input_scale == (scales ? 1 : 1.0 / 255));
    IO_FAILS(FCNN_BAD_ARGUMENT, "the input's scale is nan",
             fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = (double)NAN}));
    IO_FAILS(FCNN_BAD_ARGUMENT, "its offset -inf",
             fcnn_model_save(model, path, &(fcnn_save_options){.input_scale = 1, .input_offset = (double)-INFINITY}));
    fcnn_model_destroy(read);
    fcnn_model_destroy(model);
}
END_TEST

/* ---- JSON ---- */

#define MODEL(layers)                                                                                                  \
    "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"InputLayer\",\"config\":"                            \
    "{\"batch_input_shape\":[null,8,8,2],\"name\":\"in\"}}," layers "]}"
#define LAYER(class, members) "{\"class_name\":\"" class "\",\"config\":{\"name\":\"it\"" members "}}"

/* A number as Keras 2.2.3 to 2.3 wrote some. */
#define NUMPY(value) "{\"type\":\"ndarray\",\"value\":" value "}"

static fcnn_status read_text(fcnn_model **model, const char *text)
{
    json_t *config;
    *model = NULL;
    const fcnn_status parsed = io_json_parse(&config, text, strlen(text), "t");
    if (parsed) return parsed;
    const fcnn_status status = io_keras_read_model(model, config, "t");
    json_decref(config);
    return status;
}

/* The members that are not at their defaults. */
static const struct { const char *text; fcnn_layer layer; } good[] = {
    {LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3"), {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 3}},
    {LAYER("Conv2D", ",\"filters\":4.0,\"kernel_size\":[3,2],\"strides\":[2,1],\"padding\":\"SAME\",\"use_bias\":false,"
                     "\"activation\":{\"class_name\":\"function\",\"config\":\"relu\"},\"groups\":2"),
     {.kind = FCNN_LAYER_CONV2D, .units = 4, .r = 3, .s = 2, .stride_h = 2, .padding = FCNN_PAD_SAME, .no_bias = 1,
      .groups = 2, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("DepthwiseConv2D", ",\"kernel_size\":[3,3],\"dtype\":{\"class_name\":\"DTypePolicy\",\"config\":"
                              "{\"name\":\"mixed_float16\"}},\"dilation_rate\":2"),
     {.kind = FCNN_LAYER_DEPTHWISE_CONV2D, .units = 1, .r = 3, .s = 3, .dilation_h = 2, .dilation_w = 2}},
    {LAYER("MaxPooling2D", ",\"pool_size\":[3,2],\"strides\":null"),
     {.kind = FCNN_LAYER_MAXPOOL2D, .r = 3, .s = 2, .stride_h = 3, .stride_w = 2}},
    {LAYER("ZeroPadding2D", ",\"padding\":[[1,2],[3,4]]"),
     {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 1, .pad_bottom = 2, .pad_left = 3, .pad_right = 4}},
    {LAYER("ZeroPadding2D", ",\"padding\":[2,3]"),
     {.kind = FCNN_LAYER_ZERO_PADDING2D, .pad_top = 2, .pad_bottom = 2, .pad_left = 3, .pad_right = 3}},
    {LAYER("Dropout", ",\"rate\":0.5,\"noise_shape\":null,\"seed\":7"), {.kind = FCNN_LAYER_DROPOUT, .rate = 0.5f}},
    {LAYER("Rescaling", ",\"scale\":0.5,\"offset\":0"), {.kind = FCNN_LAYER_RESCALING, .scale = 0.5f}},
    {LAYER("ReLU", ",\"max_value\":null"), {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("ReLU", ",\"negative_slope\":" NUMPY("0.0") ",\"threshold\":" NUMPY("0") ",\"max_value\":"
                   NUMPY("null")),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("Activation", ",\"activation\":{\"class_name\":\"ReLU\",\"config\":{\"max_value\":null}}"),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_RELU_ACTIVATION}},
    {LAYER("Activation", ",\"activation\":{\"class_name\":\"tanh\",\"config\":{}}"),
     {.kind = FCNN_LAYER_ACTIVATION, .activation = FCNN_TANH_ACTIVATION}},
    {LAYER("BatchNormalization", ",\"axis\":[3],\"momentum\":0.9,\"center\":false"),
     {.kind = FCNN_LAYER_BATCH_NORMALIZATION, .momentum = 0.9f, .epsilon = 1e-3f, .no_center = 1}},
};

START_TEST(layers_are_read_as_keras_means_them)
{
    fcnn_model *model;
    fcnn_layer found, expected;
    char text[1024];
    snprintf(text, sizeof text, MODEL("%s"), good[_i].text);
    IO_OK(read_text(&model, text));
    OK(fcnn_model_layer_as_added(model, 0, &found));
    ck_assert_str_eq(found.name, "it");
    fcnn_model_destroy(model);
    OK(fcnn_model_create(&model, 8, 8, 2));
    OK(fcnn_add_layer(model, &good[_i].layer));
    OK(fcnn_model_layer_as_added(model, 0, &expected));
    found.name = expected.name = NULL;
    ck_assert(!memcmp(&found, &expected, sizeof found));
    fcnn_model_destroy(model);
}
END_TEST

static const struct { const char *text, *sentence; } bad[] = {
    {MODEL(LAYER("Conv2D", "")), "t: layer it (Conv2D): filters is missing"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4")), "kernel_size is missing"},
    {MODEL(LAYER("Conv2D", ",\"filters\":-4")), "filters is not a whole number from 1"},
    {MODEL(LAYER("Conv2D", ",\"filters\":1e300")), "filters is not a whole number"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":[3,3,3]")), "kernel_size is not a whole number"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3,\"padding\":\"causal\"")), "padding is causal"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":9")), "layer it (Conv2D)"},
    {MODEL(LAYER("Dense", ",\"units\":4,\"activation\":\"softmax\"")),
     "softmax takes a flat input, but its input is 8 x 8 x 4"},
    {MODEL(LAYER("ReLU", ",\"max_value\":6")), "layer it (ReLU): this max_value"},
    {MODEL(LAYER("ReLU", ",\"max_value\":" NUMPY("6.0"))), "layer it (ReLU): this max_value"},
    {MODEL(LAYER("ReLU", ",\"negative_slope\":" NUMPY("0.5"))), "this negative_slope"},
    {MODEL(LAYER("ReLU", ",\"threshold\":" NUMPY("[0]"))), "threshold is not a number"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"ReLU\",\"config\":{\"max_value\":6}}")),
     "this max_value"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"Softmax\",\"config\":{\"axis\":1}}")), "this axis"},
    {MODEL(LAYER("Activation", ",\"activation\":{\"class_name\":\"LeakyReLU\",\"config\":{}}")),
     "the activation LeakyReLU"},
    {MODEL(LAYER("Dropout", ",\"rate\":1")), "rate is 1"},
    {MODEL(LAYER("BatchNormalization", ",\"axis\":[1]")), "this axis"},
    {MODEL(LAYER("ZeroPadding2D", ",\"padding\":[[1,2],[3]]")), "padding is not ((top"},
    {MODEL(LAYER("Conv2D", ",\"filters\":4,\"kernel_size\":3,\"activation\":7")), "activation is no name"},
    {"{\"class_name\":\"Sequential\",\"config\":{\"layers\":[]}}", "the shape of the model's input is nowhere"},
    {"{\"class_name\":\"Sequential\",\"config\":{}}", "no list of layers"},
    {"{\"class_name\":\"MyModel\",\"config\":{}}", "a model of the class MyModel"},
    {"[]", "a model of the class (none)"},
    {"{\"class_name\":NaN}", "t: no JSON: line 1"},
};

START_TEST(models_that_are_refused)
{
    fcnn_model *model;
    const fcnn_status status = read_text(&model, bad[_i].text);
    ck_assert(status && !model);
    ck_assert_msg(strstr(fcnn_io_last_error(), bad[_i].sentence) != NULL, "%s", fcnn_io_last_error());
}
END_TEST

START_TEST(vectors_and_images_without_channels)
{
    fcnn_model *model;
    int64_t h, w, c;
    IO_OK(read_text(&model, "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Flatten\",\"config\":"
                            "{\"batch_input_shape\":[null,28,28]}},{\"class_name\":\"Dense\",\"config\":"
                            "{\"name\":\"a/b\",\"units\":3,\"activation\":{\"class_name\":\"Softmax\",\"config\":"
                            "{\"axis\":-1}}}}]}"));
    OK(fcnn_model_input(model, &h, &w, &c));
    ck_assert(h == 28 && w == 28 && c == 1);
    fcnn_layer layer;
    OK(fcnn_model_layer_as_added(model, 1, &layer));
    ck_assert_str_eq(layer.name, "a_b");
    ck_assert_int_eq(layer.activation, FCNN_SOFTMAX_ACTIVATION);
    fcnn_model_destroy(model);
    IO_OK(read_text(&model, "{\"class_name\":\"Sequential\",\"config\":{\"build_input_shape\":[null,784],\"layers\":["
                            "{\"class_name\":\"Reshape\",\"config\":{\"target_shape\":[28,-1,1]}},"
                            "{\"class_name\":\"Conv2D\",\"config\":{\"filters\":2,\"kernel_size\":3}}]}}"));
    OK(fcnn_model_input(model, &h, &w, &c));
    ck_assert(h == 28 && w == 28 && c == 1 && fcnn_model_layers(model) == 1);
    fcnn_model_destroy(model);
    IO_FAILS(FCNN_BAD_DATA, "its input has 3 dimensions",
             read_text(&model, "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Dense\",\"config\":"
                               "{\"batch_input_shape\":[null,28,28],\"units\":3}}]}"));
}
END_TEST

static const struct { const char *text; fcnn_compile_options options; const char *sentence; } trainings[] = {
    {"{\"optimizer_config\":{\"class_name\":\"Custom>Adam\",\"config\":{\"learning_rate\":0.25,\"weight_decay\":null,"
     "\"use_ema\":false}},\"loss\":{\"out\":\"mse\"}}",
     {.learning_rate = 0.25f, .loss = FCNN_LOSS_MEAN_SQUARED_ERROR}, NULL},
    {"{\"optimizer\":{\"class_name\":\"SGD\",\"config\":{\"momentum\":0.5,\"nesterov\":true,\"learning_rate\":"
     "{\"class_name\":\"CosineDecay\",\"config\":{\"initial_learning_rate\":0.5,\"decay_steps\":9,\"alpha\":0.25}}}},"
     "\"loss\":[{\"class_name\":\"function\",\"config\":\"categorical_crossentropy\"}]}",
     {.optimizer = FCNN_OPTIMIZER_SGD, .momentum = 0.5f, .nesterov = 1, .learning_rate = 0.5f,
      .schedule = FCNN_SCHEDULE_COSINE, .schedule_steps = 9, .schedule_factor = 0.25,
      .loss = FCNN_LOSS_CATEGORICAL_CROSSENTROPY}, NULL},
    {"{\"optimizer\":\"rmsprop\",\"loss\":\"sparse_categorical_crossentropy\"}",
     {.optimizer = FCNN_OPTIMIZER_RMSPROP}, NULL},
    {"{\"optimizer\":\"Nadam\"}", {0}, "the optimizer Nadam"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"amsgrad\":true}}}", {0}, "Adam: amsgrad"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"decay\":0.1}}}", {0}, "Adam: decay"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"epsilon\":0}}}", {0}, "epsilon is 0"},
    {"{\"optimizer\":{\"class_name\":\"Adam\",\"config\":{\"learning_rate\":{\"class_name\":\"Polynomial\"}}}}", {0},
     "schedule Polynomial"},
    {"{\"loss\":\"hinge\"}", {0}, "the loss hinge"},
};

START_TEST(training_is_read_as_keras_means_it)
{
    json_t *config;
    fcnn_compile_options options = {.seed = 77}, expected = trainings[_i].options;
    const char *text = trainings[_i].text;
    IO_OK(io_json_parse(&config, text, strlen(text), "t"));
    const fcnn_status status = io_keras_read_training(&options, config, "t");
    json_decref(config);
    expected.seed = 77;
    ck_assert_int_eq(status, trainings[_i].sentence ? FCNN_BAD_DATA : FCNN_OK);
    if (status) ck_assert_msg(strstr(fcnn_io_last_error(), trainings[_i].sentence) != NULL, "%s", fcnn_io_last_error());
    ck_assert(!memcmp(&options, &expected, sizeof options));
}
END_TEST

/* ---- damaged files ---- */

static fcnn_model *tiny(void)
{
    fcnn_model *model;
    OK(fcnn_model_create(&model, 4, 4, 1));
    OK(fcnn_add_conv2d(model, 2, 3, 3, 1, FCNN_PAD_VALID, FCNN_RELU_ACTIVATION));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 3, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    return model;
}

/* Reading gives a model, or NULL and a sentence with the file's name. */
static int reads(const unsigned char *bytes, size_t count)
{
    fcnn_model *model;
    const char *path = path_of("damaged");
    spill(path, bytes, count);
    const fcnn_status status = fcnn_model_load(&model, path, NULL, NULL);
    ck_assert(status ? !model && strstr(fcnn_io_last_error(), "damaged") : model != NULL);
    fcnn_model_destroy(model);
    return !status;
}

START_TEST(truncated_and_altered_files)
{
    size_t count, good_ones = 0, all = 0;
    uint32_t random = 5;
    fcnn_model *model = tiny();
    IO_OK(fcnn_model_save(model, path_of(whole[_i]), NULL));
    fcnn_model_destroy(model);
    unsigned char *bytes = slurp(path_of(whole[_i]), &count), *copy = malloc(count);
    for (size_t i = 0; i < count; i += 1 + (random >> 8) % 12, all++) { /* other places in each run of this loop */
        random = random * 1664525 + 1013904223;
        memcpy(copy, bytes, count);
        copy[i] = random >> 28 & 1 ? 0xff : (unsigned char)(copy[i] ^ 1 << (random >> 29));
        good_ones += (size_t)reads(copy, count);
        if (all % 8 == 0) ck_assert_msg(!reads(bytes, i), "%zu of %zu bytes are a model", i, count);
    }
    /* Weights have no checksum in HDF5; all of a zip archive's members have one. */
    ck_assert_msg(good_ones < (_i ? all / 20 : all) && all > 1000, "%zu of %zu", good_ones, all);
    ck_assert(reads(bytes, count));
    free(bytes);
    free(copy);
}
END_TEST

#define COUNT(table) ((int)(sizeof table / sizeof *table))

static void add(Suite *suite, const char *name, const TTest *test, int count)
{
    TCase *tcase = tcase_create(name);
    tcase_add_loop_test(tcase, test, 0, count);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
}

static Suite *make_suite(void)
{
    Suite *suite = suite_create("keras");
    add(suite, "round trips", a_model_comes_back_bit_by_bit_and_trains_on_as_it_would, 2 * zoo_count);
    add(suite, "weights alone", weights_alone_go_into_a_model_with_the_same_layers, 3);
    add(suite, "options", options_of_loading_and_saving, 2);
    add(suite, "replacing", a_file_is_replaced_as_a_whole_or_not_at_all, 1);
    add(suite, "no models", files_that_are_no_models, 1);
    add(suite, "user blocks", a_user_block_is_called_so, 4);
    add(suite, "scale", the_scale_of_the_input, 4);
    add(suite, "layers", layers_are_read_as_keras_means_them, COUNT(good));
    add(suite, "refused", models_that_are_refused, COUNT(bad));
    add(suite, "ranks", vectors_and_images_without_channels, 1);
    add(suite, "training", training_is_read_as_keras_means_it, COUNT(trainings));
    add(suite, "damaged", truncated_and_altered_files, 2);
    return suite;
}

int main(void)
{
    char command[128];
#ifndef HAVE_HDF5
    puts("SKIP: built without HDF5");
    return 77;
#endif
    toy_make_data();
    if (!mkdtemp(folder)) return 1;
    const int failed = run_suite(make_suite());
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) || failed;
}

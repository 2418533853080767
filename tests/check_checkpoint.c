/* SPDX-License-Identifier: BSD-2-Clause
 * Checkpoint files: a run goes on from one with the same bits and receipt; it is a model, too; no truncation and no
 * changed byte passes; what cannot be written leaves what was there. */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/io/checkpoint.h"
#include "lib/io/receipt.h"
#include "lib/io/replace.h"
#include "lib/io/whole.h"
#include "tests/suite.h"
#include "tests/toy.h"
#include "tests/zoo.h"

static char folder[] = "check_checkpoint.XXXXXX";
static char path[64];

#define IO_OK(call) ck_assert_msg((call) == FCNN_OK, "%s: %s", #call, fcnn_io_last_error())
#define IO_FAILS(expected, call, word)                                                                                 \
    do {                                                                                                               \
        ck_assert_msg((call) == (expected), "%s: %s", #call, fcnn_io_last_error());                                    \
        ck_assert_msg(strstr(fcnn_io_last_error(), word) != NULL, "not '%s': %s", word, fcnn_io_last_error());         \
    } while (0)

static const fcnn_fit_options plain = {.epochs = 3, .batch_size = 3, .validation_split = 0.25};

static void fit(fcnn_model *model, int epochs)
{
    fcnn_fit_options options = plain;
    options.epochs = epochs;
    OK(fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
}

static char *text_of(const fcnn_model *model)
{
    json_t *json;
    char message[256] = "";
    ck_assert_msg(!fcnn_receipt_json(&json, model, toy_images, toy_labels, message, sizeof message), "%s", message);
    char *text = fcnn_receipt_text(json);
    json_decref(json);
    return text;
}

static void same(const fcnn_model *a, const fcnn_model *b)
{
    char *x = text_of(a), *y = text_of(b);
    ck_assert_str_eq(x, y);
    free(x);
    free(y);
}

struct saver {
    const fcnn_model *model;
    int left; /* calls until it writes and stops */
};

static int save_and_stop(void *context, const fcnn_progress *progress)
{
    struct saver *saver = context;
    (void)progress;
    if (--saver->left) return 0;
    IO_OK(fcnn_checkpoint_save(saver->model, path, NULL));
    return 1;
}

/* A model that stopped in its callback number `at`, and wrote its checkpoint there. */
static fcnn_model *stopped(int at, int given)
{
    fcnn_model *model = toy_build(&(fcnn_compile_options){.seed = UINT64_MAX - 4, .shards = 3});
    float weights[TOY_PARAMETERS];
    struct saver saver = {model, at};
    fcnn_fit_options options = plain;
    options.callback = save_and_stop;
    options.context = &saver;
    if (given) {
        for (int i = 0; i < TOY_PARAMETERS; i++) weights[i] = i % 3 ? (float)(i % 11 - 5) / 16 : -0.0f;
        OK(fcnn_model_set_weights(model, weights, TOY_PARAMETERS));
    }
    FAILS(FCNN_INTERRUPTED, fcnn_fit(model, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    return model;
}

/* ---- going on ---- */

/* 4 steps and an end in each of 3 epochs. */
START_TEST(a_run_goes_on_from_its_file)
{
    for (int at = 1; at < 15; at++) {
        fcnn_model *a = stopped(at, _i), *b;
        fcnn_file_info info;
        fcnn_state state;
        IO_OK(fcnn_checkpoint_load(&b, path, &(fcnn_options){.threads = at % 3 + 1, .isa = at % 2 ? "scalar" : NULL},
                                   NULL, &info));
        ck_assert(info.has_weights && info.has_state && info.has_training);
        same(a, b);
        OK(fcnn_model_get_state(b, &state));
        ck_assert_int_eq(state.epoch_steps, at % 5);
        fit(a, 3 - (int)state.epochs);
        fit(b, 3 - (int)state.epochs);
        same(a, b);
        fcnn_model_destroy(a);
        fcnn_model_destroy(b);
    }
}
END_TEST

/* Before the first step there is no run yet, only what it will begin with. */
START_TEST(a_run_begins_from_a_file)
{
    fcnn_model *a = toy_build(&(fcnn_compile_options){.seed = 5}), *b;
    float ones[TOY_PARAMETERS], read[TOY_PARAMETERS];
    for (int i = 0; i < TOY_PARAMETERS; i++) ones[i] = _i == 1 ? 0.125f : -0.0f; /* which is not left out as 0 is */
    if (_i) OK(fcnn_model_set_array(a, FCNN_ARRAY_MOMENT_1, ones, TOY_PARAMETERS));
    IO_OK(fcnn_checkpoint_save(a, path, NULL));
    IO_OK(fcnn_checkpoint_load(&b, path, NULL, NULL, NULL));
    OK(fcnn_model_get_array(a, FCNN_ARRAY_MOMENT_1, ones, TOY_PARAMETERS));
    OK(fcnn_model_get_array(b, FCNN_ARRAY_MOMENT_1, read, TOY_PARAMETERS));
    ck_assert(!memcmp(ones, read, sizeof ones));
    fit(a, 1);
    fit(b, 1);
    same(a, b);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* Text and best epoch come back; the best epoch's model is what it was. */
START_TEST(what_is_beside_the_model_comes_back)
{
    static const char words[] = "{\"a\": [1, \"\xc3\xa9\\\"xxh3\\\":\"]}\n";
    fcnn_model *a = toy_build(NULL), *b;
    fcnn_snapshot *best = NULL;
    fcnn_checkpoint found;
    fit(a, 1);
    OK(fcnn_snapshot_take(&best, a));
    fit(a, 1);
    IO_OK(fcnn_checkpoint_save(a, path, &(fcnn_checkpoint_options){.program = words, .best = best,
                                                                   .input_scale = 2, .input_offset = -1}));
    fcnn_file_info info;
    IO_OK(fcnn_checkpoint_load(&b, path, NULL, &found, &info));
    ck_assert_str_eq(found.program, words);
    ck_assert(info.has_scale && info.input_scale == 2 && info.input_offset == -1);
    same(a, b);
    OK(fcnn_snapshot_restore(best, a));
    OK(fcnn_snapshot_restore(found.best, b));
    same(a, b);
    fit(a, 1);
    fit(b, 1);
    same(a, b);
    fcnn_checkpoint_free(&found);
    ck_assert(!found.program && !found.best);
    fcnn_checkpoint_free(NULL);

    fcnn_model *other = toy_build(NULL); /* the snapshot is none of its run */
    fcnn_fit_options options = plain;
    options.no_shuffle = 1;
    OK(fcnn_model_set_weights(other, toy_images, TOY_PARAMETERS));
    OK(fcnn_fit(other, toy_images, toy_labels, TOY_IMAGES, &options, NULL));
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_save(other, path, &(fcnn_checkpoint_options){.best = best}),
             "another run");
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_save(other, path, &(fcnn_checkpoint_options){.program = "\xff"}),
             "UTF-8");
    fcnn_snapshot_destroy(best);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
    fcnn_model_destroy(other);
}
END_TEST

/* Every kind of layer and optimizer. */
START_TEST(models_of_all_kinds_go_on)
{
    fcnn_model *a = zoo_make(_i), *b;
    fcnn_receipt x, y;
    float *data;
    int32_t *labels;
    const fcnn_fit_options options = {.batch_size = 4};
    zoo_data(a, 10, &data, &labels);
    OK(fcnn_fit(a, data, labels, 10, &options, NULL));
    IO_OK(fcnn_checkpoint_save(a, path, NULL));
    IO_OK(fcnn_checkpoint_load(&b, path, NULL, NULL, NULL));
    zoo_same(a, b, 1);
    OK(fcnn_fit(a, data, labels, 10, &options, NULL));
    OK(fcnn_fit(b, data, labels, 10, &options, NULL));
    zoo_same(a, b, 1);
    OK(fcnn_model_receipt(a, &x));
    OK(fcnn_model_receipt(b, &y));
    ck_assert(x.given && y.given && x.epochs == 2 && y.epochs == 2);
    ck_assert_str_eq(x.data, y.data);
    free(data);
    free(labels);
    fcnn_model_destroy(a);
    fcnn_model_destroy(b);
}
END_TEST

/* A checkpoint is a model; a model is no checkpoint. */
START_TEST(a_checkpoint_is_a_model)
{
    fcnn_model *a = stopped(8, 1), *b;
    fcnn_file_info info;
    fcnn_state state;
    IO_OK(fcnn_model_load(&b, path, NULL, &info));
    ck_assert(info.format == FCNN_FORMAT_SAFETENSORS && info.has_state);
    toy_same(a, b);
    OK(fcnn_model_get_state(b, &state));
    ck_assert(state.steps == 7 && state.epochs == 1 && state.epoch_steps == 0);
    IO_OK(fcnn_model_load_weights(b, path));
    IO_OK(fcnn_model_save(a, path, &(fcnn_save_options){.format = FCNN_FORMAT_SAFETENSORS}));
    fcnn_model_destroy(b);
    IO_FAILS(FCNN_BAD_DATA, fcnn_checkpoint_load(&b, path, NULL, NULL, NULL), "no checkpoint");
    ck_assert(!b);
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_load(&b, folder, NULL, NULL, NULL), folder);
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_load(&b, "none/x", NULL, NULL, NULL), "none/x");
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_load(NULL, path, NULL, NULL, NULL), "model");
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_load(&b, NULL, NULL, NULL, NULL), "path");
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_save(NULL, path, NULL), "model");
    fcnn_model_destroy(a);
}
END_TEST

/* ---- damage ---- */

/* The smallest model, so that each byte can be tried. */
static void make_small(unsigned char **bytes, size_t *count)
{
    static const float x[] = {0.5f, -1, 2, 0.25f, 1, 3, -2, 0};
    static const int32_t y[] = {0, 1, 0, 1};
    fcnn_model *model;
    fcnn_snapshot *best = NULL;
    OK(fcnn_model_create(&model, 1, 2, 1));
    OK(fcnn_add_flatten(model));
    OK(fcnn_add_dense(model, 2, FCNN_LINEAR));
    OK(fcnn_compile(model, NULL));
    OK(fcnn_model_set_weights(model, x, 6));
    OK(fcnn_fit(model, x, y, 4, &(fcnn_fit_options){.batch_size = 2}, NULL));
    OK(fcnn_snapshot_take(&best, model));
    IO_OK(fcnn_checkpoint_save(model, path, &(fcnn_checkpoint_options){.best = best, .program = "some text"}));
    IO_OK(io_whole_read(bytes, count, path, 1 << 20));
    fcnn_snapshot_destroy(best);
    fcnn_model_destroy(model);
}

/* Of a block of just that size, so that a sanitizer sees what is read behind it. */
static void refused(const unsigned char *bytes, size_t count)
{
    fcnn_model *model;
    fcnn_checkpoint found;
    fcnn_file_info info = {0};
    unsigned char *copy = malloc(count ? count : 1);
    memcpy(copy, bytes, count);
    ck_assert_int_eq(io_checkpoint_read(&model, copy, count, "FILE", NULL, &found, &info), FCNN_BAD_DATA);
    ck_assert(!model && !found.program && !found.best && !strncmp(fcnn_io_last_error(), "FILE: ", 6));
    free(copy);
}

START_TEST(no_part_and_no_changed_byte_is_a_checkpoint)
{
    unsigned char *bytes;
    size_t count;
    make_small(&bytes, &count);
    for (size_t i = 0; i < count; i++) refused(bytes, i);
    for (size_t i = 0; i < count; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            refused(bytes, count);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    unsigned char *longer = calloc(count + 1, 1);
    memcpy(longer, bytes, count);
    refused(longer, count + 1);
    free(longer);
    fcnn_model *model;
    IO_OK(fcnn_checkpoint_load(&model, path, NULL, NULL, NULL)); /* as it was it is one */
    fcnn_model_destroy(model);
    free(bytes);
}
END_TEST

/* Whoever lies puts the right checksum on it: members are checked for themselves. */
static void rewritten(const char *from, const char *to, const char *word)
{
    fcnn_model *model = stopped(7, 1);
    unsigned char *bytes;
    size_t count;
    IO_OK(io_whole_read(&bytes, &count, path, 1 << 20));
    ck_assert_int_eq(strlen(from), strlen(to));
    char *begin = memmem(bytes, count, from, strlen(from));
    ck_assert_msg(begin != NULL, "no '%s' in the file", from);
    memcpy(begin, to, strlen(to));
    fcnn_file_info info = {0};
    fcnn_checkpoint found;
    fcnn_model *read;
    io_checkpoint_seal(bytes, count);

    ck_assert_int_eq(io_checkpoint_read(&read, bytes, count, "FILE", NULL, &found, &info), FCNN_BAD_DATA);
    ck_assert_msg(strstr(fcnn_io_last_error(), word) != NULL, "not '%s': %s", word, fcnn_io_last_error());
    free(bytes);
    fcnn_model_destroy(model);
}

START_TEST(members_are_checked)
{
    rewritten("\\\"format\\\":1", "\\\"format\\\":2", "format");
    rewritten("\\\"numerics\\\":", "\\\"numericz\\\":", "numerics is not");
    rewritten("\\\"given\\\":true", "\\\"given\\\":null", "given");
    rewritten("\\\"given\\\":true", "\\\"given\\\":fals", "checkpoint");
    rewritten("\\\"epoch_steps\\\":2", "\\\"epoch_steps\\\":9", "in the epoch under way");
    rewritten("\\\"epoch_steps\\\":2", "\\\"epoch_steps\\\":5", "step 5 of an epoch");
    rewritten("\\\"images\\\":12", "\\\"images\\\":-1", "images");
    rewritten("\\\"batch_size\\\":3", "\\\"batch_size\\\":0", "batch_size");
    rewritten("\\\"classes\\\":\\\"exact", "\\\"classes\\\":\\\"Exact", "classes");
}
END_TEST

/* ---- writing ---- */

/* What is in the folder beside the checkpoint. */
static int others(void)
{
    char command[128];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | grep -vc '^run$'", folder);
    FILE *out = popen(command, "r");
    ck_assert(out && fscanf(out, "%d", &count) == 1);
    pclose(out);
    return count;
}

START_TEST(what_cannot_be_written_leaves_what_was_there)
{
    fcnn_model *model = stopped(1, 0), *read;
    struct rlimit limit, small;
    unsigned char *before, *after;
    size_t count, again;
    IO_OK(io_whole_read(&before, &count, path, 1 << 20));
    ck_assert(!getrlimit(RLIMIT_FSIZE, &limit));
    small = limit;
    small.rlim_cur = 2000;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert(!setrlimit(RLIMIT_FSIZE, &small));
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, path, NULL), "too large");
    ck_assert(!setrlimit(RLIMIT_FSIZE, &limit));
    IO_OK(io_whole_read(&after, &again, path, 1 << 20));
    ck_assert(count == again && !memcmp(before, after, count));
    ck_assert_int_eq(others(), 0);
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, folder, NULL), folder);
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, "none/x", NULL), "none/x");
    IO_FAILS(FCNN_BAD_ARGUMENT, fcnn_checkpoint_save(model, path, &(fcnn_checkpoint_options){.input_scale = INFINITY}),
             "scale");
    if (geteuid()) { /* nobody keeps root out */
        chmod(folder, 0500);
        IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, path, NULL), path);
        chmod(folder, 0700);
    }
    IO_OK(fcnn_checkpoint_load(&read, path, NULL, NULL, NULL));
    fcnn_model_destroy(read);
    free(before);
    free(after);
    fcnn_model_destroy(model);
}
END_TEST

/* A file beside that nobody has locked is a dead writer's; one that somebody has is left alone. */
START_TEST(leftovers_of_the_dead_are_removed)
{
    char left[96], live[96];
    fcnn_model *model = toy_build(NULL);
    snprintf(left, sizeof left, "%s/.run.fastcnn-0.tmp", folder);
    snprintf(live, sizeof live, "%s/.run.fastcnn-1.tmp", folder);
    close(open(left, O_WRONLY | O_CREAT, 0666));
    IO_OK(fcnn_checkpoint_save(model, path, NULL));
    ck_assert_int_eq(others(), 0);
    int fd = open(left, O_WRONLY | O_CREAT, 0666);
    ck_assert(!flock(fd, LOCK_EX));
    close(open(live, O_WRONLY | O_CREAT, 0666));
    IO_OK(fcnn_checkpoint_save(model, path, NULL));
    ck_assert(!access(left, F_OK) && access(live, F_OK));
    close(fd);
    IO_OK(fcnn_checkpoint_save(model, path, NULL));
    ck_assert_int_eq(others(), 0);
    close(open(live, O_WRONLY | O_CREAT, 0666)); /* whose number nobody needs */
    IO_OK(fcnn_checkpoint_save(model, path, NULL));
    ck_assert_int_eq(others(), 0);
    fcnn_model_destroy(model);
}
END_TEST

/* Every file but a trail is written so: receipts, histories, models, tuning files. Whoever looks, at whatever moment,
 * sees one writer's bytes, all of them; afterwards nothing lies beside. */
START_TEST(of_several_writers_each_leaves_a_whole_file)
{
    enum { WRITERS = 3, TIMES = 40, BYTES = 300000 };
    static char content[BYTES];
    pid_t writers[WRITERS];
    int left = WRITERS, looks = 0, seen = 0;
    memset(content, 'x', sizeof content);
    IO_OK(io_replace(path, &(struct io_piece){content, BYTES}, 1));
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        ck_assert_int_ge(writers[i], 0);
        if (writers[i]) continue;
        memset(content, 'a' + i, sizeof content);
        int failed = 0;
        for (int j = 0; j < TIMES; j++) /* of different lengths */
            failed |= io_replace(path, &(struct io_piece){content, (size_t)(BYTES - i)}, 1) != FCNN_OK;
        _exit(failed);
    }
    while (left) {
        unsigned char *bytes;
        size_t count;
        int status;
        while (left && waitpid(-1, &status, WNOHANG) > 0) ck_assert(!status), left--;
        IO_OK(io_whole_read(&bytes, &count, path, 1 << 20));
        const int who = bytes[0] == 'x' ? 0 : bytes[0] - 'a';
        ck_assert_uint_eq(count, (size_t)(BYTES - who));
        for (size_t i = 1; i < count; i++) ck_assert(bytes[i] == bytes[0]);
        seen |= 1 << (bytes[0] == 'x' ? WRITERS : who);
        looks++;
        free(bytes);
    }
    ck_assert_msg(looks > 1 && seen != 1 << WRITERS, "%d looks saw %x", looks, (unsigned)seen);
    ck_assert_int_eq(others(), 0);
}
END_TEST

/* A symbolic link goes on pointing to what is written; the file keeps its mode. */
START_TEST(links_are_written_through)
{
    char link[96];
    struct stat st;
    fcnn_model *model = toy_build(NULL);
    snprintf(link, sizeof link, "%s/link", folder);
    IO_OK(fcnn_checkpoint_save(model, path, NULL));
    chmod(path, 0640);
    ck_assert(!symlink("run", link));
    IO_OK(fcnn_checkpoint_save(model, link, NULL));
    ck_assert(!lstat(link, &st) && S_ISLNK(st.st_mode) && !stat(path, &st) && (st.st_mode & 0777) == 0640);
    unlink(path);
    IO_OK(fcnn_checkpoint_save(model, link, NULL)); /* to nothing */
    ck_assert(!lstat(link, &st) && S_ISLNK(st.st_mode) && !lstat(path, &st) && S_ISREG(st.st_mode));
    unlink(link);
    ck_assert(!symlink("link", link));
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, link, NULL), "link"); /* to itself */
    unlink(link);
    ck_assert(!mkfifo(link, 0600));
    IO_FAILS(FCNN_NO_FILE, fcnn_checkpoint_save(model, link, NULL), "nobody reads it");
    unlink(link);
    fcnn_model_destroy(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_run_goes_on_from_its_file, 0, 2);
    tcase_add_loop_test(tests, a_run_begins_from_a_file, 0, 3);
    tcase_add_test(tests, what_is_beside_the_model_comes_back);
    tcase_add_loop_test(tests, models_of_all_kinds_go_on, 0, zoo_count);
    tcase_add_test(tests, a_checkpoint_is_a_model);
    tcase_add_test(tests, no_part_and_no_changed_byte_is_a_checkpoint);
    tcase_add_test(tests, members_are_checked);
    tcase_add_test(tests, what_cannot_be_written_leaves_what_was_there);
    tcase_add_test(tests, leftovers_of_the_dead_are_removed);
    tcase_add_test(tests, of_several_writers_each_leaves_a_whole_file);
    tcase_add_test(tests, links_are_written_through);
    suite_add_tcase(suite, tests);
    toy_make_data();
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/run", folder);
    const int code = run_suite(suite);
    unlink(path);
    rmdir(folder);
    return code;
}

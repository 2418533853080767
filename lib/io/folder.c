/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Folders of PNG files as a data set: DIR/CLASS/FILE.png, or DIR/train/CLASS/FILE.png and DIR/test/CLASS/FILE.png. All
 * headers are looked at before memory for the images is asked for. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/io/dataset.h"
#include "lib/io/fail.h"
#include "lib/io/png.h"

#define MOST_FILES (1 << 24)
#define TEST_EVERY 7 /* of a folder that is not split; MNIST has as many for each test image */

/* ---- names ---- */

struct names {
    struct dirent **entries; /* scandir()'s */
    int count;
};

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int is_png(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return visible(entry) && length > 4 && !strcasecmp(entry->d_name + length - 4, ".png");
}

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static fcnn_status list(struct names *names, const char *path, int (*filter)(const struct dirent *))
{
    names->entries = NULL;
    names->count = scandir(path, &names->entries, filter, by_bytes);
    if (names->count >= 0) return FCNN_OK;
    names->count = 0;
    return fcnn_io_fail(errno == ENOMEM ? FCNN_OUT_OF_MEMORY : FCNN_NO_FILE, "%s: cannot be listed: %s", path,
                        strerror(errno));
}

static void free_names(struct names *names)
{
    for (int i = 0; i < names->count; i++) free(names->entries[i]);
    free(names->entries);
    *names = (struct names){0};
}

static char *join(const char *folder, const char *name)
{
    char *path = malloc(strlen(folder) + strlen(name) + 2);
    if (path) strcat(strcat(strcpy(path, folder), "/"), name);
    return path;
}

static int is_folder(const char *path)
{
    struct stat st;
    return path && !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* DIR/train or DIR/training, DIR/test or DIR/testing; NULL: there is none. free() it. */
static char *part_of(const char *path, int training)
{
    static const char *const words[2][2] = {{"test", "testing"}, {"train", "training"}};
    for (int i = 0; i < 2; i++) {
        char *part = join(path, words[training][i]);
        if (is_folder(part)) return part;
        free(part);
    }
    return NULL;
}

int fcnn_folder_is_split(const char *path)
{
    char *train = part_of(path, 1), *test = part_of(path, 0);
    const int split = train || test;
    free(train);
    free(test);
    return split;
}

/* ---- classes and their files ---- */

struct item {
    char *path;
    int label;
    int64_t rank, siblings; /* in its class */
};

struct folder {
    const char *path;
    char **classes;
    int class_count, class_room;
    struct item *items;
    int64_t count, room;
    int any_color;
};

static fcnn_status no_memory(const struct folder *folder)
{
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", folder->path);
}

static void free_folder(struct folder *folder)
{
    for (int i = 0; i < folder->class_count; i++) free(folder->classes[i]);
    for (int64_t i = 0; i < folder->count; i++) free(folder->items[i].path);
    free(folder->classes);
    free(folder->items);
}

/* Room for one more element; `array` as realloc() has it. */
static void *grow(void *array, int64_t count, int64_t *room, size_t size)
{
    if (count < *room) return array;
    const int64_t wanted = *room ? *room * 2 : 64;
    void *larger = realloc(array, (size_t)wanted * size);
    if (larger) *room = wanted;
    return larger;
}

static fcnn_status add_class(struct folder *folder, const char *name)
{
    int64_t room = folder->class_room;
    for (int i = 0; i < folder->class_count; i++)
        if (!strcmp(folder->classes[i], name)) return FCNN_OK;
    if (folder->class_count == FCNN_MOST_CLASSES)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: more than %d classes", folder->path, FCNN_MOST_CLASSES);
    char **larger = grow(folder->classes, folder->class_count, &room, sizeof *larger);
    if (!larger) return no_memory(folder);
    folder->classes = larger;
    folder->class_room = (int)room;
    folder->classes[folder->class_count] = strdup(name);
    return folder->classes[folder->class_count++] ? FCNN_OK : no_memory(folder);
}

/* The sub-folders that have PNG files; `part` NULL: none. */
static fcnn_status add_classes(struct folder *folder, const char *part)
{
    struct names names = {0}, files;
    fcnn_status status = part ? list(&names, part, visible) : FCNN_OK;
    for (int i = 0; i < names.count && !status; i++) {
        char *path = join(part, names.entries[i]->d_name);
        if (!path) status = no_memory(folder);
        else if (is_folder(path)) {
            status = list(&files, path, is_png);
            if (!status && files.count) status = add_class(folder, names.entries[i]->d_name);
            free_names(&files);
        }
        free(path);
    }
    free_names(&names);
    return status;
}

static fcnn_status add_item(struct folder *folder, struct item item)
{
    if (!item.path) return no_memory(folder);
    struct item *larger = grow(folder->items, folder->count, &folder->room, sizeof *larger);
    if (larger) folder->items = larger;
    if (larger && folder->count < MOST_FILES) {
        folder->items[folder->count++] = item;
        return FCNN_OK;
    }
    free(item.path);
    return larger ? fcnn_io_fail(FCNN_BAD_DATA, "%s: more than %d files", folder->path, MOST_FILES) : no_memory(folder);
}

static fcnn_status add_files(struct folder *folder, const char *part, int label)
{
    struct names files = {0};
    char *path = join(part, folder->classes[label]);
    fcnn_status status = !path ? no_memory(folder) : is_folder(path) ? list(&files, path, is_png) : FCNN_OK;
    for (int i = 0; i < files.count && !status; i++)
        status = add_item(folder, (struct item){join(path, files.entries[i]->d_name), label, i, files.count});
    free_names(&files);
    free(path);
    return status;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Image r of a class with n comes at (r + 1/2) / n of the whole; in exact integers. */
static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const int64_t left = (2 * x->rank + 1) * y->siblings, right = (2 * y->rank + 1) * x->siblings;
    return left != right ? (left > right) - (left < right) : x->label - y->label;
}

/* Every seventh for the test, the others for training. */
static void split(struct folder *folder, int training)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < folder->count; i++)
        if ((i % TEST_EVERY == TEST_EVERY - 1) != training) folder->items[kept++] = folder->items[i];
        else free(folder->items[i].path);
    folder->count = kept;
}

static fcnn_status collect(struct folder *folder, const char *train, const char *test, enum fcnn_data_part wanted)
{
    const int divided = train || test;
    const char *part = !divided ? folder->path : wanted == FCNN_DATA_TRAIN ? train : test;
    if (!part)
        return fcnn_io_fail(FCNN_NO_FILE, "%s: there is no folder %s beside %s", folder->path,
                            wanted == FCNN_DATA_TRAIN ? "train" : "test", train ? train : test);
    IO_TRY(add_classes(folder, divided ? train : folder->path));
    IO_TRY(add_classes(folder, divided ? test : NULL));
    if (folder->class_count) qsort(folder->classes, (size_t)folder->class_count, sizeof *folder->classes, by_name);
    for (int i = 0; i < folder->class_count; i++) IO_TRY(add_files(folder, part, i));
    if (folder->count) qsort(folder->items, (size_t)folder->count, sizeof *folder->items, by_place);
    if (!divided && wanted != FCNN_DATA_ANY) split(folder, wanted == FCNN_DATA_TRAIN);
    if (folder->count) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: no images; expected a folder of PNG files for each class", part);
}

/* ---- pixels ---- */

/* Sizes and colours of all files, before memory for them is asked for. */
static fcnn_status look(struct folder *folder, struct fcnn_dataset *set)
{
    struct fcnn_png_header header;
    for (int64_t i = 0; i < folder->count; i++) {
        IO_TRY(fcnn_png_look(&header, folder->items[i].path));
        if (!i) *set = (struct fcnn_dataset){.n = folder->count, .h = header.h, .w = header.w};
        if (header.h != set->h || header.w != set->w)
            return fcnn_io_fail(FCNN_BAD_DATA, "%s: %lld x %lld pixels, but %s has %lld x %lld: all must have one size",
                                folder->items[i].path, (long long)header.h, (long long)header.w, folder->items[0].path,
                                (long long)set->h, (long long)set->w);
        folder->any_color |= header.color;
    }
    set->c = folder->any_color ? 3 : 1;
    return FCNN_OK;
}

static fcnn_status read_image(const char *path, const struct fcnn_dataset *set, float *x)
{
    fcnn_picture picture;
    IO_TRY(fcnn_picture_read(&picture, path));
    const int64_t colors = picture.c > 2 ? 3 : 1, pixels = picture.h * picture.w;
    const int alpha = picture.c % 2 == 0;
    fcnn_status status = FCNN_OK;
    if (picture.h != set->h || picture.w != set->w || colors > set->c)
        status = fcnn_io_fail(FCNN_BAD_DATA, "%s: the file changed while it was read", path);
    for (int64_t i = 0; i < pixels && !status; i++) {
        const unsigned char *from = picture.pixels + i * picture.c;
        if (alpha && from[colors] != 255)
            status = fcnn_io_fail(FCNN_BAD_DATA, "%s: pixel (%lld, %lld) is transparent: say what is behind by "
                "flattening "
                                  "the picture", path, (long long)(i / picture.w), (long long)(i % picture.w));
        for (int64_t j = 0; j < set->c; j++) x[i * set->c + j] = (float)from[colors == 3 ? j : 0] / 255.0f;
    }
    fcnn_picture_free(&picture);
    return status;
}

/* Three channels that are equal everywhere become one. */
static void drop_color(struct fcnn_dataset *set)
{
    const int64_t pixels = set->n * set->h * set->w;
    for (int64_t i = 0; i < pixels; i++) {
        const float *x = set->x + 3 * i;
        if (x[0] != x[1] || x[0] != x[2]) return;
    }
    for (int64_t i = 0; i < pixels; i++) set->x[i] = set->x[3 * i];
    set->c = 1;
    float *smaller = realloc(set->x, (size_t)pixels * sizeof *smaller);
    if (smaller) set->x = smaller;
}

static fcnn_status name_classes(const struct folder *folder, struct fcnn_dataset *set)
{
    size_t bytes = 0;
    for (int i = 0; i < folder->class_count; i++) bytes += strlen(folder->classes[i]) + 1;
    char *at = set->names = malloc(bytes);
    if (!at) return no_memory(folder);
    for (int i = 0; i < folder->class_count; i++) at = stpcpy(at, folder->classes[i]) + 1;
    set->classes = folder->class_count;
    return FCNN_OK;
}

static fcnn_status load(struct folder *folder, struct fcnn_dataset *set, int64_t limit)
{
    IO_TRY(look(folder, set));
    if (limit > 0 && limit < set->n) set->n = limit;
    const int64_t image = set->h * set->w * set->c;
    set->x = malloc((size_t)(set->n * image) * sizeof *set->x);
    set->y = malloc((size_t)set->n * sizeof *set->y);
    set->files = calloc((size_t)set->n, sizeof *set->files);
    if (!set->x || !set->y || !set->files) return no_memory(folder);
    for (int64_t i = 0; i < set->n; i++) {
        IO_TRY(read_image(folder->items[i].path, set, set->x + i * image));
        set->y[i] = folder->items[i].label;
        set->files[i] = folder->items[i].path; /* from here on the set's */
        folder->items[i].path = NULL;
    }
    if (set->c == 3) drop_color(set);
    return name_classes(folder, set);
}

fcnn_status fcnn_folder_load(struct fcnn_dataset *set, const char *path, enum fcnn_data_part part, int64_t limit)
{
    struct folder folder = {.path = path};
    char *train = part_of(path, 1), *test = part_of(path, 0);
    *set = (struct fcnn_dataset){0};
    fcnn_status status = collect(&folder, train, test, part);
    if (!status) status = load(&folder, set, limit);
    free_folder(&folder);
    free(train);
    free(test);
    if (status) fcnn_dataset_free(set);
    return status;
}

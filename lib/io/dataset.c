/* SPDX-License-Identifier: BSD-2-Clause
 * See dataset.h. */
#include "lib/io/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fail.h"

static int begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

/* ---- what is there ---- */

struct found {
    int idx, folders, emnist, qmnist; /* entries of these kinds */
};

static void judge(struct found *found, int fd, const struct dirent *entry)
{
    struct stat st;
    const char *name = entry->d_name;
    if (*name == '.') return;
    found->idx += begins(name, "train-images") || begins(name, "train-labels") || begins(name, "t10k-images") ||
                  begins(name, "t10k-labels");
    found->emnist += begins(name, "emnist-");
    found->qmnist += begins(name, "qmnist-");
    found->folders += !fstatat(fd, name, &st, 0) && S_ISDIR(st.st_mode);
}

static struct found list(const char *path)
{
    struct found found = {0};
    DIR *folder = opendir(path);
    if (!folder) return found;
    for (const struct dirent *entry; (entry = readdir(folder));) judge(&found, dirfd(folder), entry);
    closedir(folder);
    return found;
}

/* Every zip file begins with the letters of its inventor. */
static int is_zip(const char *path)
{
    char start[2] = "";
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const int zip = fd >= 0 && read(fd, start, 2) == 2 && start[0] == 'P' && start[1] == 'K';
    if (fd >= 0) close(fd);
    return zip;
}

enum fcnn_data_kind fcnn_data_look(const char *path)
{
    struct stat st;
    if (stat(path, &st)) return FCNN_DATA_NONE;
    if (S_ISREG(st.st_mode)) return is_zip(path) ? FCNN_DATA_NPZ : FCNN_DATA_NONE;
    if (!S_ISDIR(st.st_mode)) return FCNN_DATA_NONE;
    const struct found found = list(path);
    return found.idx ? FCNN_DATA_IDX : found.folders ? FCNN_DATA_PNG : FCNN_DATA_NONE;
}

const char *fcnn_data_kind_name(enum fcnn_data_kind kind)
{
    static const char *const names[] = {"no data", "IDX files", "npz file", "PNG files"};
    return (unsigned)kind <= FCNN_DATA_PNG ? names[kind] : "unknown";
}

/* ---- loading ---- */

static fcnn_status load_idx(struct fcnn_dataset *set, const char *path, int training, int64_t limit)
{
    char message[768];
    const fcnn_status status = fcnn_idx_load(set, path, training, limit, 0, message, sizeof message);
    return status ? fcnn_io_fail(status, "%s", message) : FCNN_OK;
}

static fcnn_status refuse(const char *path)
{
    struct stat st;
    if (stat(path, &st)) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", path, strerror(errno));
    const struct found found = list(path);
    if (found.emnist)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: EMNIST's images are transposed, its classes begin at 0 or 1 by the "
            "file; "
                            "they are not read as they are", path);
    if (found.qmnist)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: QMNIST's extended labels (idx2-int) are not read", path);
    if (S_ISDIR(st.st_mode))
        return fcnn_io_fail(FCNN_NO_FILE, "%s: no data: neither IDX files (tried train-images-idx3-ubyte and t10k-..., "
                            "also with .gz) nor folders of PNG files, one for each class", path);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: not a data set: expected a .npz file, a folder of IDX files or a folder of "
                        "classes with PNG files", path);
}

fcnn_status fcnn_dataset_load(struct fcnn_dataset *set, const char *path, enum fcnn_data_part part, int64_t limit)
{
    *set = (struct fcnn_dataset){0};
    switch (fcnn_data_look(path)) {
    case FCNN_DATA_IDX: return load_idx(set, path, part == FCNN_DATA_TRAIN, limit);
    case FCNN_DATA_NPZ: return fcnn_npz_load(set, path, part == FCNN_DATA_TRAIN, limit);
    case FCNN_DATA_PNG: return fcnn_folder_load(set, path, part, limit);
    default: return refuse(path);
    }
}

/* ---- what was loaded ---- */

const char *fcnn_dataset_class(const struct fcnn_dataset *set, int number, char text[16])
{
    const char *name = set->names;
    snprintf(text, 16, "%d", number);
    if (!name || number < 0 || number >= set->classes) return text;
    while (number--) name += strlen(name) + 1;
    return name;
}

void fcnn_dataset_free(struct fcnn_dataset *set)
{
    free(set->x);
    free(set->y);
    free(set->names);
    for (int64_t i = 0; set->files && i < set->n; i++) free(set->files[i]);
    free(set->files);
    *set = (struct fcnn_dataset){0};
}

/* SPDX-License-Identifier: BSD-2-Clause
 * What fuzz targets share. */
#ifndef FCNN_FUZZ_H
#define FCNN_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fastcnn.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A finding. */
#define EXPECT(condition) \
    do { if (!(condition)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); abort(); } } while (0)

/* A compiled model that a few weights fit. */
static inline fcnn_model *fuzz_model(void)
{
    fcnn_model *model;
    EXPECT(!fcnn_model_create(&model, 1, 1, 2) && !fcnn_add_dense(model, 3, FCNN_LINEAR) && !fcnn_compile(model, NULL));
    return model;
}

/* Whether a sentence begins with the file it is about. */
static inline int fuzz_names(const char *sentence, const char *path)
{
    return !strncmp(sentence, path, strlen(path)) && sentence[strlen(path)] == ':';
}

/* A file in memory, for readers that want a path; *path, of 4096 bytes, has the name "fuzz-folder/NAME". */
static inline int fuzz_file(const char *name, char *path)
{
    char target[64];
    const int fd = memfd_create(name, 0);
    EXPECT(fd >= 0);
    snprintf(target, sizeof target, "/proc/self/fd/%d", fd);
    snprintf(path, 4096, "fuzz-folder/%s", name);
    mkdir("fuzz-folder", 0700);
    unlink(path);
    EXPECT(!symlink(target, path));
    return fd;
}

static inline void fuzz_fill(int fd, const uint8_t *bytes, size_t length)
{
    EXPECT(!ftruncate(fd, 0) && pwrite(fd, bytes, length, 0) == (ssize_t)length);
}

#endif

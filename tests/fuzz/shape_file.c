/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a file of benchdnn's problems holds, what becomes a layer is a problem of this library with a name that can
 * be asked for, and what does not is named with its line. */
#include "bench/layers.h"
#include "tests/fuzz/fuzz.h"

static void note(void *context, const char *path, int line, const char *what)
{
    EXPECT(path == context && line > 0 && *what);
}

static void check(const struct bench_layer *layer)
{
    char text[512];
    fcnn_problem problem;
    EXPECT(strlen(layer->name) < 64 && strchr(layer->name, '.'));
    EXPECT(!strpbrk(layer->name, ", \t\n\"'/"));
    EXPECT((size_t)snprintf(text, sizeof text, "%s forward %s", layer->op, layer->sizes) < sizeof text);
    EXPECT(!fcnn_problem_parse(&problem, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char path[4096];
    static int fd = -1;
    struct bench_shape_file file;
    if (fd < 0) fd = fuzz_file("shapes", path);
    fuzz_fill(fd, bytes, length);
    EXPECT(!bench_shape_file_read(path, &file, note, path));
    for (int i = 0; i < file.count; i++) check(&file.layers[i]);
    bench_shape_file_free(&file);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Lists of layers: of well-known networks (layers.c), and files of problems as oneDNN's benchdnn has them
 * (shape_file.c). Uses the public interface alone, so that the program can read them, too. */
#ifndef BENCH_LAYERS_H
#define BENCH_LAYERS_H

#include "lib/fastcnn.h"

/* The part of a name before the dot is the list it belongs to; `usual`: also timed where no list was asked for. */
struct bench_layer { const char *name, *op, *sizes; int usual; };
extern const struct bench_layer bench_layers[];
extern const int bench_layer_count;
/* "mnist, vgg16, ... and all": for messages and help. */
#define BENCH_LISTS "mnist, vgg16, resnet50, resnet18, mobilenet, varied, tails and all"

/* Whether `name`, which ends at a comma or at its end, is the list that a layer belongs to, or "all". */
int bench_is_list_of(const char *name, const char *layer);
/* Whether there is such a list. */
int bench_is_list(const char *name);

/* The convolutions of a file in benchdnn's syntax. */
struct bench_shape_file {
    int count;
    struct bench_layer *layers;
    char *memory; /* of the strings */
};

/* What is wrong with a line; the strings live for the call. */
typedef void bench_shape_note_fn(void *context, const char *path, int line, const char *what);

/* Reads a file: words, several to a line if they like. Comments (#), empty lines and options (--...) are passed over,
 * but that --mb=N sets the images of what follows, --reset or --mb=0 ends that, and --batch=FILE is told to `note`, as
 * files are named one by one. A problem's name (n"net:layer*2") becomes the layer's ("net.layer"), one that has none
 * is called by its line's number; who needs names that are unique makes them so (list.c). What is no problem here is
 * left out and told to `note`. 0, or an errno of the system: ENOMEM, EFBIG (more than 1 MiB), ... */
int bench_shape_file_read(const char *path, struct bench_shape_file *file, bench_shape_note_fn *note, void *context);
void bench_shape_file_free(struct bench_shape_file *file);

#endif

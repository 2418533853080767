/* SPDX-License-Identifier: BSD-2-Clause
 * What the library's other files want of png.c beside the interface in fastcnn_io.h. */
#ifndef FCNN_PNG_H
#define FCNN_PNG_H

#include <stdio.h>

#include "lib/io/fastcnn_io.h"

struct fcnn_png_header {
    int64_t h, w;
    int color; /* RGB or a palette, though all its colours may be grey */
};

/* The header alone, held against the file's size. Failures as fcnn_picture_read(). */
fcnn_status fcnn_png_look(struct fcnn_png_header *header, const char *path);

/* fcnn_picture_read() of an open file of `size` bytes that can be rewound; `path` is for messages. */
fcnn_status fcnn_png_decode(fcnn_picture *picture, FILE *file, int64_t size, const char *path);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Drawing on a picture of RGB pixels: rectangles, lines, letters of a dot matrix, other pictures. What lies outside is
 * left out. */
#ifndef FASTCNN_CANVAS_H
#define FASTCNN_CANVAS_H

#include "lib/io/fastcnn_io.h"

#define CANVAS_LETTER 6 /* pixels from one letter to the next; a line of text is CANVAS_LINE high; times the zoom */
#define CANVAS_LINE   10

typedef struct { unsigned char r, g, b; } canvas_color;

void canvas_make(fcnn_picture *canvas, int64_t h, int64_t w, canvas_color color); /* fcnn_picture_free() */
void canvas_fill(fcnn_picture *canvas, int64_t y, int64_t x, int64_t h, int64_t w, canvas_color color);
void canvas_line(fcnn_picture *canvas, double y0, double x0, double y1, double x1, int dashed, canvas_color color);
/* ASCII; other bytes are shown as '?', one for a whole UTF-8 letter. */
void canvas_text(fcnn_picture *canvas, int64_t y, int64_t x, int zoom, canvas_color color, const char *text);
void canvas_paste(fcnn_picture *canvas, int64_t y, int64_t x, const fcnn_picture *picture, int zoom); /* RGB */

#endif

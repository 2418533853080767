/* SPDX-License-Identifier: BSD-2-Clause
 * Shape lists. Vectors have 8 or 16 floats, tiles up to 4 vectors of channels and about a dozen pixels, blocks of a
 * backward-weights sum 8 images: sizes lie at, below and above these. Windows and channels are paired. */
#include "lib/fastcnn.h"
#include "tests/shapes.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define LIST_MOST 600e3  /* multiply-adds of one problem of a list; the model's own layers excepted */

struct window { int h, w, r, s, sh, sw, dh, dw, top, left, bottom, right; };

static const struct window conv_windows[] = {
    {13, 13, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0}, {13, 13, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},
    {5, 5, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0},   {17, 19, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2},
    {9, 9, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3},   {7, 6, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    {8, 7, 2, 3, 1, 1, 1, 1, 0, 0, 0, 0},   {8, 7, 2, 3, 1, 1, 1, 1, 0, 1, 1, 1},
    {6, 10, 1, 3, 1, 1, 1, 1, 0, 1, 0, 0},  {13, 13, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
    {13, 12, 3, 3, 2, 1, 1, 1, 0, 1, 1, 2}, {11, 14, 5, 5, 1, 3, 1, 1, 2, 0, 1, 3},
    {10, 10, 3, 3, 3, 3, 1, 1, 0, 0, 0, 0}, {7, 7, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0},
    {9, 8, 2, 2, 3, 2, 1, 1, 0, 1, 2, 0},   {9, 11, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2},
    {9, 11, 3, 3, 1, 1, 1, 2, 1, 2, 0, 1},  {12, 9, 2, 3, 2, 1, 2, 1, 1, 0, 0, 3},
    {5, 5, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3},   {4, 4, 3, 3, 1, 1, 1, 1, 3, 3, 3, 3},
    {2, 2, 5, 5, 1, 1, 1, 1, 3, 2, 2, 3},   {3, 3, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3},
    {1, 40, 1, 3, 1, 1, 1, 1, 0, 1, 0, 1},  {33, 1, 3, 1, 1, 1, 1, 1, 1, 0, 1, 0},
    {3, 3, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0},   {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    {1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},   {4, 5, 3, 3, 3, 3, 1, 1, 3, 2, 3, 2},
    {2, 3, 3, 3, 1, 1, 2, 2, 3, 2, 3, 2},
    /* windows side by side, across and down, and one as wide as the image */
    {6, 9, 2, 3, 2, 3, 1, 1, 0, 0, 0, 0},   {12, 1, 4, 1, 4, 1, 1, 1, 0, 0, 0, 0},
    {1, 28, 1, 28, 1, 1, 1, 1, 0, 0, 0, 0}};

/* {c, k, groups} */
static const int conv_channels[][3] = {
    {1, 32, 1},   {3, 7, 1},    {7, 3, 1},    {8, 8, 1},    {9, 16, 1},   {15, 17, 1},  {16, 15, 1},  {17, 9, 1},
    {32, 64, 1},  {35, 19, 1},  {19, 33, 1},  {64, 1, 1},   {1, 1, 1},    {80, 35, 1},  {33, 80, 1},  {8, 7, 1},
    {3, 64, 1},   {64, 32, 1},  {4, 6, 2},    {16, 32, 2},  {34, 18, 2},  {9, 3, 3},    {6, 51, 3},   {3, 3, 3},
    {8, 8, 8},    {17, 17, 17}, {33, 33, 33}, {8, 16, 8},   {17, 34, 17}, {16, 48, 16}, {64, 64, 2},
    {1, 17, 1},   {3, 33, 1},   {2, 48, 1}};

static const int images[] = {1, 3, 8, 9, 17, 2};

/* Depthwise, for every window; and {n, h, w, c, r, stride, dilation, pad, pad behind}: rows of 14 and 15 pixels and
 * longer ones, several bands of rows, blocks of 16 channels side by side (256 and 512 channels), more than 9 taps; more
 * channels than one task takes, several images of them, and 2 MB of them. */
static const int depthwise_channels[] = {5, 16, 37};
static const int depthwise_layers[][9] = {
    {1, 14, 14, 512, 3, 1, 1, 1, 1},  {1, 7, 7, 528, 3, 1, 1, 1, 1},   {1, 9, 8, 256, 3, 2, 1, 0, 1},
    {2, 15, 15, 20, 5, 1, 1, 2, 2},   {1, 40, 29, 17, 3, 1, 1, 1, 1},  {1, 63, 118, 16, 3, 2, 1, 0, 1},
    {9, 30, 31, 33, 3, 1, 2, 2, 2},   {1, 3, 300, 16, 3, 1, 1, 1, 1},  {1, 21, 43, 19, 7, 2, 1, 3, 2},
    {1, 12, 16, 1024, 2, 3, 1, 0, 0}, {1, 4, 8, 1024, 3, 1, 1, 1, 1},
    {17, 6, 16, 512, 3, 1, 1, 0, 0},  {1, 44, 70, 18, 3, 1, 3, 3, 3},
    {2, 4, 8, 1048, 3, 1, 1, 1, 1},   {1, 36, 15, 1048, 3, 2, 1, 1, 1}};

/* Three columns: more than three filter rows, of several phases; output rows between those of neighbouring taps; images
 * narrower than the window or without any tap on some row; rows in more than one turn of the scratch. */
static const struct window depthwise_windows[] = {
    {19, 9, 7, 3, 1, 1, 1, 1, 3, 1, 3, 1}, {21, 8, 8, 3, 2, 1, 1, 1, 3, 0, 4, 1},
    {17, 9, 5, 3, 3, 2, 2, 1, 2, 1, 3, 0}, {5, 6, 3, 3, 1, 1, 3, 1, 2, 1, 2, 1},
    {9, 7, 4, 3, 2, 2, 3, 1, 6, 2, 5, 2}, {1, 5, 3, 3, 1, 2, 1, 1, 1, 1, 1, 1},
    {40, 3, 3, 3, 1, 1, 1, 1, 4, 5, 3, 4}, {6, 2, 3, 3, 2, 2, 1, 1, 3, 3, 3, 4},
    {70, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1}};

/* The MNIST model's convolutions, whole, images larger than an L1 cache, and a small map of many channels, whose taps
 * are swept in parts. {n, h, c, k, pad, pooled} */
static const int model_layers[][6] = {
    {3, 28, 1, 32, 0, 1}, {3, 13, 32, 64, 0, 1}, {3, 5, 64, 64, 0, 0}, {3, 28, 64, 5, 0, 1}, {1, 7, 520, 3, 1, 0},
    {1, 7, 3, 520, 1, 0}};

/* Backward weights that pack their operands: last vectors that are not whole, several panels, blocks and groups,
 * strided 1x1, padding, dilation, more steps than a chunk; then such that copy a padded image, with more steps and
 * more images.
 * {n, h, w, c, k, groups, r, s, stride, dilation, pad} */
static const int packed_layers[][11] = {
    {1, 7, 7, 130, 35, 1, 3, 3, 1, 1, 1},  {2, 5, 6, 384, 400, 1, 1, 1, 2, 1, 0}, {9, 4, 5, 128, 48, 1, 3, 3, 2, 1, 1},
    {1, 6, 9, 45, 144, 1, 3, 3, 1, 2, 2},  {2, 5, 5, 256, 160, 2, 3, 3, 1, 1, 0}, {1, 3, 4, 400, 400, 1, 1, 1, 1, 1, 1},
    {3, 17, 20, 128, 56, 1, 1, 5, 1, 1, 0}, {1, 46, 46, 128, 64, 1, 5, 1, 1, 1, 2},
    {10, 40, 30, 3, 64, 1, 3, 3, 2, 1, 1}, {2, 40, 30, 3, 70, 1, 3, 3, 1, 1, 1}};

/* Few channels: {n, h, w, c, k, groups, r, stride, dilation, pad, pad behind}: several bands of rows, rows of several
 * tiles, whole and partial squares of gradients to transpose, strides beyond the filter. */
static const int narrow_layers[][11] = {
    {1, 178, 70, 3, 2, 1, 3, 1, 1, 1, 1}, {1, 150, 131, 3, 1, 1, 5, 2, 1, 2, 1}, {2, 9, 33, 1, 33, 1, 3, 1, 1, 0, 0},
    {1, 7, 119, 2, 17, 1, 2, 3, 1, 1, 0}, {3, 20, 21, 3, 16, 1, 7, 2, 1, 3, 3},  {1, 61, 90, 12, 4, 4, 3, 1, 2, 2, 3},
    {1, 11, 40, 8, 3, 1, 3, 1, 1, 1, 1},  {7, 5, 36, 2, 5, 1, 2, 5, 1, 0, 4},    {1, 25, 30, 6, 32, 2, 3, 2, 3, 3, 0}};

/* Groups of few channels: whole vectors of 2, 4 or 8 groups, vectors with unused lanes and last ones with fewer groups,
 * groups as long as a vector or longer, more or fewer outputs than inputs; strips of columns, phases, rows without a
 * tap, images in more than two blocks. {n, h, w, c, k, groups, r, s, stride, dilation, pad, pad behind} */
static const int grouped_layers[][12] = {
    {1, 6, 37, 128, 128, 32, 3, 3, 1, 1, 1, 1}, {2, 9, 15, 64, 64, 8, 3, 3, 2, 1, 1, 1},
    {1, 5, 13, 36, 36, 18, 3, 3, 1, 1, 1, 1},   {9, 4, 6, 30, 30, 5, 3, 3, 1, 1, 1, 1},
    {1, 7, 65, 24, 48, 6, 3, 3, 1, 2, 2, 2},    {2, 8, 11, 48, 24, 6, 3, 3, 3, 1, 1, 2},
    {1, 6, 30, 21, 21, 7, 5, 2, 2, 1, 2, 1},    {17, 5, 5, 40, 20, 10, 2, 3, 1, 1, 0, 1},
    {1, 9, 17, 52, 52, 13, 1, 1, 2, 1, 0, 0},   {1, 6, 9, 48, 72, 3, 3, 3, 2, 2, 1, 3},
    {2, 12, 5, 36, 60, 12, 2, 2, 4, 1, 0, 1},   {1, 3, 130, 32, 32, 8, 1, 3, 1, 1, 0, 1},
    {2, 7, 15, 48, 48, 3, 3, 3, 2, 1, 1, 1},    {1, 9, 6, 66, 66, 2, 3, 3, 1, 1, 1, 1},
    {1, 7, 59, 32, 32, 4, 3, 3, 2, 1, 1, 1},    {1, 5, 95, 16, 16, 2, 3, 5, 3, 1, 2, 2}};

static const struct window pool_windows[] = {
    {4, 4, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0},     {26, 26, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0},
    {11, 11, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0},   {13, 13, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0},
    {9, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},     {7, 9, 3, 2, 2, 1, 1, 1, 0, 0, 0, 0},
    {8, 8, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0},     {5, 5, 5, 5, 5, 5, 1, 1, 0, 0, 0, 0},
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},     {8, 8, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
    {2, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1},     {3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0},
    {6, 5, 1, 3, 1, 2, 1, 1, 0, 1, 0, 1},     {3, 4, 2, 2, 1, 1, 1, 1, 2, 0, 2, 3},
    {17, 16, 16, 16, 1, 1, 1, 1, 0, 0, 0, 0}, {10, 10, 7, 5, 3, 2, 1, 1, 3, 2, 3, 2}};
static const int pool_channels[] = {1, 3, 16, 17, 33, 7, 8, 9, 15, 32, 64};

static const int dense_sizes[][3] = {
    {1, 1, 1},     {3, 1, 17},    {1, 17, 1},    {8, 3, 7},     {9, 7, 8},     {17, 8, 9},    {3, 576, 64},
    {3, 64, 10},   {1, 64, 10},   {64, 64, 10},  {5, 15, 16},   {16, 16, 15},  {6, 17, 31},   {7, 31, 33},
    {2, 33, 32},   {12, 32, 63},  {13, 63, 65},  {25, 65, 64},  {33, 10, 48},  {14, 48, 47},  {15, 47, 49},
    {3, 80, 35},   {41, 35, 80},  {1, 1000, 3},  {2, 300, 129}, {4, 129, 100}, {130, 5, 5},
    {3, 12400, 17}, {2, 5, 25000}}; /* panels too deep for an L2 cache */

static const int counts[] = {1,  2,  3,  7,  8,  9,   15,  16,   17,   31,   32,   33,
                             40, 63, 64, 65, 127, 129, 1000, 4095, 4096, 4097, 8192, 9999};

/* Faults that nothing above met: groups whose outputs end inside a choice word, strips with strides that differ, the
 * order of sums over more than three blocks of images. */
static const char *const others[] = {
    "conv2d+relu+maxpool forward g2mb2ic4ih6oc16kh3",
    "conv2d+relu+maxpool forward g3mb1ic48ih7oc72kh3ph1",
    "conv2d+relu+maxpool backward_data g2mb2ic4ih6oc16kh3",
    "conv2d+relu+maxpool backward_weights g2mb2ic4ih6oc16kh3",
    "conv2d forward mb2ic512ih8iw8oc130oh3ow2kh1kw1sh3sw5ph0pw0",
    "conv2d backward_data mb2ic130ih8iw8oc512oh3ow2kh1kw1sh3sw5ph0pw0",
    "conv2d backward_weights mb2ic512ih8iw8oc512oh3ow2kh1kw1sh3sw5ph0pw0",
    "conv2d backward_weights mb33ic3ih5oc17kh3", "conv2d backward_weights mb58ic3ih3oc9kh1",
    "conv2d backward_weights g16mb33ic16ih5oc16kh3", "conv2d backward_weights g16mb33ic16ih6oc16kh2",
    "conv2d+relu+maxpool backward_weights mb33ic3ih6oc17kh3"};

double shapes_cost(const fcnn_problem *p)
{
    const double outputs = (double)p->n * (double)p->p * (double)p->q * (double)p->k;
    const double window = (double)p->r * (double)p->s;
    switch (p->op) {
    case FCNN_CONV2D:
    case FCNN_DENSE: return outputs * window * (double)(p->c / p->groups);
    case FCNN_CONV2D_POOL: return 4 * outputs * window * (double)(p->c / p->groups);
    default: return outputs * window;
    }
}

void shapes_add(struct problem_list *list, const fcnn_problem *p)
{
    list->items = realloc(list->items, (size_t)(list->count + 1) * sizeof *p);
    if (!list->items) exit(1);
    list->items[list->count++] = *p;
}

static void add(struct problem_list *list, fcnn_problem p)
{
    if (fcnn_problem_check(&p)) {
        fprintf(stderr, "tests/shapes.c lists an impossible problem: %s\n", fcnn_last_error());
        exit(1);
    }
    shapes_add(list, &p);
}

static int64_t extent(int64_t in, int64_t window, int64_t stride, int64_t dilation)
{
    const int64_t room = in - (window - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

static fcnn_problem windowed(fcnn_op op, fcnn_direction direction, const struct window *w)
{
    return (fcnn_problem){.op = op, .direction = direction, .h = w->h, .w = w->w, .r = w->r, .s = w->s,
                          .stride_h = w->sh, .stride_w = w->sw, .dilation_h = w->dh, .dilation_w = w->dw,
                          .pad_top = w->top, .pad_left = w->left, .pad_bottom = w->bottom, .pad_right = w->right};
}

static double raw_cost(const fcnn_problem *p)
{
    fcnn_problem checked = *p;
    return fcnn_problem_check(&checked) ? 0 : shapes_cost(&checked);
}

/* Every window with five channel pairs and five numbers of images; too large pairs give way to the next ones. */
static void add_convolutions(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    const int pooled = op == FCNN_CONV2D_POOL;
    int next = 0;
    for (int i = 0; i < COUNT(conv_windows); i++) {
        const struct window *w = &conv_windows[i];
        if (pooled && (extent(w->h + w->top + w->bottom, w->r, w->sh, w->dh) < 2 ||
                       extent(w->w + w->left + w->right, w->s, w->sw, w->dw) < 2))
            continue;
        for (int j = 0, taken = 0; j < COUNT(conv_channels) && taken < 5; j++) {
            const int *channels = conv_channels[next++ % COUNT(conv_channels)];
            fcnn_problem p = windowed(op, direction, w);
            p.n = images[(i + taken) % COUNT(images)];
            p.c = channels[0], p.k = channels[1], p.groups = channels[2];
            if (raw_cost(&p) > LIST_MOST) p.n = 1 + taken % 2;
            if (raw_cost(&p) > LIST_MOST) continue;
            p.activation = !pooled && (i + taken) % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
            p.no_bias = (i + taken) % 5 == 0;
            add(list, p);
            taken++;
        }
    }
    for (int i = 0; i < COUNT(model_layers); i++) {
        const int *layer = model_layers[i];
        if (pooled != layer[5]) continue;
        add(list, (fcnn_problem){.op = op, .direction = direction, .n = layer[0], .h = layer[1], .w = layer[1],
                                 .c = layer[2], .k = layer[3], .r = 3, .s = 3, .pad_top = layer[4],
                                 .pad_left = layer[4], .pad_bottom = layer[4], .pad_right = layer[4],
                                 .activation = pooled ? FCNN_LINEAR : FCNN_RELU_ACTIVATION});
    }
}

/* Windows on rows shorter than a tile, as long, and a little longer; strides or dilations, paddings and heights in
 * turn. */
static void add_depthwise_row(struct problem_list *list, fcnn_direction direction, int i, int r, int stride,
                              int dilation)
{
    static const int channels[] = {16, 5, 33, 24};
    const int width = 1 + i % 20 * dilation, height = 1 + (i + i / 20) % 8 * dilation, pads = i / 20;
    const struct window w = {height, width, r, r, stride, stride, dilation, dilation,
                             (i + pads) % r, pads % r * dilation, i % r, (i + 1) % r * dilation};
    fcnn_problem p = windowed(FCNN_CONV2D, direction, &w);
    p.n = 1 + i % 2;
    p.c = p.k = p.groups = channels[(i + pads) % 4];
    p.activation = i % 5 == 1 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
    p.no_bias = i % 7 == 0;
    if (raw_cost(&p) > 0) add(list, p);
}

static void add_depthwise_rows(struct problem_list *list, fcnn_direction direction)
{
    for (int i = 0; i < 20 * 4 * 3; i++) add_depthwise_row(list, direction, i, 3, 1 + i / 80, 1);
    for (int i = 0; i < 20 * 5 * 2; i++) add_depthwise_row(list, direction, i, 5, 1 + i / 100, 1);
    for (int i = 0; i < 20 * 7; i++) add_depthwise_row(list, direction, i, 7, 1, 1);
    for (int i = 0; i < 20 * 4 * 2; i++) add_depthwise_row(list, direction, i, 3, 1, 2 + i / 80);
}

static void add_packed(struct problem_list *list)
{
    for (int i = 0; i < COUNT(packed_layers); i++) {
        const int *layer = packed_layers[i];
        add(list, (fcnn_problem){.op = FCNN_CONV2D, .direction = FCNN_BACKWARD_WEIGHTS, .n = layer[0], .h = layer[1],
                                 .w = layer[2], .c = layer[3], .k = layer[4], .groups = layer[5], .r = layer[6],
                                 .s = layer[7], .stride_h = layer[8], .stride_w = layer[8], .dilation_h = layer[9],
                                 .dilation_w = layer[9], .pad_top = layer[10], .pad_left = layer[10],
                                 .pad_bottom = layer[10], .pad_right = layer[10], .no_bias = i % 4 == 2,
                                 .activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR});
    }
}

static void add_depthwise(struct problem_list *list, fcnn_direction direction)
{
    add_depthwise_rows(list, direction);
    for (int i = 0; i < COUNT(conv_windows); i++)
        for (int j = 0; j < COUNT(depthwise_channels); j++) {
            fcnn_problem p = windowed(FCNN_CONV2D, direction, &conv_windows[i]);
            p.n = images[(i + j) % COUNT(images)];
            p.c = p.k = p.groups = depthwise_channels[j];
            p.activation = (i + j) % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
            p.no_bias = (i + j) % 5 == 0;
            add(list, p);
        }
    for (int i = 0; i < COUNT(conv_windows); i++) { /* channel multipliers */
        static const int multipliers[] = {2, 3, 20, 4, 17};
        fcnn_problem p = windowed(FCNN_CONV2D, direction, &conv_windows[i]);
        p.n = images[i % 3];
        p.c = p.groups = depthwise_channels[i % COUNT(depthwise_channels)];
        p.k = p.c * multipliers[i % COUNT(multipliers)];
        p.activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
        p.no_bias = i % 5 == 0;
        add(list, p);
    }
    for (int i = 0; i < COUNT(depthwise_windows); i++) {
        fcnn_problem p = windowed(FCNN_CONV2D, direction, &depthwise_windows[i]);
        p.n = images[i % COUNT(images)];
        p.c = p.k = p.groups = i % 2 ? 52 : 67;
        p.activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
        add(list, p);
    }
    for (int i = 0; i < COUNT(depthwise_layers); i++) {
        const int *layer = depthwise_layers[i];
        add(list, (fcnn_problem){.op = FCNN_CONV2D, .direction = direction, .n = layer[0], .h = layer[1], .w = layer[2],
                                 .c = layer[3], .k = layer[3], .groups = layer[3], .r = layer[4], .s = layer[4],
                                 .stride_h = layer[5], .stride_w = layer[5], .dilation_h = layer[6],
                                 .dilation_w = layer[6], .pad_top = layer[7], .pad_left = layer[7],
                                 .pad_bottom = layer[8], .pad_right = layer[8],
                                 .activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR});
    }
}

static void add_narrow(struct problem_list *list, fcnn_direction direction)
{
    for (int i = 0; i < COUNT(narrow_layers); i++) {
        const int *layer = narrow_layers[i];
        add(list, (fcnn_problem){.op = FCNN_CONV2D, .direction = direction, .n = layer[0], .h = layer[1], .w = layer[2],
                                 .c = layer[3], .k = layer[4], .groups = layer[5], .r = layer[6], .s = layer[6],
                                 .stride_h = layer[7], .stride_w = layer[7], .dilation_h = layer[8],
                                 .dilation_w = layer[8], .pad_top = layer[9], .pad_left = layer[9],
                                 .pad_bottom = layer[10], .pad_right = layer[10],
                                 .activation = i % 2 ? FCNN_LINEAR : FCNN_RELU_ACTIVATION});
    }
}

static void add_grouped(struct problem_list *list, fcnn_direction direction)
{
    for (int i = 0; i < COUNT(grouped_layers); i++) {
        const int *layer = grouped_layers[i];
        add(list, (fcnn_problem){.op = FCNN_CONV2D, .direction = direction, .n = layer[0], .h = layer[1], .w = layer[2],
                                 .c = layer[3], .k = layer[4], .groups = layer[5], .r = layer[6], .s = layer[7],
                                 .stride_h = layer[8], .stride_w = layer[8], .dilation_h = layer[9],
                                 .dilation_w = layer[9], .pad_top = layer[10], .pad_left = layer[10],
                                 .pad_bottom = layer[11], .pad_right = layer[11], .no_bias = i % 5 == 4,
                                 .activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR});
    }
}

static void add_pools(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < 4 * COUNT(pool_windows); i++) {
        fcnn_problem p = windowed(op, direction, &pool_windows[i / 4]);
        p.n = i % 2 ? 3 : 1;
        p.c = pool_channels[i % COUNT(pool_channels)];
        add(list, p);
    }
}

static void add_counts(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < COUNT(counts); i++) add(list, (fcnn_problem){.op = op, .direction = direction, .c = counts[i]});
    add(list, (fcnn_problem){.op = op, .direction = direction, .n = 3, .h = 5, .w = 7, .c = 17});
    add(list, (fcnn_problem){.op = op, .direction = direction, .n = 9, .h = 13, .w = 13, .c = 32});
}

/* {n, h, w, c}: pixels at, below and above one chain of 64, four of them and a task of 256; channels at the vectors, at
 * the 64 of a task and beyond. */
static const int maps[][4] = {
    {1, 1, 1, 1},    {1, 7, 9, 3},    {1, 8, 8, 8},    {5, 1, 13, 7},    {1, 3, 85, 16},   {1, 16, 16, 17},
    {1, 257, 1, 5},  {3, 8, 24, 33},  {2, 17, 15, 64}, {4, 12, 11, 65},  {9, 7, 7, 63},    {1, 33, 31, 9},
    {7, 1, 1, 130},  {64, 1, 1, 31},  {65, 1, 1, 15},  {2, 1, 1, 1000},  {8, 26, 26, 32},  {5, 11, 11, 64},
    {1, 1, 2, 129},  {40, 8, 8, 2},   {3, 14, 14, 48}, {129, 2, 2, 100}, {1, 128, 5, 256}, {6, 19, 23, 1},
    {1, 1, 321, 49}};

static void add_maps(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < COUNT(maps); i++)
        add(list, (fcnn_problem){.op = op, .direction = direction, .n = maps[i][0], .h = maps[i][1], .w = maps[i][2],
                                 .c = maps[i][3]});
}

static void add_rows(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    for (int i = 1; i <= 40; i++) {
        fcnn_problem p = {.op = op, .direction = direction, .n = images[i % 2], .c = i};
        if (op == FCNN_REDUCE) p.n = i, p.c = counts[i % 20];
        add(list, p);
    }
    for (int i = 0; i < 6; i++)
        add(list, (fcnn_problem){.op = op, .direction = direction, .n = images[i], .c = i % 2 ? 1000 : 10});
}

static void add_others(struct problem_list *list, fcnn_op op, fcnn_direction direction)
{
    for (int i = 0; i < COUNT(others); i++) {
        fcnn_problem p;
        if (fcnn_problem_parse(&p, others[i])) {
            fprintf(stderr, "tests/shapes.c lists an impossible problem: %s\n", fcnn_last_error());
            exit(1);
        }
        if (p.op == op && p.direction == direction) add(list, p);
    }
}

static void drop_expensive(struct problem_list *list, double most)
{
    int kept = 0;
    for (int i = 0; i < list->count; i++)
        if (shapes_cost(&list->items[i]) <= most) list->items[kept++] = list->items[i];
    list->count = kept;
}

struct problem_list shapes_list(fcnn_op op, fcnn_direction direction, double most)
{
    struct problem_list list = {0};
    switch (op) {
    case FCNN_CONV2D:
        add_depthwise(&list, direction);
        if (direction == FCNN_BACKWARD_WEIGHTS) add_packed(&list);
        add_narrow(&list, direction);
        add_grouped(&list, direction);
        /* fall through */
    case FCNN_CONV2D_POOL: add_convolutions(&list, op, direction); break;
    case FCNN_MAXPOOL:
    case FCNN_AVGPOOL: add_pools(&list, op, direction); break;
    case FCNN_RELU:
    case FCNN_ADAM:
    case FCNN_RMSPROP:
    case FCNN_SGD:
    case FCNN_SIGMOID:
    case FCNN_TANH:
    case FCNN_DROPOUT: add_counts(&list, op, direction); break;
    case FCNN_BATCH_SUMS:
    case FCNN_BATCH_NORM: add_maps(&list, op, direction); break;
    case FCNN_DENSE:
        for (int i = 0; i < COUNT(dense_sizes); i++)
            add(&list, (fcnn_problem){.op = op, .direction = direction, .n = dense_sizes[i][0], .c = dense_sizes[i][1],
                                      .k = dense_sizes[i][2], .activation = i % 2 ? FCNN_RELU_ACTIVATION : FCNN_LINEAR,
                                      .no_bias = i % 5 == 0});
        break;
    default: add_rows(&list, op, direction);
    }
    add_others(&list, op, direction);
    if (most > 0) drop_expensive(&list, most);
    return list;
}

void shapes_free(struct problem_list *list)
{
    free(list->items);
    *list = (struct problem_list){0};
}

/* SPDX-License-Identifier: BSD-2-Clause
 * What there is to see of a model: the matrix of what it confuses, the images it gets most wrong, its first filters,
 * and what each layer makes of one image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot.h"

#define MOST_TILES  256
#define MOST_VALUES (1 << 22) /* of a sheet */
#define SHEET_WIDTH 512       /* pixels, about */

const char *plot_class(const struct plot *plot, int number, char text[16])
{
    return number < 0 ? "not finite" : fcnn_dataset_class(&plot->data.test, number, text);
}

/* ---- sheets ---- */

/* Values of tiles: at[tile * step + y * row + x * column]. */
struct tiles {
    const float *at;
    int64_t count, h, w, step, row, column;
};

static unsigned char mix(double a, double b, double part) { return (unsigned char)(a + (b - a) * part + 0.5); }

/* From -1, blue, over 0, white, to 1, orange. */
static canvas_color diverging(double value)
{
    const double part = fmin(fabs(value), 1);
    if (isnan(value)) return (canvas_color){255, 0, 255};
    return value < 0 ? (canvas_color){mix(255, 20, part), mix(255, 80, part), mix(255, 170, part)}
                     : (canvas_color){mix(255, 200, part), mix(255, 80, part), mix(255, 0, part)};
}

/* From 0, dark violet, over green to 1, yellow. */
static canvas_color sequential(double value)
{
    static const double stops[][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    if (isnan(value)) return (canvas_color){255, 0, 255};
    const double at = fmin(fmax(value, 0), 1) * 4;
    const int i = at >= 4 ? 3 : (int)at;
    return (canvas_color){mix(stops[i][0], stops[i + 1][0], at - i), mix(stops[i][1], stops[i + 1][1], at - i),
                          mix(stops[i][2], stops[i + 1][2], at - i)};
}

static float value_of(const struct tiles *tiles, int64_t tile, int64_t y, int64_t x)
{
    return tiles->at[tile * tiles->step + y * tiles->row + x * tiles->column];
}

/* Of what is finite. */
static void find_range(const struct tiles *tiles, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int64_t i = 0; i < tiles->count * tiles->h * tiles->w; i++) {
        const double v = (double)value_of(tiles, i / (tiles->h * tiles->w), i / tiles->w % tiles->h, i % tiles->w);
        if (isfinite(v)) *low = fmin(*low, v);
        if (isfinite(v)) *high = fmax(*high, v);
    }
}

static int zoom_of(int64_t side) { return side < 4 ? 12 : side < 20 ? 4 : side < 64 ? 2 : 1; }

/* `centred`: 0 is the middle of the colours. */
static void make_sheet(struct plot_sheet *sheet, const struct tiles *tiles, int centred)
{
    double low, high;
    find_range(tiles, &low, &high);
    const double most = fmax(fabs(low), fabs(high)), range = high > low ? high - low : 1;
    sheet->zoom = zoom_of(tiles->w > tiles->h ? tiles->w : tiles->h);
    int64_t columns = SHEET_WIDTH / ((tiles->w + 1) * sheet->zoom);
    columns = columns < 1 ? 1 : columns > tiles->count ? tiles->count : columns;
    const int64_t rows = (tiles->count + columns - 1) / columns;
    canvas_make(&sheet->picture, rows * (tiles->h + 1) - 1, columns * (tiles->w + 1) - 1,
                (canvas_color){128, 128, 128});
    for (int64_t i = 0; i < tiles->count * tiles->h * tiles->w; i++) {
        const int64_t tile = i / (tiles->h * tiles->w), y = i / tiles->w % tiles->h, x = i % tiles->w;
        const double v = (double)value_of(tiles, tile, y, x);
        canvas_fill(&sheet->picture, tile / columns * (tiles->h + 1) + y, tile % columns * (tiles->w + 1) + x, 1, 1,
                    centred ? diverging(most > 0 ? v / most : 0) : sequential((v - low) / range));
    }
}

static int64_t most_tiles(int64_t count, int64_t floats)
{
    const int64_t most = MOST_VALUES / floats < MOST_TILES ? MOST_VALUES / floats : MOST_TILES;
    return count < most ? count : most < 1 ? 1 : most;
}

/* "of 512, the first 256" */
static void note_rest(char *caption, size_t size, int64_t shown, int64_t all)
{
    const size_t used = strlen(caption);
    if (shown < all)
        snprintf(caption + used, size - used, "; the first %lld of %lld", (long long)shown, (long long)all);
}

/* ---- images ---- */

/* Grey or colours, from the least to the greatest value. */
static void picture_of(fcnn_picture *picture, const struct fcnn_dataset *set, int64_t image)
{
    const float *x = set->x + image * set->h * set->w * set->c;
    const struct tiles all = {.at = x, .count = 1, .h = 1, .w = set->h * set->w * set->c, .column = 1};
    double low, high;
    find_range(&all, &low, &high);
    canvas_make(picture, set->h, set->w, (canvas_color){0, 0, 0});
    for (int64_t i = 0; i < set->h * set->w; i++)
        for (int64_t c = 0; c < 3; c++)
            picture->pixels[3 * i + c] =
                mix(0, 255, ((double)x[i * set->c + (set->c >= 3 ? c : 0)] - low) / (high > low ? high - low : 1));
}

/* Keeps the least probable ones, the least first. */
static void note_worst(struct plot *plot, struct plot_worst one)
{
    int at = plot->worst_count;
    while (at > 0 && plot->worst[at - 1].probability > one.probability) at--;
    if (at == PLOT_WORST) return;
    if (plot->worst_count < PLOT_WORST) plot->worst_count++;
    memmove(&plot->worst[at + 1], &plot->worst[at], (size_t)(plot->worst_count - 1 - at) * sizeof one);
    plot->worst[at] = one;
}

static int judge(struct plot *plot)
{
    const struct fcnn_dataset *set = &plot->data.test;
    const int classes = plot->network.classes;
    float *p = program_allocate((size_t)set->n * (size_t)classes, sizeof *p);
    plot->confusion = program_allocate((size_t)classes * (size_t)classes, sizeof *plot->confusion);
    int64_t not_finite = 0;
    const fcnn_status status = cli_network_predict(&plot->network, set->x, set->n, p);
    for (int64_t i = 0; i < set->n && !status; i++) {
        const int label = set->y[i], said = cli_largest(p + i * classes, classes);
        const double probability = (double)p[i * classes + label];
        if (said < 0) not_finite++;
        else plot->confusion[label * classes + said]++;
        plot->correct += said == label;
        note_worst(plot, (struct plot_worst){.image = i, .label = label, .said = said,
                                             .probability = isnan(probability) ? -1 : probability});
    }
    for (int i = 0; i < plot->worst_count; i++) picture_of(&plot->worst[i].picture, set, plot->worst[i].image);
    free(p);
    cli_network_not_finite(&plot->network, not_finite, set->n);
    return status ? program_failed(status) : EXIT_SUCCESS;
}

/* ---- filters and maps ---- */

/* Those of the first convolution, the mean over its input channels. */
static int see_filters(struct plot *plot)
{
    fcnn_layer_info info = {0};
    int layer = 0;
    while (!fcnn_model_layer(plot->network.model, layer, &info) && info.kind != FCNN_LAYER_CONV2D) layer++;
    if (layer == fcnn_model_layers(plot->network.model)) return EXIT_SUCCESS;
    const int64_t window = info.r * info.s, inputs = info.weights / (window * info.c);
    float *weights = program_allocate((size_t)info.weights, sizeof *weights);
    float *means = program_allocate((size_t)(window * info.c), sizeof *means);
    const fcnn_status status = fcnn_layer_get_array(plot->network.model, layer, FCNN_ARRAY_WEIGHTS, FCNN_PART_WEIGHTS,
                                                    weights, info.weights);
    for (int64_t i = 0; i < info.weights; i++)
        means[i / (inputs * info.c) * info.c + i % info.c] += weights[i] / (float)inputs;
    const struct tiles tiles = {.at = means, .count = most_tiles(info.c, window), .h = info.r, .w = info.s, .step = 1,
                                .row = info.s * info.c, .column = info.c};
    if (!status) make_sheet(&plot->filters, &tiles, 1);
    snprintf(plot->filters.caption, sizeof plot->filters.caption, "%s: filters %lld x %lld%s; white is 0", info.name,
             (long long)info.r, (long long)info.s, inputs > 1 ? ", mean over the input channels" : "");
    note_rest(plot->filters.caption, sizeof plot->filters.caption, tiles.count, info.c);
    free(weights);
    free(means);
    return status ? program_failed(status) : EXIT_SUCCESS;
}

static fcnn_status see_layer(struct plot *plot, int layer, const float *x)
{
    fcnn_layer_info info;
    fcnn_status status = fcnn_model_layer(plot->network.model, layer, &info);
    if (status) return status;
    float *y = program_allocate((size_t)(info.h * info.w * info.c), sizeof *y);
    status = fcnn_model_outputs(plot->network.model, layer, x, 1, y);
    struct plot_sheet *sheet = &plot->maps[plot->map_count];
    const struct tiles tiles = {.at = y, .count = most_tiles(info.c, info.h * info.w), .h = info.h, .w = info.w,
                                .step = 1, .row = info.w * info.c, .column = info.c};
    if (!status) {
        make_sheet(sheet, &tiles, 0);
        snprintf(sheet->caption, sizeof sheet->caption, "%s: %lld x %lld x %lld", info.name, (long long)info.h,
                 (long long)info.w, (long long)info.c);
        note_rest(sheet->caption, sizeof sheet->caption, tiles.count, info.c);
        plot->map_count++;
    }
    free(y);
    return status;
}

/* Every layer that gives something else than the one before. */
static int see_maps(struct plot *plot)
{
    const struct fcnn_dataset *set = &plot->data.test;
    char name[16];
    fcnn_status status = FCNN_OK;
    if (plot->image >= set->n) {
        program_complain("--image %lld: there are %lld test images, counted from 0", (long long)plot->image,
                         (long long)set->n);
        return EX_USAGE;
    }
    snprintf(plot->picked, sizeof plot->picked, "test image %lld, a %s", (long long)plot->image,
             plot_class(plot, set->y[plot->image], name));
    const float *x = set->x + plot->image * set->h * set->w * set->c;
    for (int i = 0; i < fcnn_model_layers(plot->network.model) && plot->map_count < PLOT_LAYERS && !status; i++) {
        fcnn_layer_info info;
        status = fcnn_model_layer(plot->network.model, i, &info);
        if (!status && info.kind != FCNN_LAYER_FLATTEN && info.kind != FCNN_LAYER_DROPOUT)
            status = see_layer(plot, i, x);
    }
    return status ? program_failed(status) : EXIT_SUCCESS;
}

int plot_examine(struct plot *plot)
{
    struct cli_network *network = &plot->network;
    int code = cli_network_open(network, plot->model, &plot->kernels);
    if (!code) code = cli_data_load_part(&plot->data, FCNN_DATA_ANY);
    if (!code) code = cli_data_fits(&plot->data, network->h, network->w, network->c, network->classes);
    if (code) return code;
    struct fcnn_dataset *set = &plot->data.test;
    if (set->h == 1 && set->w == 1 && network->see_h) { /* vectors are drawn as the pictures that they may be */
        set->h = network->see_h;
        set->w = network->see_w;
        set->c = network->see_c;
    }
    cli_network_scale(network, set->x, set->n * set->h * set->w * set->c);
    code = judge(plot);
    if (!code) code = see_filters(plot);
    return code ? code : see_maps(plot);
}

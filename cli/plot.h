/* SPDX-License-Identifier: BSD-2-Clause
 * What the files of `fastcnn plot` share. */
#ifndef FASTCNN_PLOT_H
#define FASTCNN_PLOT_H

#include "cli/arguments.h"
#include "cli/canvas.h"
#include "cli/history.h"
#include "cli/network.h"

#define PLOT_WORST  24
#define PLOT_LAYERS 64

/* Tiles in rows and columns, one pixel for a value; to be shown zoomed. */
struct plot_sheet {
    char caption[192];
    fcnn_picture picture;
    int zoom;
};

/* An image that the model is least sure of being what it is. */
struct plot_worst {
    int64_t image; /* of the test images */
    int label, said;
    double probability; /* of the label */
    fcnn_picture picture;
};

struct plot {
    /* options */
    struct cli_texts histories;
    const char *model, *html, *png;
    int64_t image; /* whose feature maps are shown */
    struct cli_data data;
    fcnn_options kernels;

    /* results */
    struct cli_history *runs;
    struct cli_network network; /* with a model; so the following */
    int64_t *confusion;         /* (classes, classes): label, what the model says */
    int64_t correct;
    struct plot_worst worst[PLOT_WORST];
    int worst_count;
    struct plot_sheet filters, maps[PLOT_LAYERS]; /* filters.picture.pixels NULL: no convolution */
    int map_count;
    char picked[128]; /* what the image of the maps is */
};

/* The two charts of a history: 0 accuracy, 1 loss. */
struct plot_chart {
    const char *name;
    int metric, val_metric; /* of training, of validation */
    int epochs;             /* of the longest run */
    double low, high, tick; /* of values; high <= low: there is nothing to draw */
};
#define PLOT_CHARTS 2
#define PLOT_COLORS 6
struct plot_chart plot_chart_of(const struct plot *plot, int number);
const char *plot_run_name(const struct plot *plot, int run); /* the file without folders */

int plot_examine(struct plot *plot); /* plot_model.c: what there is to see of the model; an exit code */
const char *plot_class(const struct plot *plot, int number, char text[16]);
/* Both write a whole file or none, complain and return an exit code. */
int plot_write_html(const struct plot *plot);
int plot_write_png(const struct plot *plot);

#endif

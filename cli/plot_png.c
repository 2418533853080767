/* SPDX-License-Identifier: BSD-2-Clause
 * `fastcnn plot --png`: everything below each other on one white picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot.h"

enum { WIDTH = 840, MARGIN = 20, CHART = 260, LEFT = 90, TEXT = 2, LINE = CANVAS_LINE * TEXT };
enum { CELL = 28, CELL_LEAST = 14, NAMES = 44 }; /* of the matrix: height, least width, width of names */

static const canvas_color white = {255, 255, 255}, ink = {27, 31, 36}, pale = {213, 218, 224};
static const canvas_color colors[PLOT_COLORS] = {{28, 110, 164}, {201, 80, 0},  {46, 125, 50},
                                                 {142, 36, 170}, {90, 90, 90}, {160, 120, 0}};

/* Drawn twice: canvas NULL only counts the height. */
struct page {
    fcnn_picture *canvas;
    int64_t y;
};

static void put_text(struct page *page, int64_t x, const char *text)
{
    if (page->canvas) canvas_text(page->canvas, page->y, x, TEXT, ink, text);
    page->y += LINE;
}

/* ---- curves ---- */

static double y_of(const struct page *page, const struct plot_chart *chart, double value)
{
    return (double)page->y + CHART * (chart->high - value) / (chart->high - chart->low);
}

static double x_of(const struct plot_chart *chart, int epoch)
{
    const double width = WIDTH - LEFT - MARGIN;
    return LEFT + (chart->epochs > 1 ? width * epoch / (chart->epochs - 1) : width / 2);
}

static void draw_curve(const struct page *page, const struct plot_chart *chart, const struct cli_history *run,
                       int metric, int dashed, canvas_color color)
{
    const double *values = run->values[metric];
    for (int i = 0; values && i < run->epochs; i++) {
        if (!isfinite(values[i])) continue;
        const double y = y_of(page, chart, values[i]), x = x_of(chart, i);
        canvas_fill(page->canvas, (int64_t)y - 2, (int64_t)x - 2, 5, 5, color);
        if (i && isfinite(values[i - 1]))
            canvas_line(page->canvas, y_of(page, chart, values[i - 1]), x_of(chart, i - 1), y, x, dashed, color);
    }
}

static void draw_axes(const struct page *page, const struct plot_chart *chart)
{
    const int ticks = (int)((chart->high - chart->low) / chart->tick + 0.5);
    char text[32];
    for (int i = 0; i <= ticks; i++) {
        const double value = chart->low + i * chart->tick, y = y_of(page, chart, value);
        canvas_fill(page->canvas, (int64_t)y, LEFT, 1, WIDTH - LEFT - MARGIN, pale);
        snprintf(text, sizeof text, "%6.4g", fabs(value) < chart->tick / 2 ? 0 : value);
        canvas_text(page->canvas, (int64_t)y - 7, MARGIN - 10, TEXT - 1 + (strlen(text) < 7), ink, text);
    }
    snprintf(text, sizeof text, "%d", chart->epochs);
    canvas_text(page->canvas, page->y + CHART + 8, (int64_t)x_of(chart, 0) - 4, TEXT, ink, "1");
    if (chart->epochs > 1)
        canvas_text(page->canvas, page->y + CHART + 8, (int64_t)x_of(chart, chart->epochs - 1) - 12, TEXT, ink, text);
    canvas_text(page->canvas, page->y + CHART + 8, WIDTH / 2, TEXT, ink, "epoch");
}

static void put_chart(struct page *page, const struct plot *plot, int number)
{
    const struct plot_chart chart = plot_chart_of(plot, number);
    char text[64];
    if (!(chart.high > chart.low)) return;
    snprintf(text, sizeof text, "%s: training (dashed), validation", chart.name);
    put_text(page, MARGIN, text);
    page->y += LINE / 2;
    if (page->canvas) draw_axes(page, &chart);
    for (int i = 0; page->canvas && i < plot->histories.count; i++) {
        draw_curve(page, &chart, &plot->runs[i], chart.metric, 1, colors[i % PLOT_COLORS]);
        draw_curve(page, &chart, &plot->runs[i], chart.val_metric, 0, colors[i % PLOT_COLORS]);
    }
    page->y += CHART + 2 * LINE;
}

static void put_runs(struct page *page, const struct plot *plot)
{
    for (int i = 0; i < plot->histories.count; i++) {
        if (page->canvas) canvas_fill(page->canvas, page->y + 2, MARGIN, 10, 24, colors[i % PLOT_COLORS]);
        put_text(page, MARGIN + 32, plot_run_name(plot, i));
    }
    page->y += LINE;
}

/* ---- the model ---- */

/* Dark where many of a label are said to be that; with numbers where there is room. */
static void put_row(const struct page *page, const struct plot *plot, int row, int cell)
{
    const int classes = plot->network.classes;
    const int64_t *counts = plot->confusion + (int64_t)row * classes, y = page->y + row * CELL;
    char text[64], name[16];
    int64_t all = 0;
    for (int i = 0; i < classes; i++) all += counts[i];
    snprintf(text, sizeof text, "%.3s", plot_class(plot, row, name));
    canvas_text(page->canvas, y + 7, MARGIN, TEXT, ink, text);
    for (int i = 0; i < classes; i++) {
        const double dark = all ? sqrt((double)counts[i] / (double)all) : 0;
        const int64_t x = MARGIN + NAMES + i * cell;
        canvas_fill(page->canvas, y, x, CELL - 1, cell - 1,
                    (canvas_color){(unsigned char)(255 - 227 * dark), (unsigned char)(255 - 145 * dark),
                                   (unsigned char)(255 - 91 * dark)});
        snprintf(text, sizeof text, "%lld", (long long)counts[i]);
        if ((int)strlen(text) * CANVAS_LETTER * TEXT < cell)
            canvas_text(page->canvas, y + 7, x + 4, TEXT, dark > 0.6 ? white : counts[i] ? ink : pale, text);
    }
}

static void put_matrix(struct page *page, const struct plot *plot)
{
    const int classes = plot->network.classes, cell = (WIDTH - 2 * MARGIN - NAMES) / classes;
    char text[64];
    snprintf(text, sizeof text, "Confusion: %lld of %lld right", (long long)plot->correct,
             (long long)plot->data.test.n);
    put_text(page, MARGIN, text);
    if (cell < CELL_LEAST) {
        put_text(page, MARGIN, "(too many classes for a picture of it)");
        return;
    }
    put_text(page, MARGIN, "rows: the label; columns: what the model says");
    for (int i = 0; page->canvas && i < classes; i++) put_row(page, plot, i, cell);
    page->y += classes * CELL + LINE;
}

static void put_worst(struct page *page, const struct plot *plot)
{
    const struct fcnn_dataset *set = &plot->data.test;
    const int zoom = set->w <= 32 ? 3 : 1, wide = (int)set->w * zoom + 14, cell = wide < 98 ? 98 : wide;
    const int columns = (WIDTH - 2 * MARGIN) / cell > 0 ? (WIDTH - 2 * MARGIN) / cell : 1;
    const int64_t high = set->h * zoom + LINE + 10;
    char text[64], label[16], said[16];
    put_text(page, MARGIN, "Least probable labels: label > what the model says");
    for (int i = 0; page->canvas && i < plot->worst_count; i++) {
        const struct plot_worst *one = &plot->worst[i];
        const int64_t y = page->y + i / columns * high, x = MARGIN + i % columns * cell;
        canvas_paste(page->canvas, y, x, &one->picture, zoom);
        snprintf(text, sizeof text, "%.3s > %.3s", plot_class(plot, one->label, label),
                 plot_class(plot, one->said, said));
        canvas_text(page->canvas, y + set->h * zoom + 3, x, TEXT, ink, text);
    }
    page->y += (plot->worst_count + columns - 1) / columns * high + LINE;
}

static void put_sheet(struct page *page, const struct plot_sheet *sheet)
{
    if (!sheet->picture.pixels) return;
    put_text(page, MARGIN, sheet->caption);
    if (page->canvas) canvas_paste(page->canvas, page->y, MARGIN, &sheet->picture, sheet->zoom);
    page->y += sheet->picture.h * sheet->zoom + LINE;
}

static void put_model(struct page *page, const struct plot *plot)
{
    char text[192];
    put_matrix(page, plot);
    put_worst(page, plot);
    put_sheet(page, &plot->filters);
    snprintf(text, sizeof text, "What the layers make of %s:", plot->picked);
    put_text(page, MARGIN, text);
    for (int i = 0; i < plot->map_count; i++) put_sheet(page, &plot->maps[i]);
}

static int64_t put_page(fcnn_picture *canvas, const struct plot *plot)
{
    struct page page = {canvas, MARGIN};
    for (int i = 0; i < PLOT_CHARTS && plot->histories.count; i++) put_chart(&page, plot, i);
    if (plot->histories.count) put_runs(&page, plot);
    if (plot->model) put_model(&page, plot);
    return page.y + MARGIN;
}

int plot_write_png(const struct plot *plot)
{
    fcnn_picture canvas;
    canvas_make(&canvas, put_page(NULL, plot), WIDTH, white);
    put_page(&canvas, plot);
    const fcnn_status status = fcnn_picture_write(&canvas, plot->png);
    if (status) program_complain("%s", fcnn_io_last_error());
    free(canvas.pixels);
    return !status ? EXIT_SUCCESS : status == FCNN_NO_FILE ? EX_IOERR : program_exit_code(status);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * `fastcnn plot --html`: one page without scripts that fetches nothing. Curves are SVG in the page's colours, pictures
 * are PNG inside of it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/base64.h>

#include "bench/report/html.h"
#include "cli/plot.h"

#define PAGE_WIDTH 400 /* of a chart, in its own units: as on a phone */

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>fastcnn plot</title>\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --text: #1b1f24; --paper: #ffffff; --line: #d5dae0; --heat: 28 110 164;\n"
    "  --c0: #1c6ea4; --c1: #c95000; --c2: #2e7d32; --c3: #8e24aa; --c4: #5a5a5a; --c5: #8a6700; }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --paper: #14171a; --line: #39414a;\n"
    "  --heat: 74 144 200; --c0: #6db4e4; --c1: #f08c55; --c2: #7fc784; --c3: #cf8de0; --c4: #b0b0b0;\n"
    "  --c5: #d9b44a; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; padding: 0 1rem 2rem; max-width: 60rem; background: var(--paper); color: var(--text);\n"
    "  font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }\n"
    "h1 { font-size: 1.5rem; margin: 1rem 0 .25rem; }\n"
    "h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }\n"
    ".charts { display: flex; flex-wrap: wrap; gap: 1rem; }\n"
    ".charts figure { flex: 1 1 20rem; max-width: 36rem; }\n"
    "figure { margin: 0; }\n"
    "figcaption { font-size: .9rem; }\n"
    "svg { width: 100%; height: auto; display: block; }\n"
    "svg text { fill: var(--text); font: 12px system-ui, sans-serif; }\n"
    "svg .grid { stroke: var(--line); }\n"
    "svg polyline { fill: none; stroke-width: 2; }\n"
    "svg .train { stroke-dasharray: 5 3; }\n"
    ".key { list-style: none; margin: .5rem 0; padding: 0; }\n"
    ".key span { display: inline-block; width: 1.5rem; height: .7rem; margin-right: .5rem; }\n"
    ".wide { overflow-x: auto; overflow-wrap: normal; }\n"
    "table { border-collapse: collapse; font-variant-numeric: tabular-nums; }\n"
    "caption { text-align: left; padding-bottom: .25rem; }\n"
    "th, td { padding: .15rem .5rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }\n"
    ".n { text-align: right; }\n"
    "td.heat { background: rgb(var(--heat) / calc(var(--p) * .85)); }\n"
    ".tiles { display: flex; flex-wrap: wrap; gap: .75rem; }\n"
    ".tiles figure { width: 5.5rem; }\n"
    ".tiles img { width: 5.25rem; }\n"
    ".sheet { margin-bottom: 1rem; }\n"
    "img { image-rendering: pixelated; max-width: 100%; height: auto; display: block; }\n"
    "</style></head>\n<body>\n<h1>fastcnn plot</h1>\n";

/* ---- curves ---- */

enum { CHART_HEIGHT = 240, LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 34 };

static double x_of(const struct plot_chart *chart, int epoch)
{
    const double width = PAGE_WIDTH - LEFT - RIGHT;
    return LEFT + (chart->epochs > 1 ? width * epoch / (chart->epochs - 1) : width / 2);
}

static double y_of(const struct plot_chart *chart, double value)
{
    return TOP + (CHART_HEIGHT - TOP - BOTTOM) * (chart->high - value) / (chart->high - chart->low);
}

/* One line for each stretch of numbers; a dot for each of them. */
static void put_curve(FILE *out, const struct plot_chart *chart, const struct cli_history *run, int metric, int color)
{
    const double *values = run->values[metric];
    const char *kind = metric == chart->metric ? "train" : "val";
    for (int i = 0; values && i < run->epochs; i++) {
        if (!isfinite(values[i])) continue;
        const int begins = !i || !isfinite(values[i - 1]), ends = i + 1 == run->epochs || !isfinite(values[i + 1]);
        if (begins) fprintf(out, "<polyline class=\"%s\" stroke=\"var(--c%d)\" points=\"", kind, color);
        fprintf(out, "%.1f,%.1f ", x_of(chart, i), y_of(chart, values[i]));
        if (ends) fputs("\"/>\n", out);
    }
    for (int i = 0; values && i < run->epochs && run->epochs <= 60; i++)
        if (isfinite(values[i]))
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"var(--c%d)\"><title>epoch %d: %.6g</title>"
                    "</circle>\n", x_of(chart, i), y_of(chart, values[i]), color, i + 1, values[i]);
}

static void put_axes(FILE *out, const struct plot_chart *chart)
{
    const int ticks = (int)((chart->high - chart->low) / chart->tick + 0.5);
    for (int i = 0; i <= ticks; i++) {
        const double value = chart->low + i * chart->tick, y = y_of(chart, value);
        fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n", LEFT, PAGE_WIDTH - RIGHT, y, y, LEFT - 6,
                y + 4, fabs(value) < chart->tick / 2 ? 0 : value);
    }
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">1</text>\n", x_of(chart, 0), CHART_HEIGHT - 16);
    if (chart->epochs > 1)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"end\">%d</text>\n", x_of(chart, chart->epochs - 1),
                CHART_HEIGHT - 16, chart->epochs);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>\n", (LEFT + PAGE_WIDTH) / 2,
            CHART_HEIGHT - 4);
}

static void put_chart(FILE *out, const struct plot *plot, int number)
{
    const struct plot_chart chart = plot_chart_of(plot, number);
    if (!(chart.high > chart.low)) return;
    fprintf(out, "<figure><figcaption>%s: training (dashed), validation</figcaption>\n"
            "<svg role=\"img\" aria-label=\"%s by epoch\" viewBox=\"0 0 %d %d\">\n", chart.name, chart.name, PAGE_WIDTH,
            CHART_HEIGHT);
    put_axes(out, &chart);
    for (int i = 0; i < plot->histories.count; i++) {
        put_curve(out, &chart, &plot->runs[i], chart.metric, i % PLOT_COLORS);
        put_curve(out, &chart, &plot->runs[i], chart.val_metric, i % PLOT_COLORS);
    }
    fputs("</svg></figure>\n", out);
}

/* The last epoch, and the best one of a metric. */
static double last_of(const struct cli_history *run, int metric)
{
    return run->values[metric] ? run->values[metric][run->epochs - 1] : NAN;
}

static void put_runs(FILE *out, const struct plot *plot)
{
    fputs("<ul class=\"key\">", out);
    for (int i = 0; i < plot->histories.count; i++) {
        fprintf(out, "<li><span style=\"background:var(--c%d)\"></span>", i % PLOT_COLORS);
        html_text(out, plot_run_name(plot, i));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
    html_table(out, "runs", "The last epoch of each run", "run|#epochs|#accuracy|#loss|#val_accuracy|#val_loss");
    for (int i = 0; i < plot->histories.count; i++) {
        fputs("<tr>", out);
        html_cell_name(out, plot_run_name(plot, i));
        html_cell_number(out, plot->runs[i].epochs, 0);
        for (int metric = 0; metric < CLI_METRICS; metric++)
            html_cell_number(out, last_of(&plot->runs[i], metric), 4);
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

static void put_histories(FILE *out, const struct plot *plot)
{
    if (!plot->histories.count) return;
    fputs("<h2 id=\"curves\">Learning curves</h2>\n<div class=\"charts\">\n", out);
    for (int i = 0; i < PLOT_CHARTS; i++) put_chart(out, plot, i);
    fputs("</div>\n", out);
    put_runs(out, plot);
}

/* ---- pictures ---- */

/* A file by its way through a folder of our own: the library writes to names alone. */
static int read_back(FILE *out, const char *path)
{
    unsigned char block[3 * 1024];
    char text[BASE64_ENCODE_RAW_LENGTH(sizeof block)];
    FILE *file = fopen(path, "rb");
    if (!file) return -1;
    for (size_t count; (count = fread(block, 1, sizeof block, file)) > 0;) {
        base64_encode_raw(text, count, block);
        fwrite(text, 1, BASE64_ENCODE_RAW_LENGTH(count), out);
    }
    const int bad = ferror(file);
    fclose(file);
    return bad ? -1 : 0;
}

struct album {
    FILE *out;
    char file[4096]; /* in a folder of its own */
    int code;
};

static void put_picture(struct album *album, const fcnn_picture *picture, int zoom, const char *text)
{
    FILE *out = album->out;
    if (album->code) return;
    const fcnn_status status = fcnn_picture_write(picture, album->file);
    if (status) program_complain("%s", fcnn_io_last_error());
    fprintf(out, "<img width=\"%lld\" height=\"%lld\" alt=\"", (long long)picture->w * zoom,
            (long long)picture->h * zoom);
    html_text(out, text);
    fputs("\" src=\"data:image/png;base64,", out);
    if (status || read_back(out, album->file)) album->code = EX_IOERR;
    fputs("\">", out);
}

static void put_sheet(struct album *album, const struct plot_sheet *sheet)
{
    if (!sheet->picture.pixels) return;
    fputs("<figure class=\"sheet\"><figcaption>", album->out);
    html_text(album->out, sheet->caption);
    fputs("</figcaption>", album->out);
    put_picture(album, &sheet->picture, sheet->zoom, sheet->caption);
    fputs("</figure>\n", album->out);
}

/* ---- the model ---- */

static void put_row(FILE *out, const struct plot *plot, int row)
{
    const int classes = plot->network.classes;
    const int64_t *counts = plot->confusion + (int64_t)row * classes;
    char name[16];
    int64_t all = 0;
    for (int i = 0; i < classes; i++) all += counts[i];
    fputs("<tr>", out);
    html_cell_name(out, plot_class(plot, row, name));
    for (int i = 0; i < classes; i++) /* colour by the root, so that few are seen, too */
        fprintf(out, "<td class=\"n heat\" style=\"--p:%.3f\">%lld</td>",
                all ? sqrt((double)counts[i] / (double)all) : 0, (long long)counts[i]);
    fputs("</tr>\n", out);
}

static void put_matrix(FILE *out, const struct plot *plot)
{
    const int classes = plot->network.classes;
    char *columns = program_allocate((size_t)classes + 1, 24), name[16];
    strcpy(columns, "label");
    for (int i = 0; i < classes; i++) {
        strcat(columns, "|#");
        strncat(columns, plot_class(plot, i, name), 20);
    }
    fprintf(out, "<h2 id=\"confusion\">Confusion</h2>\n<p>%lld of %lld test images are right.</p>\n",
            (long long)plot->correct, (long long)plot->data.test.n);
    html_table(out, "matrix", "Rows: the label. Columns: what the model says.", columns);
    for (int i = 0; i < classes; i++) put_row(out, plot, i);
    html_table_end(out);
    free(columns);
}

static void put_worst(struct album *album, const struct plot *plot)
{
    FILE *out = album->out;
    char label[16], said[16], text[128];
    fputs("<h2 id=\"worst\">Least probable labels</h2>\n<div class=\"tiles\">\n", out);
    for (int i = 0; i < plot->worst_count; i++) {
        const struct plot_worst *one = &plot->worst[i];
        snprintf(text, sizeof text, "image %lld: %s, the model says %s", (long long)one->image,
                 plot_class(plot, one->label, label), plot_class(plot, one->said, said));
        fputs("<figure>", out);
        put_picture(album, &one->picture, 3, text);
        fputs("<figcaption>", out);
        html_text(out, plot_class(plot, one->label, label));
        fputs(" as ", out);
        html_text(out, plot_class(plot, one->said, said));
        fprintf(out, "<br>p %.2g<br>no. %lld</figcaption></figure>\n", one->probability, (long long)one->image);
    }
    fputs("</div>\n", out);
}

static void put_model(struct album *album, const struct plot *plot)
{
    FILE *out = album->out;
    char text[4400];
    fputs("<p>Model: ", out);
    html_text(out, cli_network_describe(&plot->network, text, sizeof text));
    fputs("<br>Data: ", out);
    html_text(out, cli_data_describe(&plot->data, text, sizeof text));
    fputs("</p>\n", out);
    put_matrix(out, plot);
    put_worst(album, plot);
    fputs("<h2 id=\"layers\">Through the layers</h2>\n", out);
    put_sheet(album, &plot->filters);
    fputs("<p>What each layer makes of ", out);
    html_text(out, plot->picked);
    fputs("; dark is its least value, yellow its greatest.</p>\n", out);
    for (int i = 0; i < plot->map_count; i++) put_sheet(album, &plot->maps[i]);
}

/* ---- the page ---- */

static int put_page(FILE *out, const struct plot *plot, const char *folder)
{
    struct album album = {.out = out};
    fputs(head, out);
    snprintf(album.file, sizeof album.file, "%s/picture.png", folder);
    put_histories(out, plot);
    if (plot->model) put_model(&album, plot);
    fputs("</body></html>\n", out);
    unlink(album.file);
    return album.code;
}

int plot_write_html(const struct plot *plot)
{
    const char *temporary = getenv("TMPDIR");
    char folder[4000], *text = NULL;
    size_t size = 0;
    snprintf(folder, sizeof folder, "%s/fastcnn.XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        program_complain("%s cannot be made: %s", folder, strerror(errno));
        return EX_IOERR;
    }
    FILE *out = open_memstream(&text, &size);
    int code = out ? put_page(out, plot, folder) : EX_OSERR;
    if (out && fclose(out)) code = EX_OSERR;
    rmdir(folder);
    if (code == EX_OSERR) program_complain("out of memory");
    if (!code) code = cli_write_file(plot->html, text);
    free(text);
    return code;
}

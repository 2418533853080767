/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn plot: learning curves of histories, and what there is to see of a model, as one page of HTML or one PNG. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- charts ---- */

const char *plot_run_name(const struct plot *plot, int run)
{
    const char *path = plot->histories.text[run], *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void widen(struct plot_chart *chart, const struct cli_history *run, int metric)
{
    for (int i = 0; run->values[metric] && i < run->epochs; i++) {
        const double value = run->values[metric][i];
        if (!isfinite(value)) continue;
        chart->low = fmin(chart->low, value);
        chart->high = fmax(chart->high, value);
    }
}

/* 1, 2 or 5 times a power of ten, so that there are 3 to 7 of them. */
static double tick_of(double range)
{
    const double power = pow(10, floor(log10(range / 3))), times = range / 3 / power;
    return (times >= 5 ? 5 : times >= 2 ? 2 : 1) * power;
}

struct plot_chart plot_chart_of(const struct plot *plot, int number)
{
    struct plot_chart chart = {.name = number ? "Loss" : "Accuracy", .low = INFINITY, .high = -INFINITY,
                               .metric = number ? CLI_LOSS : CLI_ACCURACY,
                               .val_metric = number ? CLI_VAL_LOSS : CLI_VAL_ACCURACY};
    for (int i = 0; i < plot->histories.count; i++) {
        const struct cli_history *run = &plot->runs[i];
        widen(&chart, run, chart.metric);
        widen(&chart, run, chart.val_metric);
        if (run->epochs > chart.epochs) chart.epochs = run->epochs;
    }
    if (chart.low > chart.high) return chart;
    const double least = fmax(fabs(chart.high) * 1e-6, 1e-12); /* one value has a range, too */
    if (chart.high - chart.low < least) chart.low -= least;
    chart.tick = tick_of(chart.high - chart.low);
    chart.low = floor(chart.low / chart.tick) * chart.tick;
    chart.high = ceil(chart.high / chart.tick) * chart.tick;
    return chart;
}

/* ---- the command ---- */

static int read_histories(struct plot *plot)
{
    int code = EXIT_SUCCESS;
    plot->runs = program_allocate((size_t)plot->histories.count, sizeof *plot->runs);
    for (int i = 0; i < plot->histories.count && !code; i++)
        code = cli_history_read(&plot->runs[i], plot->histories.text[i]);
    return code;
}

static void release(struct plot *plot)
{
    for (int i = 0; plot->runs && i < plot->histories.count; i++) cli_history_free(&plot->runs[i]);
    for (int i = 0; i < plot->worst_count; i++) free(plot->worst[i].picture.pixels);
    for (int i = 0; i < plot->map_count; i++) free(plot->maps[i].picture.pixels);
    free(plot->filters.picture.pixels);
    free(plot->confusion);
    free(plot->runs);
    if (plot->model) cli_network_close(&plot->network);
    cli_data_free(&plot->data);
}

static int report(const struct plot *plot)
{
    const char *files[] = {plot->html, plot->png};
    if (cli_json) {
        json_t *written = json_array();
        for (int i = 0; i < 2; i++)
            if (files[i]) json_array_append_new(written, cli_json_text(files[i]));
        return cli_print_json(json_pack("{s:s, s:i, s:o, s:o}", "command", "plot", "histories", plot->histories.count,
                                        "model", plot->model ? cli_json_text(plot->model) : json_null(), "written",
                                        written));
    }
    for (int i = 0; i < 2; i++)
        if (files[i]) printf("%s\n", files[i]);
    return EXIT_SUCCESS;
}

static void check_options(const struct plot *plot)
{
    if (!plot->html && !plot->png) cli_usage(&cli_plot, "expected --html FILE or --png FILE to write to");
    const struct cli_output outputs[] = {{"html", plot->html}, {"png", plot->png}};
    cli_check_outputs(&cli_plot, outputs, 2);
    for (int i = 0; i < plot->histories.count; i++)
        cli_check_input(&cli_plot, "history", plot->histories.text[i], outputs, 2);
    cli_check_input(&cli_plot, "model", cli_model_file(plot->model), outputs, 2);
    cli_check_input(&cli_plot, "data", plot->data.directory, outputs, 2);
    if (!plot->histories.count && !plot->model)
        cli_usage(&cli_plot, "expected histories of training, --model FILE, or both");
    if (!plot->model && (plot->data.directory || plot->image))
        cli_usage(&cli_plot, "--%s goes with --model", plot->data.directory ? "data" : "image");
}

static int run(int argc, char **argv)
{
    struct plot plot = {.data = {.seed = 1, .any_shape = 1}};
    for (int i = cli_parse(&cli_plot, argc, argv, &plot); i < argc; i++)
        cli_add_text(&cli_plot, &plot.histories, argv[i]);
    check_options(&plot);
    int code = plot.html ? cli_write_file(plot.html, NULL) : EXIT_SUCCESS;
    if (!code && plot.png) code = cli_write_file(plot.png, NULL);
    if (!code) code = read_histories(&plot);
    if (!code && plot.model) code = plot_examine(&plot);
    if (!code && plot.html) code = plot_write_html(&plot);
    if (!code && plot.png) code = plot_write_png(&plot);
    if (!code) code = report(&plot);
    release(&plot);
    return code;
}

#define FIELD(name) offsetof(struct plot, name)
static const struct cli_option options[] = {
    {"history", "FILE", "A history of training (train --history): learning curves; may be given several times",
     CLI_TEXTS, .field = FIELD(histories)},
    {"model", "FILE", "A trained model: what it confuses, the images it gets most wrong, filters, feature maps",
     CLI_TEXT, .field = FIELD(model)},
    {"data", "PATH", "Its test images: folder of IDX files, .npz file, or folder of classes with PNG files (default: "
     "2,000 synthetic digits)", CLI_TEXT, .field = FIELD(data.directory)},
    {"image", "N", "The test image whose way through the layers is shown (default: 0, the first one)", CLI_INT64,
     .field = FIELD(image), .high = INT64_MAX},
    {"html", "FILE", "Write one page that needs no other file", CLI_TEXT, .field = FIELD(html)},
    {"png", "FILE", "Write one picture", CLI_TEXT, .field = FIELD(png)},
    {0}};

const struct cli_command cli_plot = {
    .name = "plot",
    .summary = "draw learning curves and what a model sees",
    .arguments = "[HISTORY...]",
    .doc = "Draws learning curves of histories, which may be of several runs, and, of a model, the matrix of what it "
           "confuses, the images it gets most wrong, its first filters and its feature maps of one image.",
    .options = options,
    .kernels = FIELD(kernels),
    .has_kernels = 1,
    .run = run,
};

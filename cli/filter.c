/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn filter: a picture through one kernel, as a depthwise convolution of the library: each colour channel by
 * itself, in bands of rows, so that the floats of a large picture need little memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "cli/kernel_text.h"
#include "lib/io/fastcnn_io.h"

#define BAND (1 << 20) /* floats of a band's input, about */

enum { SAME, VALID };
enum { REPEAT, ZERO };

struct filtering {
    const char *kernel_name;
    int64_t stride;
    int padding, edges;
    double offset; /* NAN: the kernel's */
    fcnn_options kernels;
    /* found out */
    struct cli_filter_kernel kernel;
    fcnn_picture from, to;
    int64_t colors;    /* channels without alpha */
    int64_t top, left; /* padding */
};

/* ---- sizes ---- */

/* TensorFlow's "same": ceil(size / stride) outputs, the odd row of padding at the end. */
static int64_t output_size(const struct filtering *f, int64_t size, int64_t window, int64_t *before)
{
    *before = 0;
    if (f->padding == VALID) return size < window ? 0 : (size - window) / f->stride + 1;
    const int64_t count = (size + f->stride - 1) / f->stride, needed = (count - 1) * f->stride + window - size;
    *before = needed > 0 ? needed / 2 : 0;
    return count;
}

static int plan_sizes(struct filtering *f, const char *path)
{
    f->colors = f->from.c > 2 ? 3 : 1;
    f->to = (fcnn_picture){.h = output_size(f, f->from.h, f->kernel.rows, &f->top),
                           .w = output_size(f, f->from.w, f->kernel.columns, &f->left), .c = f->from.c};
    if (f->to.h < 1 || f->to.w < 1) {
        program_complain("%s: %lld x %lld pixels are fewer than the kernel's %d x %d", path, (long long)f->from.h,
                         (long long)f->from.w, f->kernel.rows, f->kernel.columns);
        return EX_DATAERR;
    }
    f->to.pixels = program_allocate((size_t)(f->to.h * f->to.w), (size_t)f->to.c);
    return EXIT_SUCCESS;
}

/* ---- bands ---- */

static int64_t clamp(int64_t value, int64_t last) { return value < 0 ? 0 : value > last ? last : value; }

/* The row of the input at `y` of the picture, padding included. */
static void fill_row(const struct filtering *f, int64_t y, int64_t width, float *row)
{
    const fcnn_picture *p = &f->from;
    for (int64_t i = 0; i < width; i++) {
        const int64_t x = i - f->left;
        const int outside = y < 0 || y >= p->h || x < 0 || x >= p->w;
        const unsigned char *pixel = p->pixels + (clamp(y, p->h - 1) * p->w + clamp(x, p->w - 1)) * p->c;
        for (int64_t c = 0; c < f->colors; c++)
            row[i * f->colors + c] = outside && f->edges == ZERO ? 0 : pixel[c];
    }
}

static unsigned char to_byte(double value)
{
    return value >= 254.5 ? 255 : value > 0 ? (unsigned char)(value + 0.5) : 0;
}

/* Alpha is not filtered: it is that of the pixel in the window's middle, the first of two as the padding has it. */
static void store_row(struct filtering *f, int64_t y, const float *row)
{
    const fcnn_picture *from = &f->from, *to = &f->to;
    const int64_t source = clamp(y * f->stride - f->top + (f->kernel.rows - 1) / 2, from->h - 1);
    for (int64_t x = 0; x < to->w; x++) {
        unsigned char *pixel = to->pixels + (y * to->w + x) * to->c;
        for (int64_t c = 0; c < f->colors; c++) pixel[c] = to_byte(row[x * f->colors + c] + f->offset);
        if (f->colors == to->c) continue;
        const int64_t column = clamp(x * f->stride - f->left + (f->kernel.columns - 1) / 2, from->w - 1);
        pixel[f->colors] = from->pixels[(source * from->w + column) * from->c + f->colors];
    }
}

struct band {
    fcnn_problem problem;
    fcnn_plan *plan;
    float *src, *weights, *dst;
};

static fcnn_status make_band(const struct filtering *f, int64_t rows, struct band *band)
{
    band->problem = (fcnn_problem){
        .op = FCNN_CONV2D, .direction = FCNN_FORWARD, .n = 1, .h = (rows - 1) * f->stride + f->kernel.rows,
        .w = (f->to.w - 1) * f->stride + f->kernel.columns, .c = f->colors, .k = f->colors, .r = f->kernel.rows,
        .s = f->kernel.columns, .stride_h = f->stride, .stride_w = f->stride, .padding = FCNN_PAD_VALID,
        .groups = f->colors, .no_bias = 1,
    };
    fcnn_plan_destroy(band->plan);
    return fcnn_plan_create(&band->plan, &band->problem, &f->kernels);
}

static fcnn_status run_band(struct filtering *f, int64_t first, int64_t rows, struct band *band)
{
    const fcnn_problem *p = &band->problem;
    for (int64_t y = 0; y < p->h; y++)
        fill_row(f, first * f->stride - f->top + y, p->w, band->src + y * p->w * f->colors);
    const fcnn_tensors tensors = {.src = band->src, .weights = band->weights, .dst = band->dst};
    const fcnn_status status = fcnn_execute(band->plan, &tensors);
    for (int64_t y = 0; y < rows && !status; y++) store_row(f, first + y, band->dst + y * f->to.w * f->colors);
    return status;
}

/* Weights (R, S, 1, K): the same kernel for each channel. */
static void spread_weights(const struct filtering *f, float *weights)
{
    for (int i = 0; i < f->kernel.rows * f->kernel.columns; i++)
        for (int64_t c = 0; c < f->colors; c++) weights[i * f->colors + c] = f->kernel.weight[i];
}

static fcnn_status filter(struct filtering *f)
{
    struct band band = {.plan = NULL};
    const int64_t row = ((f->to.w - 1) * f->stride + f->kernel.columns) * f->colors, window = f->kernel.rows;
    int64_t most = (BAND / row - window) / f->stride + 1, now = 0;
    most = most < 8 ? 8 : most;
    most = most < f->to.h ? most : f->to.h;
    band.src = program_allocate((size_t)(((most - 1) * f->stride + window) * row), sizeof *band.src);
    band.dst = program_allocate((size_t)(most * f->to.w * f->colors), sizeof *band.dst);
    band.weights = program_allocate((size_t)(window * f->kernel.columns * f->colors), sizeof *band.weights);
    spread_weights(f, band.weights);
    fcnn_status status = FCNN_OK;
    for (int64_t y = 0; y < f->to.h && !status; y += now) {
        const int64_t rows = f->to.h - y < most ? f->to.h - y : most;
        if (rows != now) status = make_band(f, rows, &band);
        now = rows;
        if (!status) status = run_band(f, y, rows, &band);
    }
    fcnn_plan_destroy(band.plan);
    free(band.src);
    free(band.dst);
    free(band.weights);
    return status;
}

/* ---- the command ---- */

static int failed(fcnn_status status)
{
    program_complain("%s", fcnn_io_last_error());
    return program_exit_code(status);
}

static int report(const struct filtering *f, const char *in, const char *out)
{
    if (!cli_json) return EXIT_SUCCESS;
    json_t *rows = json_array();
    for (int i = 0; i < f->kernel.rows; i++) {
        json_t *row = json_array();
        for (int j = 0; j < f->kernel.columns; j++)
            json_array_append_new(row, cli_json_real(f->kernel.weight[i * f->kernel.columns + j]));
        json_array_append_new(rows, row);
    }
    return cli_print_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:f, s:I, s:[III], s:[III]}", "command", "filter", "in",
                                    cli_json_text(in), "out", cli_json_text(out), "kernel",
                                    cli_json_text(f->kernel_name), "weights", rows, "offset", f->offset, "strides",
                                    (json_int_t)f->stride, "from", (json_int_t)f->from.h, (json_int_t)f->from.w,
                                    (json_int_t)f->from.c, "to", (json_int_t)f->to.h, (json_int_t)f->to.w,
                                    (json_int_t)f->to.c));
}

static int filter_file(struct filtering *f, const char *in, const char *out)
{
    fcnn_status status = fcnn_picture_read(&f->from, in);
    if (status) return failed(status);
    int code = plan_sizes(f, in);
    if (!code && (status = filter(f))) code = program_failed(status);
    if (!code && (status = fcnn_picture_write(&f->to, out))) {
        program_complain("%s", fcnn_io_last_error());
        code = status == FCNN_NO_FILE ? EX_IOERR : program_exit_code(status);
    }
    if (!code) code = report(f, in, out);
    free(f->to.pixels);
    fcnn_picture_free(&f->from);
    return code;
}

static int run(int argc, char **argv)
{
    struct filtering f = {.stride = 1, .offset = NAN};
    const int first = cli_parse(&cli_filter, argc, argv, &f);
    if (argc - first != 2) cli_usage(&cli_filter, "expected a picture to read and one to write");
    if (!f.kernel_name) cli_usage(&cli_filter, "expected --kernel, a name or a file");
    int code = cli_filter_named(&f.kernel, f.kernel_name) ? EXIT_SUCCESS : cli_filter_read(&f.kernel, f.kernel_name);
    if (isnan(f.offset)) f.offset = f.kernel.offset;
    return code ? code : filter_file(&f, argv[first], argv[first + 1]);
}

static const char *padding_word(int number)
{
    static const char *const words[] = {[SAME] = "same", [VALID] = "valid"};
    return number <= VALID ? words[number] : NULL;
}

static const char *edges_word(int number)
{
    static const char *const words[] = {[REPEAT] = "repeat", [ZERO] = "zero"};
    return number <= ZERO ? words[number] : NULL;
}

#define FIELD(name) offsetof(struct filtering, name)
static const struct cli_option options[] = {
    {"kernel", "NAME", "blur, sharpen, edge, emboss, sobel-x, sobel-y, or a file", CLI_TEXT,
     .field = FIELD(kernel_name)},
    {"strides", "N", "Take every Nth row and column of the result (default 1)", CLI_INT64, .field = FIELD(stride),
     .low = 1, .high = 1024},
    {"padding", "WORD", "same (default): as many rows and columns as before, divided by the strides; valid: only where "
     "the kernel lies inside", CLI_CHOICE, .field = FIELD(padding), .word = padding_word},
    {"edges", "WORD", "With --padding same, what is outside: repeat (default) the pixels of the edge, or zero, as "
     "networks have it", CLI_CHOICE, .field = FIELD(edges), .word = edges_word},
    {"offset", "X", "Added to each result (default: 128 for sobel-x and sobel-y, else 0)", CLI_DOUBLE,
     .field = FIELD(offset), .least = -1e6, .most = 1e6},
    {"isa", "NAME", "As elsewhere: the instruction set to use at most", CLI_TEXT, .field = FIELD(kernels.isa)},
    {"threads", "N", "As elsewhere: threads", CLI_INT, .field = FIELD(kernels.threads), .low = 1, .high = 1024},
    {0}};

const struct cli_command cli_filter = {
    .name = "filter",
    .summary = "a picture through a kernel: blur, sharpen, edges",
    .arguments = "IN.png OUT.png",
    .doc = "Convolves a picture with a kernel, as the first layer of a network does, and writes the result: each "
        "colour by "
           "itself, alpha kept, sums rounded and clipped to 0 to 255.",
    .more = "blur is the mean of 3 x 3; sharpen 5 in the middle and -1 beside it; edge 8 and -1 all around; emboss -2 "
        "-1 0, "
            "-1 1 1, 0 1 2; sobel-x -1 0 1, -2 0 2, -1 0 1, and sobel-y that on its side, where 128 stands for no "
            "change. As in networks the kernel is not turned over. A file has one row of numbers a line, separated by "
            "blanks or commas, '#' before comments; 1/9 is a number.",
    .options = options,
    .run = run,
};

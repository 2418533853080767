/* SPDX-License-Identifier: BSD-2-Clause
 * See kernel_text.h. */
#include "cli/kernel_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/io/number.h"
#include "lib/io/whole.h"

#define MOST_BYTES (1 << 20)

/* ---- by name ---- */

static const struct {
    const char *name;
    float weight[9], over; /* 3 x 3, each divided by that */
    double offset;
} named[] = {
    {"blur", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 9, 0},
    {"sharpen", {0, -1, 0, -1, 5, -1, 0, -1, 0}, 1, 0},
    {"edge", {-1, -1, -1, -1, 8, -1, -1, -1, -1}, 1, 0},
    {"emboss", {-2, -1, 0, -1, 1, 1, 0, 1, 2}, 1, 0},
    {"sobel-x", {-1, 0, 1, -2, 0, 2, -1, 0, 1}, 1, 128},
    {"sobel-y", {-1, -2, -1, 0, 0, 0, 1, 2, 1}, 1, 128},
};
#define NAMED ((int)(sizeof named / sizeof *named))

const char *cli_filter_name(int number) { return number < NAMED ? named[number].name : NULL; }

int cli_filter_named(struct cli_filter_kernel *kernel, const char *name)
{
    for (int i = 0; i < NAMED; i++) {
        if (strcmp(named[i].name, name)) continue;
        *kernel = (struct cli_filter_kernel){.rows = 3, .columns = 3, .offset = named[i].offset};
        for (int j = 0; j < 9; j++) kernel->weight[j] = named[i].weight[j] / named[i].over;
        return 1;
    }
    return 0;
}

/* ---- from text ---- */

struct reader {
    const char *path, *line, *at; /* of the line that is read: its begin, and where reading is */
    int number;                   /* of the line, from 1 */
};

static int bad(const struct reader *r, const char *format, const char *word, int length)
{
    char text[256];
    snprintf(text, sizeof text, format, length < 32 ? length : 32, word);
    program_complain("%s:%d:%d: %s", r->path, r->number, (int)(r->at - r->line) + 1, text);
    return EX_DATAERR;
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') r->at++;
}

static int ends(char c) { return !c || c == '\n' || c == '#'; }

/* "0.5" or "1/9" */
static int read_number(struct reader *r, float *value)
{
    char word[64];
    double over = 1, number = 0;
    const int length = (int)strcspn(r->at, " \t\r\n,#");
    if (ends(*r->at)) return bad(r, "expected a number, found the end of the line%.*s", "", 0);
    if (length == 0) return bad(r, "expected a number, found '%.*s'", r->at, 1);
    snprintf(word, sizeof word, "%.*s", length, r->at);
    char *slash = strchr(word, '/');
    if (slash) *slash = 0;
    const int read = length < (int)sizeof word && io_number_read(word, &number) &&
                     (!slash || io_number_read(slash + 1, &over));
    *value = (float)(number / over);
    if (!read || !isfinite(*value)) return bad(r, "expected a number, found '%.*s'", r->at, length);
    r->at += length;
    return EXIT_SUCCESS;
}

/* One line, which may have no numbers; at its end then. */
static int read_row(struct reader *r, struct cli_filter_kernel *kernel)
{
    int count = 0;
    float *row = kernel->weight + kernel->rows * CLI_KERNEL_SIDE;
    for (skip_blanks(r); !ends(*r->at); skip_blanks(r)) {
        float value = 0;
        if (count && *r->at == ',') r->at++;
        skip_blanks(r);
        if (count == CLI_KERNEL_SIDE) return bad(r, "a row has at most 63 numbers%.*s", "", 0);
        if (kernel->rows == CLI_KERNEL_SIDE) return bad(r, "a kernel has at most 63 rows%.*s", "", 0);
        const int code = read_number(r, &value);
        if (code) return code;
        row[count++] = value;
    }
    if (count && kernel->rows && count != kernel->columns) {
        program_complain("%s:%d:%d: a row of %d number%s; expected %d, as above", r->path, r->number,
                         (int)(r->at - r->line) + 1, count, count == 1 ? "" : "s", kernel->columns);
        return EX_DATAERR;
    }
    if (count) kernel->columns = count;
    kernel->rows += count > 0;
    return EXIT_SUCCESS;
}

int cli_filter_parse(struct cli_filter_kernel *kernel, const char *text, const char *path)
{
    struct reader r = {.path = path, .line = text, .at = text, .number = 1};
    *kernel = (struct cli_filter_kernel){0};
    for (;; r.number++) {
        const int code = read_row(&r, kernel);
        if (code) return code;
        r.at += strcspn(r.at, "\n");
        if (!*r.at) break;
        r.line = ++r.at;
    }
    if (!kernel->rows) {
        program_complain("%s: no numbers; expected the rows of a kernel", path);
        return EX_DATAERR;
    }
    for (int i = 0; i < kernel->rows; i++) /* close up */
        memmove(kernel->weight + i * kernel->columns, kernel->weight + i * CLI_KERNEL_SIDE,
                (size_t)kernel->columns * sizeof *kernel->weight);
    return EXIT_SUCCESS;
}

int cli_filter_read(struct cli_filter_kernel *kernel, const char *path)
{
    unsigned char *bytes;
    size_t count;
    const fcnn_status status = io_whole_read(&bytes, &count, path, MOST_BYTES);
    if (status) {
        program_complain("%s", fcnn_io_last_error());
        return program_exit_code(status);
    }
    const int binary = strlen((const char *)bytes) != count;
    if (binary) program_complain("%s: not a text: there is a byte 0 in it", path);
    const int code = binary ? EX_DATAERR : cli_filter_parse(kernel, (const char *)bytes, path);
    free(bytes);
    return code;
}

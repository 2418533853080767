/* SPDX-License-Identifier: BSD-2-Clause
 * See history.h. */
#include "cli/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "lib/io/json_text.h"

#define MOST_EPOCHS 1000000
#define MOST_BYTES  ((size_t)128 << 20) /* four metrics of so many epochs, 17 digits each, have 92 MB */

static const char *const names[CLI_METRICS] = {"accuracy", "loss", "val_accuracy", "val_loss"};
static const char *const old_names[CLI_METRICS] = {"acc", "loss", "val_acc", "val_loss"}; /* before Keras 2.3 */

const char *cli_metric_name(int metric) { return names[metric]; }

double cli_metric(const fcnn_progress *epoch, int metric)
{
    const double values[CLI_METRICS] = {epoch->accuracy, epoch->loss, epoch->val_accuracy, epoch->val_loss};
    return values[metric];
}

static int is_csv(const char *path)
{
    const size_t length = strlen(path);
    return length > 4 && !strcasecmp(path + length - 4, ".csv");
}

/* Without validation images there are two of them. */
static int metrics_of(const fcnn_progress *epochs, int count)
{
    return count && epochs[0].has_validation ? CLI_METRICS : CLI_VAL_ACCURACY;
}

/* ---- writing ---- */

/* NULL: no memory. */
static char *finish(FILE *out, char **text)
{
    if (out && !fclose(out)) return *text;
    free(*text);
    return NULL;
}

static char *json_text(const fcnn_progress *epochs, int count)
{
    json_t *history = json_object();
    for (int metric = 0; metric < metrics_of(epochs, count); metric++) {
        json_t *list = json_array();
        for (int i = 0; i < count; i++) json_array_append_new(list, cli_json_real(cli_metric(&epochs[i], metric)));
        json_object_set_new(history, names[metric], list);
    }
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out) json_dumpf(history, out, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    if (out) fputc('\n', out);
    json_decref(history);
    return finish(out, &text);
}

static char *csv_text(const fcnn_progress *epochs, int count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fputs("epoch", out);
    for (int metric = 0; metric < metrics_of(epochs, count); metric++) fprintf(out, ",%s", names[metric]);
    fputc('\n', out);
    for (int i = 0; i < count; i++) {
        fprintf(out, "%d", i);
        for (int metric = 0; metric < metrics_of(epochs, count); metric++)
            fprintf(out, ",%.17g", cli_metric(&epochs[i], metric));
        fputc('\n', out);
    }
    return finish(out, &text);
}

int cli_history_write(const char *path, const fcnn_progress *epochs, int count)
{
    char *text = is_csv(path) ? csv_text(epochs, count) : json_text(epochs, count);
    if (!text) program_complain("out of memory");
    const int code = text ? cli_write_file(path, text) : EX_OSERR;
    free(text);
    return code;
}

/* ---- reading ---- */

static int complain(const char *path, const char *what)
{
    program_complain("%s is no history of training: %s", path, what);
    return EX_DATAERR;
}

static int metric_of(const char *name, size_t length)
{
    for (int i = 0; i < CLI_METRICS; i++)
        if ((strlen(names[i]) == length && !memcmp(names[i], name, length)) ||
            (strlen(old_names[i]) == length && !memcmp(old_names[i], name, length)))
            return i;
    return -1;
}

static int has_any(const struct cli_history *history)
{
    for (int i = 0; i < CLI_METRICS; i++)
        if (history->values[i]) return 1;
    return 0;
}

static int read_list(struct cli_history *history, const char *path, const char *name, const json_t *list)
{
    char what[128];
    const int metric = metric_of(name, strlen(name));
    if (metric < 0) return EXIT_SUCCESS;
    const size_t count = json_array_size(list);
    snprintf(what, sizeof what, "\"%s\" is not a list of one number for each epoch", name);
    if (!json_is_array(list) || count > MOST_EPOCHS || history->values[metric]) return complain(path, what);
    if (has_any(history) && (size_t)history->epochs != count) return complain(path, "its lists are not of one length");
    history->epochs = (int)count; /* it may be 0, of the first list too */
    history->values[metric] = program_allocate(count, sizeof(double));
    for (size_t i = 0; i < count; i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_number(number) && !json_is_null(number)) return complain(path, what);
        history->values[metric][i] = json_is_null(number) ? NAN : json_number_value(number);
    }
    return EXIT_SUCCESS;
}

static int read_json(struct cli_history *history, const char *path, const char *text, size_t length)
{
    json_error_t error;
    const char *name;
    json_t *value;
    int code = EXIT_SUCCESS;
    if (io_json_memory(text, length) > IO_JSON_MEMORY)
        return complain(path, "to be read it would take more than 256 MiB of memory");
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        char what[256];
        snprintf(what, sizeof what, "line %d, column %d: %s", error.line, error.column, error.text);
        return complain(path, what);
    }
    if (!json_is_object(root)) code = complain(path, "it is not a JSON object");
    else if (json_object_get(root, "receipt"))
        code = complain(path, "it is a receipt; 'fastcnn train --history=FILE' writes histories");
    else json_object_foreach(root, name, value) {
        code = read_list(history, path, name, value);
        if (code) break;
    }
    json_decref(root);
    return code;
}

/* Which metric each column has, -1: another one. Returns the number of columns, -1 if there are too many. */
static int read_header(const char *line, size_t length, int columns[64])
{
    int count = 0;
    for (size_t at = 0; at <= length; count++) {
        const char *comma = memchr(line + at, ',', length - at);
        const size_t end = comma ? (size_t)(comma - line) : length;
        if (count == 64) return -1;
        columns[count] = metric_of(line + at, end - at);
        at = end + 1;
    }
    return count;
}

/* NA is what CSVLogger writes for none. The program leaves LC_NUMERIC alone, so a number has a point. */
static int read_number(const char *field, size_t length, double *value)
{
    char copy[64], *end;
    if (length >= sizeof copy) return 0;
    memcpy(copy, field, length);
    copy[length] = 0;
    *value = NAN;
    if (!length || !strcmp(copy, "NA")) return 1;
    *value = strtod(copy, &end);
    return !*end;
}

static int read_row(struct cli_history *history, const char *line, size_t length, const int columns[64], int count)
{
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        double value;
        const char *comma = at <= length ? memchr(line + at, ',', length - at) : NULL;
        const size_t end = comma ? (size_t)(comma - line) : length;
        if (at > length || !read_number(line + at, end - at, &value)) return 0;
        if (columns[i] >= 0) history->values[columns[i]][history->epochs] = value;
        at = end + 1;
    }
    history->epochs++;
    return at == length + 1;
}

static int read_csv(struct cli_history *history, const char *path, const char *text, size_t length)
{
    int columns[64], count = 0, line = 0, lines = 0;
    char what[64];
    for (size_t i = 0; i < length; i++) lines += text[i] == '\n';
    if (lines > MOST_EPOCHS + 1) return complain(path, "it has more than 1000001 lines"); /* each would get memory */
    for (size_t at = 0; at < length; line++) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t end = newline ? (size_t)(newline - text) : length, stop = end;
        if (stop > at && text[stop - 1] == '\r') stop--;
        if (!line) {
            count = read_header(text + at, stop - at, columns);
            for (int i = 0; i < count; i++)
                if (columns[i] >= 0 && !history->values[columns[i]])
                    history->values[columns[i]] = program_allocate((size_t)lines + 1, sizeof(double));
        } else if (stop > at && !read_row(history, text + at, stop - at, columns, count)) {
            snprintf(what, sizeof what, "line %d does not have the fields that line 1 names", line + 1);
            return complain(path, what);
        }
        at = end + 1;
    }
    return EXIT_SUCCESS;
}

/* The whole file, NUL behind it; *code says why there is none. */
static char *read_file(const char *path, size_t *length, int *code)
{
    char *text;
    const int error = io_stream_read(&text, length, path, MOST_BYTES);
    *code = error == ENOMEM ? EX_OSERR : error ? EX_NOINPUT : EXIT_SUCCESS;
    if (error == EFBIG) *code = complain(path, "it has more than 128 MiB");
    else if (error) program_complain("%s: %s", path, error == ENOMEM ? "out of memory" : strerror(error));
    return text;
}

int cli_history_read(struct cli_history *history, const char *path)
{
    int code;
    size_t length;
    *history = (struct cli_history){0};
    char *text = read_file(path, &length, &code);
    if (!text) return code;
    code = is_csv(path) ? read_csv(history, path, text, length) : read_json(history, path, text, length);
    free(text);
    if (!code && (!has_any(history) || !history->epochs))
        code = complain(path, "it has no epoch with an accuracy or a loss");
    if (code) cli_history_free(history);
    return code;
}

void cli_history_free(struct cli_history *history)
{
    for (int i = 0; i < CLI_METRICS; i++) free(history->values[i]);
    *history = (struct cli_history){0};
}

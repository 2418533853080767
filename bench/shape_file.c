/* SPDX-License-Identifier: BSD-2-Clause
 * Files of problems in the syntax of oneDNN's benchdnn: see layers.h. */
#include "bench/layers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_BYTES = 16 << 20, NAME = 64, SIZES = 128 };

struct reader {
    struct bench_shape_file *file;
    const char *path;
    long long images; /* of --mb; 0: as the problem says */
    int line;
    bench_shape_note_fn *note;
    void *context;
};

static void refuse(const struct reader *r, const char *what)
{
    if (r->note) r->note(r->context, r->path, r->line, what);
}

/* ---- the whole file ---- */

static int read_stream(FILE *stream, char **text)
{
    struct stat about;
    if (fstat(fileno(stream), &about)) return errno;
    if (S_ISDIR(about.st_mode)) return EISDIR;
    size_t room = 4096, used = 0, got;
    *text = malloc(room);
    while (*text && (got = fread(*text + used, 1, room - used - 1, stream))) {
        used += got;
        if (used > MOST_BYTES) return EFBIG;
        if (used + 1 < room) continue;
        char *more = realloc(*text, room *= 2);
        if (!more) return ENOMEM;
        *text = more;
    }
    if (!*text) return ENOMEM;
    (*text)[used] = 0;
    return ferror(stream) ? EIO : 0;
}

static int read_text(const char *path, char **text)
{
    *text = NULL;
    FILE *stream = fopen(path, "r");
    if (!stream) return errno;
    const int error = read_stream(stream, text);
    fclose(stream);
    return error;
}

/* ---- one line ---- */

/* Options at the beginning of a line; returns what comes after them. */
static char *pass_options(struct reader *r, char *at)
{
    while (at += strspn(at, " \t\r"), !strncmp(at, "--", 2)) {
        char *const end = at + strcspn(at, " \t\r");
        if (!strncmp(at, "--mb=", 5)) r->images = strtoll(at + 5, NULL, 10);
        if (!strncmp(at, "--reset", 7)) r->images = 0;
        at = end;
    }
    return at;
}

/* Copies what a layer's name may have, up to `most` characters; the rest of them becomes '_'. */
static char *put_name(char *at, const char *text, size_t length, size_t most)
{
    for (size_t i = 0; i < length && i < most; i++)
        *at++ = isalnum((unsigned char)text[i]) || text[i] == '-' ? text[i] : '_';
    *at = 0;
    return at;
}

/* n"net:layer*2" becomes "net.layer"; without a net it is the file's name, without a name the line's number. */
static void write_name(const struct reader *r, const char *quoted, char name[NAME])
{
    enum { PART = NAME / 2 - 2 };
    const char *slash = strrchr(r->path, '/'), *net = slash ? slash + 1 : r->path;
    size_t length = strcspn(net, ".");
    const char *end = quoted + (quoted ? strcspn(quoted, "\"*") : 0);
    const char *colon = quoted ? memchr(quoted, ':', (size_t)(end - quoted)) : NULL;
    if (colon) net = quoted, length = (size_t)(colon - quoted), quoted = colon + 1;
    char *at = put_name(name, net, length, PART);
    *at++ = '.';
    if (quoted) put_name(at, quoted, (size_t)(end - quoted), PART);
    else snprintf(at, PART, "%d", r->line);
}

/* The sizes without the name, and with the images of --mb. */
static int write_sizes(const struct reader *r, const char *text, char sizes[SIZES])
{
    const char *mb = strstr(text, "mb");
    const int length = (int)strcspn(text, "n \t\r"); /* an n begins the name */
    const int before = mb && mb < text + length ? (int)(mb - text) : length;
    const char *after = text + before;
    if (r->images < 1) return snprintf(sizes, SIZES, "%.*s", length, text) < SIZES;
    if (before < length) after += 2 + strspn(after + 2, "0123456789");
    const int behind = (int)(text + length - after);
    return snprintf(sizes, SIZES, "%.*smb%lld%.*s", before, text, r->images, behind, after) < SIZES;
}

/* A problem's name and sizes, if it is one. Returns where the strings end, which begin at `at`. */
static char *add(struct reader *r, const char *text, char *at)
{
    char name[NAME], sizes[SIZES], problem[SIZES + 32];
    fcnn_problem parsed;
    const char *quote = strstr(text, "n\"");
    if (!write_sizes(r, text, sizes)) return refuse(r, "too long"), at;
    snprintf(problem, sizeof problem, "conv2d forward %s", sizes);
    if (fcnn_problem_parse(&parsed, problem)) return refuse(r, fcnn_last_error()), at;
    write_name(r, quote ? quote + 2 : NULL, name);
    struct bench_layer *layer = &r->file->layers[r->file->count++];
    *layer = (struct bench_layer){.name = at, .op = "conv2d"};
    at += sprintf(at, "%s", name) + 1;
    layer->sizes = at;
    return at + sprintf(at, "%s", sizes) + 1;
}

/* Every line may become a layer: room for all of them is asked for at once. */
static int make_room(struct bench_shape_file *file, const char *text)
{
    size_t lines = 1;
    for (; *text; text++) lines += *text == '\n';
    file->layers = calloc(lines, sizeof *file->layers);
    file->memory = malloc(lines * (NAME + SIZES));
    return file->layers && file->memory ? 0 : ENOMEM;
}

int bench_shape_file_read(const char *path, struct bench_shape_file *file, bench_shape_note_fn *note, void *context)
{
    struct reader r = {.file = file, .path = path, .note = note, .context = context};
    char *text;
    *file = (struct bench_shape_file){0};
    int error = read_text(path, &text);
    if (!error) error = make_room(file, text);
    char *memory = file->memory;
    for (char *line = text, *next; !error && line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        r.line++;
        line[strcspn(line, "#")] = 0;
        line = pass_options(&r, line);
        if (*line) memory = add(&r, line, memory);
    }
    free(text);
    if (error) bench_shape_file_free(file);
    return error;
}

void bench_shape_file_free(struct bench_shape_file *file)
{
    free(file->layers);
    free(file->memory);
    *file = (struct bench_shape_file){0};
}

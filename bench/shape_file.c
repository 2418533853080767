/* SPDX-License-Identifier: BSD-2-Clause
 * Files of problems in the syntax of oneDNN's benchdnn: see layers.h. */
#include "bench/layers.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_BYTES = 1 << 20, NAME = 64, SIZES = 128 };

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

/* ---- words ---- */

/* Cuts the next word off a line: blanks within quotes belong to it, '#' outside of them ends the line. NULL: none. */
static char *next_word(char **line)
{
    static const char blanks[] = " \t\r";
    char *word = *line + strspn(*line, blanks), *end = word, quote = 0;
    for (; *end && (quote || !(*end == '#' || strchr(blanks, *end))); end++) {
        if (!quote && (*end == '"' || *end == '\'')) quote = *end;
        else if (*end == quote) quote = 0;
    }
    if (end == word) return NULL;
    *line = end + (*end && *end != '#');
    *end = 0;
    return word;
}

static void take_option(struct reader *r, const char *option)
{
    char *end;
    if (!strncmp(option, "--reset", 7)) r->images = 0;
    if (!strncmp(option, "--batch=", 8)) refuse(r, "--batch: further files are not read; --layers takes them, too");
    if (strncmp(option, "--mb=", 5)) return;
    const long long images = strtoll(option + 5, &end, 10);
    if (end == option + 5 || *end || images < 0) refuse(r, "--mb: expected one number");
    else r->images = images;
}

/* ---- one problem ---- */

/* Copies what a layer's name may have, up to `most` characters; the rest of them becomes '_'. */
static char *put_name(char *at, const char *text, size_t length, size_t most)
{
    for (size_t i = 0; i < length && i < most; i++)
        *at++ = isalnum((unsigned char)text[i]) || text[i] == '-' ? text[i] : '_';
    *at = 0;
    return at;
}

/* n"net:layer*2" becomes "net.layer", and so without quotes; without a net it is the file's name, without a name the
 * line's number. text: what stands behind the n. */
static void write_name(const struct reader *r, const char *text, char name[NAME])
{
    enum { PART = NAME / 2 - 2 };
    const char *slash = strrchr(r->path, '/'), *net = slash ? slash + 1 : r->path;
    size_t length = strcspn(net, ".");
    const char *begin = text + (*text == '"'), *end = begin + strcspn(begin, "\"*");
    const char *colon = memchr(begin, ':', (size_t)(end - begin));
    if (colon) net = begin, length = (size_t)(colon - begin), begin = colon + 1;
    char *at = put_name(name, net, length, PART);
    *at++ = '.';
    if (*text) put_name(at, begin, (size_t)(end - begin), PART);
    else snprintf(at, PART, "%d", r->line);
}

/* The sizes without the name, and with the images of --mb. */
static int write_sizes(const struct reader *r, const char *text, char sizes[SIZES])
{
    const char *mb = strstr(text, "mb");
    const int length = (int)strcspn(text, "n"); /* an n begins the name */
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
    if (!write_sizes(r, text, sizes)) return refuse(r, "too long"), at;
    snprintf(problem, sizeof problem, "conv2d forward %s", sizes);
    if (fcnn_problem_parse(&parsed, problem)) return refuse(r, fcnn_last_error()), at;
    text += strcspn(text, "n");
    write_name(r, text + (*text == 'n'), name);
    struct bench_layer *layer = &r->file->layers[r->file->count++];
    *layer = (struct bench_layer){.name = at, .op = "conv2d"};
    at += sprintf(at, "%s", name) + 1;
    layer->sizes = at;
    return at + sprintf(at, "%s", sizes) + 1;
}

/* Every word may become a layer: room for all is asked for at once, at most 112 bytes for each byte of the file. */
static int make_room(struct bench_shape_file *file, const char *text)
{
    static const char blanks[] = " \t\r\n";
    size_t words = 1;
    for (; *text; text += strcspn(text, blanks), words++) text += strspn(text, blanks);
    file->layers = calloc(words, sizeof *file->layers);
    file->memory = malloc(words * (NAME + SIZES));
    return file->layers && file->memory ? 0 : ENOMEM;
}

int bench_shape_file_read(const char *path, struct bench_shape_file *file, bench_shape_note_fn *note, void *context)
{
    struct reader r = {.file = file, .path = path, .note = note, .context = context};
    char *text;
    *file = (struct bench_shape_file){0};
    int error = read_text(path, &text);
    if (!error) error = make_room(file, text);
    char *memory = file->memory, *begin = text;
    if (!error && !strncmp(text, "\xef\xbb\xbf", 3)) begin += 3; /* a byte order mark */
    for (char *line = begin, *next; !error && line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        r.line++;
        for (char *word; (word = next_word(&line));) {
            if (*word == '-') take_option(&r, word);
            else memory = add(&r, word, memory);
        }
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

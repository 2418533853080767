/* SPDX-License-Identifier: BSD-2-Clause
 * Reading trails, a line at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha2.h>

#include "lib/io/fail.h"
#include "lib/io/receipt.h"
#include "lib/io/trail.h"

#define HEAD_LINE (IO_TRAIL_NAME + 64) /* bytes of a line before the first step, at most */

struct io_trail_reader {
    FILE *file;
    char *path;
    int64_t number, offset; /* of the line read last; behind it */
    int numerics, torn, begun;
    char math[64];
    int tensors, room;
    char (*tensor)[IO_TRAIL_NAME];
    char *line;
    size_t most; /* bytes of a line, with newline and NUL */
    struct io_trail_step step;
};

__attribute__((format(printf, 2, 3)))
static fcnn_status complain(const struct io_trail_reader *r, const char *format, ...)
{
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s:%lld: %s", r->path, (long long)r->number, sentence);
}

/* The next line without its newline; *got 0: there is none. */
static fcnn_status next_line(struct io_trail_reader *r, int *got)
{
    size_t length = 0;
    int c = 0;
    *got = 0;
    r->number++;
    while (length + 1 < r->most && (c = getc(r->file)) != EOF && c != '\n') r->line[length++] = (char)c;
    if (ferror(r->file)) return fcnn_io_fail(FCNN_NO_FILE, "%s: it cannot be read: %s", r->path, strerror(errno));
    r->line[length] = 0;
    if (c == EOF) {
        r->torn = length > 0;
        return FCNN_OK;
    }
    if (c != '\n') return complain(r, "the line is longer than the trail's lines are");
    if (strlen(r->line) != length) return complain(r, "the line has a byte that is 0");
    r->offset += (int64_t)length + 1;
    *got = 1;
    return FCNN_OK;
}

/* ---- the head ---- */

static fcnn_status more_tensors(struct io_trail_reader *r)
{
    if (r->tensors < r->room) return FCNN_OK;
    if (r->tensors == IO_TRAIL_MOST_TENSORS) return complain(r, "more than %d tensors", IO_TRAIL_MOST_TENSORS);
    const int room = r->room ? 2 * r->room : 64;
    void *more = realloc(r->tensor, (size_t)room * sizeof *r->tensor);
    if (!more) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its tensors", r->path);
    r->tensor = more;
    r->room = room;
    return FCNN_OK;
}

/* "NAME COUNT"; both are the tensor's name here, so that a trail of other sizes is another trail. */
static fcnn_status read_tensor(struct io_trail_reader *r, const char *text)
{
    const char *blank = strchr(text, ' ');
    if (!blank || blank == text || !blank[1] || blank[1 + strspn(blank + 1, "0123456789")] ||
        strlen(text) >= IO_TRAIL_NAME)
        return complain(r, "expected 'tensor NAME COUNT'");
    IO_TRY(more_tensors(r));
    strcpy(r->tensor[r->tensors++], text);
    return FCNN_OK;
}

static int is_number(const char *text)
{
    const size_t length = strlen(text);
    return length && length < 10 && strspn(text, "0123456789") == length;
}

static fcnn_status read_head_line(struct io_trail_reader *r)
{
    if (r->number == 1)
        return strcmp(r->line, "fastcnn-trail 1")
                   ? complain(r, "this is no trail of a training run: expected 'fastcnn-trail 1'") : FCNN_OK;
    if (r->number == 2) {
        if (strncmp(r->line, "numerics ", 9) || !is_number(r->line + 9)) return complain(r, "expected 'numerics N'");
        r->numerics = atoi(r->line + 9);
        return FCNN_OK;
    }
    if (r->number == 3) {
        if (strncmp(r->line, "math ", 5) || strlen(r->line + 5) >= sizeof r->math)
            return complain(r, "expected 'math CLASSES'");
        strcpy(r->math, r->line + 5);
        return FCNN_OK;
    }
    r->begun = !strcmp(r->line, "epoch step loss hashes");
    if (r->begun) return r->tensors ? FCNN_OK : complain(r, "a trail without tensors");
    if (strncmp(r->line, "tensor ", 7)) return complain(r, "expected 'tensor NAME COUNT'");
    return read_tensor(r, r->line + 7);
}

static fcnn_status read_head(struct io_trail_reader *r)
{
    int got;
    r->most = HEAD_LINE;
    r->line = malloc(r->most);
    if (!r->line) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for a line", r->path);
    while (!r->begun) {
        IO_TRY(next_line(r, &got));
        if (!got) return complain(r, r->number == 1 ? "the file is empty, or no trail" : "the trail ends in its head");
        IO_TRY(read_head_line(r));
    }
    r->most = 128 + 17 * (size_t)r->tensors;
    char *line = realloc(r->line, r->most);
    if (line) r->line = line;
    r->step.hashes = calloc((size_t)r->tensors, sizeof *r->step.hashes);
    if (!line || !r->step.hashes) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for a line", r->path);
    r->step.step = -1;
    return FCNN_OK;
}

/* A folder, FIFO or device is refused without waiting for it. */
static fcnn_status open_file(struct io_trail_reader *r)
{
    struct stat found;
    const int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && !fstat(fd, &found) && S_ISREG(found.st_mode)) r->file = fdopen(fd, "r");
    if (r->file) return FCNN_OK;
    const int error = errno;
    if (fd < 0) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", r->path, strerror(error));
    close(fd);
    return fcnn_io_fail(FCNN_NO_FILE, "%s: it is not a regular file", r->path);
}

fcnn_status io_trail_open(struct io_trail_reader **reader, const char *path)
{
    struct io_trail_reader *r = calloc(1, sizeof *r);
    *reader = NULL;
    if (r) r->path = strdup(path);
    fcnn_status status = r && r->path ? open_file(r)
                                      : fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory to read it", path);
    if (!status) status = read_head(r);
    if (status) io_trail_close(r);
    else *reader = r;
    return status;
}

void io_trail_close(struct io_trail_reader *r)
{
    if (!r) return;
    if (r->file) fclose(r->file);
    free(r->path);
    free(r->tensor);
    free(r->line);
    free(r->step.hashes);
    free(r);
}

int io_trail_reader_tensors(const struct io_trail_reader *r) { return r->tensors; }
const char *io_trail_reader_tensor(const struct io_trail_reader *r, int tensor) { return r->tensor[tensor]; }
int io_trail_reader_numerics(const struct io_trail_reader *r) { return r->numerics; }
const char *io_trail_reader_math(const struct io_trail_reader *r) { return r->math; }
int64_t io_trail_reader_offset(const struct io_trail_reader *r) { return r->offset; }
int io_trail_reader_torn(const struct io_trail_reader *r) { return r->torn; }

/* ---- steps ---- */

static int read_count(char **at, int64_t *value)
{
    const size_t length = strspn(*at, "0123456789");
    if (!length || length > 18 || (*at)[length] != ' ') return 0;
    *value = strtoll(*at, NULL, 10);
    *at += length + 1;
    return 1;
}

static int read_loss(char **at, char loss[32])
{
    const size_t length = strcspn(*at, " ");
    if (!length || length > 31 || (*at)[length] != ' ' || strspn(*at, "0123456789+-.einfa") < length) return 0;
    snprintf(loss, 32, "%.*s", (int)length, *at);
    *at += length;
    return 1;
}

static int read_hash(char **at, uint64_t *hash)
{
    static const char digits[] = "0123456789abcdef";
    char *a = *at;
    if (*a++ != ' ') return 0;
    *hash = 0;
    for (int i = 0; i < 16; i++, a++) {
        const char *digit = *a ? strchr(digits, *a) : NULL;
        if (!digit) return 0;
        *hash = *hash << 4 | (uint64_t)(digit - digits);
    }
    *at = a;
    return 1;
}

fcnn_status io_trail_next(struct io_trail_reader *r, const struct io_trail_step **step)
{
    const int64_t before = r->step.step;
    int got, good;
    *step = NULL;
    IO_TRY(next_line(r, &got));
    if (!got) return FCNN_OK;
    char *at = r->line;
    good = read_count(&at, &r->step.epoch) && read_count(&at, &r->step.step) && read_loss(&at, r->step.loss);
    for (int i = 0; i < r->tensors && good; i++) good = read_hash(&at, &r->step.hashes[i]);
    if (!good || *at) return complain(r, "expected 'EPOCH STEP LOSS' and %d hashes of 16 digits", r->tensors);
    if (before >= 0 && r->step.step != before + 1)
        return complain(r, "step %lld comes after step %lld", (long long)r->step.step, (long long)before);
    *step = &r->step;
    return FCNN_OK;
}

/* The head that the writer made is compared, with the sizes. */
int io_trail_reader_fits(const struct io_trail_reader *r, struct io_trail *trail)
{
    size_t length;
    const char *at = strstr(io_trail_head(trail, &length), "\ntensor ");
    if (r->tensors != io_trail_tensors(trail)) return 0;
    for (int i = 0; i < r->tensors && at; i++) {
        const size_t name = strlen(r->tensor[i]);
        at += strlen("\ntensor ");
        if (strncmp(at, r->tensor[i], name) || at[name] != '\n') return 0;
        at += name;
    }
    return 1;
}

fcnn_status io_trail_hash(char text[65], const char *path)
{
    uint8_t block[16384];
    struct sha256_ctx hash;
    FILE *file = fopen(path, "r");
    if (!file) return fcnn_io_fail(FCNN_NO_FILE, "%s: %s", path, strerror(errno));
    sha256_init(&hash);
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) sha256_update(&hash, n, block);
    const int bad = ferror(file);
    fclose(file);
    if (bad) return fcnn_io_fail(FCNN_NO_FILE, "%s: it cannot be read", path);
    fcnn_sha256_spell(text, &hash);
    return FCNN_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * See input.h. zlib's gzread() is not used: it passes over bytes behind a gzip stream, and waits for FIFOs. */
#include "lib/io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, with gzip's header and checksum */
#define MOST_AT_ONCE (1 << 30) /* zlib counts in unsigned int */

static fcnn_status fail(struct fcnn_input *input, fcnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static fcnn_status fail(struct fcnn_input *input, fcnn_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(input->problem, sizeof input->problem, format, arguments);
    va_end(arguments);
    return status;
}

static fcnn_status system_failed(struct fcnn_input *input, const char *what)
{
    input->error = errno;
    return fail(input, errno == ENOMEM ? FCNN_OUT_OF_MEMORY : FCNN_NO_FILE, "%s: %s", what, strerror(errno));
}

/* After this there is at least one unused byte, or the file is over. */
static fcnn_status fill(struct fcnn_input *input)
{
    if (input->raw.avail_in || input->at_end) return FCNN_OK;
    ssize_t n;
    do n = read(input->fd, input->buffer, sizeof input->buffer);
    while (n < 0 && errno == EINTR);
    if (n < 0) return system_failed(input, "cannot be read");
    input->at_end = n == 0;
    input->raw.next_in = input->buffer;
    input->raw.avail_in = (unsigned)n;
    return FCNN_OK;
}

static fcnn_status check_kind(struct fcnn_input *input)
{
    struct stat st;
    if (fstat(input->fd, &st)) return system_failed(input, "cannot be examined");
    if (!S_ISREG(st.st_mode))
        return fail(input, FCNN_NO_FILE, "not a regular file but a %s",
                    S_ISDIR(st.st_mode) ? "folder" : S_ISFIFO(st.st_mode) ? "FIFO" : "device");
    input->size = st.st_size;
    return FCNN_OK;
}

static fcnn_status zlib_failed(struct fcnn_input *input, int code)
{
    if (code == Z_MEM_ERROR) return fail(input, FCNN_OUT_OF_MEMORY, "out of memory");
    return fail(input, FCNN_BAD_DATA, "the gzip data are corrupt (%s)", input->raw.msg ? input->raw.msg : "no reason");
}

fcnn_status fcnn_input_open(struct fcnn_input *input, const char *path)
{
    memset(input, 0, sizeof *input);
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (input->fd < 0) return system_failed(input, "cannot be opened");
    fcnn_status status = check_kind(input);
    if (!status) status = fill(input);
    const unsigned char *first = input->buffer;
    input->gzip = input->raw.avail_in >= 2 && first[0] == 0x1f && first[1] == 0x8b;
    if (!status && input->gzip) {
        int code = inflateInit2(&input->raw, GZIP_WINDOW);
        if (code != Z_OK) status = zlib_failed(input, code);
        input->gzip = code == Z_OK;
    }
    if (status) fcnn_input_close(input);
    return status;
}

/* Behind a gzip stream: its contents are over, or another stream goes on. */
static fcnn_status next_stream(struct fcnn_input *input)
{
    if (input->raw.next_in[0] != 0x1f)
        return fail(input, FCNN_BAD_DATA, "other bytes follow the end of the gzip data");
    inflateReset(&input->raw);
    input->finished = 0;
    return FCNN_OK;
}

/* At least one byte, or none at the end of the data. */
static fcnn_status inflate_some(struct fcnn_input *input, unsigned char *bytes, int64_t count, int64_t *got)
{
    for (*got = 0; !*got;) {
        fcnn_status status = fill(input);
        if (!status && input->finished && !input->raw.avail_in) break;
        if (!status && input->finished) status = next_stream(input);
        if (status) return status;
        if (!input->raw.avail_in)
            return fail(input, FCNN_BAD_DATA, "the gzip data end too early: the file is truncated");
        unsigned room = count < MOST_AT_ONCE ? (unsigned)count : MOST_AT_ONCE;
        input->raw.next_out = bytes;
        input->raw.avail_out = room;
        int code = inflate(&input->raw, Z_NO_FLUSH);
        *got = room - input->raw.avail_out;
        input->finished = code == Z_STREAM_END;
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return zlib_failed(input, code);
    }
    return FCNN_OK;
}

static fcnn_status copy_some(struct fcnn_input *input, unsigned char *bytes, int64_t count, int64_t *got)
{
    fcnn_status status = fill(input);
    *got = count < input->raw.avail_in ? count : input->raw.avail_in;
    memcpy(bytes, input->raw.next_in ? input->raw.next_in : input->buffer, (size_t)*got);
    input->raw.next_in += *got;
    input->raw.avail_in -= (unsigned)*got;
    return status;
}

fcnn_status fcnn_input_read(struct fcnn_input *input, void *bytes, int64_t count, int64_t *got)
{
    fcnn_status status = FCNN_OK;
    int64_t part = 1;
    for (*got = 0; !status && *got < count && part; *got += part) {
        unsigned char *to = (unsigned char *)bytes + *got;
        part = 0;
        status = input->gzip ? inflate_some(input, to, count - *got, &part) : copy_some(input, to, count - *got, &part);
    }
    return status;
}

void fcnn_input_close(struct fcnn_input *input)
{
    if (input->gzip) inflateEnd(&input->raw);
    if (input->fd >= 0) close(input->fd);
    input->gzip = 0;
    input->fd = -1;
}

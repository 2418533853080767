/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pictures in PNG files, by libpng. The header is read and held against the file's size first: a
 * short file that announces a huge picture is refused before libpng or anybody else asks for memory. */
#include "lib/io/png.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/fail.h"
#include "lib/io/replace.h"

#ifdef HAVE_PNG
#include <png.h>

#define MOST_PIXELS (INT64_C(1) << 26)
/* Deflate cannot expand by more than 1032:1 (zlib's technical notes). */
#define MOST_PER_BYTE 1032
#define HEADER 33 /* signature, then the chunk IHDR with its checksum */

/* ---- reading ---- */

static uint32_t big_endian(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Bits per pixel of a colour type; 0: there is no such type. */
static int bits_per_pixel(int type, int depth)
{
    static const int channels[] = {[0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4};
    return type >= 0 && type <= 6 ? channels[type] * depth : 0;
}

/* What only the header and the length of the file tell. libpng checks the rest of the header. */
static fcnn_status check_header(FILE *file, int64_t size, const char *path, struct fcnn_png_header *header)
{
    static const unsigned char start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    unsigned char b[HEADER];
    const size_t got = fread(b, 1, HEADER, file);
    if (got < 8 || memcmp(b, start, 8)) return fcnn_io_fail(FCNN_BAD_DATA, "%s: not a PNG file", path);
    if (got < HEADER || memcmp(b, start, sizeof start))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the PNG file has no header: it is truncated or damaged", path);
    header->w = big_endian(b + 16);
    header->h = big_endian(b + 20);
    header->color = (b[25] & 2) != 0;
    if (!header->w || !header->h || header->w > MOST_PIXELS || header->h > MOST_PIXELS ||
        header->h * header->w > MOST_PIXELS)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: the header announces %lld x %lld pixels; expected 1 to %lld in all",
            path,
                            (long long)header->h, (long long)header->w, (long long)MOST_PIXELS);
    const int64_t least = header->w * bits_per_pixel(b[25], b[24]) / 8 * header->h;
    if (least / MOST_PER_BYTE <= size) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the header announces %lld x %lld pixels, more than %lld bytes can hold",
        path,
                        (long long)header->h, (long long)header->w, (long long)size);
}

/* What libpng keeps for us while it reads. */
struct reading {
    png_structp png;
    png_infop info;
    fcnn_picture *picture;
    char problem[128];
    int no_memory;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct reading *reading = png_get_error_ptr(png);
    snprintf(reading->problem, sizeof reading->problem, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* After this the rows are bytes: 16 bits scaled, fewer expanded, palettes colours, transparent colours alpha. The
 * interface of one call that libpng has, too, mixes the rows of interlaced 16-bit files up (1.6.39). */
static int read_header(struct reading *reading, FILE *file)
{
    if (setjmp(png_jmpbuf(reading->png))) return 0;
    png_init_io(reading->png, file);
    png_read_info(reading->png, reading->info);
    png_set_scale_16(reading->png);
    png_set_expand(reading->png);
    png_set_interlace_handling(reading->png);
    png_read_update_info(reading->png, reading->info);
    return 1;
}

static int read_rows(struct reading *reading)
{
    const fcnn_picture *p = reading->picture;
    const int interlaced = png_get_interlace_type(reading->png, reading->info) != PNG_INTERLACE_NONE;
    const int passes = interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1;
    if (setjmp(png_jmpbuf(reading->png))) return 0;
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < p->h; y++) png_read_row(reading->png, p->pixels + y * p->w * p->c, NULL);
    png_read_end(reading->png, NULL);
    return 1;
}

static int make_room(struct reading *reading)
{
    fcnn_picture *p = reading->picture;
    *p = (fcnn_picture){.h = png_get_image_height(reading->png, reading->info),
                        .w = png_get_image_width(reading->png, reading->info),
                        .c = png_get_channels(reading->png, reading->info)};
    if (png_get_rowbytes(reading->png, reading->info) != (size_t)(p->w * p->c)) {
        snprintf(reading->problem, sizeof reading->problem, "rows of another length than announced");
        return 0;
    }
    p->pixels = malloc((size_t)(p->h * p->w * p->c));
    reading->no_memory = !p->pixels;
    return !reading->no_memory;
}

fcnn_status fcnn_png_decode(fcnn_picture *picture, FILE *file, int64_t size, const char *path)
{
    struct fcnn_png_header header;
    struct reading reading = {.picture = picture};
    *picture = (fcnn_picture){0};
    IO_TRY(check_header(file, size, path, &header));
    rewind(file);
    reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reading, on_error, on_warning);
    reading.info = reading.png ? png_create_info_struct(reading.png) : NULL;
    reading.no_memory = !reading.info;
    const int done = reading.info && read_header(&reading, file) && make_room(&reading) && read_rows(&reading);
    png_destroy_read_struct(&reading.png, &reading.info, NULL);
    if (done) return FCNN_OK;
    fcnn_picture_free(picture);
    if (reading.no_memory)
        return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory for %lld x %lld pixels", path, (long long)header.h,
                            (long long)header.w);
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: the PNG data are damaged: %s", path, reading.problem);
}

static fcnn_status open_regular(FILE **file, int64_t *size, const char *path)
{
    struct stat st = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const int examined = fd >= 0 && !fstat(fd, &st), regular = examined && S_ISREG(st.st_mode);
    *size = st.st_size;
    if (regular && (*file = fdopen(fd, "rb"))) return FCNN_OK;
    const int error = errno;
    if (fd >= 0) close(fd);
    if (examined && !regular) return fcnn_io_fail(FCNN_NO_FILE, "%s: not a regular file", path);
    return fcnn_io_fail(error == ENOMEM ? FCNN_OUT_OF_MEMORY : FCNN_NO_FILE, "%s: cannot be opened: %s", path,
                        strerror(error));
}

fcnn_status fcnn_png_look(struct fcnn_png_header *header, const char *path)
{
    FILE *file;
    int64_t size;
    IO_TRY(open_regular(&file, &size, path));
    const fcnn_status status = check_header(file, size, path, header);
    fclose(file);
    return status;
}

fcnn_status fcnn_picture_read(fcnn_picture *picture, const char *path)
{
    FILE *file;
    int64_t size;
    if (!picture) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "picture is NULL");
    *picture = (fcnn_picture){0};
    if (!path) return fcnn_io_fail(FCNN_BAD_ARGUMENT, "path is NULL");
    IO_TRY(open_regular(&file, &size, path));
    const fcnn_status status = fcnn_png_decode(picture, file, size, path);
    fclose(file);
    return status;
}

/* ---- writing ---- */

static fcnn_status check_picture(const fcnn_picture *picture, const char *path)
{
    if (!picture || !path || !picture->pixels)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s is NULL", !picture ? "picture" : path ? "picture->pixels" : "path");
    const int64_t h = picture->h, w = picture->w;
    if (h < 1 || w < 1 || h > MOST_PIXELS || w > MOST_PIXELS || h * w > MOST_PIXELS)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the picture is %lld x %lld; expected 1 to %lld pixels in all", path,
                            (long long)h, (long long)w, (long long)MOST_PIXELS);
    if (picture->c < 1 || picture->c > 4)
        return fcnn_io_fail(FCNN_BAD_ARGUMENT, "%s: the picture has %lld channels; expected 1 to 4", path,
                            (long long)picture->c);
    return FCNN_OK;
}

/* The file's bytes; free() them, after a failure too. */
static fcnn_status encode(const fcnn_picture *picture, const char *path, char **bytes, size_t *count)
{
    static const png_uint_32 formats[] = {0, PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)picture->w,
                       .height = (png_uint_32)picture->h, .format = formats[picture->c]};
    FILE *file = open_memstream(bytes, count);
    const int done = file && png_image_write_to_stdio(&image, file, 0, picture->pixels, 0, NULL);
    if (file && !fclose(file) && done) return FCNN_OK;
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: the picture cannot be packed: %s", path,
                        *image.message ? image.message : "out of memory");
}

fcnn_status fcnn_picture_write(const fcnn_picture *picture, const char *path)
{
    char *bytes = NULL;
    size_t count = 0;
    IO_TRY(check_picture(picture, path));
    fcnn_status status = encode(picture, path, &bytes, &count);
    if (!status) status = io_replace(path, &(struct io_piece){bytes, count}, 1);
    free(bytes);
    return status;
}

#else

static fcnn_status refuse(const char *path)
{
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: this libfastcnn-io was built without libpng and knows no pictures",
                        path ? path : "NULL");
}

fcnn_status fcnn_png_decode(fcnn_picture *picture, FILE *file, int64_t size, const char *path)
{
    (void)file;
    (void)size;
    *picture = (fcnn_picture){0};
    return refuse(path);
}

fcnn_status fcnn_png_look(struct fcnn_png_header *header, const char *path)
{
    *header = (struct fcnn_png_header){0};
    return refuse(path);
}

fcnn_status fcnn_picture_read(fcnn_picture *picture, const char *path)
{
    if (picture) *picture = (fcnn_picture){0};
    return refuse(path);
}

fcnn_status fcnn_picture_write(const fcnn_picture *picture, const char *path)
{
    (void)picture;
    return refuse(path);
}

#endif

void fcnn_picture_free(fcnn_picture *picture)
{
    if (!picture) return;
    free(picture->pixels);
    *picture = (fcnn_picture){0};
}

/* SPDX-License-Identifier: BSD-2-Clause
 * lib/io/png.c: every kind of PNG comes out as the pixels that went in, a written picture is read back, what was there
 * stays after a failure; every truncation and every flipped byte of small files is met with a sentence or a picture of
 * the same size, and headers that announce more than a file can hold before memory is asked for. Files are made with
 * libpng's low-level interface in a folder below the current one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io/png.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

#ifdef HAVE_PNG
#include <png.h>

static char folder[] = "check_png.XXXXXX";
static char path[64];
#define W 5
#define H 3

/* Pixel values that differ everywhere. */
static unsigned value_of(int y, int x, int c) { return (unsigned)(y * 61 + x * 17 + c * 5 + 3) & 255; }

static int channels_of(int type) { return type == PNG_COLOR_TYPE_RGB ? 3 : type == PNG_COLOR_TYPE_RGBA ? 4
                                          : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : 1; }

/* A file of any kind, row by row; palettes: entry i is (i, 255 - i, i / 2), with alpha i if `alpha`. */
static void make(int type, int depth, int interlaced, int alpha)
{
    FILE *file = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[256];
    unsigned char opacity[256];
    const int channels = channels_of(type);
    ck_assert(file && info && !setjmp(png_jmpbuf(png)));
    png_init_io(png, file);
    png_set_IHDR(png, info, W, H, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
        opacity[i] = (unsigned char)i;
    }
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 256);
    if (alpha) png_set_tRNS(png, info, opacity, 256, NULL);
    png_write_info(png, info);
    if (depth < 8) png_set_packing(png);
    unsigned char rows[H][W * 4 * 2];
    png_bytep pointers[H];
    for (int y = 0; y < H; y++) {
        pointers[y] = rows[y];
        for (int i = 0; i < W * channels; i++) {
            const unsigned v = value_of(y, i / channels, i % channels);
            if (depth == 16) { /* the low byte is not to be seen */
                rows[y][2 * i] = (unsigned char)v;
                rows[y][2 * i + 1] = (unsigned char)v;
            } else rows[y][i] = (unsigned char)(v >> (8 - depth));
        }
    }
    png_write_image(png, pointers);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    ck_assert(!fclose(file));
}

static void expect(fcnn_status status, const char *fragment)
{
    fcnn_picture picture;
    ck_assert_int_eq(fcnn_picture_read(&picture, path), status);
    ck_assert(!picture.pixels && !picture.h);
    ck_assert_msg(strstr(fcnn_io_last_error(), fragment) != NULL, "no \"%s\" in: %s", fragment, fcnn_io_last_error());
}

/* ---- tests ---- */

static const struct kind { int type, depth, interlaced, alpha, c; } kinds[] = {
    {PNG_COLOR_TYPE_GRAY, 8, 0, 0, 1},       {PNG_COLOR_TYPE_GRAY, 16, 0, 0, 1},      {PNG_COLOR_TYPE_GRAY, 8, 1, 0, 1},
    {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, 0, 2}, {PNG_COLOR_TYPE_GRAY_ALPHA, 16, 1, 0, 2}, {PNG_COLOR_TYPE_RGB, 8, 0, 0, 3},
    {PNG_COLOR_TYPE_RGB, 16, 0, 0, 3},       {PNG_COLOR_TYPE_RGBA, 8, 1, 0, 4},       {PNG_COLOR_TYPE_RGBA, 16, 0, 0,
        4},
    {PNG_COLOR_TYPE_GRAY, 1, 0, 0, 1},       {PNG_COLOR_TYPE_GRAY, 2, 1, 0, 1},       {PNG_COLOR_TYPE_GRAY, 4, 0, 0, 1},
    {PNG_COLOR_TYPE_PALETTE, 8, 0, 0, 3},    {PNG_COLOR_TYPE_PALETTE, 8, 1, 1, 4},
};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

static unsigned expected(const struct kind *kind, int y, int x, int c)
{
    if (kind->type == PNG_COLOR_TYPE_PALETTE) {
        const unsigned i = value_of(y, x, 0);
        return c == 0 ? i : c == 1 ? 255 - i : c == 2 ? i / 2 : i;
    }
    if (kind->depth >= 8) return value_of(y, x, c);
    const unsigned most = (1u << kind->depth) - 1;
    return (value_of(y, x, c) >> (8 - kind->depth)) * 255 / most;
}

START_TEST(every_kind_of_file_gives_its_pixels)
{
    const struct kind *kind = &kinds[_i];
    fcnn_picture picture;
    make(kind->type, kind->depth, kind->interlaced, kind->alpha);
    ck_assert_msg(fcnn_picture_read(&picture, path) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(picture.h == H && picture.w == W && picture.c == kind->c);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < kind->c; c++)
                ck_assert_int_eq(picture.pixels[(y * W + x) * kind->c + c], expected(kind, y, x, c));
    fcnn_picture_free(&picture);
    ck_assert(!picture.pixels && !picture.h);
}
END_TEST

START_TEST(a_header_tells_size_and_colour)
{
    struct fcnn_png_header header;
    make(kinds[_i].type, kinds[_i].depth, kinds[_i].interlaced, kinds[_i].alpha);
    ck_assert(fcnn_png_look(&header, path) == FCNN_OK);
    ck_assert(header.h == H && header.w == W && header.color == (kinds[_i].c > 2));
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    unsigned char pixels[7 * 4 * 4];
    const fcnn_picture out = {.h = 7, .w = 4, .c = _i, .pixels = pixels};
    fcnn_picture in;
    for (int i = 0; i < 7 * 4 * 4; i++) pixels[i] = (unsigned char)(i * 37);
    spill(path, "old", 3);
    ck_assert_msg(fcnn_picture_write(&out, path) == FCNN_OK, "%s", fcnn_io_last_error());
    ck_assert(fcnn_picture_read(&in, path) == FCNN_OK);
    ck_assert(in.h == 7 && in.w == 4 && in.c == _i && !memcmp(in.pixels, pixels, (size_t)(28 * _i)));
    fcnn_picture_free(&in);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_the_old_file)
{
    size_t count;
    unsigned char pixels[4] = {0};
    fcnn_picture out = {.h = 2, .w = 2, .c = 5, .pixels = pixels};
    spill(path, "old", 3);
    ck_assert_int_eq(fcnn_picture_write(&out, path), FCNN_BAD_ARGUMENT);
    ck_assert(strstr(fcnn_io_last_error(), "5 channels"));
    out = (fcnn_picture){.h = 0, .w = 2, .c = 1, .pixels = pixels};
    ck_assert_int_eq(fcnn_picture_write(&out, path), FCNN_BAD_ARGUMENT);
    out = (fcnn_picture){.h = 1 << 20, .w = 1 << 20, .c = 1, .pixels = pixels};
    ck_assert_int_eq(fcnn_picture_write(&out, path), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_picture_write(NULL, path), FCNN_BAD_ARGUMENT);
    free(slurp(path, &count));
    ck_assert_uint_eq(count, 3);
    out = (fcnn_picture){.h = 2, .w = 2, .c = 1, .pixels = pixels};
    ck_assert_int_eq(fcnn_picture_write(&out, "check_png.none/x.png"), FCNN_NO_FILE);
    ck_assert(strstr(fcnn_io_last_error(), "check_png.none/x.png"));
}
END_TEST

START_TEST(files_that_are_no_pictures)
{
    fcnn_picture picture;
    spill(path, "P5 1 1 255 x", 12);
    expect(FCNN_BAD_DATA, "not a PNG file");
    spill(path, "", 0);
    expect(FCNN_BAD_DATA, "not a PNG file");
    unlink(path);
    expect(FCNN_NO_FILE, "No such file");
    mkfifo(path, 0600);
    expect(FCNN_NO_FILE, "not a regular file");
    unlink(path);
    ck_assert_int_eq(fcnn_picture_read(&picture, folder), FCNN_NO_FILE);
    ck_assert_int_eq(fcnn_picture_read(&picture, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_picture_read(NULL, path), FCNN_BAD_ARGUMENT);
}
END_TEST

/* The header's checksum is put right: only the sizes are to be found. */
static void announce(unsigned char *bytes, size_t count, uint32_t w, uint32_t h)
{
    for (int i = 0; i < 4; i++) {
        bytes[16 + i] = (unsigned char)(w >> (24 - 8 * i));
        bytes[20 + i] = (unsigned char)(h >> (24 - 8 * i));
    }
    uint32_t crc = 0xffffffffu;
    for (int i = 12; i < 29; i++)
        for (int bit = 0, byte = bytes[i]; bit < 8; bit++, byte >>= 1)
            crc = crc >> 1 ^ (((crc ^ (uint32_t)byte) & 1) ? 0xedb88320u : 0);
    for (int i = 0; i < 4; i++) bytes[29 + i] = (unsigned char)(~crc >> (24 - 8 * i));
    spill(path, bytes, count);
}

START_TEST(announced_sizes_are_held_against_the_file)
{
    size_t count;
    make(PNG_COLOR_TYPE_RGBA, 8, 0, 0);
    unsigned char *bytes = slurp(path, &count);
    announce(bytes, count, W, H);
    fcnn_picture picture;
    ck_assert_msg(fcnn_picture_read(&picture, path) == FCNN_OK, "%s", fcnn_io_last_error());
    fcnn_picture_free(&picture);
    announce(bytes, count, 8192, 8193);
    expect(FCNN_BAD_DATA, "8193 x 8192 pixels; expected 1 to 67108864");
    announce(bytes, count, 0, 3);
    expect(FCNN_BAD_DATA, "3 x 0");
    announce(bytes, count, 0x80000000u, 0x80000000u);
    expect(FCNN_BAD_DATA, "expected 1 to");
    announce(bytes, count, 8000, 8000);
    expect(FCNN_BAD_DATA, "8000 x 8000 pixels, more than");
    free(bytes);
}
END_TEST

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    fcnn_picture picture;
    (void)context;
    spill(path, bytes, count);
    const int was_read = mutilated_was_read(fcnn_picture_read(&picture, path), fcnn_io_last_error(), path);
    if (!was_read) ck_assert(!picture.pixels);
    else ck_assert(picture.pixels && picture.h >= 1 && picture.w >= 1 && picture.c >= 1 && picture.c <= 4);
    fcnn_picture_free(&picture);
    return was_read;
}

/* Chunks have checksums; what libpng passes over is in chunks that are not needed. Behind the chunk IEND the picture is
 * over, whatever programs put there. */
START_TEST(truncations_and_flipped_bytes_survive)
{
    size_t count;
    make(kinds[_i].type, kinds[_i].depth, kinds[_i].interlaced, kinds[_i].alpha);
    unsigned char *bytes = slurp(path, &count);
    const struct mutilated seen = mutilate(bytes, count, reads, NULL);
    free(bytes);
    ck_assert_uint_le(seen.cuts_read, 16); /* nothing but the end is missing then */
    ck_assert_uint_lt(seen.flips_read, seen.flips / 4);
    ck_assert_uint_eq(seen.longer_read, seen.longer);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/picture.png", folder);
    Suite *suite = suite_create("png");
    TCase *tests = tcase_create("png");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_kind_of_file_gives_its_pixels, 0, KINDS);
    tcase_add_loop_test(tests, a_header_tells_size_and_colour, 0, KINDS);
    tcase_add_loop_test(tests, what_is_written_is_read_back, 1, 5);
    tcase_add_test(tests, what_cannot_be_written_leaves_the_old_file);
    tcase_add_test(tests, files_that_are_no_pictures);
    tcase_add_test(tests, announced_sizes_are_held_against_the_file);
    tcase_add_loop_test(tests, truncations_and_flipped_bytes_survive, 0, KINDS);
    suite_add_tcase(suite, tests);
    const int failed = run_suite(suite);
    unlink(path);
    rmdir(folder);
    return failed;
}

#else

START_TEST(pictures_are_refused_with_a_sentence)
{
    fcnn_picture picture;
    ck_assert_int_eq(fcnn_picture_read(&picture, "x.png"), FCNN_BAD_DATA);
    ck_assert(strstr(fcnn_io_last_error(), "x.png: this libfastcnn-io was built without libpng"));
    ck_assert_int_eq(fcnn_picture_write(&picture, "x.png"), FCNN_BAD_DATA);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("png");
    TCase *tests = tcase_create("png");
    tcase_add_test(tests, pictures_are_refused_with_a_sentence);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
#endif

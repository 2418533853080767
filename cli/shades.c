/* SPDX-License-Identifier: BSD-2-Clause
 * Images and bars made of characters: see network.h. */
#include <stdlib.h>
#include <string.h>

#include "cli/network.h"
#include "lib/io/plane.h"

#define MOST_PIXELS 56 /* of a side; two characters wide they fit a wide terminal */

/* Grey in 0 to 1, a colour image by its luma; small enough to be shown. */
static struct fcnn_plane make_plane(const float *x, int64_t h, int64_t w, int64_t c)
{
    struct fcnn_plane plane = fcnn_plane_make(h, w);
    for (int64_t i = 0; i < h * w && plane.v; i++) {
        const float *p = x + i * c;
        plane.v[i] = c >= 3 ? 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2] : p[0];
    }
    const int64_t side = h > w ? h : w;
    if (!plane.v || side <= MOST_PIXELS) return plane;
    const int64_t rows = h * MOST_PIXELS / side, columns = w * MOST_PIXELS / side;
    const struct fcnn_plane smaller = fcnn_plane_resize(&plane, (struct fcnn_box){0, 0, h, w}, rows > 0 ? rows : 1,
                                                        columns > 0 ? columns : 1);
    free(plane.v);
    return smaller;
}

/* A number from 0 to levels - 1. */
static int level(float value, int levels)
{
    const int number = (int)(value * (float)levels);
    return number < 0 ? 0 : number < levels ? number : levels - 1;
}

/* The 256-colour palette's greys: black, 24 steps, white. */
static int grey(const struct fcnn_plane *plane, int64_t y, int64_t x)
{
    const int number = y < plane->h ? level(plane->v[y * plane->w + x], 26) : 0;
    return number == 0 ? 16 : number == 25 ? 231 : 231 + number;
}

static void show_colored(const struct fcnn_plane *plane)
{
    for (int64_t y = 0; y < plane->h; y += 2) {
        fputs("  ", stdout);
        for (int64_t x = 0; x < plane->w; x++)
            printf("\033[38;5;%d;48;5;%dm▀", grey(plane, y, x), grey(plane, y + 1, x));
        puts("\033[0m");
    }
}

static void repeat(const char *text, int64_t times)
{
    while (times-- > 0) fputs(text, stdout);
}

static void show_line(const char *left, const char *middle, const char *right, int64_t cells)
{
    printf("  %s", left);
    repeat(middle, cells);
    puts(right);
}

static void show_shades(const struct fcnn_plane *plane, int utf8)
{
    static const char *const blocks[] = {" ", "░", "▒", "▓", "█"};
    static const char letters[] = " .:-=+*#%@";
    const int wide = cli_columns(stdout) >= 2 * plane->w + 4 ? 2 : 1; /* characters are twice as high as wide */
    show_line(utf8 ? "┌" : "+", utf8 ? "─" : "-", utf8 ? "┐" : "+", wide * plane->w);
    for (int64_t y = 0; y < plane->h; y++) {
        printf("  %s", utf8 ? "│" : "|");
        for (int64_t x = 0; x < plane->w; x++) {
            const float value = plane->v[y * plane->w + x];
            const char letter[2] = {letters[level(value, 10)], 0};
            repeat(utf8 ? blocks[level(value, 5)] : letter, wide);
        }
        puts(utf8 ? "│" : "|");
    }
    show_line(utf8 ? "└" : "+", utf8 ? "─" : "-", utf8 ? "┘" : "+", wide * plane->w);
}

void cli_show_image(const float *x, int64_t h, int64_t w, int64_t c)
{
    struct fcnn_plane plane = make_plane(x, h, w, c);
    if (!plane.v) {
        program_complain("out of memory");
        exit(EX_OSERR);
    }
    if (cli_is_utf8() && *cli_color(stdout, CLI_PLAIN)) show_colored(&plane);
    else show_shades(&plane, cli_is_utf8());
    free(plane.v);
}

void cli_show_bar(double part, int cells)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int utf8 = cli_is_utf8();
    const int pieces = part > 0 ? (int)(part * cells * 8 + 0.5) : 0, full = utf8 ? pieces / 8 : (pieces + 4) / 8;
    repeat(utf8 ? "█" : "#", full);
    const int rest = utf8 ? pieces % 8 : 0;
    fputs(eighths[rest], stdout);
    repeat(" ", cells - full - (rest > 0));
}

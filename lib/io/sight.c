/* SPDX-License-Identifier: BSD-2-Clause
 * See sight.h. The rules are those by which MNIST was made (LeCun, Cortes, Burges), read off the data where its page
 * says nothing; the limits of what is refused leave room around all of its images. */
#include "lib/io/sight.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/fail.h"
#include "lib/io/plane.h"

#define LARGE 1024         /* longer sides are first averaged down to that */
#define LEAST_SIDE 5       /* pixels of a picture */
#define LEAST_CONTRAST 40  /* grey values of 255 between ink and background */
#define MOST_UNEVEN 0.3    /* of the contrast: the quartiles of the border */
#define LEAST_INK 3        /* pixels of the longer side of the box */
#define BOX_LEVEL 0.3f     /* of the contrast, for the box: MNIST's are 20 pixels long at this level */
#define SPECK 0.05         /* of the ink of the largest piece */
#define MOST_FILLED 0.75   /* of a box that is no bar; MNIST has at most 0.66 */
#define MOST_CHANGES 6.5   /* per line; MNIST has at most 4.5 */
#define THIN 1.2           /* pixels of the network, of strokes; MNIST has 2 to 3 */
#define THICK 2.0
#define BOX_PART (20.0 / 28)

struct work {
    struct fcnn_sight *sight;
    const fcnn_picture *picture;
    const struct fcnn_sight_options *options;
    const char *name;
    struct fcnn_plane plane; /* 0 to 255, then 0 background to 1 ink */
    int transparent, inverted;
    double background, contrast;
};

static void note(struct work *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct work *work, const char *format, ...)
{
    struct fcnn_sight *sight = work->sight;
    if (sight->step_count == FCNN_SIGHT_STEPS) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sight->steps[sight->step_count++], sizeof sight->steps[0], format, arguments);
    va_end(arguments);
}

static fcnn_status no_memory(const struct work *work)
{
    return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: out of memory", work->name);
}

/* Puts a new plane in the place of the old one. */
static fcnn_status take(struct work *work, struct fcnn_plane plane)
{
    free(work->plane.v);
    work->plane = plane;
    return plane.v ? FCNN_OK : no_memory(work);
}

/* ---- grey ---- */

static double luma(const unsigned char *pixel, int64_t channels)
{
    return channels > 2 ? (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) / 1000.0 : pixel[0];
}

/* What is behind transparent pixels: white, or black if what is painted is bright. 255: nothing is transparent, too. */
static double choose_behind(struct work *work)
{
    const fcnn_picture *p = work->picture;
    double painted = 0, bright = 0;
    int64_t transparent = 0;
    if (p->c % 2) return 255;
    for (int64_t i = 0; i < p->h * p->w; i++) {
        const unsigned char *pixel = p->pixels + i * p->c;
        const double alpha = pixel[p->c - 1];
        transparent += alpha < 255;
        painted += alpha;
        bright += alpha * luma(pixel, p->c);
    }
    if (!transparent) return 255;
    const double behind = p->c == 4 && work->sight->c == 3 ? 255 : bright > 127.5 * painted ? 0 : 255;
    note(work, "transparent parts over %s", behind > 0 ? "white" : "black");
    return behind;
}

static double over(double value, const fcnn_picture *p, const unsigned char *pixel, double behind)
{
    const double alpha = p->c % 2 ? 1 : pixel[p->c - 1] / 255.0;
    return value * alpha + behind * (1 - alpha);
}

static fcnn_status make_grey(struct work *work)
{
    const fcnn_picture *p = work->picture;
    const double behind = choose_behind(work);
    IO_TRY(take(work, fcnn_plane_make(p->h, p->w)));
    for (int64_t i = 0; i < p->h * p->w; i++) {
        const unsigned char *pixel = p->pixels + i * p->c;
        work->plane.v[i] = (float)over(luma(pixel, p->c), p, pixel, behind);
    }
    if (p->c > 2) note(work, "colours to grey: 0.299 R + 0.587 G + 0.114 B");
    return FCNN_OK;
}

/* ---- ink on black ---- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Sorted values of the border; *count of them. free(). */
static float *sort_border(const struct fcnn_plane *plane, int64_t *count)
{
    float *values = malloc((size_t)(2 * (plane->h + plane->w)) * sizeof *values);
    *count = 0;
    for (int64_t y = 0; y < plane->h && values; y++)
        for (int64_t x = 0; x < plane->w; x += y % (plane->h - 1) && x == 0 ? plane->w - 1 : 1)
            values[(*count)++] = plane->v[y * plane->w + x];
    if (values) qsort(values, (size_t)*count, sizeof *values, by_value);
    return values;
}

/* Darkest and brightest, a ten-thousandth of all pixels aside. */
static fcnn_status find_range(struct work *work, double *low, double *high)
{
    const int64_t count = work->plane.h * work->plane.w;
    struct fcnn_plane sorted = fcnn_plane_make(1, count);
    if (!sorted.v) return no_memory(work);
    for (int64_t i = 0; i < count; i++) sorted.v[i] = work->plane.v[i];
    qsort(sorted.v, (size_t)count, sizeof *sorted.v, by_value);
    *low = sorted.v[count / 10000];
    *high = sorted.v[count - 1 - count / 10000];
    free(sorted.v);
    return FCNN_OK;
}

/* Which side of the background the ink is on, and how far. *noise: of the background, as a part of that. */
static fcnn_status judge(struct work *work, double *noise)
{
    double low = 0, high = 0;
    int64_t count;
    IO_TRY(find_range(work, &low, &high));
    float *border = sort_border(&work->plane, &count);
    if (!border) return no_memory(work);
    const double quartiles = border[count * 3 / 4] - border[count / 4];
    work->background = border[count / 2];
    const int darker = work->background - low > high - work->background;
    work->inverted = work->options->polarity == FCNN_POLARITY_AUTO ? darker
                                                                   : work->options->polarity == FCNN_POLARITY_INVERT;
    work->contrast = work->inverted ? work->background - low : high - work->background;
    *noise = quartiles / (work->contrast > 1 ? work->contrast : 1);
    free(border);
    if (high - low < LEAST_CONTRAST)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: blank: all grey values lie between %.0f and %.0f of 255", work->name,
            low,
                            high);
    if (work->contrast < LEAST_CONTRAST)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: nothing is %s than the border, whose grey value is %.0f%s", work->name,
                            work->inverted ? "darker" : "brighter", work->background,
                            work->options->polarity == FCNN_POLARITY_AUTO ? "" :
                                "; leave the polarity to the program?");
    if (*noise > MOST_UNEVEN)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: no even background: half of the border's grey values differ by %.0f "
            "and "
                            "more; cut out the digit", work->name, quartiles);
    return FCNN_OK;
}

static fcnn_status drop_specks(struct work *work)
{
    const int64_t gone = fcnn_plane_despeck(&work->plane, BOX_LEVEL, SPECK);
    if (gone > 0) note(work, "%lld speck%s left out", (long long)gone, gone == 1 ? "" : "s");
    return gone < 0 ? no_memory(work) : FCNN_OK;
}

static fcnn_status make_ink(struct work *work)
{
    double noise = 0;
    IO_TRY(judge(work, &noise));
    const double sign = work->inverted ? -1 : 1;
    for (int64_t i = 0; i < work->plane.h * work->plane.w; i++) {
        const double v = (sign * (work->plane.v[i] - work->background) / work->contrast - noise) / (1 - noise);
        work->plane.v[i] = (float)(v < 0 ? 0 : v > 1 ? 1 : v);
    }
    if (work->inverted) note(work, "dark on light: inverted");
    if (work->contrast < 200)
        note(work, "contrast raised: ink differs from the background by %.0f of 255", work->contrast);
    return FCNN_OK;
}

/* ---- nonsense ---- */

static fcnn_status check_ink(const struct work *work, const struct fcnn_box *box)
{
    const struct fcnn_plane *plane = &work->plane;
    int64_t inside = 0;
    if ((box->h > box->w ? box->h : box->w) < LEAST_INK)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: nothing but a speck of %lld x %lld pixels", work->name,
                            (long long)box->h, (long long)box->w);
    for (int64_t i = 0; i < plane->h * plane->w; i++) inside += plane->v[i] >= 0.5f;
    const int bar = box->h > 2 * box->w || box->w > 2 * box->h;
    const double part = (double)inside / (double)(box->h * box->w);
    if (bar || part <= MOST_FILLED) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: a filled block of %lld x %lld pixels, no strokes", work->name,
                        (long long)box->h, (long long)box->w);
}

static fcnn_status check_strokes(const struct work *work, const struct fcnn_plane *seen)
{
    const double rows = fcnn_plane_changes(seen, 0), columns = fcnn_plane_changes(seen, 1);
    if (rows <= MOST_CHANGES || columns <= MOST_CHANGES) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: no strokes but noise: %.1f changes between ink and none in a row, %.1f in "
        "a "
                        "column", work->name, rows, columns);
}

/* ---- into the network's frame ---- */

/* As MNIST has it: the longer side of the box 20 of 28, the centre of mass in the middle. */
static int is_prepared(const struct work *work, const struct fcnn_box *box)
{
    const struct fcnn_plane *p = &work->plane;
    double y, x;
    if (p->h != work->sight->h || p->w != work->sight->w) return 0;
    fcnn_plane_mass(p, &y, &x);
    const double most_h = BOX_PART * (double)p->h, most_w = BOX_PART * (double)p->w;
    const double size = fmax((double)box->h / most_h, (double)box->w / most_w);
    return fabs(y - (double)p->h / 2) <= 1 && fabs(x - (double)p->w / 2) <= 1 && size >= 0.9 && size <= 1.1;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* A resized part at (top, left) of the frame; what sticks out is lost. */
static void place(struct work *work, const struct fcnn_plane *part, int64_t top, int64_t left)
{
    struct fcnn_sight *sight = work->sight;
    float most = 0;
    for (int64_t i = 0; i < part->h * part->w; i++) most = part->v[i] > most ? part->v[i] : most;
    for (int64_t y = 0; y < part->h; y++)
        for (int64_t x = 0; x < part->w; x++)
            if (top + y >= 0 && top + y < sight->h && left + x >= 0 && left + x < sight->w)
                sight->x[(top + y) * sight->w + left + x] = most > 0 ? part->v[y * part->w + x] / most : 0;
}

/* Resizes a box by one factor into at most most_h x most_w pixels. */
static struct fcnn_plane fit(struct work *work, struct fcnn_box box, double most_h, double most_w)
{
    const double scale = fmin(most_h / (double)box.h, most_w / (double)box.w);
    const int64_t h = clamp((int64_t)(scale * (double)box.h + 0.5), 1, work->sight->h);
    const int64_t w = clamp((int64_t)(scale * (double)box.w + 0.5), 1, work->sight->w);
    return fcnn_plane_resize(&work->plane, box, h, w);
}

static fcnn_status thicken(struct work *work, const struct fcnn_box *box)
{
    const double scale = BOX_PART * fmin((double)work->sight->h / (double)box->h,
        (double)work->sight->w / (double)box->w);
    const double width = fcnn_plane_stroke(&work->plane);
    if (!(width > 0) || width * scale >= THIN) return FCNN_OK;
    const int64_t radius = (int64_t)((THICK / scale - width) / 2 + 0.5);
    if (radius < 1) return FCNN_OK;
    note(work, "strokes %.1f pixels wide thickened to %.1f", width, width + 2 * (double)radius);
    return fcnn_plane_thicken(&work->plane, radius) ? FCNN_OK : no_memory(work);
}

static fcnn_status center(struct work *work)
{
    struct fcnn_sight *sight = work->sight;
    struct fcnn_box box = fcnn_plane_box(&work->plane, BOX_LEVEL);
    double y, x;
    IO_TRY(thicken(work, &box));
    box = fcnn_plane_box(&work->plane, BOX_LEVEL);
    struct fcnn_plane part = fit(work, box, BOX_PART * (double)sight->h, BOX_PART * (double)sight->w);
    if (!part.v) return no_memory(work);
    fcnn_plane_mass(&part, &y, &x);
    const int64_t top = clamp((int64_t)floor((double)sight->h / 2 - y + 0.5), 0, sight->h - part.h);
    const int64_t left = clamp((int64_t)floor((double)sight->w / 2 - x + 0.5), 0, sight->w - part.w);
    place(work, &part, top, left);
    note(work, "ink of %lld x %lld pixels at (%lld, %lld) resized to %lld x %lld", (long long)box.h, (long long)box.w,
         (long long)box.top, (long long)box.left, (long long)part.h, (long long)part.w);
    note(work, "its centre of mass put into the middle of %lld x %lld", (long long)sight->h, (long long)sight->w);
    free(part.v);
    return FCNN_OK;
}

/* The whole plane, its shape kept, in the middle. */
static fcnn_status whole(struct work *work)
{
    struct fcnn_sight *sight = work->sight;
    const struct fcnn_box all = {0, 0, work->plane.h, work->plane.w};
    struct fcnn_plane part = fit(work, all, (double)sight->h, (double)sight->w);
    if (!part.v) return no_memory(work);
    place(work, &part, (sight->h - part.h) / 2, (sight->w - part.w) / 2);
    if (part.h != all.h || part.w != all.w)
        note(work, "the whole picture resized to %lld x %lld", (long long)part.h, (long long)part.w);
    free(part.v);
    return FCNN_OK;
}

/* ---- the ways ---- */

static fcnn_status see_grey(struct work *work)
{
    struct fcnn_sight *sight = work->sight;
    const fcnn_picture *p = work->picture;
    const int64_t side = p->h > p->w ? p->h : p->w;
    IO_TRY(make_grey(work));
    if (work->options->as_is) {
        const int invert = work->options->polarity == FCNN_POLARITY_INVERT;
        for (int64_t i = 0; i < p->h * p->w; i++)
            sight->x[i] = (invert ? 255 - work->plane.v[i] : work->plane.v[i]) / 255.0f;
        note(work, invert ? "as it is, inverted" : "as it is");
        return FCNN_OK;
    }
    if (p->h < LEAST_SIDE || p->w < LEAST_SIDE)
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a picture of %lld x %lld pixels is too small to see anything in it",
                            work->name, (long long)p->h, (long long)p->w);
    if (side > LARGE) {
        const struct fcnn_box all = {0, 0, p->h, p->w};
        const int64_t h = clamp(p->h * LARGE / side, LEAST_SIDE, LARGE);
        const int64_t w = clamp(p->w * LARGE / side, LEAST_SIDE, LARGE);
        IO_TRY(take(work, fcnn_plane_resize(&work->plane, all, h, w)));
        note(work, "%lld x %lld pixels averaged to %lld x %lld first", (long long)p->h, (long long)p->w, (long long)h,
             (long long)w);
    }
    IO_TRY(make_ink(work));
    const struct fcnn_box box = fcnn_plane_box(&work->plane, BOX_LEVEL);
    IO_TRY(check_ink(work, &box));
    const int prepared = is_prepared(work, &box);
    if (!prepared && !work->options->no_center) IO_TRY(drop_specks(work));
    if (prepared) note(work, "%lld x %lld and centred already: not resized", (long long)p->h, (long long)p->w);
    IO_TRY(prepared || work->options->no_center ? whole(work) : center(work));
    return check_strokes(work, &(struct fcnn_plane){sight->h, sight->w, sight->x});
}

/* One channel after the other. */
static fcnn_status see_color(struct work *work)
{
    const fcnn_picture *p = work->picture;
    struct fcnn_sight *sight = work->sight;
    const double behind = choose_behind(work);
    const struct fcnn_box all = {0, 0, p->h, p->w};
    float low = 1, high = 0;
    for (int64_t c = 0; c < 3; c++) {
        IO_TRY(take(work, fcnn_plane_make(p->h, p->w)));
        for (int64_t i = 0; i < p->h * p->w; i++) {
            const unsigned char *pixel = p->pixels + i * p->c;
            const double value = over(pixel[p->c > 2 ? c : 0], p, pixel, behind);
            work->plane.v[i] = (float)((work->options->polarity == FCNN_POLARITY_INVERT ? 255 - value : value) / 255);
        }
        IO_TRY(take(work, fcnn_plane_resize(&work->plane, all, sight->h, sight->w)));
        for (int64_t i = 0; i < sight->h * sight->w; i++) {
            const float v = sight->x[3 * i + c] = work->plane.v[i];
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    }
    if (work->options->polarity == FCNN_POLARITY_INVERT) note(work, "inverted");
    if (p->h != sight->h || p->w != sight->w)
        note(work, "%lld x %lld resized to %lld x %lld", (long long)p->h, (long long)p->w, (long long)sight->h,
             (long long)sight->w);
    if (work->options->as_is || (high - low) * 255 >= LEAST_CONTRAST / 4) return FCNN_OK;
    return fcnn_io_fail(FCNN_BAD_DATA, "%s: blank: all values lie between %.0f and %.0f of 255", work->name,
                        255 * (double)low, 255 * (double)high);
}

fcnn_status fcnn_sight_make(struct fcnn_sight *sight, const fcnn_picture *picture, int64_t h, int64_t w, int64_t c,
                            const struct fcnn_sight_options *options, const char *name)
{
    const struct fcnn_sight_options defaults = {0};
    struct work work = {.sight = sight, .picture = picture, .options = options ? options : &defaults, .name = name};
    *sight = (struct fcnn_sight){.h = h, .w = w, .c = c};
    if (c != 1 && c != 3)
        return fcnn_io_fail(FCNN_BAD_SHAPE, "%s: the model's images have %lld channels; a picture can have 1 or 3",
            name,
                            (long long)c);
    if (work.options->as_is && (picture->h != h || picture->w != w))
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %lld x %lld pixels; as it is it must have the model's %lld x %lld",
            name,
                            (long long)picture->h, (long long)picture->w, (long long)h, (long long)w);
    sight->x = calloc((size_t)(h * w * c), sizeof *sight->x);
    fcnn_status status = !sight->x ? no_memory(&work) : c == 1 ? see_grey(&work) : see_color(&work);
    free(work.plane.v);
    if (status) fcnn_sight_free(sight);
    return status;
}

void fcnn_sight_free(struct fcnn_sight *sight)
{
    free(sight->x);
    *sight = (struct fcnn_sight){0};
}

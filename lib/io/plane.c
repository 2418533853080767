/* SPDX-License-Identifier: BSD-2-Clause
 * See plane.h. */
#include "lib/io/plane.h"

#include <stdlib.h>

#define INK 0.5f

struct fcnn_plane fcnn_plane_make(int64_t h, int64_t w)
{
    return (struct fcnn_plane){h, w, calloc((size_t)(h * w), sizeof(float))};
}

struct fcnn_box fcnn_plane_box(const struct fcnn_plane *plane, float least)
{
    int64_t top = plane->h, bottom = -1, left = plane->w, right = -1;
    for (int64_t y = 0; y < plane->h; y++)
        for (int64_t x = 0; x < plane->w; x++) {
            if (plane->v[y * plane->w + x] < least) continue;
            if (y < top) top = y;
            bottom = y;
            if (x < left) left = x;
            if (x > right) right = x;
        }
    if (bottom < 0) return (struct fcnn_box){0};
    return (struct fcnn_box){top, left, bottom - top + 1, right - left + 1};
}

/* The mean of `count` values, `stride` apart, from position `begin` to `end` (fractions of values). */
static double average(const float *v, int64_t stride, int64_t count, double begin, double end)
{
    double sum = 0;
    for (int64_t i = (int64_t)begin; i < count && (double)i < end; i++) {
        const double from = (double)i > begin ? (double)i : begin, to = (double)(i + 1) < end ? (double)(i + 1) : end;
        sum += (to - from) * v[i * stride];
    }
    return sum / (end - begin);
}

struct fcnn_plane fcnn_plane_resize(const struct fcnn_plane *plane, struct fcnn_box box, int64_t h, int64_t w)
{
    struct fcnn_plane rows = fcnn_plane_make(box.h, w), to = fcnn_plane_make(h, w);
    const double across = (double)box.w / (double)w, down = (double)box.h / (double)h;
    for (int64_t y = 0; y < box.h && rows.v; y++)
        for (int64_t x = 0; x < w; x++)
            rows.v[y * w + x] = (float)average(plane->v + (box.top + y) * plane->w + box.left, 1, box.w,
                                               (double)x * across, (double)(x + 1) * across);
    for (int64_t y = 0; y < h && rows.v && to.v; y++)
        for (int64_t x = 0; x < w; x++)
            to.v[y * w + x] = (float)average(rows.v + x, w, box.h, (double)y * down, (double)(y + 1) * down);
    if (!rows.v) {
        free(to.v);
        to.v = NULL;
    }
    free(rows.v);
    return to;
}

/* The largest within `radius` of each of `count` values, `stride` apart. */
static void spread(const float *from, float *to, int64_t stride, int64_t count, int64_t radius)
{
    for (int64_t i = 0; i < count; i++) {
        float most = 0;
        for (int64_t j = i > radius ? i - radius : 0; j <= i + radius && j < count; j++)
            if (from[j * stride] > most) most = from[j * stride];
        to[i * stride] = most;
    }
}

int fcnn_plane_thicken(struct fcnn_plane *plane, int64_t radius)
{
    struct fcnn_plane rows = fcnn_plane_make(plane->h, plane->w);
    if (!rows.v) return 0;
    for (int64_t y = 0; y < plane->h; y++)
        spread(plane->v + y * plane->w, rows.v + y * plane->w, 1, plane->w, radius);
    for (int64_t x = 0; x < plane->w; x++) spread(rows.v + x, plane->v + x, plane->w, plane->h, radius);
    free(rows.v);
    return 1;
}

/* ---- pieces ---- */

struct flood {
    const struct fcnn_plane *plane;
    float least;
    int32_t *piece; /* of each pixel; 0: none yet */
    int64_t *stack;
};

/* Marks all that is connected to `start`; returns its ink. Each pixel is on the stack once. */
static double mark(struct flood *flood, int64_t start, int32_t number)
{
    const struct fcnn_plane *p = flood->plane;
    double ink = 0;
    int64_t top = 0;
    flood->piece[start] = number;
    for (flood->stack[top++] = start; top;) {
        const int64_t at = flood->stack[--top], y = at / p->w, x = at % p->w;
        ink += p->v[at];
        for (int64_t i = y > 0 ? y - 1 : 0; i <= y + 1 && i < p->h; i++)
            for (int64_t j = x > 0 ? x - 1 : 0; j <= x + 1 && j < p->w; j++) {
                const int64_t next = i * p->w + j;
                if (flood->piece[next] || p->v[next] < flood->least) continue;
                flood->piece[next] = number;
                flood->stack[top++] = next;
            }
    }
    return ink;
}

/* The faint rim of what went goes, too: pixels that touch it and no piece that stays. */
static int stays(const struct flood *flood, const double *ink, double limit, int64_t at)
{
    const struct fcnn_plane *p = flood->plane;
    const int64_t y = at / p->w, x = at % p->w;
    int touches = 0;
    if (flood->piece[at]) return ink[flood->piece[at]] >= limit;
    for (int64_t i = y > 0 ? y - 1 : 0; i <= y + 1 && i < p->h; i++)
        for (int64_t j = x > 0 ? x - 1 : 0; j <= x + 1 && j < p->w; j++) {
            const int32_t piece = flood->piece[i * p->w + j];
            if (piece && ink[piece] >= limit) return 1;
            touches |= piece;
        }
    return !touches;
}

static int64_t drop(struct flood *flood, struct fcnn_plane *plane, double *ink, double part)
{
    const int64_t pixels = plane->h * plane->w;
    int32_t pieces = 0;
    int64_t gone = 0;
    double most = 0;
    for (int64_t i = 0; i < pixels; i++) {
        if (flood->piece[i] || plane->v[i] < flood->least) continue;
        pieces++;
        ink[pieces] = mark(flood, i, pieces);
        most = ink[pieces] > most ? ink[pieces] : most;
    }
    for (int32_t i = 1; i <= pieces; i++) gone += ink[i] < part * most;
    for (int64_t i = 0; i < pixels && gone; i++)
        if (plane->v[i] > 0 && !stays(flood, ink, part * most, i)) plane->v[i] = 0;
    return gone;
}

int64_t fcnn_plane_despeck(struct fcnn_plane *plane, float least, double part)
{
    const size_t pixels = (size_t)(plane->h * plane->w);
    struct flood flood = {plane, least, calloc(pixels, sizeof *flood.piece), malloc(pixels * sizeof *flood.stack)};
    double *ink = malloc((pixels + 1) * sizeof *ink);
    const int64_t gone = flood.piece && flood.stack && ink ? drop(&flood, plane, ink, part) : -1;
    free(flood.piece);
    free(flood.stack);
    free(ink);
    return gone;
}

/* ---- strokes ---- */

static int is_ink(const struct fcnn_plane *plane, int64_t y, int64_t x)
{
    return y >= 0 && x >= 0 && y < plane->h && x < plane->w && plane->v[y * plane->w + x] >= INK;
}

double fcnn_plane_stroke(const struct fcnn_plane *plane)
{
    int64_t area = 0, outline = 0;
    for (int64_t y = 0; y < plane->h; y++)
        for (int64_t x = 0; x < plane->w; x++) {
            if (!is_ink(plane, y, x)) continue;
            area++;
            outline += !is_ink(plane, y - 1, x) + !is_ink(plane, y + 1, x) + !is_ink(plane, y, x - 1) +
                       !is_ink(plane, y, x + 1);
        }
    return outline ? 2.0 * (double)area / (double)outline : 0;
}

double fcnn_plane_changes(const struct fcnn_plane *plane, int columns)
{
    const int64_t lines = columns ? plane->w : plane->h, length = columns ? plane->h : plane->w;
    int64_t changes = 0, with_ink = 0;
    for (int64_t i = 0; i < lines; i++) {
        int64_t here = 0;
        for (int64_t j = 0, before = 0; j <= length; j++) {
            const int now = columns ? is_ink(plane, j, i) : is_ink(plane, i, j);
            here += now != before;
            before = now;
        }
        changes += here;
        with_ink += here > 0;
    }
    return with_ink ? (double)changes / (double)with_ink : 0;
}

void fcnn_plane_mass(const struct fcnn_plane *plane, double *y, double *x)
{
    double all = 0, down = 0, across = 0;
    for (int64_t i = 0; i < plane->h * plane->w; i++) {
        all += plane->v[i];
        down += plane->v[i] * (double)(i / plane->w);
        across += plane->v[i] * (double)(i % plane->w);
    }
    *y = all > 0 ? down / all : (double)(plane->h - 1) / 2;
    *x = all > 0 ? across / all : (double)(plane->w - 1) / 2;
}

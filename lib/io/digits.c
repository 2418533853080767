/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Synthetic 28x28 digits, drawn from stroke outlines as with a pen. Hard enough to fail on: a linear classifier gets
 * about nine of ten right. Only + - * / and sqrt in float (rotation in Cayley's form instead of sin and cos), pixels
 * rounded to 8 bits as in MNIST: the same images on every machine. Compile with -ffp-contract=off. */
#include <math.h>
#include <stdlib.h>

#include <Random123/philox.h>

#include "lib/io/io.h"

#define SIDE 28
#define PIXELS (SIDE * SIDE)
#define MOST_POINTS 11
#define STEPS 4 /* line segments per pair of control points */

/* ---- the ways to write a digit: control points in percent of the box, y downwards, for a Catmull-Rom curve ---- */

struct stroke {
    int points; /* 0: no such stroke */
    signed char at[MOST_POINTS][2];
};

struct glyph {
    struct stroke strokes[3];
};

#define WAYS 3
static const struct glyph glyphs[10][WAYS] = {
    {{{{9, {{50, 0}, {20, 12}, {5, 50}, {20, 88}, {50, 100}, {80, 88}, {95, 50}, {80, 12}, {50, 0}}}}},
     {{{9, {{62, 3}, {25, 10}, {8, 48}, {18, 86}, {48, 100}, {82, 84}, {92, 42}, {75, 8}, {42, 6}}}}},
     {{{9, {{50, 0}, {28, 12}, {18, 50}, {28, 88}, {50, 100}, {72, 88}, {82, 50}, {72, 12}, {50, 0}}}}}},
    {{{{2, {{50, 0}, {50, 100}}}}},
     {{{2, {{22, 24}, {55, 0}}}, {2, {{55, 0}, {52, 100}}}}},
     {{{2, {{25, 22}, {52, 0}}}, {2, {{52, 0}, {52, 100}}}, {2, {{22, 100}, {82, 100}}}}}},
    {{{{7, {{10, 25}, {25, 5}, {55, 0}, {84, 14}, {84, 38}, {58, 66}, {8, 100}}}, {2, {{8, 100}, {95, 100}}}}},
     {{{10, {{12, 18}, {45, 0}, {82, 16}, {80, 44}, {48, 76}, {18, 96}, {8, 84}, {28, 78}, {60, 94}, {96, 96}}}}},
     {{{6, {{8, 12}, {50, 0}, {88, 22}, {72, 52}, {38, 76}, {12, 98}}}, {3, {{12, 98}, {50, 92}, {94, 100}}}}}},
    {{{{5, {{12, 12}, {46, 0}, {82, 14}, {78, 38}, {40, 48}}},
       {5, {{40, 48}, {84, 58}, {88, 82}, {50, 100}, {8, 88}}}}},
     {{{2, {{10, 2}, {86, 2}}}, {2, {{86, 2}, {42, 40}}}, {5, {{42, 40}, {84, 52}, {88, 80}, {52, 100}, {10, 90}}}}},
     {{{9, {{15, 5}, {55, 0}, {80, 18}, {62, 40}, {48, 46}, {72, 54}, {86, 76}, {55, 99}, {6, 94}}}}}},
    {{{{2, {{30, 0}, {8, 58}}}, {2, {{8, 58}, {94, 58}}}, {2, {{68, 18}, {66, 100}}}}},
     {{{2, {{66, 0}, {6, 66}}}, {2, {{6, 66}, {96, 66}}}, {2, {{66, 0}, {66, 100}}}}},
     {{{5, {{16, 2}, {10, 34}, {24, 52}, {56, 50}, {80, 36}}}, {2, {{86, 0}, {70, 100}}}}}},
    {{{{2, {{86, 0}, {24, 0}}}, {2, {{24, 0}, {16, 44}}},
       {6, {{16, 44}, {56, 36}, {90, 60}, {80, 88}, {46, 100}, {8, 92}}}}},
     {{{2, {{92, 4}, {32, 0}}}, {7, {{32, 0}, {22, 38}, {52, 46}, {78, 66}, {68, 92}, {36, 100}, {6, 88}}}}},
     {{{8, {{88, 4}, {40, 4}, {22, 24}, {34, 44}, {74, 56}, {84, 80}, {50, 99}, {10, 92}}}}}},
    {{{{9, {{76, 2}, {38, 18}, {12, 56}, {18, 88}, {50, 100}, {84, 86}, {82, 60}, {50, 50}, {16, 68}}}}},
     {{{8, {{50, 0}, {24, 34}, {14, 72}, {34, 98}, {70, 96}, {80, 72}, {56, 58}, {22, 74}}}}},
     {{{9, {{88, 8}, {56, 2}, {22, 28}, {8, 66}, {26, 96}, {62, 98}, {80, 78}, {64, 60}, {14, 72}}}}}},
    {{{{2, {{8, 3}, {90, 3}}}, {3, {{90, 3}, {60, 45}, {42, 100}}}}},
     {{{2, {{8, 6}, {88, 2}}}, {3, {{88, 2}, {58, 50}, {36, 100}}}, {2, {{34, 52}, {80, 48}}}}},
     {{{2, {{10, 22}, {14, 2}}}, {2, {{14, 2}, {86, 4}}}, {3, {{86, 4}, {66, 46}, {58, 100}}}}}},
    {{{{11, {{76, 14}, {50, 0}, {22, 14}, {28, 36}, {70, 62}, {84, 84}, {50, 100}, {16, 84}, {30, 62},
             {70, 38}, {76, 14}}}}},
     {{{5, {{50, 0}, {22, 22}, {50, 46}, {78, 22}, {50, 0}}},
       {5, {{50, 46}, {14, 74}, {50, 100}, {86, 74}, {50, 46}}}}},
     {{{9, {{84, 6}, {44, 2}, {24, 22}, {52, 50}, {76, 80}, {46, 100}, {20, 82}, {48, 50}, {86, 10}}}}}},
    {{{{9, {{85, 25}, {62, 45}, {24, 42}, {12, 20}, {40, 0}, {74, 5}, {86, 25}, {82, 62}, {66, 100}}}}},
     {{{7, {{80, 12}, {44, 0}, {16, 22}, {34, 46}, {66, 42}, {82, 12}, {80, 4}}}, {2, {{82, 8}, {76, 100}}}}},
     {{{10, {{86, 22}, {58, 46}, {22, 40}, {18, 12}, {52, 0}, {84, 14}, {86, 52}, {72, 88}, {40, 100}, {14, 90}}}}}},
};

/* ---- random numbers: a stream per (seed, purpose, number), each word one function of its place ---- */

enum purpose { LABELS, IMAGES };

struct stream {
    philox4x32_key_t key;
    philox4x32_ctr_t counter, words;
    int used;
};

static struct stream stream_of(uint64_t seed, enum purpose purpose, uint64_t number)
{
    return (struct stream){.key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}},
                           .counter = {{0, (uint32_t)purpose, (uint32_t)number, (uint32_t)(number >> 32)}}, .used = 4};
}

static uint32_t next(struct stream *s)
{
    if (s->used == 4) {
        s->words = philox4x32_R(10, s->counter, s->key);
        s->counter.v[0]++;
        s->used = 0;
    }
    return s->words.v[s->used++];
}

static float between(struct stream *s, float low, float high)
{
    return low + (high - low) * ((float)(next(s) >> 8) * 0x1p-24f);
}

/* Bell-shaped in -1 .. 1. */
static float bell(struct stream *s)
{
    return (between(s, -1.0f, 1.0f) + between(s, -1.0f, 1.0f) + between(s, -1.0f, 1.0f)) / 3.0f;
}

/* The labels of 10j .. 10j+9 are a random permutation of the ten digits. */
static int label_of(uint64_t seed, int64_t i)
{
    struct stream s = stream_of(seed, LABELS, (uint64_t)(i / 10));
    int digits[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int j = 9; j > 0; j--) {
        int other = (int)(((uint64_t)next(&s) * (uint64_t)(j + 1)) >> 32), digit = digits[j];
        digits[j] = digits[other];
        digits[other] = digit;
    }
    return digits[i % 10];
}

/* ---- drawing ---- */

struct point {
    float x, y;
};

/* How one image is written: from the unit box around 0 to pixels. */
struct hand {
    float width, height, slant, bend, wave, cosine, sine, shift_x, shift_y, tremble, radius, ink, noise;
};

static struct hand draw_hand(struct stream *s)
{
    float t = 0.24f * bell(s); /* tangent of half the angle */
    struct hand hand = {.cosine = (1.0f - t * t) / (1.0f + t * t), .sine = 2.0f * t / (1.0f + t * t)};
    hand.height = between(s, 14.0f, 20.0f);
    hand.width = hand.height * between(s, 0.45f, 0.85f);
    hand.slant = -0.1f + 0.5f * bell(s);
    hand.bend = 0.5f * bell(s);
    hand.wave = 0.35f * bell(s);
    hand.shift_x = 14.0f + 3.0f * bell(s);
    hand.shift_y = 14.0f + 3.0f * bell(s);
    hand.tremble = between(s, 0.02f, 0.09f);
    hand.radius = between(s, 0.6f, 1.7f);
    hand.ink = between(s, 0.7f, 1.0f);
    hand.noise = between(s, 0.0f, 0.25f);
    return hand;
}

static struct point place(const struct hand *hand, const signed char at[2], struct stream *s)
{
    float u = (float)at[0] / 100.0f - 0.5f + hand->tremble * bell(s);
    float v = (float)at[1] / 100.0f - 0.5f + hand->tremble * bell(s);
    float x = hand->width * (u + hand->bend * v * v) - hand->slant * hand->height * v;
    float y = hand->height * (v + hand->wave * u * u);
    return (struct point){hand->cosine * x - hand->sine * y + hand->shift_x,
                          hand->sine * x + hand->cosine * y + hand->shift_y};
}

/* Pixels first .. last-1 whose centres are within `reach` of low .. high. */
static void span(float low, float high, float reach, int *first, int *last)
{
    float a = low - reach, b = high + reach;
    *first = a < 0.0f ? 0 : a > (float)SIDE ? SIDE : (int)a;
    *last = b < 0.0f ? 0 : b > (float)(SIDE - 1) ? SIDE : (int)b + 1;
}

/* Lowers the squared distances of the pixel centres to the segment a-b, where they are within `reach`. */
static void draw_segment(float squares[PIXELS], struct point a, struct point b, float reach)
{
    float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy, inverse = length > 1e-6f ? 1.0f / length : 0.0f;
    int top, bottom, left, right;
    span(a.y < b.y ? a.y : b.y, a.y < b.y ? b.y : a.y, reach, &top, &bottom);
    span(a.x < b.x ? a.x : b.x, a.x < b.x ? b.x : a.x, reach, &left, &right);
    for (int row = top; row < bottom; row++) {
        float y = (float)row + 0.5f - a.y;
        for (int column = left; column < right; column++) {
            float x = (float)column + 0.5f - a.x, t = (x * dx + y * dy) * inverse;
            t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
            float ex = x - t * dx, ey = y - t * dy, square = ex * ex + ey * ey;
            if (square < squares[row * SIDE + column]) squares[row * SIDE + column] = square;
        }
    }
}

/* Catmull-Rom between p[1] and p[2]. */
static struct point curve(const struct point p[4], float t)
{
    float a = t * (t * (2.0f - t) - 1.0f), b = t * t * (3.0f * t - 5.0f) + 2.0f;
    float c = t * (t * (4.0f - 3.0f * t) + 1.0f), d = t * t * (t - 1.0f);
    return (struct point){0.5f * (a * p[0].x + b * p[1].x + c * p[2].x + d * p[3].x),
                          0.5f * (a * p[0].y + b * p[1].y + c * p[2].y + d * p[3].y)};
}

static void draw_stroke(float squares[PIXELS], const struct stroke *stroke, const struct hand *hand, struct stream *s)
{
    struct point p[MOST_POINTS + 2]; /* the ends twice */
    int n = stroke->points;
    for (int i = 0; i < n; i++) p[i + 1] = place(hand, stroke->at[i], s);
    p[0] = p[1];
    p[n + 1] = p[n];
    for (int i = 0; i + 1 < n; i++) {
        struct point from = p[i + 1];
        for (int step = 1; step <= STEPS; step++) {
            struct point to = curve(p + i, (float)step / (float)STEPS);
            draw_segment(squares, from, to, hand->radius + 1.0f);
            from = to;
        }
    }
}

/* Short scratches anywhere on the paper. */
static void draw_specks(float squares[PIXELS], const struct hand *hand, struct stream *s)
{
    for (uint32_t specks = next(s) >> 30; specks; specks--) {
        struct point a = {between(s, 0.0f, (float)SIDE), between(s, 0.0f, (float)SIDE)};
        struct point b = {a.x + 2.5f * bell(s), a.y + 2.5f * bell(s)};
        draw_segment(squares, a, b, hand->radius + 1.0f);
    }
}

static void draw_image(float x[PIXELS], int digit, struct stream *s)
{
    struct hand hand = draw_hand(s);
    const struct glyph *glyph = &glyphs[digit][(uint64_t)next(s) * WAYS >> 32];
    float squares[PIXELS];
    for (int i = 0; i < PIXELS; i++) squares[i] = 100.0f;
    for (int i = 0; i < 3; i++)
        if (glyph->strokes[i].points) draw_stroke(squares, &glyph->strokes[i], &hand, s);
    draw_specks(squares, &hand, s);

    uint32_t bytes = 0; /* of noise, one per pixel */
    for (int i = 0; i < PIXELS; i++) {
        float cover = hand.radius + 0.5f - sqrtf(squares[i]); /* of the pixel by the pen */
        cover = cover < 0.0f ? 0.0f : cover > 1.0f ? 1.0f : cover;
        if (i % 4 == 0) bytes = next(s);
        float noise = (float)(bytes >> (8 * (i % 4)) & 0xff) / 255.0f - 0.5f;
        float grey = hand.ink * cover + hand.noise * noise;
        grey = grey < 0.0f ? 0.0f : grey > 1.0f ? 1.0f : grey;
        x[i] = (float)(int)(grey * 255.0f + 0.5f) / 255.0f;
    }
}

fcnn_status fcnn_digits_make(struct fcnn_dataset *set, uint64_t seed, int64_t first, int64_t n)
{
    *set = (struct fcnn_dataset){0};
    if (n < 1 || first < 0 || first > INT64_MAX - n) return FCNN_BAD_ARGUMENT;
    if ((uint64_t)n > SIZE_MAX / (PIXELS * sizeof(float))) return FCNN_OUT_OF_MEMORY;
    *set = (struct fcnn_dataset){.n = n, .h = SIDE, .w = SIDE, .c = 1, .classes = 10,
                                 .x = malloc((size_t)n * PIXELS * sizeof(float)),
                                 .y = malloc((size_t)n * sizeof(int32_t))};
    if (!set->x || !set->y) {
        fcnn_dataset_free(set);
        return FCNN_OUT_OF_MEMORY;
    }
    for (int64_t i = 0; i < n; i++) {
        struct stream s = stream_of(seed, IMAGES, (uint64_t)(first + i));
        set->y[i] = label_of(seed, first + i);
        draw_image(set->x + i * PIXELS, set->y[i], &s);
    }
    return FCNN_OK;
}

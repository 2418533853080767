/* SPDX-License-Identifier: BSD-2-Clause
 * The same layers with other numbers of images (--batch): what an image costs beside the smallest batch, and how the
 * comparison with peers moves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/names.h"
#include "bench/report/html.h"
#include "bench/report/page.h"

/* What dispatch takes for a layer with so many images: "mnist.conv3@64" has 64. */
struct batch {
    const struct bench_result *row;
    int images;
    int place;           /* of its layer in its direction among the results */
    double gain, theirs; /* times faster per image than with the fewest; the same of the first peer */
};

struct batches {
    struct batch *list;
    int count;
};

/* *length: of the name without them. 0: the name has none. */
static int images_of(const char *layer, int *length)
{
    const char *at = strrchr(layer, '@');
    char *end = NULL;
    const long images = at ? strtol(at + 1, &end, 10) : 0;
    if (!at || end == at + 1 || *end || images < 1 || images > 1 << 24) return 0;
    *length = (int)(at - layer);
    return (int)images;
}

/* Directions, layers as they come, images upward, equals as they come. */
static int by_layer(const void *a, const void *b)
{
    const struct batch *x = a, *y = b;
    const int direction_x = (int)x->row->of->problem.direction, direction_y = (int)y->row->of->problem.direction;
    if (direction_x != direction_y) return direction_x - direction_y;
    if (x->place != y->place) return x->place - y->place;
    return x->images != y->images ? x->images - y->images : (x->row > y->row) - (x->row < y->row);
}

static double peer_time(const struct bench_results *results, const struct bench_result *row)
{
    return results->peer_count ? bench_ratio(results, row, 0) * row->time.lower : NAN;
}

/* The first of a layer has the fewest images. */
static void compare(const struct bench_results *results, struct batches *b)
{
    const struct batch *fewest = b->list;
    for (int i = 0; i < b->count; i++) {
        struct batch *one = &b->list[i];
        if (fewest->place != one->place) fewest = one;
        const double images = (double)one->images / fewest->images;
        one->gain = images * fewest->row->time.lower / one->row->time.lower;
        one->theirs = images * peer_time(results, fewest->row) / peer_time(results, one->row);
    }
}

/* 0: no memory. */
static int collect(const struct bench_results *results, struct batches *b)
{
    struct bench_names layers = {0};
    *b = (struct batches){.list = calloc((size_t)results->row_count + 1, sizeof *b->list)};
    int there = b->list != NULL;
    for (int i = 0; there && i < results->row_count; i++) {
        struct batch *one = &b->list[b->count];
        const struct bench_problem *of = results->rows[i].of;
        int length;
        *one = (struct batch){.row = &results->rows[i], .images = images_of(of->layer, &length)};
        if (!one->images || !report_is_choice(results, one->row)) continue;
        one->place = bench_names_number(&layers, "%d %.*s", (int)of->problem.direction, length, of->layer);
        there = one->place >= 0;
        b->count++;
    }
    bench_names_free(&layers);
    if (!there) return 0;
    qsort(b->list, (size_t)b->count, sizeof *b->list, by_layer);
    compare(results, b);
    return 1;
}

/* ---- what an image costs ---- */

static int draw_gains(struct report *report, const struct bench_results *results, const struct batches *b,
                      int direction)
{
    struct report_bar *bars = calloc((size_t)b->count + 1, sizeof *bars);
    char mark[96], title[128];
    int count = 0, there = 1, has_theirs = 0;
    if (!bars) return 0;
    for (const struct batch *one = b->list; one < b->list + b->count; one++) {
        const int is_fewest = one == b->list || one[-1].place != one->place;
        if ((int)one->row->of->problem.direction != direction || is_fewest) continue;
        bars[count++] = (struct report_bar){one->row->of->layer, one->gain, one->theirs};
        has_theirs |= isfinite(one->theirs);
    }
    snprintf(title, sizeof title, "Batches, %s: times faster per image than with the fewest images",
             fcnn_direction_name((fcnn_direction)direction));
    if (has_theirs) snprintf(mark, sizeof mark, "what %s gained", results->peers[0]);
    if (count) there = report_draw_ratios(report, title, has_theirs ? mark : NULL, bars, count);
    free(bars);
    return there;
}

static void put_batch(const struct bench_results *results, const struct batch *one, FILE *out)
{
    fputs("<tr>", out);
    html_cell_name(out, one->row->of->layer);
    html_cell(out, fcnn_direction_name(one->row->of->problem.direction));
    html_cell_number(out, one->images, 0);
    html_cell_time(out, one->row->time.median);
    html_cell_time(out, one->row->time.median / one->images);
    html_cell_ratio(out, one->gain);
    if (results->peer_count) html_cell_ratio(out, one->theirs);
    fputs("</tr>\n", out);
}

static void put_batches(const struct bench_results *results, const struct batches *b, int index, FILE *out)
{
    char id[32], columns[256];
    snprintf(id, sizeof id, "batches%d", index);
    snprintf(columns, sizeof columns, "layer|direction|#images|#median|#an image|#times faster per image%s%.40s",
             results->peer_count ? "|#" : "", results->peer_count ? results->peers[0] : "");
    html_table(out, id, "Batches: an image, beside the fewest images", columns);
    for (int i = 0; i < b->count; i++) put_batch(results, &b->list[i], out);
    html_table_end(out);
}

/* ---- geometric means ---- */

struct mean { int images, direction, layers; struct bench_mean gain, reference, peers[BENCH_MOST_PEERS]; };

static void add_ratio(struct bench_mean *mean, double ratio)
{
    if (ratio > 0 && isfinite(ratio)) bench_mean_add(mean, ratio);
}

static void add(const struct bench_results *results, const struct batch *one, struct mean *mean)
{
    mean->layers++;
    add_ratio(&mean->gain, one->gain);
    add_ratio(&mean->reference, bench_ratio(results, one->row, BENCH_REFERENCE));
    for (int i = 0; i < results->peer_count; i++)
        add_ratio(&mean->peers[i], bench_ratio(results, one->row, i));
}

static int by_direction(const void *a, const void *b)
{
    const struct mean *x = a, *y = b;
    return x->direction != y->direction ? x->direction - y->direction : x->images - y->images;
}

/* For each direction and number of images. To be freed; NULL: no memory. */
static struct mean *make_means(const struct bench_results *results, const struct batches *b, int *count)
{
    struct mean *means = calloc((size_t)b->count + 1, sizeof *means);
    struct bench_names names = {0};
    int there = means != NULL;
    *count = 0;
    for (int i = 0; there && i < b->count; i++) {
        const struct batch *one = &b->list[i];
        const int direction = (int)one->row->of->problem.direction;
        const int at = bench_names_number(&names, "%d %d", direction, one->images);
        there = at >= 0;
        if (at == *count) means[(*count)++] = (struct mean){.images = one->images, .direction = direction};
        if (there) add(results, one, &means[at]);
    }
    bench_names_free(&names);
    if (there) return qsort(means, (size_t)*count, sizeof *means, by_direction), means;
    free(means);
    return NULL;
}

static int draw_means(struct report *report, const struct bench_results *results, const struct mean *means, int count,
                      int peer)
{
    struct report_bar *bars = calloc((size_t)count + 1, sizeof *bars);
    char (*names)[64] = calloc((size_t)count + 1, sizeof *names), title[128];
    int drawn = 0, there = bars && names;
    for (int i = 0; there && i < count; i++) {
        if (!means[i].peers[peer].count) continue;
        snprintf(names[drawn], sizeof *names, "%s, %d image%s", fcnn_direction_name((fcnn_direction)means[i].direction),
                 means[i].images, means[i].images == 1 ? "" : "s");
        bars[drawn] = (struct report_bar){names[drawn], bench_mean_of(&means[i].peers[peer]), NAN};
        drawn++;
    }
    snprintf(title, sizeof title, "Batches: times faster than %.64s, geometric means", results->peers[peer]);
    if (there && drawn) there = report_draw_ratios(report, title, NULL, bars, drawn);
    free(bars);
    free(names);
    return there;
}

static void put_means(const struct bench_results *results, const struct mean *means, int count, int index, FILE *out)
{
    char id[32], columns[512];
    int at = snprintf(columns, sizeof columns, "direction|#images|#layers|#times faster per image|#x reference");
    for (int i = 0; i < results->peer_count; i++)
        at += snprintf(columns + at, sizeof columns - (size_t)at, "|#x %.64s", results->peers[i]);
    snprintf(id, sizeof id, "batch-means%d", index);
    html_table(out, id, "Batches: geometric means of what dispatch takes", columns);
    for (const struct mean *m = means; m < means + count; m++) {
        fputs("<tr>", out);
        html_cell_name(out, fcnn_direction_name((fcnn_direction)m->direction));
        html_cell_number(out, m->images, 0);
        html_cell_number(out, m->layers, 0);
        html_cell_ratio(out, bench_mean_of(&m->gain));
        html_cell_ratio(out, bench_mean_of(&m->reference));
        for (int i = 0; i < results->peer_count; i++) html_cell_ratio(out, bench_mean_of(&m->peers[i]));
        fputs("</tr>\n", out);
    }
    html_table_end(out);
}

int report_batches(struct report *report, const struct report_file *file)
{
    const struct bench_results *results = &file->kept.results;
    const int index = (int)(file - report->files);
    struct batches b;
    int count = 0, there = collect(results, &b);
    struct mean *means = there && b.count ? make_means(results, &b, &count) : NULL;
    there = there && (means || !b.count);
    for (int peer = 0; there && peer < results->peer_count; peer++)
        there = draw_means(report, results, means, count, peer);
    for (int d = 0; there && d < BENCH_DIRECTIONS; d++) there = draw_gains(report, results, &b, d);
    if (there && b.count) {
        put_means(results, means, count, index, report->out);
        put_batches(results, &b, index, report->out);
    }
    free(means);
    free(b.list);
    return there;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * A tile of direct backward weights: see weights_tile.h. */
#include "kernels/conv2d/weights_tile.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

struct fcnn_weights_place fcnn_weights_place_of(const struct fcnn_cut *cut, int64_t group, int64_t panel)
{
    const struct fcnn_panel channels = fcnn_panel_at(&cut->panels, panel);
    return (struct fcnn_weights_place){.panel = panel,
                                       .group = group,
                                       .channel = group * cut->gather.width + channels.from,
                                       .width = channels.width,
                                       .vectors = fcnn_ceil_div(channels.width, cut->panels.granule),
                                       .straight = cut->gradient_packed || channels.width % cut->panels.granule == 0};
}

struct fcnn_weights_rows fcnn_weights_rows_of(const struct fcnn_weights_call *call,
                                              const struct fcnn_weights_place *place, int64_t slot)
{
    const struct fcnn_cut *cut = &call->cut;
    if (call->slots && slot != FCNN_WEIGHTS_OUTPUT) {
        const int64_t task = place->from < 0 ? cut->span_rows : place->from; /* all rows are of one span */
        float *rows = call->slots + slot * call->slot_floats;
        return (struct fcnn_weights_rows){rows + (task - call->piece_first) * place->width, place->width};
    }
    slot = fcnn_max(slot, 0);
    if (place->from < 0) return (struct fcnn_weights_rows){fcnn_weights_sum_bias(&call->sum, slot) + place->channel, 0};
    return (struct fcnn_weights_rows){
        fcnn_weights_sum_weights(&call->sum, slot) + place->from * cut->conv.k + place->channel, cut->conv.k};
}

/* The units of a chunk as segments: of the chains of a tap, or of all taps, or of the bias (which reads no image). */
static void list_units(const struct fcnn_cut *cut, const struct fcnn_cut_tables *tables,
                       struct fcnn_weights_chunk *chunk, int64_t whose, struct fcnn_segment *segments)
{
    const fcnn_problem *p = &cut->conv;
    const struct fcnn_gather *g = &cut->gather;
    const int64_t pixel_b = cut->gradient_pixel, everywhere = cut->row_steps * cut->rows;
    struct fcnn_span down = {0, cut->rows}, across = {0, fcnn_max(everywhere, cut->unit_steps)};
    const int pooled = cut->column_steps == 4;
    int64_t base = 0;
    if (whose >= 0) {
        int64_t r = whose / p->s, s = whose % p->s;
        if (cut->padded)
            down = tables->down[r], across = tables->across[s]; /* units are of a row; outputs that meet real input */
        base = (r * p->dilation_h - p->pad_top) * g->src_row + (s * p->dilation_w - p->pad_left) * g->src_pixel;
    }
    chunk->listed = whose;
    chunk->count = 0;
    struct fcnn_unit u = fcnn_unit_at(cut, chunk->first, chunk->images);
    for (int64_t unit = chunk->first; unit < chunk->last; unit++, u = fcnn_unit_after(cut, u)) {
        const int64_t from = fcnn_max(u.from, across.from), length = fcnn_min(u.to, across.to) - from;
        struct fcnn_segment segment = {u.image * g->src_image + u.row * cut->image_row +
                                           (pooled ? from / 4 : from) * cut->image_column + base,
                                       ((u.image * cut->rows + u.row) * cut->row_steps + from) * pixel_b, length};
        segment.a -= chunk->image_origin, segment.b -= chunk->gradient_origin;
        if (whose == FCNN_LISTED_BIAS) segment.a = 0;
        if (u.row >= down.from && u.row < down.to && length > 0) segments[chunk->count++] = segment;
    }
}

/* Floats of what tiles read from channel `row` of tap (r, s) on. */
static const float *read_by(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place, int64_t row)
{
    const struct fcnn_cut *cut = &call->cut;
    return call->src + (row + (cut->packed ? -call->strips.block * cut->group_rows : place->group * cut->gather.depth));
}

static void place_rows(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place,
                       const struct fcnn_weights_rows *out, struct fcnn_tile *tile)
{
    const struct fcnn_cut *cut = &call->cut;
    const struct fcnn_gather *g = &cut->gather;
    for (int64_t i = 0; i < place->rows; i++) tile->out[i] = out->at + i * out->step;
    if (cut->by_tap) {
        tile->a[0] = read_by(call, place, place->from - place->span * cut->span_rows);
        for (int64_t i = 1; i < place->rows; i++) tile->a[i] = tile->a[0] + i;
        return;
    }
    int64_t c = place->from % g->depth, tap = place->from / g->depth, r = tap / g->taps_w, s = tap % g->taps_w;
    const float *src = read_by(call, place, 0);
    for (int64_t i = 0; i < place->rows; i++) {
        tile->a[i] = src + c + r * cut->conv.dilation_h * g->src_row + s * cut->conv.dilation_w * g->src_pixel;
        if (++c < g->depth) continue;
        c = 0;
        if (++s < g->taps_w) continue;
        s = 0;
        r++;
    }
}

/* A line of what is copied next, of each pixel, for each of the next `tiles` tiles: of fewer, if there are no more. */
static int64_t aim_next(struct fcnn_weights_pass *pass, int64_t tiles)
{
    struct fcnn_tile *tile = &pass->tile;
    const struct fcnn_lines *next = &pass->next[pass->line >= pass->next[0].count];
    const int64_t line = pass->line - (next == pass->next ? 0 : pass->next[0].count), left = next->count - line;
    tile->next_step = tile->next_tile = 0;
    if (left > 0) {
        tile->next = fcnn_next(next->from, pass->steps * next->pixel + line * next->line);
        tile->next_step = next->pixel, tile->next_tile = next->line;
        tiles = fcnn_min(tiles, left);
    }
    pass->line += tiles;
    return tiles;
}

/* Rows that are neighbours: all tiles in one call, or a few. */
static void run_straight(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place, int64_t tiles,
                         struct fcnn_weights_pass *pass)
{
    struct fcnn_tile *tile = &pass->tile;
    for (; tiles > 0; tiles -= tile->tiles) {
        tile->tiles = aim_next(pass, tiles);
        call->tiles->straight[place->vectors][place->rows](tile);
        tile->a[0] += tile->tiles * place->rows;
        tile->sums = FCNN_BEYOND(tile->sums, tile->tiles * place->rows * tile->sums_step);
        tile->out[0] = FCNN_BEYOND(tile->out[0], tile->tiles * place->rows * tile->out_step);
    }
}

/* Where sums are complete, and where they wait for the next chunk. */
static void aim_sums(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place,
                     const struct fcnn_weights_rows *slot, int complete, struct fcnn_tile *tile)
{
    const struct fcnn_cut *cut = &call->cut;
    tile->out[0] = slot->at, tile->out_step = slot->step;
    tile->sums = tile->out[0], tile->sums_step = tile->out_step;
    if (!call->carried) return;
    float *waiting = call->carried + place->channel * cut->spans * cut->span_rows + place->from * place->width;
    tile->sums = waiting, tile->sums_step = place->width;
    if (!complete) tile->out[0] = waiting, tile->out_step = tile->sums_step;
}

static void run_bias(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place,
                     struct fcnn_weights_pass *pass)
{
    static const float one = 1.0f; /* the bias alone is a chain of 1 * d_dst + sum */
    struct fcnn_tile *tile = &pass->tile;
    tile->steps = call->tables.zeros;
    tile->a[0] = &one;
    tile->sums = tile->out[0] = fcnn_weights_rows_of(call, place, pass->slot).at;
    if (place->straight) run_straight(call, place, 1, pass);
    else call->tiles->outer[place->vectors][1](tile);
}

/* Tiles whose rows may be of several taps, or whose columns are not whole vectors. */
static void run_outer(const struct fcnn_weights_call *call, struct fcnn_weights_place place,
                      struct fcnn_weights_rows out, int64_t tiles, struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    struct fcnn_tile *tile = &pass->tile;
    for (; tiles > 0; tiles--, place.from += place.rows, out.at = FCNN_BEYOND(out.at, place.rows * out.step)) {
        place_rows(call, &place, &out, tile);
        if (cut->summed) {
            tile->alive = call->alive + place.channel;
            tile->out_b = fcnn_weights_brings_bias(call, &place)
                              ? fcnn_weights_sum_bias(&call->sum, pass->slot) + place.channel : NULL;
            const int masked = call->alive != call->d_dst;
            (masked ? call->tiles->masked : call->tiles->summed)[place.vectors][place.rows](tile);
        } else if (place.straight && tile->a[place.rows - 1] - tile->a[0] == place.rows - 1) {
            tile->sums = out.at, tile->sums_step = tile->out_step = out.step;
            run_straight(call, &place, 1, pass);
        } else {
            call->tiles->outer[place.vectors][place.rows](tile);
        }
    }
}

void fcnn_weights_tiles(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place, int64_t tiles,
                        struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    struct fcnn_weights_chunk *chunk = pass->chunk;
    struct fcnn_tile *tile = &pass->tile;
    int is_bias = place->from < 0;
    int64_t whose = is_bias ? FCNN_LISTED_BIAS : cut->by_tap ? place->span : FCNN_LISTED_ALL;
    if (chunk->listed != whose) list_units(cut, &call->tables, chunk, whose, call->segments);
    tile->segment_count = chunk->count;
    tile->carry = chunk->first > 0;
    tile->width = place->width;
    tile->b = call->d_dst + (cut->gradient_packed ? place->panel * cut->strip : place->channel);
    if (is_bias) {
        run_bias(call, place, pass);
        return;
    }
    const struct fcnn_weights_rows out = fcnn_weights_rows_of(call, place, pass->slot);
    tile->steps = call->tables.steps;
    if (cut->summed || !place->straight || !cut->by_tap) {
        run_outer(call, *place, out, tiles, pass);
    } else {
        tile->a[0] = read_by(call, place, place->from - place->span * cut->span_rows);
        aim_sums(call, place, &out, chunk->last >= chunk->images * cut->image_units, tile);
        run_straight(call, place, tiles, pass);
    }
}

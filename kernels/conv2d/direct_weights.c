/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Direct backward weights and bias: tiles of filter elements (r, s, c) by output channels, summed over output pixels.
 * The image is read by broadcasts, the output gradient by vectors, in place or from strips; nothing is transposed.
 *
 * Order (numerics.md, rule 5): images in blocks of FCNN_BLOCK, one chain per block over n, p, q (pooled: n, window row,
 * window column, position), blocks added along the fixed tree. Long chains are cut in chunks that stay in the L2 cache:
 * all tiles of a call do one chunk, then the next, carrying their sums through memory, which is exact. One-pixel images
 * have short ones: there a piece of a panel does all blocks before the next one. */
#include <string.h>

#include "kernels/conv2d/weights_tile.h"
#include "kernels/simd/common.h"

#define LINE 16 /* floats in a cache line */

/* Scratch: segments, which copies are filled, copies of image and gradient, slots of a piece. The shared area: the
 * gradient, if it is spread. */
static size_t segment_bytes(const struct fcnn_cut *cut)
{
    return fcnn_line((size_t)cut->stretch_units * sizeof(struct fcnn_segment));
}

/* Floats of a slot of a piece. */
static int64_t slot_floats(const struct fcnn_cut *cut, const struct fcnn_tiles *tiles)
{
    return cut->piece * cut->vectors * tiles->lanes;
}

static size_t slots_bytes(const fcnn_problem *p, const struct fcnn_cut *cut, const struct fcnn_tiles *tiles)
{
    return fcnn_line((size_t)((fcnn_weights_sum_slots(p) + 1) * slot_floats(cut, tiles)) * sizeof(float));
}

static size_t carried_bytes(const fcnn_problem *p, const struct fcnn_cut *cut)
{
    return cut->carried ? (size_t)fcnn_weights_count(p) * sizeof(float) : 0;
}

void fcnn_direct_weights_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    struct fcnn_cut cut = fcnn_cut_of(query);
    demand->tables = (size_t)(p->r + p->s) * sizeof(struct fcnn_span) + 2 * (size_t)cut.unit_steps * sizeof(int32_t);
    demand->shared = fcnn_spread_bytes(p, cut.d_dst_spread);
    demand->sums = cut.piece ? 0 : fcnn_line(fcnn_weights_sum_bytes(p)) + carried_bytes(p, &cut);
    demand->scratch = segment_bytes(&cut) + fcnn_strips_filled_bytes(&cut) + fcnn_strips_image_bytes(&cut) +
                      fcnn_strips_gradient_bytes(&cut) + slots_bytes(p, &cut, query->context);
    demand->tasks[FCNN_TABLES] = 1;
    demand->tasks[FCNN_GATHER] = cut.d_dst_spread == FCNN_SPREAD_NOTHING ? 0 : p->n;
    demand->tasks[FCNN_COMPUTE] = p->groups * cut.group_tasks;
}

static void add_slot(const struct fcnn_weights_call *call, const struct fcnn_weights_place *place,
                     const struct fcnn_weights_pass *pass)
{
    const struct fcnn_weights_rows a = fcnn_weights_rows_of(call, place, pass->slot),
                                   b = fcnn_weights_rows_of(call, place, pass->slot + 1),
                                   to = pass->adds ? a : fcnn_weights_rows_of(call, place, FCNN_WEIGHTS_OUTPUT);
    const int64_t rows = place->from < 0 ? 1 : place->rows;
    call->tiles->add_sums(rows, place->width, a.at, a.step, b.at, b.step, to.at, to.step);
    if (place->from >= 0 && fcnn_weights_brings_bias(call, place))
        fcnn_weights_sum_add_bias(&call->sum, pass->slot, place->channel, place->width);
}

/* Rows from .. to-1 of a place's span, in tiles of about one size. */
static void do_block(const struct fcnn_weights_call *call, int64_t from, int64_t to, struct fcnn_weights_place *place,
                     struct fcnn_weights_pass *pass)
{
    const int64_t tiles = fcnn_ceil_div(to - from, call->cut.tile_rows);
    const int64_t even = (to - from) / tiles, longer = (to - from) % tiles;
    place->from = place->span * call->cut.span_rows + from;
    if (!pass->chunk) {
        place->rows = to - from;
        add_slot(call, place, pass);
        return;
    }
    place->rows = even + 1;
    if (longer) fcnn_weights_tiles(call, place, longer, pass);
    place->from += longer * place->rows;
    place->rows = even;
    fcnn_weights_tiles(call, place, tiles - longer, pass);
}

/* The same: no tile reads two blocks of a copied image. */
static void do_rows(const struct fcnn_weights_call *call, int64_t from, int64_t to, struct fcnn_weights_place *place,
                    struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t most = cut->packed ? cut->group_rows : fcnn_max(1, cut->span_rows);
    for (int64_t next; from < to; from = next) {
        next = fcnn_min(to, (from / most + 1) * most);
        do_block(call, from, next, place, pass);
    }
}

/* Rows (of a span) that tasks first .. last-1 of a panel have, of rows from .. to-1. */
static struct fcnn_span rows_of(const struct fcnn_cut *cut, int64_t span, const struct fcnn_span *tasks,
                                const struct fcnn_span *rows)
{
    const int64_t from = tasks->from / cut->spans + (span < tasks->from % cut->spans);
    const int64_t to = tasks->to / cut->spans + (span < tasks->to % cut->spans);
    return (struct fcnn_span){fcnn_max(from, rows->from), fcnn_min(to, rows->to)};
}

static void do_group(const struct fcnn_weights_call *call, const struct fcnn_span *tasks, const struct fcnn_span *rows,
                     struct fcnn_weights_place *place, struct fcnn_weights_pass *pass)
{
    for (place->span = 0; place->span < call->cut.spans; place->span++) {
        const struct fcnn_span own = rows_of(&call->cut, place->span, tasks, rows);
        do_rows(call, own.from, own.to, place, pass);
    }
}

/* The same, stretch by stretch. */
static void do_stretches(const struct fcnn_weights_call *call, const struct fcnn_span *tasks,
                         const struct fcnn_span *rows, struct fcnn_weights_place *place, struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    struct fcnn_weights_chunk *chunk = pass->chunk;
    const int64_t first = chunk ? chunk->first : 0, last = chunk ? chunk->last : 1;
    for (int64_t unit = first, next; unit < last; unit = next) {
        next = fcnn_min(unit + cut->stretch_units, last);
        pass->line = 0, pass->steps = (unit - first) * cut->unit_steps;
        if (chunk && (chunk->first != unit || chunk->last != next))
            chunk->first = unit, chunk->last = next, chunk->listed = FCNN_LISTED_NONE;
        if (rows) {
            do_group(call, tasks, rows, place, pass);
        } else {
            place->from = -1, place->rows = 1;
            if (chunk) fcnn_weights_tiles(call, place, 1, pass);
            else add_slot(call, place, pass);
        }
    }
    if (chunk) chunk->first = first, chunk->last = last;
}

/* Copies what the tiles of a panel read, and says what those after them will. */
static void prepare(struct fcnn_weights_call *call, const struct fcnn_span *rows, int64_t bottom,
                    const struct fcnn_weights_place *place, int more, int64_t first_panel,
                    struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    fcnn_strips_need(call->tiles, cut, call->problem, place->panel, rows->from, &call->strips);
    if (more) {
        pass->next[0] = fcnn_strips_of_panel(cut, call->problem, place->panel + 1, 0, &call->strips);
    } else if (rows->to < bottom) {
        pass->next[0] = fcnn_strips_of_block(cut, call->problem, rows->to, 0, &call->strips);
    } else if (pass->chunk->last < pass->chunk->images * cut->image_units) {
        pass->next[0] = fcnn_strips_of_block(cut, call->problem, call->strips.channel, 1, &call->strips);
        pass->next[1] = fcnn_strips_of_panel(cut, call->problem, first_panel, 1, &call->strips);
    }
}

/* Lines of channels from .. to-1 of the `steps` pixels behind `base`: in the order of memory, if they are all that a
 * pixel has, so that hardware runs ahead. */
static struct fcnn_lines lines_of(const float *base, int64_t pixel, int64_t from, int64_t to, int64_t steps)
{
    if (from == 0 && to == pixel) return (struct fcnn_lines){base, LINE, fcnn_ceil_div(pixel, LINE), steps * LINE};
    return (struct fcnn_lines){base + from, pixel, fcnn_ceil_div(to - from, LINE), LINE};
}

/* Without copies: what tasks of panels from .. to-1 read in the next chunk, if its pixels are neighbours. Tiles of the
 * first panel ask for it. */
static void foresee(const struct fcnn_weights_call *call, const struct fcnn_span *rows, int64_t from, int64_t to,
                    struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const struct fcnn_weights_chunk *chunk = pass->chunk;
    const fcnn_problem *conv = &cut->conv;
    if (conv->r * conv->s > 1 || conv->p != conv->h || conv->q != conv->w || conv->groups > 1 ||
        cut->column_steps > 1 || !cut->unit_rows || chunk->last >= chunk->images * cut->image_units)
        return;
    const struct fcnn_unit unit = fcnn_unit_at(cut, chunk->last, chunk->images);
    const int64_t pixel = (unit.image * cut->rows + unit.row) * cut->row_steps + unit.from;
    const int64_t steps = (chunk->last - chunk->first) * cut->unit_steps;
    const struct fcnn_panel left = fcnn_panel_at(&cut->panels, from), right = fcnn_panel_at(&cut->panels, to - 1);
    pass->next[0] = lines_of(call->d_dst + pixel * conv->k, conv->k, left.from, right.from + right.width, steps);
    pass->next[1] = lines_of(call->src + pixel * conv->c, conv->c, rows->from, rows->to, steps);
}

/* Tasks of panels from .. to-1. */
static void do_panels(struct fcnn_weights_call *call, int64_t first, int64_t last, int64_t from, int64_t to,
                      struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const struct fcnn_span tasks = {first, fcnn_min(last, cut->spans * cut->span_rows)};
    const int64_t bottom = fcnn_ceil_div(tasks.to, cut->spans);
    struct fcnn_span rows = {tasks.from / cut->spans, 0};
    for (; rows.from < bottom; rows.from = rows.to) {
        rows.to = fcnn_min(bottom, (rows.from / cut->group_rows + 1) * cut->group_rows);
        for (int64_t panel = from; panel < to; panel++) {
            struct fcnn_weights_place place =
                fcnn_weights_place_of(cut, panel / cut->panels.count, panel % cut->panels.count);
            memset(pass->next, 0, sizeof pass->next);
            if (cut->packed && pass->chunk)
                prepare(call, &rows, bottom, &place, panel + 1 < to, from % cut->panels.count, pass);
            else if (pass->chunk && panel == from)
                foresee(call, &rows, from, to, pass);
            do_stretches(call, &tasks, &rows, &place, pass);
        }
    }
    if (last == tasks.to) return;
    memset(pass->next, 0, sizeof pass->next);
    for (int64_t panel = from; panel < to; panel++) {
        struct fcnn_weights_place place =
            fcnn_weights_place_of(cut, panel / cut->panels.count, panel % cut->panels.count);
        if (cut->packed && pass->chunk)
            fcnn_strips_need(call->tiles, cut, call->problem, place.panel, -1, &call->strips);
        do_stretches(call, &tasks, NULL, &place, pass);
    }
}

static void do_tasks(struct fcnn_weights_call *call, int64_t first, int64_t last, struct fcnn_weights_pass *pass)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t together = cut->all_panels ? cut->panels.count : 1;
    for (int64_t end; first < last; first = end) {
        const int64_t at = first / cut->panel_tasks, before = at * cut->panel_tasks;
        const int64_t whole = first == before ? fcnn_max(1, (last - first) / cut->panel_tasks) : 1;
        end = fcnn_min(last, before + whole * cut->panel_tasks);
        do_panels(call, first - before, fcnn_min(end - before, cut->panel_tasks), at * together,
                  (at + whole) * together, pass);
    }
}

/* A block of images begins: where it lies, or is going to be copied. */
static void begin_block(struct fcnn_weights_call *call, int64_t image, const float *d_dst)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t gradient = image * cut->conv.p * cut->conv.q * cut->conv.k;
    call->src = call->strips.image ? call->strips.image : call->tensors->src + image * cut->gather.src_image;
    call->d_dst = cut->gradient_packed ? call->strips.gradient : d_dst + gradient;
    const fcnn_problem *p = call->problem;
    const int masks =
        p->op != FCNN_CONV2D_POOL && p->activation == FCNN_RELU_ACTIVATION; /* read by summed tiles alone */
    call->alive = masks ? call->tensors->dst + gradient : call->d_dst;
    call->strips.halo_rows = 0;
}

/* Copies what a chunk reads. */
static void fill_strips(struct fcnn_weights_call *call, int64_t image, struct fcnn_weights_chunk *chunk)
{
    const struct fcnn_cut *cut = &call->cut;
    const struct fcnn_unit first = fcnn_unit_at(cut, chunk->first, chunk->images);
    struct fcnn_unit last = fcnn_unit_at(cut, chunk->last - 1, chunk->images);
    if (!cut->unit_rows) last.image = chunk->images - 1;
    if (cut->packed) fcnn_strips_begin(cut, call->problem, call->tensors, image, &first, &last, &call->strips);
    else fcnn_strips_fill(cut, call->problem, call->tensors, image, &last, &call->strips);
    chunk->image_origin = call->strips.image_origin, chunk->gradient_origin = call->strips.gradient_origin;
}

/* Tasks first .. last-1 of a call. */
struct share {
    struct fcnn_weights_call *call;
    const float *d_dst;
    int64_t first, last;
    struct fcnn_weights_pass pass;
};

static void sum_block(void *context, int64_t image, int64_t images, int64_t slot)
{
    struct share *share = context;
    struct fcnn_weights_call *call = share->call;
    const struct fcnn_cut *cut = &call->cut;
    const int64_t units = cut->unit_rows ? images * cut->image_units : 1;
    share->pass.slot = slot;
    begin_block(call, image, share->d_dst);
    const int64_t stop = cut->chunk_units < cut->row_units ? cut->row_units
                                                           : fcnn_max(cut->image_units, cut->chunk_units);
    for (int64_t unit = 0, next; unit < units; unit = next) {
        next = fcnn_min(fcnn_min(unit + cut->chunk_units, unit / stop * stop + stop), units);
        struct fcnn_weights_chunk chunk = {.images = images, .first = unit, .last = next, .listed = FCNN_LISTED_NONE};
        if (call->strips.image) fill_strips(call, image, &chunk);
        share->pass.chunk = &chunk;
        do_tasks(call, share->first, share->last, &share->pass);
    }
}

static void add_block(void *context, int64_t into)
{
    struct share *share = context;
    share->pass.chunk = NULL;
    share->pass.slot = into, share->pass.adds--;
    do_tasks(share->call, share->first, share->last, &share->pass);
}

static void compute(struct fcnn_weights_call *call, const float *d_dst, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    const int64_t n = cut->conv.n;
    struct share share = {call, d_dst, first, last,
                          {.adds = fcnn_ceil_div(n, FCNN_BLOCK) - 1,
                           .tile = {.segments = call->segments, .b_stride = cut->gradient_pixel, .ahead = cut->ahead}}};
    fcnn_sum_blocks(n, sum_block, add_block, &share);
}

/* A block has at most eight steps for each sum: a piece of a panel does all blocks, and their tree, while its slots
 * stay in a near cache, whatever their rows' distance is in the output. */
static void compute_pieces(struct fcnn_weights_call *call, const float *d_dst, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    for (int64_t end; first < last; first = end) {
        const int64_t panel = first - first % cut->panel_tasks;
        call->piece_first = first - panel;
        const int64_t next = fcnn_min((call->piece_first / cut->piece + 1) * cut->piece, cut->panel_tasks);
        end = fcnn_min(panel + next, last);
        compute(call, d_dst, first, end);
    }
}

/* Strips hold one group, so that groups are done one after the other. */
static void compute_packed(struct fcnn_weights_call *call, const float *d_dst, int64_t first, int64_t last)
{
    const struct fcnn_cut *cut = &call->cut;
    for (int64_t end; first < last; first = end) {
        const int64_t group = first / cut->group_tasks, before = group * cut->group_tasks;
        end = fcnn_min(last, before + cut->group_tasks);
        call->strips.group = group;
        fcnn_strips_aim(cut, first - before, end - before, &call->strips);
        compute(call, d_dst, first, end);
    }
}

void fcnn_direct_weights_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                             enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_tiles *tiles = query->context;
    const fcnn_problem *p = query->problem;
    struct fcnn_weights_call call = {.tiles = tiles, .problem = p, .tensors = t, .cut = fcnn_cut_of(query)};
    const struct fcnn_cut *cut = &call.cut;
    call.tables = fcnn_cut_tables_in(cut, memory->tables);
    if (stage == FCNN_TABLES) {
        fcnn_cut_fill_tables(cut, p->op == FCNN_CONV2D_POOL, &call.tables);
    } else if (stage == FCNN_GATHER) {
        fcnn_spread(tiles, p, t, cut->d_dst_spread, memory->shared, first, last);
    } else {
        char *copies = (char *)memory->scratch + segment_bytes(cut) + fcnn_strips_filled_bytes(cut);
        call.strips.filled = (char *)memory->scratch + segment_bytes(cut);
        call.segments = memory->scratch;
        call.sum = fcnn_weights_sum_of(p, t, memory->sums, tiles->add_sums);
        if (cut->carried && last - first < p->groups * cut->group_tasks) /* else no other thread writes */
            call.carried = (float *)((char *)memory->sums + fcnn_line(fcnn_weights_sum_bytes(p)));
        if (fcnn_strips_image_bytes(cut)) call.strips.image = (float *)copies;
        call.strips.gradient = (float *)(copies + fcnn_strips_image_bytes(cut));
        const float *d_dst = cut->d_dst_spread == FCNN_SPREAD_NOTHING ? t->d_dst : memory->shared;
        if (cut->piece) {
            call.slots = call.strips.gradient; /* nothing is packed */
            call.slot_floats = slot_floats(cut, tiles);
        }
        if (cut->packed) compute_packed(&call, d_dst, first, last);
        else if (cut->piece) compute_pieces(&call, d_dst, first, last);
        else compute(&call, d_dst, first, last);
    }
}

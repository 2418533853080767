/* SPDX-License-Identifier: BSD-2-Clause
 * Depthwise convolution in place: see inplace.h. Backward data is the same gather over mirrored axes: there taps ascend
 * as positions do. With a stride it is one gather per phase, i.e. for the outputs that meet the same taps; with a
 * dilation, either way, one for the outputs that meet the same positions. */
#include "kernels/depthwise/inplace.h"
#include "kernels/simd/common.h"

#define WIDTH FCNN_DEPTHWISE_WIDTH

/* Along one axis: output i is at first + i * step of the output tensor, its tap j at i * stride + j - pad of the
 * phase's source, and that is tap `tap` + j * tap_step of the filter. That source are positions
 * src_first + i * src_step of the tensor. */
struct phase {
    int64_t taps, tap, tap_step, stride;
    int64_t count, first, step, pad;
    int64_t src_first, src_step, src_count;
};

static int64_t phases(const fcnn_problem *p, int vertical)
{
    const int forward = p->direction == FCNN_FORWARD;
    if (p->stride_h > 1) return forward ? 1 : p->stride_h;
    const int64_t outputs = vertical ? (forward ? p->p : p->h) : forward ? p->q : p->w;
    return fcnn_min(outputs, vertical ? p->dilation_h : p->dilation_w);
}

/* With a dilation outputs of one remainder meet positions of one remainder, as without one. `backward`: mirrored. */
static struct phase dilated_phase(int64_t in, int64_t out, int64_t pad, int64_t taps, int64_t dilation, int backward,
                                  int64_t phase)
{
    const int64_t outputs = backward ? in : out, positions = backward ? out : in;
    const int64_t least = (backward ? out - in : 0) + phase - pad; /* the first output's first tap */
    const int64_t from = (least % dilation + dilation) % dilation;
    return (struct phase){.taps = taps, .tap_step = 1, .stride = 1,
                          .count = fcnn_ceil_div(fcnn_max(0, outputs - phase), dilation),
                          .first = backward ? in - 1 - phase : phase, .step = backward ? -dilation : dilation,
                          .pad = (from - least) / dilation,
                          .src_first = from, .src_step = dilation,
                          .src_count = fcnn_ceil_div(fcnn_max(0, positions - from), dilation)};
}

static struct phase phase_of(const fcnn_problem *p, int vertical, int64_t phase)
{
    const int64_t in = vertical ? p->h : p->w, out = vertical ? p->p : p->q, pad = vertical ? p->pad_top : p->pad_left;
    const int64_t taps = vertical ? p->r : p->s, dilation = vertical ? p->dilation_h : p->dilation_w;
    const int64_t stride = p->stride_h;
    if (stride == 1) return dilated_phase(in, out, pad, taps, dilation, p->direction != FCNN_FORWARD, phase);
    if (p->direction == FCNN_FORWARD) return (struct phase){taps, 0, 1, stride, out, 0, 1, pad, 0, 1, in};
    /* Position m * stride + phase - pad has taps phase, phase + stride, ... at gradients m, m - 1, ... */
    if (in - 1 + pad < phase) return (struct phase){0};
    const int64_t least = fcnn_ceil_div(fcnn_max(0, pad - phase), stride), most = (in - 1 + pad - phase) / stride;
    return (struct phase){fcnn_ceil_div(taps - phase, stride), phase, stride, 1, most - least + 1,
                          most * stride + phase - pad, -stride, most - out + 1, 0, 1, out};
}

/* Each of its phases is looked at, and in pairs for each band of rows. */
#define MOST_DILATION 64

const char *fcnn_depthwise_inplace_unsupported(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    if ((p->r != 3 && p->r != 5 && p->r != 7) || p->s != p->r) return "windows other than 3x3, 5x5, 7x7";
    if (p->stride_h != p->stride_w || p->stride_h > (p->r == 7 ? 1 : 2)) return "strides beyond 2, of 7x7 beyond 1";
    if (p->stride_h > 1 && (p->dilation_h > 1 || p->dilation_w > 1)) return "stride and dilation";
    if (p->direction != FCNN_FORWARD && p->activation == FCNN_RELU_ACTIVATION) return "masked gradients";
    if (p->dilation_h > MOST_DILATION || p->dilation_w > MOST_DILATION) return "dilations beyond 64";
    for (int64_t i = 0, count = phases(p, 0); i < count; i++) {
        const struct phase h = phase_of(p, 0, i);
        const int64_t end = (h.count - 1) * h.stride + h.taps - h.pad;
        if (h.count < loops->strip) return "rows narrower than a tile";
        const int64_t edge = FCNN_DEPTHWISE_EDGE(h.taps);
        if (h.pad > edge || end > h.src_count + edge) return "more padding than the window's half";
    }
    return fcnn_depthwise_unsupported(query);
}

/* Lines a multiple of 4 KB apart share one set of a first-level cache, which cannot hold a tile's: they come from the
 * next level for every vector. With vectors of a line copies do not win that back. */
const char *fcnn_depthwise_inplace_doubt(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    if (p->stride_h == 1 && loops->lanes < WIDTH && p->c % 256 == 0) return "pixels that share cache sets";
    return fcnn_depthwise_doubt(query);
}

/* ---- knobs ---- */

enum { BLOCKS, BAND_BYTES, FETCH, BESIDE, MASKED };

/* Of a task: long rows of memory are read best. */
static int64_t standard_blocks(const struct fcnn_query *query)
{
    return query->problem->c <= WIDTH ? FCNN_MOOT : 64;
}

static int is_backward_strided(const fcnn_problem *p) { return p->direction != FCNN_FORWARD && p->stride_h > 1; }

/* Of output: what the phases of a stride or dilation do in turn. Outputs of a phase are pixels apart: with a power of
 * two between pixels a few rows do not find room in the cache's sets, so that each phase gets one. */
static int64_t standard_band_bytes(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    const int64_t pixel = p->c * (int64_t)sizeof(float);
    if (phases(p, 0) * phases(p, 1) == 1) return FCNN_MOOT;
    return is_backward_strided(p) && pixel % 1024 == 0 ? p->stride_h * p->w * pixel : query->caches->l2;
}

/* Whether not all is near. */
static int is_far(const struct fcnn_query *query)
{
    return fcnn_depthwise_bytes(query->problem) > query->caches->l2 / 2;
}

/* Pixels a multiple of 2 KB apart, or the outputs of a stride's phase, so that a vector of channels has only one or two
 * of the first-level cache's 64 sets, where a line waits until the one before has come or gone. */
static int is_crowded(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int64_t step = is_backward_strided(p) ? p->stride_w : 1;
    return loops->lanes == WIDTH && step * p->c * (int64_t)sizeof(float) % 2048 == 0;
}

/* Whether outputs are fetched: not where a core has much of the last level, as stores wait little there, and from
 * memory, what is fetched delays what is read; nor where outputs are few beside what is read, or would have to wait for
 * each other. */
static int64_t standard_fetch(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    if (query->caches->share > query->caches->l2) return 0;
    return p->stride_h > 1 ? is_backward_strided(p) : is_far(query) && !is_crowded(query);
}

/* Vectors of channels: all that the registers hold, so that long pieces of memory are read from afar (with a stride) or
 * stored to several sets (more than two vectors, so of 3x3 windows alone, as larger ones leave no room); else rows of
 * outputs share what they can, most of all where inputs come from memory. */
static int64_t standard_beside(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    const int is_strided = p->direction == FCNN_FORWARD && p->stride_h > 1;
    if (loops->beside == 1 || p->c < 2 * loops->lanes) return FCNN_MOOT;
    const int is_stored_near = !fcnn_leaves_share(query->caches, fcnn_depthwise_bytes(p));
    if (is_crowded(query) && p->r > 3) return 1;
    return (is_crowded(query) && is_stored_near) || (is_strided && is_far(query)) ? loops->beside : 1;
}

/* Whether inputs are loaded under a mask that holds no lane back: see weights_inplace.c. Of backward data with a stride
 * a phase has few taps, so that it waits for lines rather than for multiply-adds; for lines of memory it must not. */
static int64_t standard_masked(const struct fcnn_query *query)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    if (!loops->can_mask || query->knobs[BESIDE] > 1 || query->problem->c < loops->lanes) return FCNN_MOOT;
    return is_backward_strided(query->problem) &&
           !fcnn_leaves_share(query->caches, fcnn_depthwise_bytes(query->problem));
}

const struct fcnn_knob fcnn_depthwise_inplace_knobs[FCNN_DEPTHWISE_INPLACE_KNOBS] = {
    [BLOCKS] = {"blocks", 5, {1, 4, 8, 16, 64}, standard_blocks},
    [BAND_BYTES] = {"band_bytes", 6, {16 << 10, 40 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20}, standard_band_bytes},
    [FETCH] = {"fetch", 2, {0, 1}, standard_fetch},
    [BESIDE] = {"beside", 3, {1, 2, 4}, standard_beside},
    [MASKED] = {"masked", 2, {0, 1}, standard_masked}};

/* ---- cut ---- */

/* Tasks = images * groups of blocks * output rows: neighbouring ones are computed together, so that each thread has a
 * band of its own, as high as any other's within a row. */
struct inplace_cut {
    struct fcnn_gather gather;
    struct fcnn_panels groups;
};

static struct inplace_cut inplace_cut_of(const struct fcnn_query *query)
{
    const fcnn_problem *p = query->problem;
    return (struct inplace_cut){fcnn_gather_of(p), fcnn_panels_of(p->c, WIDTH, query->knobs[BLOCKS])};
}

void fcnn_depthwise_inplace_demand(const struct fcnn_query *query, struct fcnn_demand *demand)
{
    const fcnn_problem *p = query->problem;
    const struct inplace_cut cut = inplace_cut_of(query);
    demand->packed = (size_t)(cut.groups.granules * fcnn_depthwise_packed_block(p)) * sizeof(float);
    demand->tasks[FCNN_PACK] = cut.groups.granules;
    demand->tasks[FCNN_COMPUTE] = p->n * cut.groups.count * cut.gather.dst_h;
}

/* The part of a phase, which may have no rows, in rows first .. last-1 of the output tensor. */
static void run_phase(const struct fcnn_depthwise_inplace *loops, const struct phase *v, const struct phase *h,
                      int64_t first, int64_t last, struct fcnn_depthwise_patch patch)
{
    if (v->count == 0) return;
    if (v->step > 0) {
        patch.from = fcnn_ceil_div(fcnn_max(0, first - v->first), v->step);
        patch.to = fcnn_min(v->count, fcnn_ceil_div(fcnn_max(0, last - v->first), v->step));
    } else {
        patch.from = fcnn_ceil_div(fcnn_max(0, v->first - last + 1), -v->step);
        patch.to = v->first < first ? 0 : fcnn_min(v->count, (v->first - first) / -v->step + 1);
    }
    patch.columns = h->count;
    patch.top = v->pad, patch.left = h->pad;
    patch.stride = v->stride;
    patch.taps_h = v->taps, patch.taps_w = h->taps;
    patch.weights += v->tap * patch.tap_row + h->tap * patch.tap_column;
    patch.tap_row *= v->tap_step, patch.tap_column *= h->tap_step;
    patch.src += v->src_first * patch.src_row + h->src_first * patch.src_column;
    patch.src_row *= v->src_step, patch.src_column *= h->src_step;
    patch.src_rows = v->src_count, patch.src_columns = h->src_count;
    patch.dst += v->first * patch.dst_row + h->first * patch.dst_column;
    patch.dst_row *= v->step, patch.dst_column *= h->step;
    if (patch.from < patch.to) loops->run(&patch);
}

/* Output rows first .. last-1 of an image and a group. */
static void compute(const struct fcnn_depthwise_inplace *loops, const fcnn_problem *p, const fcnn_tensors *t,
                    const float *packed, const struct fcnn_gather *g, int64_t n, const struct fcnn_panel channels,
                    int64_t first, int64_t last, const int64_t *knobs)
{
    const int forward = p->direction == FCNN_FORWARD;
    packed += channels.from / WIDTH * fcnn_depthwise_packed_block(p);
    struct fcnn_depthwise_patch patch = {.src = (forward ? t->src : t->d_dst) + n * g->src_image + channels.from,
                                         .weights = packed + WIDTH,
                                         .init = packed,
                                         .dst = (forward ? t->dst : t->d_src) + n * g->dst_image + channels.from,
                                         .src_row = g->src_row,
                                         .src_column = g->src_pixel,
                                         .dst_row = g->dst_row,
                                         .dst_column = g->dst_pixel,
                                         .tap_row = g->taps_w * WIDTH,
                                         .tap_column = WIDTH,
                                         .channels = channels.width,
                                         .weights_block = fcnn_depthwise_packed_block(p),
                                         .relu = forward && p->activation == FCNN_RELU_ACTIVATION,
                                         .fetch = (int)knobs[FETCH],
                                         .beside = (int)knobs[BESIDE],
                                         .masked = knobs[MASKED] && knobs[BESIDE] == 1};
    if (!forward) {
        patch.src += g->src_image - g->src_pixel;
        patch.src_row = -g->src_row, patch.src_column = -g->src_pixel;
    }
    for (int64_t i = 0; i < phases(p, 1); i++) {
        const struct phase v = phase_of(p, 1, i);
        for (int64_t j = 0; j < phases(p, 0); j++) {
            const struct phase h = phase_of(p, 0, j);
            run_phase(loops, &v, &h, first, last, patch);
        }
    }
}

void fcnn_depthwise_inplace_run(const struct fcnn_query *query, const fcnn_tensors *t, const struct fcnn_memory *memory,
                                enum fcnn_stage stage, int64_t first, int64_t last)
{
    const struct fcnn_depthwise_inplace *loops = query->context;
    const fcnn_problem *p = query->problem;
    if (stage == FCNN_PACK) {
        fcnn_depthwise_pack(p, t, memory->packed, first, last);
        return;
    }
    const struct inplace_cut cut = inplace_cut_of(query);
    const int64_t rows = cut.gather.dst_h, groups = cut.groups.count;
    const int64_t row_bytes = cut.gather.dst_row * (int64_t)sizeof(float);
    const int64_t band = phases(p, 0) * phases(p, 1) == 1 ? rows : fcnn_max(1, query->knobs[BAND_BYTES] / row_bytes);
    for (int64_t next; first < last; first = next) {
        const int64_t image_group = first / rows, origin = image_group * rows;
        next = fcnn_min(fcnn_min(last, origin + rows), first + band);
        compute(loops, p, t, memory->packed, &cut.gather, image_group / groups,
                fcnn_panel_at(&cut.groups, image_group % groups), first - origin, next - origin,
                query->knobs);
    }
}

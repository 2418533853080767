/* SPDX-License-Identifier: BSD-2-Clause
 * The peer OpenBLAS: convolution as most programs without a library for it have it, im2col and sgemm. Its layouts are
 * ours: with NHWC images and RSCK filters a block of images is a matrix of patches (n p q, r s c), and the filters are
 * one as well (r s c, k). A 1x1 convolution needs no patches. ReLU and pooling are loops of their own. */
#include "bench/peer.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct openblas_peer {
    struct bench_peer base;
    struct ref_conv2d g;
    int is_matrix;                /* the images are the matrix of patches */
    int64_t images;               /* in a block */
    int64_t rows, depth, width;   /* of an image's matrix of patches; width: output channels of a group */
    int team;                     /* threads of the loops that are not OpenBLAS's */
    float *patches;               /* of a block */
    float *full;                  /* the convolution's output or its gradient, where that is no tensor of the case */
    char text[64];
};

/* A block's patches: whole images, as many as that many bytes hold. Caches do not matter to it, memory does. */
enum { MOST_PATCHES = 16 << 20 };

static int is_pooled(const struct openblas_peer *p) { return p->base.of->about.problem.op == FCNN_CONV2D_POOL; }

/* ---- patches ---- */

/* Where a position of a filter falls on the image, in floats from its start; -1: outside. */
static int64_t place(const struct ref_conv2d *g, int64_t p, int64_t q, int64_t r, int64_t s)
{
    const int64_t y = p * g->stride_h - g->pad_top + r * g->dilation_h;
    const int64_t x = q * g->stride_w - g->pad_left + s * g->dilation_w;
    return y < 0 || y >= g->h || x < 0 || x >= g->w ? -1 : (y * g->w + x) * g->c;
}

/* The patches of `count` images; src: their first channel of the group. */
static void gather(const struct openblas_peer *peer, const float *src, int64_t count)
{
    const struct ref_conv2d *g = &peer->g;
    const int64_t c = g->c / g->groups;
#pragma omp parallel for collapse(2) num_threads(peer->team)
    for (int64_t n = 0; n < count; n++)
        for (int64_t p = 0; p < g->p; p++) {
            const float *image = src + n * g->h * g->w * g->c;
            float *to = peer->patches + (n * g->p + p) * g->q * peer->depth;
            for (int64_t q = 0; q < g->q; q++)
                for (int64_t r = 0; r < g->r; r++)
                    for (int64_t s = 0; s < g->s; s++, to += c) {
                        const int64_t from = place(g, p, q, r, s);
                        if (from < 0) memset(to, 0, (size_t)c * sizeof *to);
                        else memcpy(to, image + from, (size_t)c * sizeof *to);
                    }
        }
}

/* Adds patches to the images they came from. */
static void scatter(const struct openblas_peer *peer, float *d_src, int64_t count)
{
    const struct ref_conv2d *g = &peer->g;
    const int64_t c = g->c / g->groups;
#pragma omp parallel for num_threads(peer->team)
    for (int64_t n = 0; n < count; n++) {
        const float *from = peer->patches + n * peer->rows * peer->depth;
        float *image = d_src + n * g->h * g->w * g->c;
        for (int64_t at = 0; at < peer->rows; at++)
            for (int64_t r = 0; r < g->r; r++)
                for (int64_t s = 0; s < g->s; s++, from += c) {
                    const int64_t to = place(g, at / g->q, at % g->q, r, s);
                    for (int64_t i = 0; to >= 0 && i < c; i++) image[to + i] += from[i];
                }
    }
}

/* ---- one block of images in one group ---- */

struct block {
    int64_t first, images, group;
};

typedef void block_fn(const struct openblas_peer *p, const struct block *b);

static void each_block(const struct openblas_peer *p, block_fn *run)
{
    for (int64_t group = 0; group < p->g.groups; group++)
        for (int64_t n = 0; n < p->g.n; n += p->images) {
            const struct block b = {n, n + p->images < p->g.n ? p->images : p->g.n - n, group};
            run(p, &b);
        }
}

static int64_t image_at(const struct openblas_peer *p, const struct block *b) /* in src */
{
    return b->first * p->g.h * p->g.w * p->g.c + b->group * (p->g.c / p->g.groups);
}

static int64_t output_at(const struct openblas_peer *p, const struct block *b) /* in dst */
{
    return b->first * p->rows * p->g.k + b->group * p->width;
}

static const float *patches_of(const struct openblas_peer *p, const struct block *b)
{
    const float *src = p->base.of->tensors.arrays.src + image_at(p, b);
    if (p->is_matrix) return src;
    gather(p, src, b->images);
    return p->patches;
}

static int stride_of_patches(const struct openblas_peer *p) { return (int)(p->is_matrix ? p->g.c : p->depth); }

/* ---- forward ---- */

static float *convolved(const struct openblas_peer *p) { return p->full ? p->full : p->base.of->tensors.arrays.dst; }

static void forward_block(const struct openblas_peer *p, const struct block *b)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    const float *patches = patches_of(p, b);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(b->images * p->rows), (int)p->width, (int)p->depth, 1,
                patches, stride_of_patches(p), t->weights + b->group * p->width, (int)p->g.k, t->bias ? 1 : 0,
                convolved(p) + output_at(p, b), (int)p->g.k);
}

/* Max pooling 2x2 of what has been through no ReLU yet: one of its maximum is the maximum of its. */
static void pool(const struct openblas_peer *peer, float *dst)
{
    const struct ref_conv2d *g = &peer->g;
#pragma omp parallel for num_threads(peer->team)
    for (int64_t at = 0; at < g->n * (g->p / 2); at++)
        for (int64_t q = 0; q < g->q / 2; q++) {
            const int64_t n = at / (g->p / 2), p = at % (g->p / 2) * 2;
            const float *upper = peer->full + ((n * g->p + p) * g->q + 2 * q) * g->k, *lower = upper + g->q * g->k;
            float *to = dst + (at * (g->q / 2) + q) * g->k;
            for (int64_t k = 0; k < g->k; k++) {
                const float left = upper[k] > lower[k] ? upper[k] : lower[k];
                const float right = upper[g->k + k] > lower[g->k + k] ? upper[g->k + k] : lower[g->k + k];
                const float most = left > right ? left : right;
                to[k] = most > 0 ? most : 0;
            }
        }
}

static void forward(const struct openblas_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    const int64_t outputs = p->g.n * p->rows;
    float *dst = convolved(p);
    for (int64_t i = 0; t->bias && i < outputs; i++)
        memcpy(dst + i * p->g.k, t->bias, (size_t)p->g.k * sizeof *dst);
    each_block(p, forward_block);
    if (is_pooled(p)) pool(p, t->dst);
    else if (p->g.relu)
        for (int64_t i = 0; i < outputs * p->g.k; i++) dst[i] = dst[i] > 0 ? dst[i] : 0;
}

/* ---- backward ---- */

static const float *gradient(const struct openblas_peer *p)
{
    return p->full ? p->full : p->base.of->tensors.arrays.d_dst;
}

/* Takes the gradient back through pooling and ReLU, into `full`. */
static void make_gradient(const struct openblas_peer *p)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    if (is_pooled(p)) ref_unpool(&p->g, t->choice, t->d_dst, p->full);
    else if (p->g.relu)
        for (int64_t i = 0; i < p->g.n * p->rows * p->g.k; i++) p->full[i] = t->dst[i] > 0 ? t->d_dst[i] : 0;
}

static void data_block(const struct openblas_peer *p, const struct block *b)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    float *d_src = t->d_src + image_at(p, b);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)(b->images * p->rows), (int)p->depth, (int)p->width, 1,
                gradient(p) + output_at(p, b), (int)p->g.k, t->weights + b->group * p->width, (int)p->g.k, 0,
                p->is_matrix ? d_src : p->patches, stride_of_patches(p));
    if (!p->is_matrix) scatter(p, d_src, b->images);
}

static void weights_block(const struct openblas_peer *p, const struct block *b)
{
    const fcnn_tensors *t = &p->base.of->tensors.arrays;
    const float *patches = patches_of(p, b);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)p->depth, (int)p->width, (int)(b->images * p->rows), 1,
                patches, stride_of_patches(p), gradient(p) + output_at(p, b), (int)p->g.k, b->first ? 1 : 0,
                t->d_weights + b->group * p->width, (int)p->g.k);
}

static void backward_data(const struct openblas_peer *p)
{
    const struct ref_conv2d *g = &p->g;
    make_gradient(p);
    if (!p->is_matrix) memset(p->base.of->tensors.arrays.d_src, 0, (size_t)(g->n * g->h * g->w * g->c) * sizeof(float));
    each_block(p, data_block);
}

static void backward_weights(const struct openblas_peer *p)
{
    float *d_bias = p->base.of->tensors.arrays.d_bias;
    make_gradient(p);
    each_block(p, weights_block);
    if (!d_bias) return;
    memset(d_bias, 0, (size_t)p->g.k * sizeof *d_bias);
    for (int64_t i = 0; i < p->g.n * p->rows; i++)
        for (int64_t k = 0; k < p->g.k; k++) d_bias[k] += gradient(p)[i * p->g.k + k];
}

/* ---- the library ---- */

static fcnn_isa isa_of_core(void)
{
    static const char *const avx512[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    static const char *const avx2[] = {"Haswell", "Zen", "Excavator"};
    const char *core = openblas_get_corename();
    for (size_t i = 0; i < sizeof avx512 / sizeof *avx512; i++)
        if (!strcmp(core, avx512[i])) return FCNN_AVX512;
    for (size_t i = 0; i < sizeof avx2 / sizeof *avx2; i++)
        if (!strcmp(core, avx2[i])) return FCNN_AVX2;
    return FCNN_SCALAR;
}

/* The configuration begins with "OpenBLAS 0.3.21 ". */
static const char *name(void)
{
    static char text[32];
    char version[16] = "";
    sscanf(openblas_get_config(), "OpenBLAS %15s", version);
    snprintf(text, sizeof text, "openblas_%s", version);
    return text;
}

static const char *start(fcnn_isa isa)
{
    if (isa_of_core() <= isa) return NULL;
    return "OpenBLAS has chosen code beyond this instruction set (OPENBLAS_CORETYPE=Haswell or Prescott limits it)";
}

static void close_peer(struct bench_peer *peer)
{
    struct openblas_peer *p = (struct openblas_peer *)peer;
    free(p->patches);
    free(p->full);
    free(p);
}

static struct bench_peer *open_peer(const struct bench_case *c, int threads, enum bench_kind kind)
{
    enum { SEQUENTIAL, PTHREADS, OPENMP };
    static const char *const teams[] = {"", ", pthreads", ", OpenMP"};
    const fcnn_op op = c->about.problem.op;
    const int parallel = openblas_get_parallel();
    if ((op != FCNN_CONV2D && op != FCNN_CONV2D_POOL) || kind != BENCH_PEER) return NULL;
    if (threads > 1 && parallel == SEQUENTIAL) return NULL;
    struct openblas_peer *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    const struct ref_conv2d g = p->g = bench_geometry(&c->about.problem);
    p->base = (struct bench_peer){.library = &bench_peer_openblas, .of = c, .threads = threads};
    p->rows = g.p * g.q;
    p->depth = g.r * g.s * (g.c / g.groups);
    p->width = g.k / g.groups;
    p->is_matrix = g.r == 1 && g.s == 1 && g.stride_h == 1 && g.stride_w == 1 && p->rows == g.h * g.w;
    p->images = MOST_PATCHES / (p->rows * p->depth * (int64_t)sizeof(float));
    if (p->images < 1) p->images = 1;
    p->team = parallel == OPENMP ? threads : 1; /* OpenMP's idle threads would take the cores from OpenBLAS's own */
    snprintf(p->text, sizeof p->text, "%ssgemm %s%s", p->is_matrix ? "" : "im2col ", openblas_get_corename(),
             threads > 1 ? teams[parallel] : "");
    return &p->base;
}

static const char *implementation(const struct bench_peer *peer) { return ((const struct openblas_peer *)peer)->text; }

static fcnn_isa isa_of(const struct bench_peer *peer)
{
    (void)peer;
    return isa_of_core();
}

static int allocate(float **array, int64_t count)
{
    return (*array = aligned_alloc(64, ((size_t)count * sizeof **array + 63) & ~(size_t)63)) != NULL;
}

static const char *load(struct bench_peer *peer)
{
    struct openblas_peer *p = (struct openblas_peer *)peer;
    const struct ref_conv2d *g = &p->g;
    const int64_t images = p->images < g->n ? p->images : g->n;
    const int needs_full = is_pooled(p) || (g->relu && peer->of->about.problem.direction != FCNN_FORWARD);
    if ((p->is_matrix || allocate(&p->patches, images * p->rows * p->depth)) &&
        (!needs_full || allocate(&p->full, g->n * p->rows * g->k)))
        return NULL;
    return "OpenBLAS: no memory";
}

static void execute(const struct bench_peer *peer)
{
    const struct openblas_peer *p = (const struct openblas_peer *)peer;
    const fcnn_direction direction = peer->of->about.problem.direction;
    openblas_set_num_threads(peer->threads);
    if (direction == FCNN_FORWARD) forward(p);
    else if (direction == FCNN_BACKWARD_DATA) backward_data(p);
    else backward_weights(p);
}

static const char *store(struct bench_peer *peer)
{
    (void)peer; /* outputs are the case's tensors */
    return NULL;
}

const struct bench_peer_library bench_peer_openblas = {
    .name = name, .start = start, .open = open_peer, .close = close_peer, .implementation = implementation,
    .isa = isa_of, .load = load, .execute = execute, .store = store,
};

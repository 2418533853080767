/* SPDX-License-Identifier: BSD-2-Clause
 * Problems: defaults, checks, operation counts. After fcnn_problem_check() every field is set and every size fits. */
#include "lib/internal.h"
#include "lib/sized.h"

/* Sizes stay below 2^31, tensors, and images with their padding, at most 2^40 elements: then no product in a kernel
 * overflows. */
#define MAX_SIZE INT32_MAX
#define MAX_ELEMENTS ((int64_t)1 << 40)

struct named_size { const char *name; int64_t value; };

static fcnn_status check_ranges(const struct named_size *sizes, int count, int64_t least)
{
    for (int i = 0; i < count; i++)
        if (sizes[i].value < least || sizes[i].value > MAX_SIZE)
            return fcnn_fail(FCNN_BAD_SHAPE, "%s is %lld; it must be between %lld and %d", sizes[i].name,
                             (long long)sizes[i].value, (long long)least, MAX_SIZE);
    return FCNN_OK;
}

static fcnn_status check_product(const char *what, int64_t a, int64_t b, int64_t c, int64_t d)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product) || __builtin_mul_overflow(product, c, &product) ||
        __builtin_mul_overflow(product, d, &product) || product > MAX_ELEMENTS)
        return fcnn_fail(FCNN_BAD_SHAPE, "%s of %lld x %lld x %lld x %lld elements is larger than 2^40 elements", what,
                         (long long)a, (long long)b, (long long)c, (long long)d);
    return FCNN_OK;
}

/* One axis: pads and output size from input size, window (dilated), stride. A stride that is never made becomes no
 * larger than the padded input and the window together, so that kernels may multiply it by the size of a row. */
static fcnn_status check_axis(const char *axis, fcnn_padding padding, int64_t in, int64_t window, int64_t *stride,
                              int64_t *pad_before, int64_t *pad_after, int64_t *out)
{
    const int64_t step = *stride;
    if (padding == FCNN_PAD_SAME) {
        int64_t total = ((in + step - 1) / step - 1) * step + window - in;
        if (total < 0) total = 0;
        *pad_before = total / 2;
        *pad_after = total - total / 2;
    }
    if (in + *pad_before + *pad_after > MAX_SIZE)
        return fcnn_fail(FCNN_BAD_SHAPE, "input and padding have %lld %s together; at most %d",
                         (long long)(in + *pad_before + *pad_after), axis, MAX_SIZE);
    int64_t room = in + *pad_before + *pad_after - window;
    if (room < 0)
        return fcnn_fail(FCNN_BAD_SHAPE, "the output would be empty: the window covers %lld input %s (dilation "
                         "included), the padded input has %lld",
                         (long long)window, axis, (long long)(in + *pad_before + *pad_after));
    *out = room / step + 1;
    /* Padding that no window reaches is dropped, so that equal computations are equal problems. */
    int64_t used = (*out - 1) * step + window - in - *pad_before;
    *pad_after = used > 0 ? used : 0;
    const int64_t most = in + *pad_before + *pad_after + window;
    if (*out == 1 && step > most) *stride = most;
    return FCNN_OK;
}

/* Fields that an operation does not read become what does no harm. */
static void drop_unread(fcnn_problem *p)
{
    if (!fcnn_has(p, FCNN_HAS_WINDOW)) {
        p->r = p->s = p->stride_h = p->stride_w = 1;
        p->padding = FCNN_PAD_EXPLICIT;
        p->pad_top = p->pad_left = p->pad_bottom = p->pad_right = 0;
    }
    if (!fcnn_has(p, FCNN_HAS_GROUPS)) p->dilation_h = p->dilation_w = p->groups = 1;
    if (!fcnn_has(p, FCNN_HAS_WEIGHTS)) p->k = p->c, p->no_bias = 0;
    if (!fcnn_has(p, FCNN_HAS_ACTIVATION)) p->activation = FCNN_LINEAR;
    if (!fcnn_has(p, FCNN_HAS_MAP | FCNN_HAS_ROWS)) p->h = p->w = 1;
}

static void fill_defaults(fcnn_problem *p)
{
    int64_t *ones[] = {&p->n, &p->h, &p->w, &p->r, &p->s, &p->dilation_h, &p->dilation_w, &p->groups};
    for (unsigned i = 0; i < sizeof ones / sizeof *ones; i++)
        if (*ones[i] == 0) *ones[i] = 1;
    const int pools = fcnn_has(p, FCNN_HAS_WINDOW) && !fcnn_has(p, FCNN_HAS_WEIGHTS);
    if (p->stride_h == 0) p->stride_h = pools ? p->r : 1;
    if (p->stride_w == 0) p->stride_w = pools ? p->s : 1;
}

static fcnn_status check_windowed(fcnn_problem *p)
{
    if (p->padding != FCNN_PAD_EXPLICIT) p->pad_top = p->pad_left = p->pad_bottom = p->pad_right = 0;
    const struct named_size pads[] = {{"pad_top", p->pad_top}, {"pad_left", p->pad_left}, {"pad_bottom", p->pad_bottom},
                                      {"pad_right", p->pad_right}};
    fcnn_status status = check_ranges(pads, 4, 0);
    if (!status && p->r * p->s > MAX_SIZE)
        status = fcnn_fail(FCNN_BAD_SHAPE, "the window of %lldx%lld has more than %d elements", (long long)p->r,
                           (long long)p->s, MAX_SIZE);
    int64_t asked_p = p->p, asked_q = p->q;
    if (p->r == 1) p->dilation_h = 1;
    if (p->s == 1) p->dilation_w = 1;
    if (!status)
        status = check_axis("rows", p->padding, p->h, (p->r - 1) * p->dilation_h + 1, &p->stride_h, &p->pad_top,
                            &p->pad_bottom, &p->p);
    if (!status)
        status = check_axis("columns", p->padding, p->w, (p->s - 1) * p->dilation_w + 1, &p->stride_w, &p->pad_left,
                            &p->pad_right, &p->q);
    if (!status)
        status = check_product("an image with its padding", 1, p->h + p->pad_top + p->pad_bottom,
                               p->w + p->pad_left + p->pad_right, p->c);
    if (status) return status;
    if (p->op == FCNN_CONV2D_POOL) {
        if (p->p < 2 || p->q < 2)
            return fcnn_fail(FCNN_BAD_SHAPE, "the output would be empty: pooling 2x2 of a convolution's output of "
                             "%lldx%lld", (long long)p->p, (long long)p->q);
        p->p /= 2;
        p->q /= 2;
    }
    if ((asked_p && asked_p != p->p) || (asked_q && asked_q != p->q))
        return fcnn_fail(FCNN_BAD_SHAPE, "the output is said to be %lldx%lld, but the other sizes give %lldx%lld",
                         (long long)asked_p, (long long)asked_q, (long long)p->p, (long long)p->q);
    p->padding = FCNN_PAD_EXPLICIT;
    return FCNN_OK;
}

static fcnn_status check_channels(fcnn_problem *p)
{
    if (!fcnn_has(p, FCNN_HAS_WEIGHTS)) return FCNN_OK;
    if (p->c % p->groups || p->k % p->groups)
        return fcnn_fail(FCNN_BAD_SHAPE, "groups is %lld; it must divide the %lld input and the %lld output channels",
                         (long long)p->groups, (long long)p->c, (long long)p->k);
    return check_product("the weight tensor", p->r, p->s, p->c / p->groups, p->k);
}

static fcnn_status check_enums(const fcnn_problem *p)
{
    if (!fcnn_op_exists(p->op)) return fcnn_fail(FCNN_BAD_ARGUMENT, "operation %d does not exist", (int)p->op);
    if ((unsigned)p->direction >= FCNN_DIRECTIONS || !(fcnn_operations[p->op].directions >> p->direction & 1))
        return fcnn_fail(FCNN_BAD_ARGUMENT, "%s has no direction %s", fcnn_op_name(p->op),
                         fcnn_direction_name(p->direction));
    if ((unsigned)p->padding > FCNN_PAD_SAME)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "padding %d does not exist", (int)p->padding);
    if ((unsigned)p->activation > FCNN_RELU_ACTIVATION)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "activation %d does not exist", (int)p->activation);
    return FCNN_OK;
}

/* Everything but an empty batch. */
static fcnn_status complete(fcnn_problem *p)
{
    fcnn_status status = check_enums(p);
    if (status) return status;
    drop_unread(p);
    fill_defaults(p);
    const struct named_size sizes[] = {
        {"n (images)", p->n}, {"h (input height)", p->h}, {"w (input width)", p->w}, {"c (input channels)", p->c},
        {"k (output channels)", p->k}, {"r (window height)", p->r}, {"s (window width)", p->s},
        {"stride_h", p->stride_h}, {"stride_w", p->stride_w}, {"dilation_h", p->dilation_h},
        {"dilation_w", p->dilation_w}, {"groups", p->groups}};
    status = check_ranges(sizes, sizeof sizes / sizeof *sizes, 1);
    if (!status) status = check_channels(p);
    if (status) return status;
    if (fcnn_has(p, FCNN_HAS_WINDOW)) {
        status = check_windowed(p);
    } else if (fcnn_has(p, FCNN_HAS_ROWS) && (p->h != 1 || p->w != 1)) {
        return fcnn_fail(FCNN_BAD_SHAPE, "%s takes rows of c values: h and w must be 1, not %lld and %lld",
                         fcnn_op_name(p->op), (long long)p->h, (long long)p->w);
    } else {
        p->p = p->h;
        p->q = p->w;
    }
    if (!status) status = check_product("the input", p->n, p->h, p->w, p->c);
    if (!status) status = check_product("the output", p->n, p->p, p->q, p->k);
    return status;
}

fcnn_status fcnn_problem_complete(fcnn_problem *p, int *empty)
{
    *empty = p->n == FCNN_EMPTY;
    if (*empty) p->n = 1;
    return complete(p);
}

fcnn_status fcnn_problem_check_sized(fcnn_problem *problem, size_t problem_size)
{
    int empty;
    if (!problem) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem is NULL");
    FCNN_TAKE(fcnn_problem, p, problem, problem_size);
    const fcnn_status status = fcnn_problem_complete(&p, &empty);
    if (status) return status;
    if (empty) p.n = FCNN_EMPTY;
    FCNN_GIVE(problem, problem_size, p);
    return FCNN_OK;
}

/* Sum of floor((a i + b) / m) over i = 0 .. n-1, for a, b >= 0 (n = 0: any b). What a / m and b / m give is known. The
 * rest counts points below a line by columns; counted by rows, a and m change places, as in Euclid's algorithm (Graham,
 * Knuth, Patashnik, Concrete Mathematics, 3.5). */
static int64_t floor_sum(int64_t n, int64_t m, int64_t a, int64_t b)
{
    int64_t sum = 0;
    for (;;) {
        sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
        a %= m;
        const int64_t top = a * n + b % m, divisor = m;
        if (top < m) return sum;
        n = top / m, b = top % m;
        m = a, a = divisor;
    }
}

static int64_t steps_to(int64_t distance, int64_t step) { return distance > 0 ? (distance + step - 1) / step : 0; }

/* Sum over window positions t of the number of outputs o with o * stride + t * dilation < x: of the first ones all
 * outputs, of the last ones none. No loop: a window has up to 2^31 positions. */
static int64_t taps_before(int64_t x, int64_t out, int64_t window, int64_t stride, int64_t dilation)
{
    const int64_t some = steps_to(x, dilation) < window ? steps_to(x, dilation) : window;
    const int64_t full = steps_to(x - (out - 1) * stride, dilation), all = full < some ? full : some;
    return all * out + floor_sum(some - all, stride, dilation, x - (some - 1) * dilation + stride - 1);
}

/* Sum over output positions of the window positions that fall on real input, along one axis. */
static double real_taps(int64_t out, int64_t in, int64_t window, int64_t stride, int64_t dilation, int64_t pad)
{
    return (double)(taps_before(in + pad, out, window, stride, dilation) -
                    taps_before(pad, out, window, stride, dilation));
}

double fcnn_problem_flops_sized(const fcnn_problem *problem, size_t problem_size)
{
    fcnn_problem p;
    int empty;
    if (!problem || !fcnn_sized_take(&p, sizeof p, problem, problem_size)) return 0;
    if (fcnn_problem_complete(&p, &empty) || empty || !fcnn_has(&p, FCNN_HAS_WEIGHTS)) return 0;
    int64_t pooled = p.op == FCNN_CONV2D_POOL ? 2 : 1;
    return 2.0 * (double)p.n * real_taps(p.p * pooled, p.h, p.r, p.stride_h, p.dilation_h, p.pad_top) *
           real_taps(p.q * pooled, p.w, p.s, p.stride_w, p.dilation_w, p.pad_left) * (double)(p.c / p.groups) *
           (double)p.k;
}

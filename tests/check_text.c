/* SPDX-License-Identifier: BSD-2-Clause
 * Problems as text: what benchdnn's descriptors mean is what they mean here, or they are refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fill.h"
#include "tests/mutilate.h"
#include "tests/suite.h"

START_TEST(defaults)
{
    fcnn_problem p;
    ck_assert_int_eq(fcnn_problem_parse(&p, "conv2d+relu forward mb64ic32ih13oc64kh3"), FCNN_OK);
    ck_assert(p.w == 13 && p.s == 3 && p.p == 11 && p.q == 11 && p.activation == FCNN_RELU_ACTIVATION && !p.no_bias);
    const char *uneven = "conv2d forward mb1ic2ih9iw7oc4oh5ow7kh3kw3sh2ph1pw1dh1 nobias";
    ck_assert_int_eq(fcnn_problem_parse(&p, uneven), FCNN_OK);
    ck_assert(p.w == 7 && p.s == 3 && p.q == 7 && p.pad_left == 1 && p.stride_w == 1 && p.no_bias);
    ck_assert(p.dilation_h == 2 && p.dilation_w == 1);
    ck_assert(p.p == 5 && p.pad_bottom == 3); /* (5 - 1) * 2 + 5 - 9 - 1 */
    ck_assert_int_eq(fcnn_problem_parse(&p, "conv2d backward_data g4mb1ic8ih4oc4kh1"), FCNN_OK);
    ck_assert_int_eq(p.groups, 4);
    ck_assert_int_eq(fcnn_problem_parse(&p, "adam update ic4096"), FCNN_OK);
    ck_assert_int_eq(p.n * p.h * p.w * p.c, 4096);
}
END_TEST

/* Descriptors as benchdnn's lists have them, and as the library writes them. */
static const struct { const char *text, *written; } descriptors[] = {
    {"conv2d forward mb256ic3ih227oc96oh55kh11sh4ph0n\"alexnet:conv1\"",
     "conv2d forward mb256ic3ih227oc96oh55kh11sh4ph0"},
    {"conv2d forward g2mb32_ic96oc256_ih27oh27kh5sh1dh0ph2_iw27ow27kw5sw1dw0pw2_n\"alexnet:conv2\"",
     "conv2d forward g2mb32ic96ih27oc256oh27kh5ph2"},
    {"conv2d forward ic64ih56oc64oh56kh1ph0n\"resnet_50:res2a_branch2a*1\"",
     "conv2d forward mb2ic64ih56oc64oh56kh1ph0"},
    {"conv2d forward mb1_g16ic16oc16_ih14oh3kh5sh5ph1_iw10ow10kw3",
     "conv2d forward g16mb1ic16ih14iw10oc16oh3ow10kh5kw3sh5sw1ph1pw1"},
    {"conv2d forward ic16ih10oc16oh10kh3nsame", "conv2d forward mb2ic16ih10oc16oh10kh3ph1"},
    {"conv2d forward ic16ih10oc16oh5kh3sh2", "conv2d forward mb2ic16ih10oc16oh5kh3sh2ph0"}, /* odd rest below */
    {"conv2d forward ic1ih224oc1oh112kh1sh2", "conv2d forward mb2ic1ih224oc1oh112kh1sh2ph0"},
    {"conv2d forward mb1ic4iw20oc4kw3pw1", "conv2d forward mb1ic4ih1iw20oc4oh1ow20kh1kw3ph0pw1"}, /* a row */
    {"conv2d forward mb1ic4ih9oc4kh3sh1sw1dw0pw0", "conv2d forward mb1ic4ih9oc4oh7kh3ph0"},
    {"conv2d forward mb3ic4ih9iw9oc4kh3kw3sh2", "conv2d forward mb3ic4ih9iw9oc4oh4ow7kh3kw3sh2sw1ph0pw0"},
    {"conv2d forward ic1ih8oc1oh10kh3", "conv2d forward mb2ic1ih8oc1oh10kh3ph2"}, /* the most padding */
    {"conv2d forward ic1ih8oc1oh33kh3ph0", "conv2d forward mb2ic1ih8oc1oh33kh3ph0"},
    {"maxpool forward ic64ih112oh56kh3sh2ph1n\"googlenet_v1:pool1/3x3_s2\"",
     "maxpool forward mb2ic64ih112oh56kh3sh2ph1"},
    {"maxpool forward mb8ic64ih12kh2dh0", "maxpool forward mb8ic64ih12oh11kh2ph0"},
    {"dense forward ic10oc20n\"ip\"", "dense forward mb2ic10oc20"},
    {"relu forward ic3ih4iw5", "relu forward mb1ic3ih4iw5"}};
#define DESCRIPTORS (int)(sizeof descriptors / sizeof *descriptors)

START_TEST(taken)
{
    fcnn_problem p, back;
    char text[256];
    ck_assert_msg(fcnn_problem_parse(&p, descriptors[_i].text) == FCNN_OK, "%s", fcnn_last_error());
    fcnn_problem_format(&p, text, sizeof text);
    ck_assert_str_eq(text, descriptors[_i].written);
    ck_assert_msg(fcnn_problem_parse(&back, text) == FCNN_OK, "%s", fcnn_last_error());
    fcnn_problem_format(&back, text, sizeof text);
    ck_assert_str_eq(text, descriptors[_i].written);
}
END_TEST

static const struct { const char *text, *word; } malformed[] = {
    {"", "expected"},
    {"conv2d", "expected"},
    {"conv2d forward", "expected"},
    {"conv3d forward mb1ic1ih5oc1kh3", "conv3d"},
    {"relu+relu forward mb1ic1", "relu+relu"},
    {"conv2d sideways mb1ic1ih5oc1kh3", "sideways"},
    {"conv2d update mb1ic1ih5oc1kh3", "update"},
    {"conv2d forward mb1ic1ih5oc1kh3xx4", "xx4"},
    {"conv2d forward mb1ic1ih5oc1kh", "kh"},
    {"conv2d forward mb-1ic1ih5oc1kh3", "mb"},
    {"conv2d forward 64", "64"},
    {"conv2d forward mb1mb2ic1ih5oc1kh3", "twice"},
    {"conv2d forward mb1ic1ih5kh3", "oc"},
    {"conv2d forward mb1ih5oc1kh3", "ic"},
    {"conv2d forward mb1ic1oc1", "ih"},
    {"conv2d forward mb1ic1ih5oc1", "kh"},
    {"conv2d forward mb1ic1ih5oc1kh3sh0", "sh"},
    {"conv2d forward mb1ic1ih5oc1kh6", "empty"},
    {"conv2d forward mb1ic1ih5oc1oh2kh3", "oh2"},
    {"conv2d forward g3mb1ic4ih5oc3kh3", "groups"},
    {"conv2d forward mb1ic99999999999999999999ih5oc1kh3", "ic"},
    {"conv2d forward mb1ic1ih5oc1kh3 nobias please", "nobias"},
    {"conv2d forward mb1ic1ih5oc1kh3 bias", "bias"},
    {"conv2d forward mb1ic1ih5oc1kh3nobias", "nobias"}, /* a name to benchdnn, hardly meant as one */
    {"softmax forward mb1ic10 nobias", "nobias"},
    {"softmax backward_data mb1ic10", "softmax"},
    /* zeros */
    {"conv2d forward mb0ic1ih5oc1kh3", "mb is 0"},
    {"conv2d forward mb1ic0ih5oc1kh3", "ic is 0"},
    {"conv2d forward mb1ic1ih5oc0kh3", "oc is 0"},
    {"conv2d forward mb1ic1ih0oc1kh0", "ih is 0"},
    {"conv2d forward mb1ic1ih5oc1kh0", "kh is 0"},
    {"conv2d forward mb1ic1ih5oc1oh0kh3", "oh is 0"},
    {"conv2d forward g0mb1ic1ih5oc1kh3", "g is 0"},
    {"relu forward mb0ic4", "mb is 0"},
    {"sgd update ic0", "ic is 0"},
    /* an axis in part, other operations' sizes, three dimensions */
    {"conv2d forward mb1ic1ih9iw7oc1kh3", "kw"},
    {"conv2d forward mb1ic1ih9oc1kh3kw3", "iw"},
    {"conv2d forward mb1ic1ih9oc1kh3sh2sw1", "iw"},
    {"conv2d forward mb1ic1ih9oc1kh3ph1pw0", "iw"},
    {"relu forward mb1ic4ih5kh3", "kh"},
    {"dense forward mb1ic4oc4kh1", "kh"},
    {"dense forward mb1ic4ih2oc4", "h and w"},
    {"maxpool forward mb1ic4ih5kh3oc4", "oc"},
    {"maxpool forward mb1ic4ih5kh3dh1", "dh"},
    {"softmax forward mb1ic4ih1", "ih"},
    {"conv2d forward mb1ic1id5ih5oc1kh3", "id makes it three-dimensional"},
    {"conv2d forward ic32id4ih4oc16od4oh4kd1kh1pd0ph0n\"3d\"", "three-dimensional"},
    /* paddings that nobody means */
    {"conv2d forward mb1ic1ih8oc1oh11kh3", "oh11"},
    {"conv2d forward mb1ic1ih8oc1oh34kh3ph0", "oh34"},
    {"conv2d forward mb1ic1ih8oc1oh99kh3", "oh99"},
    {"conv2d forward mb1ic1ih8oc1oh99kh3ph1", "oh99"},
    {"conv2d forward mb1ic1ih8iw8oc1oh6ow99kh3kw3ph0pw0", "ow99"},
    {"conv2d forward mb1ic1ih8oc1kh9ph2147483647", "padding"}};
#define MALFORMED (int)(sizeof malformed / sizeof *malformed)

START_TEST(refused)
{
    fcnn_problem p = {.n = 42};
    const fcnn_status status = fcnn_problem_parse(&p, malformed[_i].text);
    ck_assert_msg(status == FCNN_BAD_ARGUMENT || status == FCNN_BAD_SHAPE, "\"%s\" was taken", malformed[_i].text);
    ck_assert_msg(strstr(fcnn_last_error(), malformed[_i].word) != NULL, "\"%s\": \"%s\" does not say \"%s\"",
                  malformed[_i].text, fcnn_last_error(), malformed[_i].word);
    ck_assert_int_eq(p.n, 42);
    ck_assert_int_eq(fcnn_problem_parse(&p, NULL), FCNN_BAD_ARGUMENT);
    ck_assert_int_eq(fcnn_problem_parse(NULL, "relu forward mb1"), FCNN_BAD_ARGUMENT);
}
END_TEST

/* ---- benchdnn's rules, written down plainly: 0 is "not given" there, and padding -1 ---- */

struct axis { long in, out, window, stride, pad, holes; };

static int there(const struct axis *a)
{
    return a->in || a->window || a->out || a->holes || a->stride != 1 || a->pad > 0;
}

static int complete(struct axis *a)
{
    if (!a->in || !a->window) return 0;
    const long covered = (a->window - 1) * (a->holes + 1) + 1;
    if (!a->out) {
        if (a->pad < 0) a->pad = 0;
        a->out = (a->in - covered + 2 * a->pad) / a->stride + 1;
        return a->in + 2 * a->pad >= covered;
    }
    if (a->pad < 0) a->pad = ((a->out - 1) * a->stride - a->in + covered) / 2;
    return a->pad >= 0;
}

static int benchdnn(struct axis *h, struct axis *w)
{
    const struct axis point = {1, 1, 1, 1, 0, 0};
    const int rows = there(h), columns = there(w);
    if ((!rows && !columns) || (rows && !complete(h)) || (columns && !complete(w))) return 0;
    if (!columns) *w = *h;
    if (!rows) *h = point;
    return 1;
}

static void write_axis(char *text, char name, const struct axis *a, int every)
{
    const struct { char key; long value, none; } sizes[] = {{'i', a->in, 0},     {'o', a->out, 0},  {'k', a->window, 0},
                                                            {'s', a->stride, 1}, {'p', a->pad, -1}, {'d', a->holes, 0}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int neutral = sizes[i].key == 's' || sizes[i].key == 'd';
        if (sizes[i].value != sizes[i].none || (every && neutral))
            sprintf(text + strlen(text), "%c%c%ld", sizes[i].key, name, sizes[i].value);
    }
}

static struct axis random_axis(uint64_t *state)
{
    struct axis a = {0, 0, 0, 1, -1, 0};
    if (rng_below(state, 4) == 0) return a;
    if (rng_below(state, 10)) a.in = 1 + (long)rng_below(state, 20);
    if (rng_below(state, 10)) a.window = 1 + (long)rng_below(state, 5);
    if (rng_below(state, 2)) a.out = 1 + (long)rng_below(state, 20);
    if (rng_below(state, 2)) a.stride = 1 + (long)rng_below(state, 4);
    if (rng_below(state, 2)) a.pad = (long)rng_below(state, 4);
    if (rng_below(state, 3) == 0) a.holes = (long)rng_below(state, 3);
    return a;
}

/* A stride that is never made is bounded, and a window of one element has no holes. */
static int same_axis(const struct axis *a, int64_t in, int64_t out, int64_t window, int64_t stride, int64_t pad,
                     int64_t dilation)
{
    const long covered = (a->window - 1) * (a->holes + 1) + 1;
    const long most = (a->in + a->pad > covered ? a->in + a->pad : covered) + covered;
    const long made = a->out == 1 && a->stride > most ? most : a->stride, holes = a->window == 1 ? 0 : a->holes;
    return a->in == in && a->out == out && a->window == window && made == stride && a->pad == pad &&
           holes == dilation - 1;
}

/* A descriptor is refused, or it is benchdnn's problem. */
START_TEST(never_another_problem)
{
    uint64_t state = 21;
    int accepted = 0, both = 0;
    for (int i = 0; i < 50000; i++) {
        struct axis h = random_axis(&state), w = random_axis(&state);
        char text[256] = "conv2d forward ic1oc1";
        const int every = (int)rng_below(&state, 2);
        write_axis(text, 'h', &h, every && there(&h));
        write_axis(text, 'w', &w, every && there(&w));
        fcnn_problem p;
        const int here = fcnn_problem_parse(&p, text) == FCNN_OK, given = h.out && w.out, known = benchdnn(&h, &w);
        accepted += here;
        both += known && !given;
        ck_assert_msg(known || !here, "\"%s\" is taken; benchdnn refuses it", text);
        if (!here) continue;
        ck_assert_msg(same_axis(&h, p.h, p.p, p.r, p.stride_h, p.pad_top, p.dilation_h) &&
                          same_axis(&w, p.w, p.q, p.s, p.stride_w, p.pad_left, p.dilation_w) && p.n == 2,
                      "\"%s\" is another problem than benchdnn's", text);
    }
    ck_assert_msg(accepted > 5000 && both > 5000, "%d of 50000 taken", accepted);
}
END_TEST

/* Bytes of all kinds behind a good beginning: refused or taken, but never past the end of anything. */
START_TEST(random_text)
{
    static const char letters[] = "gmbicihwockskhpdh0123456789_ +-.\t%\x80\xff";
    uint64_t state = 3;
    for (int i = 0; i < 20000; i++) {
        char text[600] = "conv2d forward ";
        const int64_t length = rng_below(&state, i % 50 ? 40 : 580);
        for (int64_t j = 0; j < length; j++) text[15 + j] = letters[rng_below(&state, sizeof letters - 1)];
        fcnn_problem p;
        if (fcnn_problem_parse(&p, text) != FCNN_OK) ck_assert_str_ne(fcnn_last_error(), "");
        else ck_assert_int_eq(fcnn_problem_check(&p), FCNN_OK);
    }
}
END_TEST

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    char text[256], again[256];
    fcnn_problem p, q;
    (void)context;
    char *whole = malloc(count + 1); /* exactly: a byte too far is seen */
    memcpy(whole, bytes, count);
    whole[count] = 0;
    const fcnn_status status = fcnn_problem_parse(&p, whole);
    free(whole);
    ck_assert(!status || *fcnn_last_error());
    if (status) return 0;
    fcnn_problem_format(&p, text, sizeof text);
    ck_assert_msg(!fcnn_problem_parse(&q, text), "%s", text);
    fcnn_problem_format(&q, again, sizeof again);
    ck_assert_str_eq(text, again);
    return 1;
}

START_TEST(damaged_text)
{
    static const char *const texts[] = {"conv2d+relu forward mb64g2ic32ih13iw12oc64oh11kh3kw2ph0pw1sh1sw2 nobias",
                                        "maxpool backward_data mb1_ic3_ih28_kh2_sh2n\"net:name\""};
    const struct mutilated seen = mutilate((const unsigned char *)texts[_i], strlen(texts[_i]), reads, NULL);
    ck_assert_uint_gt(seen.cuts - seen.cuts_read, 20);
    ck_assert_uint_gt(seen.flips - seen.flips_read, seen.flips / 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *cases = tcase_create("text");
    tcase_add_test(cases, defaults);
    tcase_add_loop_test(cases, taken, 0, DESCRIPTORS);
    tcase_add_loop_test(cases, refused, 0, MALFORMED);
    tcase_add_test(cases, never_another_problem);
    tcase_add_test(cases, random_text);
    tcase_add_loop_test(cases, damaged_text, 0, 2);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

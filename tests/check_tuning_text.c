/* SPDX-License-Identifier: BSD-2-Clause
 * The text of tuning files: what is written is read again, what cannot be used is named and kept, what is damaged costs
 * no more than its own lines. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mutilate.h"
#include "tests/suite.h"
#include "tests/tuning.h"

/* ---- text ---- */

START_TEST(text_comes_back)
{
    fcnn_tuning *table = parse(here(FULL));
    ck_assert_int_eq(notes.count, 0);
    expect_text(table, here(FULL));
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(order_and_spelling_do_not_matter)
{
    fcnn_tuning *table = parse(here("fastcnn tuning 1\r\n@\r\n\r\n"
        "  conv2d   forward mb2ic16ih9oc16kh3ph1_n\"a name\"  threads=2\texact -> " CHOICE "\r\n"
        "# lost with its line\nconv2d nonsense\n"
        PROBLEM " threads=1 exact -> " CHOICE));
    ck_assert_int_eq(fcnn_tuning_count(table), 1 + (notes.count < 2));
    fcnn_tuning_destroy(table);
    table = parse(here("fastcnn tuning 1\n@\n conv2d  forward mb2ic16ih9oc16kh3ph1 threads=2\texact -> "
                       CHOICE "\r\n"));
    expect_text(table, here(HEADER "\n@\n" PROBLEM " threads=2 exact -> " CHOICE "\n"));
    fcnn_tuning_destroy(table);
}
END_TEST

/* What the fuzzer found: a comment behind blanks was an entry, and conditions were cut behind a blank. */
START_TEST(blanks_before_comments_and_cuts)
{
    char text[1024], conditions[300];
    memset(conditions, 'x', sizeof conditions - 1);
    conditions[sizeof conditions - 1] = 0;
    conditions[254] = ' '; /* the last that is kept */
    snprintf(text, sizeof text, "%s", here(HEADER "\n@\n \t # of it -> threads=1\n"));
    snprintf(strchr(text, 0), 512, PROBLEM " threads=1 exact -> " CHOICE " # %s\n", conditions);
    fcnn_tuning *table = parse(text);
    ck_assert_int_eq(notes.count, 0);
    conditions[254] = 0;
    snprintf(text, sizeof text, "%s", here(HEADER "\n@\n# of it -> threads=1\n"));
    snprintf(strchr(text, 0), 512, PROBLEM " threads=1 exact -> " CHOICE " # %s\n", conditions);
    expect_text(table, text);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(the_later_line_wins)
{
    struct fcnn_tuning_entry entry;
    fcnn_tuning *table = parse(here(HEADER "@\n# one\n" PROBLEM " threads=2 exact -> " CHOICE "\n# two\n"
                                    PROBLEM " threads=2 exact -> conv2d_fwd_naive revision=0 team=2 gain=3.00\n"));
    ck_assert(find(table, PROBLEM, 2, &entry));
    ck_assert_double_eq(entry.gain, 3);
    ck_assert_int_eq(fcnn_tuning_count(table), 1);
    char *text = fcnn_tuning_format(table);
    ck_assert_ptr_nonnull(strstr(text, "# two\n# one\n"));
    free(text);
    fcnn_tuning_destroy(table);
}
END_TEST

/* Kept, described, not used. The first line has number 3. */
static const struct { const char *line, *reason; } stale[] = {
    {PROBLEM " threads=1 exact -> conv2d_fwd_direct_scalar revision=77 team=1 gain=1.00", "kernel revision 77, here"},
    {PROBLEM " threads=1 exact -> conv2d_fwd_magic revision=0 team=1 gain=1.00", "unknown"},
    {PROBLEM " threads=1 exact -> conv2d_fwd_naive{speed=9} revision=0 team=1 gain=1.00", "no knob \"speed\""},
    {PROBLEM " threads=1 exact -> relu_fwd_naive revision=0 team=1 gain=1.00", "another operation"},
    {PROBLEM " threads=1 winograd_f2 -> conv2d_fwd_naive revision=0 team=1 gain=1.00", "class"},
    {PROBLEM " threads=1 fp4 -> conv2d_fwd_naive revision=0 team=1 gain=1.00", "class"},
    {"conv9d forward mb1ic9 threads=1 exact -> conv2d_fwd_naive revision=0 team=1 gain=1.00", "problem"},
};

START_TEST(stale_lines_are_kept)
{
    char text[ROOM];
    struct fcnn_tuning_entry entry;
    fcnn_tuned line;
    snprintf(text, sizeof text, HEADER "\n@\n%s\n", stale[_i].line);
    fcnn_tuning *table = parse(here(text));
    ck_assert_int_eq(notes.count, 1);
    ck_assert_int_eq(notes.line, 4);
    ck_assert_msg(strstr(notes.what, stale[_i].reason), "%s: %s", stale[_i].line, notes.what);
    ck_assert(!fcnn_tuning_describe(table, 0, &line));
    ck_assert_str_eq(line.stale, notes.what);
    ck_assert(!find(table, PROBLEM, 1, &entry));
    expect_text(table, here(text));
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(another_machine)
{
    static const char text[] = HEADER "\ncpu GenuineIntel family 6 model 143 stepping 8, caches 48K 2M 1920K\n"
        PROBLEM " threads=1 exact -> " CHOICE "\n";
    struct fcnn_tuning_entry entry;
    fcnn_tuned line;
    fcnn_tuning *table = parse(text);
    ck_assert_int_eq(notes.count, 1);
    ck_assert(!find(table, PROBLEM, 1, &entry));
    expect_text(table, text);
    put(table, PROBLEM, 1, 2);
    ck_assert(find(table, PROBLEM, 1, &entry));
    ck_assert_int_eq(fcnn_tuning_count(table), 2);
    int others = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert(!fcnn_tuning_describe(table, i, &line));
        others += !strncmp(line.machine, "GenuineIntel family 6 model 143", 31);
    }
    ck_assert_int_eq(others, 1);
    fcnn_tuning_destroy(table);
}
END_TEST

static const char *const bad[] = {
    "what is this", PROBLEM, PROBLEM " threads=1 exact", PROBLEM " threads=0 exact -> " CHOICE,
    PROBLEM " threads=1025 exact -> " CHOICE, PROBLEM " threads=1x exact -> " CHOICE, PROBLEM " threads=1 -> " CHOICE,
    "threads=1 exact -> " CHOICE, PROBLEM " threads=1 exact -> ",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=2 gain=1.00",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=0 gain=1.00",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 gain=1.00",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=1 gain=fast",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=1 gain=1.",
    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=1 gain=99999999999",
    PROBLEM " threads=1 exact -> revision=0 team=1 gain=1.00",
    PROBLEM " threads=1 exact -> conv2d_fwd_\033[2J revision=0 team=1 gain=1.00",
    PROBLEM " threads=1 EXACT -> " CHOICE,
};

START_TEST(bad_lines_are_named)
{
    char text[ROOM];
    snprintf(text, sizeof text, HEADER "@\n" PROBLEM " threads=4 exact -> " CHOICE "\n%s\n@\n"
             PROBLEM " threads=3 exact -> " CHOICE "\n", bad[_i]);
    char *second = strrchr(text, '@');
    char rest[ROOM / 2];
    snprintf(rest, sizeof rest, "cpu %s%s", fcnn_tuning_machine(), second + 1);
    strcpy(second, rest);
    fcnn_tuning *table = parse(here(text));
    ck_assert_msg(notes.count == 1 && notes.line == 4, "%s: %d notes, line %d", bad[_i], notes.count, notes.line);
    ck_assert_int_eq(fcnn_tuning_count(table), 2);
    expect_text(table, here(HEADER "\n@\n" PROBLEM " threads=3 exact -> " CHOICE "\n"
                            PROBLEM " threads=4 exact -> " CHOICE "\n"));
    fcnn_tuning_destroy(table);
}
END_TEST

/* A damaged "cpu" line does not give its lines to the machine before. */
START_TEST(lines_without_a_machine)
{
    fcnn_tuning *table = parse(here(HEADER "@\nCPU GenuineIntel family 6\n"
                                    PROBLEM " threads=1 exact -> " CHOICE "\n"));
    ck_assert_int_eq(notes.count, 2);
    ck_assert_int_eq(fcnn_tuning_count(table), 0);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(no_tuning_files)
{
    static const char *const texts[] = {"hello\n", ("\n" HEADER), "fastcnn tuning\n", "fastcnn tuning 2\n",
                                        ("\x7f" "ELF"), "fastcnn tuning 11111111111\n", "fastcnn tuning 1x\n"};
    fcnn_tuning *table = empty();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_int_eq(fcnn_tuning_parse(table, texts[i], strlen(texts[i]), NULL, NULL, NULL), FCNN_BAD_DATA);
    ck_assert(!fcnn_tuning_parse(table, "", 0, NULL, NULL, NULL));
    ck_assert_int_eq(fcnn_tuning_parse(table, "", (size_t)1 << 30, NULL, NULL, NULL), FCNN_BAD_DATA);
    ck_assert_int_eq(fcnn_tuning_count(table), 0);
    fcnn_tuning_destroy(table);
}
END_TEST

/* ---- limits ---- */

START_TEST(lines_and_notes_are_bounded)
{
    enum { LINES = FCNN_TUNING_MOST_LINES + 500, LENGTH = 120 };
    char *text = malloc((size_t)LINES * LENGTH + 1024), *end = text;
    end += sprintf(end, "fastcnn tuning 1\ncpu other\n");
    for (int i = LINES; i > 0; i--) /* backwards: sorting takes no quadratic time */
        end += sprintf(end, "relu forward mb%dic9 threads=1 exact -> relu_fwd_naive revision=0 team=1 gain=1.00\n", i);
    fcnn_tuning *table = parse(text);
    ck_assert_int_eq(fcnn_tuning_count(table), FCNN_TUNING_MOST_LINES);
    ck_assert_int_le(notes.count, 101);
    ck_assert_int_ge(notes.count, 100);
    struct fcnn_tuning_entry entry;
    fcnn_tuning *model = parse(here(HEADER "@\n" PROBLEM " threads=1 exact -> " CHOICE "\n"));
    ck_assert(find(model, PROBLEM, 1, &entry));
    const struct fcnn_tuning_key key = key_of(PROBLEM, 1);
    ck_assert_int_eq(fcnn_tuning_put(table, &key, &entry, ""), FCNN_OUT_OF_MEMORY);
    fcnn_tuning_destroy(model);
    fcnn_tuning_destroy(table);
    free(text);
}
END_TEST

START_TEST(long_lines_and_many_comments)
{
    char *text = malloc(400000), *end = text;
    end += sprintf(end, "%s", here(HEADER "@\n"));
    memset(end, 'x', 100000), end += 100000;
    end += sprintf(end, "\ncpu %s\n", fcnn_tuning_machine());
    for (int i = 0; i < 10000; i++) end += sprintf(end, "# comment %d\n", i);
    sprintf(end, PROBLEM " threads=1 exact -> " CHOICE "\n");
    fcnn_tuning *table = parse(text);
    ck_assert_int_eq(fcnn_tuning_count(table), 1);
    char *written = fcnn_tuning_format(table);
    ck_assert_int_lt(strlen(written), 5000);
    ck_assert_ptr_nonnull(strstr(written, "# comment 9\n"));
    free(written);
    fcnn_tuning_destroy(table);
    free(text);
}
END_TEST

/* ---- damage ---- */

static uint64_t random_state;
static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % below);
}

/* Flips, cuts and splices; returns the length. */
static size_t alter(char *text, size_t length)
{
    char other[ROOM];
    for (unsigned i = 1 + draw(4); i > 0 && length; i--) {
        const size_t at = draw((unsigned)length), count = draw((unsigned)(length - at)) % 200;
        switch (draw(5)) {
        case 0: text[at] = (char)(text[at] ^ 1 << draw(8)); break;
        case 1: text[at] = (char)draw(256); break;
        case 2: length = draw(4) ? length : at; break;
        case 3: /* a piece is missing */
            memmove(text + at, text + at + count, length - at - count);
            length -= count;
            break;
        default: /* a piece comes twice */
            if (length + count > ROOM / 2) break;
            memcpy(other, text + at, length - at);
            memcpy(text + at + count, other, length - at);
            length += count;
        }
    }
    return length;
}

/* What is usable is what dispatch itself might have taken. */
static void check_usable(const struct fcnn_line *line)
{
    fcnn_problem problem;
    const struct fcnn_kernel *kernel = line->usable.kernel;
    ck_assert(!fcnn_problem_parse(&problem, line->problem));
    ck_assert(kernel->op == problem.op && kernel->direction == problem.direction);
    ck_assert_str_eq(fcnn_class_name(kernel->numerics), line->numerics);
    ck_assert_ptr_null(fcnn_unservable(kernel, &problem));
    ck_assert(fcnn_affordable(&line->usable, &problem));
    ck_assert(line->team >= 1 && line->team <= line->threads);
    for (int i = 0; i < kernel->variant->knob_count; i++) {
        const struct fcnn_knob *knob = &kernel->variant->knobs[i];
        ck_assert(line->usable.knobs[i] >= knob->values[0] && line->usable.knobs[i] <= knob->values[knob->count - 1]);
    }
}

static void check_mutilated(const char *text, size_t length)
{
    fcnn_tuning *table = empty(), *again = empty();
    notes.count = 0;
    const fcnn_status status = fcnn_tuning_parse(table, text, length, "text", take_note, NULL);
    ck_assert(status == FCNN_OK || status == FCNN_BAD_DATA);
    ck_assert(notes.count <= 101);
    for (int i = 0; i < table->lines.count; i++)
        if (!*table->lines.at[i]->stale) check_usable(table->lines.at[i]);
    char *written = fcnn_tuning_format(table);
    ck_assert_ptr_nonnull(written);
    ck_assert_msg(!fcnn_tuning_parse(again, written, strlen(written), NULL, NULL, NULL), "%s", written);
    ck_assert_int_eq(fcnn_tuning_count(again), fcnn_tuning_count(table));
    expect_text(again, written);
    free(written);
    fcnn_tuning_destroy(table);
    fcnn_tuning_destroy(again);
}

static int reads(const unsigned char *bytes, size_t count, void *context)
{
    (void)context;
    check_mutilated((const char *)bytes, count);
    return notes.count == 0;
}

START_TEST(damaged_files)
{
    char text[ROOM / 16];
    const size_t length = strlen(strcpy(text, here(FULL)));
    const struct mutilated seen = mutilate((const unsigned char *)text, length, reads, NULL);
    ck_assert_uint_gt(seen.cuts - seen.cuts_read, 0);
    ck_assert_uint_gt(seen.flips - seen.flips_read, seen.flips / 4);
    ck_assert_uint_gt(seen.longer_read, 0); /* a newline */
}
END_TEST

#define MUTILATED 4000
START_TEST(mutilated_files)
{
    static char text[ROOM];
    for (int seed = 0; seed < MUTILATED; seed++) {
        random_state = (uint64_t)seed;
        size_t length = strlen(strcpy(text, here(FULL "cpu sister, caches 1K 2K 3K\n# hers\n"
            PROBLEM " threads=3 exact -> " CHOICE "\n"
            PROBLEM " threads=3 winograd_f2 -> conv2d_fwd_winograd_f2_scalar revision=0 team=3 gain=12.50 # busy\n")));
        length = alter(text, length);
        /* In a block of just this length: whoever reads behind it is seen by sanitizers. */
        char *copy = malloc(length + !length);
        memcpy(copy, text, length);
        check_mutilated(copy, length);
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuning_text");
    TCase *text = tcase_create("text"), *limits = tcase_create("limits"), *damage = tcase_create("damage");
    const int stales = sizeof stale / sizeof *stale, bads = sizeof bad / sizeof *bad;
    unsetenv("FASTCNN_CACHES");
    tcase_add_test(text, text_comes_back);
    tcase_add_test(text, order_and_spelling_do_not_matter);
    tcase_add_test(text, blanks_before_comments_and_cuts);
    tcase_add_test(text, the_later_line_wins);
    tcase_add_loop_test(text, stale_lines_are_kept, 0, stales);
    tcase_add_test(text, another_machine);
    tcase_add_loop_test(text, bad_lines_are_named, 0, bads);
    tcase_add_test(text, lines_without_a_machine);
    tcase_add_test(text, no_tuning_files);
    tcase_add_test(limits, lines_and_notes_are_bounded);
    tcase_add_test(limits, long_lines_and_many_comments);
    tcase_add_test(damage, damaged_files);
    tcase_add_test(damage, mutilated_files);
    tcase_set_timeout(limits, 120);
    tcase_set_timeout(damage, 300);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, limits);
    suite_add_tcase(suite, damage);
    return run_suite(suite);
}

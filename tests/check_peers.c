/* SPDX-License-Identifier: BSD-2-Clause
 * The benchmark's peers, with libraries that are made up: which take part, that a wrong one is named and not timed,
 * that one without code for a problem is not called wrong, and that conversions stay out of comparisons. Those that are
 * built are in check_bench.sh. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/peer.h"
#include "bench/progress.h"
#include "bench/suite.h"
#include "bench/summary.h"
#include "tests/suite.h"

/* ---- libraries that are made up: they know the reference's outputs ---- */

struct made_up_peer {
    struct bench_peer base;
    float fault; /* added to the third value of the output, times the largest */
};

static int open_peers; /* that were not closed yet */

static struct bench_peer *open_with(const struct bench_case *c, int threads, const struct bench_peer_library *library,
                                    float fault)
{
    struct made_up_peer *p = calloc(1, sizeof *p);
    open_peers++;
    *p = (struct made_up_peer){{.library = library, .of = c, .threads = threads}, fault};
    return &p->base;
}

static void close_peer(struct bench_peer *peer)
{
    open_peers--;
    free(peer);
}

static const char *implementation(const struct bench_peer *peer) { return peer ? "by heart" : ""; }
static fcnn_isa isa_of(const struct bench_peer *peer) { return peer ? FCNN_SCALAR : FCNN_AVX2; }
static const char *pass(struct bench_peer *peer) { return peer ? NULL : "no peer"; }
static const char *refuse_to_load(struct bench_peer *peer) { return peer ? "does not load" : NULL; }
static const char *lack(struct bench_peer *peer) { return peer->lacks = 1, "relu: unimplemented"; }

static void execute(const struct bench_peer *peer)
{
    const struct bench_case *c = peer->of;
    const float fault = ((const struct made_up_peer *)peer)->fault;
    for (int i = 0; i < c->tensors.count; i++) {
        const fcnn_tensor_info *info = &c->tensors.info[i];
        const float *want = c->references[FCNN_EXACT].outputs[i];
        float *got = c->tensors.memory[i], most = 0;
        if (!want || info->element_size != sizeof *got) continue;
        memcpy(got, want, (size_t)info->elements * sizeof *got);
        for (int64_t at = 0; at < info->elements; at++) most = fmaxf(most, fabsf(want[at]));
        got[3] += fault * most;
    }
}

static const char *start(fcnn_isa isa) { return isa <= FCNN_NEON ? NULL : "no such machine"; }
static const char *refuse(fcnn_isa isa) { return isa <= FCNN_NEON ? "cannot be limited" : NULL; }

static const char *right_name(void) { return "right_1"; }
static const char *wrong_name(void) { return "wrong_2"; }
static const char *broken_name(void) { return "broken_3"; }
static const char *unable_name(void) { return "unable_4"; }

static struct bench_peer *open_right(const struct bench_case *c, int threads, enum bench_kind kind);
static struct bench_peer *open_wrong(const struct bench_case *c, int threads, enum bench_kind kind);
static struct bench_peer *open_broken(const struct bench_case *c, int threads, enum bench_kind kind);
static struct bench_peer *open_unable(const struct bench_case *c, int threads, enum bench_kind kind);

static const struct bench_peer_library right = {right_name, start, open_right, close_peer, implementation, isa_of, pass,
                                                execute, pass};
static const struct bench_peer_library wrong = {wrong_name, start, open_wrong, close_peer, implementation, isa_of, pass,
                                                execute, pass};
static const struct bench_peer_library broken = {broken_name, start, open_broken, close_peer, implementation, isa_of,
                                                 refuse_to_load, execute, pass};
static const struct bench_peer_library unable = {unable_name, start, open_unable, close_peer, implementation, isa_of,
                                                 lack, execute, pass};
static const struct bench_peer_library limited = {broken_name, refuse, open_right, close_peer, implementation, isa_of,
                                                  pass, execute, pass};

static struct bench_peer *open_right(const struct bench_case *c, int threads, enum bench_kind kind)
{
    return kind == BENCH_PEER_AUTO ? NULL : open_with(c, threads, &right, 0);
}

static float fault = 2e-4f;

static struct bench_peer *open_wrong(const struct bench_case *c, int threads, enum bench_kind kind)
{
    return kind == BENCH_PEER ? open_with(c, threads, &wrong, fault) : NULL;
}

static struct bench_peer *open_broken(const struct bench_case *c, int threads, enum bench_kind kind)
{
    return kind == BENCH_PEER ? open_with(c, threads, &broken, 0) : NULL;
}

static struct bench_peer *open_unable(const struct bench_case *c, int threads, enum bench_kind kind)
{
    return kind == BENCH_PEER ? open_with(c, threads, &unable, 0) : NULL;
}

/* ---- the table, by the linker (--wrap) ---- */

static const struct bench_peer_entry table[] = {
    {"right", "libright-dev", &right}, {"wrong", "libwrong-dev", &wrong}, {"absent", "libabsent-dev", NULL},
    {"limited", "liblimited-dev", &limited}};
static const struct bench_peer_entry *entries = table;
static int entry_count = 4;

const struct bench_peer_entry *__wrap_bench_peers(int *count);
const struct bench_peer_entry *__wrap_bench_peers(int *count)
{
    *count = entry_count;
    return entries;
}

/* ---- which take part ---- */

/* What is said on the standard error from listen_to_errors() to heard(). */
struct ear {
    FILE *file;
    int kept;
};

static struct ear listen_to_errors(void)
{
    const struct ear ear = {tmpfile(), dup(STDERR_FILENO)};
    ck_assert_ptr_nonnull(ear.file);
    fflush(stderr);
    dup2(fileno(ear.file), STDERR_FILENO);
    return ear;
}

static void heard(struct ear ear, char said[1024])
{
    fflush(stderr);
    dup2(ear.kept, STDERR_FILENO);
    close(ear.kept);
    rewind(ear.file);
    said[fread(said, 1, 1023, ear.file)] = '\0';
    fclose(ear.file);
}

/* What bench_peers_start() returns, and what it says. */
static int start_with(const char *names, int needed, const struct bench_peer_library **started, char said[1024])
{
    const struct ear ear = listen_to_errors();
    const int count = bench_peers_start(table, 4, names, needed, FCNN_AVX2, started);
    heard(ear, said);
    return count;
}

static void starts(const char *names, int needed, int count, const char *text)
{
    const struct bench_peer_library *started[BENCH_MOST_PEERS];
    char said[1024];
    const int got = start_with(names, needed, started, said);
    ck_assert_msg(got == count, "--peers=%s: %d, %s", names ? names : "", got, said);
    if (text) ck_assert_msg(strstr(said, text) != NULL, "--peers=%s says: %s", names ? names : "", said);
    else ck_assert_str_eq(said, "");
}

START_TEST(which)
{
    const struct bench_peer_library *started[BENCH_MOST_PEERS];
    char said[1024];
    starts(NULL, 1, 2, NULL);
    starts(NULL, 0, 2, NULL);
    starts("wrong", 1, 1, NULL);
    ck_assert_int_eq(start_with("wrong,right", 1, started, said), 2);
    ck_assert(started[0] == &right && started[1] == &wrong); /* in the table's order */
    starts("absent", 1, -1, "absent: built without it (install Debian's libabsent-dev, then ./configure again)");
    starts("right,absent", 1, -1, "libabsent-dev");
    starts("limited", 1, -1, "limited: cannot be limited");
    starts("righ", 1, -1, "no peer \"righ\"; there are right wrong absent limited");
    starts("right,", 1, -1, "no peer \"\"");
    starts("", 1, -1, "no peer \"\"");
    ck_assert_int_eq(bench_peers_start(table + 2, 2, NULL, 0, FCNN_AVX2, started), 0);
    ck_assert_int_eq(bench_peers_start(table + 2, 2, NULL, 1, FCNN_AVX2, started), -1);
}
END_TEST

/* ---- whole suites ---- */

enum { MOST_WORDS = 12 };

/* A suite on mnist.conv3 of these options; NULL: refused. */
static struct bench_suite *make(const char *line)
{
    static struct bench_options options;
    static struct bench_suite suite;
    static char words[512];
    char *argv[MOST_WORDS];
    int argc = 0;
    snprintf(words, sizeof words, "fastcnn-bench --filter=mnist.conv3/* --budget=1e6 --choice %s", line);
    for (char *word = strtok(words, " "); word && argc < MOST_WORDS - 1; word = strtok(NULL, " ")) argv[argc++] = word;
    argv[argc] = NULL;
    ck_assert_int_eq(bench_options_read(&options, &argc, argv), -1);
    if (!bench_suite_make(&suite, &options, "all")) return &suite;
    bench_suite_free(&suite);
    return NULL;
}

static void time_all(struct bench_suite *suite)
{
    for (int i = 0; i < suite->results.row_count; i++)
        for (int j = 0; j < suite->results.rows[i].windows; j++) {
            if (bench_window_open(&suite->runs[i], 1) != BENCH_TIME) continue;
            bench_execute(&suite->runs[i]);
            bench_window_close(&suite->runs[i], 1);
        }
    ck_assert(bench_results_summarize(&suite->results));
}

static int count_rows(const struct bench_suite *suite, enum bench_kind kind, int peer)
{
    int count = 0;
    for (int i = 0; i < suite->results.row_count; i++)
        count += suite->results.rows[i].kind == kind && suite->results.rows[i].peer == peer;
    return count;
}

/* A value that is 2e-4 of the largest off: too much. The row says which value, has no window, and no comparison. */
START_TEST(wrong_peers)
{
    struct bench_comparison c;
    struct bench_suite *suite = make("--peers=right,wrong");
    ck_assert_ptr_nonnull(suite);
    ck_assert_int_eq(suite->results.peer_count, 2);
    ck_assert_str_eq(suite->results.peers[1], "wrong_2");
    time_all(suite);
    ck_assert_int_eq(count_rows(suite, BENCH_PEER, 0), 3);
    ck_assert_int_eq(count_rows(suite, BENCH_PEER, 1), 3);
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        if (row->kind == BENCH_OURS) continue;
        ck_assert_msg(row->verdict == (row->peer ? BENCH_WRONG : BENCH_RIGHT), "%s: %s", row->name, row->failure);
        ck_assert_int_eq(row->count, row->peer ? 0 : row->windows);
        if (row->peer) ck_assert_msg(!strncmp(row->failure, "wrong: d", 8) && strstr(row->failure, "[3] is "), "%s",
                                     row->failure);
    }
    ck_assert_int_eq(bench_results_status(&suite->results), 0); /* it is not ours */
    ck_assert(bench_compare(&suite->results, 1, &c));
    ck_assert(c.count == 0 && c.left_out == 3 && open_peers >= 6);
    bench_comparison_free(&c);
    bench_suite_free(suite);
    ck_assert_int_eq(open_peers, 0);
}
END_TEST

/* A few units of rounding pass. Not a number does not. */
START_TEST(bounds)
{
    static const float faults[] = {5e-7f, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        fault = faults[i];
        struct bench_suite *suite = make("--peers=wrong");
        ck_assert_ptr_nonnull(suite);
        time_all(suite);
        for (int j = 0; j < suite->results.row_count; j++)
            if (suite->results.rows[j].kind == BENCH_PEER)
                ck_assert_int_eq(suite->results.rows[j].verdict, i ? BENCH_WRONG : BENCH_RIGHT);
        bench_suite_free(suite);
    }
}
END_TEST

START_TEST(broken_peers)
{
    static const struct bench_peer_entry one = {"broken", "libbroken-dev", &broken};
    entries = &one;
    entry_count = 1;
    struct bench_suite *suite = make("--peers");
    ck_assert_ptr_nonnull(suite);
    time_all(suite);
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        if (row->kind != BENCH_PEER) continue;
        ck_assert_int_eq(row->verdict, BENCH_BROKEN);
        ck_assert_str_eq(row->failure, "failed: does not load");
    }
    bench_suite_free(suite);
    ck_assert(make("--peers=right") == NULL);
    entries = table;
    entry_count = 4;
}
END_TEST

/* What is said of a row at once. */
static void says_at_once(const struct bench_result *row, const char *begin, const char *end)
{
    char said[1024];
    const struct ear ear = listen_to_errors();
    bench_progress_left_out(row);
    heard(ear, said);
    ck_assert_msg(!strncmp(said, begin, strlen(begin)) && strstr(said, end), "%s", said);
}

static void summary_has(const struct bench_results *results, const char *line, int lines)
{
    const struct bench_exports none = {0};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert(out && bench_print_summary(results, &none, out) && !fclose(out));
    int count = 0;
    for (const char *at = text; (at = strstr(at, line)); at++) count++;
    ck_assert_msg(count == lines, "%d of \"%s\" in:\n%s", count, line, text);
    free(text);
}

/* A library without code for a problem computes nothing wrong: its rows are not run, and called so, beside those of a
 * library that fails. */
START_TEST(unable_peers)
{
    static const struct bench_peer_entry both[] = {{"unable", "libunable-dev", &unable},
                                                   {"broken", "libbroken-dev", &broken}};
    struct bench_comparison c;
    entries = both;
    entry_count = 2;
    struct bench_suite *suite = make("--peers");
    ck_assert_ptr_nonnull(suite);
    time_all(suite);
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        if (row->kind == BENCH_OURS) continue;
        ck_assert_int_eq(row->verdict, row->peer ? BENCH_BROKEN : BENCH_NOT_RUN);
        ck_assert_int_eq(bench_is_wrong(row), row->peer);
        ck_assert_int_eq(row->count, 0);
        if (!row->peer) ck_assert_str_eq(row->failure, "not run: relu: unimplemented");
        if (row->peer) says_at_once(row, "WRONG broken_3 (", "\": failed: does not load\n");
        else says_at_once(row, "unable_4 (by heart) on \"conv2d", "\": not run: relu: unimplemented\n");
    }
    ck_assert_int_eq(bench_results_status(&suite->results), 0);
    ck_assert_int_eq(suite->results.windows_done, suite->results.windows);
    ck_assert(bench_compare(&suite->results, 0, &c));
    ck_assert(c.count == 0 && c.left_out == 3);
    bench_comparison_free(&c);
    summary_has(&suite->results, "\nPeers: 3 rows not run: relu: unimplemented (mnist.conv3/unable_4_", 1);
    summary_has(&suite->results, "\nNot compared: 3 of peers' rows, the first mnist.conv3/broken_3_", 1);
    bench_suite_free(suite);
    suite = make("--peers=unable");
    ck_assert_ptr_nonnull(suite);
    time_all(suite);
    summary_has(&suite->results, "Not compared", 0);
    bench_suite_free(suite);
    entries = table;
    entry_count = 4;
}
END_TEST

/* A second row of a peer, which says what it is and enters no comparison. */
START_TEST(conversions)
{
    struct bench_comparison c;
    struct bench_suite *suite = make("--peers=right");
    ck_assert_ptr_nonnull(suite);
    ck_assert_int_eq(count_rows(suite, BENCH_PEER_CONVERTED, 0), 0);
    bench_suite_free(suite);
    suite = make("--peers=right --conversions");
    ck_assert_ptr_nonnull(suite);
    ck_assert_int_eq(count_rows(suite, BENCH_PEER, 0), 3);
    ck_assert_int_eq(count_rows(suite, BENCH_PEER_CONVERTED, 0), 3);
    time_all(suite);
    for (int i = 0; i < suite->results.row_count; i++) {
        const struct bench_result *row = &suite->results.rows[i];
        const char *end = strrchr(row->name, '_');
        if (row->kind == BENCH_OURS) continue;
        ck_assert_int_eq(!strcmp(end, "_converted"), row->kind == BENCH_PEER_CONVERTED);
        ck_assert_str_eq(row->kernel, row->kind == BENCH_PEER ? "right_1 (by heart)" : "right_1 (by heart, converted)");
        ck_assert_int_eq(row->verdict, BENCH_RIGHT);
    }
    ck_assert(bench_compare(&suite->results, 0, &c));
    ck_assert_int_eq(c.count, 3);
    for (int i = 0; i < c.count; i++) ck_assert_int_eq(c.pairs[i].theirs->kind, BENCH_PEER);
    bench_comparison_free(&c);
    bench_suite_free(suite);
}
END_TEST

int main(void)
{
    suite_unset_settings(); /* not the subject here */
    Suite *suite = suite_create("peers");
    TCase *cases = tcase_create("peers");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, which);
    tcase_add_test(cases, wrong_peers);
    tcase_add_test(cases, bounds);
    tcase_add_test(cases, broken_peers);
    tcase_add_test(cases, unable_peers);
    tcase_add_test(cases, conversions);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

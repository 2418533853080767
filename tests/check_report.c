/* SPDX-License-Identifier: BSD-2-Clause
 * Kept results: what was written is read back and is written the same again; files that are none are refused with the
 * place that is wrong; and the page has the numbers that follow from made-up results with known answers, and of their
 * texts no markup. Pictures are for check_page.sh. */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench/json.h"
#include "bench/json_read.h"
#include "bench/report/report.h"
#include "tests/made_up.h"
#include "tests/suite.h"

static char folder[512];

static void make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.400s/check_report.XXXXXX", temporary ? temporary : "/tmp");
    ck_assert(mkdtemp(folder) != NULL);
    ck_assert(!setenv("PATH", folder, 1)); /* no gnuplot there */
}

static void remove_folder(void)
{
    static const char *const names[] = {"a.json", "b.json", "b|1.json", "programs.json", "train.json", "model.json",
                                        "orders.json", "page.html", "stderr"};
    char path[600];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    ck_assert(!rmdir(folder)); /* nothing else was left behind */
}

static const char *path_of(const char *name)
{
    static char paths[4][600];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    ck_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

static char *read_file(const char *name)
{
    static char text[1 << 20];
    FILE *file = fopen(path_of(name), "r");
    ck_assert_msg(file != NULL, "%s is not there", name);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* ---- results that are known ---- */

static const struct bench_context machine = {
    .date = "2026-01-02T03:04:05+0000", .host = "tester", .cpu = "Slide Rule 9000", .isas = "scalar avx2",
    .version = "fastcnn 9.8.7", .compiler = "gcc 99", .cores = 3, .l1d = 48 << 10, .l2 = 1 << 20, .l3 = 32 << 20};

static struct bench_problem *add_problem(struct made_up *m, const char *layer, const char *text)
{
    struct bench_problem *p = made_up_problem(m, FCNN_FORWARD, 7);
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    snprintf(p->text, sizeof p->text, "%s", text);
    ck_assert_int_eq(fcnn_problem_parse(&p->problem, text), FCNN_OK);
    return p;
}

/* What dispatch takes, the reference and a peer, with so many seconds. */
static void add_layer(struct made_up *m, const char *layer, const char *text, double ours, double reference,
                      double peer)
{
    const struct bench_problem *p = add_problem(m, layer, text);
    made_up_row(m, p, "k_avx2", FCNN_AVX2, SECONDS(ours, ours, ours))->is_chosen = 1;
    made_up_row(m, p, "k_naive", FCNN_SCALAR, SECONDS(reference, reference, reference))->is_reference = 1;
    made_up_row(m, p, "peer_1 (fast)", FCNN_AVX2, SECONDS(peer, peer, peer))->kind = BENCH_PEER;
}

#define FORWARD_1 "conv2d forward mb1ic16ih7oc16oh7kh3ph1"
#define FORWARD_2 "conv2d forward mb1ic16ih7oc32oh7kh3ph1"
#define BACKWARD "conv2d backward_data mb1ic16ih7oc16oh7kh3ph1"

static void make_results(struct made_up *m)
{
    made_up_start(m);
    m->results.peers[m->results.peer_count++] = "peer_1";
    m->results.seconds = 12;
    add_layer(m, "net.one", FORWARD_1, 1, 4, 2);
    add_layer(m, "net.two", FORWARD_2, 2, 18, 1);
    add_layer(m, "other.one", BACKWARD, 1, 2, 3);
}

static void keep(const struct bench_results *results, const char *name)
{
    FILE *file = fopen(path_of(name), "w");
    ck_assert(file && bench_json_write_kept(results, &machine, file) && !fclose(file));
}

static void keep_made_up(const char *name)
{
    struct made_up m;
    make_results(&m);
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, name);
}

/* ---- there and back ---- */

/* One row of each kind, with numbers that have many digits. */
static void make_all_kinds(struct made_up *m)
{
    make_results(m);
    m->results.threads = 2;
    m->results.signal = 15;
    const struct bench_problem *p = add_problem(m, "relu", "relu forward mb1ic16ih7");
    m->problems[3].flops = 0;
    struct bench_result *row = made_up_row(m, p, "odd", FCNN_AVX512, SECONDS(1 / 3., 0.1 / 7, 1e-7 / 3, 0.7));
    row->samples[1].bounds = (struct bench_bounds){0, 1 / 9.};
    row->samples[2].events = (struct bench_events){3, 5};
    row->events = (struct bench_events){4, 6};
    row->is_doubted = 1;
    row->error = NAN;
    row->threads = 2;
    made_up_row(m, p, "wrong", FCNN_AVX2, SECONDS(1))->verdict = BENCH_WRONG;
    m->rows[10].count = 0;
    snprintf(m->rows[10].failure, sizeof m->rows[10].failure, "wrong: \"x\" \\ <y>");
    row = made_up_row(m, p, "broken", FCNN_AVX2, SECONDS(1));
    row->verdict = BENCH_BROKEN;
    row->status = FCNN_OUT_OF_MEMORY;
    row->count = 0;
    row = made_up_row(m, p, "waiting", FCNN_AVX2, SECONDS(0));
    row->verdict = BENCH_UNCHECKED;
    made_up_row(m, p, "peer auto", FCNN_AVX2, SECONDS(1, 2))->kind = BENCH_PEER_AUTO;
    made_up_row(m, p, "peer converted", FCNN_AVX2, SECONDS(1, 2))->kind = BENCH_PEER_CONVERTED;
    made_up_row(m, p, "w", FCNN_AVX2, SECONDS(1, 2, 3))->numerics = FCNN_WINOGRAD_F4;
}

static void check_row(const struct bench_result *got, const struct bench_result *want)
{
    ck_assert_str_eq(got->name, want->name);
    ck_assert_str_eq(got->suffix, want->suffix);
    ck_assert_str_eq(got->kernel, want->kernel);
    ck_assert_str_eq(got->failure, want->failure);
    ck_assert_str_eq(got->of->layer, want->of->layer);
    ck_assert_str_eq(got->of->text, want->of->text);
    ck_assert(!memcmp(&got->of->problem, &want->of->problem, sizeof want->of->problem));
    ck_assert(got->of->flops == want->of->flops && got->of->bytes == want->of->bytes);
    ck_assert(got->isa == want->isa && got->numerics == want->numerics && got->kind == want->kind);
    ck_assert(got->verdict == want->verdict && got->status == want->status && got->peer == want->peer);
    ck_assert(got->is_chosen == want->is_chosen && got->is_doubted == want->is_doubted);
    ck_assert(got->is_reference == want->is_reference && got->threads == want->threads);
    ck_assert(got->windows == want->windows && got->count == want->count && got->executions == want->executions);
    ck_assert(!memcmp(&got->events, &want->events, sizeof want->events));
    ck_assert(got->error == want->error || (isnan(got->error) && isnan(want->error)));
    for (int i = 0; i < want->count; i++) {
        const struct bench_sample *a = &got->samples[i], *b = &want->samples[i];
        ck_assert(fabs(a->wall / b->wall - 1) < 1e-14 && fabs(a->cpu / b->cpu - 1) < 1e-14);
        ck_assert(fabs(a->bounds.traffic / b->bounds.traffic - 1) < 1e-14 && a->iterations == b->iterations);
        ck_assert(want->of->flops == 0 || a->bounds.peak == b->bounds.peak);
        ck_assert(!memcmp(&a->events, &b->events, sizeof b->events) || want->kind != BENCH_OURS);
    }
}

START_TEST(round_trip)
{
    struct made_up m;
    struct bench_kept kept;
    make_all_kinds(&m);
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, "a.json");
    ck_assert_int_eq(bench_json_read(path_of("a.json"), &kept), 0);
    ck_assert(!memcmp(&kept.context, &machine, sizeof machine));
    ck_assert_int_eq(kept.results.row_count, m.results.row_count);
    ck_assert_int_eq(kept.results.problem_count, m.results.problem_count);
    for (int i = 0; i < m.results.row_count; i++) check_row(&kept.results.rows[i], &m.rows[i]);
    ck_assert(kept.results.threads == 2 && kept.results.signal == 15 && kept.results.seconds == 12);
    ck_assert(kept.results.windows == m.results.windows && kept.results.windows_done == m.results.windows_done);
    ck_assert_int_eq(kept.results.peer_count, 1);
    ck_assert_str_eq(kept.results.peers[0], "peer_1");
    FILE *file = fopen(path_of("b.json"), "w");
    ck_assert(file && bench_json_write_kept(&kept.results, &kept.context, file) && !fclose(file));
    bench_kept_free(&kept);
    char *first = strdup(read_file("a.json"));
    ck_assert_str_eq(read_file("b.json"), first);
    free(first);
}
END_TEST

/* ---- files that are none ---- */

/* Calls and returns what it says; *status is its result. */
static const char *words_of(const char *name, int *status)
{
    struct bench_kept kept;
    fflush(stderr);
    const int before = dup(2), into = open(path_of("stderr"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(into, 2);
    *status = bench_json_read(path_of(name), &kept);
    bench_kept_free(&kept);
    fflush(stderr);
    dup2(before, 2);
    close(before);
    close(into);
    return read_file("stderr");
}

static void check_refused(const char *name, int want, const char *part)
{
    int status;
    const char *words = words_of(name, &status);
    ck_assert_msg(status == want && strstr(words, part) && strstr(words, name), "%d, not %d, \"%s\": %s", status, want,
                  part, words);
}

/* The first `from` behind the first "benchmarks", or before it, becomes `to`. */
static void replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    ck_assert_msg(at != NULL, "no %s", from);
    FILE *file = fopen(path_of("b.json"), "w");
    ck_assert(file && fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0 && !fclose(file));
}

START_TEST(bad_files)
{
    static const struct { const char *from, *to, *part; } cases[] = {
        {"\"date\"", "\"tade\"", "context.date: is missing"},
        {"\"kernel_threads\": 1", "\"kernel_threads\": 0", "context.kernel_threads: expected an integer"},
        {"\"kernel_threads\": 1", "\"kernel_threads\": 1e300", "context.kernel_threads"},
        {"\"size\": 49152", "\"size\": -1", "context.caches[0].size"},
        {"\"peers\": [", "\"peers\": [1, ", "context.peers"},
        {"\"peers\": [", "\"peers\": [\"b\", \"c\", \"d\", \"e\", ", "context.peers: more than"},
        {"\"seconds\": 12.0", "\"seconds\": \"12\"", "context.seconds"},
        {"\"benchmarks\": [", "\"benchmarks\": {}, \"x\": [", "benchmarks: expected a list"},
        {"\"isa\": \"avx2\"", "\"isa\": \"avx9\"", "benchmarks[0].isa: \"avx9\" is not known"},
        {"\"class\": \"exact\"", "\"class\": 1", "benchmarks[0].class: expected a text"},
        {"\"problem\": \"conv2d", "\"problem\": \"conv3d", "benchmarks[0].problem"},
        {"\"layer\": \"net.one\"", "\"layer\": \"net\\u001b[31m\"", "benchmarks[0].layer: has control characters"},
        {"\"layer\": \"net.one\"",
         "\"layer\": \"0123456789012345678901234567890123456789012345678901234567890123\"",
         "benchmarks[0].layer: expected less than 64 bytes"},
        {"\"chosen\": true", "\"chosen\": 1", "benchmarks[0].chosen: expected true or false"},
        {"\"repetitions\": 9", "\"repetitions\": 2", "benchmarks[0].repetitions: there are more windows"},
        {"\"repetitions\": 9", "\"repetitions\": 9000000000", "benchmarks[0].repetitions"},
        {"\"iterations\": 4", "\"iterations\": 0", "benchmarks[0].iterations"},
        {"\"real_time\": 2000000.0", "\"real_time\": -2", "benchmarks[0].real_time: expected a number"},
        {"\"time_unit\": \"us\"", "\"time_unit\": \"ms\"", "benchmarks[0].time_unit"},
        {"\"suffix\": \"/real_time\"", "\"suffix\": \"/cpu\"", "benchmarks[0].run_name"},
        {"\"peer\": 0", "\"peer\": 1", "].peer: expected an integer from 0 to 0"},
    };
    keep_made_up("a.json");
    char *text = strdup(read_file("a.json"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        replace(text, cases[i].from, cases[i].to);
        check_refused("b.json", EX_DATAERR, cases[i].part);
    }
    free(text);
    write_file("b.json", "");
    check_refused("b.json", EX_DATAERR, "b.json:1: ");
    write_file("b.json", "{\n\n\"a\": x}");
    check_refused("b.json", EX_DATAERR, "b.json:3: ");
    write_file("b.json", "[1, 2]");
    check_refused("b.json", EX_DATAERR, "not what fastcnn-bench --json writes");
    check_refused("no_such.json", EX_NOINPUT, "No such file");
}
END_TEST

/* ---- the page ---- */

static const char *page_of(const char *const *names, int count)
{
    const char *paths[4];
    for (int i = 0; i < count; i++) paths[i] = strdup(path_of(names[i]));
    ck_assert(freopen("/dev/null", "w", stderr)); /* it says that there is no gnuplot */
    ck_assert_int_eq(bench_report(path_of("page.html"), paths, count), 0);
    for (int i = 0; i < count; i++) free((char *)(uintptr_t)paths[i]);
    return read_file("page.html");
}

static void check_has(const char *page, const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "the page does not have %s", part);
}

#define HEAD(x) "<th scope=\"row\">" x "</th>"
#define TEXT(x) "<td>" x "</td>"
#define NUMBER(x) "<td class=\"n\">" x "</td>"
#define LOSS(x) "<td class=\"n loss\">" x "</td>"

START_TEST(numbers)
{
    keep_made_up("a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    /* times faster than the reference 4, 9 and 2, than the peer 2, 1/2 and 3 */
    check_has(page, HEAD("net") TEXT("forward") NUMBER("2") NUMBER("6.00") NUMBER("1.00") LOSS("0.50"));
    check_has(page, HEAD("net") TEXT("all") NUMBER("2") NUMBER("6.00") NUMBER("1.00") LOSS("0.50"));
    check_has(page, HEAD("other") TEXT("backward_data") NUMBER("1") NUMBER("2.00") NUMBER("3.00") NUMBER("3.00"));
    check_has(page, HEAD("all") TEXT("all") NUMBER("3") NUMBER("4.16") NUMBER("1.44") LOSS("0.50"));
    check_has(page, "1.44 times faster over 3 layers and directions; slower in 1, below 0.95 in 1.");
    check_has(page, "<li><b class=\"loss\">0.50</b> net.two <small>forward</small></li>");
    check_has(page, "<li><b class=\"gain\">3.00</b> other.one <small>backward_data</small></li>");
    check_has(page, "54 of 81 windows"); /* nine planned, three timed, for nine rows */
    check_has(page, "Slide Rule 9000, 3 cores");
    check_has(page, "L1 48 KB, L2 1 MB, L3 32 MB");
    check_has(page, "2026-01-02T03:04:05+0000, tester");
    check_has(page, "fastcnn 9.8.7; gcc 99");
    check_has(page, "scalar 8, avx2 8 GFLOP/s");
    /* 2 GFLOP in 2 s, of a peak of 8 GFLOP/s; the traffic takes 0.125 s */
    check_has(page, NUMBER("0.0") NUMBER("1.00") NUMBER("12.5") NUMBER("6.2") NUMBER("9.00") LOSS("0.50")
                    NUMBER("2.5"));
    check_has(page, "<tr class=\"chosen\">" HEAD("net.two") TEXT("forward") TEXT("*") TEXT("k_avx2") TEXT("avx2"));
    check_has(page, "Not drawn: this needs gnuplot");
    ck_assert(!strstr(page, "id=\"sides\"") && !strstr(page, "id=\"training\""));
}
END_TEST

START_TEST(not_timed)
{
    struct made_up m;
    make_results(&m);
    m.rows[0].verdict = BENCH_WRONG;
    snprintf(m.rows[0].failure, sizeof m.rows[0].failure, "wrong: dst[3]");
    m.rows[4].count = 2;
    snprintf(m.rows[4].failure, sizeof m.rows[4].failure, "not timed: no time left");
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    check_has(page, "Wrong bits or failed: 1 of our kernels.");
    check_has(page, "<li>1 kernel: wrong: dst[3]</li>");
    check_has(page, "<li>1 kernel: not timed: no time left</li>");
    check_has(page, HEAD("net") TEXT("forward") NUMBER("1") NUMBER("&ndash;") LOSS("0.50") LOSS("0.50"));
}
END_TEST

START_TEST(no_markup)
{
    struct made_up m;
    make_results(&m);
    m.results.peers[0] = "</script><b>&amp;";
    snprintf(m.problems[0].layer, sizeof m.problems[0].layer, "<script>alert('1')</script>\"`");
    for (int i = 0; i < 3; i++) snprintf(m.rows[i].name, sizeof m.rows[i].name, "x/k%d", i);
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    ck_assert(!strstr(page, "<script>alert") && !strstr(page, "</script><b>"));
    check_has(page, HEAD("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;`"));
    check_has(page, "\\u003c/script\\u003e\\u003cb\\u003e\\u0026amp;");
}
END_TEST

/* The second run is twice as fast on one layer and has lost another. */
START_TEST(side_by_side)
{
    struct made_up m;
    keep_made_up("a.json");
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "peer_1";
    add_layer(&m, "net.one", FORWARD_1, 0.5, 4, 4);
    add_layer(&m, "net.two", FORWARD_2, 4, 18, 1);
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, "b.json");
    const char *page = page_of((const char *const[]){"a.json", "b.json"}, 2);
    check_has(page, HEAD("net.one") TEXT("forward") "<td class=\"n\" data-value=\"1\">    1.00 s </td>" NUMBER("2.00")
                    NUMBER("2.00") NUMBER("8.00"));
    check_has(page, LOSS("0.50") LOSS("0.50") LOSS("0.25"));
    check_has(page, HEAD("other.one") TEXT("backward_data") "<td class=\"n\" data-value=\"1\">    1.00 s </td>"
                    NUMBER("&ndash;") NUMBER("3.00") NUMBER("&ndash;"));
    check_has(page, NUMBER("1.00") NUMBER("&ndash;") NUMBER("&ndash;") NUMBER("&ndash;") NUMBER("1.00") NUMBER("2"));
    keep(&m.results, "b|1.json");
    page = page_of((const char *const[]){"a.json", "b|1.json"}, 2);
    check_has(page, "<th scope=\"col\" class=\"n\">b/1.json</th><th scope=\"col\" class=\"n\">a.json x peer</th>");
}
END_TEST

START_TEST(training)
{
    keep_made_up("a.json");
    write_file("programs.json", "{\"results\": [{\"command\": \"<one>\", \"mean\": 2.0, \"stddev\": 0.1, \"min\": 1.9, "
               "\"max\": 2.2}, {\"command\": \"two\", \"mean\": 4.0, \"stddev\": 0.2, \"min\": 3, \"max\": 5}]}");
    write_file("train.json", "{\"speed\": {\"isa\": \"avx2\", \"threads\": 2, \"peak_gflops\": 100.0, "
               "\"epoch_seconds\": 0.75, \"bound_seconds\": 1.5}, \"receipt\": {\"weights\": \"abc\"}}");
    const char *page = page_of((const char *const[]){"programs.json", "a.json", "train.json"}, 3);
    check_has(page, HEAD("&lt;one&gt;") "<td class=\"n\" data-value=\"2\">    2.00 s </td>" NUMBER("5.0"));
    check_has(page, "<td class=\"n\" data-value=\"5\">    5.00 s </td>" LOSS("0.50"));
    check_has(page, HEAD("train.json") TEXT("avx2") NUMBER("2") NUMBER("100.0"));
    check_has(page, NUMBER("0.50") TEXT("abc"));
}
END_TEST

/* With eight images ours takes 2 s in place of 1, which is 4 times faster for each of them; the peer 4 in place of 2.
 * The other layer has one batch: it is no slower than itself. */
START_TEST(batches)
{
    struct made_up m;
    made_up_start(&m);
    m.results.peers[m.results.peer_count++] = "peer_1";
    add_layer(&m, "net.one@8", FORWARD_1, 2, 8, 8);
    add_layer(&m, "net.one@1", FORWARD_1, 1, 4, 2);
    add_layer(&m, "net.two@8", FORWARD_2, 1, 9, 2);
    add_layer(&m, "net.2@x", FORWARD_2, 1, 9, 2);
    ck_assert(bench_results_summarize(&m.results));
    keep(&m.results, "a.json");
    const char *page = page_of((const char *const[]){"a.json"}, 1);
    check_has(page, HEAD("net.one@1") TEXT("forward") NUMBER("1") "<td class=\"n\" data-value=\"1\">    1.00 s </td>"
                    "<td class=\"n\" data-value=\"1\">    1.00 s </td>" NUMBER("1.00") NUMBER("1.00"));
    check_has(page, HEAD("net.one@8") TEXT("forward") NUMBER("8") "<td class=\"n\" data-value=\"2\">    2.00 s </td>"
                    "<td class=\"n\" data-value=\"0.25\">  250.00 ms</td>" NUMBER("4.00") NUMBER("2.00"));
    /* geometric means: of 4 and 1, 4 and 9, 4 and 2 */
    check_has(page, HEAD("forward") NUMBER("8") NUMBER("2") NUMBER("2.00") NUMBER("6.00") NUMBER("2.83"));
    check_has(page, HEAD("forward") NUMBER("1") NUMBER("1") NUMBER("1.00") NUMBER("4.00") NUMBER("2.00"));
    check_has(page, "Batches, forward: times faster per image than with the fewest images");
    check_has(page, "Batches: times faster than peer_1, geometric means");
    const char *table = strstr(page, "id=\"batches0\""), *end = strstr(table, "</table>");
    ck_assert(strstr(table, "net.2@x") > end);
    keep_made_up("b.json");
    ck_assert(!strstr(page_of((const char *const[]){"b.json"}, 1), "Batches"));
    ck_assert(!strstr(page_of((const char *const[]){"a.json", "b.json"}, 2), "id=\"sides\"")); /* no layer in common */
}
END_TEST

#define PREDICTED(program, images, what, us) "{\"program\": \"" program "\", \"threads\": 2, \"images\": " images \
    ", \"aggregate_name\": \"" what "\", \"real_time\": " us ", \"iterations\": 33}"

START_TEST(predictions)
{
    keep_made_up("a.json");
    write_file("model.json", "{\"context\": {\"cpu\": \"Abacus\"}, \"model\": {\"name\": \"mnist\"}, \"benchmarks\": ["
               PREDICTED("fastcnn 9", "1", "median", "20") ", " PREDICTED("fastcnn 9", "1", "p99", "30") ", "
               PREDICTED("fastcnn 9", "10000", "median", "5e5") ", " PREDICTED("<PyTorch>", "1", "median", "80") ", "
               PREDICTED("<PyTorch>", "10000", "median", "250000.0") ", 7, {\"images\": \"x\"}]}");
    const char *page = page_of((const char *const[]){"model.json", "a.json"}, 2);
    check_has(page, HEAD("fastcnn 9") NUMBER("2") "<td class=\"n\" data-value=\"2e-05\">   20.00 us</td>"
                    "<td class=\"n\" data-value=\"3e-05\">   30.00 us</td>" NUMBER("33") NUMBER("1.00")
                    "<td class=\"n\" data-value=\"0.5\">  500.00 ms</td>" NUMBER("20000") NUMBER("1.00") TEXT("Abacus")
                    TEXT("model.json"));
    check_has(page, HEAD("&lt;PyTorch&gt;") NUMBER("2") "<td class=\"n\" data-value=\"8e-05\">   80.00 us</td>"
                    NUMBER("&ndash;") NUMBER("33") LOSS("0.25") "<td class=\"n\" data-value=\"0.25\">  250.00 ms</td>"
                    NUMBER("40000") NUMBER("2.00"));
    check_has(page, "One image: microseconds, median (less is better)");
    check_has(page, "10000 images: images a second (more is better)");
    write_file("model.json", "{\"model\": {}, \"benchmarks\": 3}");
    ck_assert(!strstr(page_of((const char *const[]){"model.json", "a.json"}, 2), "id=\"predictions\""));
}
END_TEST

START_TEST(orders)
{
    keep_made_up("a.json");
    write_file("orders.json",
               "[{\"problem\": \"p<\", \"kernel\": \"k\", \"class\": \"exact\", \"output\": \"dst\", \"terms\": 9, "
               "\"documented\": true, \"depends_on_threads\": false, \"document\": \"chain of 9\", "
               "\"threads_8\": \"chain too\", \"threads_1\": \"chain\"}, "
               "{\"problem\": \"p\", \"kernel\": \"theirs\", \"class\": \"peer\", \"output\": \"dst\", \"terms\": 9, "
               "\"documented\": false, \"depends_on_threads\": false, \"failure\": \"none\"}, 7]");
    const char *page = page_of((const char *const[]){"a.json", "orders.json"}, 2);
    check_has(page, HEAD("p&lt;") TEXT("dst") TEXT("k") TEXT("exact") NUMBER("9") TEXT("chain") TEXT("8: chain too")
                    TEXT("no") TEXT("yes") TEXT("chain of 9"));
    check_has(page, TEXT("theirs") TEXT("peer") NUMBER("9") TEXT("none") TEXT("") TEXT("") TEXT("") TEXT(""));
}
END_TEST

START_TEST(bad_sources)
{
    write_file("train.json", "{\"speed\": 1}");
    write_file("programs.json", "{\"results\": []}");
    const char *train = path_of("train.json"), *programs = path_of("programs.json"), *page = path_of("page.html");
    ck_assert(freopen("/dev/null", "w", stderr));
    ck_assert_int_eq(bench_report(page, &train, 1), EX_DATAERR);
    ck_assert_int_eq(bench_report(page, &programs, 1), EX_USAGE); /* no results */
    ck_assert(access(page, F_OK) != 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, bad_files);
    tcase_add_test(cases, numbers);
    tcase_add_test(cases, not_timed);
    tcase_add_test(cases, no_markup);
    tcase_add_test(cases, side_by_side);
    tcase_add_test(cases, batches);
    tcase_add_test(cases, predictions);
    tcase_add_test(cases, orders);
    tcase_add_test(cases, training);
    tcase_add_test(cases, bad_sources);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

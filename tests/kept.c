/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kept.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/json.h"
#include "tests/paths.h"

static char folder[512];

void kept_make_folder(void)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.400s/check_kept.XXXXXX", temporary ? temporary : "/tmp");
    ck_assert(mkdtemp(folder) != NULL);
    ck_assert(!setenv("PATH", folder, 1)); /* no gnuplot there */
}

void kept_remove_folder(void)
{
    static const char *const names[] = {"a.json", "b.json", "b|1.json", "programs.json", "train.json", "model.json",
                                        "orders.json", "page.html", "stderr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(kept_path(names[i]));
    ck_assert(!rmdir(folder)); /* nothing else was left behind */
}

const char *kept_path(const char *name) { return path_in(folder, name, ""); }

void kept_write(const char *name, const char *text)
{
    FILE *file = fopen(kept_path(name), "w");
    ck_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

char *kept_read(const char *name)
{
    static char text[1 << 20];
    FILE *file = fopen(kept_path(name), "r");
    ck_assert_msg(file != NULL, "%s is not there", name);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* ---- results that are known ---- */

const struct bench_context kept_machine = {
    .date = "2026-01-02T03:04:05+0000", .host = "tester", .cpu = "Slide Rule 9000", .isas = "scalar avx2",
    .version = "fastcnn 9.8.7", .compiler = "gcc 99", .cores = 3, .l1d = 48 << 10, .l2 = 1 << 20, .l3 = 32 << 20};

struct bench_problem *kept_add_problem(struct made_up *m, const char *layer, const char *text)
{
    struct bench_problem *p = made_up_problem(m, FCNN_FORWARD, 7);
    snprintf(p->layer, sizeof p->layer, "%s", layer);
    snprintf(p->text, sizeof p->text, "%s", text);
    ck_assert_int_eq(fcnn_problem_parse(&p->problem, text), FCNN_OK);
    return p;
}

void kept_add_layer(struct made_up *m, const char *layer, const char *text, double ours, double reference, double peer)
{
    const struct bench_problem *p = kept_add_problem(m, layer, text);
    made_up_row(m, p, "k_avx2", FCNN_AVX2, SECONDS(ours, ours, ours))->is_chosen = 1;
    made_up_row(m, p, "k_naive", FCNN_SCALAR, SECONDS(reference, reference, reference))->is_reference = 1;
    made_up_row(m, p, "peer_1 (fast)", FCNN_AVX2, SECONDS(peer, peer, peer))->kind = BENCH_PEER;
}

void kept_results(struct made_up *m)
{
    made_up_start(m);
    m->results.peers[m->results.peer_count++] = "peer_1";
    m->results.seconds = 12;
    kept_add_layer(m, "net.one", KEPT_FORWARD_1, 1, 4, 2);
    kept_add_layer(m, "net.two", KEPT_FORWARD_2, 2, 18, 1);
    kept_add_layer(m, "other.one", KEPT_BACKWARD, 1, 2, 3);
}

void kept_keep(const struct bench_results *results, const char *name)
{
    FILE *file = fopen(kept_path(name), "w");
    ck_assert(file && bench_json_write_kept(results, &kept_machine, file) && !fclose(file));
}

void kept_keep_results(const char *name)
{
    struct made_up m;
    kept_results(&m);
    ck_assert(bench_results_summarize(&m.results));
    kept_keep(&m.results, name);
}

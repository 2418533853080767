/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn verify: the run of a receipt again, on this machine, and whether it comes out the same. docs/proof.md says
 * what that proves. */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

static const char *const words[] = {"VERIFIED", "DIFFERS", "CANNOT BE VERIFIED"};
static const char *const values[] = {"verified", "differs", "cannot be verified"};

/* ---- text ---- */

static void print_run(const struct verification *v)
{
    const struct fcnn_receipt_file *r = &v->receipt;
    char epochs[48], steps[48], images[48], kind[200];
    if (!v->whole) return;
    snprintf(kind, sizeof kind, "%s", r->kind);
    printf("receipt   %s: %s, %s, %s of %s; %s, numerics %d\n", v->path, cli_count_of(r->fit.epochs, "epoch", epochs),
           cli_count_of(r->steps - r->first.steps, "step", steps), cli_count_of(r->images, "image", images),
           program_printable(kind), r->math, r->numerics);
    printf("weights   %s\n", r->weights);
    if (v->compared_steps > 0)
        printf("repeated  %s, %s in %.3g s%s\n", cli_count_of(v->compared_epochs, "epoch", epochs),
               cli_count_of(v->compared_steps, "step", steps), v->seconds,
               v->trail ? ", each step held against the trail" : "");
}

/* Numbers that are not finite are no good run, but may be the receipt's. */
static int has_diverged(const struct verification *v)
{
    return json_is_integer(json_object_get(json_object_get(v->receipt.json, "result"), "diverged_step"));
}

static void print_verdict(const struct verification *v)
{
    const int good = v->verdict == VERIFIED;
    printf("%s%s%s", cli_color(stdout, good ? CLI_GREEN : CLI_RED), words[v->verdict], cli_color(stdout, CLI_PLAIN));
    if (!good) printf(": %s\n", v->reason);
    else if (v->checkpoint)
        printf(": from step %lld on %s the receipt's weights bit for bit; what was before was not repeated\n",
               (long long)v->from, v->epochs ? "the epochs asked for give" : "the run gives");
    else if (v->epochs)
        printf(": a prefix: the first %d of %d epochs give the receipt's weights bit for bit; the rest was not "
               "repeated\n", v->epochs, v->receipt.fit.epochs);
    else
        printf(": the whole run%s gives the receipt's weights bit for bit, and every other number in it\n",
               has_diverged(v) ? ", which diverged," : "");
}

/* ---- JSON ---- */

static json_t *text_or_null(const char *text) { return *text ? cli_json_text(text) : json_null(); }

static json_t *place_json(const struct verification *v)
{
    if (v->verdict != DIFFERS) return json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "epoch", v->epoch ? json_integer(v->epoch) : json_null(), "step",
                     v->step ? json_integer(v->step) : json_null(), "tensor", text_or_null(v->tensor), "member",
                     text_or_null(v->difference.member), "expected", text_or_null(v->difference.expected), "found",
                     text_or_null(v->difference.found));
}

static json_t *verification_json(const struct verification *v)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:b, s:I, s:I, s:I, s:o, s:f}", "command", "verify", "receipt",
                     cli_json_text(v->path), "verdict", values[v->verdict], "reason", text_or_null(v->reason), "prefix",
                     v->epochs > 0, "from_step", (json_int_t)v->from, "epochs", (json_int_t)v->compared_epochs,
                     "steps", (json_int_t)v->compared_steps, "differs", place_json(v), "seconds", v->seconds);
}

static int report(const struct verification *v)
{
    int code = EXIT_SUCCESS;
    if (cli_json) code = cli_print_json(verification_json(v));
    else {
        print_run(v);
        print_verdict(v);
    }
    return code ? code : (int)v->verdict;
}

static int run(int argc, char **argv)
{
    struct verification v = {.t = {.verbose = 1}};
    const int first = cli_parse(&cli_verify, argc, argv, &v);
    if (argc - first != 1) cli_usage(&cli_verify, "expected one receipt, found %d", argc - first);
    v.path = argv[first];
    const fcnn_status status = fcnn_options_check(&v.t.kernels); /* of this machine, and no matter of the receipt's */
    int code = status ? program_failed(status) : verify_run(&v);
    if (!code) code = report(&v);
    fcnn_receipt_close(&v.receipt);
    return code;
}

#define FIELD(name) offsetof(struct verification, name)
static const struct cli_option options[] = {
    {"data", "PATH", "The data that the run trained on, if they were not synthetic digits", CLI_TEXT,
     .field = FIELD(t.data.directory)},
    {"epochs", "N", "Repeat the first N epochs alone", CLI_INT, .field = FIELD(epochs), .low = 1, .high = 1000000},
    {"initial", "FILE", "The model that the run was trained from, if it did not begin with weights drawn from its seed",
     CLI_TEXT, .field = FIELD(initial)},
    {"from-checkpoint", "FILE", "Begin at this checkpoint of the run, at the end of an epoch, or anywhere with --trail",
     CLI_TEXT, .field = FIELD(checkpoint)},
    {"trail", "FILE", "The run's trail: a difference is named by step, layer and tensor", CLI_TEXT,
     .field = FIELD(trail)},
    {"isa", "NAME", "Use no instruction set beyond NAME (default: FASTCNN_ISA, else all the CPU has)", CLI_TEXT,
     .field = FIELD(t.kernels.isa)},
    {"kernel", "NAMES", "Kernels to use, as for train; the receipt decides about their classes", CLI_TEXT,
     .field = FIELD(t.kernels.kernel)},
    {"threads", "N", "Threads (default: FASTCNN_NUM_THREADS, else OMP_NUM_THREADS, else all cores)", CLI_INT,
     .field = FIELD(t.kernels.threads), .low = 1, .high = 1024},
    {"verbose", "N", "0: nothing, 1: progress bar (default), 2: one line per epoch", CLI_INT,
     .field = FIELD(t.verbose), .low = 0, .high = 2},
    {"quiet", NULL, "The same as --verbose 0", CLI_SET, .field = FIELD(t.verbose), .low = 0},
    {0}};

const struct cli_command cli_verify = {
    .name = "verify",
    .summary = "repeat the run of a receipt and compare every bit of it",
    .arguments = "RECEIPT",
    .doc = "Repeats a training run from its receipt ('fastcnn train --receipt=FILE') and compares the weights after "
           "each epoch, with --trail after each step, and at the end every number of the receipt. Exits with 0: "
           "verified; 1: differs; 2: cannot be verified (other data, other numerics, a damaged receipt). Where it "
           "came to no answer: 64 usage, 66 no such file, 71 no memory, 130 Ctrl-C.",
    .options = options,
    .run = run,
};

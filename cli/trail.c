/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn trail: where two runs of the same training went apart, by step, layer and tensor. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"
#include "lib/io/trail.h"

enum outcome { SAME, DIFFERENT, NOT_COMPARABLE }; /* the exit codes, too */

struct comparison {
    const char *path[2];
    struct io_trail_reader *reader[2];
    const struct io_trail_step *step[2];
    enum outcome outcome;
    enum io_trail_part part;
    int tensor, tensors;  /* the first one that differs, how many do */
    int64_t steps;        /* equal, after the beginning */
    int64_t last;         /* the number of the last equal step */
    int ends;             /* 1 + which of the two is a prefix of the other; 0: neither */
    char reason[1400];
};

/* No file and no memory are failures; a file that is no trail cannot be compared. */
static int judge(struct comparison *c, fcnn_status status)
{
    if (status == FCNN_BAD_DATA) {
        snprintf(c->reason, sizeof c->reason, "%s", fcnn_io_last_error());
        program_printable(c->reason);
        c->outcome = NOT_COMPARABLE;
        return EXIT_SUCCESS;
    }
    program_complain("%s", fcnn_io_last_error());
    return program_exit_code(status);
}

/* The name of a tensor without its size. */
static void name_of(const struct comparison *c, int tensor, char name[IO_TRAIL_NAME])
{
    const char *text = io_trail_reader_tensor(c->reader[0], tensor);
    snprintf(name, IO_TRAIL_NAME, "%.*s", (int)strcspn(text, " "), text);
    program_printable(name);
}

/* ---- comparing ---- */

static void refuse(struct comparison *c, const char *what, const char *a, const char *b)
{
    snprintf(c->reason, sizeof c->reason, "trails of two kinds of runs: %s '%.600s' and '%.600s'", what, a, b);
    program_printable(c->reason);
    c->outcome = NOT_COMPARABLE;
}

static void compare_heads(struct comparison *c)
{
    char numbers[2][32];
    struct io_trail_reader *a = c->reader[0], *b = c->reader[1];
    const int tensors = io_trail_reader_tensors(a), others = io_trail_reader_tensors(b);
    for (int i = 0; i < 2; i++) snprintf(numbers[i], 32, "%d", io_trail_reader_numerics(c->reader[i]));
    if (strcmp(numbers[0], numbers[1])) refuse(c, "numerics", numbers[0], numbers[1]);
    else if (strcmp(io_trail_reader_math(a), io_trail_reader_math(b)))
        refuse(c, "math", io_trail_reader_math(a), io_trail_reader_math(b));
    for (int i = 0; !c->outcome && i < (tensors > others ? tensors : others); i++) {
        const char *one = i < tensors ? io_trail_reader_tensor(a, i) : "none";
        const char *other = i < others ? io_trail_reader_tensor(b, i) : "none";
        if (strcmp(one, other)) refuse(c, "tensor", one, other);
    }
}

/* Until they differ or one ends. */
static int compare_steps(struct comparison *c)
{
    for (int lines = 0; !c->outcome; lines++) {
        for (int i = 0; i < 2; i++) {
            const fcnn_status status = io_trail_next(c->reader[i], &c->step[i]);
            if (status) return judge(c, status);
        }
        if (!c->step[0] || !c->step[1]) {
            c->ends = c->step[0] ? 2 : c->step[1] ? 1 : 0;
            c->outcome = c->ends ? DIFFERENT : SAME;
            return EXIT_SUCCESS;
        }
        c->part = io_trail_compare(c->step[0], c->step[1], io_trail_reader_tensors(c->reader[0]), &c->tensor,
                                   &c->tensors);
        if (c->part) c->outcome = DIFFERENT;
        else c->last = c->step[0]->step, c->steps = lines;
    }
    return EXIT_SUCCESS;
}

static int compare(struct comparison *c)
{
    int code = EXIT_SUCCESS;
    for (int i = 0; i < 2 && !code && !c->outcome; i++) {
        const fcnn_status status = io_trail_open(&c->reader[i], c->path[i]);
        if (status) code = judge(c, status);
    }
    if (!code && !c->outcome) compare_heads(c);
    return code || c->outcome ? code : compare_steps(c);
}

/* ---- what came of it ---- */

static void describe(const struct comparison *c, char *text, size_t size)
{
    const struct io_trail_step *a = c->step[0], *b = c->step[1];
    char name[IO_TRAIL_NAME], steps[48];
    switch (c->part) {
    case IO_TRAIL_SAME:
        if (!c->ends) snprintf(text, size, "the trails are the same: %s", cli_count_of(c->steps, "step", steps));
        else
            snprintf(text, size, "%s ends after step %lld; up to there they are the same, and %s goes on",
                     c->path[c->ends - 1], (long long)c->last, c->path[2 - c->ends]);
        break;
    case IO_TRAIL_PLACE:
        snprintf(text, size, "%s has step %lld of epoch %lld where %s has step %lld of epoch %lld", c->path[0],
                 (long long)a->step, (long long)a->epoch, c->path[1], (long long)b->step, (long long)b->epoch);
        break;
    case IO_TRAIL_LOSS:
        snprintf(text, size, "step %lld (epoch %lld): the losses are %s and %s; all tensors are the same",
                 (long long)a->step, (long long)a->epoch, a->loss, b->loss);
        break;
    default:
        name_of(c, c->tensor, name);
        snprintf(text, size, "%s %lld (epoch %lld): %s is the first of %d tensor%s of %d that differ",
                 strcmp(a->loss, "-") ? "step" : "the beginning, step", (long long)a->step, (long long)a->epoch, name,
                 c->tensors, c->tensors == 1 ? "" : "s", io_trail_reader_tensors(c->reader[0]));
    }
}

static json_t *comparison_json(const struct comparison *c, const char *sentence)
{
    static const char *const outcomes[] = {"same", "differ", "cannot be compared"};
    char name[IO_TRAIL_NAME];
    json_t *place = json_null();
    if (c->part == IO_TRAIL_TENSOR) name_of(c, c->tensor, name);
    if (c->part)
        place = json_pack("{s:I, s:I, s:o, s:i}", "epoch", (json_int_t)c->step[0]->epoch, "step",
                          (json_int_t)c->step[0]->step, "tensor",
                          c->part == IO_TRAIL_TENSOR ? cli_json_text(name) : json_null(), "tensors", c->tensors);
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:I, s:o, s:o}", "command", "trail", "a", cli_json_text(c->path[0]),
                     "b", cli_json_text(c->path[1]), "outcome", outcomes[c->outcome], "sentence",
                     cli_json_text(sentence), "same_steps", (json_int_t)c->steps, "prefix",
                     c->ends ? cli_json_text(c->path[c->ends - 1]) : json_null(), "differs", place);
}

static int report(const struct comparison *c)
{
    char sentence[10000];
    if (c->outcome == NOT_COMPARABLE) snprintf(sentence, sizeof sentence, "cannot be compared: %s", c->reason);
    else describe(c, sentence, sizeof sentence);
    if (cli_json) {
        const int code = cli_print_json(comparison_json(c, sentence));
        return code ? code : (int)c->outcome;
    }
    puts(program_printable(sentence));
    for (int i = 0; i < 2; i++)
        if (c->reader[i] && io_trail_reader_torn(c->reader[i]))
            printf("%s ends within a line, as that of a run that was killed\n", c->path[i]);
    return (int)c->outcome;
}

static int run(int argc, char **argv)
{
    struct comparison c = {.outcome = SAME};
    const int first = cli_parse(&cli_trail, argc, argv, &c);
    if (argc - first != 2) cli_usage(&cli_trail, "expected two trails, found %d", argc - first);
    for (int i = 0; i < 2; i++) c.path[i] = argv[first + i];
    int code = compare(&c);
    if (!code) code = report(&c);
    for (int i = 0; i < 2; i++) io_trail_close(c.reader[i]);
    return code;
}

const struct cli_command cli_trail = {
    .name = "trail",
    .summary = "name the first step, layer and tensor in which two runs differ",
    .arguments = "A B",
    .doc = "Compares two trails ('fastcnn train --trail=FILE'), which have a hash of every tensor after every step, "
           "and names the first that differs. Exits with 0: the same; 1: they differ, or one ends before the other; 2: "
           "they cannot be compared (other layers, other numerics, damage); 66: there is no such file.",
    .run = run,
};

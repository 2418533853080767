/* SPDX-License-Identifier: BSD-2-Clause
 * The progress bar of Keras 3, on stderr: redrawn at most every 50 ms on a terminal, else one line per epoch. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

#define BAR 20
#define REDRAW_SECONDS 0.05

void cli_progress_begin(struct cli_progress *progress, int verbose)
{
    *progress = (struct cli_progress){.verbose = verbose, .utf8 = cli_is_utf8(), .columns = cli_columns(stderr)};
    if (verbose == 1 && !cli_is_terminal(stderr)) progress->verbose = 2;
}

static void append(char *line, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char *line, size_t size, const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(line);
    va_start(arguments, format);
    vsnprintf(line + used, size - used, format, arguments);
    va_end(arguments);
}

static void append_value(char *line, size_t size, const char *name, double value)
{
    append(line, size, fabs(value) > 1e-3 ? " - %s: %.4f" : " - %s: %.4e", name, value);
}

static void append_seconds(char *line, size_t size, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600) append(line, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else if (s >= 60) append(line, size, "%ld:%02ld", s / 60, s % 60);
    else append(line, size, "%lds", s);
}

/* What is right of the bar: "4s", in bold, and " 5ms/step - accuracy: 0.9612 - loss: 0.1234 ...". While the epoch runs
 * the time is what is left of it. */
struct line {
    char time[32], rest[256];
};

static void describe(struct line *line, const fcnn_progress *state)
{
    const double step = state->seconds / (double)(state->step ? state->step : 1);
    const size_t size = sizeof line->rest;
    *line = (struct line){0};
    append_seconds(line->time, sizeof line->time,
                   state->epoch_ended ? state->seconds : step * (double)(state->steps - state->step));
    if (step >= 1) append(line->rest, size, " %.0fs/step", step);
    else if (step >= 1e-3) append(line->rest, size, " %.0fms/step", step * 1e3);
    else append(line->rest, size, " %.0fus/step", step * 1e6);
    append_value(line->rest, size, "accuracy", state->accuracy);
    append_value(line->rest, size, "loss", state->loss);
    if (!state->epoch_ended || !state->has_validation) return;
    append_value(line->rest, size, "val_accuracy", state->val_accuracy);
    append_value(line->rest, size, "val_loss", state->val_loss);
}

/* " 7/750": as wide as the last one will be. */
static void count_steps(char counter[48], int64_t step, int64_t steps)
{
    const int width = snprintf(counter, 48, "%lld", (long long)steps);
    snprintf(counter, 48, "%*lld/%lld", width, (long long)step, (long long)steps);
}

/* Writes the line over the one before. Until all is over it must fit, or it would scroll. */
static void draw(const struct cli_progress *progress, int64_t step, int64_t steps, struct line *line, int ended)
{
    char counter[48];
    const char *bold = cli_color(stderr, CLI_BOLD), *plain = cli_color(stderr, CLI_PLAIN);
    count_steps(counter, step, steps);
    const int time = (int)strlen(line->time), length = time + (int)strlen(line->rest);
    int room = progress->columns - 1 - (int)strlen(counter) - 1 - BAR - 1;
    const int bar = ended || room >= length ? BAR : 0;
    if (!bar) room += BAR + 1;
    if (!ended && room < length) line->rest[room > time ? room - time : 0] = 0;

    const int done = (int)(bar * step / (steps ? steps : 1));
    fprintf(stderr, "\r\033[K%s%s%s %s", bold, counter, plain, cli_color(stderr, CLI_GREEN));
    for (int i = 0; i < bar; i++) {
        if (i == done) fprintf(stderr, "%s%s", plain, cli_color(stderr, CLI_WHITE));
        fputs(progress->utf8 ? "━" : i < done ? "=" : i == done ? ">" : ".", stderr);
    }
    fprintf(stderr, "%s%s%s%s%s%s%s", plain, bar ? " " : "", bold, line->time, plain, line->rest, ended ? "\n" : "");
    fflush(stderr);
}

void cli_progress_show(struct cli_progress *progress, int64_t step, int64_t steps, const char *text)
{
    struct line line = {0};
    const double now = cli_now();
    if (progress->verbose != 1 || now - progress->drawn < REDRAW_SECONDS) return;
    snprintf(line.rest, sizeof line.rest, "%s", text);
    draw(progress, step, steps, &line, 0);
    progress->drawn = now;
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->verbose == 1 && progress->drawn > 0) fputs("\r\033[K", stderr);
    progress->drawn = 0;
}

/* verbose 2. */
static void print_epoch(const fcnn_progress *state)
{
    char counter[48];
    struct line line;
    describe(&line, state);
    count_steps(counter, state->step, state->steps);
    fprintf(stderr, "%s - %s -%s\n", counter, line.time, line.rest);
}

int cli_progress_step(void *context, const fcnn_progress *state)
{
    struct cli_progress *progress = context;
    const int new_epoch = state->epoch != progress->last.epoch;
    const double now = cli_now();
    progress->last = *state;
    if (progress->verbose && new_epoch && state->epochs > 1)
        fprintf(stderr, "Epoch %d/%d\n", state->epoch, state->epochs);
    if (progress->verbose == 2 && state->epoch_ended) print_epoch(state);
    if (progress->verbose == 1 && (new_epoch || state->epoch_ended || now - progress->drawn >= REDRAW_SECONDS)) {
        struct line line;
        describe(&line, state);
        draw(progress, state->step, state->steps, &line, state->epoch_ended);
        progress->drawn = now;
    }
    if (!cli_interrupted()) return 0;
    if (progress->verbose == 1 && !state->epoch_ended) fputc('\n', stderr);
    return 1;
}

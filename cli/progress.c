/* SPDX-License-Identifier: BSD-2-Clause
 * The progress bar of Keras, on stderr: redrawn at most every 50 ms on a terminal, else one line per epoch. */
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

/* "4s 5ms/step - loss: 0.1234 - accuracy: 0.9612 ..."; while the epoch runs the time is what is left of it. */
static void describe(char *line, size_t size, const fcnn_progress *state)
{
    double step = state->seconds / (double)(state->step ? state->step : 1);
    append_seconds(line, size, state->epoch_ended ? state->seconds : step * (double)(state->steps - state->step));
    if (step >= 1) append(line, size, " %.0fs/step", step);
    else if (step >= 1e-3) append(line, size, " %.0fms/step", step * 1e3);
    else append(line, size, " %.0fus/step", step * 1e6);
    append_value(line, size, "loss", state->loss);
    append_value(line, size, "accuracy", state->accuracy);
    if (!state->epoch_ended || !state->has_validation) return;
    append_value(line, size, "val_loss", state->val_loss);
    append_value(line, size, "val_accuracy", state->val_accuracy);
}

/* Writes the line over the one before. Until all is over it must fit, or it would scroll. */
static void draw(const struct cli_progress *progress, int64_t step, int64_t steps, char *text, int ended)
{
    char counter[48];
    snprintf(counter, sizeof counter, "%lld/%lld", (long long)step, (long long)steps);
    int room = progress->columns - 1 - (int)strlen(counter) - 1 - BAR - 1;
    int bar = ended || room >= (int)strlen(text) ? BAR : 0;
    if (!bar) room += BAR + 1;
    if (!ended && room < (int)strlen(text)) text[room > 0 ? room : 0] = 0;

    int done = (int)(bar * step / (steps ? steps : 1));
    fprintf(stderr, "\r\033[K%s%s%s ", cli_color(stderr, CLI_BOLD), counter, cli_color(stderr, CLI_PLAIN));
    fputs(cli_color(stderr, CLI_GREEN), stderr);
    for (int i = 0; i < bar; i++) {
        if (i == done) fprintf(stderr, "%s%s", cli_color(stderr, CLI_PLAIN), cli_color(stderr, CLI_DIM));
        fputs(progress->utf8 ? "━" : i < done ? "=" : i == done ? ">" : ".", stderr);
    }
    fprintf(stderr, "%s%s%s%s", cli_color(stderr, CLI_PLAIN), bar ? " " : "", text, ended ? "\n" : "");
    fflush(stderr);
}

void cli_progress_show(struct cli_progress *progress, int64_t step, int64_t steps, const char *text)
{
    char copy[256];
    const double now = cli_now();
    if (progress->verbose != 1 || now - progress->drawn < REDRAW_SECONDS) return;
    snprintf(copy, sizeof copy, "%s", text);
    draw(progress, step, steps, copy, 0);
    progress->drawn = now;
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->verbose == 1 && progress->drawn > 0) fputs("\r\033[K", stderr);
    progress->drawn = 0;
}

int cli_progress_step(void *context, const fcnn_progress *state)
{
    struct cli_progress *progress = context;
    int new_epoch = state->epoch != progress->last.epoch;
    progress->last = *state;
    if (progress->verbose == 2 && state->epoch_ended) {
        char text[256] = "";
        describe(text, sizeof text, state);
        fprintf(stderr, "Epoch %d/%d - %lld/%lld - %s\n", state->epoch, state->epochs, (long long)state->step,
                (long long)state->steps, text);
    }
    if (progress->verbose == 1) {
        double now = cli_now();
        if (new_epoch) fprintf(stderr, "Epoch %d/%d\n", state->epoch, state->epochs);
        if (new_epoch || state->epoch_ended || now - progress->drawn >= REDRAW_SECONDS) {
            char text[256] = "";
            describe(text, sizeof text, state);
            draw(progress, state->step, state->steps, text, state->epoch_ended);
            progress->drawn = now;
        }
    }
    if (!cli_interrupted()) return 0;
    if (progress->verbose == 1 && !state->epoch_ended) fputc('\n', stderr);
    return 1;
}

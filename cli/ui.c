/* SPDX-License-Identifier: BSD-2-Clause
 * What a terminal may show, and Ctrl-C. */
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static enum cli_color_mode color_mode;

void cli_set_color(enum cli_color_mode mode)
{
    color_mode = mode;
}

int cli_is_terminal(FILE *stream)
{
    const char *term = getenv("TERM");
    return isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
}

const char *cli_color(FILE *stream, enum cli_color color)
{
    static const char *const codes[] = {[CLI_PLAIN] = "\033[0m",
                                        [CLI_BOLD] = "\033[1m",
                                        [CLI_GREEN] = "\033[32m",
                                        [CLI_RED] = "\033[31m",
                                        [CLI_DIM] = "\033[2m",
                                        [CLI_WHITE] = "\033[37m"};
    const char *no_color = getenv("NO_COLOR");
    int wanted = color_mode == CLI_ALWAYS ||
                 (color_mode == CLI_AUTO && !(no_color && *no_color) && cli_is_terminal(stream));
    return wanted ? codes[color] : "";
}

int cli_columns(FILE *stream)
{
    struct winsize size;
    if (!ioctl(fileno(stream), TIOCGWINSZ, &size) && size.ws_col) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    int n = columns ? atoi(columns) : 0;
    return n > 0 ? n : 80;
}

int cli_is_utf8(void)
{
    return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char *cli_count(int64_t number, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-') text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *cli_count_of(int64_t number, const char *one, char text[48])
{
    char count[32];
    snprintf(text, 48, "%s %s%s", cli_count(number, count), one, number == 1 ? "" : "s");
    return text;
}

static double read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cli_now(void) { return read_clock(CLOCK_MONOTONIC); }
double cli_cpu(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* But for one that whoever started the program has it ignore, as shells do for jobs in the background. */
static void catch(int signal_number)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, NULL, &before) || before.sa_handler != SIG_IGN)
        sigaction(signal_number, &action, NULL);
}

void cli_catch_interrupt(void)
{
    catch(SIGINT);
    catch(SIGTERM);
    catch(SIGHUP); /* the terminal is gone */
}

int cli_interrupted(void)
{
    return interrupted;
}

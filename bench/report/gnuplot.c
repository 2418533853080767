/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/report/gnuplot.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/report/html.h"

extern char **environ;

enum { MOST_SECONDS = 20, MOST_BYTES = 32 << 20 };

/* ---- the program ---- */

/* Its standard input is the script, in a file without a name. No shell, no initialisation file, a process group of its
 * own, so that all of it can be ended. */
static pid_t start(FILE *script, int output)
{
    char *const arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&actions)) return -1;
    if (posix_spawnattr_init(&attributes)) return posix_spawn_file_actions_destroy(&actions), -1;
    const int failed = posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO) ||
                       posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) ||
                       posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
                       posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) ||
                       posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? -1 : pid;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Copies until the other end closes. 0: too slow, or too much. */
static int drain(int input, FILE *copy)
{
    const double end = seconds_now() + MOST_SECONDS;
    char buffer[65536];
    for (long total = 0; total < MOST_BYTES;) {
        struct pollfd one = {.fd = input, .events = POLLIN};
        const double left = end - seconds_now();
        if (left <= 0 || poll(&one, 1, 1 + (int)(1e3 * left)) <= 0) return 0;
        const ssize_t count = read(input, buffer, sizeof buffer);
        if (count <= 0) return count == 0;
        fwrite(buffer, 1, (size_t)count, copy);
        total += count;
    }
    return 0;
}

/* What gnuplot prints, to be freed; NULL: nothing that can be used. */
static char *run(FILE *script)
{
    char *text = NULL;
    size_t size = 0;
    int ends[2], status = -1;
    if (pipe2(ends, O_CLOEXEC)) return NULL;
    const pid_t pid = start(script, ends[1]);
    close(ends[1]);
    FILE *copy = open_memstream(&text, &size);
    int good = pid > 0 && copy && drain(ends[0], copy);
    close(ends[0]);
    if (copy) fclose(copy);
    if (pid > 0) {
        if (!good) kill(-pid, SIGKILL);
        good &= waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
    }
    if (good && text && strstr(text, "<svg") && strstr(text, "</svg>")) return text;
    free(text);
    return NULL;
}

/* ---- its SVG ---- */

/* Identifiers get the picture's number (%d). */
static const struct change { const char *from, *to; } changes[] = {
    {"<title>Gnuplot</title>", ""},
    {"gpPt", "c%dp"},
    {"gpDot", "c%ddot"},
    {"id='textbox'", "id='c%dtext'"},
    {"id='greybox'", "id='c%dgrey'"},
    {"id=\"gnuplot_", "id=\"c%d_"},
    {"<g onmousemove=\"gnuplot_svg.showHypertext(evt,'", "<g><title>"},
    {"')\" onmouseout=\"gnuplot_svg.hideHypertext()\"><title> </title>", "</title>"},
    {"color=\"black\"", "color=\"inherit\""},
    {"\"black\"", "\"currentColor\""},
    {"'black'", "'currentColor'"},
    {"rgb(  0,   0,   0)", "currentColor"},
    {"rgb(0,0,0)", "currentColor"},
    {"xlink:href=", "href="},
};

static const struct change *change_at(const char *text)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (!strncmp(text, changes[i].from, strlen(changes[i].from))) return &changes[i];
    return NULL;
}

static void put_number(const char *text, int number, FILE *out)
{
    for (; *text; text++) {
        if (!strncmp(text, "%d", 2)) fprintf(out, "%d", number), text++;
        else fputc(*text, out);
    }
}

/* Titles of whole plots would be shown over everything: they are left out. */
static const char *skip_title(const char *text)
{
    static const char title[] = "<title>gnuplot_plot_";
    const char *end = strncmp(text, title, sizeof title - 1) ? NULL : strstr(text, "</title>");
    return end ? end + strlen("</title>") : text;
}

static void copy(const char *svg, int number, const char *words, FILE *out)
{
    const char *at = strstr(svg, "<svg") + strlen("<svg");
    fputs("<svg role=\"img\" aria-label=\"", out);
    html_text(out, words);
    fputc('"', out);
    while (*at) {
        const char *after = skip_title(at);
        const struct change *change = change_at(after);
        if (change) put_number(change->to, number, out), at = after + strlen(change->from);
        else if (after == at) fputc(*at++, out);
        else at = after;
    }
}

int gnuplot_draw(const char *script, int number, const char *text, FILE *out)
{
    FILE *file = tmpfile();
    char *svg = NULL;
    if (!file) return 0;
    if (fputs(script, file) >= 0 && !fflush(file)) {
        rewind(file);
        svg = run(file);
    }
    fclose(file);
    if (svg) copy(svg, number, text, out);
    free(svg);
    return svg != NULL;
}

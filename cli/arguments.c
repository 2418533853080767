/* SPDX-License-Identifier: BSD-2-Clause
 * See arguments.h. getopt_long() finds options and values, the table says what they mean. */
#include "cli/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MOST_OPTIONS 48
#define FIRST_KEY 256 /* of the rows: no letter */
#define WIDTH 80
#define HELP_COLUMN 28

int cli_json;
static int color = CLI_AUTO, help_wanted, version_wanted;

static const char *color_word(int number)
{
    static const char *const words[] = {[CLI_AUTO] = "auto", [CLI_ALWAYS] = "always", [CLI_NEVER] = "never"};
    return number <= CLI_NEVER ? words[number] : NULL;
}

static const struct cli_option kernel_options[] = {
    {"isa", "NAME", "Use no instruction set beyond NAME: scalar, avx2, avx512 or neon (default: FASTCNN_ISA, else all "
     "the CPU has)", CLI_TEXT, .field = offsetof(fcnn_options, isa)},
    {"kernel", "NAMES", "Kernels to use, comma separated, each for its own operation; '*' matches anything (default: "
     "FASTCNN_KERNEL)", CLI_TEXT, .field = offsetof(fcnn_options, kernel)},
    {"math", "CLASSES", "Numerics classes allowed, comma separated (default: FASTCNN_MATH, else exact)", CLI_TEXT,
     .field = offsetof(fcnn_options, math)},
    {"threads", "N", "Threads (default: FASTCNN_NUM_THREADS, else OMP_NUM_THREADS, else all cores)", CLI_INT,
     .field = offsetof(fcnn_options, threads), .low = 1, .high = 1024},
    {0}};

/* Their `field` is a number, not an offset: see target(). */
enum { COMMON_JSON, COMMON_COLOR, COMMON_HELP, COMMON_VERSION };
static const struct cli_option common_options[] = {
    {"json", NULL, "Write the result as one JSON document", CLI_SET, .field = COMMON_JSON, .low = 1},
    {"color", "WHEN", "Colour: auto (on a terminal, unless NO_COLOR is set), always or never", CLI_CHOICE,
     .field = COMMON_COLOR,
     .word = color_word},
    {"help", NULL, "Print this and exit (also -h)", CLI_SET, .field = COMMON_HELP, .low = 1},
    {"version", NULL, "Print name, version, licence and instruction sets, and exit (also -V)", CLI_SET,
     .field = COMMON_VERSION, .low = 1},
    {0}};

/* ---- the options of a command: its own, those of kernels, those of all commands ---- */

struct row {
    const struct cli_option *option;
    void *target;
};

struct rows {
    struct row row[MOST_OPTIONS];
    struct option names[MOST_OPTIONS + 1]; /* for getopt_long(), which returns their keys: equal ones would pass for
                                            * one option, and an abbreviation of several for the first */
    int count;
};

static void add_rows(struct rows *rows, const struct cli_option *options, void *base)
{
    static int *const common[] = {[COMMON_JSON] = &cli_json, [COMMON_COLOR] = &color, [COMMON_HELP] = &help_wanted,
                                  [COMMON_VERSION] = &version_wanted};
    for (const struct cli_option *o = options; o && o->name && rows->count < MOST_OPTIONS; o++) {
        rows->names[rows->count] = (struct option){o->name, o->value ? required_argument : no_argument, NULL,
                                                    FIRST_KEY + rows->count};
        rows->row[rows->count++] =
            (struct row){o, options == common_options ? (void *)common[o->field] : (char *)base + o->field};
    }
}

static void collect(struct rows *rows, const struct cli_command *command, void *input)
{
    *rows = (struct rows){.count = 0};
    add_rows(rows, command->options, input);
    if (command->has_kernels) add_rows(rows, kernel_options, (char *)input + command->kernels);
    add_rows(rows, common_options, NULL);
}

/* ---- values ---- */

static int64_t read_integer(const struct cli_command *command, const struct cli_option *o, const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < o->low || value > o->high)
        cli_usage(command, "--%s: expected a whole number from %lld to %lld, found '%s'", o->name, (long long)o->low,
                  (long long)o->high, text);
    return value;
}

static double read_real(const struct cli_command *command, const struct cli_option *o, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= o->least && value <= o->most))
        cli_usage(command, "--%s: expected a number from %g to %g, found '%s'", o->name, o->least, o->most, text);
    return value;
}

static int read_choice(const struct cli_command *command, const struct cli_option *o, const char *text)
{
    char words[512] = "";
    size_t used = 0;
    for (int i = 0; o->word(i); i++) {
        if (!strcmp(text, o->word(i))) return i;
        int length = snprintf(words + used, sizeof words - used, "%s%s", !i ? "" : o->word(i + 1) ? ", " : " or ",
                              o->word(i));
        used += (size_t)length < sizeof words - used ? (size_t)length : 0;
    }
    cli_usage(command, "--%s: expected %s, found '%s'", o->name, words, text);
}

void cli_add_text(const struct cli_command *command, struct cli_texts *texts, const char *text)
{
    if (texts->count == CLI_MOST_TEXTS)
        cli_usage(command, "'%s' is one more than the %d that can be given", text, CLI_MOST_TEXTS);
    texts->text[texts->count++] = text;
}

/* An empty name is a shell's variable that was never set. */
static void check_name(const struct cli_command *command, const struct cli_option *o, const char *text)
{
    static const char *const names[] = {"FILE", "PATH", "DIR", "MODEL"};
    if (!o->value || *text) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(o->value, names[i])) cli_usage(command, "--%s: expected a name, found nothing", o->name);
}

static void store(const struct cli_command *command, const struct row *row, const char *text)
{
    const struct cli_option *o = row->option;
    check_name(command, o, text);
    switch (o->kind) {
    case CLI_SET: *(int *)row->target = (int)o->low; break;
    case CLI_TEXT: *(const char **)row->target = text; break;
    case CLI_TEXTS: cli_add_text(command, row->target, text); break;
    case CLI_INT: *(int *)row->target = (int)read_integer(command, o, text); break;
    case CLI_INT64: *(int64_t *)row->target = read_integer(command, o, text); break;
    case CLI_FLOAT: *(float *)row->target = (float)read_real(command, o, text); break;
    case CLI_DOUBLE: *(double *)row->target = read_real(command, o, text); break;
    case CLI_CHOICE: *(int *)row->target = read_choice(command, o, text); break;
    }
}

/* ---- help ---- */

void cli_print_wrapped(const char *text, int column, int indent)
{
    for (const char *at = text; *at;) {
        int length = (int)strcspn(at, " \n");
        if (column > indent && column + 1 + length >= WIDTH) {
            putchar('\n');
            column = 0;
        }
        int gap = column < indent ? indent - column : column > indent;
        printf("%*s%.*s", gap, "", length, at);
        column += gap + length;
        at += length;
        if (*at == '\n') {
            putchar('\n');
            column = 0;
        }
        at += *at != 0;
    }
    putchar('\n');
}

static void print_option(const struct cli_option *o)
{
    int column = printf("  --%s%s%s", o->name, o->value ? "=" : "", o->value ? o->value : "");
    if (column >= HELP_COLUMN) {
        putchar('\n');
        column = 0;
    }
    cli_print_wrapped(o->help, column, HELP_COLUMN);
}

static void print_help(const struct cli_command *command, const struct rows *rows)
{
    printf("Usage: fastcnn %s [OPTION...]%s%s\n", command->name, command->arguments ? " " : "",
           command->arguments ? command->arguments : "");
    cli_print_wrapped(command->doc, 0, 0);
    putchar('\n');
    for (int i = 0; i < rows->count; i++) print_option(rows->row[i].option);
    if (!command->more) return;
    putchar('\n');
    cli_print_wrapped(command->more, 0, 0);
}

static _Noreturn void refer_to_help(const struct cli_command *command)
{
    fprintf(stderr, "Try 'fastcnn %s --help'.\n", command->name);
    exit(EX_USAGE);
}

void cli_usage(const struct cli_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "fastcnn %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    refer_to_help(command);
}

/* ---- settings ---- */

static fcnn_status check_settings(const fcnn_options *kernels)
{
    fcnn_status status = fcnn_options_check(NULL);
    return !status && kernels ? fcnn_options_check(kernels) : status;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, void *input)
{
    struct rows rows;
    collect(&rows, command, input);
    optind = 0; /* glibc's way to begin anew */
    for (int key; (key = getopt_long(argc, argv, "hV", rows.names, NULL)) != -1;) {
        if (key == 'h') help_wanted = 1;
        else if (key == 'V') version_wanted = 1;
        else if (key == '?') refer_to_help(command); /* getopt_long() has named the culprit */
        else store(command, &rows.row[key - FIRST_KEY], optarg);
    }
    if (help_wanted || version_wanted) {
        if (help_wanted) print_help(command, &rows);
        else cli_print_version();
        exit(EXIT_SUCCESS);
    }
    if (optind < argc && !command->arguments) cli_usage(command, "unexpected argument '%s'", argv[optind]);
    for (int i = optind; i < argc; i++)
        if (!*argv[i]) cli_usage(command, "expected %s, found an empty argument", command->arguments);
    cli_set_color((enum cli_color_mode)color);
    fcnn_status status = check_settings(
        command->has_kernels ? (const fcnn_options *)(const void *)((char *)input + command->kernels) : NULL);
    if (status) exit(program_failed(status));
    return optind;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Command lines as tables. A row of options names a field of the command's struct, its kind and its range: parsing,
 * range checks, their messages and --help all come from the row. Long options only, abbreviated where that is clear. */
#ifndef FASTCNN_ARGUMENTS_H
#define FASTCNN_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

enum cli_kind {
    CLI_SET,    /* takes no value: stores `low` into an int */
    CLI_TEXT,   /* const char * */
    CLI_TEXTS,  /* struct cli_texts: the option may be given several times */
    CLI_INT,    /* int, low .. high */
    CLI_INT64,  /* int64_t or uint64_t, low .. high */
    CLI_FLOAT,  /* float, least .. most */
    CLI_DOUBLE, /* double, least .. most */
    CLI_CHOICE, /* int: the number of the word among word(0), word(1), ... up to NULL */
};

#define CLI_MOST_TEXTS 16
struct cli_texts {
    int count;
    const char *text[CLI_MOST_TEXTS];
};

struct cli_option {
    const char *name;  /* without dashes; NULL ends the table */
    const char *value; /* what --help calls the value; NULL for CLI_SET */
    const char *help;
    enum cli_kind kind;
    size_t field; /* offset in the command's struct */
    int64_t low, high;
    double least, most;
    const char *(*word)(int number);
};

struct cli_command {
    const char *name;
    const char *summary;              /* one line of `fastcnn --help` */
    const char *arguments;            /* what --help calls them; NULL: the command takes none */
    const char *doc, *more;           /* of --help: before and after the options; `more` may be NULL */
    const struct cli_option *options; /* may be NULL */
    size_t kernels;                   /* offset of a fcnn_options that --isa, --kernel, --math, --threads fill */
    int has_kernels;                  /* whether there is one */
    int (*run)(int argc, char **argv); /* argv[0] is "fastcnn NAME"; returns an exit code */
};

/* Reads the options into `input`, the command's struct, then checks the settings of the environment and of the command
 * line. Returns the index of the first argument that is no option. Exits after --help and --version, and on errors. */
int cli_parse(const struct cli_command *command, int argc, char **argv, void *input);

/* A usage error that the table cannot find: a sentence, how to get help, exit 64. */
_Noreturn void cli_usage(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A file that the command writes, NULL for none, and the option that names it. Two that are one file are a usage error;
 * devices may be named twice. */
struct cli_output {
    const char *option, *path;
};
void cli_check_outputs(const struct cli_command *command, const struct cli_output *outputs, int count);
/* A file that is read, NULL for none: nor is it one of those. */
void cli_check_input(const struct cli_command *command, const char *option, const char *path,
                     const struct cli_output *outputs, int count);

/* One more value of a CLI_TEXTS, as if its option had been given; too many are a usage error. */
void cli_add_text(const struct cli_command *command, struct cli_texts *texts, const char *text);

/* Paragraphs ('\n' begins a new line) on stdout, wrapped and indented; the cursor is in `column`. */
void cli_print_wrapped(const char *text, int column, int indent);

#endif

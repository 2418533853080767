/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn: the program. Finds the subcommand; the rest is one file per subcommand. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", cli_train}, {"prove", cli_prove}, {"list", cli_list}, {"info", cli_info}, {"explain", cli_explain},
};
#define COMMANDS "train, prove, list, info, explain"

static const char doc[] =
    "Kernels of convolutional networks that compute the same bits on every instruction set and at any number of "
    "threads.\n"
    "\n"
    "Commands:\n"
    "  train     train the MNIST network and print its receipt\n"
    "  prove     train it with every family of kernels, compare the weights\n"
    "  list      the table of kernels\n"
    "  info      this machine, its peak, the kernels of the MNIST network\n"
    "  explain   which kernel a problem gets, and why not the others\n"
    "\v"
    "'fastcnn COMMAND --help' shows the options of a command.";

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    const char *missing[FCNN_ISAS] = {0};
    int built[FCNN_ISAS] = {0};
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        built[kernel.isa] = 1;
        missing[kernel.isa] = kernel.missing;
    }
    fprintf(stream, "fastcnn %s\n%s\nlicence: BSD-2-Clause\ninstruction sets:\n", fcnn_version(),
            fcnn_version_details());
    for (int i = 0; i < FCNN_ISAS; i++)
        fprintf(stream, "  %-7s %s\n", fcnn_isa_name((fcnn_isa)i),
                !built[i] ? "not in this build" : missing[i] ? missing[i] : "built, and available here");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    const struct command **command = state->input;
    if (key == ARGP_KEY_NO_ARGS) argp_error(state, "expected a command: " COMMANDS);
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argument, commands[i].name)) *command = &commands[i];
    if (!*command) argp_error(state, "unknown command '%s'; expected one of " COMMANDS, argument);
    state->next = state->argc; /* the rest belongs to the command */
    return 0;
}

/* Results that did not reach their file are a failure, e.g. on a full disk. */
static void close_stdout(void)
{
    int failed_before = ferror(stdout);
    int failed_now = fclose(stdout);
    if (!failed_before && !failed_now) return;
    cli_complain("writing the results failed%s%s", failed_now ? ": " : "", failed_now ? strerror(errno) : "");
    _exit(EX_IOERR);
}

int main(int argc, char **argv)
{
    static const struct argp argp = {.parser = parse, .args_doc = "COMMAND [OPTION...]", .doc = doc};
    const struct command *command = NULL;
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL);
    atexit(close_stdout);
    argp_program_version_hook = print_version;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command);

    int first = 1;
    while (strcmp(argv[first], command->name)) first++;
    char name[32];
    snprintf(name, sizeof name, "fastcnn %s", command->name);
    argv[first] = name;
    return command->run(argc - first, argv + first);
}

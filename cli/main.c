/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn: the program. Finds the subcommand; the rest is one file per subcommand. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"

static const struct cli_command *const commands[] = {
    &cli_train, &cli_evaluate, &cli_predict, &cli_filter, &cli_summary, &cli_convert, &cli_plot, &cli_prove,
    &cli_verify, &cli_trail, &cli_list, &cli_info, &cli_explain, &cli_tune};
#define COMMANDS ((int)(sizeof commands / sizeof *commands))

void cli_print_version(void)
{
    const char *missing[FCNN_ISAS] = {0};
    int built[FCNN_ISAS] = {0};
    for (int i = 0; i < fcnn_kernel_count(); i++) {
        fcnn_kernel_info kernel = fcnn_kernel_describe(i);
        built[kernel.isa] = 1;
        missing[kernel.isa] = kernel.missing;
    }
    printf("fastcnn %s\n%s\nlicence: BSD-2-Clause\ninstruction sets:\n", fcnn_version(), fcnn_version_details());
    for (int i = 0; i < FCNN_ISAS; i++)
        printf("  %-7s %s\n", fcnn_isa_name((fcnn_isa)i),
               !built[i] ? "not in this build" : missing[i] ? missing[i] : "built, and available here");
}

static void print_help(void)
{
    puts("Usage: fastcnn COMMAND [OPTION...]");
    cli_print_wrapped("Kernels of convolutional networks that compute the same bits on every instruction set and at "
                      "any number of threads.", 0, 0);
    puts("\nCommands:");
    for (int i = 0; i < COMMANDS; i++) printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n  --help     Print this and exit (also -h)\n"
         "  --version  Print name, version, licence and instruction sets, and exit (also -V)\n"
         "\n'fastcnn COMMAND --help' shows the options of a command.");
}

/* Says what is wrong, then which commands there are. */
static int usage(const char *problem, const char *argument)
{
    char names[256] = "";
    for (int i = 0; i < COMMANDS; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, commands[i]->name);
    }
    program_complain("%s%s%s%s; the commands are %s", problem, *argument ? " '" : "", argument, *argument ? "'" : "",
                     names);
    fputs("Try 'fastcnn --help'.\n", stderr);
    return EX_USAGE;
}

static int is_option(const char *argument, const char *name, const char *letter)
{
    return !strcmp(argument, name) || !strcmp(argument, letter);
}

int main(int argc, char **argv)
{
    program_start("fastcnn");
    cli_start_json();
    if (argc < 2) return usage("expected a command", "");
    if (is_option(argv[1], "--help", "-h")) return print_help(), EXIT_SUCCESS;
    if (is_option(argv[1], "--version", "-V")) return cli_print_version(), EXIT_SUCCESS;
    if (*argv[1] == '-') return usage("unknown option", argv[1]);
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i]->name)) continue;
        char name[32];
        snprintf(name, sizeof name, "fastcnn %s", commands[i]->name);
        argv[1] = name;
        return commands[i]->run(argc - 1, argv + 1);
    }
    return usage("unknown command", argv[1]);
}

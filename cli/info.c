/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn info: the machine as dispatch sees it, its measured peak, and the kernels of the MNIST network. */
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/cli.h"

#define LINES 64

struct info {
    fcnn_machine machine;
    int threads;
    char huge_pages[16]; /* always, madvise, never or unknown */
    double peaks[FCNN_ISAS]; /* GFLOP/s of one thread; 0: not here */
    char kernels[LINES][256];
    int lines;
};

static const char *const variables[] = {"FASTCNN_CACHES", "FASTCNN_ISA", "FASTCNN_KERNEL", "FASTCNN_MATH",
                                        "FASTCNN_NUM_THREADS", "FASTCNN_PLANNING", "FASTCNN_TUNING",
                                        "FASTCNN_VERBOSE", "OMP_NUM_THREADS"};
#define VARIABLES ((int)(sizeof variables / sizeof *variables))

/* The word in brackets of "always [madvise] never". The library asks for huge pages by madvise(). */
static void read_huge_pages(struct info *info)
{
    char line[80];
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    const char *bracket = file && fgets(line, sizeof line, file) ? strchr(line, '[') : NULL;
    if (!bracket || sscanf(bracket, "[%15[a-z]", info->huge_pages) != 1) strcpy(info->huge_pages, "unknown");
    if (file) fclose(file);
}

static fcnn_status collect_kernels(struct info *info)
{
    fcnn_model *model;
    fcnn_status status = fcnn_model_mnist(&model);
    if (status) return status;
    status = fcnn_compile(model, NULL);
    if (!status)
        while (info->lines < LINES &&
               !fcnn_model_kernels(model, info->lines, info->kernels[info->lines], sizeof info->kernels[0]))
            info->lines++;
    fcnn_model_destroy(model);
    return status;
}

static void print_cache(const char *name, long bytes, const char *end)
{
    if (!bytes) printf("%s unknown%s", name, end);
    else if (bytes % (1L << 20)) printf("%s %ld KiB%s", name, bytes >> 10, end);
    else printf("%s %ld MiB%s", name, bytes >> 20, end);
}

static void heading(const char *text)
{
    printf("\n%s%s%s\n", cli_color(stdout, CLI_BOLD), text, cli_color(stdout, CLI_PLAIN));
}

/* What is wrong with single lines is for those who ask: `fastcnn tune --check`, notes of fcnn_tuning_read(). */
static void print_places(void)
{
    fcnn_tuning_place place;
    int count = 0;
    for (; !fcnn_tuning_place_describe(count, &place); count++)
        printf("  %s (%s%s)\n      %s\n", place.path, place.origin, place.written ? ", written" : "", place.verdict);
    if (!count) printf("  none is read\n");
}

static json_t *json_places(void)
{
    json_t *places = json_array();
    fcnn_tuning_place place;
    for (int i = 0; !fcnn_tuning_place_describe(i, &place); i++)
        json_array_append_new(places, json_pack("{s:o, s:s, s:b, s:o, s:i, s:i, s:i}", "path",
                                                cli_json_text(place.path), "origin", place.origin, "written",
                                                place.written, "verdict", cli_json_text(place.verdict), "lines",
                                                place.lines, "stale", place.stale, "bad", place.bad));
    return places;
}

/* "PROBLEM: KERNEL, KERNEL" as one line each. */
static void print_kernels(const char *line)
{
    for (const char *at = line, *indent = "  "; *at; indent = "      ") {
        size_t length = strcspn(at, ":,");
        printf("%s%.*s\n", indent, (int)length, at);
        at += length;
        at += strspn(at, ":, ");
    }
}

static int print_text(const struct info *info)
{
    const fcnn_machine *m = &info->machine;
    printf("%s\n", fcnn_version_details());
    heading("machine");
    printf(
        "  CPU       %s\n  features  %s\n  cores     %d usable by this process; %d thread%s by default\n  caches    ",
        m->cpu, m->features, m->cores, info->threads, info->threads == 1 ? "" : "s");
    print_cache("L1d", m->l1d, " and ");
    print_cache("L2", m->l2, " per core, ");
    print_cache("L3", m->l3, " shared\n");
    printf("  memory    transparent huge pages: %s\n", info->huge_pages);
    for (int i = 0; i < VARIABLES; i++)
        if (getenv(variables[i])) printf("  setting   %s=%s\n", variables[i], getenv(variables[i]));

    heading("FMA peak of one thread, measured now");
    for (int i = 0; i < FCNN_ISAS; i++)
        if (info->peaks[i] > 0) printf("  %-8s  %.4g GFLOP/s\n", fcnn_isa_name((fcnn_isa)i), info->peaks[i]);
        else printf("  %-8s  not available here\n", fcnn_isa_name((fcnn_isa)i));

    heading("tuning files, the one that wins first");
    print_places();

    heading("kernels chosen for the MNIST network");
    for (int i = 0; i < info->lines; i++) print_kernels(info->kernels[i]);
    return EXIT_SUCCESS;
}

static int print_json(const struct info *info)
{
    const fcnn_machine *m = &info->machine;
    json_t *peaks = json_object(), *kernels = json_array(), *settings = json_object();
    for (int i = 0; i < FCNN_ISAS; i++)
        if (info->peaks[i] > 0) json_object_set_new(peaks, fcnn_isa_name((fcnn_isa)i), json_real(info->peaks[i]));
    for (int i = 0; i < info->lines; i++) json_array_append_new(kernels, json_string(info->kernels[i]));
    for (int i = 0; i < VARIABLES; i++)
        if (getenv(variables[i])) json_object_set_new(settings, variables[i], cli_json_text(getenv(variables[i])));
    return cli_print_json(json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:{s:I, s:I, s:I}, s:s, s:o, s:o, s:o, s:o}",
                                    "command", "info", "versions", fcnn_version_details(), "cpu", m->cpu, "features",
                                    m->features, "cores", m->cores, "threads", info->threads, "caches", "l1d",
                                    (json_int_t)m->l1d, "l2", (json_int_t)m->l2, "l3", (json_int_t)m->l3,
                                    "huge_pages", info->huge_pages, "settings", settings, "tuning", json_places(),
                                    "peak_gflops", peaks, "mnist_kernels", kernels));
}

static int run(int argc, char **argv)
{
    struct info info = {0};
    cli_parse(&cli_info, argc, argv, &info);
    fcnn_machine_describe(&info.machine);
    read_huge_pages(&info);
    info.threads = fcnn_options_threads(NULL);
    fcnn_status status = collect_kernels(&info);
    if (status) return program_failed(status);
    for (int i = 0; i < FCNN_ISAS; i++) info.peaks[i] = fcnn_measure_peak((fcnn_isa)i, 0.1);
    return cli_json ? print_json(&info) : print_text(&info);
}

const struct cli_command cli_info = {
    .name = "info",
    .summary = "this machine, its peak, the kernels of the MNIST network",
    .doc = "Describes this machine, measures its FMA peak, and shows the tuning files and the kernels chosen for the "
           "MNIST network.",
    .run = run,
};

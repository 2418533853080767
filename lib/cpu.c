/* SPDX-License-Identifier: BSD-2-Clause
 * What this CPU can run. An instruction set counts as there if exactly the features its kernels are compiled with are
 * there, and the operating system saves the registers (the compiler's __builtin_cpu_supports() checks XCR0). */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define X86 1
#endif

#include "lib/internal.h"
#include "lib/sized.h"

#define BIT(isa) (1u << (isa))

static unsigned pretended = ~0u;

void fcnn_cpu_pretend(unsigned isas) { pretended = isas; }

static unsigned compiled_isas(void)
{
    unsigned isas = BIT(FCNN_SCALAR);
#ifdef FCNN_HAVE_AVX2
    isas |= BIT(FCNN_AVX2);
#endif
#ifdef FCNN_HAVE_AVX512
    isas |= BIT(FCNN_AVX512);
#endif
    return isas;
}

static unsigned real_isas(void)
{
    unsigned isas = BIT(FCNN_SCALAR);
#ifdef X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) isas |= BIT(FCNN_AVX2);
    if ((isas & BIT(FCNN_AVX2)) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        isas |= BIT(FCNN_AVX512);
#endif
    return isas;
}

unsigned fcnn_cpu_isas(void)
{
    unsigned isas = pretended == ~0u ? real_isas() : pretended;
    return (isas & compiled_isas()) | BIT(FCNN_SCALAR);
}

const char *fcnn_cpu_missing(fcnn_isa isa)
{
    if (fcnn_cpu_isas() & BIT(isa)) return NULL;
    if (!(compiled_isas() & BIT(isa)))
        return isa == FCNN_NEON ? "no NEON kernels in this build" : "not built: see configure";
    return isa == FCNN_AVX2 ? "this CPU has no AVX2 with FMA" : "this CPU has no AVX-512 (F, VL, DQ, BW)";
}

static void read_brand(char *brand, size_t size)
{
    snprintf(brand, size, "unknown CPU");
#ifdef X86
    unsigned words[13] = {0};
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, words + 4 * i, words + 4 * i + 1, words + 4 * i + 2, words + 4 * i + 3))
            return;
    const char *text = (const char *)words;
    while (*text == ' ') text++;
    snprintf(brand, size, "%s", text);
    for (size_t end = strlen(brand); end && brand[end - 1] == ' ';) brand[--end] = 0;
#endif
}

static const char *read_features(void)
{
    static const char *const names[] = {"sse4.2", "avx", "avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw"};
    static _Thread_local char text[96];
    int have[sizeof names / sizeof *names] = {0};
#ifdef X86
    __builtin_cpu_init();
    have[0] = __builtin_cpu_supports("sse4.2") != 0, have[1] = __builtin_cpu_supports("avx") != 0;
    have[2] = __builtin_cpu_supports("avx2") != 0, have[3] = __builtin_cpu_supports("fma") != 0;
    have[4] = __builtin_cpu_supports("avx512f") != 0, have[5] = __builtin_cpu_supports("avx512vl") != 0;
    have[6] = __builtin_cpu_supports("avx512dq") != 0, have[7] = __builtin_cpu_supports("avx512bw") != 0;
#endif
    text[0] = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (have[i]) snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " " : "", names[i]);
    return text;
}

/* A property of one of the first core's caches, such as "32K"; "" if there is none. */
static void read_cache(int index, const char *property, char text[32])
{
    char path[96];
    text[0] = 0;
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, property);
    FILE *file = fopen(path, "r");
    if (!file) return;
    if (!fgets(text, 32, file)) text[0] = 0;
    fclose(file);
}

/* From sysfs: sysconf() counts the third level of a whole socket, whoever it belongs to. */
static long cache_size(int level)
{
    for (int index = 0; index < 8; index++) {
        char text[32];
        read_cache(index, "type", text);
        if (!strncmp(text, "Instruction", 11)) continue;
        read_cache(index, "level", text);
        if (atoi(text) != level) continue;
        read_cache(index, "size", text);
        return atol(text) * (strchr(text, 'K') ? 1024 : strchr(text, 'M') ? 1024 * 1024 : 1);
    }
    return 0;
}

void fcnn_machine_describe_sized(fcnn_machine *machine, size_t machine_size)
{
    fcnn_machine found = {
        .isas = fcnn_cpu_isas(),
        .cores = omp_get_num_procs(),
        .l1d = cache_size(1),
        .l2 = cache_size(2),
        .l3 = cache_size(3),
        .features = read_features(),
    };
    if (!machine) return;
    read_brand(found.cpu, sizeof found.cpu);
    FCNN_GIVE(machine, machine_size, found);
}

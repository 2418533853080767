/* SPDX-License-Identifier: BSD-2-Clause
 * What this CPU can run. An instruction set counts as there if exactly the features its kernels are compiled with are
 * there, and the operating system saves the registers (the compiler's __builtin_cpu_supports() checks XCR0). */
#include <ctype.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define X86 1
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/sized.h"

#define BIT(isa) (1u << (isa))

static unsigned pretended = ~0u;

void fcnn_cpu_pretend(unsigned isas) { pretended = isas; }

/* FCNN_FEATURE_.. of this CPU. */
static unsigned read_features(void)
{
    unsigned features = 0;
#ifdef X86
    __builtin_cpu_init();
#define ADD(name, text) if (__builtin_cpu_supports(text)) features |= FCNN_FEATURE_##name;
    FCNN_X86_FEATURES(ADD)
#undef ADD
#elif defined(__aarch64__) && defined(__linux__)
    if (getauxval(AT_HWCAP) & HWCAP_ASIMD) features |= FCNN_FEATURE_ASIMD;
#elif defined(__aarch64__)
    features |= FCNN_FEATURE_ASIMD; /* part of every system's ABI */
#endif
    return features;
}

unsigned fcnn_cpu_isas(void)
{
    const unsigned features = read_features();
    unsigned isas = 0;
    for (int i = 0; i < FCNN_ISAS; i++) {
        const int runs = pretended == ~0u ? !(fcnn_isas[i].needs & ~features) : pretended >> i & 1;
        if (fcnn_isas[i].built && (runs || i == FCNN_SCALAR)) isas |= BIT(i);
    }
    return isas;
}

const char *fcnn_cpu_missing(fcnn_isa isa)
{
    if (fcnn_cpu_isas() & BIT(isa)) return NULL;
    return fcnn_isas[isa].built ? fcnn_isas[isa].missing : fcnn_isas[isa].unbuilt;
}

#if defined(__aarch64__) && defined(__linux__)
/* From the main identification register, which Linux lets programs read: implementer and part. */
static void read_part(char *brand, size_t size)
{
    static const struct { unsigned id; const char *name; } parts[] = {
        {0x41d08, "Cortex-A72"}, {0x41d0b, "Cortex-A76"}, {0x41d0c, "Neoverse N1"}, {0x41d40, "Neoverse V1"},
        {0x41d49, "Neoverse N2"}, {0x41d4f, "Neoverse V2"}};
    uint64_t midr;
    if (!(getauxval(AT_HWCAP) & HWCAP_CPUID)) return;
    __asm__("mrs %0, MIDR_EL1" : "=r"(midr));
    const unsigned id = (unsigned)(midr >> 24 & 255) << 12 | (unsigned)(midr >> 4 & 0xfff);
    snprintf(brand, size, "ARM implementer %#x, part %#x", id >> 12, id & 0xfff);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].id == id) snprintf(brand, size, "%s", parts[i].name);
}
#endif

static void read_brand(char *brand, size_t size)
{
    snprintf(brand, size, "unknown CPU");
#if defined(__aarch64__) && defined(__linux__)
    read_part(brand, size);
#endif
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

/* Made once: it outlives the thread that asked first. */
static char features_text[16 * FCNN_FEATURE_COUNT];

static void write_features(void)
{
    static const char *const names[] = {
#define NAME(name, text) text,
        FCNN_FEATURES(NAME)
#undef NAME
    };
    const unsigned features = read_features();
    char *end = features_text;
    for (int i = 0; i < FCNN_FEATURE_COUNT; i++)
        if (features >> i & 1) end += sprintf(end, "%s%s", end > features_text ? " " : "", names[i]);
}

static const char *features_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_features);
    return features_text;
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

/* What the CPU itself says, where a virtual machine hides sysfs: leaf 4 or its AMD copy, a cache at a time, else AMD's
 * old leaves of the first two levels. 0: nothing. */
static long ask_cpu(int level)
{
#ifdef X86
    unsigned a, b, c, d;
    const unsigned leaves[] = {4, 0x8000001du};
    for (int i = 0; i < 2; i++)
        for (unsigned cache = 0; cache < 8 && __get_cpuid_count(leaves[i], cache, &a, &b, &c, &d) && a & 31; cache++)
            if ((a & 31) != 2 && (int)(a >> 5 & 7) == level) /* 2: instructions alone */
                return (long)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((long)c + 1);
    if (level == 1 && __get_cpuid(0x80000005u, &a, &b, &c, &d)) return (long)(c >> 24) << 10;
    if (level == 2 && __get_cpuid(0x80000006u, &a, &b, &c, &d)) return (long)(c >> 16) << 10;
#endif
    (void)level;
    return 0;
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
    return ask_cpu(level);
}

/* How many CPUs share the last level: bits of a map such as "ff,ffffffff". */
static int64_t cores_of(const char *map)
{
    int64_t cores = 0;
    for (; *map; map++)
        if (isxdigit((unsigned char)*map)) cores += __builtin_popcount((unsigned)strtol((char[]){*map, 0}, NULL, 16));
    return cores;
}

static struct fcnn_caches caches;

static void find_caches(void)
{
    char text[32];
    const int64_t l1 = cache_size(1), l2 = cache_size(2), l3 = cache_size(3);
    read_cache(3, "shared_cpu_map", text);
    const int64_t sharing = cores_of(text);
    caches = fcnn_common_caches;
    if (l1 > 0) caches.l1 = l1;
    if (l2 > 0) caches.l2 = l2;
    if (l3 > 0 && sharing > 0) caches.share = l3 / sharing;
    if (caches.share < caches.l2) caches.share = caches.l2;
}

const struct fcnn_caches *fcnn_cpu_caches(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_caches);
    return &caches;
}

void fcnn_machine_describe_sized(fcnn_machine *machine, size_t machine_size)
{
    fcnn_machine found = {
        .isas = fcnn_cpu_isas(),
        .cores = omp_get_num_procs(),
        .l1d = cache_size(1),
        .l2 = cache_size(2),
        .l3 = cache_size(3),
        .features = features_once(),
    };
    if (!machine) return;
    read_brand(found.cpu, sizeof found.cpu);
    FCNN_GIVE(machine, machine_size, found);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Whose measurements are ours: those of the same CPU with the same caches. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define X86 1
#endif

#include "lib/tuning/table.h"

static struct fcnn_caches caches;
static char machine[160];

static size_t write_cpu(char *text, size_t size)
{
#ifdef X86
    unsigned signature, most, b, c, d, vendor[4] = {0};
    if (__get_cpuid(0, &most, &vendor[0], &vendor[2], &vendor[1]) && __get_cpuid(1, &signature, &b, &c, &d)) {
        const unsigned base = signature >> 8 & 15, family = base == 15 ? base + (signature >> 20 & 255) : base;
        const unsigned high = base == 6 || base == 15 ? signature >> 12 & 0xf0 : 0;
        return (size_t)snprintf(text, size, "%.12s family %u model %u stepping %u", (const char *)vendor, family,
                                high | (signature >> 4 & 15), signature & 15);
    }
#endif
    /* ARM's main identification register; there is none elsewhere. */
    unsigned long long midr = 0;
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "re");
    if (file && fscanf(file, "%llx", &midr) != 1) midr = 0;
    if (file) fclose(file);
    return (size_t)snprintf(text, size, "%s family %llu model %llu stepping %llu", midr ? "ARM" : "unknown",
                            midr >> 24 & 255, midr >> 4 & 0xfff, (midr >> 16 & 0xf0) | (midr & 15));
}

static size_t write_size(char *text, size_t size, int64_t bytes)
{
    const int shift = bytes % (1 << 20) == 0 ? 20 : bytes % (1 << 10) == 0 ? 10 : 0;
    return (size_t)snprintf(text, size, " %lld%s", (long long)(bytes >> shift), shift == 20 ? "M" : shift ? "K" : "");
}

static void describe(void)
{
    if (fcnn_caches_read(&caches)) caches = *fcnn_cpu_caches(); /* whoever plans is told */
    size_t used = write_cpu(machine, sizeof machine);
    used += (size_t)snprintf(machine + used, sizeof machine - used, ", caches");
    used += write_size(machine + used, sizeof machine - used, caches.l1);
    used += write_size(machine + used, sizeof machine - used, caches.l2);
    write_size(machine + used, sizeof machine - used, caches.share);
}

static void describe_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, describe);
}

const char *fcnn_tuning_machine(void)
{
    describe_once();
    return machine;
}

const struct fcnn_caches *fcnn_tuning_caches(void)
{
    describe_once();
    return &caches;
}

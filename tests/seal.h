/* SPDX-License-Identifier: BSD-2-Clause
 * The checksum of an altered checkpoint set right, so that what is behind it is read: for tests and fuzz targets. */
#ifndef FCNN_TESTS_SEAL_H
#define FCNN_TESTS_SEAL_H

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* 32 digits after the header's beginning: XXH3-128 of the file with zeros in their place. No checkpoint: nothing. */
static inline void seal(unsigned char *bytes, size_t length)
{
    static const char beginning[] = "{\"__metadata__\":{\"xxh3\":\"";
    const size_t at = 8 + sizeof beginning - 1;
    XXH128_canonical_t sum;
    char text[33];
    if (length < at + 32 || memcmp(bytes + 8, beginning, sizeof beginning - 1) != 0) return;
    memset(bytes + at, '0', 32);
    XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes, length));
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", sum.digest[i]);
    memcpy(bytes + at, text, 32);
}

#endif

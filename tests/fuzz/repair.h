/* SPDX-License-Identifier: BSD-2-Clause
 * Checksums of altered files set right, so that a fuzzer gets behind them: copies to be freed. */
#ifndef FCNN_FUZZ_REPAIR_H
#define FCNN_FUZZ_REPAIR_H

#include <zlib.h>

#include "tests/fuzz/fuzz.h"

static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length + !length);
    EXPECT(copy);
    memcpy(copy, bytes, length);
    return copy;
}

/* PNG: a chunk is its length, its name, its data and the checksum of the last two. */
static inline uint8_t *fuzz_repair_png(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = fuzz_copy(bytes, length);
    for (size_t at = 8; at + 12 <= length;) {
        const uint8_t *b = copy + at;
        const size_t data = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
        if (data > length - at - 12) break;
        const uint32_t crc = (uint32_t)crc32(0, b + 4, (unsigned)data + 4);
        for (int i = 0; i < 4; i++) copy[at + 8 + data + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += 12 + data;
    }
    return copy;
}

static inline size_t fuzz_little(const uint8_t *b, int bytes)
{
    size_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (size_t)b[i] << 8 * i;
    return value;
}

/* Zip, of the members that are stored: the directory has their places and checksums; its place is at the file's end. */
static inline uint8_t *fuzz_repair_zip(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = fuzz_copy(bytes, length);
    if (length < 22) return copy;
    for (size_t at = fuzz_little(copy + length - 6, 4); at + 46 <= length;) {
        const uint8_t *b = copy + at;
        const size_t count = fuzz_little(b + 20, 4), local = fuzz_little(b + 42, 4);
        if (b[10] == 0 && local + 30 <= length) {
            const size_t data = local + 30 + fuzz_little(copy + local + 26, 2) + fuzz_little(copy + local + 28, 2);
            const int fits = data <= length && count <= length - data;
            const uint32_t crc = fits ? (uint32_t)crc32(0, copy + data, (unsigned)count) : 0;
            for (int i = 0; i < 4 && fits; i++) copy[at + 16 + (size_t)i] = (uint8_t)(crc >> 8 * i);
        }
        at += 46 + fuzz_little(b + 28, 2) + fuzz_little(b + 30, 2) + fuzz_little(b + 32, 2);
    }
    return copy;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Object headers, groups and links of HDF5. */
#include "lib/io/h5.h"

#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/h5_parts.h"

/* ---- the superblock ---- */

static int is_signed(const struct io_h5 *h5, uint64_t address)
{
    const unsigned char *bytes = io_at(h5, address, 8);
    return bytes && !memcmp(bytes, "\x89HDF\r\n\x1a\n", 8);
}

static int has_user_block(const struct io_h5 *h5)
{
    uint64_t at = 512;
    if (is_signed(h5, 0)) return 0;
    while (at < h5->count && !is_signed(h5, at)) at *= 2;
    return at < h5->count;
}

static const char *check_head(struct io_h5 *h5)
{
    const unsigned char *bytes = h5->bytes;
    if (has_user_block(h5)) return "HDF5 begins behind a user block, which no Keras writes";
    if (h5->count < 100 || !is_signed(h5, 0)) return "it is no whole HDF5 file";
    const int version = bytes[8];
    if (version > 1) return "it was written in the format of a later HDF5, which no Keras does";
    const unsigned char *addresses = bytes + (version ? 28 : 24);
    if (bytes[13] != 8 || bytes[14] != 8) return "its offsets are not of 8 bytes";
    if (io_little(addresses, 8) != 0) return "it does not begin at its beginning";
    if (io_little(addresses + 16, 8) > h5->count) return "it is truncated: HDF5 says that it was longer";
    h5->root = io_little(addresses + 40, 8);
    return NULL;
}

fcnn_status io_h5_open(struct io_h5 *h5, const unsigned char *bytes, size_t count, const char *path)
{
    *h5 = (struct io_h5){.path = path, .bytes = bytes, .count = count, .work = 1000000 + 64 * (uint64_t)count};
    const char *problem = check_head(h5);
    return problem ? fcnn_io_fail(FCNN_BAD_DATA, "%s: %s", path, problem) : FCNN_OK;
}

/* ---- object headers ---- */

/* A piece of a header: its messages one behind the other. */
struct block {
    uint64_t address, size;
};
#define MOST_BLOCKS 64

static int see_block(struct io_h5 *h5, struct block block, struct block *blocks, int *count, io_see_fn *see,
                     void *context)
{
    const unsigned char *at = io_at(h5, block.address, block.size);
    if (!at) return -1;
    for (uint64_t left = block.size; left >= 8;) {
        const enum io_message type = (enum io_message)io_little(at, 2);
        const struct io_found message = {at + 8, io_little(at + 2, 2), at[4] & 2};
        if (message.size > left - 8 || !h5->work) return -1;
        h5->work--;
        if (type == IO_CONTINUATION) {
            if (message.size < 16 || *count == MOST_BLOCKS) return -1;
            blocks[(*count)++] = (struct block){io_little(at + 8, 8), io_little(at + 16, 8)};
        } else {
            const int seen = see(context, type, &message);
            if (seen) return seen;
        }
        at += 8 + message.size;
        left -= 8 + message.size;
    }
    return 0;
}

int io_h5_messages(struct io_h5 *h5, uint64_t object, io_see_fn *see, void *context)
{
    struct block blocks[MOST_BLOCKS];
    const unsigned char *head = io_at(h5, object, 16);
    int count = 1;
    if (!head || head[0] != 1) return -1;
    blocks[0] = (struct block){object + 16, io_little(head + 8, 4)};
    for (int i = 0; i < count; i++) {
        const int seen = see_block(h5, blocks[i], blocks, &count, see, context);
        if (seen) return seen;
    }
    return 0;
}

/* ---- groups ---- */

enum outcome { ABSENT, HARD, SOFT, DAMAGED, DENSE };

/* One look-up of a name. */
struct lookup {
    struct io_h5 *h5;
    const char *name;
    size_t length;
    uint64_t heap, heap_size; /* of the names of a symbol table */
    uint64_t found;
};

/* Bytes of a name: a file may have one compared with millions of others. Keras' own are short. */
#define MOST_NAME 1024

static int is_name(const struct lookup *l, uint64_t offset)
{
    const size_t bytes = l->length + 1;
    if (offset > l->heap_size || bytes > l->heap_size - offset) return 0;
    const unsigned char *name = io_at(l->h5, l->heap + offset, bytes);
    return name && !memcmp(name, l->name, bytes);
}

/* A leaf: up to 2 K entries. */
static enum outcome look_in_leaf(struct lookup *l, uint64_t address)
{
    const unsigned char *node = io_at(l->h5, address, 8);
    if (!node || memcmp(node, "SNOD\1", 5) != 0) return DAMAGED;
    const uint64_t entries = io_little(node + 6, 2);
    if (!io_at(l->h5, address, 8 + 40 * entries) || l->h5->work < entries) return DAMAGED;
    l->h5->work -= entries;
    for (const unsigned char *at = node + 8; at < node + 8 + 40 * entries; at += 40)
        if (is_name(l, io_little(at, 8))) {
            l->found = io_little(at + 8, 8);
            return io_little(at + 16, 4) == 2 ? SOFT : HARD;
        }
    return ABSENT;
}

#define MOST_LEVELS 8

static enum outcome look_in_tree(struct lookup *l, uint64_t address, int level)
{
    const unsigned char *node = io_at(l->h5, address, 24);
    if (!node || memcmp(node, "TREE", 4) != 0 || node[4] != 0) return DAMAGED;
    const uint64_t entries = io_little(node + 6, 2);
    if (node[5] > MOST_LEVELS || (level >= 0 && node[5] != level)) return DAMAGED;
    if (!io_at(l->h5, address, 24 + 8 + 16 * entries)) return DAMAGED;
    for (uint64_t i = 0; i < entries; i++) {
        const uint64_t child = io_little(node + 32 + 16 * i, 8);
        if (!l->h5->work) return DAMAGED;
        l->h5->work--;
        const enum outcome outcome = node[5] ? look_in_tree(l, child, node[5] - 1) : look_in_leaf(l, child);
        if (outcome != ABSENT) return outcome;
    }
    return ABSENT;
}

/* A group of old: a tree of entries, and a heap of names. */
static enum outcome look_in_table(struct lookup *l, const struct io_found *message)
{
    if (message->size < 16 || message->shared) return DAMAGED;
    const unsigned char *heap = io_at(l->h5, io_little(message->data + 8, 8), 32);
    if (!heap || memcmp(heap, "HEAP", 4) != 0) return DAMAGED;
    l->heap_size = io_little(heap + 8, 8);
    l->heap = io_little(heap + 24, 8);
    if (!io_at(l->h5, l->heap, l->heap_size)) return DAMAGED;
    return look_in_tree(l, io_little(message->data, 8), -1);
}

/* A link in the header: version, flags, then what the flags announce, the name, where it leads to. */
static enum outcome look_at_link(struct lookup *l, const struct io_found *message)
{
    const unsigned char *at = message->data, *end = at + message->size;
    if (message->shared || message->size < 4 || at[0] != 1) return DAMAGED;
    const int flags = at[1], width = 1 << (flags & 3);
    const int before = 2 + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0);
    if (message->size < (uint64_t)(before + width)) return DAMAGED;
    at += 2;
    const int type = flags & 8 ? *at++ : 0;
    if (flags & 4) at += 8;
    if (flags & 16) at++;
    const uint64_t length = io_little(at, width);
    at += width;
    if (length > (uint64_t)(end - at)) return DAMAGED;
    if (length != l->length || memcmp(at, l->name, length) != 0) return ABSENT;
    if (type != 0) return SOFT;
    if ((uint64_t)(end - at) - length < 8) return DAMAGED;
    l->found = io_little(at + length, 8);
    return HARD;
}

/* Whether the links lie in a heap of their own: more than 8, of which one has a name that is not ASCII. */
static enum outcome look_at_heap(const struct io_found *message)
{
    const uint64_t at = message->size > 1 && message->data[1] & 1 ? 10 : 2;
    if (message->shared || message->size < at + 8 || message->data[0] != 0) return DAMAGED;
    return io_little(message->data + at, 8) == UINT64_MAX ? ABSENT : DENSE;
}

static int look_at_message(void *context, enum io_message type, const struct io_found *message)
{
    if (type == IO_TABLE) return (int)look_in_table(context, message);
    if (type == IO_LINK_INFO) return (int)look_at_heap(message);
    return type == IO_LINK ? (int)look_at_link(context, message) : 0;
}

static enum outcome look_up(struct io_h5 *h5, uint64_t group, const char *name, uint64_t *found)
{
    struct lookup l = {.h5 = h5, .name = name, .length = strlen(name)};
    if (l.length > MOST_NAME) return ABSENT;
    const int outcome = io_h5_messages(h5, group, look_at_message, &l);
    *found = l.found;
    return outcome < 0 ? DAMAGED : (enum outcome)outcome;
}

int io_h5_has(struct io_h5 *h5, uint64_t group, const char *name)
{
    uint64_t found;
    const enum outcome outcome = look_up(h5, group, name, &found);
    return outcome == HARD || outcome == SOFT;
}

static fcnn_status find_step(struct io_h5 *h5, uint64_t group, const char *name, const char *path, uint64_t *found)
{
    switch (look_up(h5, group, name, found)) {
    case HARD: return FCNN_OK;
    case SOFT:
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: %.200s is a soft or external link, which is not followed", h5->path,
                            path);
    case ABSENT: return fcnn_io_fail(FCNN_BAD_DATA, "%s: there is no %.200s in it", h5->path, path);
    case DENSE:
        return fcnn_io_fail(FCNN_BAD_DATA,
                            "%s: the group of %.200s has names that are not ASCII, and more than are read then: save "
                            "the model as .keras, or with other names of layers", h5->path, path);
    default:
        return fcnn_io_fail(FCNN_BAD_DATA, "%s: a group on the way to %.200s is damaged, or in no format of Keras",
                            h5->path, path);
    }
}

fcnn_status io_h5_find(struct io_h5 *h5, uint64_t group, const char *path, uint64_t *found)
{
    char *copy = strdup(path), *rest = copy, *name;
    fcnn_status status = FCNN_OK;
    if (!copy) return fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
    *found = *path == '/' ? h5->root : group;
    while (!status && (name = strsep(&rest, "/")))
        if (*name && strcmp(name, ".") != 0) status = find_step(h5, *found, name, path, found);
    free(copy);
    return status;
}

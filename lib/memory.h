/* SPDX-License-Identifier: BSD-2-Clause
 * Memory for workspaces: 64-byte aligned; large areas on huge pages where the system grants them. fcnn_set_allocator()
 * replaces where it comes from. */
#ifndef FCNN_MEMORY_H
#define FCNN_MEMORY_H

#include <stddef.h>

void *fcnn_memory_allocate(size_t bytes); /* NULL: out of memory. 0 bytes give a valid pointer. Contents undefined. */
void fcnn_memory_free(void *memory);

#endif

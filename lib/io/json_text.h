/* SPDX-License-Identifier: BSD-2-Clause
 * JSON documents before they are parsed: how much memory that would take. And files of any kind as text, pipes too. For
 * readers with sentences of their own; json.h has those of the library. */
#ifndef FCNN_IO_JSON_TEXT_H
#define FCNN_IO_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* At least what jansson has asked for at any moment while it parses the document, also where it fails. A byte may be
 * eighty: "{}," makes an object with its table, and a file of 64 MB of these 5 GB. */
uint64_t io_json_memory(const char *text, size_t length);
#define IO_JSON_MEMORY ((size_t)256 << 20) /* what models, receipts and histories are given */

/* The whole file, with a 0 byte behind it that does not count; free(*text). 0, or an errno with *text NULL: EFBIG where
 * it has more bytes than `most`; it has asked for some twice as many then at most. */
int io_stream_read(char **text, size_t *length, const char *path, size_t most);

#endif

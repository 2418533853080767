/* SPDX-License-Identifier: BSD-2-Clause
 * Reading zip files and archives in memory, member by member, stored or deflated, with bounded memory: what the
 * directory at the end announces
 * is held against the file's size, and contents come in pieces of the caller's size. One thread at a time per file. */
#ifndef FCNN_UNZIP_H
#define FCNN_UNZIP_H

#include "lib/io/fastcnn_io.h"

#define FCNN_UNZIP_MEMBERS 1024 /* that are read; more are refused */
#define FCNN_UNZIP_NAME 256

struct fcnn_unzip;

/* Reads the directory of a regular file. FCNN_NO_FILE, FCNN_BAD_DATA (also: encrypted, split, zip64, another
 * compression, two members of one name), FCNN_OUT_OF_MEMORY; *zip is NULL then. */
fcnn_status fcnn_unzip_open(struct fcnn_unzip **zip, const char *path);
/* The same of an archive in memory, which must stay there; `name` stands for its path in sentences. */
fcnn_status fcnn_unzip_open_memory(struct fcnn_unzip **zip, const unsigned char *bytes, size_t size, const char *name);
void fcnn_unzip_close(struct fcnn_unzip *zip); /* NULL is fine */

int fcnn_unzip_count(const struct fcnn_unzip *zip);
const char *fcnn_unzip_name(const struct fcnn_unzip *zip, int member); /* the file's */
/* Bytes uncompressed: believable, not true yet. */
int64_t fcnn_unzip_size(const struct fcnn_unzip *zip, int member);
int fcnn_unzip_find(const struct fcnn_unzip *zip, const char *name);   /* -1: there is none */

/* From here on fcnn_unzip_read() reads this member. FCNN_BAD_DATA, FCNN_NO_FILE. */
fcnn_status fcnn_unzip_begin(struct fcnn_unzip *zip, int member);

/* Reads `count` bytes; *got is smaller only at the member's end, where length and checksum must be those announced.
 * FCNN_BAD_DATA, FCNN_NO_FILE, FCNN_OUT_OF_MEMORY: the sentence names file and member. */
fcnn_status fcnn_unzip_read(struct fcnn_unzip *zip, void *bytes, int64_t count, int64_t *got);

#endif

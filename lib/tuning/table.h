/* SPDX-License-Identifier: BSD-2-Clause
 * The inside of a tuning table: what table.c, lines.c, text.c, file.c, places.c and machine.c share. */
#ifndef FCNN_TUNING_TABLE_H
#define FCNN_TUNING_TABLE_H

#include <stdint.h>

#include "lib/tuning/tuning.h"

/* What a table holds, and a file, at most: hostile ones cost no more. */
#define FCNN_TUNING_MOST_LINES 65536
#define FCNN_TUNING_MOST_BYTES (16 << 20)
#define FCNN_TUNING_LONGEST 2048  /* line of a file without its end */
#define FCNN_TUNING_COMMENTS 4096 /* bytes of comments before one line */
#define FCNN_TUNING_WORDS 256     /* conditions, machines, with the NUL */

/* ---- lines.c: lines, and sorted lists of them ---- */

/* An entry as the file has it, usable or not. A remark is a line without a problem: comments for which no entry is the
 * right place. All strings but the comments lie in the line's own block of memory. */
struct fcnn_line {
    const char *machine, *problem, *numerics, *choice, *conditions;
    int threads, revision, team;
    int gain;       /* in hundredths */
    char *comments; /* "# one\n# two\n", before the line; NULL: none. The line's own, from malloc() */
    uint64_t file;  /* fcnn_tuning_file_mark() of the file that has it so; 0: none */
    uint64_t turn;  /* counts up with every line made: of two for one problem the later one wins */
    /* What it comes to here: */
    struct fcnn_choice usable; /* if stale is empty */
    char stale[112];
};

/* A copy in one block; NULL: no memory. */
struct fcnn_line *fcnn_line_make(const struct fcnn_line *fields);
void fcnn_line_free(struct fcnn_line *line);
/* The order of the file: machine, problem, class, threads. */
int fcnn_line_compare(const struct fcnn_line *a, const struct fcnn_line *b);
/* The turn of the line made last. */
uint64_t fcnn_line_turns(void);
/* Adds the comments that are not there yet and find room. 0: no memory. */
int fcnn_line_comment(struct fcnn_line *line, const char *comments);

struct fcnn_lines {
    struct fcnn_line **at;
    int count, room;
};
void fcnn_lines_free(struct fcnn_lines *lines);
/* Where the line with the same key is, or would be; 1: it is there. */
int fcnn_lines_find(const struct fcnn_lines *lines, const struct fcnn_line *key, int *where);
/* Inserts a line, or puts it in the place of the one with the same key, whose comments it takes over. The list owns it
 * then. 0: no memory; nothing has changed. */
int fcnn_lines_put(struct fcnn_lines *lines, struct fcnn_line *line);
/* Takes out and frees a line. */
void fcnn_lines_drop(struct fcnn_lines *lines, int where);
/* At the end, in any order: for fcnn_lines_merge(), which sorts them in and leaves `from` empty. 0: no memory. */
int fcnn_lines_append(struct fcnn_lines *lines, struct fcnn_line *line);
int fcnn_lines_merge(struct fcnn_lines *lines, struct fcnn_lines *from);

/* ---- judge.c ---- */

/* FCNN_CLASSES: one that is unknown here. */
fcnn_class fcnn_line_class(const struct fcnn_line *line);
/* Sets line->usable, or line->stale to the reason why it cannot be used here. */
void fcnn_line_judge(struct fcnn_line *line);

/* ---- machine.c ---- */

/* "AuthenticAMD family 26 model 2 stepping 1, caches 48K 1M 4M": of this process (FASTCNN_CACHES has a say). A
 * constant. */
const char *fcnn_tuning_machine(void);
/* Those that the machine above has: what choices of its lines are cut for. */
const struct fcnn_caches *fcnn_tuning_caches(void);

/* ---- text.c ---- */

/* Remarks of the whole file and of its end, by their machine: before and behind all others. */
#define FCNN_TUNING_HEAD ""
#define FCNN_TUNING_TAIL "\177"

/* What is asked and what is found while a text is read; zero-initialise the rest. */
struct fcnn_tuning_reader {
    const char *origin;
    fcnn_tuning_note_fn *note; /* may be NULL */
    void *context;
    uint64_t file; /* for the lines */
    /* found: */
    int taken, stale, bad; /* lines; of those taken; left out */
    int error;             /* errno, where the file could not be read */
    /* text.c's own: */
    int line, notes, begun;
    char machine[FCNN_TUNING_WORDS];
    char *comments;
    size_t comments_length;
    struct fcnn_lines lines, remarks;
};
/* As fcnn_tuning_parse(). */
fcnn_status fcnn_tuning_take(struct fcnn_tuning *tuning, const char *text, size_t length,
                             struct fcnn_tuning_reader *reader);
/* As fcnn_tuning_format(), for a table that nobody else sees now. */
char *fcnn_tuning_text(const struct fcnn_tuning *tuning);

/* ---- file.c ---- */

/* A whole file in memory; free() the text, which ends with a NUL. */
struct fcnn_tuning_file {
    char *text;
    size_t length;
    int error; /* errno of a failure that the system reported; else 0 */
    unsigned mode;
};
/* FCNN_NO_FILE, FCNN_BAD_DATA (too large), FCNN_OUT_OF_MEMORY: nothing to free. */
fcnn_status fcnn_tuning_file_read(struct fcnn_tuning_file *file, const char *path);
/* As fcnn_tuning_read(). */
fcnn_status fcnn_tuning_read_file(struct fcnn_tuning *tuning, const char *path, struct fcnn_tuning_reader *reader);
/* A number for the file that a path leads to; 0: it leads nowhere. */
uint64_t fcnn_tuning_file_mark(const char *path);

/* ---- table.c ---- */

struct fcnn_tuning {
    struct fcnn_lines lines, remarks;
    struct fcnn_lines removed; /* what fcnn_tuning_write() is to take out of files */
};
/* One lock for all tables, held only while memory is looked at; a fork() finds it free. */
void fcnn_tuning_lock(void);
void fcnn_tuning_unlock(void);
/* Frees what a table holds. */
void fcnn_tuning_clear(struct fcnn_tuning *tuning);

/* ---- places.c ---- */

int fcnn_tuning_is_default(const fcnn_tuning *tuning);
/* A plan asked for a line that is stale: FASTCNN_VERBOSE=dispatch says so, once per process. */
void fcnn_tuning_report_stale(const char *problem, const char *why);

#endif

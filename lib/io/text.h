/* SPDX-License-Identifier: BSD-2-Clause
 * Models as text: one statement a line (docs/models.md). text_table.c has the one table of what statements say;
 * text.c reads with it, text_write.c writes with it. */
#ifndef FCNN_IO_TEXT_H
#define FCNN_IO_TEXT_H

#include "lib/io/fastcnn_io.h"

#define IO_TEXT_MOST_BYTES  (1 << 20)
#define IO_TEXT_MOST_LAYERS 1000

/* What a line fills. */
union io_text_target {
    struct { int64_t h, w, c; } input;
    fcnn_layer layer;
    fcnn_compile_options compile;
};

enum io_text_type {
    IO_TEXT_SIZES,  /* `numbers` of int64_t: "3x3"; of two one number says both, of four two say each twice */
    IO_TEXT_INT,    /* int */
    IO_TEXT_FLOAT,
    IO_TEXT_DOUBLE,
    IO_TEXT_WORD,   /* an enum: `first` + the number of the word */
    IO_TEXT_FLAG,   /* int, 1 by its mere presence */
    IO_TEXT_NAME,   /* of a layer */
};

/* Something that a statement says: as KEY=VALUE, a flag or a word by itself, the first values without a key too. */
struct io_text_setting {
    const char *key;
    const char *form;    /* of the value, for people: "RxS" */
    const char *expects; /* a noun: what values there are */
    enum io_text_type type;
    size_t field;        /* offset in the target's member */
    int numbers;         /* of SIZES */
    double least, most;  /* of numbers */
    double usual;        /* what is not written */
    const char *const *words; /* up to NULL */
    int first;
};

enum io_text_what { IO_TEXT_INPUT, IO_TEXT_LAYER, IO_TEXT_COMPILE };

struct io_text_statement {
    const char *word;
    enum io_text_what what;
    int kind;       /* fcnn_layer_kind */
    uint64_t needs; /* masks of settings: these have to be there, in this order if they have no key */
    uint64_t takes; /* these may */
    const char *example;
};

extern const struct io_text_statement io_text_statements[];
extern const int io_text_statement_count;
extern const struct io_text_setting io_text_settings[];
extern const int io_text_setting_count;

/* Whether a setting says something of a model compiled so: beta_1 means nothing to SGD. 1 for settings of layers. */
int io_text_applies(int setting, const fcnn_compile_options *compile);
int io_text_positional(int setting); /* its value may come without its key: sizes and numbers that come first */
int io_text_bare(int setting);       /* so may its word: "relu" alone */

/* Reads a text. *model has its layers and is not compiled, NULL after a failure; *compiles: there is a compile line,
 * and *compile is what it says. `path` is for sentences: "PATH:LINE:COLUMN: ...". */
fcnn_status io_text_parse(fcnn_model **model, fcnn_compile_options *compile, int *compiles, const char *bytes,
                          size_t count, const char *path);

/* The text of a model, that reads back as the same layers and compile options; free(*text). FCNN_BAD_ARGUMENT: the name
 * of a layer has a quote or a control character. */
fcnn_status io_text_format(char **text, const fcnn_model *model, const char *path);

/* One line for each statement: what it says, as docs/models.md has it. free(); NULL: no memory. */
char *io_text_grammar(void);

#endif

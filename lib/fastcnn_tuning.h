/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Measured dispatch. A tuning table holds, for problems that were measured, which kernel of the problem's numerics
 * class is fastest and how it cuts its work (docs/tuning.md: the file's format, how is measured). It never changes a
 * result.
 *
 * Included by fastcnn.h. */
#ifndef FASTCNN_TUNING_H
#define FASTCNN_TUNING_H

#ifdef __cplusplus
extern "C" {
#endif

/* A table. All functions may be called by several threads at once with the same table, and while plans are made with
 * it; it must outlive calls that use it, not the plans that they made. */
typedef struct fcnn_tuning fcnn_tuning;

/* An empty table. */
FCNN_API fcnn_status fcnn_tuning_create(fcnn_tuning **tuning);
FCNN_API void fcnn_tuning_destroy(fcnn_tuning *tuning); /* NULL is fine; not the process's */

/* The process's table, which plans use whose options name none: read once, at the first need, from the files that
 * FASTCNN_TUNING names, or from the user's and the system's (docs/tuning.md). Empty with FASTCNN_TUNING=off. Never
 * NULL: without memory it is an empty one. */
FCNN_API fcnn_tuning *fcnn_tuning_default(void);

/* A file that the process's table is read from, the one that wins first. Constants. */
typedef struct fcnn_tuning_place {
    const char *path;
    const char *origin;  /* why this one: "FASTCNN_TUNING", "XDG_CONFIG_HOME", "HOME", "system" */
    const char *verdict; /* what came of it, for people: "it does not exist", "12 lines, 1 stale (line 7: ...)" */
    int lines, stale, bad; /* lines taken; those of them that are not used here; lines left out */
    int written;         /* 1: programs write measured choices there */
} fcnn_tuning_place;
/* Place 0, 1, ... of the process's table, which is read then if it was not. FCNN_BAD_ARGUMENT past the last one; there
 * is none with FASTCNN_TUNING=off. */
FCNN_API fcnn_status fcnn_tuning_place_describe_sized(int index, fcnn_tuning_place *place, size_t place_size);
FCNN_INLINE fcnn_status fcnn_tuning_place_describe(int index, fcnn_tuning_place *place)
{
    return fcnn_tuning_place_describe_sized(index, place, sizeof *place);
}

/* What was wrong with a line of a file or text: for people. `line` counts from 1; 0: of the whole. The strings live for
 * the call. */
typedef void fcnn_tuning_note_fn(void *context, const char *origin, int line, const char *what);

/* Adds the lines of a text in memory, or of a file, to a table; of two lines for one problem the later read wins.
 * What cannot be used is left out, named to `note` (may be NULL) and kept for writing where it is another machine's
 * or version's. FCNN_OK even then. FCNN_BAD_DATA: it is no tuning file at all, or a huge one (limits: docs/tuning.md).
 * FCNN_NO_FILE: it could not be read (message with the system's reason). `origin`: for notes. */
FCNN_API fcnn_status fcnn_tuning_parse(fcnn_tuning *tuning, const char *text, size_t length, const char *origin,
                                       fcnn_tuning_note_fn *note, void *context);
FCNN_API fcnn_status fcnn_tuning_read(fcnn_tuning *tuning, const char *path, fcnn_tuning_note_fn *note, void *context);

/* Writes a table into a file: merged with what the file holds by then (the table's lines win, but those that were read
 * from this file; of the process's table only what is new), by way of a temporary file beside it, fsync and rename;
 * comments of the file survive. Any number of threads and processes may write one file at once: nothing is lost. Makes
 * the folders of the path. FCNN_NO_FILE with the path and the system's reason, FCNN_BAD_DATA (what is there is no
 * tuning file), FCNN_OUT_OF_MEMORY (also: the file would be too large): the file is as it was. */
FCNN_API fcnn_status fcnn_tuning_write(fcnn_tuning *tuning, const char *path);
/* Takes the lines out of a file that are this machine's and stale. *removed (may be NULL): how many. */
FCNN_API fcnn_status fcnn_tuning_prune(const char *path, int *removed);
/* The text that fcnn_tuning_write() would put into a new file; free() it. NULL: no memory. */
FCNN_API char *fcnn_tuning_format(fcnn_tuning *tuning);

/* A line of a table. Strings live until the table changes. */
typedef struct fcnn_tuned {
    const char *problem;    /* in the library's words, the direction among them */
    fcnn_class numerics;
    int threads;            /* of the plan's settings */
    const char *choice;     /* "conv2d_fwd_direct_avx512{block_pixels=256}": what an option `kernel` understands */
    int team;               /* threads that this choice takes; at most `threads` */
    double gain;            /* time of the estimate over time of the choice, measured together; 1: the estimate's */
    const char *stale;      /* why it is not used ("kernel revision 2, here 3"), or NULL */
    const char *machine;    /* where it was measured: CPU and caches */
    const char *conditions; /* of the measurement, in words; "" if nothing is known */
} fcnn_tuned;
FCNN_API int fcnn_tuning_count(fcnn_tuning *tuning);
/* Line 0 .. fcnn_tuning_count()-1, in the file's order; FCNN_BAD_ARGUMENT for others. */
FCNN_API fcnn_status fcnn_tuning_describe_sized(fcnn_tuning *tuning, int index, fcnn_tuned *tuned, size_t tuned_size);
FCNN_INLINE fcnn_status fcnn_tuning_describe(fcnn_tuning *tuning, int index, fcnn_tuned *tuned)
{
    return fcnn_tuning_describe_sized(tuning, index, tuned, sizeof *tuned);
}

typedef struct fcnn_tune_progress fcnn_tune_progress;

/* How to measure. Zero-initialise; 0 or NULL: the default. */
typedef struct fcnn_tune_options {
    double seconds; /* about, for one problem; default 1, or as long as 200 executions if that is more */
    int again;      /* 1: measure although the table has the problem */
    /* Called after every candidate; another value than 0 ends the search with FCNN_INTERRUPTED, and the table as it
     * was. */
    int (*progress)(void *context, const fcnn_tune_progress *progress);
    void *context;
} fcnn_tune_options;
/* What a progress call sees: for people. */
struct fcnn_tune_progress {
    const char *problem;
    const char *choice;   /* the candidate that was timed */
    double seconds, best; /* per execution, of the candidate and of the best one that it met; interleaved windows */
    double part;          /* of the budget that is spent, 0 to 1 */
    int team;             /* threads of the candidate */
    const char *against;  /* the best one that it met */
};

/* Finds the fastest choice for a problem under the options (their threads, instruction sets, class; of kernels that
 * are asked for by name only these are tried) and puts it into the table (NULL: the process's). Uses the caller's
 * thread and the plan's helpers, for about the given time; allocates the tensors it needs. *measured (may be NULL): 0
 * if the table had it. Errors as of fcnn_plan_create(). */
FCNN_API fcnn_status fcnn_tune_sized(fcnn_tuning *tuning, const fcnn_problem *problem, size_t problem_size,
                                     const fcnn_options *options, size_t options_size, const fcnn_tune_options *tune,
                                     size_t tune_size, int *measured);
FCNN_INLINE fcnn_status fcnn_tune(fcnn_tuning *tuning, const fcnn_problem *problem, const fcnn_options *options,
                                  const fcnn_tune_options *tune, int *measured)
{
    return fcnn_tune_sized(tuning, problem, sizeof *problem, options, sizeof *options, tune, sizeof *tune, measured);
}

/* Whether the table's choice for a problem still is the best one: searches as fcnn_tune() does, but begins with that
 * choice instead of the estimate, and leaves the table alone. *gain: its time over that of what was found, measured
 * together; 1: nothing clearly faster was. `choice` (may be NULL): what was found, for an option `kernel`.
 * FCNN_NOT_TUNED: the table has none that can be used. */
FCNN_API fcnn_status fcnn_tune_check_sized(fcnn_tuning *tuning, const fcnn_problem *problem, size_t problem_size,
                                           const fcnn_options *options, size_t options_size,
                                           const fcnn_tune_options *tune, size_t tune_size, double *gain, char *choice,
                                           size_t choice_size);
FCNN_INLINE fcnn_status fcnn_tune_check(fcnn_tuning *tuning, const fcnn_problem *problem, const fcnn_options *options,
                                        const fcnn_tune_options *tune, double *gain, char *choice, size_t choice_size)
{
    return fcnn_tune_check_sized(tuning, problem, sizeof *problem, options, sizeof *options, tune, sizeof *tune, gain,
                                 choice, choice_size);
}

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Locks on files that a run goes on writing, a checkpoint and a trail: of two runs that name one file, the second is
 * told. Where locks do not work, nothing is told. */
#ifndef FASTCNN_CLI_FILE_LOCK_H
#define FASTCNN_CLI_FILE_LOCK_H

struct cli_lock {
    int fd; /* + 1; 0: nothing is locked */
};

/* Locks the regular file that is there now, in place of one that was there before. What is none, or cannot be opened,
 * is left to who reads or writes it. 74, after a complaint: another run has it locked. */
int cli_lock(struct cli_lock *lock, const char *path);

/* Before it is replaced, and at the end: 0 where it is still the file that was locked, or none. 74, after a complaint:
 * another run has put its own there. */
int cli_lock_holds(const struct cli_lock *lock, const char *path);

void cli_unlock(struct cli_lock *lock);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning files. Who reads needs no lock: a file is replaced as a whole. Who writes holds a lock beside the file while
 * it reads what is there by then, merges, and renames a new file over it. The lock is the system's (flock): that of a
 * process which died is nobody's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/tuning/table.h"

static fcnn_status system_failed(const char *path, const char *what)
{
    return fcnn_fail(errno == ENOMEM ? FCNN_OUT_OF_MEMORY : FCNN_NO_FILE, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- reading ---- */

static ssize_t read_all(int fd, char *bytes, size_t count)
{
    size_t done = 0;
    for (ssize_t n = 1; n && done < count; done += (size_t)n) {
        do n = read(fd, bytes + done, count - done);
        while (n < 0 && errno == EINTR);
        if (n < 0) return -1;
    }
    return (ssize_t)done;
}

static fcnn_status read_open(struct fcnn_tuning_file *file, const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st)) return system_failed(path, "it cannot be examined");
    if (!S_ISREG(st.st_mode)) return fcnn_fail(FCNN_NO_FILE, "%s: it is no regular file", path);
    if (st.st_size > FCNN_TUNING_MOST_BYTES)
        return fcnn_fail(FCNN_BAD_DATA, "%s: it is larger than %d MiB", path, FCNN_TUNING_MOST_BYTES >> 20);
    char *text = malloc((size_t)st.st_size + 1);
    if (!text) return fcnn_fail(FCNN_OUT_OF_MEMORY, "%s: no memory for its %lld bytes", path, (long long)st.st_size);
    const ssize_t length = read_all(fd, text, (size_t)st.st_size);
    if (length < 0) {
        const fcnn_status status = system_failed(path, "it cannot be read");
        free(text);
        return status;
    }
    text[length] = 0;
    *file = (struct fcnn_tuning_file){text, (size_t)length, 0, st.st_mode & 0777};
    return FCNN_OK;
}

fcnn_status fcnn_tuning_file_read(struct fcnn_tuning_file *file, const char *path)
{
    *file = (struct fcnn_tuning_file){0};
    errno = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO would wait for its writer */
    const fcnn_status status = fd < 0 ? system_failed(path, "it cannot be opened") : read_open(file, path, fd);
    file->error = status ? errno : 0;
    if (fd >= 0) close(fd);
    return status;
}

/* Where a path leads behind symbolic links, the last of which may lead nowhere. */
static fcnn_status follow(const char *path, char target[PATH_MAX])
{
    char link[PATH_MAX];
    ssize_t length = 0;
    if (strlen(path) >= PATH_MAX || !*path) return fcnn_fail(FCNN_NO_FILE, "%s: it is no path", path);
    strcpy(target, path);
    for (int links = 0; links < 40; links++) {
        length = readlink(target, link, sizeof link - 1);
        if (length < 0) return FCNN_OK;
        link[length] = 0;
        char *name = strrchr(target, '/');
        const size_t folder = *link == '/' || !name ? 0 : (size_t)(name + 1 - target);
        if (folder + (size_t)length >= PATH_MAX) break;
        strcpy(target + folder, link);
    }
    return fcnn_fail(FCNN_NO_FILE, "%s: its symbolic links lead too far", path);
}

static uint64_t mark_of(const char *target)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *target; target++) hash = (hash ^ (unsigned char)*target) * UINT64_C(0x100000001b3);
    return hash | 1;
}

uint64_t fcnn_tuning_file_mark(const char *path)
{
    char target[PATH_MAX];
    return follow(path, target) ? 0 : mark_of(target);
}

fcnn_status fcnn_tuning_read(fcnn_tuning *tuning, const char *path, fcnn_tuning_note_fn *note, void *context)
{
    struct fcnn_tuning_reader reader = {.origin = path, .note = note, .context = context};
    if (!tuning || !path) return fcnn_fail(FCNN_BAD_ARGUMENT, "the %s is NULL", tuning ? "path" : "tuning table");
    return fcnn_tuning_read_file(tuning, path, &reader);
}

fcnn_status fcnn_tuning_read_file(struct fcnn_tuning *tuning, const char *path, struct fcnn_tuning_reader *reader)
{
    struct fcnn_tuning_file file;
    char why[256];
    fcnn_status status = fcnn_tuning_file_read(&file, path);
    reader->error = file.error;
    if (status) return status;
    reader->file = fcnn_tuning_file_mark(path);
    status = fcnn_tuning_take(tuning, file.text, file.length, reader);
    free(file.text);
    if (!status) return FCNN_OK;
    snprintf(why, sizeof why, "%s", fcnn_last_error());
    return fcnn_fail(status, "%s: %s", path, why);
}

/* ---- the lock ---- */

struct target {
    char path[PATH_MAX];        /* of the file itself, behind links */
    char lock_path[PATH_MAX];
    char folder[PATH_MAX];
    int lock;
};

/* Makes the folders of a path that are not there. */
static void make_folders(const char *folder)
{
    char path[PATH_MAX];
    strcpy(path, folder);
    for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
        *end = 0;
        mkdir(path, 0700);
        *end = '/';
    }
    mkdir(path, 0700); /* whether it worked shows when the lock is opened */
}

static int open_lock(const struct target *target)
{
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    int lock = open(target->lock_path, flags, 0600);
    if (lock >= 0 || errno != ENOENT) return lock;
    make_folders(target->folder);
    return open(target->lock_path, flags, 0600);
}

/* Others hold it for milliseconds. */
#define PATIENCE 3000 /* times */
#define PAUSE 10      /* milliseconds */
static fcnn_status lock(const struct target *target)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (!flock(target->lock, LOCK_EX | LOCK_NB)) return FCNN_OK;
        if (errno != EWOULDBLOCK && errno != EINTR) return FCNN_OK; /* a file system without locks: merged anyway */
        nanosleep(&(struct timespec){.tv_nsec = PAUSE * 1000000L}, NULL);
    }
    return fcnn_fail(FCNN_NO_FILE, "%s: another process has held this lock for %d s", target->lock_path,
                     PATIENCE * PAUSE / 1000);
}

static fcnn_status begin(struct target *target, const char *path)
{
    fcnn_status status = follow(path, target->path);
    target->lock = -1;
    if (status) return status;
    if (strlen(target->path) + sizeof ".lock" > PATH_MAX) return fcnn_fail(FCNN_NO_FILE, "%s: it is too long", path);
    strcpy(stpcpy(target->lock_path, target->path), ".lock");
    strcpy(target->folder, target->path);
    char *name = strrchr(target->folder, '/');
    if (name) name[name == target->folder] = 0;
    else strcpy(target->folder, ".");
    target->lock = open_lock(target);
    return target->lock < 0 ? system_failed(target->lock_path, "it cannot be made") : lock(target);
}

/* By name: a child of a fork() in between has the descriptor too. */
static void end(const struct target *target)
{
    if (target->lock < 0) return;
    flock(target->lock, LOCK_UN);
    close(target->lock);
}

/* ---- writing ---- */

/* A new file beside the target. */
static int open_new(const struct target *target, char path[PATH_MAX])
{
    static _Atomic unsigned count;
    struct timespec now;
    int fd = -1;
    errno = EEXIST;
    for (int i = 0; i < 100 && fd < 0 && errno == EEXIST; i++) {
        clock_gettime(CLOCK_REALTIME, &now);
        if (snprintf(path, PATH_MAX, "%s.%ld-%u-%lx.new", target->path, (long)getpid(), ++count,
                     (unsigned long)now.tv_nsec) >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    }
    return fd;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length) {
        const ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        text += n;
        length -= (size_t)n;
    }
    return 1;
}

static void sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd); /* file systems that cannot do that keep the order anyway, or nothing */
    close(fd);
}

/* The new file is complete on the disk before it gets the name of the old one, whose mode it has. */
static fcnn_status replace(const struct target *target, const char *text, const struct fcnn_tuning_file *old)
{
    char path[PATH_MAX];
    if (old->text && access(target->path, W_OK)) return system_failed(target->path, "it cannot be written");
    const int fd = open_new(target, path);
    if (fd < 0) return system_failed(path, "it cannot be made");
    int done = (!old->text || !fchmod(fd, old->mode)) && write_all(fd, text, strlen(text)) && !fsync(fd);
    int error = errno;
    if (close(fd) && done) done = 0, error = errno;
    if (done && rename(path, target->path)) done = 0, error = errno;
    if (done) {
        sync_folder(target->folder);
        return FCNN_OK;
    }
    unlink(path);
    errno = error;
    return system_failed(target->path, "it cannot be written");
}

/* What is to become of a file's lines. */
typedef fcnn_status change_fn(struct fcnn_tuning *disk, uint64_t mark, void *context);

static fcnn_status read_old(struct fcnn_tuning *disk, const struct target *target, struct fcnn_tuning_file *old)
{
    struct fcnn_tuning_reader reader = {.origin = target->path};
    char why[256];
    fcnn_status status = fcnn_tuning_file_read(old, target->path);
    if (status) return old->error == ENOENT ? FCNN_OK : status;
    status = fcnn_tuning_take(disk, old->text, old->length, &reader);
    if (!status) return FCNN_OK;
    snprintf(why, sizeof why, "%s", fcnn_last_error());
    return fcnn_fail(status, "%s is left as it is: %s", target->path, why);
}

static fcnn_status store(struct fcnn_tuning *disk, const struct target *target, const struct fcnn_tuning_file *old)
{
    char *text = fcnn_tuning_text(disk);
    fcnn_status status = FCNN_OK;
    if (!text) status = fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for the text of %s", target->path);
    else if (disk->lines.count > FCNN_TUNING_MOST_LINES || strlen(text) > FCNN_TUNING_MOST_BYTES)
        status = fcnn_fail(FCNN_OUT_OF_MEMORY, "%s would have more than %d lines or %d MiB", target->path,
                           FCNN_TUNING_MOST_LINES, FCNN_TUNING_MOST_BYTES >> 20);
    else if (!old->text || strcmp(text, old->text)) status = replace(target, text, old);
    free(text);
    return status;
}

/* Reads a file, changes its lines, writes it. */
static fcnn_status rewrite(const char *path, change_fn *change, void *context)
{
    struct fcnn_tuning disk = {0};
    struct fcnn_tuning_file old = {0};
    struct target target;
    fcnn_status status = begin(&target, path);
    if (!status) status = read_old(&disk, &target, &old);
    if (!status) status = change(&disk, mark_of(target.path), context);
    if (!status) status = store(&disk, &target, &old);
    end(&target);
    free(old.text);
    fcnn_tuning_clear(&disk);
    return status;
}

/* ---- merging a table into a file ---- */

struct merge {
    fcnn_tuning *tuning;
    uint64_t mark, turn; /* the file's; of the last line that went into it */
};

/* The file knows better about what was read from it. Of the process's table only what is new belongs to a file: the
 * rest is there, or in another one. */
static int belongs(const struct merge *merge, const struct fcnn_line *line)
{
    return fcnn_tuning_is_default(merge->tuning) ? !line->file : line->file != merge->mark;
}

/* Copies the lines of `from` that belong into the file. 0: no memory. */
static int copy_lines(const struct merge *merge, struct fcnn_lines *to, const struct fcnn_lines *from)
{
    struct fcnn_lines copies = {0};
    int done = 1;
    for (int i = 0; i < from->count && done; i++) {
        if (!belongs(merge, from->at[i])) continue;
        struct fcnn_line *line = fcnn_line_make(from->at[i]);
        done = line && fcnn_lines_append(&copies, line);
        if (!done) fcnn_line_free(line);
    }
    done = done && fcnn_lines_merge(to, &copies);
    fcnn_lines_free(&copies);
    return done;
}

static fcnn_status merge_lines(struct fcnn_tuning *disk, uint64_t mark, void *context)
{
    struct merge *merge = context;
    int where;
    merge->mark = mark;
    fcnn_tuning_lock();
    merge->turn = fcnn_line_turns();
    for (int i = 0; i < merge->tuning->removed.count; i++)
        if (fcnn_lines_find(&disk->lines, merge->tuning->removed.at[i], &where)) fcnn_lines_drop(&disk->lines, where);
    const int done = copy_lines(merge, &disk->lines, &merge->tuning->lines) &&
                     copy_lines(merge, &disk->remarks, &merge->tuning->remarks);
    fcnn_tuning_unlock();
    return done ? FCNN_OK : fcnn_fail(FCNN_OUT_OF_MEMORY, "no memory for merging tuning tables");
}

/* What the file has now is the file's. */
static void note_stored(const struct merge *merge)
{
    struct fcnn_tuning *tuning = merge->tuning;
    fcnn_tuning_lock();
    for (int i = 0; i < tuning->lines.count; i++)
        if (tuning->lines.at[i]->turn <= merge->turn && belongs(merge, tuning->lines.at[i]))
            tuning->lines.at[i]->file = merge->mark;
    for (int i = tuning->removed.count - 1; i >= 0; i--)
        if (tuning->removed.at[i]->turn <= merge->turn) fcnn_lines_drop(&tuning->removed, i);
    fcnn_tuning_unlock();
}

fcnn_status fcnn_tuning_write(fcnn_tuning *tuning, const char *path)
{
    if (!tuning || !path) return fcnn_fail(FCNN_BAD_ARGUMENT, "the %s is NULL", tuning ? "path" : "tuning table");
    struct merge merge = {.tuning = tuning};
    const fcnn_status status = rewrite(path, merge_lines, &merge);
    if (!status) note_stored(&merge);
    return status;
}

/* ---- pruning ---- */

static fcnn_status drop_stale(struct fcnn_tuning *disk, uint64_t mark, void *context)
{
    (void)mark;
    for (int i = disk->lines.count - 1; i >= 0; i--) {
        const struct fcnn_line *line = disk->lines.at[i];
        if (!line->stale[0] || strcmp(line->machine, fcnn_tuning_machine())) continue;
        fcnn_lines_drop(&disk->lines, i);
        ++*(int *)context;
    }
    return FCNN_OK;
}

fcnn_status fcnn_tuning_prune(const char *path, int *removed)
{
    int count = 0;
    if (!path) return fcnn_fail(FCNN_BAD_ARGUMENT, "the path is NULL");
    const fcnn_status status = rewrite(path, drop_stale, &count);
    if (removed) *removed = status ? 0 : count;
    return status;
}

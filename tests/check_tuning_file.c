/* SPDX-License-Identifier: BSD-2-Clause
 * Tuning files on disk: merging, places, failures; and of what many processes write at once nothing is lost. Their
 * text: check_tuning_text. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"
#include "tests/tuning.h"

/* ---- allocations that fail on command (linked with --wrap) ---- */

static long allocations, break_at;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
static int breaks(void)
{
    if (!break_at || ++allocations < break_at) return 0;
    errno = ENOMEM;
    return 1;
}
void *__wrap_malloc(size_t size) { return breaks() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return breaks() ? NULL : __real_calloc(count, size); }
void *__wrap_realloc(void *memory, size_t size) { return breaks() ? NULL : __real_realloc(memory, size); }

/* ---- helpers ---- */

static char folder[64], path[96];

static void begin(void)
{
    strcpy(folder, "/tmp/check_tuning.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tuning", folder);
}

static void finish(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* How many files the folder has whose names end so. */
static int files_like(const char *pattern)
{
    char command[160];
    int found;
    snprintf(command, sizeof command, "ls -A %s | grep -c '%s$'", folder, pattern);
    FILE *pipe = popen(command, "r");
    ck_assert_int_eq(fscanf(pipe, "%d", &found), 1);
    pclose(pipe);
    return found;
}

static fcnn_tuning *read_path(void)
{
    fcnn_tuning *table = empty();
    ck_assert_msg(!fcnn_tuning_read(table, path, take_note, NULL), "%s", fcnn_last_error());
    return table;
}

static void write_path(fcnn_tuning *table)
{
    ck_assert_msg(!fcnn_tuning_write(table, path), "%s", fcnn_last_error());
}

START_TEST(what_is_no_regular_file)
{
    fcnn_tuning *table = empty();
    ck_assert_int_eq(fcnn_tuning_read(table, path, NULL, NULL), FCNN_NO_FILE);
    ck_assert_int_eq(fcnn_tuning_read(table, folder, NULL, NULL), FCNN_NO_FILE);
    ck_assert_int_eq(fcnn_tuning_read(table, "/dev/zero", NULL, NULL), FCNN_NO_FILE);
    ck_assert_int_eq(fcnn_tuning_write(table, "/dev/full"), FCNN_NO_FILE);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(fcnn_tuning_read(table, path, NULL, NULL), FCNN_NO_FILE);
    ck_assert_int_eq(unlink(path), 0);
    save(path, "");
    ck_assert_int_eq(truncate(path, FCNN_TUNING_MOST_BYTES + 1), 0);
    ck_assert_int_eq(fcnn_tuning_read(table, path, NULL, NULL), FCNN_BAD_DATA);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), path));
    fcnn_tuning_destroy(table);
}
END_TEST

/* ---- writing ---- */

START_TEST(comments_of_the_file_survive)
{
    fcnn_tuning *table = empty();
    save(path, here(FULL));
    put(table, PROBLEM, 2, 2.5);
    write_path(table);
    const char *text = load(path);
    ck_assert_ptr_nonnull(strstr(text, "# of all\n\n# of this machine\ncpu "));
    ck_assert_ptr_nonnull(strstr(text, "# before\n" PROBLEM " threads=1"));
    ck_assert_ptr_nonnull(strstr(text, "threads=2 exact -> conv2d_fwd_naive revision=0 team=1 gain=2.50\n"));
    ck_assert_ptr_nonnull(strstr(text, "# the end\n"));
    fcnn_tuning_destroy(table);
}
END_TEST

/* The same choice with about the same gain: not a byte. */
START_TEST(tuning_twice_is_a_small_diff)
{
    fcnn_tuning *table;
    struct stat before, after;
    save(path, here(FULL));
    table = read_path();
    stat(path, &before);
    put(table, PROBLEM, 1, 1.28);
    write_path(table);
    stat(path, &after);
    ck_assert(before.st_ino == after.st_ino);
    ck_assert_str_eq(load(path), here(FULL));
    fcnn_tuning_destroy(table);
}
END_TEST

/* What others wrote since the file was read stays: the table's copy of it is old. */
START_TEST(newer_lines_of_others_stay)
{
    save(path, here(FULL));
    fcnn_tuning *mine = read_path(), *others = read_path();
    put(others, PROBLEM, 2, 9);
    write_path(others);
    put(mine, PROBLEM, 5, 4);
    write_path(mine);
    const char *text = load(path);
    ck_assert_ptr_nonnull(strstr(text, "threads=2 exact -> conv2d_fwd_naive revision=0 team=1 gain=9.00\n"));
    ck_assert_ptr_nonnull(strstr(text, "threads=5 exact"));
    put(mine, PROBLEM, 6, 4);
    put(others, PROBLEM, 5, 8);
    write_path(others);
    write_path(mine); /* its line of before is the file's now */
    text = load(path);
    ck_assert_ptr_nonnull(strstr(text, "threads=5 exact -> conv2d_fwd_naive revision=0 team=1 gain=8.00\n"));
    ck_assert_ptr_nonnull(strstr(text, "threads=6 exact"));
    fcnn_tuning_destroy(mine);
    fcnn_tuning_destroy(others);
}
END_TEST

/* Files of sister machines into one. */
START_TEST(files_are_merged)
{
    char other[128];
    snprintf(other, sizeof other, "%s/other", folder);
    save(path, here(FULL));
    save(other, HEADER "cpu sister\n# hers\n" PROBLEM " threads=1 exact -> " CHOICE "\n");
    fcnn_tuning *table = empty();
    ck_assert(!fcnn_tuning_read(table, other, NULL, NULL));
    write_path(table);
    const char *text = load(path);
    ck_assert_ptr_nonnull(strstr(text, "\n\ncpu sister\n# hers\n" PROBLEM));
    ck_assert_ptr_nonnull(strstr(text, "# before\n"));
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(removed_lines_go)
{
    struct fcnn_tuning_entry entry;
    const struct fcnn_tuning_key key = key_of(PROBLEM, 1);
    save(path, here(FULL));
    fcnn_tuning *table = read_path();
    ck_assert(fcnn_tuning_remove(table, &key));
    write_path(table);
    fcnn_tuning *now = read_path();
    ck_assert(!find(now, PROBLEM, 1, &entry));
    ck_assert(find(now, PROBLEM, 2, &entry));
    fcnn_tuning_destroy(table);
    fcnn_tuning_destroy(now);
}
END_TEST

START_TEST(pruning)
{
    int removed;
    save(path, here(HEADER "cpu sister\n" PROBLEM " threads=1 exact -> " CHOICE "\n@\n"
                    PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=9 team=1 gain=1.00\n"
                    PROBLEM " threads=2 exact -> " CHOICE "\n"));
    ck_assert(!fcnn_tuning_prune(path, &removed));
    ck_assert_int_eq(removed, 1);
    ck_assert_ptr_null(strstr(load(path), "revision=9"));
    ck_assert_ptr_nonnull(strstr(load(path), "cpu sister\n" PROBLEM));
    ck_assert_ptr_nonnull(strstr(load(path), "threads=2"));
}
END_TEST

START_TEST(what_is_not_ours_is_left)
{
    fcnn_tuning *table = empty();
    put(table, PROBLEM, 1, 2);
    save(path, "a letter\n");
    ck_assert_int_eq(fcnn_tuning_write(table, path), FCNN_BAD_DATA);
    ck_assert_str_eq(load(path), "a letter\n");
    save(path, "fastcnn tuning 2\nof the future\n");
    ck_assert_int_eq(fcnn_tuning_write(table, path), FCNN_BAD_DATA);
    save(path, "");
    write_path(table);
    ck_assert_int_eq(files_like(".new"), 0);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(links_folders_and_modes)
{
    char deep[160], link[128];
    struct stat st;
    fcnn_tuning *table = empty();
    put(table, PROBLEM, 1, 2);
    snprintf(deep, sizeof deep, "%s/a/b/tuning", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(symlink("a/b/tuning", link), 0); /* that leads nowhere yet */
    ck_assert_msg(!fcnn_tuning_write(table, link), "%s", fcnn_last_error());
    ck_assert_int_eq(lstat(link, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    ck_assert_int_eq(lstat(deep, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    snprintf(link, sizeof link, "%s/a", folder);
    ck_assert_int_eq(stat(link, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(chmod(deep, 0640), 0);
    put(table, PROBLEM, 3, 2);
    ck_assert(!fcnn_tuning_write(table, deep));
    ck_assert_int_eq(stat(deep, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    fcnn_tuning_destroy(table);
}
END_TEST

START_TEST(no_place_to_write)
{
    fcnn_tuning *table = empty();
    put(table, PROBLEM, 1, 2);
    ck_assert_int_eq(fcnn_tuning_write(table, "/proc/none/tuning"), FCNN_NO_FILE);
    ck_assert_ptr_nonnull(strstr(fcnn_last_error(), "/proc/none/tuning"));
    save(path, here(FULL));
    if (geteuid()) {
        ck_assert_int_eq(chmod(folder, 0500), 0);
        ck_assert_int_eq(fcnn_tuning_write(table, path), FCNN_NO_FILE);
        ck_assert_int_eq(chmod(folder, 0700), 0);
    }
    fcnn_tuning_destroy(table);
}
END_TEST

/* The file and its folder are as they were. */
START_TEST(a_full_disk)
{
    fcnn_tuning *table = empty();
    put(table, PROBLEM, 7, 2);
    save(path, here(FULL));
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {100, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    const fcnn_status status = fcnn_tuning_write(table, path);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    ck_assert_int_eq(status, FCNN_NO_FILE);
    ck_assert_str_eq(load(path), here(FULL));
    ck_assert_int_eq(files_like(".new"), 0);
    write_path(table);
    fcnn_tuning_destroy(table);
}
END_TEST

/* ---- processes ---- */

enum { PROCESSES = 32, EACH = 6 };

static void write_some(int process)
{
    fcnn_tuning *table = empty();
    for (int i = 0; i < EACH; i++) {
        put(table, PROBLEM, 1 + process * EACH + i, 2);
        if (fcnn_tuning_write(table, path)) _exit(1);
    }
    _exit(0);
}

START_TEST(processes_lose_nothing)
{
    struct fcnn_tuning_entry entry;
    int status;
    for (int i = 0; i < PROCESSES; i++)
        if (!fork()) write_some(i);
    for (int i = 0; i < PROCESSES; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    fcnn_tuning *table = read_path();
    ck_assert_int_eq(fcnn_tuning_count(table), PROCESSES * EACH);
    for (int i = 1; i <= PROCESSES * EACH; i++) ck_assert_msg(find(table, PROBLEM, i, &entry), "line %d is lost", i);
    ck_assert_int_eq(files_like(".new"), 0);
    fcnn_tuning_destroy(table);
}
END_TEST

/* A lock that a dead process held is nobody's. */
START_TEST(a_dead_process_blocks_nobody)
{
    char lock[128];
    int status;
    snprintf(lock, sizeof lock, "%s.lock", path);
    const pid_t child = fork();
    if (!child) {
        flock(open(lock, O_RDWR | O_CREAT, 0600), LOCK_EX);
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    fcnn_tuning *table = empty();
    put(table, PROBLEM, 1, 2);
    write_path(table);
    fcnn_tuning_destroy(table);
}
END_TEST

/* ---- the process's table ---- */

/* In a child: the table is read once. What it finds for PROBLEM, as a gain in hundredths; 0: nothing. */
static int found_by_default(void)
{
    struct fcnn_tuning_entry entry;
    int status;
    fflush(NULL);
    const pid_t child = fork();
    if (!child) _exit(find(fcnn_tuning_default(), PROBLEM, 1, &entry) ? (int)(entry.gain * 100 + 0.5) : 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(places)
{
    char list[256], config[128];
    snprintf(config, sizeof config, "%s/fastcnn", folder);
    ck_assert_int_eq(mkdir(config, 0700), 0);
    snprintf(config, sizeof config, "%s/fastcnn/tuning", folder);
    save(path, here(FULL));
    save(config, here(HEADER "@\n" PROBLEM " threads=1 exact -> conv2d_fwd_naive revision=0 team=1 gain=2.00\n"));
    unsetenv("FASTCNN_TUNING");
    setenv("XDG_CONFIG_HOME", folder, 1);
    ck_assert_int_eq(found_by_default(), 200);
    setenv("FASTCNN_TUNING", "off", 1);
    ck_assert_int_eq(found_by_default(), 0);
    setenv("FASTCNN_TUNING", path, 1);
    ck_assert_int_eq(found_by_default(), 125);
    snprintf(list, sizeof list, "/nowhere:%s:%s", config, path); /* the first one that has it */
    setenv("FASTCNN_TUNING", list, 1);
    ck_assert_int_eq(found_by_default(), 200);
    fcnn_tuning_place place;
    ck_assert(!fcnn_tuning_place_describe(0, &place));
    ck_assert_str_eq(place.path, "/nowhere");
    ck_assert_str_eq(place.verdict, "it does not exist");
    ck_assert_int_eq(place.written, 1);
    ck_assert(!fcnn_tuning_place_describe(2, &place));
    ck_assert_str_eq(place.path, path);
    ck_assert_str_eq(place.verdict, "3 lines");
    ck_assert_int_eq(place.written, 0);
    ck_assert_int_eq(fcnn_tuning_place_describe(3, &place), FCNN_BAD_ARGUMENT);
}
END_TEST

/* Lines of the system's file do not wander into the user's. */
START_TEST(only_what_is_new_is_written)
{
    char list[256], first[128];
    snprintf(first, sizeof first, "%s/first", folder);
    snprintf(list, sizeof list, "%s:%s", first, path);
    save(path, here(FULL));
    setenv("FASTCNN_TUNING", list, 1);
    fcnn_tuning *table = fcnn_tuning_default();
    ck_assert_int_eq(fcnn_tuning_count(table), 3);
    put(table, PROBLEM, 9, 2);
    ck_assert(!fcnn_tuning_write(table, first));
    ck_assert_ptr_nonnull(strstr(load(first), "threads=9"));
    ck_assert_ptr_null(strstr(load(first), "threads=2"));
}
END_TEST

/* ---- no memory ---- */

static fcnn_status do_all(void)
{
    fcnn_tuning *table = NULL;
    fcnn_status status = fcnn_tuning_create(&table);
    if (!status) status = fcnn_tuning_read(table, path, NULL, NULL);
    if (!status) status = fcnn_tuning_parse(table, HEADER "cpu a\n", strlen(HEADER "cpu a\n"), NULL, NULL, NULL);
    const struct fcnn_tuning_key key = key_of(PROBLEM, 2), new_key = key_of(PROBLEM, 3);
    struct fcnn_tuning_entry entry = {0};
    fcnn_problem problem = {0};
    fcnn_problem_parse(&problem, PROBLEM);
    if (!status && fcnn_tuning_find(table, &problem, &key, &entry)) {
        status = fcnn_tuning_put(table, &new_key, &entry, "now");
        if (!status) fcnn_tuning_remove(table, &key);
    }
    if (!status) status = fcnn_tuning_write(table, path);
    fcnn_tuning_destroy(table);
    return status;
}

/* From the n-th allocation on there is no memory: a status, no leak, and the file is the old or the new one. */
START_TEST(no_memory)
{
    fcnn_status status = FCNN_OUT_OF_MEMORY;
    int failures = 0;
    fcnn_tuning_machine();
    for (long n = 1; n < 10000 && status; n++) {
        save(path, here(FULL));
        allocations = 0;
        break_at = n;
        status = do_all();
        break_at = 0;
        failures += status != FCNN_OK;
        ck_assert_msg(!status || status == FCNN_OUT_OF_MEMORY, "%ld: %s", n, fcnn_last_error());
        if (status) ck_assert_str_eq(load(path), here(FULL));
    }
    ck_assert(!status);
    ck_assert_int_gt(failures, 10);
    ck_assert_ptr_nonnull(strstr(load(path), "threads=3"));
    ck_assert_ptr_null(strstr(load(path), "threads=2"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tuning_file");
    TCase *files = tcase_create("files");
    unsetenv("FASTCNN_CACHES");
    tcase_add_checked_fixture(files, begin, finish);
    tcase_add_test(files, what_is_no_regular_file);
    tcase_add_test(files, comments_of_the_file_survive);
    tcase_add_test(files, tuning_twice_is_a_small_diff);
    tcase_add_test(files, newer_lines_of_others_stay);
    tcase_add_test(files, files_are_merged);
    tcase_add_test(files, removed_lines_go);
    tcase_add_test(files, pruning);
    tcase_add_test(files, what_is_not_ours_is_left);
    tcase_add_test(files, links_folders_and_modes);
    tcase_add_test(files, no_place_to_write);
    tcase_add_test(files, a_full_disk);
    tcase_add_test(files, processes_lose_nothing);
    tcase_add_test(files, a_dead_process_blocks_nobody);
    tcase_add_test(files, places);
    tcase_add_test(files, only_what_is_new_is_written);
    tcase_add_test(files, no_memory);
    tcase_set_timeout(files, 120);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}

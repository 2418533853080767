/* SPDX-License-Identifier: BSD-2-Clause
 * Names of files in the folder of a test. */
#ifndef FCNN_TESTS_PATHS_H
#define FCNN_TESTS_PATHS_H

#include <stdio.h>

/* FOLDER/NAMEEND, which lives until four more were asked for. */
static inline const char *path_in(const char *folder, const char *name, const char *end)
{
    static char paths[4][4200];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s%s", folder, name, end);
    return path;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * The environment, which a program that runs with another user's rights must not trust. */
#ifndef FCNN_ENVIRONMENT_H
#define FCNN_ENVIRONMENT_H

#include <stdlib.h>
#include <unistd.h>

/* As getenv(); NULL in programs that are set-user-ID and the like. */
static inline const char *fcnn_getenv(const char *name)
{
#if defined(__linux__)
    return secure_getenv(name);
#else /* macOS, the BSDs */
    return issetugid() ? NULL : getenv(name);
#endif
}

#endif

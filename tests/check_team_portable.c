/* SPDX-License-Identifier: BSD-2-Clause
 * The team again, with the bells of systems that have no futex. */
#define FCNN_PORTABLE
#include "lib/bell.c"
#include "tests/check_team.c"

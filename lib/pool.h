/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Teams whose helpers are kept from call to call. A caller has a team to itself until it gives it back; the next caller
 * gets the team that was given back last, with its helpers still awake. Helpers are started when a team first wants
 * them. Where the system refuses a thread, the team works with those it has, at worst the caller alone, and asks again
 * later. Helpers sleep between calls and end with the process; a child of fork() begins without any. */
#ifndef FCNN_POOL_H
#define FCNN_POOL_H

#include "lib/team.h"

/* A team of at most `workers`, of whom the caller is the leader; NULL: no memory, the caller is alone. */
struct fcnn_team *fcnn_pool_take(int workers);
void fcnn_pool_give(struct fcnn_team *team); /* NULL is fine */

#endif

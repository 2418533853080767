/* SPDX-License-Identifier: BSD-2-Clause
 * Who runs when: in each round base, head and the control (base again) run once, in an order of their own. */
#ifndef BENCH_GATE_ORDER_H
#define BENCH_GATE_ORDER_H

#include <stdint.h>

enum gate_side { GATE_BASE, GATE_HEAD, GATE_CONTROL, GATE_SIDES };

/* orders[rounds] at random, the same for the same seed. Balanced: of the first n rounds, for any n, base runs before
 * head as often as behind it, or once more or less; and each of the six orders comes once in every six rounds. */
void gate_orders(uint64_t seed, int rounds, enum gate_side orders[][GATE_SIDES]);

#endif

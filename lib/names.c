/* SPDX-License-Identifier: BSD-2-Clause
 * The names of instruction sets and numerics classes. Those of operations are in the table of operations. */
#include "lib/isas.h"
#include "lib/fastcnn.h"

#define CLASS(name) {name, "numerics class " name " is not allowed", "numerics class " name " goes first"}
const struct fcnn_class_row fcnn_classes[FCNN_CLASSES] = {
    [FCNN_EXACT] = CLASS("exact"),
    [FCNN_WINOGRAD_F2] = CLASS("winograd_f2"),
    [FCNN_WINOGRAD_F4] = CLASS("winograd_f4"),
    [FCNN_BF16] = CLASS("bf16"),
};

const char *fcnn_isa_name(fcnn_isa isa) { return (unsigned)isa < FCNN_ISAS ? fcnn_isas[isa].name : "unknown"; }

const char *fcnn_class_name(fcnn_class numerics)
{
    return (unsigned)numerics < FCNN_CLASSES ? fcnn_classes[numerics].name : "unknown";
}

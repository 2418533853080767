/* SPDX-License-Identifier: BSD-2-Clause
 * The table of kernels as an array. Rows of instruction sets that were not built expand to nothing. */
#include "lib/internal.h"
#include "lib/isas.h"
#include "lib/sized.h"

#define KERNEL(name, op, direction, isa, numerics) FCNN_IF_##isa(extern const struct fcnn_variant name;)
#include "kernels/kernels.def"
#undef KERNEL

#define KERNEL(name, op, direction, isa, numerics)                                                                     \
    FCNN_IF_##isa({#name, FCNN_##op, FCNN_##direction, FCNN_##isa, FCNN_##numerics, &name},)
const struct fcnn_kernel fcnn_kernels[] = {
#include "kernels/kernels.def"
};
#undef KERNEL

const int fcnn_kernels_count = sizeof fcnn_kernels / sizeof *fcnn_kernels;

#define KERNEL(name, op, direction, isa, numerics) #name,
const char *const fcnn_kernel_names[] = {
#include "kernels/kernels.def"
};
#undef KERNEL

const int fcnn_kernel_names_count = sizeof fcnn_kernel_names / sizeof *fcnn_kernel_names;

int fcnn_kernel_count(void) { return fcnn_kernels_count; }

fcnn_status fcnn_kernel_describe_sized(int index, fcnn_kernel_info *info, size_t info_size)
{
    fcnn_kernel_info found = {.name = "", .missing = "no such index"};
    const int known = index >= 0 && index < fcnn_kernels_count;
    if (!info) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the kernel's description is NULL");
    if (known) {
        const struct fcnn_kernel *k = &fcnn_kernels[index];
        found = (fcnn_kernel_info){k->name, k->op, k->direction, k->isa, k->numerics, fcnn_cpu_missing(k->isa)};
    }
    FCNN_GIVE(info, info_size, found);
    if (known) return FCNN_OK;
    return fcnn_fail(FCNN_BAD_ARGUMENT, "there is no kernel %d; expected 0 to %d", index, fcnn_kernels_count - 1);
}

fcnn_status fcnn_knob_describe_sized(int kernel, int knob, fcnn_knob_info *info, size_t info_size)
{
    const int count = kernel >= 0 && kernel < fcnn_kernels_count ? fcnn_kernels[kernel].variant->knob_count : 0;
    if (!info) return fcnn_fail(FCNN_BAD_ARGUMENT, "the address for the knob's description is NULL");
    if (knob < 0 || knob >= count)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "kernel %d has no knob %d; it has %d", kernel, knob, count);
    const struct fcnn_knob *k = &fcnn_kernels[kernel].variant->knobs[knob];
    const fcnn_knob_info found = {k->name, k->count, k->values};
    FCNN_GIVE(info, info_size, found);
    return FCNN_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * The table of kernels as an array. Rows of instruction sets that were not built expand to nothing. */
#include "lib/internal.h"

#define FCNN_ROW_SCALAR(row) row
#ifdef FCNN_HAVE_AVX2
#define FCNN_ROW_AVX2(row) row
#else
#define FCNN_ROW_AVX2(row)
#endif
#ifdef FCNN_HAVE_AVX512
#define FCNN_ROW_AVX512(row) row
#else
#define FCNN_ROW_AVX512(row)
#endif

#define KERNEL(name, op, direction, isa, numerics) FCNN_ROW_##isa(extern const struct fcnn_variant name;)
#include "kernels/kernels.def"
#undef KERNEL

#define KERNEL(name, op, direction, isa, numerics)                                                                     \
    FCNN_ROW_##isa({#name COMMA FCNN_##op COMMA FCNN_##direction COMMA FCNN_##isa COMMA FCNN_##numerics COMMA &name}   \
                   COMMA)
#define COMMA ,
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

fcnn_kernel_info fcnn_kernel_describe(int index)
{
    if (index < 0 || index >= fcnn_kernels_count) return (fcnn_kernel_info){.name = "", .missing = "no such index"};
    const struct fcnn_kernel *k = &fcnn_kernels[index];
    return (fcnn_kernel_info){k->name, k->op, k->direction, k->isa, k->numerics, fcnn_cpu_missing(k->isa)};
}

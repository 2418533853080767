/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/faulty.h"

#include <stdlib.h>
#include <string.h>

#include "lib/fastcnn.h"

const char *faulty_kernel;

__attribute__((constructor)) static void read_environment(void) { faulty_kernel = getenv("FCNN_TEST_FAULTY"); }

fcnn_status __real_fcnn_execute_sized(const fcnn_plan *plan, const fcnn_tensors *tensors, size_t size, size_t hyper);
fcnn_status __wrap_fcnn_execute_sized(const fcnn_plan *plan, const fcnn_tensors *tensors, size_t size, size_t hyper);
fcnn_status __wrap_fcnn_execute_sized(const fcnn_plan *plan, const fcnn_tensors *tensors, size_t size, size_t hyper)
{
    const fcnn_status status = __real_fcnn_execute_sized(plan, tensors, size, hyper);
    if (faulty_kernel && !strcmp(fcnn_plan_kernel(plan), faulty_kernel)) {
        unsigned bits;
        memcpy(&bits, &tensors->dst[3], sizeof bits);
        bits ^= 1;
        memcpy(&tensors->dst[3], &bits, sizeof bits);
    }
    return status;
}

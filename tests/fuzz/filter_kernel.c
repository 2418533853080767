/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a file of a filter's numbers holds, reading it gives a kernel of finite numbers or a sentence that begins
 * with the file. */
#include <math.h>

#include "cli/kernel_text.h"
#include "tests/complaint.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char path[4096];
    static int file = -1;
    static struct cli_filter_kernel kernel;
    if (file < 0) file = fuzz_file("kernel.txt", path);
    fuzz_fill(file, bytes, length);
    *complaint = 0;
    const int code = cli_filter_read(&kernel, path);
    EXPECT(code ? code == EX_DATAERR && fuzz_names(complaint, path) : !*complaint);
    if (code) return 0;
    EXPECT(kernel.rows >= 1 && kernel.rows <= CLI_KERNEL_SIDE);
    EXPECT(kernel.columns >= 1 && kernel.columns <= CLI_KERNEL_SIDE);
    for (int i = 0; i < kernel.rows * kernel.columns; i++) EXPECT(isfinite(kernel.weight[i]));
    return 0;
}

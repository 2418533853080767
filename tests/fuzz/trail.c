/* SPDX-License-Identifier: BSD-2-Clause
 * Whatever a trail holds, reading it gives steps that count up by one or a sentence that begins with file and line. */
#include "lib/io/trail.h"
#include "tests/fuzz/fuzz.h"

static fcnn_status read_steps(struct io_trail_reader *reader, size_t length)
{
    const struct io_trail_step *step;
    int64_t last = -1;
    fcnn_status status;
    const int tensors = io_trail_reader_tensors(reader);
    EXPECT(tensors > 0 && (size_t)tensors < length && io_trail_reader_numerics(reader) >= 0);
    for (int i = 0; i < tensors; i++) EXPECT(strlen(io_trail_reader_tensor(reader, i)) < IO_TRAIL_NAME);
    while (!(status = io_trail_next(reader, &step)) && step) {
        int tensor, differ;
        EXPECT(step->epoch >= 0 && step->step >= 0 && (last < 0 || step->step == last + 1) && *step->loss);
        EXPECT(io_trail_compare(step, step, tensors, &tensor, &differ) == IO_TRAIL_SAME);
        last = step->step;
    }
    EXPECT(io_trail_reader_offset(reader) <= (int64_t)length);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char path[4096];
    static int file = -1;
    struct io_trail_reader *reader;
    if (file < 0) file = fuzz_file("trail.txt", path);
    fuzz_fill(file, bytes, length);
    fcnn_status status = io_trail_open(&reader, path);
    EXPECT(status ? !reader : reader != NULL);
    if (!status) status = read_steps(reader, length);
    EXPECT(!status || (status == FCNN_BAD_DATA && fuzz_names(fcnn_io_last_error(), path)));
    io_trail_close(reader);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * fastcnn-compare: two builds of the library against each other, or one against committed floors. */
#include <stdio.h>
#include <sysexits.h>

#include "bench/gate/compare.h"
#include "bench/interrupt.h"

int main(int argc, char **argv)
{
    struct gate_settings settings;
    struct gate_experiment experiment;
    int status = gate_settings_read(&settings, argc, argv);
    if (status >= 0) return status;
    bench_interrupt_watch();
    status = gate_experiment_open(&experiment, &settings);
    if (!status) status = settings.floors || settings.write_floors ? gate_check_floors(&experiment)
                                                                   : gate_compare(&experiment);
    gate_experiment_close(&experiment);
    return fflush(stdout) && !status ? EX_IOERR : status;
}

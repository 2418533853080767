/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_print_time(FILE *out, double seconds)
{
    if (!isfinite(seconds)) fprintf(out, "%8s   ", "-");
    else if (seconds < 1e-6) fprintf(out, "%8.1f ns", seconds * 1e9);
    else if (seconds < 1e-3) fprintf(out, "%8.2f us", seconds * 1e6);
    else if (seconds < 1) fprintf(out, "%8.2f ms", seconds * 1e3);
    else fprintf(out, "%8.2f s ", seconds);
}

void bench_print_number(FILE *out, int width, int digits, double value)
{
    if (isfinite(value)) fprintf(out, "%*.*f", width, digits, value);
    else fprintf(out, "%*s", width, "-");
}

int bench_is_terminal(FILE *out)
{
    const char *term = getenv("TERM");
    return isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
}

const char *bench_style(FILE *out, enum bench_style style)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[1;31m"};
    const char *no_color = getenv("NO_COLOR");
    return bench_is_terminal(out) && !(no_color && *no_color) ? codes[style] : "";
}

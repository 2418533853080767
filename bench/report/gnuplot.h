/* SPDX-License-Identifier: BSD-2-Clause
 * gnuplot, where it is installed: a script in, SVG for inside of HTML out. */
#ifndef BENCH_REPORT_GNUPLOT_H
#define BENCH_REPORT_GNUPLOT_H

#include <stdio.h>

/* Runs a script, which is to print one SVG, and copies that to `out` in such a form that several fit one page, follow
 * its colours (black is the text's colour) and have a text for who cannot see them; labels of points (hypertext) become
 * their titles. number: of the picture in the page. 0: gnuplot is not there, failed, or took too long; nothing was
 * copied. */
int gnuplot_draw(const char *script, int number, const char *text, FILE *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * What gnuplot is told. Texts from files reach it only as letters, digits and a few signs, so that none of them ends a
 * string or a block of data, or is run as a command. Black is the text's colour later; the others are seen on white and
 * on black. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/report/gnuplot.h"
#include "bench/report/html.h"
#include "bench/report/page.h"

#define GAIN "#2a7fb8"
#define LOSS "#d1662c"
#define GREY "#8a8f98"
static const char *const colours[] = {GAIN, "#2f9e73", "#b8860b", LOSS, "#9a6fd0", "#c2578f", GREY};
static const int shapes[] = {7, 5, 9, 13, 11, 15, 1};
enum { COLOURS = sizeof colours / sizeof *colours };

/* In quotes, as a string of gnuplot. */
static void put_name(FILE *script, const char *name)
{
    fputc('"', script);
    for (; *name; name++) {
        const int is_letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
        const int is_images = *name == '@' && name[1] >= '0' && name[1] <= '9'; /* "conv3@64"; others name macros */
        fputc(is_letter || is_images || strchr("0123456789 ._+-:;,/()%^", *name) ? *name : '?', script);
    }
    fputc('"', script);
}

static void put_head(FILE *script, int height)
{
    fprintf(script,
            "set term svg dynamic size 860,%d font 'sans,13' noenhanced\n"
            "set encoding utf8\nset border 3 lc rgb 'black'\nset tics nomirror\nset grid lc rgb '" GREY "' lw 0.4\n"
            "set key at screen 0.5,0.01 bottom center horizontal\nset style fill solid 1 noborder\n", height);
}

/* Runs the script and frees it. */
static void draw(struct report *report, FILE *stream, char **script, const char *title)
{
    fclose(stream);
    fputs("<figure><figcaption>", report->out);
    html_text(report->out, title);
    fputs("</figcaption>\n<div class=\"wide chart\" role=\"region\" aria-label=\"", report->out);
    html_text(report->out, title);
    fputs("\" tabindex=\"0\">", report->out);
    const int drawn = !report->no_gnuplot && *script && gnuplot_draw(*script, report->pictures + 1, title, report->out);
    if (drawn) report->pictures++;
    else fputs("<p class=\"note\">Not drawn: this needs gnuplot (the tables have the numbers).</p>", report->out);
    report->no_gnuplot |= !drawn;
    fputs("</div></figure>\n", report->out);
    free(*script);
}

/* One bar to a line, the first at the top; its name stands at the axis. */
static void put_bars(FILE *script, const struct report_bar *bars, int count)
{
    fputs("$bars << END_OF_BARS\n", script);
    for (int i = 0; i < count; i++) {
        put_name(script, bars[i].name);
        fprintf(script, " %d %.6g %.6g\n", i, bars[i].value, isfinite(bars[i].mark) ? bars[i].mark : -1);
    }
    fprintf(script, "END_OF_BARS\nset yrange [%d - 0.4:-0.6]\nunset ytics\nunset border\n"
            "set ytics scale 0\nset tmargin 1\nset bmargin 4\n", count);
}

int report_draw_ratios(struct report *report, const char *title, const char *mark, const struct report_bar *bars,
                       int count)
{
    char *script = NULL;
    size_t size;
    double least = 0.8, most = 2;
    FILE *out = open_memstream(&script, &size);
    if (!out) return 0;
    for (int i = 0; i < count; i++) {
        least = fmin(least, mark && bars[i].mark > 0 ? fmin(bars[i].value, bars[i].mark) : bars[i].value);
        most = fmax(most, fmax(bars[i].value, mark && isfinite(bars[i].mark) ? bars[i].mark : 0));
    }
    put_head(out, 105 + 18 * count);
    put_bars(out, bars, count);
    fprintf(out,
            "set logscale x 2\nset xrange [%.6g:%.6g]\nset format x '%%g x'\n"
            "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb 'black' lw 1.2 front\n"
            "plot $bars using (sqrt($3)):2:(1):($3 < 1 ? 1 : $3):($2 - 0.36):($2 + 0.36):ytic(1) "
            "with boxxyerror lc rgb '" GAIN "' title 'faster', "
            "$bars using ($3 < 1 ? sqrt($3) : 1/0):2:3:(1):($2 - 0.36):($2 + 0.36) with boxxyerror lc rgb '" LOSS
            "' title 'slower', "
            "$bars using (%s):2:($3 < 1 ? '' : sprintf('%%.2f', $3)) with labels left offset 0.7,0 tc rgb 'black' "
            "notitle, $bars using (%s):2:($3 < 1 ? sprintf('%%.2f', $3) : '') with labels right "
            "offset -0.7,0 tc rgb 'black' notitle", least * 0.75, most * 1.35,
            mark ? "$4 > $3 ? $4 : $3" : "$3", mark ? "$4 > 0 && $4 < $3 ? $4 : $3" : "$3"); /* beside the mark */
    if (mark) {
        fputs(", $bars using ($4 > 0 ? $4 : 1/0):2 with points pt 2 ps 0.8 lw 2 lc rgb 'black' title ", out);
        put_name(out, mark);
    }
    fputc('\n', out);
    draw(report, out, &script, title);
    return 1;
}

int report_draw_amounts(struct report *report, const char *title, const char *unit, const struct report_bar *bars,
                        int count)
{
    char *script = NULL;
    size_t size;
    FILE *out = open_memstream(&script, &size);
    if (!out) return 0;
    put_head(out, 90 + 30 * count);
    put_bars(out, bars, count);
    fprintf(out,
            "unset key\nset xrange [0:*]\nset offsets 0,graph 0.15,0,0\nset format x '%%g %s'\n"
            "plot $bars using ($3/2):2:(0):3:($2 - 0.32):($2 + 0.32):ytic(1) with boxxyerror lc rgb '" GAIN "', "
            "$bars using 3:2:($4 > 0 ? $4 : 0) with xerrorbars pt 0 lw 1.5 lc rgb 'black', "
            "$bars using ($3 + ($4 > 0 ? $4 : 0)):2:(sprintf($3 < 1000 ? '%%.3g %s' : '%%.0f %s', $3)) with labels "
            "left offset 0.7,0 tc rgb 'black'\n", unit, unit, unit);
    draw(report, out, &script, title);
    return 1;
}

/* ---- points ---- */

static void put_points(FILE *script, const struct report_cloud *c)
{
    for (int s = 0; s < c->series_count; s++) {
        fprintf(script, "$s%d << END_OF_POINTS\n", s);
        for (int i = 0; i < c->point_count; i++) {
            if (c->points[i].series != s) continue;
            put_name(script, c->points[i].name);
            fprintf(script, " %.6g %.6g\n", c->points[i].x, c->points[i].y);
        }
        fputs("END_OF_POINTS\n", script);
    }
}

static int has_points(const struct report_cloud *c, int series)
{
    for (int i = 0; i < c->point_count; i++)
        if (c->points[i].series == series) return 1;
    return 0;
}

static void put_lines(FILE *script, const struct report_cloud *c)
{
    for (int i = 0; i < c->line_count; i++) {
        const struct report_line *line = &c->lines[i];
        fprintf(script, "set arrow from %.6g,%.6g to %.6g,%.6g nohead lc rgb 'black' lw 1.3\nset label ", line->x1,
                line->y1, line->x2, line->y2);
        put_name(script, line->name);
        if (line->y1 == line->y2) fprintf(script, " at %.6g,%.6g right offset 0,0.6", line->x2, line->y2);
        else /* two slopes: one name above, one below */
            fprintf(script, " at %.6g,%.6g left rotate by 25 offset 1,%s", line->x1, line->y1,
                    i + 1 < c->line_count ? "1.3" : "-0.4");
        fputs(" tc rgb 'black'\n", script);
    }
}

/* Room around what is drawn. */
static void put_ranges(FILE *script, const struct report_cloud *c)
{
    double x[2] = {HUGE_VAL, 0}, y[2] = {HUGE_VAL, 0};
    for (int i = 0; i < c->point_count; i++) {
        x[0] = fmin(x[0], c->points[i].x), x[1] = fmax(x[1], c->points[i].x);
        y[0] = fmin(y[0], c->points[i].y), y[1] = fmax(y[1], c->points[i].y);
    }
    for (int i = 0; i < c->line_count; i++) {
        x[0] = fmin(x[0], c->lines[i].x1);
        y[1] = fmax(y[1], fmax(c->lines[i].y1, c->lines[i].y2));
    }
    fprintf(script, "set logscale xy 2\nset format '%%.3g'\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n",
            x[0] / 1.2, x[1] * 1.2, y[0] / 1.3, y[1] * 1.5);
}

int report_draw_cloud(struct report *report, const struct report_cloud *c)
{
    char *script = NULL;
    size_t size;
    const char *before = "plot ";
    FILE *out = open_memstream(&script, &size);
    if (!out) return 0;
    put_head(out, 540);
    fputs("set bmargin 6\n", out);
    put_points(out, c);
    put_ranges(out, c);
    put_lines(out, c);
    fputs("set xlabel ", out);
    put_name(out, c->x);
    fputs(" tc rgb 'black'\nset ylabel ", out);
    put_name(out, c->y);
    fputs(" tc rgb 'black'\n", out);
    for (int s = c->series_count - 1; s >= 0; s--) { /* the first over the others */
        if (!has_points(c, s)) continue;
        fprintf(out, "%s$s%d using 2:3:1 with labels hypertext point pt %d ps %s lc rgb '%s' title ", before, s,
                shapes[s % COLOURS], c->point_count > 300 ? "0.4" : "0.6", colours[s % COLOURS]);
        put_name(out, c->series[s]);
        before = ", ";
    }
    fputc('\n', out);
    draw(report, out, &script, c->title);
    return 1;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Text, Markdown and XML of a report. */
#include "bench/gate/report.h"

#include <math.h>
#include <string.h>

#include "bench/format.h"

int gate_report_count(const struct gate_report *r, enum gate_verdict verdict)
{
    int count = 0;
    for (int i = 0; i < r->count; i++) count += r->findings[i].verdict == verdict;
    return count;
}

static double percent(double logarithm) { return 100 * expm1(logarithm); }

void gate_report_headline(const struct gate_report *r, char *text, size_t size)
{
    const int slower = gate_report_count(r, GATE_SLOWER);
    const char *name = gate_verdict_name(r->overall);
    if (r->overall == GATE_SLOWER && slower)
        snprintf(text, size, "%s: %d of %d kernels, found twice", name, slower, r->count);
    else if (r->overall == GATE_UNDECIDED && *r->noise)
        snprintf(text, size, "%s: %s", name, r->noise);
    else if (r->overall == GATE_UNDECIDED)
        snprintf(text, size, "%s: %d of %d kernels%s", name, gate_report_count(r, GATE_UNDECIDED), r->count,
                 r->mean.verdict == GATE_UNDECIDED ? " and their geometric mean" : "");
    else
        snprintf(text, size, "%s: %d kernels, geometric mean %+.1f %%", name, r->count,
                 percent(r->mean.change.median));
}

/* ---- for people ---- */

static void print_change(const struct gate_finding *f, FILE *out)
{
    if (isnan(f->change.median)) fprintf(out, "%8s %18s", "-", "");
    else
        fprintf(out, "%+6.1f %%  (%+5.1f to %+5.1f)", percent(f->change.median), percent(f->change.low),
                percent(f->change.high));
}

/* What is undecided is cut short: on a noisy machine that is everything. */
enum { LISTED = 12 };

static void print_findings(const struct gate_report *r, enum gate_verdict verdict, FILE *out)
{
    int count = 0;
    for (int i = 0; i < r->count; i++) {
        const struct gate_finding *f = &r->findings[i];
        if (f->verdict != verdict || (++count > LISTED && verdict == GATE_UNDECIDED)) continue;
        fprintf(out, "  %s%-9s%s  %-40s ", bench_style(out, verdict == GATE_SLOWER ? BENCH_RED : BENCH_BOLD),
                gate_verdict_name(verdict), bench_style(out, BENCH_PLAIN), r->cases[i].kernel);
        print_change(f, out);
        fprintf(out, "%s%s\n", *f->why ? "  " : "", f->why);
        if (verdict == GATE_SLOWER && *r->repeat)
            fprintf(out, "             repeat: %s --filter=%s\n", r->repeat, r->cases[i].kernel);
    }
    if (verdict == GATE_UNDECIDED && count > LISTED)
        fprintf(out, "  %-9s  %d more kernels\n", gate_verdict_name(verdict), count - LISTED);
}

static void print_conditions(const struct gate_report *r, FILE *out)
{
    const struct gate_conditions *c = &r->conditions;
    const struct { const char *name; double value; } list[] = {
        {"base against itself", c->spread}, {"other processes", c->others}, {"steal", c->steal},
        {"waiting for a core", c->waiting}, {"FMA rate", c->clock}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!isnan(list[i].value)) fprintf(out, "%s%s %.1f %%", i ? ", " : "", list[i].name, 100 * list[i].value);
}

static void print_all_findings(const struct gate_report *r, FILE *out)
{
    print_findings(r, GATE_SLOWER, out);
    print_findings(r, GATE_FASTER, out);
    print_findings(r, GATE_UNDECIDED, out);
    fprintf(out, "  %-9s  %d kernels\n  %-9s  %-40s ", "same", gate_report_count(r, GATE_SAME),
            gate_verdict_name(r->mean.verdict), "geometric mean");
    print_change(&r->mean, out);
    fprintf(out, "%s%s\n", *r->mean.why ? "  " : "", r->mean.why);
}

void gate_report_summary(const struct gate_report *r, FILE *out)
{
    char headline[640];
    gate_report_headline(r, headline, sizeof headline);
    fprintf(out, "%s%s%s\n  %s against %s on %s; %d rounds, %d kernels looked at again, %.0f s\n",
            bench_style(out, r->overall == GATE_SLOWER ? BENCH_RED : BENCH_BOLD), headline,
            bench_style(out, BENCH_PLAIN), r->head, r->base, r->cpu, r->rounds, r->again, r->seconds);
    if (r->rounds) print_all_findings(r, out);
    else fputs("  given up after base against itself: try again on a quiet machine\n", out);
    fputs("  noise      ", out);
    print_conditions(r, out);
    if (r->repeats) fprintf(out, "; %d noisy series timed again", r->repeats);
    fputc('\n', out);
    for (int i = 0; i < r->other_count; i++)
        fprintf(out, "  not timed  %-40s %s\n", r->others[i].kernel, r->others[i].why);
    if (r->absent) fprintf(out, "  not timed  %d kernels that this CPU cannot run\n", r->absent);
}

/* ---- Markdown ---- */

void gate_escape_markdown(const char *text, FILE *out)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') { /* would end the table's row */
            fputc(' ', out);
            continue;
        }
        if (strchr("\\`*_{}[]<>()#+-!|~@", *text)) fputc('\\', out);
        fputc(*text, out);
    }
}

/* Code within a table: what would end one of them has no place there. */
static void print_code(const char *text, FILE *out)
{
    for (; *text; text++) fputc(strchr("`|\n\r", *text) ? '?' : *text, out);
}

static void markdown_row(const struct gate_report *r, const char *name, const struct gate_finding *f, FILE *out)
{
    static const char *const marks[] = {":white_check_mark:", ":rocket:", ":red_circle:", ":grey_question:"};
    fprintf(out, "| %s %s | ", marks[f->verdict], gate_verdict_name(f->verdict));
    gate_escape_markdown(name, out);
    if (isnan(f->change.median)) fputs(" | - | ", out);
    else
        fprintf(out, " | %+.1f %% (%+.1f to %+.1f) | ", percent(f->change.median), percent(f->change.low),
                percent(f->change.high));
    gate_escape_markdown(f->why, out);
    if (f->verdict == GATE_SLOWER && *r->repeat && f != &r->mean) {
        fputc('`', out);
        print_code(r->repeat, out);
        fprintf(out, " --filter=%s`", name);
    }
    fputs(" |\n", out);
}

static void markdown_rows(const struct gate_report *r, enum gate_verdict verdict, FILE *out)
{
    int count = 0;
    for (int i = 0; i < r->count; i++)
        if (r->findings[i].verdict == verdict && (++count <= LISTED || verdict != GATE_UNDECIDED))
            markdown_row(r, r->cases[i].kernel, &r->findings[i], out);
    if (count > LISTED && verdict == GATE_UNDECIDED)
        fprintf(out, "| %s | %d more kernels | | |\n", gate_verdict_name(verdict), count - LISTED);
}

static void markdown_table(const struct gate_report *r, FILE *out)
{
    fputs("| | kernel | change of time | |\n| --- | --- | --- | --- |\n", out);
    markdown_row(r, "geometric mean", &r->mean, out);
    markdown_rows(r, GATE_SLOWER, out);
    markdown_rows(r, GATE_FASTER, out);
    markdown_rows(r, GATE_UNDECIDED, out);
    fprintf(out, "\n%d kernels are the same. ", gate_report_count(r, GATE_SAME));
}

void gate_report_markdown(const struct gate_report *r, FILE *out)
{
    char headline[640];
    gate_report_headline(r, headline, sizeof headline);
    fputs("<!-- fastcnn-compare -->\n### Speed: ", out); /* by the comment a bot finds its earlier one */
    gate_escape_markdown(headline, out);
    fputs("\n\n", out);
    gate_escape_markdown(r->head, out);
    fputs(" against ", out);
    gate_escape_markdown(r->base, out);
    fputs(" on ", out);
    gate_escape_markdown(r->cpu, out);
    fprintf(out, "; %d rounds, %.0f s.\n\n", r->rounds, r->seconds);
    if (r->rounds) markdown_table(r, out);
    fputs("Noise: ", out);
    print_conditions(r, out);
    fputs(".\n", out);
    if (!r->other_count) return;
    fprintf(out, "\n<details><summary>%d kernels were not compared</summary>\n\n", r->other_count);
    for (int i = 0; i < r->other_count; i++) {
        fputs("* ", out);
        gate_escape_markdown(r->others[i].kernel, out);
        fputs(": ", out);
        gate_escape_markdown(r->others[i].why, out);
        fputc('\n', out);
    }
    fputs("\n</details>\n", out);
}

/* ---- JUnit ---- */

void gate_escape_xml(const char *text, FILE *out)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\n': case '\t': fputc(' ', out); break;
        default: fputc((unsigned char)*text < 0x20 ? '?' : *text, out); /* not allowed in XML, even escaped */
        }
    }
}

static void junit_attribute(const char *name, const char *value, FILE *out)
{
    fprintf(out, " %s=\"", name);
    gate_escape_xml(value, out);
    fputc('"', out);
}

static void junit_case(const struct gate_report *r, const char *name, const struct gate_finding *f, FILE *out)
{
    char message[320];
    if (isnan(f->change.median)) snprintf(message, sizeof message, "%s", f->why);
    else
        snprintf(message, sizeof message, "%+.1f %% (%+.1f to %+.1f)%s%s", percent(f->change.median),
                 percent(f->change.low), percent(f->change.high), *f->why ? ": " : "", f->why);
    fputs("  <testcase classname=\"fastcnn-compare\"", out);
    junit_attribute("name", name, out);
    fputs(">\n", out);
    if (f->verdict == GATE_SLOWER || f->verdict == GATE_UNDECIDED) {
        fprintf(out, "    <%s", f->verdict == GATE_SLOWER ? "failure" : "skipped");
        junit_attribute("message", message, out);
        fputs("/>\n", out);
    }
    fputs("    <system-out>", out);
    gate_escape_xml(message, out);
    if (*r->repeat && f != &r->mean) {
        fputs("; repeat: ", out);
        gate_escape_xml(r->repeat, out);
        fputs(" --filter=", out);
        gate_escape_xml(name, out);
    }
    fputs("</system-out>\n  </testcase>\n", out);
}

void gate_report_junit(const struct gate_report *r, FILE *out)
{
    const int slower = gate_report_count(r, GATE_SLOWER) + (r->mean.verdict == GATE_SLOWER);
    const int skipped = gate_report_count(r, GATE_UNDECIDED) + (r->mean.verdict == GATE_UNDECIDED) + r->other_count;
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<testsuite name=\"fastcnn-compare\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" "
                 "time=\"%.1f\">\n", r->count + 1 + r->other_count, slower, skipped, r->seconds);
    junit_case(r, "geometric mean", &r->mean, out);
    for (int i = 0; i < r->count; i++) junit_case(r, r->cases[i].kernel, &r->findings[i], out);
    for (int i = 0; i < r->other_count; i++) {
        fputs("  <testcase classname=\"fastcnn-compare\"", out);
        junit_attribute("name", r->others[i].kernel, out);
        fputs(">\n    <skipped", out);
        junit_attribute("message", r->others[i].why, out);
        fputs("/>\n  </testcase>\n", out);
    }
    fputs("</testsuite>\n", out);
}

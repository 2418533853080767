/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench/report/html.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "bench/format.h"
#include "cli/program.h"

static const char *entity(char letter)
{
    switch (letter) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void html_text(FILE *out, const char *text)
{
    while (*text) {
        const char *escaped = entity(*text);
        const size_t length = strchr("\n\t", *text) ? 1 : program_letter(text);
        if (escaped) fputs(escaped, out);
        else if (length) fwrite(text, 1, length, out);
        else fputc('?', out);
        text += length ? length : 1;
    }
}

/* Outside of strings JSON has none of these. */
static int put_json(const char *text, size_t size, void *data)
{
    FILE *out = data;
    for (size_t i = 0; i < size; i++) {
        if (strchr("<>&", text[i]) && text[i]) fprintf(out, "\\u%04x", (unsigned)text[i]);
        else fputc(text[i], out);
    }
    return 0; /* what `out` could not take, its owner asks it */
}

int html_json(FILE *out, const json_t *root)
{
    return !json_dump_callback(root, put_json, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
}

void html_table(FILE *out, const char *id, const char *caption, const char *columns)
{
    fprintf(out, "<div class=\"wide\" role=\"region\" aria-label=\"");
    html_text(out, caption);
    fprintf(out, "\" tabindex=\"0\"><table id=\"%s\"><caption>", id);
    html_text(out, caption);
    fputs("</caption>\n<thead><tr>", out);
    while (*columns) {
        char name[64];
        const int length = (int)strcspn(columns, "|"), is_number = *columns == '#';
        snprintf(name, sizeof name, "%.*s", length - is_number, columns + is_number);
        fprintf(out, "<th scope=\"col\"%s>", is_number ? " class=\"n\"" : "");
        html_text(out, name);
        fputs("</th>", out);
        columns += length + (columns[length] == '|');
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void html_table_end(FILE *out) { fputs("</tbody></table></div>\n", out); }

void html_cell(FILE *out, const char *text)
{
    fputs("<td>", out);
    html_text(out, text);
    fputs("</td>", out);
}

void html_cell_name(FILE *out, const char *text)
{
    fputs("<th scope=\"row\">", out);
    html_text(out, text);
    fputs("</th>", out);
}

static int is_known(FILE *out, double value)
{
    if (isfinite(value)) return 1;
    fputs("<td class=\"n\">&ndash;</td>", out);
    return 0;
}

void html_cell_number(FILE *out, double value, int digits)
{
    if (is_known(out, value)) fprintf(out, "<td class=\"n\">%.*f</td>", digits, value);
}

void html_cell_ratio(FILE *out, double value)
{
    if (is_known(out, value)) fprintf(out, "<td class=\"n%s\">%.2f</td>", value < 1 ? " loss" : "", value);
}

void html_cell_time(FILE *out, double seconds)
{
    if (!is_known(out, seconds)) return;
    fprintf(out, "<td class=\"n\" data-value=\"%.9g\">", seconds);
    bench_print_time(out, seconds);
    fputs("</td>", out);
}

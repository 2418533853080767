/* SPDX-License-Identifier: BSD-2-Clause
 * HTML of texts and numbers that come from files: nothing of them is markup. */
#ifndef BENCH_REPORT_HTML_H
#define BENCH_REPORT_HTML_H

#include <stdio.h>

struct json_t;

/* A text, as content or in a quoted attribute; '?' for bytes that are not UTF-8 and for control characters. */
void html_text(FILE *out, const char *text);

/* A document for a <script type="application/json">: no "<" in it, so nothing ends the element early. 0: no memory. */
int html_json(FILE *out, const struct json_t *root);

/* Tables whose columns sort (page.js) in a container of their own that scrolls where they are too wide. Columns: names
 * with '|' between, those of numbers with a '#' before. id: for links; caption: what the table shows. */
void html_table(FILE *out, const char *id, const char *caption, const char *columns);
void html_table_end(FILE *out);

void html_cell(FILE *out, const char *text);
void html_cell_name(FILE *out, const char *text);                 /* that heads the row */
void html_cell_number(FILE *out, double value, int digits);       /* a dash for what is not finite */
void html_cell_ratio(FILE *out, double value);                    /* two digits; a loss (below 1) is marked as one */
void html_cell_time(FILE *out, double seconds);                   /* with its unit */

#endif

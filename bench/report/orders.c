/* SPDX-License-Identifier: BSD-2-Clause
 * The orders in which kernels and peers really add up (fastcnn-bench --orders --json). */
#include <jansson.h>
#include <string.h>

#include "bench/report/html.h"
#include "bench/report/page.h"

/* The order with one thread, or with the other number that was looked at: "8: chain of 9". */
static void put_order(json_t *one, int several, FILE *out)
{
    static const char prefix[] = "threads_";
    const size_t length = sizeof prefix - 1;
    char text[256] = "";
    const char *key;
    json_t *value;
    json_object_foreach(one, key, value)
        if (!strncmp(key, prefix, length) && strcmp(key, "threads_1") && json_is_string(value))
            snprintf(text, sizeof text, "%.8s: %.240s", key + length, json_string_value(value));
    html_cell(out, several ? text : report_string(one, "threads_1"));
}

static void put_one(json_t *one, FILE *out)
{
    const json_t *failure = json_object_get(one, "failure"), *document = json_object_get(one, "document");
    const int documented = json_is_true(json_object_get(one, "documented"));
    fputs("<tr>", out);
    html_cell_name(out, report_string(one, "problem"));
    html_cell(out, report_string(one, "output"));
    html_cell(out, report_string(one, "kernel"));
    html_cell(out, report_string(one, "class"));
    html_cell_number(out, report_number(one, "terms"), 0);
    if (failure) html_cell(out, report_string(one, "failure")), html_cell(out, "");
    else put_order(one, 0, out), put_order(one, 1, out);
    html_cell(out, failure ? "" : json_is_true(json_object_get(one, "depends_on_threads")) ? "yes" : "no");
    html_cell(out, failure || !document ? "" : documented ? "yes" : "no");
    html_cell(out, document ? report_string(one, "document") : "");
    fputs("</tr>\n", out);
}

int report_orders(struct report *report)
{
    FILE *out = report->out;
    int count = 0;
    for (int i = 0; i < report->count; i++) {
        char id[32];
        json_t *const root = report->files[i].root;
        if (report->files[i].kind != REPORT_ORDERS) continue;
        if (!count++)
            fputs("<section id=\"orders\"><h2>Orders of summation</h2>\n<p>In which order the terms of one output are "
                  "added, recovered from outputs alone, with one thread and with several.</p>\n", out);
        snprintf(id, sizeof id, "orders%d", i);
        fprintf(out, "<div class=\"filter\" data-for=\"%s\"></div>\n", id);
        html_table(out, id, report->files[i].name, "problem|output|kernel|class|#terms|one thread|several threads|"
                   "depends on threads|as documented|documented order");
        for (size_t j = 0; j < json_array_size(root); j++) put_one(json_array_get(root, j), out);
        html_table_end(out);
    }
    if (count) fputs("</section>\n", out);
    return 1;
}

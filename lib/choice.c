/* SPDX-License-Identifier: BSD-2-Clause
 * A row with its knobs as text: see choice.h. */
#include "lib/choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fcnn_choice_format(const struct fcnn_choice *choice, const fcnn_problem *problem, char text[FCNN_CHOICE_TEXT])
{
    const struct fcnn_variant *variant = choice->kernel->variant;
    size_t used = (size_t)snprintf(text, FCNN_CHOICE_TEXT, "%s", choice->kernel->name);
    int written = 0;
    for (int i = 0; i < variant->knob_count; i++) {
        if (fcnn_row_knob(choice, problem, i) == FCNN_MOOT) continue;
        used += (size_t)snprintf(text + used, FCNN_CHOICE_TEXT - used, "%c%s=%lld", written++ ? ',' : '{',
                                 variant->knobs[i].name, (long long)choice->knobs[i]);
    }
    if (written) snprintf(text + used, FCNN_CHOICE_TEXT - used, "}");
}

static int find_knob(const struct fcnn_variant *variant, const char *name, size_t length)
{
    for (int i = 0; i < variant->knob_count; i++)
        if (strlen(variant->knobs[i].name) == length && !strncmp(variant->knobs[i].name, name, length)) return i;
    return -1;
}

/* "name=value" at *at, which moves behind it. */
static fcnn_status read_knob(struct fcnn_choice *choice, const char **at)
{
    const size_t length = strcspn(*at, "=,{}");
    const int i = find_knob(choice->kernel->variant, *at, length);
    if (i < 0 || (*at)[length] != '=')
        return fcnn_fail(FCNN_BAD_SETTING, "%s has no knob \"%.*s\" (see `fastcnn list`)", choice->kernel->name,
                         (int)(length < 64 ? length : 64), *at);
    const struct fcnn_knob *knob = &choice->kernel->variant->knobs[i];
    const char *digits = *at + length + 1;
    const size_t count = strspn(digits, "0123456789"), all = strcspn(digits, ",}");
    const long long value = count && count < 19 ? strtoll(digits, NULL, 10) : -1;
    if (value < knob->values[0] || value > knob->values[knob->count - 1])
        return fcnn_fail(FCNN_BAD_SETTING, "the knob %s of %s is \"%.*s\"; expected a number from %lld to %lld",
                         knob->name, choice->kernel->name, (int)(all < 64 ? all : 64), digits,
                         (long long)knob->values[0], (long long)knob->values[knob->count - 1]);
    choice->knobs[i] = value;
    *at = digits + count;
    return FCNN_OK;
}

fcnn_status fcnn_choice_read_knobs(struct fcnn_choice *choice, const char *text)
{
    struct fcnn_choice changed = *choice;
    const char *at = text;
    if (*at == '{' && at[1] != '}') {
        do {
            at++;
            fcnn_status status = read_knob(&changed, &at);
            if (status) return status;
        } while (*at == ',');
    } else if (*at == '{') {
        at++;
    }
    if (*text && (*text != '{' || *at != '}' || at[1]))
        return fcnn_fail(FCNN_BAD_SETTING, "knobs are \"%.64s\"; expected {name=value,...}", text);
    *choice = changed;
    return FCNN_OK;
}

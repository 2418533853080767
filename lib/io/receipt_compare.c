/* SPDX-License-Identifier: BSD-2-Clause
 * Where two receipts differ first. Expected is what a file says, found is what came of doing it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/io/receipt.h"

struct comparison {
    struct fcnn_receipt_difference *difference;
    int64_t until_epoch;
};

static void spell(char text[160], const json_t *value)
{
    char *json = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, 160, "%s", json ? json : "nothing");
    free(json);
}

static int report(const struct comparison *c, const char *member, const json_t *expected, const json_t *found)
{
    snprintf(c->difference->member, sizeof c->difference->member, "%s", member);
    spell(c->difference->expected, expected);
    spell(c->difference->found, found);
    return 1;
}

/* What nothing is computed from, the format of the data's files too: the SHA-256 is of what was in them. And, of a
 * prefix, what the rest of the run determines. */
static int is_left_out(const struct comparison *c, const char *member)
{
    static const char *const names[] = {"versions", "receipt_sha256", "source.kind", "result", "trail", "fit.epochs"};
    const int count = c->until_epoch ? 6 : 3;
    for (int i = 0; i < count; i++)
        if (!strcmp(member, names[i])) return 1;
    return 0;
}

static int differ(const struct comparison *c, const char *member, const json_t *expected, const json_t *found);

static int members_differ(const struct comparison *c, const char *member, const json_t *expected, const json_t *found)
{
    const char *key;
    json_t *value;
    char name[160];
    json_object_foreach((json_t *)(uintptr_t)expected, key, value)
    {
        snprintf(name, sizeof name, "%s%s%s", member, *member ? "." : "", key);
        if (differ(c, name, value, json_object_get(found, key))) return 1;
    }
    json_object_foreach((json_t *)(uintptr_t)found, key, value)
    {
        snprintf(name, sizeof name, "%s%s%s", member, *member ? "." : "", key);
        if (!json_object_get(expected, key) && differ(c, name, NULL, value)) return 1;
    }
    return 0;
}

static int lists_differ(const struct comparison *c, const char *member, const json_t *expected, const json_t *found)
{
    size_t count = json_array_size(expected), other = json_array_size(found);
    const int64_t until = c->until_epoch;
    char name[160];
    if (until && !strcmp(member, "epochs") && (int64_t)count > until) count = (size_t)until;
    for (size_t i = 0; i < count || i < other; i++) {
        snprintf(name, sizeof name, "%s[%zu]", member, i);
        if (differ(c, name, i < count ? json_array_get(expected, i) : NULL, json_array_get(found, i))) return 1;
    }
    return 0;
}

static int differ(const struct comparison *c, const char *member, const json_t *expected, const json_t *found)
{
    if (is_left_out(c, member)) return 0;
    if (json_is_object(expected) && json_is_object(found)) return members_differ(c, member, expected, found);
    if (json_is_array(expected) && json_is_array(found)) return lists_differ(c, member, expected, found);
    return expected && found && json_equal(expected, found) ? 0 : report(c, member, expected, found);
}

int fcnn_receipt_differs(const json_t *expected, const json_t *found, int64_t until_epoch,
                         struct fcnn_receipt_difference *difference)
{
    const struct comparison c = {difference, until_epoch};
    return differ(&c, "", expected, found);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <jansson.h>
#include <math.h>

#include "bench/gate/report.h"

/* JSON has no NAN: null. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *text(const char *value)
{
    json_t *json = json_string(value);
    return json ? json : json_string("?"); /* not UTF-8 */
}

static json_t *finding(const struct gate_case *c, const struct gate_finding *f)
{
    return json_pack("{so so so so so so so so}", "kernel", text(c ? c->kernel : "geometric mean"), "problem",
                     c ? text(c->problem) : json_null(), "verdict", text(gate_verdict_name(f->verdict)), "change",
                     number(expm1(f->change.median)), "low", number(expm1(f->change.low)), "high",
                     number(expm1(f->change.high)), "control", number(expm1(f->control)), "why", text(f->why));
}

static json_t *conditions(const struct gate_conditions *c)
{
    return json_pack("{so so so so so so so}", "steal", number(c->steal), "others", number(c->others), "waiting",
                     number(c->waiting), "clock", number(c->clock), "clock_bias", number(c->clock_bias), "spread",
                     number(c->spread), "bias", number(c->bias));
}

int gate_report_json(const struct gate_report *r, FILE *out)
{
    json_t *kernels = json_array(), *others = json_array();
    for (int i = 0; i < r->count; i++) json_array_append_new(kernels, finding(&r->cases[i], &r->findings[i]));
    for (int i = 0; i < r->other_count; i++)
        json_array_append_new(others, json_pack("{so so}", "kernel", text(r->others[i].kernel), "why",
                                                text(r->others[i].why)));
    json_t *root = json_pack(
        "{so so so so so si si si so so so so so so}", "verdict", text(gate_verdict_name(r->overall)), "base",
        text(r->base), "head", text(r->head), "machine", text(r->machine), "cpu", text(r->cpu), "rounds", r->rounds,
        "again", r->again, "repeats", r->repeats, "seconds", number(r->seconds), "noise", text(r->noise), "conditions",
        conditions(&r->conditions), "mean", finding(NULL, &r->mean), "kernels", kernels, "not_compared", others);
    const int failed = !root || json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (!failed) fputc('\n', out);
    json_decref(root);
    return !failed;
}

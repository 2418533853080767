/* SPDX-License-Identifier: BSD-2-Clause
 * Problems as text: the names of operations and directions, then the sizes (problem_sizes.c). */
#include <stdio.h>
#include <string.h>

#include "lib/problem_sizes.h"
#include "lib/sized.h"

static const char *const direction_names[FCNN_DIRECTIONS] = {
    [FCNN_FORWARD] = "forward", [FCNN_BACKWARD_DATA] = "backward_data", [FCNN_BACKWARD_WEIGHTS] = "backward_weights",
    [FCNN_UPDATE] = "update"};

const char *fcnn_op_name(fcnn_op op) { return fcnn_op_exists(op) ? fcnn_operations[op].name : "unknown"; }
const char *fcnn_direction_name(fcnn_direction d)
{
    return (unsigned)d < FCNN_DIRECTIONS ? direction_names[d] : "unknown";
}

static fcnn_status parse_op(fcnn_problem *p, const char *word)
{
    size_t length = strlen(word);
    int relu = length > 5 && !strcmp(word + length - 5, "+relu");
    if (relu) length -= 5;
    for (int op = 0; op < FCNN_OPS; op++)
        if (fcnn_op_exists((fcnn_op)op) && strlen(fcnn_operations[op].name) == length &&
            !strncmp(word, fcnn_operations[op].name, length) &&
            (!relu || fcnn_operations[op].fields & FCNN_HAS_ACTIVATION)) {
            p->op = (fcnn_op)op;
            p->activation = relu ? FCNN_RELU_ACTIVATION : FCNN_LINEAR;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_ARGUMENT, "operation \"%s\" does not exist; there are conv2d conv2d+relu "
                     "conv2d+relu+maxpool dense dense+relu maxpool avgpool relu softmax cross_entropy reduce adam sgd "
                     "sigmoid tanh dropout mse categorical_cross_entropy batch_sums batch_norm rmsprop",
                     word);
}

static fcnn_status parse_direction(fcnn_problem *p, const char *word)
{
    for (int d = 0; d < FCNN_DIRECTIONS; d++)
        if (!strcmp(word, direction_names[d])) {
            p->direction = (fcnn_direction)d;
            return FCNN_OK;
        }
    return fcnn_fail(FCNN_BAD_ARGUMENT, "direction \"%s\" does not exist; there are forward backward_data "
                     "backward_weights update", word);
}

fcnn_status fcnn_problem_parse_sized(fcnn_problem *problem, size_t problem_size, const char *text)
{
    if (!problem || !text) return fcnn_fail(FCNN_BAD_ARGUMENT, "the problem or its text is NULL");
    char op[32], direction[32], sizes[512], last[32], more;
    fcnn_problem p = {0};
    int words = sscanf(text, "%31s %31s %511s %31s %c", op, direction, sizes, last, &more);
    if (words < 3 || words > 4)
        return fcnn_fail(FCNN_BAD_ARGUMENT, "problem \"%s\": expected operation, direction, sizes and at most "
                         "\"nobias\", as in \"conv2d+relu forward mb64ic32ih13oc64kh3\"", text);
    fcnn_status status = parse_op(&p, op);
    if (!status) status = parse_direction(&p, direction);
    if (!status && words == 4) {
        if (strcmp(last, "nobias") || !fcnn_has(&p, FCNN_HAS_WEIGHTS))
            return fcnn_fail(FCNN_BAD_ARGUMENT, "problem \"%s\": the last word \"%s\" is not understood", text, last);
        p.no_bias = 1;
    }
    if (!status) status = fcnn_sizes_read(&p, sizes);
    if (!status) status = fcnn_problem_check(&p);
    if (!status) FCNN_GIVE(problem, problem_size, p);
    return status;
}

static int format(const fcnn_problem *p, char *text, size_t size)
{
    char sizes[512];
    fcnn_sizes_write(p, sizes, sizeof sizes);
    return snprintf(text, size, "%s%s %s %s%s", fcnn_op_name(p->op),
                    p->activation == FCNN_RELU_ACTIVATION ? "+relu" : "", fcnn_direction_name(p->direction), sizes,
                    p->no_bias ? " nobias" : "");
}

int fcnn_problem_format_sized(const fcnn_problem *problem, size_t problem_size, char *text, size_t size)
{
    fcnn_problem p;
    int empty;
    if (!problem || !fcnn_sized_take(&p, sizeof p, problem, problem_size) || fcnn_problem_complete(&p, &empty))
        return snprintf(text, text ? size : 0, "invalid problem");
    if (empty) p.n = 0;
    return format(&p, text, text ? size : 0);
}

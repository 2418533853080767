/* SPDX-License-Identifier: BSD-2-Clause
 * The optimizer's state from a list of arrays, whose names and order have changed with every generation of Keras:
 *   2.0        iterations, Variable, Variable_1, ...: all m, then all v, then vhat, not used; RMSprop: no iterations;
 *              before 2.0.6 the variables are sorted by LAYER/kernel, as text
 *   2.3        Adam/iterations, then Adam/m_0, ..., Adam/v_0, ...; RMSprop/accumulator_0, SGD/moment_0
 *   2.4-2.10   Adam/iter, then all LAYER/kernel/m, then all LAYER/kernel/v; RMSprop: .../rms, SGD: .../momentum
 *   2.11-2.15  iteration, then for each variable Adam/m/..., Adam/v/...; RMSprop/velocity/..., SGD/m/...
 *   3          adam/iteration, adam/learning_rate, then for each variable ..._momentum, ..._velocity
 *   3, .keras  the same as 3 without names */
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/keras_files.h"

enum kind { NO_SLOT, STEPS, MOMENTUM, VELOCITY, NAMELESS };

struct entry {
    enum kind kind;
    int rank;
    int64_t dims[IO_H5_RANKS];
};

/* ---- what an array is, by its name ---- */

static int is_word(const char *word, size_t length, const char *const *words)
{
    for (; *words; words++)
        if (strlen(*words) == length && !strncmp(word, *words, length)) return 1;
    return 0;
}

static int ends_in(const char *word, size_t length, const char *end)
{
    const size_t count = strlen(end);
    return length >= count && !strncmp(word + length - count, end, count);
}

/* "m_12" is a "m". */
static size_t without_number(const char *word, size_t length)
{
    size_t end = length;
    while (end && word[end - 1] >= '0' && word[end - 1] <= '9') end--;
    return end < length && end > 1 && word[end - 1] == '_' ? end - 1 : length;
}

static enum kind kind_of_word(const char *word, size_t length)
{
    static const char *const momenta[] = {"m", "moment", "momentum", NULL};
    static const char *const velocities[] = {"v", "velocity", "rms", "accumulator", NULL};
    static const char *const others[] = {"vhat", "mg", "average_gradient", NULL};
    length = without_number(word, length);
    if (is_word(word, length, momenta) || ends_in(word, length, "_momentum")) return MOMENTUM;
    if (is_word(word, length, velocities) || ends_in(word, length, "_velocity")) return VELOCITY;
    if (is_word(word, length, others) || ends_in(word, length, "_vhat")) return NO_SLOT;
    if (length >= 4 && !strncmp(word, "iter", 4)) return STEPS;
    if (ends_in(word, length, "learning_rate")) return NO_SLOT;
    return NAMELESS;
}

/* The last component says it, without its ":0", or, in 2.11, the second. */
static enum kind kind_of_name(const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name, *first = strchr(name, '/');
    const enum kind kind = kind_of_word(last, strcspn(last, ":"));
    if (kind != NAMELESS || !first) return kind;
    const size_t length = strcspn(first + 1, "/:");
    const enum kind second = first[1 + length] == '/' ? kind_of_word(first + 1, length) : NAMELESS;
    return second == STEPS ? NAMELESS : second;
}

/* In a .keras: the first is the number of steps, other single numbers are no slots. */
static enum kind kind_of_place(int place, int rank)
{
    return place == 0 ? STEPS : rank == 0 ? NO_SLOT : NAMELESS;
}

static fcnn_status look(struct io_h5 *h5, const struct io_state *state, struct entry *entries, int64_t *steps)
{
    for (int i = 0; i < state->paths->count; i++) {
        const char *path = state->paths->at[i];
        struct io_array array;
        IO_TRY(io_h5_array(h5, state->group, path, &array));
        entries[i].rank = array.rank;
        memcpy(entries[i].dims, array.dims, sizeof array.dims);
        entries[i].kind = state->named ? kind_of_name(path) : kind_of_place(i, array.rank);
        if (entries[i].kind == STEPS) IO_TRY(io_h5_integer(h5, &array, steps));
    }
    return FCNN_OK;
}

/* ---- which arrays belong to which variable ---- */

/* A variable that is trained, and where its numbers are. */
struct variable {
    struct io_part part;
    int64_t at;
    const char *layer; /* where variables are sorted: its name in the file */
};

struct assignment {
    const struct entry *entries;
    int entry_count;
    struct variable *variables;
    int count;
    int *chosen; /* an entry for each slot and variable: chosen[slot * count + variable] */
};

static int same_shape(const struct entry *entry, const struct io_part *part)
{
    if (entry->rank != part->rank) return 0;
    for (int i = 0; i < part->rank; i++)
        if (entry->dims[i] != part->dims[i]) return 0;
    return 1;
}

/* The entries of a kind in their order, taken with a stride: the first to `from`, then every step-th. */
static int assign(struct assignment *a, int slot, enum kind kind, int from, int step)
{
    int seen = 0, next = 0;
    for (int i = 0; i < a->entry_count && next < a->count; i++) {
        if (a->entries[i].kind != kind || seen++ != from + next * step) continue;
        if (!same_shape(&a->entries[i], &a->variables[next].part)) return 0;
        a->chosen[slot * a->count + next++] = i;
    }
    return next == a->count;
}

static int assign_named(struct assignment *a, const struct io_slot *slots, int count)
{
    int done = 1;
    for (int i = 0; i < count; i++)
        done &= assign(a, i, !strcmp(slots[i].name, "momentum") ? MOMENTUM : VELOCITY, 0, 1);
    return done;
}

static int assign_places(struct assignment *a, int count, int side_by_side)
{
    int done = 1;
    for (int i = 0; i < count; i++)
        done &= side_by_side ? assign(a, i, NAMELESS, i, count) : assign(a, i, NAMELESS, i * a->count, 1);
    return done;
}

/* Adam of Keras 3 has its two slots side by side; all others have one slot of all variables behind the other. */
static int assign_all(struct assignment *a, const struct io_slot *slots, int count, int named, int adam)
{
    const int side_by_side = !named && adam;
    return assign_named(a, slots, count) || assign_places(a, count, side_by_side) ||
           assign_places(a, count, !side_by_side);
}

/* LAYER/kernel as text: a name that ends goes on with the slash. */
static int compare_names(const void *a, const void *b)
{
    const struct variable *one = a, *other = b;
    const char *x = one->layer, *y = other->layer;
    while (*x && *x == *y) x++, y++;
    const int left = *x ? (unsigned char)*x : '/', right = *y ? (unsigned char)*y : '/';
    return left != right ? left - right : strcmp(one->part.name, other->part.name);
}

/* In the order of the layers; of a chain, sorted by its layers' names. */
static int find_variables(struct variable *variables, const fcnn_model *model, const json_t *sorted)
{
    struct io_part parts[4];
    int found = 0;
    int64_t at = 0;
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        const int count = io_parts(model, i, parts);
        for (int j = 0; j < count; at += parts[j++].count)
            if (parts[j].trainable)
                variables[found++] = (struct variable){parts[j], at, sorted ? io_keras_layer_name(sorted, i) : ""};
    }
    if (sorted) qsort(variables, (size_t)found, sizeof *variables, compare_names);
    return found;
}

static fcnn_status read_chosen(struct io_values *values, struct io_h5 *h5, const struct io_state *state,
                               const struct assignment *a, int slots)
{
    for (int i = 0; i < slots; i++)
        for (int j = 0; j < a->count; j++) {
            const char *path = state->paths->at[a->chosen[i * a->count + j]];
            const struct variable *v = &a->variables[j];
            IO_TRY(io_part_read(h5, state->group, path, &v->part, "the optimizer", values->slots[i] + v->at));
        }
    return FCNN_OK;
}

/* Whether there is the number of steps alone, 0: a model that was saved before it was trained has no more. */
static int not_begun(const struct assignment *a, int64_t steps)
{
    for (int i = 0; i < a->entry_count; i++)
        if (a->entries[i].kind != STEPS && a->entries[i].kind != NO_SLOT) return 0;
    return steps == 0;
}

static fcnn_status read_state(struct io_values *values, struct io_h5 *h5, const struct io_state *state,
                              const fcnn_model *model, struct assignment *a, struct entry *entries, int *fits)
{
    fcnn_compile_options options;
    struct io_slot slots[IO_SLOTS];
    int64_t steps = 0;
    const fcnn_status status = fcnn_model_compile_options(model, &options);
    if (status) return fcnn_io_fail_as(status, h5->path);
    IO_TRY(look(h5, state, entries, &steps));
    a->entries = entries;
    a->count = find_variables(a->variables, model, state->sorted);
    const int count = io_slots(&options, slots);
    const int adam = options.optimizer == FCNN_OPTIMIZER_ADAM || options.optimizer == FCNN_OPTIMIZER_ADAMW;
    const int begun = !count || !not_begun(a, steps);
    *fits = steps >= 0 && (!begun || assign_all(a, slots, count, state->named, adam));
    if (!*fits || !begun) return FCNN_OK;
    IO_TRY(io_values_add_slots(values, h5->path));
    IO_TRY(read_chosen(values, h5, state, a, count));
    values->has_state = 1;
    values->steps = steps;
    return FCNN_OK;
}

fcnn_status io_state_read(struct io_values *values, struct io_h5 *h5, const struct io_state *state,
                          const fcnn_model *model, int *fits)
{
    const size_t most = 2 * (size_t)fcnn_model_layers(model) + 1;
    struct assignment a = {.entry_count = state->paths->count};
    struct entry *entries = calloc((size_t)a.entry_count + 1, sizeof *entries);
    a.variables = calloc(most, sizeof *a.variables);
    a.chosen = calloc(most * IO_SLOTS, sizeof *a.chosen);
    fcnn_status status = FCNN_OK;
    *fits = 0;
    if (!entries || !a.variables || !a.chosen)
        status = fcnn_io_fail(FCNN_OUT_OF_MEMORY, "%s: no memory", h5->path);
    else status = read_state(values, h5, state, model, &a, entries, fits);
    free(entries);
    free(a.variables);
    free(a.chosen);
    return status;
}

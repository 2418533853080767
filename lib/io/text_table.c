/* SPDX-License-Identifier: BSD-2-Clause
 * The table of everything that a model's text can say. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/io/text.h"

static const char *const activations[] = {"linear", "relu", "sigmoid", "tanh", "softmax", NULL};
static const char *const paddings[] = {"valid", "same", NULL};
static const char *const optimizers[] = {"adam", "sgd", "adamw", "rmsprop", NULL};
static const char *const losses[] = {"sparse_categorical_crossentropy", "categorical_crossentropy",
                                     "mean_squared_error", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", NULL};

/* Settings are written, and those without a key are read, in this order. */
enum {
    SHAPE, UNITS, FILTERS, WINDOW, PADS, RATE, SCALE, ACTIVATION, PADDING, STRIDE, DILATION, GROUPS, MULTIPLIER,
    EPSILON, MOMENTUM, NO_SCALE, NO_CENTER, OFFSET, NO_BIAS, NAME,
    OPTIMIZER, LR, BETA_1, BETA_2, RHO, OPTIMIZER_MOMENTUM, OPTIMIZER_EPSILON, WEIGHT_DECAY, NESTEROV, LOSS, SCHEDULE,
    EVERY, FACTOR, STEPS, ALPHA, SEED, SHARDS,
    SETTINGS
};

#define MOST 2147483647.0 /* of sizes: the library counts them in 31 bits */
#define LAYER(member) .field = offsetof(fcnn_layer, member)
#define COMPILE(member) .field = offsetof(fcnn_compile_options, member)
#define POSITIVE .least = FLT_MIN, .most = FLT_MAX /* 0 means the default */
#define SIZES_OF(n) .type = IO_TEXT_SIZES, .numbers = (n), .least = 1, .most = MOST

const struct io_text_setting io_text_settings[SETTINGS] = {
    [SHAPE] = {"shape", "HxWxC|LENGTH", "height x width x channels, or one length, as in 28x28x1", SIZES_OF(3)},
    [UNITS] = {"units", "UNITS", "a number of units", SIZES_OF(1), LAYER(units)},
    [FILTERS] = {"filters", "FILTERS", "a number of filters", SIZES_OF(1), LAYER(units)},
    [WINDOW] = {"size", "RxS", "a size, as in 3x3", SIZES_OF(2), LAYER(r)},
    [PADS] = {"padding", "HxW|TxBxLxR", "rows x columns on both sides, as in 1x1, or top x bottom x left x right",
              .type = IO_TEXT_SIZES, .numbers = 4, .most = MOST, LAYER(pad_top)},
    [RATE] = {"rate", "RATE", "a rate from 0 to below 1", IO_TEXT_FLOAT, LAYER(rate), .most = 1 - FLT_EPSILON / 2,
              .usual = -1},
    [SCALE] = {"scale", "SCALE", "a factor", IO_TEXT_FLOAT, LAYER(scale), .least = -FLT_MAX, .most = FLT_MAX},
    [ACTIVATION] = {"activation", NULL, NULL, IO_TEXT_WORD, LAYER(activation), .words = activations},
    [PADDING] = {"padding", NULL, NULL, IO_TEXT_WORD, LAYER(padding), .words = paddings, .first = FCNN_PAD_VALID,
                 .usual = FCNN_PAD_VALID},
    [STRIDE] = {"stride", "HxW", "a step, as in 2 or 2x2", SIZES_OF(2), LAYER(stride_h), .usual = 1},
    [DILATION] = {"dilation", "HxW", "a distance of taps, as in 2 or 2x2", SIZES_OF(2), LAYER(dilation_h),
                  .usual = 1},
    [GROUPS] = {"groups", "N", "a number of groups", SIZES_OF(1), LAYER(groups), .usual = 1},
    [MULTIPLIER] = {"multiplier", "N", "filters for each channel", SIZES_OF(1), LAYER(units), .usual = 1},
    [EPSILON] = {"epsilon", "X", "a positive number", IO_TEXT_FLOAT, LAYER(epsilon), POSITIVE, .usual = 1e-3f},
    [MOMENTUM] = {"momentum", "X", "a number above 0, at most 1", IO_TEXT_FLOAT, LAYER(momentum), .least = FLT_MIN,
                  .most = 1, .usual = 0.99f},
    [NO_SCALE] = {"noscale", NULL, NULL, IO_TEXT_FLAG, LAYER(no_scale)},
    [NO_CENTER] = {"nocenter", NULL, NULL, IO_TEXT_FLAG, LAYER(no_center)},
    [OFFSET] = {"offset", "X", "a number", IO_TEXT_FLOAT, LAYER(offset), .least = -FLT_MAX, .most = FLT_MAX},
    [NO_BIAS] = {"nobias", NULL, NULL, IO_TEXT_FLAG, LAYER(no_bias)},
    [NAME] = {"name", "NAME", "a name", IO_TEXT_NAME, LAYER(name)},

    /* Keras' defaults are usual. */
    [OPTIMIZER] = {"optimizer", NULL, NULL, IO_TEXT_WORD, COMPILE(optimizer), .words = optimizers, .usual = -1},
    [LR] = {"lr", "X", "a positive number", IO_TEXT_FLOAT, COMPILE(learning_rate), POSITIVE},
    [BETA_1] = {"beta_1", "X", "a number above 0, below 1", IO_TEXT_FLOAT, COMPILE(beta_1), .least = FLT_MIN,
                .most = 1 - FLT_EPSILON / 2, .usual = 0.9f},
    [BETA_2] = {"beta_2", "X", "a number above 0, below 1", IO_TEXT_FLOAT, COMPILE(beta_2), .least = FLT_MIN,
                .most = 1 - FLT_EPSILON / 2, .usual = 0.999f},
    [RHO] = {"rho", "X", "a number above 0, below 1", IO_TEXT_FLOAT, COMPILE(rho), .least = FLT_MIN,
             .most = 1 - FLT_EPSILON / 2, .usual = 0.9f},
    [OPTIMIZER_MOMENTUM] = {"momentum", "X", "a number from 0 to 1", IO_TEXT_FLOAT, COMPILE(momentum), .most = 1},
    [OPTIMIZER_EPSILON] = {"epsilon", "X", "a positive number", IO_TEXT_FLOAT, COMPILE(epsilon), POSITIVE,
                           .usual = 1e-7f},
    [WEIGHT_DECAY] = {"weight_decay", "X", "a positive number", IO_TEXT_FLOAT, COMPILE(weight_decay), POSITIVE,
                      .usual = 0.004f},
    [NESTEROV] = {"nesterov", NULL, NULL, IO_TEXT_FLAG, COMPILE(nesterov)},
    [LOSS] = {"loss", NULL, NULL, IO_TEXT_WORD, COMPILE(loss), .words = losses},
    [SCHEDULE] = {"schedule", NULL, NULL, IO_TEXT_WORD, COMPILE(schedule), .words = schedules},
    [EVERY] = {"every", "STEPS", "a number of steps", .type = IO_TEXT_SIZES, .numbers = 1, .least = 1, .most = 0x1p53,
               COMPILE(schedule_steps)},
    [FACTOR] = {"factor", "X", "a positive number", IO_TEXT_DOUBLE, COMPILE(schedule_factor), POSITIVE},
    [STEPS] = {"steps", "STEPS", "a number of steps", .type = IO_TEXT_SIZES, .numbers = 1, .least = 1, .most = 0x1p53,
               COMPILE(schedule_steps)},
    [ALPHA] = {"alpha", "X", "a number from 0 to 1", IO_TEXT_DOUBLE, COMPILE(schedule_factor), .most = 1},
    [SEED] = {"seed", "N", "a whole number", .type = IO_TEXT_SIZES, .numbers = 1, .most = 0x1p64, COMPILE(seed)},
    [SHARDS] = {"shards", "N", "a number from 1 to 1024", IO_TEXT_INT, COMPILE(shards), .least = 1,
                .most = FCNN_MAX_SHARDS, .usual = 8},
};
const int io_text_setting_count = SETTINGS;

#define M(setting) (1ull << (setting))
#define CONV (M(ACTIVATION) | M(PADDING) | M(STRIDE) | M(DILATION) | M(NO_BIAS) | M(NAME))
#define POOL (M(WINDOW) | M(PADDING) | M(STRIDE) | M(NAME))
#define ADAM (M(BETA_1) | M(BETA_2))

const struct io_text_statement io_text_statements[] = {
    {"input", IO_TEXT_INPUT, 0, M(SHAPE), 0, "input 28x28x1"},
    {"conv2d", IO_TEXT_LAYER, FCNN_LAYER_CONV2D, M(FILTERS) | M(WINDOW), CONV | M(GROUPS),
     "conv2d 32 3x3 relu same stride=2"},
    {"depthwise_conv2d", IO_TEXT_LAYER, FCNN_LAYER_DEPTHWISE_CONV2D, M(WINDOW), CONV | M(MULTIPLIER),
     "depthwise_conv2d 3x3 relu multiplier=2"},
    {"max_pooling2d", IO_TEXT_LAYER, FCNN_LAYER_MAXPOOL2D, 0, POOL, "max_pooling2d 2x2"},
    {"average_pooling2d", IO_TEXT_LAYER, FCNN_LAYER_AVGPOOL2D, 0, POOL, "average_pooling2d 3x3 same stride=2"},
    {"global_average_pooling2d", IO_TEXT_LAYER, FCNN_LAYER_GLOBAL_AVGPOOL2D, 0, M(NAME), "global_average_pooling2d"},
    {"flatten", IO_TEXT_LAYER, FCNN_LAYER_FLATTEN, 0, M(NAME), "flatten"},
    {"dense", IO_TEXT_LAYER, FCNN_LAYER_DENSE, M(UNITS), M(ACTIVATION) | M(NO_BIAS) | M(NAME), "dense 64 relu"},
    {"activation", IO_TEXT_LAYER, FCNN_LAYER_ACTIVATION, M(ACTIVATION), M(NAME), "activation tanh"},
    {"dropout", IO_TEXT_LAYER, FCNN_LAYER_DROPOUT, M(RATE), M(NAME), "dropout 0.5"},
    {"batch_normalization", IO_TEXT_LAYER, FCNN_LAYER_BATCH_NORMALIZATION, 0,
     M(EPSILON) | M(MOMENTUM) | M(NO_SCALE) | M(NO_CENTER) | M(NAME), "batch_normalization momentum=0.9"},
    {"zero_padding2d", IO_TEXT_LAYER, FCNN_LAYER_ZERO_PADDING2D, M(PADS), M(NAME), "zero_padding2d 1x1"},
    {"rescaling", IO_TEXT_LAYER, FCNN_LAYER_RESCALING, M(SCALE), M(OFFSET) | M(NAME), "rescaling 0.00392 offset=0"},
    {"compile", IO_TEXT_COMPILE, 0, M(OPTIMIZER),
     ADAM | M(LR) | M(RHO) | M(OPTIMIZER_MOMENTUM) | M(OPTIMIZER_EPSILON) | M(WEIGHT_DECAY) | M(NESTEROV) | M(LOSS) |
         M(SCHEDULE) | M(EVERY) | M(FACTOR) | M(STEPS) | M(ALPHA) | M(SEED) | M(SHARDS),
     "compile adam lr=0.001"},
};
const int io_text_statement_count = sizeof io_text_statements / sizeof io_text_statements[0];

int io_text_applies(int setting, const fcnn_compile_options *compile)
{
    static const uint64_t of[] = {
        [FCNN_OPTIMIZER_ADAM] = ADAM | M(OPTIMIZER_EPSILON),
        [FCNN_OPTIMIZER_SGD] = M(OPTIMIZER_MOMENTUM) | M(NESTEROV),
        [FCNN_OPTIMIZER_ADAMW] = ADAM | M(OPTIMIZER_EPSILON) | M(WEIGHT_DECAY),
        [FCNN_OPTIMIZER_RMSPROP] = M(RHO) | M(OPTIMIZER_MOMENTUM) | M(OPTIMIZER_EPSILON),
    };
    static const uint64_t by_schedule[] = {
        [FCNN_SCHEDULE_CONSTANT] = 0,
        [FCNN_SCHEDULE_STEP] = M(EVERY) | M(FACTOR),
        [FCNN_SCHEDULE_COSINE] = M(STEPS) | M(ALPHA),
    };
    const uint64_t sometimes = ADAM | M(OPTIMIZER_EPSILON) | M(OPTIMIZER_MOMENTUM) | M(NESTEROV) | M(WEIGHT_DECAY) |
                               M(RHO) | M(EVERY) | M(FACTOR) | M(STEPS) | M(ALPHA);
    return !(M(setting) & sometimes & ~of[compile->optimizer] & ~by_schedule[compile->schedule]);
}

int io_text_positional(int setting) { return setting <= SCALE; }

int io_text_bare(int setting)
{
    const enum io_text_type type = io_text_settings[setting].type;
    return type == IO_TEXT_FLAG || (type == IO_TEXT_WORD && setting != LOSS && setting != SCHEDULE);
}

/* ---- the grammar ---- */

static void print_setting(FILE *out, const struct io_text_setting *s, int setting, int needed)
{
    const char *open = needed ? "" : "[", *close = needed ? "" : "]";
    const int key = !io_text_bare(setting) && !io_text_positional(setting);
    fprintf(out, " %s%s%s", open, key ? s->key : "", key ? "=" : "");
    if (s->type == IO_TEXT_FLAG) fputs(s->key, out);
    for (int i = 0; s->words && s->words[i]; i++) fprintf(out, "%s%s", i ? "|" : "", s->words[i]);
    fprintf(out, "%s%s", s->form ? s->form : "", close);
}

char *io_text_grammar(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (int i = 0; i < io_text_statement_count; i++) {
        const struct io_text_statement *s = &io_text_statements[i];
        fputs(s->word, out);
        for (int j = 0; j < SETTINGS; j++)
            if ((s->needs | s->takes) & M(j)) print_setting(out, &io_text_settings[j], j, (s->needs & M(j)) != 0);
        fputc('\n', out);
    }
    if (!fclose(out)) return text;
    free(text);
    return NULL;
}

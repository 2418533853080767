/* SPDX-License-Identifier: BSD-2-Clause
 * Files of models as text. */
#include <stdlib.h>
#include <string.h>

#include "lib/io/fail.h"
#include "lib/io/models.h"
#include "lib/io/replace.h"
#include "lib/io/text.h"
#include "lib/io/whole.h"

fcnn_status io_text_load(fcnn_model **model, const char *path, const fcnn_load_options *options, fcnn_file_info *info)
{
    unsigned char *bytes;
    size_t count;
    fcnn_compile_options compile;
    IO_TRY(io_whole_read(&bytes, &count, path, IO_TEXT_MOST_BYTES));
    fcnn_status status = io_text_parse(model, &compile, &info->has_training, (const char *)bytes, count, path);
    free(bytes);
    if (status || options->not_compiled) return status;
    if (options->compile) compile = *options->compile;
    compile.kernels = options->kernels;
    status = fcnn_compile(*model, &compile);
    if (!status) return FCNN_OK;
    fcnn_model_destroy(*model);
    *model = NULL;
    return options->compile ? fcnn_io_fail_as(status, path) : fcnn_io_fail_of_file(status, path);
}

fcnn_status io_text_save(const fcnn_model *model, const char *path, const fcnn_save_options *options)
{
    char *text;
    (void)options; /* nothing of it is in a text */
    IO_TRY(io_text_format(&text, model, path));
    const fcnn_status status = io_replace(path, &(struct io_piece){text, strlen(text)}, 1);
    free(text);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A model that Keras saved: load it, predict, save it in another format.
 *
 *     cc keras.c -o keras $(pkg-config --cflags --libs fastcnn-io) && ./keras model.h5 model.onnx
 *
 * The model may be a .h5, .keras or .safetensors file, or layers as text. Prints the layers and the probabilities of a
 * made-up image; the second argument may be left out. */
#include <fastcnn.h>
#include <fastcnn_io.h>
#include <stdio.h>
#include <stdlib.h>

/* 0: a call failed, and the sentence is in fcnn_last_error(). */
static int predict(fcnn_model *model)
{
    int64_t h, w, c;
    fcnn_layer_info last;
    if (fcnn_model_input(model, &h, &w, &c) || fcnn_model_layer(model, fcnn_model_layers(model) - 1, &last)) return 0;

    float *image = malloc(sizeof *image * (size_t)(h * w * c));
    float *probabilities = malloc(sizeof *probabilities * (size_t)last.c);
    int good = image && probabilities;
    for (int64_t i = 0; good && i < h * w * c; i++) image[i] = (float)(i % 256) / 255.0f;
    good = good && fcnn_predict(model, image, 1, probabilities) == FCNN_OK;
    for (int64_t i = 0; good && i < last.c; i++) printf("%lld: %.9g\n", (long long)i, (double)probabilities[i]);
    free(image);
    free(probabilities);
    return good;
}

int main(int argc, char **argv)
{
    fcnn_model *model;
    fcnn_file_info info;
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s MODEL [OUT]\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (fcnn_model_load(&model, argv[1], NULL, &info) != FCNN_OK) {
        fprintf(stderr, "keras: %s\n", fcnn_io_last_error());
        return EXIT_FAILURE;
    }
    if (!info.has_weights) fprintf(stderr, "keras: %s has no weights: these are initial ones\n", argv[1]);
    for (int i = 0; i < fcnn_model_layers(model); i++) {
        fcnn_layer_info layer;
        if (fcnn_model_layer(model, i, &layer) == FCNN_OK) printf("%s (%s)\n", layer.name, layer.class_name);
    }

    int result = EXIT_SUCCESS;
    if (!predict(model)) {
        fprintf(stderr, "keras: %s\n", fcnn_last_error());
        result = EXIT_FAILURE;
    } else if (argc == 3 && fcnn_model_save(model, argv[2], NULL) != FCNN_OK) {
        fprintf(stderr, "keras: %s\n", fcnn_io_last_error());
        result = EXIT_FAILURE;
    }
    fcnn_model_destroy(model);
    return result;
}

/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A convolution with bias and ReLU: plan once, execute, look at the result.
 *
 *     cc conv2d.c -o conv2d $(pkg-config --cflags --libs fastcnn) && ./conv2d
 *
 * Prints the kernel that was chosen and a sum over the output. FASTCNN_ISA=scalar ./conv2d chooses another kernel and
 * prints the same sum. */
#include <fastcnn.h>
#include <stdio.h>
#include <stdlib.h>

static void fill(float *x, int64_t count, unsigned seed)
{
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) * 0x1p-23f - 1.0f; /* -1 .. 1 */
    }
}

int main(void)
{
    fcnn_problem problem = {.op = FCNN_CONV2D, .direction = FCNN_FORWARD, .n = 8, .h = 13, .w = 13, .c = 32,
                            .k = 64, .r = 3, .s = 3, .activation = FCNN_RELU_ACTIVATION};
    if (fcnn_problem_check(&problem) != FCNN_OK) { /* sets p and q, the output's size */
        fprintf(stderr, "conv2d: %s\n", fcnn_last_error());
        return EXIT_FAILURE;
    }
    const int64_t src_count = problem.n * problem.h * problem.w * problem.c;
    const int64_t weights_count = problem.r * problem.s * problem.c * problem.k;
    const int64_t dst_count = problem.n * problem.p * problem.q * problem.k;

    int result = EXIT_FAILURE;
    fcnn_plan *plan = NULL;
    float *src = malloc(sizeof *src * (size_t)src_count);
    float *weights = malloc(sizeof *weights * (size_t)weights_count);
    float *bias = malloc(sizeof *bias * (size_t)problem.k);
    float *dst = malloc(sizeof *dst * (size_t)dst_count);
    if (!src || !weights || !bias || !dst) {
        fprintf(stderr, "conv2d: out of memory\n");
        goto end;
    }
    fill(src, src_count, 1);
    fill(weights, weights_count, 2);
    fill(bias, problem.k, 3);

    if (fcnn_plan_create(&plan, &problem, NULL) != FCNN_OK ||
        fcnn_execute(plan, &(fcnn_tensors){.src = src, .weights = weights, .bias = bias, .dst = dst}) != FCNN_OK) {
        fprintf(stderr, "conv2d: %s\n", fcnn_last_error());
        goto end;
    }

    double sum = 0;
    for (int64_t i = 0; i < dst_count; i++) sum += dst[i];
    printf("%s, %d thread(s): sum of %lld outputs = %.17g\n", fcnn_plan_kernel(plan), fcnn_plan_threads(plan),
           (long long)dst_count, sum);
    result = EXIT_SUCCESS;

end:
    fcnn_plan_destroy(plan);
    free(src);
    free(weights);
    free(bias);
    free(dst);
    return result;
}

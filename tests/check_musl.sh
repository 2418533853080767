#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The library without glibc, its scalar rows: compiles without a warning against musl, and a static program trains to
# the bits of the one that is tested here. Run in the build folder.
set -u
cd "${top_srcdir-.}" || exit 1
top=$PWD
cd - >/dev/null || exit 1
command -v musl-gcc >/dev/null || { echo 'SKIP: needs musl-gcc (apt-get install musl-tools)'; exit 77; }
case " $CFLAGS " in
*" -m"[!6]* | *-fsanitize*) echo "SKIP: CFLAGS are of another build: $CFLAGS"; exit 77 ;;
esac
case $(musl-gcc -dumpmachine)/$HOST_CPU in
x86_64*/x86_64) ;;
*) echo "SKIP: musl-gcc builds for $(musl-gcc -dumpmachine)"; exit 77 ;;
esac
work=$(mktemp -d "$PWD/check_musl.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

# Headers that name no C library; GCC's OpenMP, whose two glibc names musl has otherwise or not at all.
mkdir "$work/include"
xxhash=$(echo '#include <xxhash.h>' | gcc -M -x c - | tr ' ' '\n' | grep '/xxhash\.h$') || fail 'no xxhash.h'
cp -r "$xxhash" "${xxhash%/*}/Random123" "$work/include" || fail 'no Random123'
cat >"$work/shim.c" <<'END'
#include <pthread.h>
#include <unistd.h>
long __sysconf(int name);
int pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size, const void *cores);
long __sysconf(int name) { return sysconf(name); }
int pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size, const void *cores)
{
    return attributes && size && cores ? 0 : -1;
}
END
cat >"$work/train.c" <<'END'
#include <stdio.h>
#include <fastcnn.h>

enum { IMAGES = 100, IMAGE = 12 * 12 * 3 };
static float x[IMAGES * IMAGE];
static int32_t y[IMAGES];

int main(void)
{
    fcnn_model *model;
    fcnn_receipt receipt;
    const fcnn_compile_options compile = {.seed = 3, .shards = 4};
    const fcnn_fit_options fit = {.epochs = 3, .batch_size = 16};
    unsigned state = 1;
    for (int i = 0; i < IMAGES * IMAGE; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-24f;
    }
    for (int i = 0; i < IMAGES; i++) y[i] = i % 10;
    fcnn_status status = fcnn_model_create(&model, 12, 12, 3);
    if (!status) status = fcnn_add_conv2d(model, 16, 3, 3, 1, FCNN_PAD_SAME, FCNN_RELU_ACTIVATION);
    if (!status) status = fcnn_add_maxpool2d(model, 2, 2);
    if (!status) status = fcnn_add_flatten(model);
    if (!status) status = fcnn_add_dense(model, 10, FCNN_SOFTMAX_ACTIVATION);
    if (!status) status = fcnn_compile(model, &compile);
    if (!status) status = fcnn_fit(model, x, y, IMAGES, &fit, NULL);
    if (!status) status = fcnn_model_receipt(model, &receipt);
    printf("%s %s, %d threads\n", status ? fcnn_last_error() : "weights", status ? "" : receipt.weights,
           fcnn_model_threads(model));
    fcnn_model_destroy(model);
    return status != FCNN_OK;
}
END

includes="-I$top -I$top/kernels -I$top/lib -I$top/lib/net -isystem $work/include"
flags="-std=gnu11 -O1 -ffp-contract=off -fno-math-errno -fopenmp -D_GNU_SOURCE -Wall -Wextra -Werror $includes"
(cd "$top" && ls lib/*.c lib/net/*.c lib/tuning/*.c kernels/*/*.c reference/*.c) | grep -Ev '_(avx2|avx512|neon)\.c$' |
    xargs -P "$(nproc)" -I NAME sh -c "musl-gcc $flags -DPACKAGE_VERSION='\"$FCNN_VERSION\"' \
        -DFCNN_SYSCONFDIR='\"/etc\"' -c '$top/NAME' -o '$work/'\$(echo NAME | tr / _).o" 2>"$work/err" ||
    { cat "$work/err"; fail 'the library does not compile with musl'; }
gomp=$(gcc -print-file-name=libgomp.a)
musl-gcc $flags -static "$work/train.c" "$work/shim.c" "$work"/*.o "$gomp" -lm -o "$work/musl" ||
    fail 'no static program'
./libtool --silent --mode=link $CC $CFLAGS $includes "$work/train.c" libfastcnn.la -lm $OPENMP_CFLAGS -o "$work/here" ||
    fail 'no program'
here=$(FASTCNN_ISA=scalar FASTCNN_NUM_THREADS=2 "$work/here") || fail "here: $here"
for threads in 1 2; do
    musl=$(FASTCNN_NUM_THREADS=$threads "$work/musl") || fail "musl: $musl"
    [ "${musl%,*}" = "${here%,*}" ] || fail "here $here; with musl $musl"
    echo "musl: $musl"
done

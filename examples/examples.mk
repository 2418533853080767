# SPDX-License-Identifier: BSD-2-Clause
# Programs as users write them; tests/check_install.sh builds them against an installed library.

EXTRA_DIST += \
    examples/conv2d.c \
    examples/keras.c

# SPDX-License-Identifier: BSD-2-Clause
# Documentation: the man page is installed, the rest is for readers of the sources.

dist_man_MANS += \
    docs/fastcnn.1
EXTRA_DIST += \
    docs/adding-a-kernel.md \
    docs/architecture.md \
    docs/numerics.md

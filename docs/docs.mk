# SPDX-License-Identifier: BSD-2-Clause
# Documentation: the man page and what the installed header cites are installed, the rest is for readers of the sources.

dist_man_MANS += \
    docs/fastcnn.1
dist_doc_DATA = \
    docs/checkpoints.md \
    docs/models.md \
    docs/numerics.md \
    docs/tuning.md
EXTRA_DIST += \
    docs/adding-a-kernel.md \
    docs/architecture.md \
    docs/ci/README.md \
    docs/ci/github-actions.yml \
    docs/ci/github-comment.yml \
    docs/ci/gitlab-ci.yml \
    docs/report.png \
    docs/tutorial.md

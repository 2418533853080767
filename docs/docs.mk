# SPDX-License-Identifier: BSD-2-Clause
# Documentation. The man page is written by hand.


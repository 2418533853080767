#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What llvm-mca estimates of the register tiles is not below the committed floors (bench/README.md, speed without
# hardware); what is below 90 % of the modelled multiply-adds is named.
exec "${SHELL:-/bin/sh}" "$top_srcdir/bench/mca" --check .

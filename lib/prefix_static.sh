#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# prefix_static.sh libfastcnn.a: gives every global name of a static library that does not begin with fcnn_ the prefix
# fcnn_private_, where it is defined and where it is used, so that no name of a program can meet one of ours. NM and
# OBJCOPY come from the environment, with their options.
set -eu
names=$(mktemp)
trap 'rm -f "$names" "$names.all"' EXIT
${NM:-nm} -g --defined-only "$1" >"$names.all"
awk 'NF == 3 && $2 != "W" && $2 != "V" && $3 !~ /^fcnn_/ { print $3, "fcnn_private_" $3 }' "$names.all" |
    sort -u >"$names"
${OBJCOPY:-objcopy} --redefine-syms="$names" "$1"

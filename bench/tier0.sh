# SPDX-License-Identifier: BSD-2-Clause
# What icount.sh and hot_loops.sh begin with, after they have defined usage(): their options ($record, $folder of
# baselines, $program), skip and fail, and what the program says of its build ($key; its $name in names of files).

record= folder=$(cd "$(dirname "$0")" && pwd)/baseline program=
for argument; do
    case $argument in
    --record) record=1 ;;
    --baseline=*) folder=${argument#*=} ;;
    --help) usage && exit 0 ;;
    -*) usage >&2 && exit 64 ;;
    *) program=$argument ;;
    esac
done
[ -n "$program" ] || { usage >&2 && exit 64; }
skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAIL: $*"; exit 1; }
key=$(${FCNN_RUN-} "$program" --key) || fail "$program --key"
name=$(echo "$key" | sed -n 's/^name //p')

# SPDX-License-Identifier: BSD-2-Clause
# For tests of the program, which source it in the build folder: an environment without settings, a folder of their own
# that goes away at the end, and what is asked of a run. FCNN_RUN precedes the program; `verb`, if it is set, comes
# before the arguments; `place` is where the folder is made; with `inside` the runs are in the folder, so that they are
# told, and say, names of files without it.
unset FASTCNN_KERNEL FASTCNN_MATH FASTCNN_VERBOSE FASTCNN_PLANNING FASTCNN_NUM_THREADS OMP_NUM_THREADS NO_COLOR
export FASTCNN_TUNING=off
work=$(mktemp -d "${place:-$PWD}/$(basename "$0" .sh).XXXXXX") || exit 1
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 130' INT  # by which EXIT's is done, too
trap 'exit 143' TERM
out=$work/out err=$work/err last=
program="${FCNN_RUN-} ./fastcnn"
if [ "${inside-}" ]; then
    program="${FCNN_RUN-} $PWD/fastcnn"
    case ${FCNN_RUN-} in *libtool*) program="$PWD/libtool --mode=execute ${FCNN_RUN#*execute } $PWD/fastcnn" ;; esac
    cd "$work" || exit 1
fi
failed=0 checks=0
: >"$out"
: >"$err"

fail()
{
    failed=$((failed + 1))
    echo "FAIL: $last: $*"
    sed 's/^/    stdout: /' "$out" | head -n 5
    sed 's/^/    stderr: /' "$err" | head -n 5
}

fastcnn() # ARGUMENT...
{
    last="fastcnn ${verb:+$verb }$*"
    $program ${verb-} "$@" >"$out" 2>"$err" </dev/null
}

gives() # STATUS ARGUMENT...
{
    want=$1
    shift
    fastcnn "$@"
    got=$?
    checks=$((checks + 1))
    [ $got -eq "$want" ] || fail "exit status $got instead of $want"
}

# Files are `out`, `err` (what the last run said), others in the folder, or have a path.
path() { case $1 in /*) echo "$1" ;; *) echo "$work/$1" ;; esac; }
has() # FILE TEXT
{
    checks=$((checks + 1))
    grep -qF -e "$2" "$(path "$1")" || fail "no \"$2\" in $1"
}
matches() # FILE EXPRESSION (grep -E)
{
    checks=$((checks + 1))
    grep -qE -e "$2" "$(path "$1")" || fail "nothing like \"$2\" in $1"
}
lacks() # FILE TEXT
{
    checks=$((checks + 1))
    ! grep -qF -e "$2" "$(path "$1")" || fail "\"$2\" in $1"
}
silent() # FILE: nothing is in it
{
    checks=$((checks + 1))
    [ ! -s "$(path "$1")" ] || fail "something is in $1"
}
holds() # FILE CONDITION [OPTION...]: of jq's, for a JSON document
{
    [ "$jq" ] || { skipped=yes; return 0; }
    checks=$((checks + 1))
    document=$(path "$1") condition=$2
    shift 2
    jq -e "$@" "$condition" "$document" >/dev/null 2>&1 || fail "JSON in $document: not $condition"
}
json() { holds out "$@"; }
jq=$(command -v jq) skipped=

conclude()
{
    [ ! "$skipped" ] || echo 'SKIP: JSON was not looked into, jq is missing'
    echo "$checks checks, $failed failed"
    [ $failed -eq 0 ]
    exit
}

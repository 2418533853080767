#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The recipes of docs/ci/, as far as they can be run without GitHub or GitLab: each is YAML (where python3 can tell);
# each of their shell steps is shell, and names only files, targets and options that there are; what the one recipe
# leaves for the other, and for the service, is what bench/ci-gate writes. Then their steps run, with a gate of our own
# in place of bench/ci-gate that ends with each of its statuses.

sources=$(cd "${top_srcdir:-.}" && pwd)
recipes=$sources/docs/ci
folder=$(mktemp -d "${TMPDIR:-/tmp}/check_ci.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
failures=0
cd "$folder" || exit 99

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# steps RECIPE KEYS: writes what stands behind a key ("run"), on its line or as a block below it, and the items of a
# list below it, to NAME.1, NAME.2, ... and prints these names. GitHub's expressions become a 7.
steps() {
    awk -v keys="^($2)\$" -v name="$(basename "$1" .yml)" '
        function flush() {
            if (text == "") return
            file = name "." ++count
            printf "%s", text >file
            close(file)
            print file
            text = ""
        }
        function add(line) {
            gsub(/\$\{\{[^}]*\}\}/, 7, line)
            text = text line "\n"
        }
        {
            match($0, /^ */)
            indent = RLENGTH
            line = substr($0, indent + 1)
        }
        line == "" || line ~ /^#/ { next }
        inside && indent > at && kind == "block" { add(line); next }
        inside && indent > at && kind == "list" && line ~ /^- / { add(substr(line, 3)); flush(); next }
        inside { flush(); inside = 0 }
        {
            at = indent
            while (sub(/^- +/, "", line)) at += 2
            colon = index(line, ":")
            if (!colon || substr(line, 1, colon - 1) !~ keys) next
            value = substr(line, colon + 1)
            sub(/^ +/, "", value)
            if (value ~ /^[|>]/) { inside = 1; kind = "block" }
            else if (value == "") { inside = 1; kind = "list" }
            else { add(value); flush() }
        }
        END { flush() }' "$1"
}

# What a step may name: files of the tree that do something, and options that the programs of ours know.
check_words() { # check_words STEP
    for word in $(tr -s " \t;&|()\"'<>{}" '\n' <"$1" | sed 's/^>*//'); do
        case $word in
        bench/out/*) ;; # checked below
        ./* | bench/* | scripts/*) [ -x "$sources/$word" ] || fail "$1: $word is not there, or cannot be run" ;;
        esac
    done
    grep -o 'bench/ci-gate.*' "$1" | grep -e ' --' && fail "$1: bench/ci-gate has no options"
    for target in $(sed -n 's/.*\bmake \([^|&;]*\).*/\1/p' "$1" | tr ' ' '\n' | grep '^[a-z]'); do
        grep -qE "^$target:|\.PHONY:.* $target( |\$)" "$sources"/Makefile.am "$sources"/*/*.mk ||
            fail "$1: make has no target $target"
    done
    return 0
}

github=$(steps "$recipes/github-actions.yml" run)
gitlab=$(steps "$recipes/gitlab-ci.yml" 'before_script|script')
# words, one a step
# shellcheck disable=SC2086
set -- $github
[ $# -eq 5 ] || fail "github-actions.yml: $# steps were found, not 5"
# shellcheck disable=SC2086
set -- $gitlab
[ $# -eq 4 ] || fail "gitlab-ci.yml: $# steps were found, not 4"
for step in $github $gitlab; do
    sh -n "$step" || fail "$step is not shell"
    ! command -v bash >/dev/null || bash -n "$step" || fail "$step is not bash's shell"
    check_words "$step"
done
if python3 -c 'import yaml' 2>/dev/null; then
    for recipe in "$recipes"/*.yml; do
        python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1], encoding="utf-8"))' "$recipe" ||
            fail "$recipe is not YAML"
    done
else
    echo 'note: no python3-yaml: that the recipes are YAML was not tested'
fi

# The options that bench/ci-gate gives on are those of bench/check, and of fastcnn-compare behind it.
for option in $(grep -v '^ *#' "$sources/bench/ci-gate" | grep -oe '--[a-z][a-z-]*' | sort -u); do
    grep -qF -e "\"${option#--}\"" "$sources/bench/gate/settings.c" || grep -qF -e "  $option" "$sources/bench/check" ||
        fail "bench/ci-gate: nobody knows $option"
done
# What looks like an option is no revision, and no tier's is no option: neither becomes a gate that is green.
for words in 'ci-gate --help' 'check --base=--help' 'check --counts --filter=*' 'check --compare=x tier'; do
    # shellcheck disable=SC2086
    sh "$sources"/bench/$words >out 2>&1
    status=$?
    [ $status -eq 64 ] || fail "bench/$words: exit status $status, not 64"
done
# What is kept and read is what it writes.
for file in $(cat "$recipes"/*.yml | grep -o 'bench/out/gate/[a-z.]*[a-z]' | sort -u); do
    grep -qF "\$out/${file##*/}" "$sources/bench/ci-gate" || [ "${file##*/}" = number ] ||
        fail "bench/ci-gate does not write $file"
done
comment=$recipes/github-comment.yml
for file in $(sed -n "s/.*readFileSync('\([^']*\)'.*/\1/p" "$comment"); do
    grep -qF "\$out/$file" "$sources/bench/ci-gate" || grep -qF "bench/out/gate/$file" "$recipes/github-actions.yml" ||
        fail "github-comment.yml reads $file, which nobody writes"
done
name=$(sed -n 's/^name: //p' "$recipes/github-actions.yml")
grep -qF "workflows: [$name]" "$comment" || fail "github-comment.yml waits for another workflow than \"$name\""
mark=$(sed -n "s/.*startsWith('\([^']*\)').*/\1/p" "$comment")
[ -n "$mark" ] && grep -qF -e "$mark" "$sources/bench/gate/report.c" || fail "no comment begins with \"$mark\""

# ---- the steps run ----

mkdir bench bin
printf '%s\n' '#!/bin/sh' 'echo "$*" >gate-arguments' 'exit "$GATE_STATUS"' >bench/ci-gate
printf '%s\n' '#!/bin/sh' 'echo "git $*" >>git-arguments' '[ "$1" != merge-base ] || echo merged' >bin/git
chmod +x bench/ci-gate bin/git

# run STATUS STEP: as the services do it, where a shell ends with the first command that fails.
run() {
    PATH=$folder/bin:$PATH GATE_STATUS=$1 BASE=abc CI_MERGE_REQUEST_DIFF_BASE_SHA=def CI_PROJECT_DIR=/there \
        sh -e "$2" >out 2>&1
}

step=$(grep -l ci-gate $github)
for status in 0 1 70 77; do
    run $status "$step"
    got=$?
    wanted=$status
    [ $status -ne 77 ] || wanted=0
    [ $got -eq $wanted ] || fail "github-actions.yml: the gate's $status becomes $got, not $wanted"
    grep -q '^::warning::' out && warned=77 || warned=none
    [ $warned = none ] || [ $status -eq 77 ] || fail "github-actions.yml: a warning for $status"
    [ $status -ne 77 ] || [ $warned = 77 ] || fail "github-actions.yml: no warning for 77"
done
[ "$(cat gate-arguments)" = merged ] || fail "github-actions.yml: not compared with the merge base"
grep -q 'git merge-base abc HEAD' git-arguments || fail "github-actions.yml: not the base that the event names"
# Also where nothing was built, so that the page of the run says what failed, and not this.
run 0 "$(grep -l gate/number $github)" || fail "github-actions.yml: no number without the gate's folder: $(cat out)"
[ "$(cat bench/out/gate/number)" = 7 ] || fail "github-actions.yml: another number"

step=$(grep -l ci-gate $gitlab)
for status in 0 1 70 77; do
    run $status "$step"
    got=$?
    [ $got -eq $status ] || fail "gitlab-ci.yml: the gate's $status becomes $got"
done
[ "$(cat gate-arguments)" = def ] || fail "gitlab-ci.yml: not compared with the request's base"
grep -q 'exit_codes: 77' "$recipes/gitlab-ci.yml" || fail "gitlab-ci.yml: undecided is a failure"

[ $failures -eq 0 ] && echo 'all checks passed'
[ $failures -eq 0 ]

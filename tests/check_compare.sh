#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fastcnn-compare and bench/compare from end to end: verdicts, exit statuses and files on times that are made up by a
# timer of our own, then the real timer on two copies of the library, with and without a planted slow-down; revisions
# of a repository made here, and every unhappy path.

here=$PWD
sources=$(cd "${top_srcdir:-.}" && pwd)
compare=$here/fastcnn-compare
[ -x "$compare" ] || { echo 'FAIL: ./fastcnn-compare was not built' && exit 1; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/check_compare.XXXXXX") || exit 99
trap 'rm -rf "$folder"' EXIT
failures=0
cd "$folder" || exit 99
mkdir base head run

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
    sed 's/^/    /' out err
}

# expect STATUS COMMAND...: runs it, keeps what it prints.
expect() {
    wanted=$1
    shift
    last=$*
    "$@" >out 2>err
    status=$?
    [ $status -eq "$wanted" ] || fail "$last: exit status $status, expected $wanted"
}

has() { # has FILE TEXT
    grep -qF -- "$2" "$1" || fail "no \"$2\" in $1 of: $last"
}

hasnt() { # hasnt FILE TEXT
    ! grep -qF -- "$2" "$1" || fail "\"$2\" in $1 of: $last"
}

# A timer whose times stand beside the library: "KERNEL SECONDS", by a line "core SHARE" if that is not all; "once"
# makes up only for plans of several kernels, so that a second run finds nothing; "uncovered KERNEL"; "fail", "hang".
cat >timer <<'END'
#!/bin/sh
library=${LD_LIBRARY_PATH%%:*} core=1 cases='' plan=''
for argument; do
    case $argument in --cases) cases=yes ;; --plan=*) plan=${argument#*=} ;; esac
done
echo "library $library/libfastcnn.so.0"
if [ -n "$cases" ]; then
    echo 'machine Made-up 1'
    awk '$1 == "uncovered" { print $1, $2, "no case"; next }
        /^k/ { print "case", $1, 10, 100, "relu forward mb1ic9" }' "$library/times"
    exit
fi
grep -q '^hang' "$library/times" && exec sleep 100
grep -q '^fail' "$library/times" && exit 3
grep -q '^garbage' "$library/times" && echo 'row of nonsense'
awk 'NR == FNR { seconds[$1] = $2; next } { kernel[n++] = $1 }
    END {
        for (i = 0; i < n; i++) {
            s = seconds[kernel[i]]
            if (kernel[i] == seconds["once"] && n == 1) s = 1e-6
            print "row", i, s, s, 100
        }
        print "core", "core" in seconds ? seconds["core"] : 1
    }' "$library/times" "$plan"
END
chmod +x timer

takes() { # takes FOLDER LINE...
    place=$1
    shift
    printf '%s\n' "$@" >"$place/times"
}

made_up() { # made_up STATUS OPTION...
    wanted=$1
    shift
    expect "$wanted" "$compare" --timer="$folder/timer" --despite-noise --rounds=7 "$@"
}

# ---- verdicts ----

takes base 'k_one 1e-6' 'k_two 2e-6' 'k_three 3e-6'
made_up 0 base base
has out 'same: 3 kernels, geometric mean +0.0 %'
takes head 'k_one 1e-6' 'k_two 2.2e-6' 'k_three 3e-6'
made_up 1 --repeat='bench/compare x y' --markdown=run/m.md --junit=run/j.xml --json=run/new/j.json base head
has out 'slower: 1 of 3 kernels, found twice'
has out 'repeat: bench/compare x y --filter=k_two'
has run/m.md 'k\_two'
has run/j.xml 'failures="2"' # and the geometric mean
has run/new/j.json '"verdict": "slower"'
takes head 'k_one 1e-6' 'k_two 1.8e-6' 'k_three 3e-6'
made_up 0 base head
has out 'faster     k_two'
takes head 'k_one 1.03e-6' 'k_two 2.06e-6' 'k_three 3.09e-6'
made_up 1 base head
has out 'slower     geometric mean'
hasnt out 'slower     k_'
takes base 'k_a 1e-6' 'k_b 1e-6' 'k_c 1e-6' 'k_d 1e-6' 'k_e 1e-6' 'k_f 1e-6' 'k_g 1e-6'
takes head 'k_a 1.1e-6' 'k_b 1e-6' 'k_c 1e-6' 'k_d 1e-6' 'k_e 1e-6' 'k_f 1e-6' 'k_g 1e-6' 'once k_a'
made_up 0 base head
has out ', 1 kernels looked at again'
takes base 'k_one 1e-6' 'k_two 2e-6' 'k_old 1e-6' 'core 0.4'
takes head 'k_one 2e-6' 'k_new 3e-6' 'uncovered k_two'
made_up 1 base head
has out 'new: only head has it'
has out 'vanished: only base has it'
has out 'uncovered: no case'
expect 77 "$compare" --timer="$folder/timer" --rounds=7 base head # our processes had no core: noise, never red
has out 'waited for a core'
hasnt out 'slower'

# ---- failures ----

for word in fail garbage hang; do
    takes base 'k_one 1e-6' "$word"
    made_up 70 --timeout=1 base base
    hasnt out 'same'
done
has err 'took longer than 1 s'
takes base 'k_one 1e-6'
takes head 'k_other 1e-6'
made_up 64 base head
has err 'no kernel that both have'
made_up 66 base nowhere
expect 64 "$compare" base
expect 64 "$compare" --rounds=0 base head
expect 64 "$compare" --nonsense base head
expect 70 "$compare" --timer=/nonexistent base base
made_up 73 --json=/dev/null/x base base
expect 0 "$compare" --help
has out 'Exit status'

# ---- floors ----

cat >pairs <<'END'
#!/bin/sh
# A kernel and its reference, as fast as the file beside the library says.
library=${LD_LIBRARY_PATH%%:*}
. "$library/speed"
echo "library $library/libfastcnn.so.0"
case "$*" in
*--cases*) printf '%s\n' "machine $machine" 'case k_fast 10 100 relu forward mb1ic9' 'case k_naive 1 100 relu forward mb1ic9' ;;
*) printf '%s\n' "row 0 $seconds $seconds 1" 'row 1 8e-6 8e-6 1' 'core 1' ;;
esac
END
chmod +x pairs
floors() { # floors STATUS OPTION...
    wanted=$1
    shift
    expect "$wanted" "$compare" --timer="$folder/pairs" "$@"
}
echo 'machine=here seconds=1e-6' >head/speed
floors 0 --write-floors=run/floors.txt head
grep -Eq '^k_fast +4.80 +0.060 +relu forward mb1ic9$' run/floors.txt || fail 'floors are not 60 % of 8 and of 0.1'
floors 0 --floors=run/floors.txt --despite-noise head
echo 'machine=here seconds=1.5e-6' >head/speed
floors 0 --floors=run/floors.txt --despite-noise head
echo 'machine=here seconds=2e-6' >head/speed
floors 1 --floors=run/floors.txt --despite-noise head
has out 'repeat: bench/check --floors --filter=k_fast'
echo 'machine=elsewhere seconds=2e-6' >head/speed
floors 77 --floors=run/floors.txt --despite-noise head
has out "another machine's"
echo nonsense >>run/floors.txt
floors 65 --floors=run/floors.txt head
floors 66 --floors=run/none.txt head

# ---- revisions: bench/compare in a repository whose configure "builds" what a file in it says ----

mkdir -p repository/bench build/.libs
cp "$sources/bench/compare" repository/bench/
export FASTCNN_COMPARE="$compare" FASTCNN_AB_TIME="$folder/timer" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
script=$folder/repository/bench/compare
revisions() { # revisions STATUS ARGUMENT...
    wanted=$1
    shift
    cd "$folder/build" || exit 99
    "$script" --despite-noise --rounds=7 "$@" >../out 2>../err
    status=$?
    cd "$folder" || exit 99
    last="bench/compare $*"
    [ $status -eq "$wanted" ] || fail "$last: exit status $status, expected $wanted"
}
if command -v git >/dev/null; then
    revisions 66 HEAD HEAD
    has err 'not a git repository'
    cat >repository/configure <<'END'
#!/bin/sh
printf 'libfastcnn.la:\n\tmkdir .libs && cp times .libs/times && touch .libs/libfastcnn.so\n' >Makefile
END
    chmod +x repository/configure
    git() { command git -C "$folder/repository" -c user.name=x -c user.email=x "$@"; }
    commit() { git add -A && git commit -qm x && git tag "$1"; }
    git init -q
    takes repository 'k_one 1e-6' 'k_two 2e-6'
    commit one
    takes repository 'k_one 1e-6' 'k_two 2.5e-6'
    commit two
    echo 'exit 5' >>repository/configure && echo 'echo "no compiler" >&2' >>repository/configure
    sed -i '/exit 5/{h;d};${G}' repository/configure
    commit broken
    revisions 0 one one
    revisions 1 one two
    has out 'repeat: bench/compare one two --filter=k_two'
    revisions 66 one nothing
    has err 'no revision "nothing"'
    revisions 69 one broken
    has err 'no compiler'
    revisions 69 one .
    has err 'not built'
    takes build/.libs 'k_one 1e-6' 'k_two 2e-6' && touch build/.libs/libfastcnn.so
    revisions 0 one .
    revisions 1 --cache one two
    [ "$(ls -d build/bench/out/ab/*/ | wc -l)" -eq 2 ] || fail '--cache did not keep two builds'
    revisions 1 --cache one two
    hasnt err building
    revisions 64 one
    rm -rf build/bench
    takes build/.libs 'k_one 1e-6' 'k_two 2e-6' 'hang'
    (cd build && timeout --preserve-status -s TERM 4 "$script" --timeout=60 one .) >out 2>err
    status=$?
    [ $status -eq 143 ] || fail "a terminated bench/compare: exit status $status, expected 143"
    git worktree prune
    [ "$(git worktree list | wc -l)" -eq 1 ] || fail 'worktrees were left behind'
    [ -z "$(ls -d "${TMPDIR:-/tmp}"/fastcnn-compare.?????? 2>/dev/null)" ] || echo 'note: temporary folders of another run'
    unset -f git
else
    echo 'note: no git, revisions were not compared'
fi

# ---- the real timer ----

cd "$here" || exit 99
timer=.libs/fastcnn-ab-time
if [ -e .libs/libfastcnn.so ] && [ -x $timer ] && [ -z "${FCNN_RUN:-}" ]; then
    cp -L .libs/libfastcnn.so.0 "$folder/head/"
    real() { # real OPTION...
        "$compare" --timer=$timer --filter='relu_fwd_*' --filter=dense_fwd_naive --sample=0.5 "$@" .libs \
            "$folder/head" >"$folder/out" 2>"$folder/err"
        status=$?
    }
    real --rounds=3
    case $status in 0 | 77) ;; *) (cd "$folder" && fail "two copies of one library: exit status $status") ; failures=1 ;; esac
    real --rounds=7 --despite-noise --plant='dense_fwd_naive:100'
    [ $status -eq 1 ] && grep -q 'slower *dense_fwd_naive' "$folder/out" ||
        { (cd "$folder" && fail "a kernel twice as slow: exit status $status") ; failures=1; }
    real --omit='dense_fwd_naive' --plant='dense_fwd_naive:100' --rounds=3
    grep -q 'dense_fwd_naive .*uncovered' "$folder/out" ||
        { (cd "$folder" && fail 'a kernel without a case is not named') ; failures=1; }
else
    echo 'note: no shared library, or an emulator: the real timer was not run'
fi
[ "$failures" -eq 0 ]

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
if [ -n "${FCNN_RUN-}" ]; then # as one word; what it starts, our timers, are scripts of this machine
    printf '#!/bin/sh\nexec "%s/libtool" --mode=execute %s "%s" "$@"\n' "$here" "${FCNN_RUN#*--mode=execute }" \
        "$compare" >emulated
    chmod +x emulated
    compare=$folder/emulated
fi
mkdir base head run

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
    sed 's/^/    /' "$folder/out" "$folder/err"
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
# makes up only for plans of several kernels, so that a second run finds nothing; "busy N": the first N processes had
# not half a core; "uncovered KERNEL"; "fail", "hang".
printf '#!/bin/sh\nexec awk -f "%s/timer.awk" -- "$@"\n' "$folder" >timer
cat >timer.awk <<'END'
BEGIN {
    library = ENVIRON["LD_LIBRARY_PATH"]
    sub(/:.*/, "", library)
    for (i = 1; i < ARGC; i++) {
        if (ARGV[i] == "--cases") cases = 1
        if (ARGV[i] ~ /^--plan=/) plan = substr(ARGV[i], 8)
    }
    print "library " library "/libfastcnn.so.0"
    if (cases) print "machine Made-up 1"
    seconds["core"] = 1
    while ((getline <(library "/times")) > 0) {
        seconds[$1] = $2
        if (cases && $1 ~ /^k/) print "case", $1, 10, 100, "relu forward mb1ic9"
        if (cases && $1 == "uncovered") print $0, "no case"
    }
    if (cases) exit
    if ("hang" in seconds) system("exec sleep 9")
    if ("fail" in seconds) exit 3
    if ("garbage" in seconds) print "row of nonsense"
    while ((getline <plan) > 0) kernel[n++] = $1
    for (i = 0; i < n; i++) {
        s = kernel[i] == seconds["once"] && n == 1 ? 1e-6 : seconds[kernel[i]]
        print "row", i, s, s, 100
    }
    if ("busy" in seconds) {
        getline count <(library "/count")
        print count + 1 >(library "/count")
    }
    print "core", count + 0 < seconds["busy"] ? 0.4 : seconds["core"]
}
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
    expect "$wanted" "$compare" --timer="$folder/timer" --despite-noise --rounds=3 "$@"
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
expect 77 "$compare" --timer="$folder/timer" --rounds=3 base head # our processes had no core: noise, never red
has out 'waited for a core'
hasnt out 'slower'
[ "$(grep -c '^once more: ' err)" -eq 2 ] || fail "not measured three times: $last"
expect 77 "$compare" --timer="$folder/timer" --rounds=3 --tries=1 base head
hasnt err 'once more: '
takes base 'k_one 1e-6' 'busy 6'                                  # all of the first control
"$compare" --timer="$folder/timer" --rounds=3 base base >out 2>err # the rest is up to the machine
has err 'waited for a core'
hasnt out 'waited for a core'
has out 'noisy series timed again'
expect 64 "$compare" --tries=0 base head

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
hasnt out 'same' # nothing was measured
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
*--cases*)
    printf '%s\n' "machine $machine" 'case k_fast 10 100 relu forward mb1ic9' 'case k_naive 1 100 relu forward mb1ic9'
    ;;
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
export FASTCNN_COMPARE="$compare" FASTCNN_AB_TIME="$folder/timer" FASTCNN_AB_CACHE="$folder/cache"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null TMPDIR="$folder/run"
script=$folder/repository/bench/compare
revisions() { # revisions STATUS ARGUMENT...
    wanted=$1
    shift
    cd "$folder/build" || exit 99
    "$script" --despite-noise --rounds=3 "$@" >../out 2>../err
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
    hasnt err building
    revisions 69 one broken
    has err 'no compiler'
    revisions 69 one .
    has err 'not built'
    takes build/.libs 'k_one 1e-6' 'k_two 2e-6' && touch build/.libs/libfastcnn.so
    revisions 0 one .
    revisions 1 --cache one two
    [ "$(ls -d cache/*/ | wc -l)" -eq 2 ] || fail '--cache did not keep two builds'
    revisions 1 --cache one two
    hasnt err building
    revisions 64 one
    takes build/.libs 'k_one 1e-6' 'k_two 2e-6' 'hang'
    (cd build && timeout --preserve-status -s TERM 5 "$script" --despite-noise --timeout=60 one .) >out 2>err
    status=$?
    [ $status -eq 143 ] || fail "a terminated bench/compare: exit status $status, expected 143"
    [ -z "$(ls -d run/fastcnn-* 2>/dev/null)" ] || fail 'temporary folders were left behind'
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
    [ $status -eq 0 ] || [ $status -eq 77 ] || fail "two copies of one library: exit status $status"
    real --rounds=5 --despite-noise --plant='dense_fwd_naive:400'
    [ $status -eq 1 ] && grep -q 'slower *dense_fwd_naive' "$folder/out" ||
        fail "a kernel five times as slow: exit status $status"
    real --omit='dense_fwd_naive' --plant='dense_fwd_naive:100' --rounds=3
    grep -q 'dense_fwd_naive .*uncovered' "$folder/out" ||
        fail 'a kernel without a case is not named'
else
    echo 'note: no shared library, or an emulator: the real timer was not run'
fi
[ "$failures" -eq 0 ]

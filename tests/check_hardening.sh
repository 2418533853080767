#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What m4/fcnn_hardening.m4 asks for is in the library and the program, and not in the kernels. Run in the build folder.
set -u
failed=0
fail() { failed=1; echo "FAIL: $*"; }
skip() { echo "SKIP: $*"; exit 77; }

case ${HARDENING-} in *[!\ ]*) ;; *) skip 'this build has no hardening (--disable-hardening or a sanitizer)' ;; esac
command -v readelf >/dev/null || skip 'readelf is missing'
case $HARDENING in *-z,now*) now=yes ;; *) now= ;; esac

program=fastcnn
[ -e .libs/fastcnn ] && program=.libs/fastcnn
for file in "$program" .libs/libfastcnn.so; do
    [ -e "$file" ] || continue
    if [ -n "$now" ]; then
        readelf -lW "$file" | grep -q GNU_RELRO || fail "$file has no RELRO"
        readelf -dW "$file" | grep -qE 'BIND_NOW|FLAGS_1.*NOW' || fail "$file binds lazily"
    fi
    ! readelf -dW "$file" | grep -q TEXTREL || fail "$file writes to its code"
    ! readelf -lW "$file" | grep GNU_STACK | grep -q RWE || fail "$file has a stack that can be executed"
    case $HARDENING in
    *stack-protector*) readelf -sW "$file" | grep -q __stack_chk || fail "$file has no stack protector" ;;
    esac
    case $HARDENING in
    *FORTIFY*) readelf -sW "$file" | grep -q '_chk@' || fail "$file calls no checked function of libc" ;;
    esac
done

# The kernels are as fast as before: no canaries there, unless this compiler puts them everywhere.
work=$(mktemp -d "$PWD/check_hardening.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
echo 'void use(char *); void f(void); void f(void) { char text[64]; use(text); }' >"$work/probe.c"
if $CC $CFLAGS -c "$work/probe.c" -o "$work/probe.o" && ! readelf -sW "$work/probe.o" | grep -q __stack_chk; then
    count=0
    for file in kernels/*/*_la-*.o kernels/*/.libs/*_la-*.o; do
        [ -e "$file" ] || continue
        count=$((count + 1))
        ! readelf -sW "$file" | grep -q __stack_chk || fail "$file has a stack protector"
    done
    [ "$count" -gt 10 ] || fail "found only $count objects of kernels"
fi
exit $failed

dnl SPDX-License-Identifier: BSD-2-Clause
dnl FCNN_SANITIZER: --enable-sanitizer=LIST puts -fsanitize=LIST into SANITIZER_FLAGS; a finding ends the program.
AC_DEFUN([FCNN_SANITIZER], [
    AC_ARG_ENABLE([sanitizer],
        [AS_HELP_STRING([--enable-sanitizer=LIST], [build with -fsanitize=LIST, e.g. address,undefined])],
        [], [enable_sanitizer=no])
    AS_CASE([$enable_sanitizer], [no], [SANITIZER_FLAGS=],
        [yes], [AC_MSG_ERROR([--enable-sanitizer wants a list: --enable-sanitizer=address,undefined])], [
        SANITIZER_FLAGS="-fsanitize=$enable_sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer"
        fcnn_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS $SANITIZER_FLAGS"
        AC_LINK_IFELSE([AC_LANG_PROGRAM], [],
            [AC_MSG_ERROR([$CC cannot link with $SANITIZER_FLAGS (clang: install libclang-rt-14-dev)])])
        CFLAGS=$fcnn_saved_cflags
    ])
    dnl gcc's OpenMP waits in ways that the thread sanitizer cannot see, and reports every region as a race.
    AS_CASE([",$enable_sanitizer,"], [*,thread,*], [
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#ifndef __clang__
#error
#endif]])], [], [AC_MSG_ERROR([--enable-sanitizer=thread needs clang and its OpenMP: CC=clang CXX=clang++
(Debian: clang, libomp-14-dev, libclang-rt-14-dev)])])])
    AC_SUBST([SANITIZER_FLAGS])
    AM_CONDITIONAL([SANITIZER], [test "x$enable_sanitizer" != xno])
])

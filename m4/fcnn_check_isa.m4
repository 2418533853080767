dnl SPDX-License-Identifier: BSD-2-Clause
dnl FCNN_CHECK_ISA(NAME, HOST-CPU-PATTERN, CFLAGS, STATEMENTS, HEADER)
dnl Decides whether the kernels of an instruction set are built: the host must match the pattern and the compiler must
dnl translate STATEMENTS (HEADER, a float x) with CFLAGS. --disable-NAME leaves them out, --enable-NAME insists.
dnl Gives the conditional HAVE_<NAME>, the variable <NAME>_CFLAGS and, for the sources, the macro FCNN_HAVE_<NAME>.
AC_DEFUN([FCNN_CHECK_ISA], [
    m4_pushdef([ISA], m4_toupper([$1]))
    AC_ARG_ENABLE([$1], [AS_HELP_STRING([--disable-$1], [leave out the $1 kernels])], [], [enable_$1=auto])
    AC_MSG_CHECKING([whether to build the $1 kernels])
    fcnn_build=$enable_$1
    AS_IF([test "x$enable_$1" != xno], [
        fcnn_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror $3"
        fcnn_build=no
        AS_CASE([$host_cpu], [$2], [AC_COMPILE_IFELSE(
            [AC_LANG_SOURCE([[#include <$5>
                float f(float x);
                float f(float x) { $4 return x; }]])], [fcnn_build=yes])])
        CFLAGS=$fcnn_saved_cflags
    ])
    AC_MSG_RESULT([$fcnn_build])
    AS_IF([test "x$enable_$1" = xyes && test "x$fcnn_build" = xno],
        [AC_MSG_ERROR([--enable-$1: $CC for $host_cpu cannot build it with $3])])
    AS_IF([test "x$fcnn_build" = xyes], [
        fcnn_isas="$fcnn_isas $1"
        AC_DEFINE([FCNN_HAVE_]ISA, [1], [$1 kernels are built])
    ])
    AC_SUBST(ISA[_CFLAGS], ["$3"])
    AM_CONDITIONAL([HAVE_]ISA, [test "x$fcnn_build" = xyes])
    AC_SUBST([fcnn_isas])
    m4_popdef([ISA])
])

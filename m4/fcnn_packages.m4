dnl SPDX-License-Identifier: BSD-2-Clause
dnl Required libraries: all that is missing is collected in $fcnn_missing, so that one message names everything.

dnl FCNN_MISSES(DEBIAN-PACKAGE)
AC_DEFUN([FCNN_MISSES], [fcnn_missing="$fcnn_missing $1"])

dnl FCNN_PKG(VARIABLE, MODULE, DEBIAN-PACKAGE): <VARIABLE>_CFLAGS and _LIBS from pkg-config.
AC_DEFUN([FCNN_PKG], [PKG_CHECK_MODULES([$1], [$2], [], [FCNN_MISSES([$3])])])

dnl FCNN_OPTIONAL(VARIABLE, NAME, MODULE, DEBIAN-PACKAGE, WHAT-FOR): --without-NAME does without; else it must be there.
dnl Conditional and macro HAVE_<VARIABLE>.
AC_DEFUN([FCNN_OPTIONAL],
[AC_ARG_WITH([$2], [AS_HELP_STRING([--without-$2], [build without $4: no $5])], [], [with_$2=yes])
AS_IF([test "x$with_$2" != xno], [FCNN_PKG([$1], [$3], [$4])
    $1_CFLAGS="$$1_CFLAGS -DHAVE_$1"])
AM_CONDITIONAL([HAVE_$1], [test "x$with_$2" != xno])])

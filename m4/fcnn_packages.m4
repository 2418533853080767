dnl SPDX-License-Identifier: BSD-2-Clause
dnl Required libraries: all that is missing is collected in $fcnn_missing, so that one message names everything.

dnl FCNN_MISSES(DEBIAN-PACKAGE)
AC_DEFUN([FCNN_MISSES], [fcnn_missing="$fcnn_missing $1"])

dnl FCNN_PKG(VARIABLE, MODULE, DEBIAN-PACKAGE): <VARIABLE>_CFLAGS and _LIBS from pkg-config.
AC_DEFUN([FCNN_PKG], [PKG_CHECK_MODULES([$1], [$2], [], [FCNN_MISSES([$3])])])

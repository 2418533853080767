dnl SPDX-License-Identifier: BSD-2-Clause
dnl FCNN_TRY_CFLAGS(FLAGS): adds to FCNN_CFLAGS each flag that the C compiler knows.
AC_DEFUN([FCNN_TRY_CFLAGS], [
    fcnn_saved_cflags=$CFLAGS
    for fcnn_flag in $1; do
        CFLAGS="$fcnn_saved_cflags -Werror $fcnn_flag"
        AC_MSG_CHECKING([whether $CC takes $fcnn_flag])
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM],
            [AC_MSG_RESULT([yes]); FCNN_CFLAGS="$FCNN_CFLAGS $fcnn_flag"], [AC_MSG_RESULT([no])])
    done
    CFLAGS=$fcnn_saved_cflags
    AC_SUBST([FCNN_CFLAGS])
])

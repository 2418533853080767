dnl SPDX-License-Identifier: BSD-2-Clause
dnl FCNN_VERSION_SCRIPT: the conditional VERSION_SCRIPT, true if the linker takes --version-script.
AC_DEFUN([FCNN_VERSION_SCRIPT], [
    fcnn_saved_ldflags=$LDFLAGS
    echo 'FASTCNN_TEST { global: main; local: *; };' >conftest.map
    LDFLAGS="$LDFLAGS -Wl,--version-script=conftest.map"
    AC_MSG_CHECKING([whether the linker takes version scripts])
    AC_LINK_IFELSE([AC_LANG_PROGRAM], [fcnn_version_script=yes], [fcnn_version_script=no])
    AC_MSG_RESULT([$fcnn_version_script])
    LDFLAGS=$fcnn_saved_ldflags
    rm -f conftest.map
    AM_CONDITIONAL([VERSION_SCRIPT], [test "x$fcnn_version_script" = xyes])
])

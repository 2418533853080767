dnl SPDX-License-Identifier: BSD-2-Clause
dnl Libraries that the benchmark alone links, to compare with.

dnl FCNN_PEER(WORD, HEADER, LIBRARY, FUNCTION, OTHER-LIBRARIES, DEBIAN-PACKAGES): --with-WORD and --without-WORD;
dnl have_WORD, <WORD>_LIBS and the conditional HAVE_<WORD>, in capitals.
AC_DEFUN([FCNN_PEER], [
    m4_pushdef([NAME], m4_toupper([$1]))
    AC_ARG_WITH([$1], [AS_HELP_STRING([--without-$1], [no comparison with $1 in the benchmark])], [], [with_$1=check])
    AS_IF([test "x$with_$1" = xno], [have_$1=no], [have_$1=yes
        AC_CHECK_HEADER([$2], [], [have_$1=no])
        AC_CHECK_LIB([$3], [$4], [NAME[]_LIBS="-l$3 $5"], [have_$1=no], [$5])])
    AS_IF([test "x$with_$1" = xyes && test "x$have_$1" = xno],
        [AC_MSG_ERROR([--with-$1: it was not found (Debian: $6)])])
    AC_SUBST(NAME[]_LIBS)
    AM_CONDITIONAL([HAVE_]NAME, [test "x$have_$1" = xyes])
    m4_popdef([NAME])
])

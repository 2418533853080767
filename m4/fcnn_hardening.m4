dnl SPDX-License-Identifier: BSD-2-Clause
dnl FCNN_HARDENING: what makes a wrong write harder to use, where it costs no speed: addresses of functions are bound at
dnl the start and read-only after it, canaries on stacks, checked sizes in libc's functions. HARDENING_CFLAGS goes to
dnl all but kernels (which get none of it), HARDENING_LDFLAGS to programs and the library. --disable-hardening leaves it
dnl to the one who builds; sanitizers check more and do without.
AC_DEFUN([FCNN_HARDENING], [
    AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [no stack protector, FORTIFY, full RELRO])], [],
        [enable_hardening=yes])
    AS_IF([test "x$enable_sanitizer" != xno], [enable_hardening=no])
    HARDENING_CFLAGS= HARDENING_LDFLAGS=
    AS_IF([test "x$enable_hardening" != xno], [
        fcnn_saved_cflags=$CFLAGS fcnn_saved_ldflags=$LDFLAGS
        AC_MSG_CHECKING([whether $CC takes -fstack-protector-strong])
        CFLAGS="$fcnn_saved_cflags -Werror -fstack-protector-strong"
        AC_LINK_IFELSE([AC_LANG_PROGRAM],
            [AC_MSG_RESULT([yes]); HARDENING_CFLAGS=-fstack-protector-strong], [AC_MSG_RESULT([no])])
        dnl FORTIFY wants an optimising compiler and warns otherwise; a distribution's own level stays.
        AC_MSG_CHECKING([whether _FORTIFY_SOURCE can be set])
        CFLAGS="$fcnn_saved_cflags -Werror"
        AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
            #if defined _FORTIFY_SOURCE || !defined __OPTIMIZE__
            #error
            #endif
            ]])],
            [AC_MSG_RESULT([yes]); HARDENING_CFLAGS="$HARDENING_CFLAGS -D_FORTIFY_SOURCE=2"],
            [AC_MSG_RESULT([no])])
        AC_MSG_CHECKING([whether the linker takes -z relro and -z now])
        CFLAGS=$fcnn_saved_cflags
        LDFLAGS="$fcnn_saved_ldflags -Wl,-z,relro -Wl,-z,now"
        AC_LINK_IFELSE([AC_LANG_PROGRAM],
            [AC_MSG_RESULT([yes]); HARDENING_LDFLAGS="-Wl,-z,relro -Wl,-z,now"], [AC_MSG_RESULT([no])])
        CFLAGS=$fcnn_saved_cflags LDFLAGS=$fcnn_saved_ldflags
    ])
    AC_SUBST([HARDENING_CFLAGS])
    AC_SUBST([HARDENING_LDFLAGS])
])

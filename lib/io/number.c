/* SPDX-License-Identifier: BSD-2-Clause
 * See number.h. */
#include "lib/io/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* strtod() takes more: blanks, "inf", "nan", hexadecimal numbers. */
static int is_decimal(const char *text) { return *text && !text[strspn(text, "0123456789+-.eE")]; }

int io_number_read(const char *text, double *value)
{
    char *end = NULL;
    const locale_t c = is_decimal(text) ? c_locale() : (locale_t)0;
    if (!c) return 0;
    *value = strtod_l(text, &end, c);
    freelocale(c);
    return !*end && isfinite(*value);
}

int io_number_read_float(const char *text, float *value)
{
    char *end = NULL;
    const locale_t c = is_decimal(text) ? c_locale() : (locale_t)0;
    if (!c) return 0;
    *value = strtof_l(text, &end, c); /* in one rounding */
    freelocale(c);
    return !*end && isfinite(*value);
}

static void print(char text[32], int precision, double value)
{
    const locale_t c = c_locale(), before = c ? uselocale(c) : (locale_t)0;
    snprintf(text, 32, "%.*g", precision, value);
    if (!c) return;
    uselocale(before);
    freelocale(c);
}

void io_number_write(char text[32], double value)
{
    double back = 0;
    int precision = 0;
    do print(text, ++precision, value);
    while (precision < 17 && !(io_number_read(text, &back) && back == value));
}

void io_number_write_float(char text[32], float value)
{
    float back = 0;
    int precision = 0;
    do print(text, ++precision, (double)value);
    while (precision < 9 && !(io_number_read_float(text, &back) && back == value));
}

void io_number_hex(char *text, const unsigned char *bytes, int count)
{
    for (int i = 0; i < count; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

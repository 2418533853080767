/* SPDX-License-Identifier: BSD-2-Clause
 * Numbers as files have them, with a point whatever the locale: strtod() and printf() mind it. */
#ifndef FCNN_IO_NUMBER_H
#define FCNN_IO_NUMBER_H

/* A finite decimal number that fills the text: digits, one point, an exponent. 0: it is none, or out of range. */
int io_number_read(const char *text, double *value);
int io_number_read_float(const char *text, float *value);

/* The shortest text that reads back as the same number. */
void io_number_write(char text[32], double value);
void io_number_write_float(char text[32], float value);

/* Two hexadecimal digits a byte, and the end. */
void io_number_hex(char *text, const unsigned char *bytes, int count);

#endif

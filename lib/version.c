/* SPDX-License-Identifier: BSD-2-Clause
 * Version texts; PACKAGE_VERSION is configure's. "numerics N" changes whenever the bits of a result may change. */
#include <sleef.h>

#include "lib/fastcnn.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define SLEEF_TEXT TEXT(SLEEF_VERSION_MAJOR) "." TEXT(SLEEF_VERSION_MINOR) "." TEXT(SLEEF_VERSION_PATCHLEVEL)

const char *fcnn_version(void) { return PACKAGE_VERSION; }
const char *fcnn_version_details(void) { return "fastcnn " PACKAGE_VERSION ", numerics 1, SLEEF " SLEEF_TEXT; }

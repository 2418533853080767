/* SPDX-License-Identifier: BSD-2-Clause
 * Version texts. "numerics N" changes whenever the bits of a result may change. configure's number is the header's:
 * tests/check_interface compares. */
#include "lib/fastcnn.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define VERSION_TEXT TEXT(FCNN_VERSION_MAJOR) "." TEXT(FCNN_VERSION_MINOR) "." TEXT(FCNN_VERSION_PATCH)

#define NUMERICS 1

const char *fcnn_version(void) { return VERSION_TEXT; }
const char *fcnn_version_details(void) { return "fastcnn " VERSION_TEXT ", numerics " TEXT(NUMERICS); }
int fcnn_numerics_version(void) { return NUMERICS; }

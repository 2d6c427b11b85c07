/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share. A target is one file fuzz_<name>.c with LLVMFuzzerTestOneInput, a row in
 * meson.build and a folder corpus/<name>/ of small seeds. It returns 0 for whatever input, and
 * fails by FUZZ_CHECK or a sanitizer. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                              \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

#endif

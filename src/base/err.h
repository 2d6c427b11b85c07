/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a kc_error. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <kclient/error.h>

/* Writes code, its flags and a sentence to detail (NULL is fine) and returns code. The sentence
 * names cause and remedy; fmt NULL takes the table's text. Thread-safe. */
kc_err kci_fail(kc_error *detail, kc_err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif

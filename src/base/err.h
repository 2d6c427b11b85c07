/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a kc_error, and sentences in buffers of a fixed size. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <kclient/error.h>

/* Of a whole sentence, NUL included. */
#define KCI_SENTENCE_SIZE sizeof(((kc_error *)0)->text)

/* Writes code, its flags and a sentence to detail (NULL is fine) and returns code. The sentence
 * names cause and remedy; fmt NULL takes the table's text. Thread-safe. */
kc_err kci_fail(kc_error *detail, kc_err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As snprintf for sentences: one that is too long for cap bytes (at least 64) loses its middle, not
 * its end, where the remedy is; no character is cut in two. Thread-safe. */
void kci_sentence(char *out, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif

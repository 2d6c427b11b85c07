/* SPDX-License-Identifier: Apache-2.0 */
/* System error numbers as words, thread-safe and the same on every system. */
#ifndef IO_ERRNO_TEXT_H
#define IO_ERRNO_TEXT_H

#include <stddef.h>

enum { KCI_ERRNO_TEXT_SIZE = 64 };

/* err: positive or negative errno. buf (KCI_ERRNO_TEXT_SIZE bytes) may be used; the result is valid
 * as long as it is. */
const char *kci_errno_text(int err, char *buf);

#endif

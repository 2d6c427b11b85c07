/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go when the application has set no callback: to stderr, one write a line. */
#include <stdio.h>
#include <unistd.h>

#include "core/state.h"

void kci_log_to_stderr(void *user, int level, const char *area, const char *text)
{
    char line[1200];

    (void)user;
    int size =
        snprintf(line, sizeof line, "kclient %s %s: %s\n", kc_log_level_name(level), area, text);
    if (size < 0)
        return;
    if ((size_t)size >= sizeof line) {
        size = sizeof line - 1;
        line[size - 1] = '\n';
    }
    ssize_t written = write(STDERR_FILENO, line, (size_t)size);
    (void)written; /* nobody is left to be told */
}

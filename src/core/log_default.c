/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go when the application has set no callback: to stderr, one write a line, with
 * the time in UTC. user: the kci_sys. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/state.h"

void kci_log_to_stderr(void *user, int level, const char *area, const char *text)
{
    kci_sys *sys = user;
    int64_t now = sys->wall_ms(sys);
    time_t seconds = (time_t)(now / 1000);
    struct tm utc = { 0 };
    char line[1200];

    gmtime_r(&seconds, &utc);
    int size =
        snprintf(line, sizeof line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ kclient %s %s: %s\n",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                 utc.tm_sec, (int)(now % 1000), kc_log_level_name(level), area, text);
    if (size < 0)
        return;
    if ((size_t)size >= sizeof line) {
        size = sizeof line - 1;
        line[size - 1] = '\n';
    }
    ssize_t written = write(STDERR_FILENO, line, (size_t)size);
    (void)written; /* nobody is left to be told */
}

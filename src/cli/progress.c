/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/clock.h"

#define INTERVAL_US 500000

void progress_begin(cli_progress *p, int data_fd, bool quiet)
{
    int64_t now = clock_us();
    p->on = !quiet && isatty(STDERR_FILENO) && !isatty(data_fd);
    p->shown = false;
    p->begun_us = now;
    p->next_us = now + INTERVAL_US;
}

void progress_show(cli_progress *p, int64_t records, int64_t bytes)
{
    if (!p->on)
        return;
    int64_t now = clock_us();
    if (now < p->next_us)
        return;
    double seconds = (double)(now - p->begun_us) / 1e6;
    fprintf(stderr, "\r%" PRId64 " records, %.0f/s, %.1f MB/s\033[K", records,
            (double)records / seconds, (double)bytes / seconds / 1e6);
    p->shown = true;
    p->next_us = now + INTERVAL_US;
}

void progress_end(cli_progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->on = p->shown = false;
}

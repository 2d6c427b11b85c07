/* SPDX-License-Identifier: Apache-2.0 */
/* A line of progress on standard error, rewritten twice a second, when that is a terminal and the
 * data does not go to it. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct cli_progress {
    bool on, shown;
    int64_t begun_us, next_us;
} cli_progress;

/* data_fd: where the command's data comes from or goes to. */
void progress_begin(cli_progress *p, int data_fd, bool quiet);
void progress_show(cli_progress *p, int64_t records, int64_t bytes);
void progress_end(cli_progress *p); /* takes the line away */

#endif

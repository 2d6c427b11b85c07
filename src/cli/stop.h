/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT and SIGTERM end the command in an orderly way: a thread of its own waits for them, so that
 * nothing has to be async-signal-safe. The second signal ends it at once. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

/* Before any other thread is started. wake is called from the thread at the first signal; may be
 * NULL. False: it could not be set up, which was said. */
bool stop_listen(void);

/* What is to be called at the first signal, from a thread of its own. NULL: nothing. */
void stop_set_wake(void (*wake)(void *arg), void *arg);

/* A signal came. */
bool stop_requested(void);

/* Readable from the first signal on. */
int stop_fd(void);

#endif

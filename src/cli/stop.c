/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stop.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "cli/cli.h"

static atomic_bool requested;
static int wake_pipe[2] = { -1, -1 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*wake_fn)(void *arg);
static void *wake_arg;

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

static void *wait_for_signals(void *arg)
{
    (void)arg;
    sigset_t set;
    int which;
    stop_signals(&set);
    while (sigwait(&set, &which) != 0)
        ;
    atomic_store(&requested, true);
    (void)!write(wake_pipe[1], "", 1);
    pthread_mutex_lock(&lock);
    if (wake_fn)
        wake_fn(wake_arg);
    pthread_mutex_unlock(&lock);
    while (sigwait(&set, &which) != 0)
        ;
    _exit(128 + which);
}

bool stop_listen(void)
{
    sigset_t set;
    pthread_t thread;
    stop_signals(&set);
    if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0 ||
        pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
        pthread_create(&thread, NULL, wait_for_signals, NULL) != 0) {
        cli_error("no thread for signals can be started");
        return false;
    }
    pthread_detach(thread);
    return true;
}

void stop_set_wake(void (*wake)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    wake_fn = wake;
    wake_arg = arg;
    pthread_mutex_unlock(&lock);
}

bool stop_requested(void)
{
    return atomic_load(&requested);
}

int stop_fd(void)
{
    return wake_pipe[0];
}

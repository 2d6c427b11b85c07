/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/apart.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_child(const sim_plan *plan, bool quiet, unsigned limit_s, int fd)
{
    alarm(limit_s);
    if (quiet && !freopen("/dev/null", "w", stderr))
        _exit(3);
    sim_result r = sim_run_plan(plan, false);
    ssize_t n = write(fd, &r, sizeof r);
    _exit(n == (ssize_t)sizeof r ? 0 : 3);
}

static void describe(sim_outcome *o, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(o->result.text, sizeof o->result.text, "hang: the run does not end");
    else
        snprintf(o->result.text, sizeof o->result.text, "crash: %s %d",
                 WIFSIGNALED(status) ? "signal" : "exit",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

sim_outcome sim_run_apart(const sim_plan *plan, bool quiet, unsigned limit_s)
{
    sim_outcome o = { .crashed = true };
    int fds[2], status = 0;
    if (pipe(fds) != 0)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0)
        run_child(plan, quiet, limit_s, fds[1]);
    close(fds[1]);
    o.crashed = read(fds[0], &o.result, sizeof o.result) != (ssize_t)sizeof o.result;
    close(fds[0]);
    waitpid(pid, &status, 0);
    o.crashed |= !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (o.crashed)
        describe(&o, status);
    return o;
}

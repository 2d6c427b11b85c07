/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the tests that registered themselves, each in a child, and counts. Arguments choose tests by
 * a part of "suite::name"; those that begin with '-' are criterion's and are passed over. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT = 900 };

static plain_test *tests, *suites;
static int failed_checks;

void plain_add(plain_test *test)
{
    plain_test **list = test->fn_ || test->param_fn_ ? &tests : &suites;
    test->next_ = *list;
    *list = test;
}

void plain_check(bool ok, bool fatal, const char *file, int line, const char *what, const char *fmt,
                 ...)
{
    if (ok)
        return;
    fprintf(stderr, "%s:%d: %s:", file, line, what);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    failed_checks++;
    if (fatal)
        _exit(1);
}

static const plain_test *suite_of(const plain_test *t)
{
    static const plain_test none;
    for (const plain_test *s = suites; s; s = s->next_)
        if (strcmp(s->suite_, t->suite_) == 0)
            return s;
    return &none;
}

static void run_in_child(const plain_test *t, void *param)
{
    const plain_test *suite = suite_of(t);
    double timeout = t->timeout > 0 ? t->timeout : suite->timeout;
    alarm(timeout > 0 ? (unsigned)timeout * 10 + 1 : DEFAULT_TIMEOUT);
    void (*init)(void) = t->init ? t->init : suite->init;
    void (*fini)(void) = t->fini ? t->fini : suite->fini;
    if (init)
        init();
    if (t->fn_)
        t->fn_();
    else
        t->param_fn_(param);
    if (fini)
        fini();
    exit(failed_checks ? 1 : t->exit_code);
}

static bool run(const plain_test *t, void *param)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        run_in_child(t, param);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    bool ok = t->signal ? WIFSIGNALED(status) && WTERMSIG(status) == t->signal
                        : WIFEXITED(status) && WEXITSTATUS(status) == t->exit_code;
    if (!ok)
        fprintf(stderr, "[FAIL] %s::%s (status %x)\n", t->suite_, t->name_, (unsigned)status);
    return ok;
}

static bool is_chosen(const plain_test *t, int argc, char **argv)
{
    char id[256];
    snprintf(id, sizeof id, "%s::%s", t->suite_, t->name_);
    bool any = false;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any = true;
        if (strstr(id, argv[i]))
            return true;
    }
    return !any;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (const plain_test *t = tests; t; t = t->next_) {
        if (t->disabled || !is_chosen(t, argc, argv))
            continue;
        struct criterion_test_params p = { 0, NULL, 1 };
        if (t->params_)
            p = t->params_();
        for (size_t i = 0; i < p.length; i++) {
            if (run(t, (char *)p.params + i * p.size))
                passed++;
            else
                failed++;
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}

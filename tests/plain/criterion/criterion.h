/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the part of criterion that our tests use, for builds with ThreadSanitizer, whose
 * address space has no room for criterion's shared arena. Each test runs in a forked child. */
#ifndef CRITERION_CRITERION_H
#define CRITERION_CRITERION_H

#pragma GCC system_header

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct criterion_test_params {
    size_t size;
    void *params;
    size_t length;
};

typedef struct plain_test {
    void (*init)(void), (*fini)(void);
    double timeout;
    int signal, exit_code;
    bool disabled;
    const char *description;

    const char *suite_, *name_;
    void (*fn_)(void);
    void (*param_fn_)(void *);
    struct criterion_test_params (*params_)(void);
    struct plain_test *next_;
} plain_test;

void plain_add(plain_test *test); /* a test, or a suite if it has no function */
void plain_check(bool ok, bool fatal, const char *file, int line, const char *what, const char *fmt,
                 ...) __attribute__((format(printf, 6, 7)));

#define PLAIN_REGISTER_(id, ...)                                  \
    static plain_test id##_plain_ = { __VA_ARGS__ };              \
    __attribute__((constructor)) static void id##_register_(void) \
    {                                                             \
        plain_add(&id##_plain_);                                  \
    }

#define TestSuite(suite, ...)                                       \
    PLAIN_REGISTER_(suite##_suite, .suite_ = #suite, ##__VA_ARGS__) \
    struct plain_test

#define Test(suite, name, ...)                                                                     \
    static void suite##_##name##_fn_(void);                                                        \
    PLAIN_REGISTER_(suite##_##name, .suite_ = #suite, .name_ = #name, .fn_ = suite##_##name##_fn_, \
                    ##__VA_ARGS__)                                                                 \
    static void suite##_##name##_fn_(void)

#define ParameterizedTestParameters(suite, name) \
    static struct criterion_test_params suite##_##name##_params_(void)
#define cr_make_param_array(type, array, ...) \
    ((struct criterion_test_params){ sizeof(type), (void *)(array), __VA_ARGS__ })
#define ParameterizedTest(param, suite, name, ...)                                            \
    static void suite##_##name##_fn_(param);                                                  \
    static void suite##_##name##_call_(void *p)                                               \
    {                                                                                         \
        suite##_##name##_fn_(p);                                                              \
    }                                                                                         \
    PLAIN_REGISTER_(suite##_##name, .suite_ = #suite, .name_ = #name,                         \
                    .param_fn_ = suite##_##name##_call_, .params_ = suite##_##name##_params_, \
                    ##__VA_ARGS__)                                                            \
    static void suite##_##name##_fn_(param)

#define PLAIN_(fatal, ok, what, ...) \
    plain_check((ok), fatal, __FILE__, __LINE__, what, " " __VA_ARGS__)
#define PLAIN_STR_(fatal, a, op, b, ...) \
    PLAIN_(fatal, strcmp((a), (b)) op 0, "strcmp(" #a ", " #b ") " #op " 0", __VA_ARGS__)
#define PLAIN_ARR_(fatal, a, op, b, n, ...) \
    PLAIN_(fatal, memcmp((a), (b), (n)) op 0, "memcmp(" #a ", " #b ") " #op " 0", __VA_ARGS__)
#define PLAIN_NEAR_(fatal, a, b, e, ...) \
    PLAIN_(fatal, fabs((double)(a) - (double)(b)) <= (double)(e), #a " is near " #b, __VA_ARGS__)

#define cr_log_info(...)                 ((void)(fprintf(stderr, __VA_ARGS__), fputc('\n', stderr)))
#define cr_assert_fail(...)              PLAIN_(true, false, "cr_assert_fail", __VA_ARGS__)
#define cr_fatal(...)                    PLAIN_(true, false, "cr_fatal", __VA_ARGS__)
#define cr_assert(c, ...)                PLAIN_(true, (c), #c, __VA_ARGS__)
#define cr_assert_not(c, ...)            PLAIN_(true, !(c), "!(" #c ")", __VA_ARGS__)
#define cr_assert_eq(a, b, ...)          PLAIN_(true, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)         PLAIN_(true, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)          PLAIN_(true, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)         PLAIN_(true, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)          PLAIN_(true, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)         PLAIN_(true, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_assert_null(a, ...)           PLAIN_(true, (a) == NULL, #a " == NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...)       PLAIN_(true, (a) != NULL, #a " != NULL", __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)      PLAIN_STR_(true, a, ==, b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)     PLAIN_STR_(true, a, !=, b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)   PLAIN_ARR_(true, a, ==, b, n, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, n, ...)  PLAIN_ARR_(true, a, !=, b, n, __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...) PLAIN_NEAR_(true, a, b, e, __VA_ARGS__)

#define cr_expect_fail(...)              PLAIN_(false, false, "cr_expect_fail", __VA_ARGS__)
#define cr_expect(c, ...)                PLAIN_(false, (c), #c, __VA_ARGS__)
#define cr_expect_not(c, ...)            PLAIN_(false, !(c), "!(" #c ")", __VA_ARGS__)
#define cr_expect_eq(a, b, ...)          PLAIN_(false, (a) == (b), #a " == " #b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)         PLAIN_(false, (a) != (b), #a " != " #b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)          PLAIN_(false, (a) < (b), #a " < " #b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)         PLAIN_(false, (a) <= (b), #a " <= " #b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)          PLAIN_(false, (a) > (b), #a " > " #b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...)         PLAIN_(false, (a) >= (b), #a " >= " #b, __VA_ARGS__)
#define cr_expect_null(a, ...)           PLAIN_(false, (a) == NULL, #a " == NULL", __VA_ARGS__)
#define cr_expect_not_null(a, ...)       PLAIN_(false, (a) != NULL, #a " != NULL", __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)      PLAIN_STR_(false, a, ==, b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)     PLAIN_STR_(false, a, !=, b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)   PLAIN_ARR_(false, a, ==, b, n, __VA_ARGS__)
#define cr_expect_arr_neq(a, b, n, ...)  PLAIN_ARR_(false, a, !=, b, n, __VA_ARGS__)
#define cr_expect_float_eq(a, b, e, ...) PLAIN_NEAR_(false, a, b, e, __VA_ARGS__)

#endif

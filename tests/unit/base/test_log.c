/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

typedef struct sink {
    int count, level;
    char area[32], text[2000];
} sink;

static void take(void *user, int level, const char *area, const char *text)
{
    sink *s = user;
    s->count++;
    s->level = level;
    snprintf(s->area, sizeof s->area, "%s", area);
    snprintf(s->text, sizeof s->text, "%s", text);
}

Test(log, levels_and_areas)
{
    sink s = { 0 };
    kci_log log;
    kci_log_init(&log, take, &s, KC_LOG_INFO);
    KCI_LOG(&log, KC_LOG_DEBUG, KCI_AREA_CONN, "no %d", 1);
    cr_assert_eq(s.count, 0);
    KCI_LOG(&log, KC_LOG_WARN, KCI_AREA_CONN, "broker %d", 7);
    cr_assert_eq(s.count, 1);
    cr_assert_eq(s.level, KC_LOG_WARN);
    cr_assert_str_eq(s.area, "conn");
    cr_assert_str_eq(s.text, "broker 7");

    cr_assert_eq(kci_log_set_levels(&log, kc_str(" error , CONN = debug,,producer=none"), NULL),
                 KC_OK);
    KCI_LOG(&log, KC_LOG_DEBUG, KCI_AREA_CONN, "yes");
    cr_assert_eq(s.count, 2);
    KCI_LOG(&log, KC_LOG_WARN, KCI_AREA_GROUP, "no");
    KCI_LOG(&log, KC_LOG_ERROR, KCI_AREA_PRODUCER, "no");
    cr_assert_eq(s.count, 2);
    KCI_LOG(&log, KC_LOG_ERROR, KCI_AREA_GROUP, "yes");
    cr_assert_eq(s.count, 3);
}

Test(log, bad_levels_change_nothing)
{
    sink s = { 0 };
    kci_log log;
    kci_log_init(&log, take, &s, KC_LOG_INFO);
    static const char *const bad[] = { "loud",  "conn=loud", "wire=debug", "=",
                                       "conn=", "debug,x",   "=debug" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kc_error detail = { 0 };
        cr_assert_eq(kci_log_set_levels(&log, kc_str(bad[i]), &detail), KC_E_BAD_PROPERTY);
        cr_assert(strstr(detail.text, "log level"));
        cr_assert_not(kci_log_is_on(&log, KC_LOG_DEBUG, KCI_AREA_CLIENT));
    }
    cr_assert_eq(kci_log_set_levels(&log, kc_str(""), NULL), KC_OK);
    cr_assert(kci_log_is_on(&log, KC_LOG_INFO, KCI_AREA_CLIENT));
}

Test(log, nobody_listens)
{
    kci_log log;
    kci_log_init(&log, NULL, NULL, KC_LOG_TRACE);
    KCI_LOG(&log, KC_LOG_ERROR, KCI_AREA_CONN, "nothing");
    KCI_LOG(NULL, KC_LOG_ERROR, KCI_AREA_CONN, "nothing");
    cr_assert_not(kci_log_is_on(&log, KC_LOG_ERROR, KCI_AREA_CONN));
}

Test(log, long_lines_are_cut)
{
    sink s = { 0 };
    kci_log log;
    kci_log_init(&log, take, &s, KC_LOG_INFO);
    char *big = malloc(100001);
    memset(big, 'x', 100000);
    big[100000] = '\0';
    KCI_LOG(&log, KC_LOG_INFO, KCI_AREA_CONN, "%s", big);
    cr_assert_eq(strlen(s.text), 1023);
    cr_assert_str_eq(s.text + 1020, "...");
    for (int size = 1020; size <= 1030; size++) {
        KCI_LOG(&log, KC_LOG_INFO, KCI_AREA_CONN, "%.*s", size, big);
        cr_assert_eq(strlen(s.text), size <= 1023 ? (size_t)size : 1023);
        cr_assert_eq(strcmp(s.text + 1020, "...") == 0, size > 1023, "%d", size);
    }
    free(big);
}

Test(log, names)
{
    for (int i = 0; i <= KC_LOG_TRACE; i++)
        cr_assert_eq(kc_log_level_of(kc_log_level_name(i)), i);
    cr_assert_eq(kc_log_level_of("WARNING"), KC_LOG_WARN);
    cr_assert_eq(kc_log_level_of("warnings"), -1);
    cr_assert_eq(kc_log_level_of(""), -1);
    cr_assert_eq(kc_log_level_of(NULL), -1);
    cr_assert_str_eq(kc_log_level_name(-1), "?");
    cr_assert_str_eq(kc_log_level_name(6), "?");
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        cr_assert_gt(strlen(kci_area_name((kci_area)i)), 2);
}

Test(log, repeated_complaints_are_limited)
{
    kci_log_limit limit = { 0 };
    int written = 0;
    uint32_t withheld = 99, sum = 0;
    for (int64_t now = 0; now < 3600; now++) {
        if (kci_log_limit_pass(&limit, now, 1, 300, &withheld)) {
            written++;
            sum += withheld;
        }
    }
    cr_assert(written >= 15 && written <= 22, "%d", written);
    cr_assert_eq(sum + (uint32_t)written + limit.withheld, 3600);
    kci_log_limit_reset(&limit);
    cr_assert(kci_log_limit_pass(&limit, 3600, 1, 300, &withheld));
    cr_assert_eq(withheld, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of fetch sessions: what it remembers, and how many it holds. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "mock/session.h"

static kci_mock_want want_of(const char *topic, int32_t partition, int64_t offset)
{
    return (
        kci_mock_want){ .topic = kc_str(topic), .partition = partition, .fetch_offset = offset };
}

Test(session, remembers_what_it_was_told_last)
{
    kci_mock_sessions s;
    int64_t live = kci_mem_live();
    kci_mock_sessions_init(&s);
    kci_mock_session *session = kci_mock_session_new(&s, 7, false, 0);
    cr_assert_not_null(session);
    for (int64_t offset = 0; offset < 5; offset++) {
        for (int32_t p = 0; p < 3; p++) {
            kci_mock_want want = want_of("t", p, offset * 10 + p);
            kci_mock_cached *cached = kci_mock_session_put(session, &want);
            cr_assert_not_null(cached);
            cr_assert_eq(kci_mock_session_find(session, &want), cached);
            cr_assert_eq(cached->want.fetch_offset, offset * 10 + p);
        }
        cr_assert_eq(kci_mock_session_size(session), 3);
    }
    kci_mock_want gone = want_of("t", 1, 0);
    kci_mock_session_forget(session, &gone);
    cr_assert_null(kci_mock_session_find(session, &gone));
    cr_assert_eq(kci_mock_session_size(session), 2);
    kci_mock_sessions_free(&s);
    cr_assert_eq(kci_mem_live(), live);
}

/* A full cache takes a new one only for one that was idle for long, the longest. */
Test(session, there_are_so_many_and_no_more)
{
    kci_mock_sessions s;
    kci_mock_sessions_init(&s);
    for (int32_t id = 1; id <= KCI_MOCK_SESSIONS_MAX; id++)
        cr_assert_not_null(kci_mock_session_new(&s, id, false, id));
    cr_assert_null(kci_mock_session_new(&s, 5000, false, KCI_MOCK_SESSION_IDLE_US));
    kci_mock_session_touch(&s, kci_mock_session_get(&s, 1), KCI_MOCK_SESSION_IDLE_US);
    cr_assert_not_null(kci_mock_session_new(&s, 5000, false, KCI_MOCK_SESSION_IDLE_US + 2));
    cr_assert_not_null(kci_mock_session_get(&s, 1));
    cr_assert_null(kci_mock_session_get(&s, 2), "the longest idle one");
    cr_assert_null(kci_mock_session_new(&s, 5001, false, KCI_MOCK_SESSION_IDLE_US + 2));
    kci_mock_sessions_free(&s);
}

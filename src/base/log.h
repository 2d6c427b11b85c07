/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines from all layers to one callback. A line is formatted only when its level is enabled for
 * its area, so a disabled KCI_LOG costs a load and a comparison. Any thread. Secrets (passwords,
 * tokens, keys) and record contents are never logged, at no level. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>

#include <kclient/error.h>
#include <kclient/log.h>

typedef enum kci_area {
    KCI_AREA_CLIENT,
    KCI_AREA_CONFIG,
    KCI_AREA_CONN,
    KCI_AREA_BROKER,
    KCI_AREA_METADATA,
    KCI_AREA_SASL,
    KCI_AREA_PRODUCER,
    KCI_AREA_TXN,
    KCI_AREA_CONSUMER,
    KCI_AREA_GROUP,
    KCI_AREA_ADMIN,
    KCI_AREA_MOCK,
    KCI_AREA_COUNT
} kci_area;

typedef struct kci_log {
    kc_log_fn fn; /* NULL: nobody listens */
    void *user;
    _Atomic(uint8_t) level[KCI_AREA_COUNT]; /* the most talkative level that passes */
} kci_log;

/* fn and user stay as they are for the log's life; all areas begin at `level`. */
void kci_log_init(kci_log *log, kc_log_fn fn, void *user, int level);

/* All areas at that level from now on. Any thread. */
void kci_log_set_level(kci_log *log, int level);

/* Sets levels from a text such as "info" or "warn,conn=debug,producer=trace": a level alone is for
 * all areas, entries apply from left to right. KC_E_BAD_PROPERTY leaves the levels as they were. */
kc_err kci_log_set_levels(kci_log *log, kc_bytes text, kc_error *detail);

/* The area's name, as the callback gets it. */
const char *kci_area_name(kci_area area);

static inline bool kci_log_is_on(const kci_log *log, int level, kci_area area)
{
    return log && log->fn && level <= atomic_load_explicit(&log->level[area], memory_order_relaxed);
}

/* Formats (at most about 1000 bytes) and hands over; call it through KCI_LOG. */
void kci_log_write(const kci_log *log, int level, kci_area area, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define KCI_LOG(log, level, area, ...)                    \
    do {                                                  \
        if (kci_log_is_on(log, level, area))              \
            kci_log_write(log, level, area, __VA_ARGS__); \
    } while (0)

/* Keeps a repeated complaint (a broker that cannot be reached) from flooding the log: one line in
 * an interval, which doubles from `first_us` up to `most_us` while the trouble lasts. Zeroed =
 * fresh. One owner thread. */
typedef struct kci_log_limit {
    int64_t next_us;     /* before this time nothing passes */
    int64_t interval_us; /* 0: no trouble so far */
    uint32_t withheld;   /* lines not written since the last one */
} kci_log_limit;

/* True when the line may be written now; *withheld (may be NULL) is then how many were not since
 * the last time. now_us: the loop's clock. */
bool kci_log_limit_pass(kci_log_limit *limit, int64_t now_us, int64_t first_us, int64_t most_us,
                        uint32_t *withheld);

/* The trouble is over: the next complaint is written at once. */
void kci_log_limit_reset(kci_log_limit *limit);

#endif

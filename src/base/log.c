/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"

static const char *const level_names[] = { "none", "error", "warn", "info", "debug", "trace" };

static const char *const area_names[KCI_AREA_COUNT] = {
    [KCI_AREA_CLIENT] = "client",     [KCI_AREA_CONFIG] = "config",
    [KCI_AREA_CONN] = "conn",         [KCI_AREA_BROKER] = "broker",
    [KCI_AREA_METADATA] = "metadata", [KCI_AREA_SASL] = "sasl",
    [KCI_AREA_PRODUCER] = "producer", [KCI_AREA_TXN] = "txn",
    [KCI_AREA_CONSUMER] = "consumer", [KCI_AREA_GROUP] = "group",
    [KCI_AREA_ADMIN] = "admin",       [KCI_AREA_MOCK] = "mock",
};

const char *kc_log_level_name(int level)
{
    if (level < 0 || level >= (int)KCI_COUNT_OF(level_names))
        return "?";
    return level_names[level];
}

static int level_of(kc_bytes name)
{
    for (size_t i = 0; i < KCI_COUNT_OF(level_names); i++)
        if (strlen(level_names[i]) == name.size &&
            strncasecmp(level_names[i], (const char *)name.data, name.size) == 0)
            return (int)i;
    if (name.size == 7 && strncasecmp("warning", (const char *)name.data, 7) == 0)
        return KC_LOG_WARN;
    return -1;
}

int kc_log_level_of(const char *name)
{
    return name ? level_of(kc_str(name)) : -1;
}

const char *kci_area_name(kci_area area)
{
    return area < KCI_AREA_COUNT ? area_names[area] : "?";
}

void kci_log_init(kci_log *log, kc_log_fn fn, void *user, int level)
{
    log->fn = fn;
    log->user = user;
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        atomic_init(&log->level[i], (uint8_t)level);
}

void kci_log_set_level(kci_log *log, int level)
{
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        atomic_store_explicit(&log->level[i], (uint8_t)level, memory_order_relaxed);
}

static kc_bytes trim(kc_bytes b)
{
    while (b.size && (*b.data == ' ' || *b.data == '\t')) {
        b.data++;
        b.size--;
    }
    while (b.size && (b.data[b.size - 1] == ' ' || b.data[b.size - 1] == '\t'))
        b.size--;
    return b;
}

static int area_of(kc_bytes name)
{
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        if (strlen(area_names[i]) == name.size &&
            strncasecmp(area_names[i], (const char *)name.data, name.size) == 0)
            return i;
    return -1;
}

/* One entry, "level" or "area=level", into levels[]. */
static bool apply_entry(kc_bytes entry, uint8_t *levels)
{
    const uint8_t *eq = entry.size ? memchr(entry.data, '=', entry.size) : NULL;
    if (!eq) {
        int level = level_of(entry);
        if (level < 0)
            return false;
        memset(levels, level, KCI_AREA_COUNT);
        return true;
    }
    size_t left = (size_t)(eq - entry.data);
    int area = area_of(trim(kc_mem(entry.data, left)));
    int level = level_of(trim(kc_mem(eq + 1, entry.size - left - 1)));
    if (area < 0 || level < 0)
        return false;
    levels[area] = (uint8_t)level;
    return true;
}

kc_err kci_log_set_levels(kci_log *log, kc_bytes text, kc_error *detail)
{
    uint8_t levels[KCI_AREA_COUNT];
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        levels[i] = atomic_load_explicit(&log->level[i], memory_order_relaxed);

    while (text.size) {
        const uint8_t *comma = memchr(text.data, ',', text.size);
        size_t size = comma ? (size_t)(comma - text.data) : text.size;
        kc_bytes entry = trim(kc_mem(text.data, size));
        if (entry.size && !apply_entry(entry, levels))
            return kci_fail(detail, KC_E_BAD_PROPERTY,
                            "log level '%.*s' is not understood: write a level (none, error, warn, "
                            "info, debug, trace) or area=level",
                            (int)(entry.size < 80 ? entry.size : 80), (const char *)entry.data);
        size_t skip = comma ? size + 1 : size;
        text = kc_mem(text.data + skip, text.size - skip);
    }
    for (int i = 0; i < KCI_AREA_COUNT; i++)
        atomic_store_explicit(&log->level[i], levels[i], memory_order_relaxed);
    return KC_OK;
}

void kci_log_write(const kci_log *log, int level, kci_area area, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    log->fn(log->user, level, kci_area_name(area), text);
}

bool kci_log_limit_pass(kci_log_limit *limit, int64_t now_us, int64_t first_us, int64_t most_us,
                        uint32_t *withheld)
{
    if (limit->interval_us && now_us < limit->next_us) {
        limit->withheld++;
        return false;
    }
    if (limit->interval_us == 0)
        limit->interval_us = first_us;
    else
        limit->interval_us = limit->interval_us > most_us / 2 ? most_us : limit->interval_us * 2;
    limit->next_us = now_us + limit->interval_us;
    if (withheld)
        *withheld = limit->withheld;
    limit->withheld = 0;
    return true;
}

void kci_log_limit_reset(kci_log_limit *limit)
{
    *limit = (kci_log_limit){ 0 };
}

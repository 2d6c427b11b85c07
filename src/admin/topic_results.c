/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/topic_results.h"

#include <stdio.h>
#include <string.h>

#include "base/abi_structs.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

/* Kafka allows 249 characters; the broker judges, this only bounds what is copied. */
#define NAME_MAX_BYTES 32767

/* Longest broker's message that is kept. */
#define MESSAGE_MAX 1000

kc_topic_results *kci_topic_results_new(size_t count)
{
    kc_topic_results *results = kci_calloc(1, sizeof *results);
    if (!results)
        return NULL;
    results->count = count;
    results->entries = kci_calloc(count, sizeof *results->entries);
    if (!results->entries) {
        kci_free(results);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        results->entries[i].result = (kc_topic_result)KC_TOPIC_RESULT_INIT;
        results->entries[i].result.text = "";
    }
    return results;
}

void kc_topic_results_free(kc_topic_results *results)
{
    if (!results)
        return;
    kci_arena_free(&results->arena);
    kci_free(results->entries);
    kci_free(results);
}

kc_err kci_topic_results_name(kc_topic_results *results, size_t index, kc_bytes name)
{
    if (!name.data || name.size == 0 || name.size > NAME_MAX_BYTES)
        return KC_E_INVALID_ARGUMENT;
    kc_bytes copy = kci_arena_copy(&results->arena, name);
    if (!copy.data)
        return KC_E_NO_MEMORY;
    results->entries[index].result.name = copy;
    return KC_OK;
}

kci_topic_entry *kci_topic_results_find(kc_topic_results *results, kc_bytes name, size_t *hint)
{
    for (size_t i = 0; i < results->count; i++) {
        size_t at = (*hint + i) % results->count;
        kci_topic_entry *entry = &results->entries[at];
        if (entry->answered || !kci_bytes_equal(entry->result.name, name))
            continue;
        *hint = at + 1;
        return entry;
    }
    return NULL;
}

kc_err kci_topic_results_set(kc_topic_results *results, kci_topic_entry *entry, kc_err err,
                             kc_bytes message, bool maybe_done)
{
    entry->answered = true;
    entry->result.err = err;
    if (err == KC_OK)
        return KC_OK;
    const char *said = message.size > 0 ? (const char *)message.data : kc_error_text(err);
    size_t size = message.size > 0 ? message.size : strlen(said);
    const char *more =
        maybe_done ? " (an earlier attempt, whose answer was lost, may have done it)" : "";
    if (size > MESSAGE_MAX)
        size = MESSAGE_MAX;
    char *text = kci_arena_alloc(&results->arena, size + strlen(more) + 1);
    if (!text)
        return KC_E_NO_MEMORY;
    snprintf(text, size + strlen(more) + 1, "%.*s%s", (int)size, said, more);
    entry->result.text = text;
    return KC_OK;
}

size_t kci_topic_results_open(const kc_topic_results *results)
{
    size_t open = 0;
    for (size_t i = 0; i < results->count; i++)
        open += !results->entries[i].answered;
    return open;
}

kc_err kci_topic_results_first(const kc_topic_results *results, kc_error *detail)
{
    for (size_t i = 0; i < results->count; i++) {
        const kc_topic_result *r = &results->entries[i].result;
        if (r->err)
            return kci_fail(detail, r->err, "topic %.*s: %s", (int)r->name.size,
                            (const char *)r->name.data, r->text);
    }
    return KC_OK;
}

size_t kc_topic_results_count(const kc_topic_results *results)
{
    return results ? results->count : 0;
}

bool kc_topic_results_at(const kc_topic_results *results, size_t index, kc_topic_result *out)
{
    if (!results || index >= results->count)
        return false;
    return kci_abi_give(&kci_abi_topic_result, &results->entries[index].result, out);
}

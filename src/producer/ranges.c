/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_MAX = 1000 };

static int by_index(const void *a, const void *b)
{
    const kci_record_error *x = a, *y = b;
    return (x->batch_index > y->batch_index) - (x->batch_index < y->batch_index);
}

/* Drops what names no record of the batch, or one that was named before; the number of the rest. */
static int32_t tidy(kci_record_error *errors, int32_t count, int32_t record_count)
{
    int32_t kept = 0;
    qsort(errors, (size_t)count, sizeof *errors, by_index);
    for (int32_t i = 0; i < count; i++) {
        int32_t index = errors[i].batch_index;
        if (index < 0 || index >= record_count)
            continue;
        if (kept == 0 || errors[kept - 1].batch_index != index)
            errors[kept++] = errors[i];
    }
    return kept;
}

static kc_bytes text_of(const kci_refusal *refusal, const kci_record_error *error)
{
    kc_bytes text = error->batch_index_error_message;
    if (text.size == 0)
        text = refusal->message;
    if (text.size > TEXT_MAX)
        text.size = TEXT_MAX;
    return text;
}

static kci_outcome_range *add(kci_outcome_ranges *r, int32_t from, int32_t count, kc_err err)
{
    kci_outcome_range *range = &r->list[r->count++];
    *range = (kci_outcome_range){ .from = from, .count = count, .err = err };
    return range;
}

static const char *put(char **to, kc_bytes text)
{
    char *begin = *to;
    if (text.size == 0)
        return NULL;
    memcpy(begin, text.data, text.size);
    begin[text.size] = '\0';
    *to += text.size + 1;
    return begin;
}

kci_outcome_ranges *kci_outcome_ranges_new(const kci_refusal *refusal, int32_t record_count)
{
    if (refusal->count <= 0)
        return NULL;
    kci_record_error *errors = refusal->errors;
    int32_t count = tidy(errors, refusal->count, record_count), next = 0;
    size_t most = 2 * (size_t)count + 1, texts = 0;
    for (int32_t i = 0; i < count; i++)
        texts += text_of(refusal, &errors[i]).size + 1;
    kci_outcome_ranges *r =
        count > 0 ? kci_alloc(sizeof *r + most * sizeof r->list[0] + texts) : NULL;
    if (!r)
        return NULL;
    char *to = (char *)&r->list[most];
    r->count = 0;
    for (int32_t i = 0; i < count; i++) {
        int32_t index = errors[i].batch_index;
        if (index > next)
            add(r, next, index - next, KC_E_BATCH_REFUSED);
        kc_err err = count == 1 ? refusal->err : KC_E_INVALID_RECORD;
        add(r, index, 1, err)->text = put(&to, text_of(refusal, &errors[i]));
        next = index + 1;
    }
    if (next < record_count)
        add(r, next, record_count - next, KC_E_BATCH_REFUSED);
    return r;
}

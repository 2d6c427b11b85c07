/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted arrays: probes are by bisection, after a guess that mostly hits (partition n at index
 * n), and walking is in the order that the application gets to see. */
#include "consumer/assignment.h"

#include "base/bytes.h"
#include "base/mem.h"

static kci_read_topic *topic_at(const kci_assignment *a, int32_t i)
{
    return a->topics.items[i];
}

static kci_read_part *part_at(const kci_read_topic *t, int32_t i)
{
    return t->parts.items[i];
}

/* Index of the name, or where it would be. */
static int32_t topic_index(const kci_assignment *a, kc_bytes name, bool *found)
{
    int32_t low = 0, high = a->topics.count;
    *found = false;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        int order = kci_topic_name_compare(topic_at(a, mid)->name, name);
        if (order == 0) {
            *found = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int32_t part_index(const kci_read_topic *t, int32_t number, bool *found)
{
    int32_t low = 0, high = t->parts.count;
    *found = true;
    if (number >= 0 && number < high && part_at(t, number)->number == number)
        return number;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (part_at(t, mid)->number == number)
            return mid;
        if (part_at(t, mid)->number < number)
            low = mid + 1;
        else
            high = mid;
    }
    *found = false;
    return low;
}

/* Room for one more. */
static bool reserve(kci_pointers *list)
{
    if (list->count < list->cap)
        return true;
    if (list->cap > INT32_MAX / 2)
        return false;
    int32_t cap = list->cap ? list->cap * 2 : 4;
    void **grown = kci_realloc_array(list->items, (size_t)cap, sizeof *grown);
    if (!grown)
        return false;
    list->items = grown;
    list->cap = cap;
    return true;
}

static void insert(kci_pointers *list, int32_t at, void *item)
{
    memmove(list->items + at + 1, list->items + at,
            (size_t)(list->count - at) * sizeof *list->items);
    list->items[at] = item;
    list->count++;
}

static void erase(kci_pointers *list, int32_t at)
{
    list->count--;
    memmove(list->items + at, list->items + at + 1,
            (size_t)(list->count - at) * sizeof *list->items);
}

static kci_read_topic *new_topic(kc_bytes name)
{
    kci_read_topic *t = kci_calloc(1, sizeof *t + name.size);
    if (!t)
        return NULL;
    t->refs = 1;
    memcpy(t->text, name.data, name.size);
    t->name = kc_mem(t->text, name.size);
    return t;
}

kci_read_topic *kci_read_topic_ref(kci_read_topic *t)
{
    t->refs++;
    return t;
}

void kci_read_topic_unref(kci_read_topic *t)
{
    if (!t || --t->refs > 0)
        return;
    kci_free(t->parts.items);
    kci_free(t);
}

static kci_read_part *new_part(kci_read_topic *topic, int32_t number)
{
    kci_read_part *p = kci_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->topic = kci_read_topic_ref(topic);
    p->number = number;
    p->refs = 1;
    kci_fetching_init(&p->fetching, topic, number);
    return p;
}

void kci_part_unref(kci_read_part *p)
{
    if (!p || --p->refs > 0)
        return;
    kci_queue_clear(&p->queue);
    kci_read_topic_unref(p->topic);
    kci_free(p);
}

/* The topic of that name, made and entered if need be. */
static kci_read_topic *take_topic(kci_assignment *a, kc_bytes name)
{
    bool found;
    int32_t at = topic_index(a, name, &found);
    if (found)
        return topic_at(a, at);
    if (!reserve(&a->topics))
        return NULL;
    kci_read_topic *t = new_topic(name);
    if (t)
        insert(&a->topics, at, t);
    return t;
}

/* Takes a topic without partitions out. */
static void drop_topic(kci_assignment *a, kci_read_topic *t)
{
    bool found;
    int32_t at = topic_index(a, t->name, &found);
    erase(&a->topics, at);
    kci_read_topic_unref(t);
}

kc_err kci_assignment_add(kci_assignment *a, kc_bytes topic, int32_t partition, kci_read_part **out)
{
    kci_read_topic *t = take_topic(a, topic);
    if (!t)
        return KC_E_NO_MEMORY;
    bool found;
    int32_t at = part_index(t, partition, &found);
    if (found)
        return KC_E_STATE;
    kci_read_part *p = NULL;
    if (reserve(&t->parts))
        p = new_part(t, partition);
    if (!p) {
        if (t->parts.count == 0)
            drop_topic(a, t);
        return KC_E_NO_MEMORY;
    }
    insert(&t->parts, at, p);
    a->part_count++;
    *out = p;
    return KC_OK;
}

kci_read_topic *kci_assignment_topic(const kci_assignment *a, kc_bytes name)
{
    bool found;
    int32_t at = topic_index(a, name, &found);
    return found ? topic_at(a, at) : NULL;
}

kci_read_part *kci_read_topic_part(const kci_read_topic *t, int32_t partition)
{
    bool found;
    int32_t at = part_index(t, partition, &found);
    return found ? part_at(t, at) : NULL;
}

kci_read_part *kci_assignment_find(const kci_assignment *a, kc_bytes topic, int32_t partition)
{
    kci_read_topic *t = kci_assignment_topic(a, topic);
    return t ? kci_read_topic_part(t, partition) : NULL;
}

void kci_assignment_remove(kci_assignment *a, kci_read_part *p)
{
    kci_read_topic *t = p->topic;
    bool found;
    int32_t at = part_index(t, p->number, &found);
    erase(&t->parts, at);
    a->part_count--;
    if (t->parts.count == 0)
        drop_topic(a, t);
}

kci_read_part *kci_assignment_next(const kci_assignment *a, int32_t *topic, int32_t *at)
{
    while (*topic < a->topics.count) {
        const kci_read_topic *t = topic_at(a, *topic);
        if (*at < t->parts.count)
            return part_at(t, (*at)++);
        (*topic)++;
        *at = 0;
    }
    return NULL;
}

kci_read_part *kci_assignment_last(const kci_assignment *a)
{
    if (a->topics.count == 0)
        return NULL;
    const kci_read_topic *t = topic_at(a, a->topics.count - 1);
    return part_at(t, t->parts.count - 1);
}

void kci_assignment_free(kci_assignment *a)
{
    kci_free(a->topics.items);
    *a = (kci_assignment){ 0 };
}

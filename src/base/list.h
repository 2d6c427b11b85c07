/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked list: the link is embedded in the element, so linking never allocates and
 * unlinking needs no list. A list must be initialised; a zeroed link is a link on no list. An
 * element is found from its link by KCI_CONTAINER_OF (base/mem.h). Not thread-safe. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct kci_link {
    struct kci_link *prev, *next;
} kci_link;

typedef struct kci_list {
    kci_link head; /* a ring through the head: head.next is the first, head.prev the last */
} kci_list;

static inline void kci_list_init(kci_list *list)
{
    list->head.prev = list->head.next = &list->head;
}

static inline bool kci_list_is_empty(const kci_list *list)
{
    return list->head.next == &list->head;
}

/* True while the link is on a list. */
static inline bool kci_link_is_on(const kci_link *link)
{
    return link->next != NULL;
}

/* Puts a link that is on no list before `at`, which is on one. */
static inline void kci_link_insert_before(kci_link *at, kci_link *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

static inline void kci_list_push_back(kci_list *list, kci_link *link)
{
    kci_link_insert_before(&list->head, link);
}

static inline void kci_list_push_front(kci_list *list, kci_link *link)
{
    kci_link_insert_before(list->head.next, link);
}

/* Takes a link off its list; on none is fine. */
static inline void kci_link_remove(kci_link *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

/* NULL when the list is empty. */
static inline kci_link *kci_list_first(const kci_list *list)
{
    return kci_list_is_empty(list) ? NULL : list->head.next;
}

/* NULL when the list is empty. */
static inline kci_link *kci_list_last(const kci_list *list)
{
    return kci_list_is_empty(list) ? NULL : list->head.prev;
}

/* The link after `link`; NULL after the last. To remove while walking, ask for the next one first.
 */
static inline kci_link *kci_list_next(const kci_list *list, const kci_link *link)
{
    return link->next == &list->head ? NULL : link->next;
}

/* Takes the first link off; NULL when the list is empty. */
static inline kci_link *kci_list_pop_front(kci_list *list)
{
    kci_link *link = kci_list_first(list);
    if (link)
        kci_link_remove(link);
    return link;
}

/* Moves all of `from`, in order, to the end of `to`; `from` is empty afterwards. */
static inline void kci_list_splice_back(kci_list *to, kci_list *from)
{
    if (kci_list_is_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    kci_list_init(from);
}

#endif

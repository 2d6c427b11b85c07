/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/list.h"
#include "base/mem.h"

typedef struct item {
    int value;
    kci_link link;
} item;

static int value_of(const kci_link *link)
{
    const item *it = (const item *)(const void *)((const char *)link - offsetof(item, link));
    return it->value;
}

static void expect(const kci_list *list, const int *values, int n)
{
    int i = 0;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l), i++) {
        cr_assert_lt(i, n);
        cr_assert_eq(value_of(l), values[i]);
    }
    cr_assert_eq(i, n);
}

Test(list, keeps_order)
{
    kci_list list;
    kci_list_init(&list);
    cr_assert(kci_list_is_empty(&list));
    cr_assert_null(kci_list_first(&list));
    cr_assert_null(kci_list_last(&list));
    cr_assert_null(kci_list_pop_front(&list));
    item a = { 1 }, b = { 2 }, c = { 3 }, d = { 4 };
    kci_list_push_back(&list, &b.link);
    kci_list_push_back(&list, &d.link);
    kci_list_push_front(&list, &a.link);
    kci_link_insert_before(&d.link, &c.link);
    expect(&list, (int[]){ 1, 2, 3, 4 }, 4);
    cr_assert_eq(kci_list_last(&list), &d.link);
    kci_link_remove(&c.link);
    cr_assert_not(kci_link_is_on(&c.link));
    kci_link_remove(&c.link);
    expect(&list, (int[]){ 1, 2, 4 }, 3);
    cr_assert_eq(kci_list_pop_front(&list), &a.link);
    cr_assert_not(kci_link_is_on(&a.link));
    expect(&list, (int[]){ 2, 4 }, 2);
}

Test(list, splices)
{
    kci_list x, y;
    kci_list_init(&x);
    kci_list_init(&y);
    item a = { 1 }, b = { 2 }, c = { 3 };
    kci_list_splice_back(&x, &y);
    cr_assert(kci_list_is_empty(&x));
    kci_list_push_back(&y, &a.link);
    kci_list_push_back(&y, &b.link);
    kci_list_splice_back(&x, &y);
    cr_assert(kci_list_is_empty(&y));
    expect(&x, (int[]){ 1, 2 }, 2);
    kci_list_push_back(&y, &c.link);
    kci_list_splice_back(&x, &y);
    expect(&x, (int[]){ 1, 2, 3 }, 3);
    kci_link_remove(&b.link);
    expect(&x, (int[]){ 1, 3 }, 2);
}

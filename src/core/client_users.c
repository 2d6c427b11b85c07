/* SPDX-License-Identifier: Apache-2.0 */
/* Producers, consumers and admins of a client: who they are, and telling them. */
#include "base/mem.h"
#include "core/state.h"

void kci_user_add(kc_client *client, kci_user *user)
{
    user->link = (kci_link){ 0 };
    user->closing = false;
    kci_list_push_back(&client->users.list, &user->link);
    client->users.count++;
}

void kci_user_remove(kc_client *client, kci_user *user)
{
    if (!kci_link_is_on(&user->link))
        return;
    kci_user_closed(client, user);
    for (kci_user_walk *walk = client->users.walk; walk; walk = walk->outer)
        if (walk->next == &user->link)
            walk->next = kci_list_next(&client->users.list, &user->link);
    kci_link_remove(&user->link);
    client->users.count--;
}

static void begin(kc_client *client, kci_user_walk *walk)
{
    walk->next = kci_list_first(&client->users.list);
    walk->outer = client->users.walk;
    client->users.walk = walk;
}

/* NULL at the end, which also ends the walk. */
static kci_user *next(kc_client *client, kci_user_walk *walk)
{
    kci_link *link = walk->next;

    if (!link) {
        client->users.walk = walk->outer;
        return NULL;
    }
    walk->next = kci_list_next(&client->users.list, link);
    return KCI_CONTAINER_OF(link, kci_user, link);
}

void kci_client_tell_node(kc_client *client, int32_t node, kci_class cls, int32_t lane,
                          kci_node_state state, kc_err err)
{
    kci_user_walk walk;

    begin(client, &walk);
    for (kci_user *user; (user = next(client, &walk));)
        if (user->on_node)
            user->on_node(user, node, cls, lane, state, err);
}

void kci_client_tell_metadata(kc_client *client, const kci_metadata *now)
{
    kci_user_walk walk;

    begin(client, &walk);
    for (kci_user *user; (user = next(client, &walk));)
        if (user->on_metadata)
            user->on_metadata(user, now);
}

void kci_client_tell_close(kc_client *client, int64_t deadline_us)
{
    kci_user_walk walk;

    /* Counted first: a user may have finished before the next one is told. */
    for (kci_link *l = kci_list_first(&client->users.list); l;
         l = kci_list_next(&client->users.list, l))
        KCI_CONTAINER_OF(l, kci_user, link)->closing = true;
    client->close.users_left = client->users.count;
    begin(client, &walk);
    for (kci_user *user; (user = next(client, &walk));) {
        if (user->on_close)
            user->on_close(user, deadline_us);
        else
            kci_user_closed(client, user);
    }
}

void kci_user_closed(kc_client *client, kci_user *user)
{
    if (!user->closing)
        return;
    user->closing = false;
    client->close.users_left--;
    kci_closing_look(client);
}

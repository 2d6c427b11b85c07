/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/fetching.h"

#include "base/bytes.h"
#include "base/planted.h"

void kci_fetching_init(kci_fetching *f, kci_read_topic *topic, int32_t number)
{
    *f = (kci_fetching){ .topic = topic, .number = number };
}

int32_t kci_fetching_set(kci_fetching *f, const kci_fetch_ask *ask)
{
    bool wanted = ask != NULL;
    int32_t change = (int32_t)wanted - (int32_t)f->wanted;
    if (ask)
        f->ask = *ask;
    f->wanted = wanted;
    return change;
}

void kci_fetching_sent(kci_fetching *f)
{
    f->in_session = true;
    f->sent = f->ask;
    f->sent_id = f->topic->id;
}

void kci_fetching_forgotten(kci_fetching *f)
{
    f->in_session = false;
}

bool kci_fetching_is_other_topic(const kci_fetching *f, bool by_id)
{
    return by_id && !kci_uuid_equal(&f->sent_id, &f->topic->id);
}

bool kci_fetching_is_news(const kci_fetching *f, bool by_id)
{
    const kci_fetch_ask *ask = &f->ask, *sent = &f->sent;
    if (!f->wanted)
        return false;
    return !f->in_session || kci_fetching_is_other_topic(f, by_id) || sent->token != ask->token ||
           sent->offset != ask->offset || sent->leader_epoch != ask->leader_epoch ||
           sent->last_epoch != ask->last_epoch;
}

bool kci_fetching_is_current(const kci_fetching *f, const struct kci_session *s, uint64_t token,
                             int64_t offset)
{
    return f->session == s && f->in_session &&
           (KCI_BUG(STALE_FETCH_TAKEN) || (f->sent.token == token && f->sent.offset == offset));
}

void kci_fetching_named(kci_fetching *f, uint64_t mark)
{
    f->answer_mark = mark;
}

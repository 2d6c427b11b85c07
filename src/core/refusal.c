/* SPDX-License-Identifier: Apache-2.0 */
#include "core/refusal.h"

#include "base/err.h"

static const kci_backoff pauses = { .base_us = 10000000, .max_us = 300000000 };

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void note_login(kci_remote *remote, kci_network *network)
{
    kci_refusals *all = &network->refusals;
    int64_t now = kci_network_now(network);

    /* Those that were under way at the same time count as one. */
    if (remote->login_at_us <= now)
        remote->login_at_us = now + kci_backoff_delay(&pauses, ++remote->refusals, network->random);
    if (!all->accepted && all->until_us <= now)
        all->until_us = now + kci_backoff_delay(&pauses, ++all->count, network->random);
}

void kci_refusal_note(kci_remote *remote, kci_network *network, kc_err err, const char *why)
{
    remote->untrusted = err == KC_E_TLS;
    if (err == KC_OK)
        return;
    if (err == KC_E_AUTHENTICATION)
        note_login(remote, network);
    kci_fail(&network->refusals.last, err, "%s", why);
}

void kci_refusal_over(kci_remote *remote, kci_network *network)
{
    remote->refusals = 0;
    remote->login_at_us = 0;
    remote->untrusted = false;
    network->refusals = (kci_refusals){ .accepted = true };
}

int64_t kci_refusal_login_at(const kci_remote *remote, const kci_network *network)
{
    return later(remote->login_at_us, network->refusals.until_us);
}

bool kci_refusal_holds(const kci_remote *remote, const kci_network *network)
{
    return remote->untrusted || kci_refusal_login_at(remote, network) > kci_network_now(network);
}

int64_t kci_refusal_retry_at(const kci_remote *remote, const kci_network *network)
{
    return later(remote->retry_us, kci_refusal_login_at(remote, network));
}

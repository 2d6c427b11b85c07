/* SPDX-License-Identifier: Apache-2.0 */
#include "core/remote.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/address.h"

/* How often a complaint about one broker is repeated. */
static const int64_t complaint_first_us = 10000000, complaint_most_us = 300000000;

static char *describe(int32_t id, const char *host, uint16_t port)
{
    char text[KCI_HOST_MAX + 64];
    const char *open = strchr(host, ':') ? "[" : "";
    const char *close = *open ? "]" : "";

    int size =
        id < 0 ? snprintf(text, sizeof text, "bootstrap server %s%s%s:%u", open, host, close, port)
               : snprintf(text, sizeof text, "broker %d (%s%s%s:%u)", id, open, host, close, port);
    return kci_strndup(text, (size_t)size);
}

bool kci_remote_has_address(const kci_remote *remote, kc_bytes host, int32_t port)
{
    return remote->host && remote->port == port && kci_bytes_equal(kc_str(remote->host), host);
}

bool kci_remote_set_address(kci_remote *remote, kc_bytes host, uint16_t port)
{
    char *copy = kci_strndup(host.data, host.size);
    char *text = copy ? describe(remote->id, copy, port) : NULL;

    if (!text) {
        kci_free(copy);
        return false;
    }
    kci_remote_clear(remote);
    remote->host = copy;
    remote->text = text;
    remote->port = port;
    kci_remote_forgive(remote); /* the failures are the old address's */
    return true;
}

void kci_remote_failed(kci_remote *remote, const kci_network *network, int64_t began_us)
{
    int64_t now = kci_network_now(network);

    if (remote->failures > 0 && began_us < remote->retry_us)
        return; /* it went wrong beside an attempt that counts already */
    remote->failures++;
    if (KCI_BUG(NO_BACKOFF))
        return;
    remote->retry_us =
        now + kci_backoff_delay(&network->settings->reconnect, remote->failures, network->random);
}

void kci_remote_forgive(kci_remote *remote)
{
    remote->failures = 0;
    remote->retry_us = 0;
}

void kci_remote_works(kci_remote *remote)
{
    if (remote->failures == 0)
        return;
    kci_remote_forgive(remote);
    kci_log_limit_reset(&remote->complaints);
}

bool kci_remote_may_complain(kci_remote *remote, int64_t now_us, uint32_t *withheld)
{
    return kci_log_limit_pass(&remote->complaints, now_us, complaint_first_us, complaint_most_us,
                              withheld);
}

void kci_remote_clear(kci_remote *remote)
{
    kci_free(remote->host);
    kci_free(remote->text);
    remote->host = remote->text = NULL;
}

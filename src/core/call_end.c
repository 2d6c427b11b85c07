/* SPDX-License-Identifier: Apache-2.0 */
#include "core/call_end.h"

#include <stdio.h>

#include "base/mem.h"

void kci_call_finish(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_link_remove(&call->link);
    call->connection = NULL;
    call->flight = NULL;
    call->stage = KCI_CALL_IDLE;
    call->done(call, err, err == KC_OK ? response : NULL, why && *why ? why : kc_error_text(err));
}

void kci_call_finish_later(kci_network *network, kci_call *call, kc_err err)
{
    kci_link_remove(&call->link);
    call->connection = NULL;
    call->flight = NULL;
    call->stage = KCI_CALL_ENDING;
    call->err = err;
    kci_list_push_back(&network->finished, &call->link);
    kci_loop_defer(network->loop, &network->finish);
}

/* What to say of an error that came up on this side. */
static const char *explain(const kci_network *network, const kci_call *call, char *text,
                           size_t size)
{
    const kci_api *api = kci_api_get(call->api);

    if (call->err != KC_OK && call->err == network->refusals.last.code)
        return network->refusals.last.text;
    if (call->err != KC_E_UNSUPPORTED_VERSION || !api)
        return kc_error_text(call->err);
    snprintf(text, size,
             "the broker knows no version of %s that this client can use here: it is too old, too "
             "new, or not a broker but a controller",
             api->name);
    return text;
}

void kci_calls_finish(kci_task *task)
{
    kci_network *network = KCI_CONTAINER_OF(task, kci_network, finish);
    char text[200];
    kci_list now;

    kci_list_init(&now);
    kci_list_splice_back(&now, &network->finished);
    for (kci_link *l; (l = kci_list_pop_front(&now));) {
        kci_call *call = KCI_CONTAINER_OF(l, kci_call, link);
        kci_call_finish(call, call->err, NULL, explain(network, call, text, sizeof text));
    }
    if (network->settled)
        network->settled(network);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ends: done() at once, where a callback of the loop may call it, or at the end of the
 * turn. Called by whoever holds the call: connection, route, kci_call_start(). Thread: loop. */
#ifndef CORE_CALL_END_H
#define CORE_CALL_END_H

#include "core/call.h"
#include "core/network.h"

/* kci_call.stage */
enum {
    KCI_CALL_IDLE,    /* the caller's */
    KCI_CALL_WAITING, /* on a connection's queue, or a route */
    KCI_CALL_FLYING,  /* handed to the stream */
    KCI_CALL_ENDING   /* waits for done(): on network->finished, or until the stream lets go */
};

/* Ends the call by done(), at once. From a callback of the loop only. */
void kci_call_finish(kci_call *call, kc_err err, const kci_response *response, const char *why);

/* Ends it at the end of the loop's turn, with the table's text of err. */
void kci_call_finish_later(kci_network *network, kci_call *call, kc_err err);

/* network->finish: done() of all on network->finished. */
void kci_calls_finish(kci_task *task);

#endif

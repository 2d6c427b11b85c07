/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of one broker, class and lane: opens the stream when a call waits or somebody
 * asked for it, negotiates versions, authenticates, sends calls in the order of start, matches
 * answers strictly in order, and closes when idle. One object lives through many streams. It
 * reports to an owner and knows nobody above it.
 *
 * Thread: loop. Everything that can fail a call, and every change of state, happens in callbacks of
 * the loop (timer, stream, lookup), never inside a function that users of the core call; so users'
 * callbacks are never entered from inside their own calls. */
#ifndef CORE_CONNECTION_H
#define CORE_CONNECTION_H

#include "core/call.h"
#include "core/remote.h"

typedef struct kci_connection kci_connection;

/* How a connection, or an attempt to open it, ended. */
typedef struct kci_connection_end {
    kc_err err;           /* KC_OK: nobody needed it */
    const char *sentence; /* for people; names the broker */
    bool was_up;
    bool refused; /* a log-in or a certificate was: trying again helps nobody */
} kci_connection_end;

/* What the owner is told, from callbacks of the loop. In each the connection may be used, but not
 * freed. */
typedef struct kci_connection_ops {
    /* Calls can be sent from now on. */
    void (*up)(void *owner, kci_connection *connection);
    /* An attempt failed, or it broke while requests were under way. Its calls have not ended yet.
     */
    void (*failed)(void *owner, kci_connection *connection, const kci_connection_end *end);
    /* It is down and, unless err is KC_OK, its calls have ended. */
    void (*down)(void *owner, kci_connection *connection, const kci_connection_end *end);
    /* The pause that the broker asked for is over. */
    void (*unthrottled)(void *owner, kci_connection *connection);
    /* The last answer that was due has come. */
    void (*quiet)(void *owner, kci_connection *connection);
    /* It failed before this call, which is on no list any more, was sent. True: the owner has taken
     * the call elsewhere; else it ends. */
    bool (*orphan)(void *owner, kci_call *call, kc_err err);
} kci_connection_ops;

/* NULL when out of memory. network, remote and ops are borrowed. */
kci_connection *kci_connection_new(kci_network *network, kci_remote *remote, kci_class cls,
                                   int32_t lane, const kci_connection_ops *ops, void *owner);

/* It must be DOWN and without calls. NULL is fine. */
void kci_connection_free(kci_connection *connection);

/* It belongs to another broker, with its calls: the one it is connected to was known by another
 * name. */
void kci_connection_move(kci_connection *connection, kci_remote *remote, void *owner);

kci_class kci_connection_class(const kci_connection *connection);
int32_t kci_connection_lane(const kci_connection *connection);
bool kci_connection_is_up(const kci_connection *connection);
bool kci_connection_is_down(const kci_connection *connection); /* no stream, no attempt */

/* An attempt is under way. */
bool kci_connection_is_opening(const kci_connection *connection);

/* An attempt is under way, or somebody has asked for one. */
bool kci_connection_is_wanted(const kci_connection *connection);

/* When the attempt under way began, or now, if one is about to; -1: there is none. */
int64_t kci_connection_attempt_began(const kci_connection *connection);

/* The broker has asked for a pause. */
bool kci_connection_is_throttled(const kci_connection *connection);

/* Calls that it has, sent or not; requests under way whose call was cancelled count. */
int32_t kci_connection_load(const kci_connection *connection);

/* The highest version within min..max that both sides know; -1 when it is not up, -2 when there is
 * none in common. */
int16_t kci_connection_version(const kci_connection *connection, int16_t api, int16_t min,
                               int16_t max);

/* No attempt will be made before this time: the backoff of the broker, or its own. */
int64_t kci_connection_retry_at(const kci_connection *connection);

/* Asks for it to be opened, as soon as the broker's backoff allows. */
void kci_connection_want(kci_connection *connection);

/* From `at_us` on nothing more is sent on the present stream, if there is one; once all is answered
 * it is closed, and opened anew when needed. why: static. */
void kci_connection_renew(kci_connection *connection, int64_t at_us, const char *why);

/* Queues a call; sends it if possible. */
void kci_connection_add(kci_connection *connection, kci_call *call);

/* Takes a call away that is not sent yet. */
void kci_connection_take(kci_connection *connection, kci_call *call);

/* Ends all calls, in the order of start; those not sent yet only if the owner does not take them.
 */
void kci_connection_fail_calls(kci_connection *connection, kc_err err, const char *why);

/* Ends it: lookup, stream. Its calls end with `err` and `why` (kept), in a later callback; err
 * KC_OK: because nobody needs it (calls that come meanwhile open it again; answers to cancelled
 * ones are not waited for). From callbacks of the
 * loop only. */
void kci_connection_close(kci_connection *connection, kc_err err, const char *why);

/* The same for good: also when it is down, and nobody's wish opens it again. */
void kci_connection_finish(kci_connection *connection, kc_err err, const char *why);

extern const char *const kci_class_names[KCI_CLASS_COUNT];

#endif

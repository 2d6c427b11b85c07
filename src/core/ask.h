/* SPDX-License-Identifier: Apache-2.0 */
/* One question to a broker, asked until there is an answer: who is the right one to ask is found
 * out, and found out anew when that was wrong; after what may pass it is asked again, with growing
 * pauses, until a deadline. What may pass, and what has to be looked up anew, stands in the table
 * of errors (base/err_flags.h) and nowhere else.
 *
 * The owner embeds the kci_ask in its own object, as with kci_call. Thread: loop. */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "base/err.h"
#include "core/call.h"
#include "core/coordinator.h"

typedef enum kci_target_kind {
    KCI_TARGET_NODE,       /* call.node, which may be KCI_NODE_ANY or KCI_NODE_CONTROLLER */
    KCI_TARGET_LEADER,     /* of a partition of a topic that the owner wants (metadata.h) */
    KCI_TARGET_GROUP,      /* the coordinator of a group */
    KCI_TARGET_TRANSACTION /* the coordinator of a transactional id */
} kci_target_kind;

typedef struct kci_target {
    kci_target_kind kind;
    kc_bytes key;      /* topic, group or transactional id; its bytes live until done() */
    int32_t partition; /* of LEADER */
} kci_target;

/* Where a question stands. */
typedef enum kci_ask_phase {
    KCI_ASK_IDLE,    /* the owner's */
    KCI_ASK_ABOUT,   /* to be asked, or to end, at the end of the turn */
    KCI_ASK_LOOKING, /* for the coordinator */
    KCI_ASK_FLYING,  /* the call is under way */
    KCI_ASK_PAUSING  /* until the next attempt */
} kci_ask_phase;

typedef struct kci_ask kci_ask;
struct kci_ask {
    /* Set by the owner, the rest zero. */
    kci_target target;
    int64_t deadline_us; /* loop time; INT64_MAX: none */
    /* api, cls, lane, node (of KCI_TARGET_NODE), min_version, max_version, body, prepare, records.
     * timeout_us and done are set here for each attempt. */
    kci_call call;
    /* Optional, before each attempt: completes call.body; call.node and call.timeout_us are known.
     * An error is the end. */
    kc_err (*build)(kci_ask *ask);
    /* An answer has come: the error in it that concerns the whole question. KC_OK, or one that
     * does not pass: that is the end. It may set retry_after_us, and write a sentence to `why`. */
    kc_err (*read)(kci_ask *ask, const kci_response *response);
    /* The end, exactly once after a start, never from inside a function of this header. KC_OK:
     * read() has accepted an answer. KC_E_TIMED_OUT with `late` set: the deadline has passed, and
     * `last` and `why` tell of the last attempt. The ask may be freed or started anew in it. */
    void (*done)(kci_ask *ask, kc_err err);
    int64_t retry_after_us; /* no attempt sooner than so long after this one */

    /* For the owner to read. */
    kc_err last;                 /* how the last attempt failed; KC_OK: none has */
    char why[KCI_SENTENCE_SIZE]; /* a sentence to it */
    bool late;                   /* the deadline has passed */
    bool maybe_done;             /* an attempt was sent, and its answer never came */

    /* ask.c's. */
    kc_client *client;
    kci_ask_phase phase;
    kc_err stop; /* to end with, as soon as the call allows; KC_OK: go on */
    uint32_t attempts;
    int64_t begun_us;
    kci_task task;
    kci_timer timer;
    kci_coordinator_waiter waiter;
};

/* Asks from the end of this turn on. KC_E_NO_MEMORY: it has not begun, and done() is not called. */
kc_err kci_ask_start(kc_client *client, kci_ask *ask);

/* Ends it early: done(err), later. No effect when it is not under way. */
void kci_ask_cancel(kci_ask *ask, kc_err err);

static inline bool kci_ask_is_busy(const kci_ask *ask)
{
    return ask->phase != KCI_ASK_IDLE;
}

/* Whether it would be asked again after this error, were there time. */
bool kci_ask_goes_on(const kci_ask *ask, kc_err err);

#endif

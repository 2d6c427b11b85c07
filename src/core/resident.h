/* SPDX-License-Identifier: Apache-2.0 */
/* The one life of all that lives on a client: producers, consumers, admins. It comes to the loop
 * (attach), is told what the client learns, finishes what it has begun when it or the client is
 * closed (by a deadline), begins nothing any more (detached) while the last calls come back, and is
 * gone.
 *
 *   NEW -> ATTACHED -> CLOSING -> DETACHED -> GONE      CLOSING is left out where nothing is to be
 *                                                       finished, all but GONE where it never came
 *
 * Embedded in its owner. Counted: the application's handle, the loop from attach to GONE, and each
 * task that is queued hold a reference; who lets go last frees all, on whichever thread. So handles
 * and client may be freed in any order. But for init and attach nothing here needs memory: what the
 * application asks of the loop are bits and the one task that is embedded.
 *
 * Only core/resident.c writes the struct. */
#ifndef CORE_RESIDENT_H
#define CORE_RESIDENT_H

#include <stdatomic.h>

#include "core/client.h"
#include "core/waiters.h"

typedef struct kci_resident kci_resident;

typedef enum kci_resident_phase {
    KCI_RESIDENT_NEW,
    KCI_RESIDENT_ATTACHED,
    KCI_RESIDENT_CLOSING,
    KCI_RESIDENT_DETACHED,
    KCI_RESIDENT_GONE
} kci_resident_phase;

/* What the kinds of residents do differently. All but destroy run on the loop, with no lock held;
 * those marked * may be NULL. */
typedef struct kci_resident_type {
    const char *kind; /* "producer": for the report of kc_client_close */
    int32_t timers;   /* of its own that may be set at once */
    /* * It has come: whatever it must know from the start. */
    void (*attached)(kci_resident *r);
    /* * A newer snapshot (borrowed), and news of a connection, as in kci_user. Until detached. */
    void (*on_metadata)(kci_resident *r, const kci_metadata *now);
    void (*on_node)(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                    kci_node_state state, kc_err err);
    /* * kci_resident_post() was called. Until detached. */
    void (*on_post)(kci_resident *r);
    /* * Finish, then kci_resident_finished(). Otherwise `detach` comes at the deadline. NULL: there
     * is nothing to finish, `detach` comes at once. */
    void (*close)(kci_resident *r);
    /* Give up what is left, cancel calls, stop timers, begin nothing any more. Exactly once. */
    void (*detach)(kci_resident *r);
    /* * Whether a call is still under way; asked from detach on. */
    bool (*is_busy)(kci_resident *r);
    /* * Detached and not busy: the loop's last look at it. */
    void (*gone)(kci_resident *r);
    /* Any thread: no reference is left. Frees the owner; ends with kci_resident_fini(). */
    void (*destroy)(kci_resident *r);
} kci_resident_type;

struct kci_resident {
    const kci_resident_type *type;
    kc_client *client;   /* a reference */
    kci_waiters waiters; /* all who wait for the owner */
    /* For attach and close, which must not fail for want of memory; in between for an owner that
     * only one thread at a time is inside of. */
    kci_waiter *own;
    atomic_int refs;
    _Atomic(kci_resident_phase) phase;
    atomic_uint asked;             /* bits: what the application wants of the loop */
    atomic_int_least64_t close_us; /* deadline of the application's close */
    atomic_bool queued;            /* the task is, and holds a reference */
    kci_task task;
    kc_err refused; /* why it could not attach; written before the phase is */

    /* loop */
    kci_user user;
    kci_timer timer;    /* in CLOSING: the deadline */
    bool client_closes; /* the client told it to close */
};

/* With one reference, the handle's. KC_E_NO_MEMORY: there is nothing to undo. */
kc_err kci_resident_init(kci_resident *r, const kci_resident_type *type, kc_client *client);

/* Application. Brings it to the loop; after any error it is to be given back by kci_resident_free.
 * KC_E_NO_MEMORY, KC_E_CLOSED, KC_E_FORKED, KC_E_TIMED_OUT (the loop does not answer). */
kc_err kci_resident_attach(kci_resident *r);

/* Application. Begins to close it, by deadline_us at the latest; the earliest deadline counts. Does
 * not wait. After it has gone nothing happens. */
void kci_resident_close(kci_resident *r, int64_t deadline_us);

/* Application. Waits until it is detached, at most two seconds longer than deadline_us. `serve`
 * (may be NULL) runs before each wait, and after each wake-up for `what`. Wakeups do not
 * interrupt it. KC_OK, or KC_E_TIMED_OUT: the loop hangs. */
kc_err kci_resident_await(kci_resident *r, int64_t deadline_us, unsigned what,
                          void (*serve)(kci_resident *r));

/* Application. The handle is given back: it detaches at once, whatever is left, without being
 * waited for. Not in a forked child. */
void kci_resident_free(kci_resident *r);

/* Any thread. */
void kci_resident_ref(kci_resident *r);
void kci_resident_unref(kci_resident *r);

/* For `destroy`. The client's reference goes with it. */
void kci_resident_fini(kci_resident *r);

/* Any thread. Has on_post called, once for all posts until then. */
void kci_resident_post(kci_resident *r);

static inline kci_resident_phase kci_resident_phase_of(const kci_resident *r)
{
    return atomic_load_explicit(&r->phase, memory_order_acquire);
}

/* Any thread. It is on the loop, and may begin something. */
static inline bool kci_resident_is_there(const kci_resident *r)
{
    kci_resident_phase phase = kci_resident_phase_of(r);
    return phase == KCI_RESIDENT_ATTACHED || phase == KCI_RESIDENT_CLOSING;
}

/* Any thread. Its time on the loop is over. */
static inline bool kci_resident_is_detached(const kci_resident *r)
{
    return kci_resident_phase_of(r) >= KCI_RESIDENT_DETACHED;
}

/* Loop. What `close` asked for is done; in any other phase it does nothing. */
void kci_resident_finished(kci_resident *r);

/* Loop. A call came back: perhaps it was the last one. It may be freed by this. */
void kci_resident_look(kci_resident *r);

#endif

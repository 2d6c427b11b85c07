/* SPDX-License-Identifier: Apache-2.0 */
/* What producer, consumer and admin see of a client beyond its public face. */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "base/list.h"
#include "base/log.h"
#include "core/call.h"
#include "core/config.h"
#include "core/gauges.h"
#include "core/metadata.h"
#include "core/stats.h"
#include "io/event.h"
#include "io/loop.h"

/* A client on another outside world (the simulator); config's client.threads is taken as 0 when the
 * sys is single_threaded. kc_client_new() is this with kci_sys_posix(). sys is borrowed. */
kc_err kci_client_new_on(kci_sys *sys, const kc_config *config, kc_client **out, kc_error *detail);

/* Any thread. The client lives until the last reference is gone. */
kc_client *kci_client_ref(kc_client *client);
void kci_client_unref(kc_client *client);

kci_loop *kci_client_loop(kc_client *client);
kci_sys *kci_client_sys(kc_client *client);
const kc_config *kci_client_config(kc_client *client); /* constant from kc_client_new on */
kci_log *kci_client_log(kc_client *client);
kci_frame_pool *kci_client_frames(kc_client *client);
bool kci_client_driven(kc_client *client); /* no thread: waits drive the loop (kci_event_new) */

/* Any thread, cheap (two loads): KC_OK, KC_E_FORKED in a child, KC_E_CLOSED. First in each public
 * call. */
kc_err kci_client_check(kc_client *client);

/* Runs fn on the loop and waits for it to end, at most until deadline_us (then KC_E_TIMED_OUT and
 * fn may still run: `arg` must outlive it). Application threads only. For opening and closing of
 * objects, never per record. When the client has been closed and its thread is gone, fn runs at
 * once on the calling thread, after whatever was posted to the loop before, so that objects can be
 * taken apart the same way at any time. KC_OK: fn has run. */
kc_err kci_client_run(kc_client *client, void (*fn)(void *arg), void *arg, int64_t deadline_us);

/* Application threads: posts a task to the loop, for opening and closing of objects. When the
 * client has been closed and its thread is gone, the task has run on return, after whatever was
 * posted to the loop before (task NULL: only that), so that objects can be taken apart the same way
 * at any time. Needs no memory. */
void kci_client_post(kc_client *client, kci_task *task);

/* Someone who lives on the client; see core/resident.h. Callbacks on the loop. */
typedef struct kci_user kci_user;
struct kci_user {
    kci_link link;
    const char *kind; /* "producer", for the report of kc_client_close */
    /* A newer snapshot (borrowed). */
    void (*on_metadata)(kci_user *user, const kci_metadata *now);
    /* A connection came up, went down (err, why) or its throttling ended. May be NULL. */
    void (*on_node)(kci_user *user, int32_t node, kci_class cls, int32_t lane, kci_node_state state,
                    kc_err err);
    /* kc_client_close has begun: finish by deadline_us, then call kci_user_closed(). */
    void (*on_close)(kci_user *user, int64_t deadline_us);
    bool closing; /* the core's: asked to finish, and has not */
};
void kci_user_add(kc_client *client, kci_user *user);    /* loop */
void kci_user_remove(kc_client *client, kci_user *user); /* loop; also ends its part in a close */
void kci_user_closed(kc_client *client, kci_user *user); /* loop */

/* A number for connections of one's own (kci_call.lane), for whoever waits in brokers. Any thread.
 */
int32_t kci_client_take_lane(kc_client *client);

/* Loop. Gives it back: no call of the lane is under way any more. Its connections are closed. */
void kci_client_give_lane(kc_client *client, int32_t lane);

/* The client's counters; never NULL. */
kci_stats *kci_client_stats(kc_client *client);

/* Where its producers and consumers put their gauges; never NULL. */
kci_gauges *kci_client_gauges(kc_client *client);

#endif

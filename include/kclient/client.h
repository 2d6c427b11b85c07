/* SPDX-License-Identifier: Apache-2.0 */
/* A client: one connection and metadata core, one thread, shared by all producers, consumers and
 * admins that are made on it. */
#ifndef KCLIENT_CLIENT_H
#define KCLIENT_CLIENT_H

#include <kclient/config.h>
#include <kclient/log.h>

KC_BEGIN

typedef struct kc_client kc_client;

/* Makes a client; the configuration is copied. It does not wait for a broker: connections open when
 * first needed. Starts the loop's thread, unless client.threads=0 (see kc_client_step).
 * KC_E_BAD_PROPERTY, KC_E_NO_MEMORY, KC_E_TLS (files), KC_E_IO. */
KC_API kc_err kc_client_new(const kc_config *config, kc_client **out, kc_error *detail);

/* Closes what is still open on it (producers flush, within the time) and its connections, stops the
 * thread. Returns by timeout_ms (0: at once; -1: as long as delivery.timeout.ms) with KC_OK, or
 * KC_E_TIMED_OUT and in detail what was left. Any thread; later calls on it return KC_E_CLOSED. */
KC_API kc_err kc_client_close(kc_client *client, int32_t timeout_ms, kc_error *detail);

/* Gives the handle back; closes with timeout 0 if that was not done. Producers, consumers and
 * admins may be freed before or after. NULL is fine. */
KC_API void kc_client_free(kc_client *client);

/* Without a thread (client.threads=0): runs what is due and waits at most timeout_ms (0: not at
 * all, -1: until something happens). Any thread: one of those that step or wait in calls runs the
 * loop, for the others too, and when it returns the next one does. KC_E_STATE in a client that has
 * a thread. */
KC_API kc_err kc_client_step(kc_client *client, int32_t timeout_ms);

/* Without a thread: readable when a step would do something; and the time in ms after which a step
 * is due anyway (-1: none, or another thread runs the loop; when it stops to, the descriptor
 * becomes readable). -1 / KC_E_STATE in a client that has a thread. */
KC_API int kc_client_fd(kc_client *client);
KC_API int32_t kc_client_timeout(kc_client *client);

/* Log messages go to fn from any of the library's threads, and must return soon; default: warnings
 * and errors to stderr, with the time in UTC. Set before the first producer, consumer or admin.
 * level: KC_LOG_... fn is not called any more when kc_client_free() has returned; but a call that
 * was under way and did not end within the time of the close still runs. */
KC_API void kc_client_set_log(kc_client *client, kc_log_fn fn, void *user, int32_t level);

/* Changes the levels at any time, from any thread: "debug", or "warn,conn=debug,producer=trace" (a
 * level alone is for all areas; entries apply from left to right). KC_E_BAD_PROPERTY (the levels
 * stay as they were), KC_E_INVALID_ARGUMENT, KC_E_CLOSED, KC_E_FORKED. */
KC_API kc_err kc_client_set_log_level(kc_client *client, const char *levels, kc_error *detail);

/* This library's version, "0.1.0". Static. */
KC_API const char *kc_version(void);

/* What this build can do, "tls,zstd,lz4,snappy". Static. */
KC_API const char *kc_features(void);

KC_END

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* An embedded cluster and clients of it in a simulated world (tests/sim/world.h): one thread, a
 * virtual clock and a network in memory. Tests that are about time run here: time passes only while
 * everybody waits, so however busy the machine is, what takes 300 ms takes 300 ms, and an hour is
 * over at once. Failures end the test.
 *
 * A client has no thread here; calls that wait drive it, and it runs as well while the test waits
 * by virtual_sleep_ms(). Descriptors (kc_producer_fd and the like) do not exist. */
#ifndef TESTS_VIRTUAL_H
#define TESTS_VIRTUAL_H

#include <kclient/kclient.h>
#include <kclient/mock.h>

typedef struct virtual_world virtual_world;

/* options as for kc_mock_new. The cluster belongs to the world. */
virtual_world *virtual_open(const kc_mock_options *options, kc_mock **mock);

/* Frees the cluster, and checks that no socket is left open. Clients have to be gone. */
void virtual_close(virtual_world *v);

/* The same as kc_client_new and kc_client_free. */
kc_err virtual_client_new(virtual_world *v, const kc_config *config, kc_client **client,
                          kc_error *why);
void virtual_client_free(virtual_world *v, kc_client *client);

int64_t virtual_now_ms(const virtual_world *v);
void virtual_sleep_ms(virtual_world *v, int64_t ms);

/* Calls fn(arg) in ms, while something waits: what another thread would do. */
void virtual_after_ms(virtual_world *v, int64_t ms, void (*fn)(void *arg), void *arg);

/* Connections that were begun so far, by all clients. */
int64_t virtual_connects(const virtual_world *v);

#endif

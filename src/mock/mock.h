/* SPDX-License-Identifier: Apache-2.0 */
/* The mock cluster on someone else's loop, for the simulator: no thread, virtual time, and a look
 * at every answer. See kclient/mock.h for the rest. */
#ifndef MOCK_MOCK_H
#define MOCK_MOCK_H

#include <kclient/mock.h>

#include "base/buf.h"
#include "io/loop.h"

/* A cluster that lives on `loop` (borrowed; must outlive it). All functions of kclient/mock.h are
 * then to be called by the thread that steps the loop, outside of its callbacks for kc_mock_close
 * and kc_mock_free, which step it until all connections are gone. Random choices follow from the
 * loop's kci_sys. Errors as kc_mock_new. */
kc_err kci_mock_new_on(kci_loop *loop, const kc_mock_options *options, kc_mock **out,
                       kc_error *detail);

/* The host and port that answers give for a broker, instead of where it listens, and that
 * kc_mock_bootstrap names from now on. KC_E_INVALID_ARGUMENT, KC_E_NO_MEMORY. */
kc_err kci_mock_advertise(kc_mock *mock, int32_t broker, const char *host, uint16_t port);

/* Sees each answer before it is sent, as a whole frame with its length, and may change it in any
 * way; the length is then not corrected. Runs on the loop; not for requests without an answer. fn
 * NULL: no more. */
typedef void (*kci_mock_answer_fn)(void *arg, int32_t broker, int16_t api, int16_t version,
                                   kci_buf *frame);
void kci_mock_set_answer_hook(kc_mock *mock, kci_mock_answer_fn fn, void *arg);

#endif

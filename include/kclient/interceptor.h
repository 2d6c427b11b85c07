/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors: code that sees every record on its way out and every outcome on its way back, for
 * tracing, auditing, encryption. A chain is given to a producer when it is made
 * (kc_producer_options) and runs in that order, always on the application's threads. */
#ifndef KCLIENT_INTERCEPTOR_H
#define KCLIENT_INTERCEPTOR_H

#include <kclient/error.h>
#include <kclient/record.h>

KC_BEGIN

struct kc_delivery;

/* Begin with KC_PRODUCER_INTERCEPTOR_INIT. Any function may be NULL. All may run on several threads at once when the program sends or polls
 * from several. They must not call the producer that they belong to, except kc_producer_send() from
 * on_acknowledgement. */
typedef struct kc_producer_interceptor {
    uint32_t size;     /* sizeof(kc_producer_interceptor) as the program was compiled */
    uint32_t reserved; /* 0 */
    void *user;
    /* Before the partition is chosen. May change the fields of *record, which is the producer's own
     * copy of the struct (not of the bytes: those are the sender's, and constant). New bytes that
     * it points to are the interceptor's and must live until its on_sent. Another result than KC_OK
     * refuses the record: kc_producer_send() returns it (KC_E_REJECTED is meant for that) with
     * *detail, which is never NULL here; the rest of the chain is not run. */
    kc_err (*on_send)(void *user, kc_producer_record *record, kc_error *detail);
    /* After the record was copied, or refused with err by the producer or a later interceptor; once
     * for every on_send that returned KC_OK, in reverse order. */
    void (*on_sent)(void *user, const kc_producer_record *record, kc_err err);
    /* The outcome of a range of records, before the program's on_delivery. */
    void (*on_acknowledgement)(void *user, const struct kc_delivery *delivery);
    /* The producer is freed. */
    void (*on_close)(void *user);
} kc_producer_interceptor;

#define KC_PRODUCER_INTERCEPTOR_INIT                                               \
    {                                                                              \
        (uint32_t)sizeof(kc_producer_interceptor), 0, NULL, NULL, NULL, NULL, NULL \
    }
KC_API void kc_producer_interceptor_init(kc_producer_interceptor *out, size_t size);

KC_END

#endif

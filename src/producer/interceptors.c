/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of a producer's interceptors; what they may do is in <kclient/interceptor.h>. */
#include "base/err.h"
#include "producer/producer.h"

kc_err kci_interceptors_on_send(kc_producer *p, kc_producer_record *record, size_t *seen,
                                kc_error *detail)
{
    kc_error own;
    for (*seen = 0; *seen < p->interceptor_count; (*seen)++) {
        const kc_producer_interceptor *i = &p->interceptors[*seen];
        if (!i->on_send)
            continue;
        kci_fail(&own, KC_E_REJECTED, NULL);
        kc_err err = i->on_send(i->user, record, &own);
        if (err == KC_OK)
            continue;
        own.code = err;
        if (detail)
            *detail = own;
        return err;
    }
    return KC_OK;
}

void kci_interceptors_on_sent(kc_producer *p, size_t seen, const kc_producer_record *record,
                              kc_err err)
{
    while (seen-- > 0) {
        const kc_producer_interceptor *i = &p->interceptors[seen];
        if (i->on_sent)
            i->on_sent(i->user, record, err);
    }
}

void kci_interceptors_on_acknowledgement(kc_producer *p, const kc_delivery *delivery)
{
    for (size_t n = 0; n < p->interceptor_count; n++) {
        const kc_producer_interceptor *i = &p->interceptors[n];
        if (i->on_acknowledgement)
            i->on_acknowledgement(i->user, delivery);
    }
}

void kci_interceptors_close(kc_producer *p)
{
    for (size_t n = 0; n < p->interceptor_count; n++) {
        const kc_producer_interceptor *i = &p->interceptors[n];
        if (i->on_close)
            i->on_close(i->user);
    }
}

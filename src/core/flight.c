/* SPDX-License-Identifier: Apache-2.0 */
#include "core/flight.h"

#include "base/bytes.h"
#include "base/mem.h"

enum { PREFIX = 4, SPARE_MAX = 16, SPARE_BYTES_MAX = 4096 };

kci_flight *kci_flight_new(kci_network *network)
{
    kci_link *spare = kci_list_pop_front(&network->spare_flights);

    if (spare) {
        network->spare_flight_count--;
        return KCI_CONTAINER_OF(spare, kci_flight, link);
    }
    kci_flight *flight = kci_calloc(1, sizeof *flight);
    if (!flight)
        return NULL;
    flight->iov = flight->few;
    flight->iov_cap = KCI_FLIGHT_IOVS;
    return flight;
}

static void destroy(kci_flight *flight)
{
    kci_buf_free(&flight->head);
    kci_gaps_free(&flight->gaps);
    if (flight->iov != flight->few)
        kci_free(flight->iov);
    kci_free(flight);
}

static bool is_worth_keeping(const kci_network *network, const kci_flight *flight)
{
    return network->spare_flight_count < SPARE_MAX && flight->head.cap <= SPARE_BYTES_MAX &&
           flight->gaps.cap * sizeof *flight->gaps.list <= SPARE_BYTES_MAX &&
           (size_t)flight->iov_cap * sizeof *flight->iov <= SPARE_BYTES_MAX;
}

void kci_flight_free(kci_network *network, kci_flight *flight)
{
    if (!is_worth_keeping(network, flight)) {
        destroy(flight);
        return;
    }
    kci_buf head = flight->head;
    head.size = 0;
    head.failed = false;
    kci_gaps_clear(&flight->gaps);
    struct iovec *iov = flight->iov;
    *flight =
        (kci_flight){ .head = head, .gaps = flight->gaps, .iov = iov, .iov_cap = flight->iov_cap };
    kci_list_push_front(&network->spare_flights, &flight->link);
    network->spare_flight_count++;
}

void kci_flights_free_spare(kci_network *network)
{
    for (kci_link *l; (l = kci_list_pop_front(&network->spare_flights));)
        destroy(KCI_CONTAINER_OF(l, kci_flight, link));
    network->spare_flight_count = 0;
}

static kc_err reserve_iovs(kci_flight *flight, int count)
{
    if (count <= flight->iov_cap)
        return KC_OK;
    struct iovec *old = flight->iov == flight->few ? NULL : flight->iov;
    struct iovec *iov = kci_realloc_array(old, (size_t)count, sizeof *iov);
    if (!iov)
        return KC_E_NO_MEMORY;
    if (!old)
        memcpy(iov, flight->few, sizeof flight->few);
    flight->iov = iov;
    flight->iov_cap = count;
    return KC_OK;
}

/* Adds head's bytes from..to. */
static kc_err add_head(kci_flight *flight, size_t from, size_t to)
{
    kc_err err = from < to ? reserve_iovs(flight, flight->out.count + 1) : KC_OK;

    if (err == KC_OK && from < to)
        flight->iov[flight->out.count++] = (struct iovec){ flight->head.data + from, to - from };
    return err;
}

/* Adds the caller's iovecs of the index-th records field, which must have `size` bytes. */
static kc_err add_records(kci_flight *flight, kci_call *call, size_t index, size_t size)
{
    int count = 0;
    int room;

    do {
        kc_err err = reserve_iovs(flight, flight->out.count + (count ? count : 1));
        if (err != KC_OK)
            return err;
        room = flight->iov_cap - flight->out.count;
        count = call->records(call, index, flight->iov + flight->out.count, room);
    } while (count > room);
    for (int i = 0; i < count; i++) {
        size_t part = flight->iov[flight->out.count + i].iov_len;
        if (part > size)
            return KC_E_INTERNAL;
        size -= part;
    }
    flight->out.count += count < 0 ? 0 : count;
    return size == 0 ? KC_OK : KC_E_INTERNAL;
}

static kc_err lay_out(kci_flight *flight, kci_call *call)
{
    size_t at = 0;
    uint64_t total = flight->head.size - PREFIX;
    kc_err err = KC_OK;

    flight->out.count = 0;
    for (size_t i = 0; i < flight->gaps.count && err == KC_OK; i++) {
        const kci_gap *gap = &flight->gaps.list[i];
        err = add_head(flight, at, gap->offset);
        at = gap->offset;
        total += gap->records.size;
        if (err == KC_OK && gap->records.size)
            err = add_records(flight, call, i, gap->records.size);
    }
    if (err == KC_OK)
        err = add_head(flight, at, flight->head.size);
    if (err == KC_OK && total > INT32_MAX)
        err = KC_E_RECORD_TOO_LARGE;
    if (err == KC_OK)
        kci_store32(flight->head.data, (uint32_t)total);
    flight->out.iov = flight->iov;
    return err;
}

kc_err kci_flight_encode(kci_flight *flight, kci_call *call, int16_t version, int32_t correlation,
                         kc_bytes client_id)
{
    const kci_api *api = kci_api_get(call->api);

    if (!api)
        return KC_E_INVALID_ARGUMENT;
    flight->api = call->api;
    flight->version = version;
    flight->correlation = correlation;
    flight->no_response = call->no_response;
    flight->deadline_us = call->deadline_us;
    kci_buf_put32(&flight->head, 0);
    kc_err err =
        kci_request_header_encode(call->api, version, correlation, client_id, &flight->head);
    if (err == KC_OK)
        err = kci_encode(api->request, version, call->body, &flight->head,
                         call->records ? &flight->gaps : NULL);
    if (err == KC_OK && flight->head.failed)
        err = KC_E_NO_MEMORY;
    return err == KC_OK ? lay_out(flight, call) : err;
}

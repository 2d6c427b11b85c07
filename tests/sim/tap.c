/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/tap.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "core/throttle.h"
#include "sim/run.h"
#include "wire/messages.h"

enum { PREFIX = 4, THROTTLE_MAX_MS = 60000, IN_FLIGHT_DEFAULT = 5 };

static uint8_t *room(uint8_t *p, size_t *cap, size_t need)
{
    if (need <= *cap)
        return p;
    *cap = need * 2;
    p = realloc(p, *cap);
    if (!p)
        abort();
    return p;
}

/* --- out */

static bool is_setup(int16_t api)
{
    return api == KCI_API_API_VERSIONS || api == KCI_API_SASL_HANDSHAKE ||
           api == KCI_API_SASL_AUTHENTICATE;
}

static int in_flight(const sim_flow *f)
{
    int n = 0;
    for (int i = 0; i < f->due_count; i++)
        n += f->due[i].api == KCI_API_PRODUCE;
    return n;
}

static void check_in_flight(sim_tap *tap, const sim_flow *f)
{
    int64_t most = sim_plan_setting(tap->run->plan, "max.in.flight.requests.per.connection",
                                    IN_FLIGHT_DEFAULT);
    if (f->now.api == KCI_API_PRODUCE && in_flight(f) >= most)
        history_violation(tap->run->history, H_LIMIT,
                          "Produce while %d are in flight on the connection", in_flight(f));
}

static void check_pause(sim_tap *tap, const sim_flow *f)
{
    /* one of the same instant was on its way already */
    if (f->out_began > f->quiet_from && f->out_began < f->quiet_until)
        history_violation(tap->run->history, H_THROTTLE,
                          "%s is sent %.3f ms after a broker asked for a pause of %.3f ms",
                          kci_api_name(f->now.api), (double)(f->out_began - f->quiet_from) / 1000,
                          (double)(f->quiet_until - f->quiet_from) / 1000);
}

static void request_begins(sim_tap *tap, sim_flow *f)
{
    f->out_size = PREFIX + (size_t)kci_load32(f->head);
    f->now = (sim_due){ (int16_t)kci_load16(f->head + 4), (int16_t)kci_load16(f->head + 6),
                        (int32_t)kci_load32(f->head + 8) };
    tap->begun++;
    f->used |= !is_setup(f->now.api);
    check_pause(tap, f);
    check_in_flight(tap, f);
}

static void request_ends(sim_tap *tap, sim_flow *f)
{
    tap->written++;
    if (f->now.api >= 0 && f->now.api < SIM_TAP_APIS)
        tap->of_api[f->now.api]++;
    if (f->now.api == KCI_API_PRODUCE)
        sim_tap_produce(tap, f->out, f->out_size);
    f->out_got = f->out_size = 0;
    if (f->now.api == KCI_API_PRODUCE && tap->run->plan->acks == ACKS_NONE)
        return;
    if (f->due_count == SIM_TAP_DUE)
        abort();
    f->due[f->due_count++] = f->now;
}

/* The next bytes of a request; returns how many of them belong to it. */
static size_t take_out(sim_tap *tap, sim_flow *f, const uint8_t *data, size_t n)
{
    if (f->out_got == 0)
        f->out_began = sim_now(tap->run->world);
    bool begins = f->out_got < SIM_TAP_HEAD;
    size_t left = (begins ? SIM_TAP_HEAD : f->out_size) - f->out_got;
    n = n < left ? n : left;
    f->out = room(f->out, &f->out_cap, f->out_got + n);
    memcpy(f->out + f->out_got, data, n);
    if (begins)
        memcpy(f->head + f->out_got, data, n);
    f->out_got += n;
    if (begins && f->out_got == SIM_TAP_HEAD)
        request_begins(tap, f);
    if (f->out_got == f->out_size)
        request_ends(tap, f);
    return n;
}

static void wrote(void *arg, int sock, const struct iovec *iov, size_t asked, ssize_t took)
{
    sim_tap *tap = arg;
    sim_flow *f = tap->flows[sock];
    size_t left = took > 0 ? (size_t)took : 0;
    tap->writes++;
    tap->bytes_out += (int64_t)left;
    f->blocked = left < asked;
    kci_mem_fail_spare(true);
    for (; left > 0; iov++) {
        const uint8_t *data = iov->iov_base;
        size_t n = iov->iov_len < left ? iov->iov_len : left;
        left -= n;
        while (n > 0) {
            size_t took_now = take_out(tap, f, data, n);
            data += took_now;
            n -= took_now;
        }
    }
    kci_mem_fail_spare(false);
}

/* --- in */

/* What an answer asks for; 0 also when it cannot be read. */
static int32_t throttle_of(sim_tap *tap, const sim_due *due, kci_reader *in)
{
    const kci_msg *msg = kci_api_get(due->api)->response;
    kci_arena_reset(&tap->arena);
    void *body = kci_arena_alloc(&tap->arena, msg->size);
    if (!body || kci_decode(msg, due->version, in, &tap->arena, body) != KC_OK) {
        tap->damaged = true;
        return 0;
    }
    tap->arena.limit = 0;
    return kci_throttle_of(due->api, body);
}

static void note_pause(sim_tap *tap, sim_flow *f, const sim_due *due, kci_reader *in)
{
    int32_t ms = throttle_of(tap, due, in);
    if (ms <= 0 || is_setup(due->api)) /* the connection is not in use yet */
        return;
    int64_t now = sim_now(tap->run->world);
    int64_t us = (int64_t)(ms < THROTTLE_MAX_MS ? ms : THROTTLE_MAX_MS) * 1000;
    tap->throttles++;
    tap->throttle_us += us;
    if (f->blocked) /* requests before it are on their way to the socket */
        return;
    f->quiet_from = now;
    if (now + us > f->quiet_until)
        f->quiet_until = now + us;
}

static void answer_came(sim_tap *tap, sim_flow *f)
{
    sim_due due = f->due[0];
    kci_reader in = kci_reader_of(f->in + PREFIX, f->in_got - PREFIX);
    int32_t correlation = -1;
    tap->answers++;
    f->answers_now = f->answered_at == sim_now(tap->run->world) ? f->answers_now + 1 : 1;
    f->answered_at = sim_now(tap->run->world);
    if (f->due_count == 0 || f->lost ||
        kci_response_header_decode(due.api, due.version, &in, &correlation) != KC_OK ||
        correlation != due.correlation) {
        f->lost = tap->damaged = true;
        return;
    }
    memmove(f->due, f->due + 1, (size_t)--f->due_count * sizeof f->due[0]);
    if (due.api == KCI_API_FETCH)
        tap->fetch_bytes += (int64_t)(f->in_got - PREFIX);
    if (sim_plan_has(tap->run->plan, F_THROTTLE))
        note_pause(tap, f, &due, &in);
}

static size_t take_in(sim_tap *tap, sim_flow *f, const uint8_t *data, size_t n)
{
    size_t size = f->in_got < PREFIX ? PREFIX : PREFIX + (size_t)kci_load32(f->in);
    size_t left = size - f->in_got;
    n = n < left ? n : left;
    f->in = room(f->in, &f->in_cap, f->in_got + n);
    memcpy(f->in + f->in_got, data, n);
    f->in_got += n;
    if (f->in_got < PREFIX || f->in_got < PREFIX + (size_t)kci_load32(f->in))
        return n;
    answer_came(tap, f);
    f->in_got = 0;
    return n;
}

static void read_some(void *arg, int sock, const struct iovec *iov, ssize_t got)
{
    sim_tap *tap = arg;
    sim_flow *f = tap->flows[sock];
    size_t left = got > 0 ? (size_t)got : 0;
    tap->reads++;
    tap->bytes_in += (int64_t)left;
    kci_mem_fail_spare(true);
    for (; left > 0; iov++) {
        const uint8_t *data = iov->iov_base;
        size_t n = iov->iov_len < left ? iov->iov_len : left;
        left -= n;
        while (n > 0) {
            size_t took = take_in(tap, f, data, n);
            data += took;
            n -= took;
        }
    }
    kci_mem_fail_spare(false);
}

/* --- connections */

static void opened(void *arg, int sock)
{
    sim_tap *tap = arg;
    tap->flows[sock] = calloc(1, sizeof(sim_flow));
    if (!tap->flows[sock])
        abort();
    tap->opened++;
}

static void closed(void *arg, int sock)
{
    sim_tap *tap = arg;
    sim_flow *f = tap->flows[sock];
    bool at_answer = f->answers_now > 0 && f->answered_at == sim_now(tap->run->world);
    tap->unheard += at_answer ? f->answers_now : 0;
    tap->used += f->used;
    tap->answered += f->answered_at > 0;
    tap->unproven += at_answer || f->blocked || f->due_count > 0 || f->out_got > 0;
    tap->flows[sock] = NULL;
    free(f->in);
    free(f->out);
    free(f);
}

static const sim_wire wire = { opened, wrote, read_some, closed };

void sim_tap_open(sim_run *r)
{
    r->tap = calloc(1, sizeof *r->tap);
    if (!r->tap || kci_decompressor_new(&r->tap->decompressor) != KC_OK)
        abort();
    r->tap->run = r;
    sim_listen_in(r->world, &wire, r->tap);
}

void sim_tap_close(sim_run *r)
{
    sim_listen_in(r->world, NULL, NULL);
    for (int i = 0; i < SIM_MAX_SOCKS; i++)
        if (r->tap->flows[i])
            closed(r->tap, i);
    kci_decompressor_free(r->tap->decompressor);
    kci_arena_free(&r->tap->arena);
    free(r->tap->tries);
    free(r->tap);
    r->tap = NULL;
}

int sim_tap_tries(const sim_run *r, uint64_t id)
{
    return id < r->tap->tries_cap ? r->tap->tries[id] : 0;
}

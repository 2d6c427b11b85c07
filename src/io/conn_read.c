/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of a stream. What is read lands in a small buffer, from which small frames are copied,
 * several for one read. Once a frame has begun that is larger than what is here, its rest is read
 * straight into the frame's own memory, and what follows it into the buffer by the same call.
 *
 * Invariant between reads: if a frame is being filled, the buffer is empty. */
#include "io/conn_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"

enum {
    TURN_BYTES =
        1024 * 1024, /* a connection's share of a turn, so that it does not starve others */
    TURN_FRAMES = 128,
    PREFIX = 4
};

bool kci_conn_has_input(const kci_conn *c)
{
    if (c->frame ? c->frame_got == c->frame->size : c->in_end - c->in_pos >= PREFIX)
        return true;
    return c->stream && kci_tls_stream_has_input(c->stream);
}

static const char *name_speaker(const uint8_t *p)
{
    if ((p[0] == 0x15 || p[0] == 0x16) && p[1] == 0x03 && p[2] <= 0x04)
        return p[0] == 0x15 ? "it speaks TLS: set security.protocol to SSL or SASL_SSL"
                            : "it begins a TLS handshake: this listener is plain, not TLS";
    if (memcmp(p, "HTTP", 4) == 0)
        return "it is an HTTP server: check the port";
    if (memcmp(p, "GET ", 4) == 0 || memcmp(p, "POST", 4) == 0 || memcmp(p, "HEAD", 4) == 0)
        return "it is an HTTP client";
    if (memcmp(p, "SSH-", 4) == 0)
        return "it is an SSH server: check the port";
    return NULL;
}

/* True for four bytes that cannot be the length of a frame; the connection has ended then. */
static bool refuse_length(kci_conn *c, const uint8_t *p)
{
    uint32_t size = kci_load32(p);
    const char *speaker = name_speaker(p);
    bool fits = size > 0 && size <= INT32_MAX && size <= c->max_frame;
    if (fits && (c->any_frame || !speaker))
        return false;
    char peer[KCI_ADDR_TEXT_SIZE];
    if (speaker && !c->any_frame)
        kci_conn_end(c, KC_E_PROTOCOL, "%s does not speak Kafka's protocol: %s",
                     kci_conn_peer(c, peer), speaker);
    else if (size == 0)
        kci_conn_end(c, KC_E_PROTOCOL,
                     "%s sent zero bytes where the length of a frame should be: it does not speak "
                     "Kafka's protocol; check host and port",
                     kci_conn_peer(c, peer));
    else if (c->any_frame && size <= INT32_MAX)
        kci_conn_end(c, KC_E_RESPONSE_TOO_LARGE,
                     "%s announced an answer of %u bytes, the limit is %u: raise "
                     "receive.message.max.bytes",
                     kci_conn_peer(c, peer), (unsigned)size, (unsigned)c->max_frame);
    else
        kci_conn_end(
            c, KC_E_PROTOCOL,
            "%s announced a frame of %d bytes (hex %02x%02x%02x%02x), the limit is %u: it does "
            "not speak Kafka's protocol, or the limit is too low",
            kci_conn_peer(c, peer), (int)(int32_t)size, p[0], p[1], p[2], p[3],
            (unsigned)c->max_frame);
    return true;
}

/* Begins a frame from the prefix at the buffer's start; false when the connection ended. */
static bool begin_frame(kci_conn *c)
{
    const uint8_t *prefix = c->in + c->in_pos;
    if (refuse_length(c, prefix))
        return false;
    uint32_t size = kci_load32(prefix);
    c->frame = kci_frame_new(c->pool, size);
    if (!c->frame) {
        kci_conn_end(c, KC_E_NO_MEMORY, "out of memory for a frame of %u bytes", (unsigned)size);
        return false;
    }
    c->frame_got = 0;
    c->in_pos += PREFIX;
    return true;
}

/* Moves bytes from the buffer to the frame. */
static void fill_frame(kci_conn *c)
{
    uint32_t want = c->frame->size - c->frame_got;
    uint32_t have = c->in_end - c->in_pos;
    uint32_t n = want < have ? want : have;
    memcpy(c->frame->data + c->frame_got, c->in + c->in_pos, n);
    c->frame_got += n;
    c->in_pos += n;
}

static void hand_out(kci_conn *c)
{
    kci_frame *frame = c->frame;
    c->frame = NULL;
    c->any_frame = true;
    c->ops.on_frame(c->arg, c, frame);
}

/* Hands out the whole frames that are here; false when it has to stop: the connection ended,
 * reading was switched off, or the turn's share is used up. */
static bool parse(kci_conn *c, int *frames)
{
    while (c->state == CONN_UP && c->reading) {
        if (!c->frame && c->in_end - c->in_pos < PREFIX)
            return true;
        if (*frames == 0)
            return false;
        if (!c->frame && !begin_frame(c))
            return false;
        fill_frame(c);
        if (c->frame_got < c->frame->size)
            return true;
        --*frames;
        hand_out(c);
    }
    return false;
}

/* Reads once: into the frame's rest, if there is one, and into the buffer. `space`: what was asked.
 */
static ssize_t read_once(kci_conn *c, size_t most, size_t *space)
{
    uint32_t left = c->in_end - c->in_pos; /* less than a prefix */
    if (left)
        memmove(c->in, c->in + c->in_pos, left);
    c->in_pos = 0;
    c->in_end = left;

    struct iovec iov[2];
    int n = 0;
    *space = 0;
    if (c->frame) {
        size_t rest = c->frame->size - c->frame_got;
        iov[n++] = (struct iovec){ c->frame->data + c->frame_got, rest < most ? rest : most };
        *space = iov[0].iov_len;
    }
    if (*space < most) {
        iov[n++] = (struct iovec){ c->in + left, CONN_IN_SIZE - left };
        *space += CONN_IN_SIZE - left;
    }
    ssize_t got =
        c->stream ? kci_tls_stream_readv(c->stream, iov, n) : kci_csock_readv(&c->sock, iov, n);
    if (got <= 0)
        return got;
    size_t to_frame = 0;
    if (c->frame) {
        to_frame = (size_t)got < iov[0].iov_len ? (size_t)got : iov[0].iov_len;
        c->frame_got += (uint32_t)to_frame;
    }
    c->in_end += (uint32_t)((size_t)got - to_frame);
    return got;
}

static void end_of_input(kci_conn *c)
{
    char buf[KCI_ADDR_TEXT_SIZE];
    const char *peer = kci_conn_peer(c, buf);
    uint32_t loose = c->in_end - c->in_pos;
    if (c->frame)
        kci_conn_end(c, KC_E_TRANSPORT,
                     "%s closed the connection in the middle of a frame (%u of %u bytes)", peer,
                     (unsigned)c->frame_got, (unsigned)c->frame->size);
    else if (loose)
        kci_conn_end(c, KC_E_TRANSPORT,
                     "%s closed the connection in the middle of a frame's length", peer);
    else if (kci_conn_is_unanswered(c))
        kci_conn_end_errno(c, -ECONNRESET, "while reading");
    else
        kci_conn_end(c, KC_E_TRANSPORT, "%s closed the connection", peer);
}

static void end_by_read(kci_conn *c, ssize_t got)
{
    if (got == 0)
        end_of_input(c);
    else if (got == -EPROTO && c->stream)
        kci_conn_end(c, KC_E_TLS, "%s", kci_tls_stream_why(c->stream));
    else
        kci_conn_end_errno(c, (int)got, "while reading");
}

void kci_conn_input(kci_conn *c)
{
    int frames = TURN_FRAMES;
    size_t bytes = TURN_BYTES;
    bool more = true; /* the socket may hold more */
    while (parse(c, &frames) && more && bytes > 0) {
        size_t space;
        ssize_t got = read_once(c, bytes, &space);
        if (got == -EAGAIN)
            return;
        if (got <= 0) {
            end_by_read(c, got);
            return;
        }
        c->last_active = kci_loop_now(c->loop);
        bytes -= (size_t)got < bytes ? (size_t)got : bytes;
        more = (size_t)got == space || c->stream;
    }
    if (c->state == CONN_UP && c->reading && kci_conn_has_input(c))
        kci_conn_schedule(c, TODO_READ);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for answers: how much to ask a broker for. Before a Fetch goes out, room for its answer is
 * reserved: what is held, reserved and needed to decompress a block stays below fetch.buffer.bytes.
 * What is reserved is what the answer can take: its frame with the rounding of frames, and its
 * slices. Half of the limit is shared out among brokers, so that one that waits for records does
 * not keep others from being asked.
 *
 * A broker may send more than it was asked for: a first batch that is larger than the limits
 * (KIP-74), long lists of aborted transactions. That is remembered, and from then on reserved for;
 * if it can never fit, brokers are asked one at a time. So the limit can be exceeded by one such
 * answer per broker the first time, and by one later. What polls make comes on top: views, and
 * decompressed blocks beyond the one that room is kept for (a quarter of the limit at most). */
#include "base/planted.h"
#include "consumer/consumer.h"

enum {
    FIELDS = 4 * 1024, /* of an answer, beside its records */
    FIELDS_PART = 64   /* of each partition in it */
};

/* Room kept for one decompressed block. */
static size_t block_room(kc_consumer *c)
{
    size_t block = kci_credit_largest_block(c->credit);
    size_t most = kci_credit_limit(c->credit) / 4;
    return block < most ? block : most;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many bytes to ask the source for, if there were nothing else. */
static size_t fair_share(kc_consumer *c, const kci_source *s)
{
    size_t limit = kci_credit_limit(c->credit);
    size_t share = limit / 2 / (size_t)(c->fetcher.active > 0 ? c->fetcher.active : 1);
    size_t part = (size_t)c->set.fetch.max_partition_bytes;
    size_t want = (size_t)s->session.wanted > SIZE_MAX / (part + 1)
                      ? SIZE_MAX
                      : part * (size_t)s->session.wanted;
    size_t ask = min_size(min_size(want, share), (size_t)c->set.fetch.max_bytes);
    return ask > 0 ? ask : 1;
}

/* Bytes of memory for an answer with so many bytes of records. */
static size_t need_for(kc_consumer *c, const kci_source *s, size_t ask)
{
    size_t wanted = (size_t)s->session.wanted;
    size_t fields = FIELDS + min_size(wanted * FIELDS_PART, ask);
    size_t slices = min_size(wanted, ask / KCI_BATCH_PREFIX_SIZE + 1);
    size_t need = kci_frame_most(ask + fields) + kci_fetched_size(slices, 0);
    return need > c->room.largest_answer ? need : c->room.largest_answer;
}

static size_t reserve(kc_consumer *c, kci_source *s, size_t bytes, size_t ask)
{
    s->reserved = bytes;
    c->room.reserved += bytes;
    return ask;
}

size_t kci_room_reserve(kc_consumer *c, kci_source *s)
{
    size_t limit = kci_credit_limit(c->credit);
    size_t held = kci_credit_held(c->credit);
    size_t used = held + c->room.reserved + block_room(c);
    size_t ask = fair_share(c, s);
    size_t need = need_for(c, s, ask);
    if ((used <= limit && need <= limit - used) || KCI_BUG(FETCH_UNBOUNDED))
        return reserve(c, s, need, ask);
    /* Limits that are too small for anything: one at a time. */
    if (c->room.reserved == 0 && held <= limit / 4)
        return reserve(c, s, min_size(need, limit), ask);
    return 0;
}

void kci_room_release(kc_consumer *c, kci_source *s)
{
    c->room.reserved -= s->reserved;
    s->reserved = 0;
}

void kci_room_note(kc_consumer *c, const kci_source *s, size_t bytes)
{
    if (bytes > s->reserved && bytes > c->room.largest_answer)
        c->room.largest_answer = bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/place.h"

#include <assert.h>

#include "base/err.h"

enum {
    UPSETS_MAX = 3,            /* in a row without a pause */
    UPSETS_COUNTED = 30,       /* the pauses have reached their longest long before */
    CALM_US = 10 * 1000 * 1000 /* after so long they are not in a row */
};

static void set_state(kci_place *pl, kci_place_state state)
{
#define TO(s) (1u << KCI_PLACE_##s)
    static const uint8_t allowed[KCI_PLACE_STATE_COUNT] = {
        [KCI_PLACE_UNPLACED] = TO(UNPLACED) | TO(PLACING) | TO(FETCHING) | TO(STOPPED),
        [KCI_PLACE_PLACING] = TO(UNPLACED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PLACE_UNCHECKED] = TO(UNPLACED) | TO(CHECKING) | TO(FETCHING) | TO(STOPPED),
        [KCI_PLACE_CHECKING] = TO(UNPLACED) | TO(UNCHECKED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PLACE_FETCHING] = TO(UNPLACED) | TO(UNCHECKED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PLACE_STOPPED] = TO(UNPLACED) | TO(FETCHING),
    };
#undef TO
    assert(allowed[pl->state] & (1u << state));
    (void)allowed;
    pl->state = state;
}

void kci_place_init(kci_place *pl, const kc_position *target)
{
    *pl = (kci_place){ .state = KCI_PLACE_UNPLACED, .target = *target };
    pl->position = pl->tail_end = pl->fetch_offset = -1;
    pl->position_epoch = pl->fetch_epoch = pl->checked_epoch = -1;
    pl->high_watermark = pl->last_stable = pl->log_start = -1;
}

/* ---- positions ---------------------------------------------------------------------------- */

void kci_place_rewind(kci_place *pl)
{
    pl->fetch_offset = pl->position;
    pl->fetch_epoch = pl->position_epoch;
    pl->token++;
}

void kci_place_set(kci_place *pl, int64_t offset, int32_t epoch)
{
    pl->position = offset;
    pl->position_epoch = epoch;
    pl->epoch_unsure = pl->told = pl->recreated = false;
    set_state(pl, KCI_PLACE_FETCHING);
    kci_place_rewind(pl);
}

static bool is_offset(const kc_position *p)
{
    return p->kind == KC_POSITION_OFFSET || p->kind == KC_POSITION_OFFSET_EPOCH;
}

static void set_to_target(kci_place *pl)
{
    bool epoch = pl->target.kind == KC_POSITION_OFFSET_EPOCH;
    kci_place_set(pl, pl->target.value, epoch ? pl->target.leader_epoch : -1);
}

bool kci_place_seek(kci_place *pl, const kc_position *to)
{
    pl->target = *to;
    pl->tail_end = -1;
    if (is_offset(to)) {
        set_to_target(pl);
        pl->checked_epoch = -1;
        return true;
    }
    set_state(pl, KCI_PLACE_UNPLACED);
    pl->told = pl->recreated = false;
    kci_place_rewind(pl);
    return false;
}

void kci_place_read(kci_place *pl, int64_t position, int32_t epoch)
{
    pl->position = position;
    pl->position_epoch = epoch;
}

void kci_place_stop(kci_place *pl, kc_err err)
{
    set_state(pl, KCI_PLACE_STOPPED);
    pl->stop_error = err;
    kci_place_rewind(pl);
}

void kci_place_reset(kci_place *pl)
{
    pl->target = (kc_position){ KC_POSITION_STORED, -1, 0 };
    pl->tail_end = -1;
    pl->token++;
    set_state(pl, KCI_PLACE_UNPLACED);
}

uint32_t kci_place_upset(kci_place *pl, int64_t now_us)
{
    if (now_us - pl->upset_us > CALM_US)
        pl->upsets = 0;
    pl->upset_us = now_us;
    pl->upsets += pl->upsets < UPSETS_COUNTED;
    return pl->upsets > UPSETS_MAX ? pl->upsets - UPSETS_MAX : 0;
}

/* ---- questions ---------------------------------------------------------------------------- */

/* The timestamp to ask for; the target is none of the kinds that need no question. */
static int64_t timestamp_of(const kci_place *pl)
{
    switch (pl->target.kind) {
    case KC_POSITION_BEGINNING:
        return KCI_TIMESTAMP_EARLIEST;
    case KC_POSITION_TIMESTAMP:
        return pl->target.value;
    case KC_POSITION_TAIL: /* the end first, then the beginning: the tail may be longer than the log
                            */
        return pl->tail_end < 0 ? KCI_TIMESTAMP_LATEST : KCI_TIMESTAMP_EARLIEST;
    default:
        return KCI_TIMESTAMP_LATEST;
    }
}

static kci_place_step ask(kci_place *pl, kci_probe_kind kind, kci_place_state state)
{
    pl->probe.kind = kind;
    pl->probe_token = pl->token;
    set_state(pl, state);
    return KCI_STEP_ASK;
}

bool kci_place_needs_reset(const kci_place *pl)
{
    return pl->state == KCI_PLACE_UNPLACED && pl->target.kind == KC_POSITION_STORED;
}

kci_place_step kci_place_next(kci_place *pl, const kc_position *reset)
{
    bool placing = pl->state == KCI_PLACE_UNPLACED;
    if ((!placing && pl->state != KCI_PLACE_UNCHECKED) || pl->probe.busy)
        return KCI_STEP_NONE;
    if (!placing) {
        pl->probe.epoch = pl->fetch_epoch;
        return ask(pl, KCI_PROBE_EPOCH, KCI_PLACE_CHECKING);
    }
    if (kci_place_needs_reset(pl)) {
        if (!reset)
            return KCI_STEP_NO_OFFSET;
        pl->target = *reset;
    }
    if (is_offset(&pl->target)) {
        set_to_target(pl);
        return KCI_STEP_PLACED;
    }
    pl->probe.timestamp = timestamp_of(pl);
    return ask(pl, KCI_PROBE_OFFSET, KCI_PLACE_PLACING);
}

bool kci_place_is_current(const kci_place *pl)
{
    return pl->probe_token == pl->token;
}

static kci_place_news placed(kci_place *pl, int32_t leader_epoch)
{
    int64_t offset = pl->probe.offset;
    int32_t epoch = pl->probe.found_epoch;
    set_state(pl, KCI_PLACE_UNPLACED);
    if (pl->target.kind == KC_POSITION_TIMESTAMP && offset < 0) { /* no record is that young */
        pl->target = kc_position_end();
        return KCI_NEWS_AGAIN;
    }
    if (pl->target.kind == KC_POSITION_TAIL && pl->tail_end < 0) {
        pl->tail_end = offset < 0 ? 0 : offset;
        return KCI_NEWS_AGAIN;
    }
    if (pl->target.kind == KC_POSITION_TAIL) {
        int64_t from = pl->target.value < pl->tail_end ? pl->tail_end - pl->target.value : 0;
        epoch = from > offset ? -1 : epoch;
        offset = from > offset ? from : offset;
        pl->tail_end = -1;
    }
    kci_place_set(pl, offset < 0 ? 0 : offset, epoch);
    pl->checked_epoch = leader_epoch;
    return KCI_NEWS_PLACED;
}

static kci_place_news checked(kci_place *pl, int32_t leader_epoch)
{
    set_state(pl, KCI_PLACE_FETCHING);
    if (pl->probe.offset < 0 || pl->probe.found_epoch < 0) {
        pl->probe.offset = pl->probe.found_epoch = -1;
        return KCI_NEWS_TRUNCATED;
    }
    if (pl->probe.offset < pl->fetch_offset)
        return KCI_NEWS_TRUNCATED;
    pl->checked_epoch = leader_epoch;
    return KCI_NEWS_INTACT;
}

kci_place_news kci_place_answered(kci_place *pl, int32_t leader_epoch)
{
    bool placing = pl->state == KCI_PLACE_PLACING;
    return placing ? placed(pl, leader_epoch) : checked(pl, leader_epoch);
}

bool kci_place_unanswered(kci_place *pl, kc_err err, int32_t leader_epoch)
{
    if (pl->state == KCI_PLACE_CHECKING && err == KC_E_UNSUPPORTED_VERSION) {
        set_state(pl, KCI_PLACE_FETCHING);
        pl->checked_epoch = leader_epoch;
        return true;
    }
    bool placing = pl->state == KCI_PLACE_PLACING;
    set_state(pl, placing ? KCI_PLACE_UNPLACED : KCI_PLACE_UNCHECKED);
    return false;
}

void kci_place_doubt(kci_place *pl)
{
    set_state(pl, KCI_PLACE_UNCHECKED);
}

bool kci_place_is_doubtful(const kci_place *pl, int32_t leader_epoch)
{
    return pl->fetch_epoch >= 0 && leader_epoch >= 0 && pl->checked_epoch < leader_epoch;
}

void kci_place_confirmed(kci_place *pl, int32_t leader_epoch)
{
    pl->checked_epoch = leader_epoch;
}

/* ---- fetches ------------------------------------------------------------------------------ */

void kci_place_fetched(kci_place *pl, int64_t next, bool records, int32_t epoch,
                       int32_t asked_epoch)
{
    pl->fetch_offset = next;
    if (records) /* of a leader that is still to come they are a lie */
        pl->fetch_epoch = epoch <= asked_epoch ? epoch : -1;
    pl->epoch_unsure = false;
}

void kci_place_drop_epoch(kci_place *pl)
{
    pl->epoch_unsure = true;
}

int32_t kci_place_epoch_to_send(const kci_place *pl)
{
    return pl->epoch_unsure ? -1 : pl->fetch_epoch;
}

void kci_place_told(kci_place *pl, int64_t high_watermark, int64_t last_stable, int64_t log_start)
{
    pl->high_watermark = high_watermark;
    pl->last_stable = last_stable;
    pl->log_start = log_start;
    pl->told = true;
}

void kci_place_told_nothing(kci_place *pl)
{
    pl->told = true;
}

int64_t kci_place_end(const kci_place *pl, bool committed)
{
    return committed ? pl->last_stable : pl->high_watermark;
}

/* ---- the topic ---------------------------------------------------------------------------- */

void kci_place_recreated(kci_place *pl)
{
    pl->recreated = pl->state != KCI_PLACE_STOPPED;
    bool placing = pl->state == KCI_PLACE_PLACING;
    if (!placing && pl->state != KCI_PLACE_CHECKING)
        return;
    pl->token++; /* what is being asked is about the old one */
    set_state(pl, placing ? KCI_PLACE_UNPLACED : KCI_PLACE_UNCHECKED);
}

void kci_place_forget_log(kci_place *pl)
{
    pl->recreated = false;
    pl->checked_epoch = -1;
    pl->high_watermark = pl->last_stable = pl->log_start = -1;
}

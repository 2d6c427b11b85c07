/* SPDX-License-Identifier: Apache-2.0 */
/* What goes into which request, and when: nothing that was sent is left behind, whatever fits or
 * does not. After the last record there is silence: what was forgotten is not made up for. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "unit/producer/script.h"

static script s;

static void expect_delivered(int count)
{
    script_await(&s, count);
    for (int i = 0; i < count; i++) {
        cr_assert_eq(s.outcomes[i].reports, 1);
        cr_assert_eq(s.outcomes[i].err, KC_OK, "record %d: %s", i,
                     kc_error_name(s.outcomes[i].err));
    }
}

/* No partition is twice in a request, nor is a topic. */
static void expect_sound_requests(void)
{
    for (int i = 0; i < s.count; i++)
        for (int j = i + 1; j < s.count && s.seen[j].request == s.seen[i].request; j++) {
            bool same_topic = strcmp(s.seen[i].topic, s.seen[j].topic) == 0;
            cr_assert(!same_topic || s.seen[i].partition != s.seen[j].partition);
            cr_assert(same_topic || strcmp(s.seen[j - 1].topic, s.seen[j].topic) == 0 ||
                          strcmp(s.seen[j].topic, s.seen[i].topic) != 0,
                      "topics are not together");
        }
}

/* One record to each of so many partitions, all at once. */
static void one_each(int partitions, int max_request_size)
{
    char property[40];
    const char *const properties[] = { property, "linger.ms=5", NULL };
    snprintf(property, sizeof property, "max.request.size=%d", max_request_size);
    script_start(&s, 1, partitions, properties);
    for (int i = 0; i < partitions; i++)
        script_send(&s, i, "t", i);
    expect_delivered(partitions);
    cr_assert_eq(s.count, partitions, "each goes once");
    cr_assert_leq(s.largest, (size_t)max_request_size);
    expect_sound_requests();
    script_stop(&s);
}

/* A batch of one record takes some 70 bytes: one, two, three and more of them fit. */
Test(sender, what_does_not_fit_goes_next)
{
    for (int size = 200; size < 800; size += 37)
        one_each(60, size);
    one_each(60, 100000);
    one_each(2, 250);
    one_each(3, 250);
}

Test(sender, all_fit_into_one_request)
{
    const char *const properties[] = { "linger.ms=5", NULL };
    script_start(&s, 1, 60, properties);
    for (int i = 0; i < 60; i++)
        script_send(&s, i, "t", i);
    expect_delivered(60);
    cr_assert_eq(s.requests, 1);
    script_stop(&s);
}

/* A trickle to many partitions: each record finds others waiting, the last ones find silence. */
Test(sender, a_trickle_to_many_partitions)
{
    const char *const properties[] = { "max.request.size=300", "linger.ms=0",
                                       "max.in.flight.requests.per.connection=2", NULL };
    script_start(&s, 3, 60, properties);
    for (int i = 0; i < 1200; i++) {
        script_send(&s, i, "t", i * 7 % 60);
        if (i % 10 == 0)
            script_run(&s, 1);
    }
    expect_delivered(1200);
    for (int p = 0; p < 60; p++)
        cr_assert_eq(s.ends[0][p], 20);
    expect_sound_requests();
    script_stop(&s);
}

/* With more than five in flight there can be no idempotence. */
static const char *const *not_idempotent(const char *const *properties)
{
    static const char *more[8];
    int n = 0;
    for (; properties[n]; n++)
        more[n] = properties[n];
    more[n++] = "enable.idempotence=false";
    more[n] = NULL;
    return more;
}

static int32_t hold(script *script_, const script_batch *b)
{
    (void)script_, (void)b;
    return SCRIPT_HOLD;
}

Test(sender, so_many_in_flight_and_no_more)
{
    for (int limit = 1; limit <= 5; limit++) {
        char property[64];
        const char *const properties[] = { property, "batch.size=0", "linger.ms=0", NULL };
        snprintf(property, sizeof property, "max.in.flight.requests.per.connection=%d", limit);
        script_start(&s, 1, 1, properties);
        script_send(&s, 0, "t", 0);
        expect_delivered(1);
        s.answer = hold;
        for (int i = 1; i < 20; i++)
            script_send(&s, i, "t", 0);
        script_run(&s, 100);
        cr_assert_eq(s.requests, 1 + limit, "%d instead of %d", s.requests, 1 + limit);
        script_release(&s);
        script_run(&s, 100);
        cr_assert_eq(s.requests, 1 + 2 * limit);
        s.answer = NULL;
        script_release(&s);
        expect_delivered(20);
        cr_assert_leq(s.most_in_flight, limit);
        for (int i = 0; i < 20; i++)
            cr_assert_eq(s.outcomes[i].offset, i);
        script_stop(&s);
    }
}

/* The limit is the broker's, not each partition's. */
Test(sender, so_many_in_flight_for_all_partitions)
{
    for (int limit = 1; limit <= 7; limit++) {
        char property[64];
        const char *const properties[] = { property, "max.request.size=130", "linger.ms=0", NULL };
        snprintf(property, sizeof property, "max.in.flight.requests.per.connection=%d", limit);
        script_start(&s, 1, 20, limit > 5 ? not_idempotent(properties) : properties);
        script_send(&s, 0, "t", 0);
        expect_delivered(1);
        s.answer = hold;
        for (int i = 0; i < 20; i++)
            script_send(&s, 1 + i, "t", i);
        for (int round = 1; round * limit <= 20; round++) {
            script_run(&s, 100);
            cr_assert_eq(s.requests, 1 + round * limit, "%d instead of %d", s.requests,
                         1 + round * limit);
            script_release(&s);
        }
        s.answer = NULL;
        expect_delivered(21);
        cr_assert_eq(s.most_in_flight, limit);
        script_stop(&s);
    }
}

/* Who has more to send waits until the others had their turn. */
Test(sender, partitions_take_turns)
{
    const char *const properties[] = { "batch.size=0", "max.request.size=250", "linger.ms=0",
                                       "max.in.flight.requests.per.connection=1", NULL };
    script_start(&s, 1, 6, properties);
    s.answer = hold;
    int sent = 0;
    for (int p = 0; p < 6; p++)
        for (int i = 0; i < 4; i++)
            script_send(&s, sent++, "t", p);
    for (int turns = 0; s.reported < sent && turns < 100; turns++) {
        script_run(&s, 10);
        script_release(&s);
    }
    expect_delivered(sent);
    int times[6] = { 0 };
    for (int i = 0; i < s.count; i++) {
        int fewest = 99;
        for (int p = 0; p < 6; p++)
            fewest = times[p] < fewest ? times[p] : fewest;
        times[s.seen[i].partition]++;
        cr_assert_leq(times[s.seen[i].partition], fewest + 2, "batch %d", i);
    }
    script_stop(&s);
}

/* ---- when ---- */

Test(sender, a_batch_goes_after_linger_or_when_it_is_full)
{
    const char *const properties[] = { "linger.ms=100", "batch.size=200", NULL };
    script_start(&s, 1, 2, properties);
    script_send(&s, 0, "t", 0);
    script_run(&s, 1000); /* connected */
    int64_t begun = sim_now(s.fake.world);
    script_send(&s, 1, "t", 0);
    script_run(&s, 95);
    cr_assert_eq(s.count, 1);
    script_run(&s, 10);
    cr_assert_eq(s.count, 2);
    int64_t took = s.seen[1].at_us - begun;
    cr_assert(took >= 100000 && took < 102000, "%lld us", (long long)took);
    begun = sim_now(s.fake.world);
    for (int i = 2; i < 40; i++)
        script_send(&s, i, "t", 1);
    script_run(&s, 5);
    cr_assert_gt(s.count, 3, "full ones do not wait");
    expect_delivered(40);
    script_stop(&s);
}

Test(sender, nothing_goes_without_a_leader)
{
    script_start(&s, 2, 2, NULL);
    script_send(&s, 0, "t", 0);
    expect_delivered(1);
    s.fake.topics[0].leader[1] = -1;
    kci_client_refresh(s.fake.client);
    script_run(&s, 1000);
    int asked = fake_total(&s.fake, KCI_API_METADATA);
    script_send(&s, 1, "t", 1);
    script_run(&s, 5000);
    cr_assert_eq(s.count, 1);
    int asks = fake_total(&s.fake, KCI_API_METADATA) - asked;
    cr_assert(asks >= 2 && asks <= 50, "asked %d times in 5 s who leads", asks);
    s.fake.topics[0].leader[1] = 2;
    s.fake.topics[0].epoch[1]++;
    expect_delivered(2);
    cr_assert_eq(s.seen[1].broker, 2);
    script_stop(&s);
}

Test(sender, one_broker_down_is_no_matter_of_the_others)
{
    script_start(&s, 3, 6, NULL);
    for (int p = 0; p < 6; p++)
        script_send(&s, p, "t", p);
    expect_delivered(6);
    fake_broker_stop(&s.fake.brokers[1]);
    for (int i = 6; i < 606; i++)
        script_send(&s, i, "t", i % 6);
    script_run(&s, 2000);
    cr_assert_eq(s.reported, 6 + 400);
    fake_broker_start(&s.fake.brokers[1]);
    expect_delivered(606);
    script_stop(&s);
}

Test(sender, what_waits_goes_to_the_new_leader)
{
    script_start(&s, 2, 1, NULL);
    script_send(&s, 0, "t", 0);
    expect_delivered(1);
    fake_broker_stop(&s.fake.brokers[0]);
    s.fake.controller = 2;
    for (int i = 1; i < 10; i++)
        script_send(&s, i, "t", 0);
    script_run(&s, 1000);
    cr_assert_eq(s.reported, 1);
    s.fake.topics[0].leader[0] = 2;
    s.fake.topics[0].epoch[0] = 2;
    expect_delivered(10);
    cr_assert_eq(s.seen[s.count - 1].broker, 2);
    fake_broker_start(&s.fake.brokers[0]);
    script_stop(&s);
}

/* ---- numbers and fields ---- */

Test(sender, one_id_for_all)
{
    script_start(&s, 3, 30, NULL);
    for (int i = 0; i < 300; i++)
        script_send(&s, i, "t", i % 30);
    expect_delivered(300);
    for (int i = 0; i < 300; i++) {
        script_send(&s, 300 + i, "t", i % 30);
        script_run(&s, 1);
    }
    expect_delivered(600);
    cr_assert_eq(s.inits, 1);
    int32_t next[30] = { 0 };
    for (int i = 0; i < s.count; i++) {
        cr_assert_eq(s.seen[i].producer_id, 100);
        cr_assert_eq(s.seen[i].epoch, 0);
        cr_assert_eq(s.seen[i].sequence, next[s.seen[i].partition]);
        next[s.seen[i].partition] += s.seen[i].count;
    }
    script_stop(&s);
}

Test(sender, without_idempotence_there_is_no_id)
{
    const char *const properties[] = { "enable.idempotence=false", "acks=1",
                                       "request.timeout.ms=1234", NULL };
    script_start(&s, 1, 1, properties);
    script_send(&s, 0, "t", 0);
    expect_delivered(1);
    cr_assert_eq(s.inits, 0);
    cr_assert_eq(s.seen[0].producer_id, -1);
    cr_assert_eq(s.seen[0].sequence, -1);
    cr_assert_eq(s.last.acks, 1);
    cr_assert_eq(s.last.timeout_ms, 1234);
    cr_assert_eq(s.last_version, 13, "topics go by id");
    script_stop(&s);
}

Test(sender, topics_without_id_go_by_name)
{
    script_start(&s, 1, 1, NULL);
    fake_topic *old = fake_add_topic(&s.fake, "old", 1);
    old->id = (kc_uuid){ 0 };
    script_send(&s, 0, "t", 0);
    expect_delivered(1);
    cr_assert_eq(s.last.acks, -1);
    cr_assert_eq(s.last_version, 13);
    script_send(&s, 1, "old", 0);
    script_send(&s, 2, "t", 0);
    expect_delivered(3);
    cr_assert_eq(s.last_version, 12);
    script_stop(&s);
}

Test(sender, an_id_is_asked_for_until_it_comes)
{
    script_start(&s, 1, 1, NULL);
    s.init_err = KC_E_COORDINATOR_LOAD_IN_PROGRESS;
    script_send(&s, 0, "t", 0);
    script_run(&s, 3000);
    cr_assert_eq(s.count, 0);
    cr_assert(s.inits >= 2 && s.inits < 40, "asked %d times in 3 s", s.inits);
    s.init_err = KC_OK;
    expect_delivered(1);
    script_stop(&s);
}

/* ---- several topics, several producers ---- */

Test(sender, several_topics_in_one_request)
{
    const char *const properties[] = { "linger.ms=5", NULL };
    script_start(&s, 1, 4, properties);
    fake_add_topic(&s.fake, "u", 4);
    fake_add_topic(&s.fake, "v", 4);
    static const char *const names[] = { "t", "u", "v" };
    for (int i = 0; i < 3; i++) /* all are known */
        script_send(&s, i, names[i], 0);
    expect_delivered(3);
    int before = s.requests;
    for (int i = 3; i < 15; i++)
        script_send(&s, i, names[i % 3], i / 3 - 1);
    expect_delivered(15);
    cr_assert_eq(s.requests, before + 1);
    cr_assert_eq(s.last.topic_data.count, 3);
    expect_sound_requests();
    script_stop(&s);
}

/* The topic is the client's as long as one of its users is there. */
Test(sender, a_producer_that_leaves_takes_nothing_from_another)
{
    const char *const properties[] = { "metadata.max.age.ms=1000", "metadata.max.idle.ms=5000",
                                       NULL };
    script_start(&s, 2, 1, properties);
    kc_producer *other = script_producer(&s);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("t");
    record.value = kc_str("99");
    cr_assert_eq(kc_producer_send(other, &record, NULL), KC_OK);
    script_send(&s, 0, "t", 0);
    expect_delivered(1);
    cr_assert_eq(kc_producer_flush(other, 10000, NULL), KC_OK);
    kc_producer_free(other);
    long sent = 1;
    int asked = 0;
    for (int second = 0; second < 30; second += 3) { /* long enough to be forgotten, if not used */
        if (second == 18)
            asked = fake_total(&s.fake, KCI_API_METADATA);
        script_run(&s, 3000);
        script_send(&s, sent++, "t", 0);
        expect_delivered(sent);
    }
    cr_assert_geq(fake_total(&s.fake, KCI_API_METADATA) - asked, 8, "it is asked about no more");
    s.fake.topics[0].leader[0] = 2;
    s.fake.topics[0].epoch[0] = 2;
    script_run(&s, 3000);
    script_send(&s, sent++, "t", 0);
    expect_delivered(sent);
    cr_assert_eq(s.seen[s.count - 1].broker, 2, "the move was noticed while nothing was sent");
    script_stop(&s);
}

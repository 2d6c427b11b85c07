/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that were compiled with a smaller or a larger version of a struct, at each function that
 * takes or gives one. tests/unit/base/test_abi.c has every size of every struct. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

enum { CANARY = 0xa7, MORE = 32, ROOM = 512 };

#define UP_TO(type, field) ((uint32_t)offsetof(type, field))

static kc_mock *mock;
static kc_client *client;
static kc_error why;

static void start(void)
{
    kc_config *config = kc_config_new();
    cr_assert_eq(kc_mock_new(NULL, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 1), KC_OK);
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), &why), KC_OK);
    cr_assert_eq(kc_config_set(config, "log.level", "none", &why), KC_OK);
    cr_assert_eq(kc_client_new(config, &client, &why), KC_OK, "%s", why.text);
    kc_config_free(config);
}

static void stop(void)
{
    kc_client_free(client);
    kc_mock_free(mock);
}

TestSuite(structs, .init = start, .fini = stop, .timeout = 60);

/* ---- made ------------------------------------------------------------------------------- */

/* Field by field through the bytes that are not padding: both are copies of one constant, made once
 * by the compiler and once by the library. */
#define EXPECT_SAME(type, constant, call)                           \
    do {                                                            \
        static const type whole = constant;                         \
        type made;                                                  \
        memset(&made, CANARY, sizeof made);                         \
        call;                                                       \
        cr_expect_eq(memcmp(&made, &whole, sizeof made), 0, #type); \
    } while (0)

Test(structs, functions_make_what_the_constants_make)
{
    EXPECT_SAME(kc_assignor, KC_ASSIGNOR_INIT, kc_assignor_init(&made, sizeof made));
    EXPECT_SAME(kc_config_entry, KC_CONFIG_ENTRY_INIT, kc_config_entry_init(&made, sizeof made));
    EXPECT_SAME(kc_config_property, KC_CONFIG_PROPERTY_INIT,
                kc_config_property_init(&made, sizeof made));
    EXPECT_SAME(kc_consumer_options, KC_CONSUMER_OPTIONS_INIT,
                kc_consumer_options_init(&made, sizeof made));
    EXPECT_SAME(kc_delivery, KC_DELIVERY_INIT, kc_delivery_init(&made, sizeof made));
    EXPECT_SAME(kc_mock_fault, KC_MOCK_FAULT_INIT, kc_mock_fault_init(&made, sizeof made));
    EXPECT_SAME(kc_mock_options, KC_MOCK_OPTIONS_INIT, kc_mock_options_init(&made, sizeof made));
    EXPECT_SAME(kc_new_partitions, KC_NEW_PARTITIONS_INIT,
                kc_new_partitions_init(&made, sizeof made));
    EXPECT_SAME(kc_new_topic, KC_NEW_TOPIC_INIT, kc_new_topic_init(&made, sizeof made));
    EXPECT_SAME(kc_node, KC_NODE_INIT, kc_node_init(&made, sizeof made));
    EXPECT_SAME(kc_partition_description, KC_PARTITION_DESCRIPTION_INIT,
                kc_partition_description_init(&made, sizeof made));
    EXPECT_SAME(kc_partition_offsets, KC_PARTITION_OFFSETS_INIT,
                kc_partition_offsets_init(&made, sizeof made));
    EXPECT_SAME(kc_partitioner, KC_PARTITIONER_INIT, kc_partitioner_init(&made, sizeof made));
    EXPECT_SAME(kc_plan_member, KC_PLAN_MEMBER_INIT, kc_plan_member_init(&made, sizeof made));
    EXPECT_SAME(kc_plan_score, KC_PLAN_SCORE_INIT, kc_plan_score_init(&made, sizeof made));
    EXPECT_SAME(kc_producer_counts, KC_PRODUCER_COUNTS_INIT,
                kc_producer_counts_init(&made, sizeof made));
    EXPECT_SAME(kc_producer_interceptor, KC_PRODUCER_INTERCEPTOR_INIT,
                kc_producer_interceptor_init(&made, sizeof made));
    EXPECT_SAME(kc_producer_options, KC_PRODUCER_OPTIONS_INIT,
                kc_producer_options_init(&made, sizeof made));
    EXPECT_SAME(kc_producer_record, KC_PRODUCER_RECORD_INIT,
                kc_producer_record_init(&made, sizeof made));
    EXPECT_SAME(kc_stats, KC_STATS_INIT, kc_stats_init(&made, sizeof made));
    EXPECT_SAME(kc_topic_description, KC_TOPIC_DESCRIPTION_INIT,
                kc_topic_description_init(&made, sizeof made));
    EXPECT_SAME(kc_topic_partition_offset, KC_TOPIC_PARTITION_OFFSET_INIT,
                kc_topic_partition_offset_init(&made, sizeof made));
    EXPECT_SAME(kc_topic_result, KC_TOPIC_RESULT_INIT, kc_topic_result_init(&made, sizeof made));
}

/* ---- taken -------------------------------------------------------------------------------- */

/* A program's bytes of a struct: `size` of them, those that this library knows copied from `known`.
 * The block is exactly as long, so that a sanitizer sees what is read behind it. */
static void *as_compiled(const void *known, uint32_t sizeof_known, uint32_t size)
{
    uint8_t *bytes = calloc(1, size);
    memcpy(bytes, known, size < sizeof_known ? size : sizeof_known);
    memcpy(bytes, &size, sizeof size);
    return bytes;
}

/* Smaller and larger are taken; larger with something unknown set, too small and unset are not. */
static void each_version(const char *name, const void *known, uint32_t whole, uint32_t smaller,
                         kc_err (*take)(void *arg, const void *given), void *arg)
{
    const uint32_t sizes[] = { smaller, whole, whole + MORE };
    for (size_t i = 0; i < 3; i++) {
        void *given = as_compiled(known, whole, sizes[i]);
        cr_expect_eq(take(arg, given), KC_OK, "%s of %u: %s", name, sizes[i], why.text);
        free(given);
    }
    uint8_t *newer = as_compiled(known, whole, whole + MORE);
    newer[whole + MORE - 1] = 1;
    cr_expect_eq(take(arg, newer), KC_E_INVALID_ARGUMENT, "%s", name);
    cr_expect(strstr(why.text, name) && strstr(why.text, "newer libkclient"), "%s", why.text);
    const uint32_t none[] = { 0, 7 };
    for (size_t i = 0; i < 2; i++) {
        memcpy(newer, &none[i], sizeof none[i]);
        why.text[0] = '\0';
        cr_expect_eq(take(arg, newer), KC_E_INVALID_ARGUMENT, "%s", name);
        cr_expect(strstr(why.text, name) && strstr(why.text, "begin with"), "%s", why.text);
    }
    free(newer);
}

static kc_err send_one(void *arg, const void *given)
{
    return kc_producer_send(arg, given, &why);
}

static kc_err send_list(void *arg, const void *given)
{
    size_t sent = 99;
    kc_err err = kc_producer_send_many(arg, given, 1, &sent, &why);
    cr_expect_eq(sent, err == KC_OK);
    return err;
}

typedef struct seen {
    int records, opaques;
} seen;

static void on_delivery(void *user, const kc_delivery *d)
{
    seen *s = user;
    cr_expect_eq(d->err, KC_OK, "%s", d->text);
    for (int i = 0; i < d->count; i++) {
        s->records++;
        s->opaques += d->opaques && d->opaques[i];
    }
}

Test(structs, records)
{
    seen s = { 0 };
    kc_producer *p;
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.on_delivery = on_delivery;
    options.user = &s;
    cr_assert_eq(kc_producer_new(client, &options, &p, &why), KC_OK, "%s", why.text);
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    r.topic = kc_str("t");
    r.value = kc_str("v");
    r.opaque = &s;
    each_version("kc_producer_record", &r, sizeof r, UP_TO(kc_producer_record, opaque), send_one,
                 p);
    each_version("kc_producer_record", &r, sizeof r, UP_TO(kc_producer_record, opaque), send_list,
                 p);
    cr_expect_eq(kc_producer_flush(p, -1, &why), KC_OK, "%s", why.text);
    cr_expect_eq(s.records, 6);
    cr_expect_eq(s.opaques, 4, "the smaller ones have no opaque");
    kc_producer_free(p);
}

Test(structs, lists_of_records)
{
    seen s = { 0 };
    kc_producer *p;
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.on_delivery = on_delivery;
    options.user = &s;
    cr_assert_eq(kc_producer_new(client, &options, &p, &why), KC_OK, "%s", why.text);
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    r.topic = kc_str("t");
    r.value = kc_str("v");
    const uint32_t sizes[] = { UP_TO(kc_producer_record, opaque), sizeof r, sizeof r + MORE };
    for (size_t n = 0; n < 3; n++) {
        size_t sent = 0, count = 200;
        uint8_t *list = calloc(count, sizes[n]);
        for (size_t i = 0; i < count; i++) {
            memcpy(list + i * sizes[n], &r, sizes[n] < sizeof r ? sizes[n] : sizeof r);
            memcpy(list + i * sizes[n], &sizes[n], sizeof sizes[n]);
        }
        const kc_producer_record *first = (const void *)list;
        cr_expect_eq(kc_producer_send_many(p, first, count, &sent, &why), KC_OK, "%s", why.text);
        cr_expect_eq(sent, count);
        memset(list + 150 * sizes[n], 0, 4);
        cr_expect_eq(kc_producer_send_many(p, first, count, &sent, &why), KC_E_INVALID_ARGUMENT);
        cr_expect_eq(sent, 150);
        cr_expect(strstr(why.text, "KC_PRODUCER_RECORD_INIT"), "%s", why.text);
        free(list);
    }
    cr_expect_eq(kc_producer_flush(p, -1, &why), KC_OK, "%s", why.text);
    cr_expect_eq(s.records, 3 * 350);
    kc_producer_free(p);
}

static kc_err with_options(void *arg, const void *given)
{
    kc_producer *p = NULL;
    (void)arg;
    kc_err err = kc_producer_new(client, given, &p, &why);
    kc_producer_free(p);
    return err;
}

static int32_t to_zero(void *user, const kc_partitioner_input *input)
{
    (void)user;
    (void)input;
    return 0;
}

static kc_err with_partitioner(void *arg, const void *given)
{
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.partitioner = given;
    return with_options(arg, &options);
}

static kc_err with_interceptor(void *arg, const void *given)
{
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.interceptors = given;
    options.interceptor_count = 1;
    return with_options(arg, &options);
}

Test(structs, what_a_producer_is_made_with)
{
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    each_version("kc_producer_options", &options, sizeof options,
                 UP_TO(kc_producer_options, config), with_options, NULL);
    kc_partitioner partitioner = KC_PARTITIONER_INIT;
    partitioner.partition = to_zero;
    each_version("kc_partitioner", &partitioner, sizeof partitioner, UP_TO(kc_partitioner, close),
                 with_partitioner, NULL);
    kc_producer_interceptor interceptor = KC_PRODUCER_INTERCEPTOR_INIT;
    each_version("kc_producer_interceptor", &interceptor, sizeof interceptor,
                 UP_TO(kc_producer_interceptor, on_close), with_interceptor, NULL);
}

static void count_send(void *user, const kc_producer_record *record, kc_err err)
{
    (void)record;
    (void)err;
    ++*(int *)user;
}

Test(structs, chains_of_interceptors_of_each_version)
{
    const uint32_t sizes[] = { UP_TO(kc_producer_interceptor, on_close),
                               sizeof(kc_producer_interceptor),
                               sizeof(kc_producer_interceptor) + MORE };
    for (size_t n = 0; n < 3; n++) {
        int calls[3] = { 0 };
        uint8_t *chain = calloc(3, sizes[n]);
        for (int i = 0; i < 3; i++) {
            kc_producer_interceptor one = KC_PRODUCER_INTERCEPTOR_INIT;
            one.size = sizes[n];
            one.user = &calls[i];
            one.on_sent = count_send;
            memcpy(chain + (size_t)i * sizes[n], &one,
                   sizes[n] < sizeof one ? sizes[n] : sizeof one);
        }
        kc_producer *p;
        kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
        options.interceptors = (const void *)chain;
        options.interceptor_count = 3;
        cr_assert_eq(kc_producer_new(client, &options, &p, &why), KC_OK, "%s", why.text);
        free(chain);
        kc_producer_record r = KC_PRODUCER_RECORD_INIT;
        r.topic = kc_str("t");
        cr_expect_eq(kc_producer_send(p, &r, &why), KC_OK, "%s", why.text);
        for (int i = 0; i < 3; i++)
            cr_expect_eq(calls[i], 1);
        kc_producer_close(p, -1, NULL);
        kc_producer_free(p);
    }
}

Test(structs, a_producer_says_which_option_is_wrong)
{
    kc_producer *p;
    kc_config *own = kc_config_new();
    kc_partitioner nothing = KC_PARTITIONER_INIT;
    kc_producer_options o = KC_PRODUCER_OPTIONS_INIT;
    o.flags = KC_PRODUCER_TAKE | 64;
    cr_expect_eq(kc_producer_new(client, &o, &p, &why), KC_E_INVALID_ARGUMENT);
    cr_expect(strstr(why.text, "flags"), "%s", why.text);
    o.flags = 0;
    o.partitioner = &nothing;
    cr_expect_eq(kc_producer_new(client, &o, &p, &why), KC_E_INVALID_ARGUMENT);
    cr_expect(strstr(why.text, "options.partitioner"), "%s", why.text);
    o.partitioner = NULL;
    o.interceptor_count = 2;
    cr_expect_eq(kc_producer_new(client, &o, &p, &why), KC_E_INVALID_ARGUMENT);
    cr_expect(strstr(why.text, "options.interceptors"), "%s", why.text);
    o.interceptor_count = 0;
    o.config = own;
    cr_assert_eq(kc_config_set(own, "acks", "1", &why), KC_OK);
    cr_assert_eq(kc_config_set(own, "enable.idempotence", "true", &why), KC_OK);
    cr_expect_eq(kc_producer_new(client, &o, &p, &why), KC_E_BAD_PROPERTY);
    cr_expect(strstr(why.text, "acks"), "%s", why.text);
    cr_expect_null(p);
    kc_config_free(own);
}

/* Two producers of one client, one of them with a property of its own. */
Test(structs, a_producers_own_properties)
{
    kc_producer *small = NULL, *other = NULL;
    kc_config *own = kc_config_new();
    cr_assert_eq(kc_config_set(own, "max.request.size", "2000", &why), KC_OK);
    kc_producer_options o = KC_PRODUCER_OPTIONS_INIT;
    o.config = own;
    cr_assert_eq(kc_producer_new(client, &o, &small, &why), KC_OK, "%s", why.text);
    kc_config_free(own);
    cr_assert_eq(kc_producer_new(client, NULL, &other, &why), KC_OK, "%s", why.text);
    char value[3000] = { 0 };
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    r.topic = kc_str("t");
    r.value = kc_mem(value, sizeof value);
    cr_expect_eq(kc_producer_send(small, &r, &why), KC_E_RECORD_TOO_LARGE);
    cr_expect_eq(kc_producer_send(other, &r, &why), KC_OK, "%s", why.text);
    kc_producer_close(other, -1, NULL);
    kc_producer_free(small);
    kc_producer_free(other);
}

static kc_err with_consumer_options(void *arg, const void *given)
{
    kc_consumer *c = NULL;
    kc_err err = kc_consumer_new(client, given, &c, &why);
    kc_consumer_free(c);
    (void)arg;
    return err;
}

Test(structs, what_a_consumer_is_made_with)
{
    kc_consumer_options options = KC_CONSUMER_OPTIONS_INIT;
    each_version("kc_consumer_options", &options, sizeof options,
                 UP_TO(kc_consumer_options, config), with_consumer_options, NULL);
    /* The config of a newer program's options counts. */
    kc_consumer *c = NULL;
    kc_config *own = kc_config_new();
    cr_assert_eq(kc_config_set(own, "fetch.max.wait.ms", "2000000000", &why), KC_OK);
    cr_assert_eq(kc_config_set(own, "fetch.min.bytes", "0", &why), KC_OK);
    options.config = own;
    options.flags = 1;
    cr_expect_eq(kc_consumer_new(client, &options, &c, &why), KC_E_INVALID_ARGUMENT);
    cr_expect(strstr(why.text, "flags"), "%s", why.text);
    options.flags = 0;
    cr_expect_eq(kc_consumer_new(client, &options, &c, &why), KC_OK, "%s", why.text);
    kc_consumer_free(c);
    kc_config_free(own);
}

static int made;

static kc_err create(void *arg, const void *given)
{
    kc_topic_results *results = NULL;
    char name[20];
    snprintf(name, sizeof name, "made-%d", made++);
    kc_new_topic *topic = (kc_new_topic *)(uintptr_t)given;
    topic->name = kc_str(name);
    kc_err err = kc_admin_create_topics(arg, topic, 1, 0, -1, &results, &why);
    kc_topic_results_free(results);
    return err;
}

static kc_err grow(void *arg, const void *given)
{
    kc_topic_results *results = NULL;
    kc_new_partitions *topic = (kc_new_partitions *)(uintptr_t)given;
    topic->total_count = 2 + made++;
    kc_err err = kc_admin_create_partitions(arg, topic, 1, 0, -1, &results, &why);
    kc_topic_results_free(results);
    return err;
}

Test(structs, topics_to_make_and_to_grow)
{
    kc_admin *admin;
    cr_assert_eq(kc_admin_new(client, &admin, &why), KC_OK, "%s", why.text);
    kc_new_topic topic = KC_NEW_TOPIC_INIT;
    topic.partitions = 2;
    each_version("kc_new_topic", &topic, sizeof topic, UP_TO(kc_new_topic, assignments), create,
                 admin);
    kc_new_partitions more = KC_NEW_PARTITIONS_INIT;
    more.name = kc_str("t");
    each_version("kc_new_partitions", &more, sizeof more, UP_TO(kc_new_partitions, assignments),
                 grow, admin);

    kc_topic_results *results = NULL;
    cr_expect_eq(kc_admin_create_topics(admin, &topic, 1, 2, -1, &results, &why),
                 KC_E_INVALID_ARGUMENT);
    cr_expect(strstr(why.text, "flags"), "%s", why.text);
    cr_expect_eq(kc_admin_create_partitions(admin, &more, 1, 8, -1, &results, &why),
                 KC_E_INVALID_ARGUMENT);
    kc_cluster *cluster = NULL;
    cr_expect_eq(kc_admin_list_topics(admin, KC_ADMIN_VALIDATE_ONLY, -1, &cluster, &why),
                 KC_E_INVALID_ARGUMENT);
    kc_admin_free(admin);
}

static kc_err make_mock(void *arg, const void *given)
{
    kc_mock *one = NULL;
    kc_err err = kc_mock_new(given, &one, &why);
    kc_mock_free(one);
    (void)arg;
    return err;
}

Test(structs, mock_options)
{
    kc_mock_options options = KC_MOCK_OPTIONS_INIT;
    each_version("kc_mock_options", &options, sizeof options, UP_TO(kc_mock_options, sasl_plain),
                 make_mock, NULL);
}

static kc_err add_member(void *arg, const void *given)
{
    return kc_plan_add_member(arg, given, &why) == KC_E_INVALID_ARGUMENT &&
                   !strstr(why.text, "twice")
               ? KC_E_INVALID_ARGUMENT
               : KC_OK;
}

static kc_err nothing_to_do(void *user, kc_plan *plan, kc_error *detail)
{
    (void)user;
    (void)plan;
    (void)detail;
    return KC_OK;
}

static kc_err run_plan(void *arg, const void *given)
{
    return kc_plan_run(arg, given, KC_ASSIGNOR_EAGER, &why);
}

static bool give_member(const void *from, void *out)
{
    return kc_plan_member_at(from, 0, out);
}

static bool give_score(const void *from, void *out)
{
    return kc_plan_get_score(from, out) == KC_OK;
}

static void each_given(const char *name, uint32_t whole, uint32_t smaller,
                       bool (*give)(const void *from, void *out), const void *from);

Test(structs, plans_and_assignors)
{
    kc_plan *plan;
    cr_assert_eq(kc_plan_new(&plan, &why), KC_OK);
    kc_plan_member member = KC_PLAN_MEMBER_INIT;
    member.member_id = kc_str("m");
    each_version("kc_plan_member", &member, sizeof member, UP_TO(kc_plan_member, owned), add_member,
                 plan);
    cr_expect_eq(kc_plan_member_count(plan), 1);
    kc_assignor own = KC_ASSIGNOR_INIT;
    own.protocols = KC_ASSIGNOR_EAGER;
    own.name = "own";
    own.assign = nothing_to_do;
    each_version("kc_assignor", &own, sizeof own, UP_TO(kc_assignor, on_assignment), run_plan,
                 plan);
    each_given("kc_plan_member", sizeof member, UP_TO(kc_plan_member, owned), give_member, plan);
    each_given("kc_plan_score", sizeof(kc_plan_score), UP_TO(kc_plan_score, withheld), give_score,
               plan);
    kc_plan_free(plan);
}

/* ---- given -------------------------------------------------------------------------------- */

static bool all_are(const uint8_t *at, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != value)
            return false;
    return true;
}

/* Nothing is written behind the size; the size stays; what the library does not know is zero. */
static void each_given(const char *name, uint32_t whole, uint32_t smaller,
                       bool (*give)(const void *from, void *out), const void *from)
{
    const uint32_t sizes[] = { whole, smaller, whole + MORE };
    uint8_t first[ROOM], out[ROOM];
    for (size_t i = 0; i < 3; i++) {
        memset(out, CANARY, sizeof out);
        memcpy(out, &sizes[i], sizeof sizes[i]);
        cr_assert(give(from, out), "%s of %u", name, sizes[i]);
        cr_expect(all_are(out + sizes[i], sizeof out - sizes[i], CANARY), "%s of %u", name,
                  sizes[i]);
        cr_expect_eq(memcmp(out, &sizes[i], sizeof sizes[i]), 0, "%s", name);
        if (i == 0)
            memcpy(first, out, sizeof first);
        uint32_t known = sizes[i] < whole ? sizes[i] : whole;
        cr_expect_eq(memcmp(out + 4, first + 4, known - 4), 0, "%s of %u", name, sizes[i]);
        cr_expect(all_are(out + known, sizes[i] - known, 0), "%s of %u", name, sizes[i]);
    }
    const uint32_t none[] = { 0, 3 };
    for (size_t i = 0; i < 2; i++) {
        memset(out, CANARY, sizeof out);
        memcpy(out, &none[i], sizeof none[i]);
        cr_expect_not(give(from, out), "%s of %u", name, none[i]);
        cr_expect(all_are(out + 4, sizeof out - 4, CANARY), "%s of %u", name, none[i]);
    }
}

static bool give_delivery(const void *from, void *out)
{
    return kc_deliveries_at(from, 0, out);
}

static bool give_counts(const void *from, void *out)
{
    return kc_producer_get_counts((kc_producer *)(uintptr_t)from, out) == KC_OK;
}

Test(structs, what_a_producer_gives)
{
    kc_producer *p;
    kc_deliveries *list;
    kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
    options.flags = KC_PRODUCER_TAKE;
    cr_assert_eq(kc_producer_new(client, &options, &p, &why), KC_OK, "%s", why.text);
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    r.topic = kc_str("t");
    cr_assert_eq(kc_producer_send(p, &r, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_producer_take(p, -1, &list), KC_OK);
    each_given("kc_delivery", sizeof(kc_delivery), UP_TO(kc_delivery, timestamp), give_delivery,
               list);
    each_given("kc_producer_counts", sizeof(kc_producer_counts),
               UP_TO(kc_producer_counts, buffer_bytes), give_counts, p);
    kc_deliveries_free(list);
    kc_producer_free(p);
}

static bool give_stats(const void *from, void *out)
{
    return kc_client_get_stats((kc_client *)(uintptr_t)from, out) == KC_OK;
}

static bool give_property(const void *from, void *out)
{
    (void)from;
    return kc_config_property_at(3, out);
}

static bool give_offsets(const void *from, void *out)
{
    return kc_consumer_offsets((kc_consumer *)(uintptr_t)from, kc_str("t"), 0, -1, out, &why) ==
           KC_OK;
}

static bool give_position(const void *from, void *out)
{
    return kc_consumer_position((kc_consumer *)(uintptr_t)from, kc_str("t"), 0, -1, out, &why) ==
           KC_OK;
}

static bool give_end(const void *from, void *out)
{
    return kc_records_end(from, out);
}

/* With an idle client, whose numbers do not move between two readings. */
Test(structs, what_a_client_gives)
{
    kc_config *config = kc_config_new();
    kc_client *idle;
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", "127.0.0.1:1", &why), KC_OK);
    cr_assert_eq(kc_config_set(config, "client.threads", "0", &why), KC_OK);
    cr_assert_eq(kc_client_new(config, &idle, &why), KC_OK, "%s", why.text);
    each_given("kc_stats", sizeof(kc_stats), UP_TO(kc_stats, fetch_bytes_other_rack), give_stats,
               idle);
    each_given("kc_config_property", sizeof(kc_config_property), UP_TO(kc_config_property, doc),
               give_property, NULL);
    kc_client_free(idle);
    kc_config_free(config);
}

static void send_records(int count)
{
    kc_producer *p;
    cr_assert_eq(kc_producer_new(client, NULL, &p, &why), KC_OK, "%s", why.text);
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    r.topic = kc_str("t");
    for (int i = 0; i < count; i++)
        cr_assert_eq(kc_producer_send(p, &r, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_producer_close(p, -1, &why), KC_OK, "%s", why.text);
    kc_producer_free(p);
}

Test(structs, what_a_consumer_gives)
{
    kc_consumer *c;
    kc_records *records = NULL;
    send_records(3);
    kc_topic_partition_position at = { kc_str("t"), 0, kc_position_beginning() };
    cr_assert_eq(kc_consumer_new(client, NULL, &c, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_consumer_assign(c, &at, 1, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_consumer_poll(c, 30000, &records, &why), KC_OK, "%s", why.text);
    cr_assert_not_null(records);
    each_given("kc_partition_offsets", sizeof(kc_partition_offsets),
               UP_TO(kc_partition_offsets, last_stable), give_offsets, c);
    each_given("kc_topic_partition_offset", sizeof(kc_topic_partition_offset),
               UP_TO(kc_topic_partition_offset, metadata), give_end, records);
    each_given("kc_topic_partition_offset", sizeof(kc_topic_partition_offset),
               UP_TO(kc_topic_partition_offset, metadata), give_position, c);
    kc_topic_partition_offset end = KC_TOPIC_PARTITION_OFFSET_INIT;
    cr_assert(kc_records_end(records, &end));
    cr_expect_eq(end.offset, kc_records_next_offset(records));
    cr_expect_eq(end.leader_epoch, kc_records_leader_epoch(records));
    cr_expect_eq(end.partition, 0);
    cr_expect_eq(end.err, KC_OK);
    cr_expect_eq(memcmp(end.topic.data, "t", end.topic.size), 0);
    kc_records_free(records);
    kc_consumer_free(c);
}

static bool give_result(const void *from, void *out)
{
    return kc_topic_results_at(from, 0, out);
}

static bool give_node(const void *from, void *out)
{
    return kc_cluster_node_at(from, 0, out);
}

static bool give_node_by_id(const void *from, void *out)
{
    return kc_cluster_node_by_id(from, 1, out);
}

static bool give_topic(const void *from, void *out)
{
    return kc_cluster_topic_at(from, 0, out);
}

static bool give_partition(const void *from, void *out)
{
    return kc_cluster_partition_at(from, 0, 0, out);
}

static bool give_entry(const void *from, void *out)
{
    return kc_configs_entry_at(from, 0, 0, out);
}

Test(structs, what_an_admin_gives)
{
    kc_admin *admin;
    kc_cluster *cluster;
    kc_configs *configs;
    kc_topic_results *results = NULL;
    kc_bytes gone = kc_str("not-there");
    kc_config_resource resource = { KC_RESOURCE_TOPIC, kc_str("t") };
    cr_assert_eq(kc_admin_new(client, &admin, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_admin_list_topics(admin, 0, -1, &cluster, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_admin_describe_configs(admin, &resource, 1, -1, &configs, &why), KC_OK, "%s",
                 why.text);
    (void)kc_admin_delete_topics(admin, &gone, 1, -1, &results, &why);
    kc_admin_free(admin);
    each_given("kc_topic_result", sizeof(kc_topic_result),
               UP_TO(kc_topic_result, replication_factor), give_result, results);
    each_given("kc_node", sizeof(kc_node), UP_TO(kc_node, rack), give_node, cluster);
    each_given("kc_node", sizeof(kc_node), UP_TO(kc_node, rack), give_node_by_id, cluster);
    each_given("kc_topic_description", sizeof(kc_topic_description),
               UP_TO(kc_topic_description, partition_count), give_topic, cluster);
    each_given("kc_partition_description", sizeof(kc_partition_description),
               UP_TO(kc_partition_description, offline), give_partition, cluster);
    each_given("kc_config_entry", sizeof(kc_config_entry), UP_TO(kc_config_entry, source),
               give_entry, configs);
    kc_cluster_free(cluster);
    kc_configs_free(configs);
    kc_topic_results_free(results);
}

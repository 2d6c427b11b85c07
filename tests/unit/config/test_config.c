/* SPDX-License-Identifier: Apache-2.0 */
/* Setting and reading single properties. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "core/config.h"
#include "core/config_rows.h"
#include "core/config_value.h"

static kc_config *config;
static kc_error detail;

static void begin(void)
{
    config = kc_config_new();
    cr_assert(config);
}

static void end(void)
{
    kc_config_free(config);
}

TestSuite(config, .init = begin, .fini = end);

static kc_err set(const char *name, const char *value)
{
    detail = (kc_error){ 0 };
    kc_err err = kc_config_set(config, name, value, &detail);
    cr_expect_eq(err, detail.code);
    return err;
}

static void expect_set(const char *name, const char *value)
{
    cr_expect_eq(set(name, value), KC_OK, "%s=%s: %s", name, value, detail.text);
}

static void expect_bad(const char *name, const char *value, kc_err err, const char *part)
{
    kc_err got = set(name, value);
    cr_expect_eq(got, err, "%s=%s: %d", name, value, got);
    cr_expect(strstr(detail.text, part), "%s=%s: \"%s\" lacks \"%s\"", name, value, detail.text,
              part);
}

/* "LINGER_MS" must be "linger.ms" in upper case: others refer to properties by that rule. */
Test(config, ids_follow_from_names)
{
    static const struct {
        const char *id, *name;
    } all[] = {
#define P(id, name, ...) { #id, name },
        KCI_CONFIG_TABLE(P)
#undef P
    };
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        char id[80];
        size_t n = 0;
        for (const char *p = all[i].name; *p; p++)
            id[n++] = *p == '.' ? '_' : (char)(*p - (*p >= 'a' && *p <= 'z' ? 32 : 0));
        id[n] = '\0';
        cr_expect_str_eq(id, all[i].id);
    }
}

Test(config, defaults_fit_their_own_rows)
{
    for (int i = 0; i < KCI_P_COUNT; i++) {
        const kci_prop_row *row = kci_prop_row_of((kci_prop)i);
        kci_value value;
        kc_err err = kci_value_parse(row, row->def, 1, &value, &detail);
        cr_expect_eq(err, KC_OK, "%s: %s", row->name, detail.text);
        cr_expect(row->doc[0] && row->scope[0], "%s", row->name);
    }
}

Test(config, no_name_or_alias_twice)
{
    int64_t scale;
    for (int i = 0; i < KCI_P_COUNT; i++) {
        const kci_prop_row *row = kci_prop_row_of((kci_prop)i);
        cr_expect_eq(kci_prop_find(row->name, &scale), i, "%s", row->name);
        cr_expect_null(kci_prop_ignored(row->name), "%s", row->name);
        cr_expect_null(kci_prop_refused(row->name), "%s", row->name);
        char aliases[200];
        strcpy(aliases, row->aliases);
        for (char *alias = strtok(aliases, ","); alias; alias = strtok(NULL, ",")) {
            alias[strcspn(alias, "*")] = '\0';
            cr_expect_eq(kci_prop_find(alias, &scale), i, "%s", alias);
        }
    }
}

Test(config, defaults_are_javas)
{
    cr_expect_eq(kci_config_int(config, KCI_P_BATCH_SIZE), 16384);
    cr_expect_eq(kci_config_int(config, KCI_P_ACKS), -1);
    cr_expect_eq(kci_config_int(config, KCI_P_BUFFER_MEMORY), 32 << 20);
    cr_expect_eq(kci_config_double(config, KCI_P_LINGER_MS), 5);
    cr_expect_eq(kci_config_bool(config, KCI_P_ENABLE_IDEMPOTENCE), true);
    cr_expect_eq(kci_config_int(config, KCI_P_AUTO_OFFSET_RESET), KCI_RESET_LATEST);
    cr_expect_eq(kci_config_int(config, KCI_P_DELIVERY_TIMEOUT_MS), 120000);
    cr_expect_null(kci_config_str(config, KCI_P_CLIENT_RACK));
    cr_expect_str_eq(kc_config_get(config, "acks"), "all");
    cr_expect_null(kc_config_get(config, "client.rack"));
    cr_expect_null(kc_config_get(config, "nonsense"));
    cr_expect_not(kci_config_is_set(config, KCI_P_ACKS));
}

Test(config, values_of_each_type)
{
    expect_set("batch.size", " 0 ");
    cr_expect_eq(kci_config_int(config, KCI_P_BATCH_SIZE), 0);
    expect_set("linger.ms", "0.25");
    cr_expect_eq(kci_config_double(config, KCI_P_LINGER_MS), 0.25);
    cr_expect_eq(kci_config_int(config, KCI_P_LINGER_MS), 0);
    expect_set("check.crcs", "False");
    cr_expect_not(kci_config_bool(config, KCI_P_CHECK_CRCS));
    expect_set("security.protocol", "sasl_ssl");
    cr_expect_eq(kci_config_int(config, KCI_P_SECURITY_PROTOCOL), KCI_SECURITY_SASL_SSL);
    expect_set("client.id", "  my client\t");
    cr_expect_str_eq(kci_config_str(config, KCI_P_CLIENT_ID), "my client");
    expect_set("client.id", "");
    cr_expect_str_eq(kci_config_str(config, KCI_P_CLIENT_ID), "kclient");
    expect_set("acks", "-1");
    cr_expect_eq(kci_config_int(config, KCI_P_ACKS), -1);
    cr_expect(kci_config_is_set(config, KCI_P_ACKS));
    expect_set("compression.type", "zstd");
    cr_expect_eq(kci_config_int(config, KCI_P_COMPRESSION_TYPE), 4);
    expect_set("send.buffer.bytes", "0");
    cr_expect_eq(kci_config_int(config, KCI_P_SEND_BUFFER_BYTES), -1);
}

Test(config, wrong_values)
{
    expect_bad("batch.size", "16k", KC_E_BAD_PROPERTY, "not a whole number");
    expect_bad("batch.size", "", KC_E_BAD_PROPERTY, "not a whole number");
    expect_bad("batch.size", "0x10", KC_E_BAD_PROPERTY, "not a whole number");
    expect_bad("batch.size", "-1", KC_E_BAD_PROPERTY, "0..2147483647");
    expect_bad("batch.size", "2147483648", KC_E_BAD_PROPERTY, "out of range");
    expect_bad("buffer.memory", "99999999999999999999", KC_E_BAD_PROPERTY, "out of range");
    expect_bad("linger.ms", "5ms", KC_E_BAD_PROPERTY, "not a number");
    expect_bad("linger.ms", "1e3", KC_E_BAD_PROPERTY, "not a number");
    expect_bad("linger.ms", "nan", KC_E_BAD_PROPERTY, "not a number");
    expect_bad("linger.ms", "-0.1", KC_E_BAD_PROPERTY, "out of range");
    expect_bad("check.crcs", "yes", KC_E_BAD_PROPERTY, "neither true nor false");
    expect_bad("acks", "2", KC_E_BAD_PROPERTY, "all, 0, 1");
    expect_bad("compression.type", "brotli", KC_E_BAD_PROPERTY, "none, gzip, snappy, lz4, zstd");
    expect_bad("compression.gzip.level", "0", KC_E_BAD_PROPERTY, "-1, 1..9");
    expect_bad("compression.gzip.level", "10", KC_E_BAD_PROPERTY, "out of range");
    expect_bad("partitioner.class", "com.example.Mine", KC_E_BAD_PROPERTY, "round-robin");
    expect_bad("auto.offset.reset", "by_duration:1h", KC_E_BAD_PROPERTY, "by_duration:P1DT2H30M");
    cr_expect_eq(kci_config_int(config, KCI_P_BATCH_SIZE), 16384, "a wrong value changes nothing");
}

Test(config, null_arguments)
{
    cr_expect_eq(kc_config_set(config, NULL, "1", NULL), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_config_set(config, "acks", NULL, NULL), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_config_set(NULL, "acks", "1", &detail), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_config_load(config, NULL, &detail), KC_E_INVALID_ARGUMENT);
    kc_config_free(NULL);
}

Test(config, unknown_names_get_a_hint)
{
    static const struct {
        const char *name, *hint;
    } all[] = {
        { "bootstrap.server", "did you mean bootstrap.servers?" },
        { "bootstrap_servers", "did you mean bootstrap.servers?" },
        { "Linger.MS", "did you mean linger.ms?" },
        { "fetch.wait.ms", "did you mean fetch.max.wait.ms?" },
        { "compresion.type", "did you mean compression.type?" },
        { "max.request.bytes", "did you mean max.request.size?" },
        { "truststore.location", "did you mean ssl.truststore.location?" },
        { "akcs", "did you mean acks?" },
        { "something.else.entirely", "kclient config" },
        { "", "kclient config" },
    };
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++)
        expect_bad(all[i].name, "1", KC_E_UNKNOWN_PROPERTY, all[i].hint);
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    expect_bad(longer, "1", KC_E_UNKNOWN_PROPERTY, "kclient config");
}

Test(config, aliases_of_librdkafka)
{
    expect_set("metadata.broker.list", "a:1,b:2");
    cr_expect_str_eq(kc_config_get(config, "bootstrap.servers"), "a:1,b:2");
    expect_set("queue.buffering.max.kbytes", "64");
    cr_expect_eq(kci_config_int(config, KCI_P_BUFFER_MEMORY), 65536);
    cr_expect_str_eq(kc_config_get(config, "buffer.memory"), "65536");
    expect_bad("queue.buffering.max.kbytes", "9007199254740993000", KC_E_BAD_PROPERTY,
               "out of range");
    expect_set("queue.buffering.max.ms", "0.5");
    cr_expect_eq(kci_config_double(config, KCI_P_LINGER_MS), 0.5);
    expect_set("message.timeout.ms", "40000");
    cr_expect_eq(kci_config_int(config, KCI_P_DELIVERY_TIMEOUT_MS), 40000);
    expect_set("fetch.wait.max.ms", "7");
    cr_expect_eq(kci_config_int(config, KCI_P_FETCH_MAX_WAIT_MS), 7);
    expect_set("sasl.mechanisms", "PLAIN");
    cr_expect_str_eq(kc_config_get(config, "sasl.mechanism"), "PLAIN");
    expect_set("compression.codec", "lz4");
    expect_set("request.required.acks", "1");
    cr_expect_eq(kci_config_int(config, KCI_P_ACKS), 1);
    expect_set("auto.offset.reset", "smallest");
    cr_expect_eq(kci_config_int(config, KCI_P_AUTO_OFFSET_RESET), KCI_RESET_EARLIEST);
    expect_set("partitioner", "murmur2_random");
    expect_set("log_level", "7");
    cr_expect_str_eq(kc_config_get(config, "log.level"), "debug");
    cr_expect_eq(kci_config_int(config, KCI_P_LOG_LEVEL), 4);
}

Test(config, names_of_the_jvm_are_ignored)
{
    expect_set("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    expect_set("metric.reporters", "");
    expect_set("sasl.oauthbearer.token.endpoint.url", "https://example.com");
    cr_expect_null(kc_config_get(config, "key.serializer"));
}

Test(config, known_names_without_meaning_are_refused)
{
    expect_bad("ssl.engine.factory.class", "x.Y", KC_E_BAD_PROPERTY, "ssl.truststore");
    expect_bad("config.providers", "file", KC_E_BAD_PROPERTY, "write the values themselves");
    expect_bad("debug", "all", KC_E_BAD_PROPERTY, "log.level=debug");
}

Test(config, java_classes_of_partitioners)
{
    expect_set("partitioner.class", "org.apache.kafka.clients.producer.RoundRobinPartitioner");
    cr_expect_eq(kci_config_int(config, KCI_P_PARTITIONER_CLASS), KCI_PARTITIONER_ROUND_ROBIN);
    cr_expect_str_eq(kc_config_get(config, "partitioner.class"), "round-robin");
    expect_set("partitioner.class", "org.apache.kafka.clients.producer.UniformStickyPartitioner");
    cr_expect_eq(kci_config_int(config, KCI_P_PARTITIONER_CLASS), KCI_PARTITIONER_UNIFORM_STICKY);
    expect_set("partitioner.class",
               "org.apache.kafka.clients.producer.internals.DefaultPartitioner");
    cr_expect_eq(kci_config_int(config, KCI_P_PARTITIONER_CLASS), KCI_PARTITIONER_DEFAULT);
}

#define PLAIN_MODULE "org.apache.kafka.common.security.plain.PlainLoginModule"
#define SCRAM_MODULE "org.apache.kafka.common.security.scram.ScramLoginModule"

Test(config, jaas)
{
    expect_set("sasl.jaas.config",
               PLAIN_MODULE " required username=\"al ice\" password=\"p\\\"w;=\" ;");
    cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_USERNAME), "al ice");
    cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_PASSWORD), "p\"w;=");
    expect_set("sasl.jaas.config", SCRAM_MODULE "\n\trequired\n username=bob\n password='x y'\n"
                                                " serviceName=\"kafka\";");
    cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_USERNAME), "bob");
    cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_PASSWORD), "x y");
    expect_set("sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required "
                                   "useKeyTab=true keyTab=\"/etc/x\";");
}

/* What Java's tokenizer makes of it; tests/vectors/jaas.txt has more. */
Test(config, jaas_as_java_reads_it)
{
    static const struct {
        const char *text, *user, *password;
    } cases[] = {
        { " REQUIRED username=u password=p;", "u", "p" },
        { " Sufficient username=\"u\" password='p';", "u", "p" },
        { " required username=\"a\\101\\7\" password=\"\\a\\b\\f\\v\\0079\";", "aA\a",
          "\a\b\f\v\a9" },
        { " required username=\"\\374\" password=\"\\477\\z\\\\\";", "\xc3\xbc", "'7z\\" },
        { " required username=\"\xc3\xbc\" password=\xe2\x82\xac;", "\xc3\xbc", "\xe2\x82\xac" },
        { " required // username=no\n username=u /* password=no; */ password=p;", "u", "p" },
        { " required / a comment too\n username=\"u//u\" password='/*p*/' ;", "u//u", "/*p*/" },
        { " required username=u/no;\npassword=p;", "u", "p" },
        { " required username=\"u password=no\n password=p;", "u password=no", "p" },
        { " required username=u username=v password='' password=\"'\";", "v", "'" },
        { " required debug=true username=u password=p a=\"=\";", "u", "p" },
    };
    for (size_t i = 0; i < KCI_COUNT_OF(cases); i++) {
        char text[300];
        snprintf(text, sizeof text, "%s%s", PLAIN_MODULE, cases[i].text);
        expect_set("sasl.jaas.config", text);
        cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_USERNAME), cases[i].user, "%s", text);
        cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_PASSWORD), cases[i].password, "%s",
                         text);
    }
}

Test(config, wrong_jaas)
{
    static const char *const wrong[] = {
        PLAIN_MODULE,
        PLAIN_MODULE " required",
        PLAIN_MODULE " required username=\"alice\" password=\"secret\"",
        PLAIN_MODULE " required username=\"alice\" password=\"secret;",
        PLAIN_MODULE " required username= ;",
        PLAIN_MODULE " required username \"alice\";",
        PLAIN_MODULE " username=\"alice\" password=\"secret\";",
        PLAIN_MODULE " required username=\"alice\"; password=\"secret\";",
        PLAIN_MODULE " required username=\"alice\" password=\"secret\\0\";",
        PLAIN_MODULE " required username=\"alice\" password=\"secret\"; // and\n x",
        PLAIN_MODULE " required username=\"alice\" password=\"secret\" /* ;",
        PLAIN_MODULE " required username=\"alice\" password=secret/x;",
        ";",
    };
    for (size_t i = 0; i < KCI_COUNT_OF(wrong); i++) {
        expect_bad("sasl.jaas.config", wrong[i], KC_E_BAD_PROPERTY,
                   "sasl.jaas.config cannot be read");
        cr_expect_null(strstr(detail.text, "secret"));
    }
    expect_bad("sasl.jaas.config", "com.example.MyLoginModule required;", KC_E_BAD_PROPERTY,
               "com.example.MyLoginModule");
    expect_bad("sasl.jaas.config", SCRAM_MODULE " required tokenauth=\"true\";", KC_E_NOT_SUPPORTED,
               "delegation tokens");
    cr_expect_null(kci_config_str(config, KCI_P_SASL_USERNAME));
}

Test(config, secrets_are_hidden)
{
    expect_set("sasl.password", "hunter2");
    cr_expect_str_eq(kc_config_get(config, "sasl.password"), "[hidden]");
    cr_expect_str_eq(kci_config_str(config, KCI_P_SASL_PASSWORD), "hunter2");
    cr_expect_null(kc_config_get(config, "ssl.key.password"));
}

/* Secrets with mistakes around them: no error repeats the secret. */
Test(config, errors_do_not_tell_secrets)
{
    static const char *const bad_jaas[] = {
        PLAIN_MODULE " required username=\"a\" password=\"c4nary\"",
        PLAIN_MODULE " required username=\"a\" password=\"c4nary;",
        PLAIN_MODULE " required username=\"a\" password=c4nary",
        "com.example.Other required password=\"c4nary\";",
        "password=\"c4nary\";",
        "c4nary",
        "\"c4nary\" required;",
        SCRAM_MODULE " required tokenauth=\"true\" password=\"c4nary\";",
    };
    for (size_t i = 0; i < KCI_COUNT_OF(bad_jaas); i++) {
        cr_expect_neq(set("sasl.jaas.config", bad_jaas[i]), KC_OK);
        cr_expect_null(strstr(detail.text, "c4nary"), "%s", detail.text);
    }
    kc_config_property row = KC_CONFIG_PROPERTY_INIT;
    int secrets = 0;
    for (size_t i = 0; kc_config_property_at(i, &row); i++) {
        if (!(row.flags & KC_PROPERTY_SECRET) || strcmp(row.name, "sasl.jaas.config") == 0)
            continue;
        secrets++;
        expect_set(row.name, "c4nary");
        cr_expect_str_eq(kc_config_get(config, row.name), "[hidden]", "%s", row.name);
        for (const char *scope = "PCA"; *scope; scope++) {
            kci_config_check(config, *scope, &detail);
            cr_expect_null(strstr(detail.text, "c4nary"), "%s", detail.text);
        }
    }
    cr_expect_geq(secrets, 5);
}

Test(config, copies_are_independent)
{
    expect_set("client.id", "one");
    expect_set("linger.ms", "7");
    kc_config *copy = kc_config_copy(config);
    cr_assert(copy);
    expect_set("client.id", "two");
    cr_expect_str_eq(kci_config_str(copy, KCI_P_CLIENT_ID), "one");
    cr_expect_eq(kci_config_double(copy, KCI_P_LINGER_MS), 7);
    cr_expect_not(kci_config_is_set(copy, KCI_P_ACKS));
    kc_config_free(copy);
}

Test(config, failing_allocations)
{
    int failures = 0;
    for (int n = 1;; n++) {
        kci_mem_fail_after(n, false);
        kc_err err = kc_config_set(config, "sasl.jaas.config",
                                   PLAIN_MODULE " required username=\"a\" password=\"b\";", NULL);
        kci_mem_fail_after(0, false);
        if (!err)
            break;
        cr_expect_eq(err, KC_E_NO_MEMORY);
        failures++;
    }
    cr_expect_geq(failures, 5);
    for (int n = 1; n < 4; n++) {
        kci_mem_fail_after(n, false);
        cr_expect_null(kc_config_copy(config));
        kci_mem_fail_after(0, false);
    }
    kci_mem_fail_after(1, false);
    cr_expect_null(kc_config_new());
    kci_mem_fail_after(0, false);
}

Test(config, durations)
{
    static const struct {
        const char *text;
        int64_t ms;
    } all[] = {
        { "P1D", 86400000 }, { "PT1H", 3600000 }, { "P1DT2H3M4.5S", 93784500 },
        { "pt1h", 3600000 }, { "PT1.S", 1000 },   { "PT0S", 0 },
        { "P", -1 },         { "PT", -1 },        { "PT1.5H", -1 },
        { "P1", -1 },        { "PT-1S", -1 },     { "PT3M1H", -1 },
        { "PT.5S", -1 },     { "", -1 },          { "1D", -1 },
        { "P1DT", -1 },      { "P1D2D", -1 },     { "PT1S ", -1 },
        { "P1H", -1 },       { "PT1D", -1 },      { "P99999999999999999999D", -1 },
    };
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        int64_t ms = -1;
        bool ok = kci_duration_parse(all[i].text, &ms);
        cr_expect_eq(ok, all[i].ms >= 0, "%s", all[i].text);
        cr_expect_eq(ms, all[i].ms, "%s: %lld", all[i].text, (long long)ms);
    }
    expect_set("auto.offset.reset", "by_duration:PT90S");
    cr_expect_eq(kci_config_int(config, KCI_P_AUTO_OFFSET_RESET), KCI_RESET_BY_DURATION);
    cr_expect_eq(kci_config_reset_duration_ms(config), 90000);
}

Test(config, listing)
{
    kc_config_property property = KC_CONFIG_PROPERTY_INIT;
    size_t count = 0, secrets = 0;
    for (; kc_config_property_at(count, &property); count++) {
        cr_expect(property.name && property.doc && property.range && property.def);
        secrets += (property.flags & KC_PROPERTY_SECRET) != 0;
        if (strcmp(property.name, "linger.ms") == 0) {
            cr_expect_str_eq(property.type, "double");
            cr_expect_str_eq(property.range, "0..2147483647");
            cr_expect_str_eq(property.aliases, "queue.buffering.max.ms");
        }
    }
    cr_expect_eq(count, (size_t)KCI_P_COUNT);
    cr_expect_geq(secrets, 5);
}

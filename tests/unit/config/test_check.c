/* SPDX-License-Identifier: Apache-2.0 */
/* Checks across properties, and values that follow from several. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/config.h"

static kc_config *config;
static kc_error detail;

static void begin(void)
{
    config = kc_config_new();
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", "localhost:9092", NULL), KC_OK);
}

static void end(void)
{
    kc_config_free(config);
}

TestSuite(check, .init = begin, .fini = end);

static void set(const char *name, const char *value)
{
    cr_assert_eq(kc_config_set(config, name, value, &detail), KC_OK, "%s", detail.text);
}

static void expect(char scope, kc_err err, const char *part)
{
    detail = (kc_error){ 0 };
    kc_err got = kci_config_check(config, scope, &detail);
    cr_expect_eq(got, err, "%d: %s", got, detail.text);
    cr_expect(strstr(detail.text, part), "\"%s\" lacks \"%s\"", detail.text, part);
}

Test(check, defaults_are_fine)
{
    for (const char *scope = "PCA*"; *scope; scope++)
        expect(*scope, KC_OK, "");
}

Test(check, no_servers)
{
    set("bootstrap.servers", "");
    expect('*', KC_E_BAD_PROPERTY, "bootstrap.servers is not set");
}

Test(check, canonical_names_are_refused)
{
    set("client.dns.lookup", "use_all_dns_ips");
    expect('*', KC_OK, "");
    set("client.dns.lookup", "resolve_canonical_bootstrap_servers_only");
    expect('*', KC_E_NOT_SUPPORTED, "remove it");
}

Test(check, idempotence)
{
    cr_expect(kci_config_idempotent(config));
    set("acks", "1");
    cr_expect_not(kci_config_idempotent(config), "not set: gives way");
    expect('P', KC_OK, "");
    set("enable.idempotence", "true");
    expect('P', KC_E_BAD_PROPERTY, "acks=all");
    expect('C', KC_OK, "");
    set("acks", "all");
    set("max.in.flight.requests.per.connection", "6");
    expect('P', KC_E_BAD_PROPERTY, "at most 5");
    set("max.in.flight.requests.per.connection", "5");
    set("retries", "0");
    expect('P', KC_E_BAD_PROPERTY, "retries above 0");
    set("enable.idempotence", "false");
    expect('P', KC_OK, "");
}

Test(check, delivery_timeout)
{
    set("request.timeout.ms", "150000");
    cr_expect_eq(kci_config_delivery_timeout_ms(config), 150005, "not set: gives way");
    expect('P', KC_OK, "");
    set("delivery.timeout.ms", "120000");
    expect('P', KC_E_BAD_PROPERTY, "delivery.timeout.ms=120000 is less than");
    cr_expect_eq(kci_config_delivery_timeout_ms(config), 120000);
}

Test(check, transactions_are_refused)
{
    set("transactional.id", "t");
    expect('P', KC_E_NOT_SUPPORTED, "transactional.id");
}

Test(check, consumer)
{
    set("receive.message.max.bytes", "52428800");
    expect('C', KC_E_BAD_PROPERTY, "receive.message.max.bytes");
    set("fetch.max.bytes", "52427776");
    expect('C', KC_OK, "");
    set("heartbeat.interval.ms", "45000");
    expect('C', KC_E_BAD_PROPERTY, "heartbeat.interval.ms");
}

Test(check, sasl)
{
    set("security.protocol", "SASL_PLAINTEXT");
    expect('*', KC_E_NOT_SUPPORTED, "sasl.mechanism=GSSAPI");
    set("sasl.mechanism", "SCRAM-SHA-512");
    expect('*', KC_E_BAD_PROPERTY, "sasl.username");
    set("sasl.username", "alice");
    expect('*', KC_E_BAD_PROPERTY, "sasl.password");
    set("sasl.password", "secret");
    expect('*', KC_OK, "");
}

Test(check, levels)
{
    cr_expect_eq(kci_config_compression_level(config, 1), KCI_LEVEL_DEFAULT);
    cr_expect_eq(kci_config_compression_level(config, 2), KCI_LEVEL_DEFAULT);
    cr_expect_eq(kci_config_compression_level(config, 4), KCI_LEVEL_DEFAULT);
    set("compression.level", "19");
    cr_expect_eq(kci_config_compression_level(config, 1), 9, "as much as gzip knows");
    cr_expect_eq(kci_config_compression_level(config, 4), 19);
    set("compression.zstd.level", "-5");
    cr_expect_eq(kci_config_compression_level(config, 4), -5);
    set("compression.lz4.level", "9");
    cr_expect_eq(kci_config_compression_level(config, 3), KCI_LEVEL_DEFAULT, "Java's fast one");
    set("compression.lz4.level", "12");
    cr_expect_eq(kci_config_compression_level(config, 3), 12);
}

#if KCI_HAVE_TLS

static char path[] = "/tmp/kclient-test-store-XXXXXX";

static void write_store(const void *bytes, size_t size)
{
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    set("security.protocol", "SSL");
    set("ssl.truststore.location", path);
}

static void expect_type(int wanted)
{
    int type;
    cr_expect_eq(kci_config_store_type(config, KCI_P_SSL_TRUSTSTORE_LOCATION, &type, &detail),
                 KC_OK);
    cr_expect_eq(type, wanted);
    unlink(path);
}

Test(check, truststore_in_jks)
{
    write_store("\xfe\xed\xfe\xed\0\0\0\2", 8);
    expect('*', KC_E_BAD_PROPERTY, "keytool -importkeystore");
    expect_type(KCI_STORE_JKS);
}

Test(check, truststore_in_pem)
{
    write_store("-----BEGIN CERTIFICATE-----\n", 28);
    expect('*', KC_OK, "");
    expect_type(KCI_STORE_PEM);
}

/* Java's own "JKS" reader takes PKCS12 files too, and files often say so. */
Test(check, truststore_in_pkcs12_called_jks)
{
    write_store("\x30\x82\x01\x00", 4);
    set("ssl.truststore.type", "JKS");
    expect('*', KC_OK, "");
    expect_type(KCI_STORE_PKCS12);
}

Test(check, truststore_missing)
{
    set("security.protocol", "SSL");
    set("ssl.truststore.location", "/nowhere/store.pem");
    expect('*', KC_E_IO, "/nowhere/store.pem");
    set("security.protocol", "PLAINTEXT");
    expect('*', KC_OK, "");
}

Test(check, keys_come_in_pairs)
{
    set("security.protocol", "SSL");
    set("ssl.keystore.key", "-----BEGIN PRIVATE KEY-----");
    expect('*', KC_E_BAD_PROPERTY, "ssl.keystore.certificate.chain is not");
    set("ssl.keystore.certificate.chain", "-----BEGIN CERTIFICATE-----");
    expect('*', KC_OK, "");
    set("ssl.certificate.location", "/nowhere");
    expect('*', KC_E_BAD_PROPERTY, "ssl.key.location is not");
}

#endif

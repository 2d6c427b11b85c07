/* SPDX-License-Identifier: Apache-2.0 */
/* Property files as people have them, right and wrong ones: loaded, checked, and for the wrong ones
 * the sentence has to name the cause. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"

typedef struct sample {
    char file[40];
    char scope;
    kc_err err;
    char part[60]; /* of the sentence; or for KC_OK "name=value" of one property */
} sample;

static sample samples[] = {
    { "plain.properties", '*', KC_OK, "bootstrap.servers=localhost:9092" },
    { "producer.properties", 'P', KC_OK, "batch.size=32768" },
    { "producer.properties", 'P', KC_OK, "max.request.size=2097152" },
    { "consumer.properties", 'C', KC_OK, "client.rack=eu-west-1a" },
    { "sasl_plain.properties", 'P', KC_OK, "sasl.username=ABCDEFGH" },
    { "sasl_plain.properties", 'P', KC_OK, "sasl.password=[hidden]" },
    { "sasl_scram.properties", 'C', KC_OK, "sasl.username=alice" },
    { "tls_pem.properties", '*', KC_OK, "ssl.endpoint.identification.algorithm=none" },
    { "tls_missing.properties", '*', KC_E_IO, "/nowhere/truststore.p12 cannot be read" },
    { "kerberos.properties", '*', KC_E_NOT_SUPPORTED, "sasl.mechanism=GSSAPI" },
    { "oauth.properties", '*', KC_E_NOT_SUPPORTED, "sasl.mechanism=OAUTHBEARER" },
    { "aws_iam.properties", '*', KC_E_BAD_PROPERTY, "aws_iam.properties:3: sasl.jaas.config" },
    { "typo.properties", '*', KC_E_UNKNOWN_PROPERTY, "typo.properties:4: " },
    { "typo.properties", '*', KC_E_UNKNOWN_PROPERTY, "did you mean compression.type?" },
    { "bad_value.properties", '*', KC_E_BAD_PROPERTY, "acks=two is not known" },
    { "bad_number.properties", '*', KC_E_BAD_PROPERTY, "batch.size=16 KiB is not a whole number" },
    { "bad_escape.properties", '*', KC_E_BAD_PROPERTY, "bad_escape.properties:2: a \\uXXXX" },
    { "unquoted_jaas.properties", '*', KC_E_BAD_PROPERTY, "with the semicolon" },
    { "no_credentials.properties", '*', KC_E_BAD_PROPERTY, "set sasl.username" },
    { "no_servers.properties", '*', KC_E_BAD_PROPERTY, "bootstrap.servers is not set" },
    { "contradiction.properties", 'P', KC_E_BAD_PROPERTY, "needs acks=all" },
    { "contradiction.properties", 'C', KC_OK, "acks=1" },
    { "transactional.properties", 'P', KC_E_NOT_SUPPORTED, "transactional.id" },
    { "librdkafka.conf", 'P', KC_OK, "buffer.memory=1048576" },
    { "librdkafka.conf", 'P', KC_OK, "sasl.mechanism=SCRAM-SHA-256" },
    { "ccloud.properties", '*', KC_OK, "sasl.username=KEY" },
    { "config_providers.properties", '*', KC_E_BAD_PROPERTY, "${file:...}" },
    { "windows.properties", '*', KC_OK, "client.id=caf\xc3\xa9" },
    { "missing.properties", '*', KC_E_IO, "cannot be read" },
    { "", '*', KC_E_IO, "cannot be read" }, /* the folder itself */
};

static void expect_property(const kc_config *config, const char *pair)
{
    char name[60];
    size_t len = strcspn(pair, "=");
    snprintf(name, sizeof name, "%.*s", (int)len, pair);
    const char *value = kc_config_get(config, name);
    cr_expect_str_eq(value ? value : "", pair + len + 1);
}

/* A build without TLS refuses what needs it, whatever else is wrong with it. */
static bool needs_missing_tls(const kc_config *config)
{
    const char *protocol = kc_config_get(config, "security.protocol");
    return !KCI_HAVE_TLS && protocol && strstr(protocol, "SSL");
}

ParameterizedTestParameters(samples, files)
{
    return cr_make_param_array(sample, samples, sizeof samples / sizeof *samples);
}

ParameterizedTest(sample *s, samples, files)
{
    char path[512];
    kc_error detail = { 0 };
    kc_config *config = kc_config_new();
    snprintf(path, sizeof path, "%s/%s", SAMPLES_DIR, s->file);
    kc_err err = kc_config_load(config, path, &detail);
    if (!err && needs_missing_tls(config))
        *s = (sample){ .err = KC_E_NOT_SUPPORTED, .part = "-Dtls=enabled" };
    if (!err)
        err = kci_config_check(config, s->scope, &detail);
    cr_expect_eq(err, s->err, "%s: %d %s", s->file, err, detail.text);
    if (!err)
        expect_property(config, s->part);
    else
        cr_expect(strstr(detail.text, s->part), "%s: \"%s\" lacks \"%s\"", s->file, detail.text,
                  s->part);
    cr_expect_null(strstr(detail.text, "alice-secret"));
    kc_config_free(config);
}

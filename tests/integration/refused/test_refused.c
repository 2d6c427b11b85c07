/* SPDX-License-Identifier: Apache-2.0 */
/* Programs whose log-in or certificate is refused are told so, at once: every call below may take
 * an hour, and the test's own time limit is what fails it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

TestSuite(refused, .timeout = 60);

enum { HOUR_MS = 3600000 };

static kc_mock *mock;
static kc_client *client;

static void start(const char *const *properties)
{
    kc_config *config = kc_config_new();
    kc_error why = { 0 };
    kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), NULL);
    kc_config_set(config, "max.block.ms", "3600000", NULL);
    kc_config_set(config, "log.level", "none", NULL);
    for (; *properties; properties += 2)
        cr_assert_eq(kc_config_set(config, properties[0], properties[1], &why), KC_OK, "%s",
                     why.text);
    cr_assert_eq(kc_client_new(config, &client, &why), KC_OK, "%s", why.text);
    kc_config_free(config);
}

static void stop(void)
{
    kc_client_free(client);
    kc_mock_free(mock);
}

static void expect(const char *call, kc_err err, kc_err wanted, const kc_error *why,
                   const char *sentence)
{
    cr_assert_eq(err, wanted, "%s: %s: %s", call, kc_error_name(err), why->text);
    cr_assert_eq(why->flags & KC_ERROR_RETRIABLE, 0, "%s", call);
    cr_assert(strstr(why->text, sentence), "%s: %s", call, why->text);
}

static void every_call_says(kc_err wanted, const char *sentence)
{
    kc_error why = { 0 };
    kc_producer *producer = NULL;
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("t");
    record.value = kc_str("x");
    cr_assert_eq(kc_producer_new(client, NULL, &producer, &why), KC_OK);
    for (int i = 0; i < 20; i++)
        expect("send", kc_producer_send(producer, &record, &why), wanted, &why, sentence);
    cr_assert_eq(kc_producer_flush(producer, 1000, &why), KC_OK, "nothing was taken");
    kc_producer_free(producer);

    kc_admin *admin = NULL;
    kc_cluster *cluster = NULL;
    cr_assert_eq(kc_admin_new(client, &admin, &why), KC_OK, "%s", why.text);
    for (int i = 0; i < 20; i++)
        expect("describe_cluster", kc_admin_describe_cluster(admin, HOUR_MS, &cluster, &why),
               wanted, &why, sentence);
    kc_admin_free(admin);
}

static void start_with_a_wrong_password(const char *more, const char *value)
{
    kc_mock_options options = { .size = sizeof options, .brokers = 3, .sasl_plain = "u:right" };
    cr_assert_eq(kc_mock_new(&options, &mock, NULL), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 1), KC_OK);
    start((const char *const[]){ "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "PLAIN",
                                 "sasl.username", "u", "sasl.password", "wrong", more, value,
                                 NULL });
}

Test(refused, a_wrong_password)
{
    start_with_a_wrong_password(NULL, NULL);
    every_call_says(KC_E_AUTHENTICATION, "sasl.password");
    kc_stats stats = { .size = sizeof stats };
    kc_client_get_stats(client, &stats);
    cr_assert_eq(stats.connects, 0);
    cr_assert_leq(kc_mock_requests(mock, -1, KC_MOCK_API_SASL_AUTHENTICATE), 3,
                  "each log-in may lock the account");
    stop();
}

Test(refused, a_wrong_password_without_a_thread)
{
    start_with_a_wrong_password("client.threads", "0");
    every_call_says(KC_E_AUTHENTICATION, "sasl.password");
    stop();
}

#if KCI_HAVE_TLS

#include "certs.h"

static char dir[] = "/tmp/kclient-refused-XXXXXX";

static char *files[3];

static void stop_and_remove(void)
{
    stop();
    for (size_t i = 0; i < 3; i++) {
        remove(files[i]);
        free(files[i]);
    }
    rmdir(dir);
}

static char *store(const char *name, char *text)
{
    char *path = file_write(dir, name, text, strlen(text));
    free(text);
    return path;
}

static void with_certificate(const char *trusted_name)
{
    cr_assert_not_null(mkdtemp(dir));
    cert own = cert_make((cert_spec){ .name = "own", .san = "IP:127.0.0.1" });
    cert other = cert_make((cert_spec){ .name = "other", .ca = true });
    char *crt = store("own.pem", cert_text(&own)),
         *key = store("key.pem", cert_key_text(&own, NULL));
    char *ca = store("other.pem", cert_text(&other));
    kc_mock_options options = {
        .size = sizeof options, .brokers = 2, .tls_cert_file = crt, .tls_key_file = key
    };
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(&options, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 1), KC_OK);
    start((const char *const[]){ "security.protocol", "SSL", "ssl.truststore.location",
                                 strcmp(trusted_name, "own") == 0 ? crt : ca, NULL });
    files[0] = crt;
    files[1] = key;
    files[2] = ca;
    cert_free(&own);
    cert_free(&other);
}

Test(refused, a_certificate)
{
    with_certificate("other");
    every_call_says(KC_E_TLS, "ssl.truststore.location");
    stop_and_remove();
}

Test(refused, a_trusted_certificate_is_not)
{
    kc_error why = { 0 };
    kc_admin *admin = NULL;
    kc_cluster *cluster = NULL;
    with_certificate("own");
    cr_assert_eq(kc_admin_new(client, &admin, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_admin_describe_cluster(admin, HOUR_MS, &cluster, &why), KC_OK, "%s", why.text);
    kc_cluster_free(cluster);
    kc_admin_free(admin);
    stop_and_remove();
}

#endif

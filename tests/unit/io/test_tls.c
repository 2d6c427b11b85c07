/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: which certificates are accepted, what a refusal says, and frames through it under every way
 * a network may cut them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "certs.h"
#include "pair.h"

/* contexts from texts */

static kci_tls *server_of(const char *chain, const char *key, kci_tls_params params)
{
    params.server = true;
    params.cert_pem = kc_str(chain);
    params.key_pem = kc_str(key);
    kci_tls *tls = NULL;
    kc_error detail = { 0 };
    cr_assert_eq(kci_tls_new(&params, &tls, &detail), KC_OK, "%s", detail.text);
    return tls;
}

static kci_tls *client_of(const char *ca, kci_tls_params params)
{
    params.verify_peer = params.verify_host = true;
    params.ca_pem = kc_str(ca);
    kci_tls *tls = NULL;
    kc_error detail = { 0 };
    cr_assert_eq(kci_tls_new(&params, &tls, &detail), KC_OK, "%s", detail.text);
    return tls;
}

/* A certificate authority and a server certificate for localhost and 127.0.0.1. */
typedef struct realm {
    cert ca, server;
    char *ca_text, *server_text, *server_key;
} realm;

static realm new_realm(void)
{
    realm r = { .ca = cert_make((cert_spec){ .name = "Test CA", .ca = true }) };
    r.server = cert_make((cert_spec){
        .name = "server", .san = "DNS:localhost,IP:127.0.0.1,DNS:*.example.com", .issuer = &r.ca });
    r.ca_text = cert_text(&r.ca);
    r.server_text = cert_text(&r.server);
    r.server_key = cert_key_text(&r.server, NULL);
    return r;
}

static void free_realm(realm *r)
{
    cert_free(&r->ca);
    cert_free(&r->server);
    free(r->ca_text);
    free(r->server_text);
    free(r->server_key);
}

/* Whether a client that trusts `ca` accepts this chain as `host`: true, or the error's sentence. */
static bool accepts(const char *ca, const char *chain, const char *key, const char *host, char *why)
{
    static pair p;
    pair_init(&p, false);
    p.server_tls = server_of(chain, key, (kci_tls_params){ .suites = "DEFAULT@SECLEVEL=0" });
    p.client_tls = client_of(ca, (kci_tls_params){ 0 });
    p.server_name = host;
    cr_assert_eq(pair_connect(&p), KC_OK);
    while (!p.client.up && !p.client.closed)
        kci_loop_step(p.loop, 100000);
    bool up = p.client.up;
    if (up) {
        end_send(&p.client, 100, 1, 1);
        cr_assert(pair_until(&p, &p.server.frame_count, 1, PAIR_PATIENCE_MS));
    } else {
        cr_assert_eq(p.client.err, KC_E_TLS, "%s", p.client.why);
        cr_assert(pair_until(&p, &p.server.closed, 1, PAIR_PATIENCE_MS));
        cr_assert_eq(p.server.up, 0, "the server must learn of it");
    }
    snprintf(why, 600, "%s", p.client.why);
    pair_free(&p);
    return up;
}

static void expect(realm *r, cert_spec spec, const char *host, const char *refusal)
{
    if (!spec.issuer)
        spec.issuer = &r->ca;
    cert c = cert_make(spec);
    char *text = cert_text(&c), *key = cert_key_text(&c, NULL);
    char why[600];
    bool ok = accepts(r->ca_text, text, key, host, why);
    cr_assert_eq(ok, refusal == NULL, "%s %s: %s", spec.name, host, why);
    if (refusal)
        cr_assert(strstr(why, refusal), "%s: %s", spec.name, why);
    free(text);
    free(key);
    cert_free(&c);
}

Test(tls, good_certificates)
{
    realm r = new_realm();
    expect(&r, (cert_spec){ .name = "name", .san = "DNS:localhost" }, "localhost", NULL);
    expect(&r, (cert_spec){ .name = "case", .san = "DNS:LOCALHOST" }, "localhost", NULL);
    expect(&r, (cert_spec){ .name = "dot", .san = "DNS:localhost" }, "localhost.", NULL);
    expect(&r, (cert_spec){ .name = "ip", .san = "IP:127.0.0.1" }, "127.0.0.1", NULL);
    expect(&r, (cert_spec){ .name = "ip6", .san = "IP:::1" }, "::1", NULL);
    expect(&r, (cert_spec){ .name = "wildcard", .san = "DNS:*.example.com" }, "b1.example.com",
           NULL);
    expect(&r, (cert_spec){ .name = "usage", .san = "DNS:localhost", .usage = "serverAuth" },
           "localhost", NULL);
    expect(&r, (cert_spec){ .name = "localhost" }, "localhost", NULL);
    expect(&r, (cert_spec){ .name = "localhost", .san = "IP:127.0.0.1" }, "localhost", NULL);
    free_realm(&r);
}

Test(tls, bad_certificates)
{
    realm r = new_realm();
    expect(&r,
           (cert_spec){ .name = "expired", .san = "DNS:localhost", .from_days = -9, .to_days = -1 },
           "localhost", "expired");
    expect(&r, (cert_spec){ .name = "early", .san = "DNS:localhost", .from_days = 1, .to_days = 9 },
           "localhost", "not yet valid");
    expect(&r, (cert_spec){ .name = "host", .san = "DNS:other" }, "localhost", "hostname mismatch");
    expect(&r, (cert_spec){ .name = "localhost", .san = "DNS:other" }, "localhost", "mismatch");
    expect(&r, (cert_spec){ .name = "127.0.0.1" }, "127.0.0.1", "IP address");
    expect(&r, (cert_spec){ .name = "127.0.0.1", .san = "DNS:127.0.0.1" }, "127.0.0.1",
           "IP address");
    expect(&r, (cert_spec){ .name = "deep", .san = "DNS:*.example.com" }, "a.b.example.com",
           "mismatch");
    expect(&r, (cert_spec){ .name = "top", .san = "DNS:*.example.com" }, "example.com", "mismatch");
    expect(&r, (cert_spec){ .name = "part", .san = "DNS:b*.example.com" }, "b1.example.com",
           "mismatch");
    expect(&r, (cert_spec){ .name = "nul", .nul = ".example.com" }, "localhost", "mismatch");
    expect(&r, (cert_spec){ .name = "usage", .san = "DNS:localhost", .usage = "clientAuth" },
           "localhost", "refused");
    expect(&r, (cert_spec){ .name = "weak", .san = "DNS:localhost", .rsa_bits = 1024 }, "localhost",
           "refused");
    cert other = cert_make((cert_spec){ .name = "Other CA", .ca = true });
    expect(&r, (cert_spec){ .name = "other", .san = "DNS:localhost", .issuer = &other },
           "localhost", "ssl.truststore");
    cert_free(&other);
    cert no_ca = cert_make((cert_spec){ .name = "No CA", .issuer = &r.ca });
    expect(&r, (cert_spec){ .name = "no ca", .san = "DNS:localhost", .issuer = &no_ca },
           "localhost", "refused");
    cert_free(&no_ca);

    cert self = cert_make((cert_spec){ .name = "self", .san = "DNS:localhost" });
    char *text = cert_text(&self), *key = cert_key_text(&self, NULL), why[600];
    cr_assert_not(accepts(r.ca_text, text, key, "localhost", why));
    cr_assert(strstr(why, "self"), "%s", why);
    cr_assert(accepts(text, text, key, "localhost", why), "trusted on purpose: %s", why);
    free(text);
    free(key);
    cert_free(&self);
    free_realm(&r);
}

Test(tls, intermediate_certificates)
{
    realm r = new_realm();
    cert middle = cert_make((cert_spec){ .name = "Middle", .ca = true, .issuer = &r.ca });
    cert leaf = cert_make((cert_spec){ .name = "leaf", .san = "DNS:localhost", .issuer = &middle });
    char *key = cert_key_text(&leaf, NULL), *alone = cert_text(&leaf), why[600];
    cr_assert_not(accepts(r.ca_text, alone, key, "localhost", why));
    cr_assert(strstr(why, "issuer"), "%s", why);
    char *chain = text_join(alone, cert_text(&middle));
    cr_assert(accepts(r.ca_text, chain, key, "localhost", why), "%s", why);
    free(chain);
    free(key);
    cert_free(&middle);
    cert_free(&leaf);
    free_realm(&r);
}

/* Each certificate of a truststore is an anchor, not only those that signed themselves. */
Test(tls, trust_without_the_root)
{
    realm r = new_realm();
    cert middle = cert_make((cert_spec){ .name = "Middle", .ca = true, .issuer = &r.ca });
    cert leaf = cert_make((cert_spec){ .name = "leaf", .san = "DNS:localhost", .issuer = &middle });
    cert sister =
        cert_make((cert_spec){ .name = "sister", .san = "DNS:localhost", .issuer = &middle });
    char *key = cert_key_text(&leaf, NULL), *issuer = cert_text(&middle), why[600];
    char *alone = cert_text(&leaf), *other = cert_text(&sister);
    char *chain = text_join(cert_text(&leaf), cert_text(&middle));
    cr_assert(accepts(issuer, chain, key, "localhost", why), "its issuer: %s", why);
    cr_assert(accepts(issuer, alone, key, "localhost", why), "its issuer, not sent: %s", why);
    cr_assert(accepts(alone, chain, key, "localhost", why), "itself: %s", why);
    cr_assert(accepts(alone, alone, key, "localhost", why), "itself alone: %s", why);
    cr_assert_not(accepts(alone, chain, key, "example.com", why), "another host");
    cr_assert_not(accepts(other, chain, key, "localhost", why), "another of the same issuer");
    char *texts[] = { key, issuer, alone, other, chain };
    for (size_t i = 0; i < KCI_COUNT_OF(texts); i++)
        free(texts[i]);
    cert_free(&middle);
    cert_free(&leaf);
    cert_free(&sister);
    free_realm(&r);
}

Test(tls, revoked_certificates)
{
    realm r = new_realm();
    char why[600];
    char *with = text_join(cert_text(&r.ca), cert_crl_text(&r.ca, &r.server));
    cr_assert_not(accepts(with, r.server_text, r.server_key, "localhost", why));
    cr_assert(strstr(why, "revoked"), "%s", why);
    free(with);
    with = text_join(cert_text(&r.ca), cert_crl_text(&r.ca, NULL));
    cr_assert(accepts(with, r.server_text, r.server_key, "localhost", why), "%s", why);
    free(with);
    free_realm(&r);
}

static void open_tls(pair *p, const realm *r, kci_tls_params client, kci_tls_params server)
{
    p->server_tls = server_of(r->server_text, r->server_key, server);
    p->client_tls = client_of(r->ca_text, client);
    p->server_name = "localhost";
    cr_assert_eq(pair_connect(p), KC_OK);
}

static void expect_up(pair *p)
{
    cr_assert(pair_until(p, &p->client.up, 1, PAIR_PATIENCE_MS), "%s", p->client.why);
    cr_assert(pair_until(p, &p->server.up, 1, PAIR_PATIENCE_MS), "%s", p->server.why);
}

Test(tls, checks_can_be_switched_off_one_by_one)
{
    realm r = new_realm();
    for (int i = 0; i < 2; i++) {
        static pair p;
        pair_init(&p, false);
        cert other =
            cert_make((cert_spec){ .name = "x", .san = "DNS:x", .issuer = i ? NULL : &r.ca });
        char *text = cert_text(&other), *key = cert_key_text(&other, NULL);
        p.server_tls = server_of(text, key, (kci_tls_params){ 0 });
        kci_tls_params params = { .verify_peer = i == 0, .ca_pem = kc_str(r.ca_text) };
        cr_assert_eq(kci_tls_new(&params, &p.client_tls, NULL), KC_OK);
        p.server_name = "localhost";
        cr_assert_eq(pair_connect(&p), KC_OK);
        expect_up(&p);
        pair_free(&p);
        free(text);
        free(key);
        cert_free(&other);
    }
    free_realm(&r);
}

Test(tls, verification_needs_a_name)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    p.server_tls = server_of(r.server_text, r.server_key, (kci_tls_params){ 0 });
    p.client_tls = client_of(r.ca_text, (kci_tls_params){ 0 });
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_TLS);
    cr_assert(strstr(p.client.why, "host name"), "%s", p.client.why);
    pair_free(&p);
    free_realm(&r);
}

BOTH_POLLERS(tls, frames_both_ways)
{
    realm r = new_realm();
    for (int version = 12; version <= 13; version++) {
        static pair p;
        pair_init(&p, use_poll);
        open_tls(&p, &r, (kci_tls_params){ .min_version = version, .max_version = version },
                 (kci_tls_params){ 0 });
        expect_up(&p);
        static const uint32_t sizes[] = {
            1, 100, 16380, 16384, 16388, 70000, 3 << 20, 3, 5 << 20, 1
        };
        int n = (int)KCI_COUNT_OF(sizes);
        for (int i = 0; i < n; i++) {
            end_send(&p.client, sizes[i], (uint8_t)i, 1 + i % 5);
            end_send(&p.server, sizes[i], (uint8_t)(i + 7), 1 + i % 3);
        }
        cr_assert(pair_until(&p, &p.server.frame_count, n, PAIR_PATIENCE_MS));
        cr_assert(pair_until(&p, &p.client.frame_count, n, PAIR_PATIENCE_MS));
        for (int i = 0; i < n; i++) {
            cr_assert(frame_is(p.server.frames[i], sizes[i], (uint8_t)i), "frame %d", i);
            cr_assert(frame_is(p.client.frames[i], sizes[i], (uint8_t)(i + 7)), "frame %d", i);
        }
        cr_assert_eq(p.client.written, n);
        pair_free(&p);
        cr_assert_eq(p.client.err, KC_OK);
    }
    free_realm(&r);
}

Test(tls, small_frames_share_records_and_system_calls)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    pair_steps(&p, 20);
    kci_conn_counters before = kci_conn_get_counters(p.client.conn);
    kci_conn_counters before_in = kci_conn_get_counters(p.server.conn);
    for (int i = 0; i < 1000; i++)
        end_send(&p.client, 20, (uint8_t)i, 2);
    cr_assert(pair_until(&p, &p.server.frame_count, 1000, PAIR_PATIENCE_MS));
    kci_conn_counters out = kci_conn_get_counters(p.client.conn);
    kci_conn_counters in = kci_conn_get_counters(p.server.conn);
    cr_assert_leq(out.bytes_out - before.bytes_out, 24000 * 11 / 10);
    cr_assert_leq(out.writes - before.writes, 12);
    cr_assert_leq(in.reads - before_in.reads, 20);
    pair_free(&p);
    free_realm(&r);
}

Test(tls, bulk_takes_few_system_calls)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    p.server.drop_frames = true;
    expect_up(&p);
    for (int i = 0; i < 32; i++)
        end_send(&p.client, 1 << 20, (uint8_t)i, 1);
    cr_assert(pair_until(&p, &p.server.frame_count, 32, PAIR_PATIENCE_MS));
    kci_conn_counters out = kci_conn_get_counters(p.client.conn);
    cr_assert_leq(out.writes, 32 * 16 * 4, "%llu", (unsigned long long)out.writes);
    pair_free(&p);
    free_realm(&r);
}

/* client certificates */

static void mutual(bool with_cert, bool right_ca)
{
    realm r = new_realm();
    cert other = cert_make((cert_spec){ .name = "Other CA", .ca = true });
    cert own = cert_make((cert_spec){ .name = "client", .issuer = right_ca ? &r.ca : &other });
    char *text = cert_text(&own), *key = cert_key_text(&own, "secret");
    kci_tls_params client = { 0 };
    if (with_cert) {
        client.cert_pem = kc_str(text);
        client.key_pem = kc_str(key);
        client.key_password = "secret";
    }
    for (int version = 12; version <= 13; version++) {
        static pair p;
        pair_init(&p, false);
        client.max_version = version;
        open_tls(&p, &r, client,
                 (kci_tls_params){ .verify_peer = true, .ca_pem = kc_str(r.ca_text) });
        if (with_cert && right_ca) {
            expect_up(&p);
            end_send(&p.client, 10, 0, 1);
            cr_assert(pair_until(&p, &p.server.frame_count, 1, PAIR_PATIENCE_MS));
        } else {
            /* in TLS 1.3 the client is up before the server has seen what it got */
            cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
            cr_assert_eq(p.client.err, KC_E_TLS, "%s", p.client.why);
            cr_assert(strstr(p.client.why, "ssl.keystore") ||
                          strstr(p.client.why, "client certificate"),
                      "%s", p.client.why);
            cr_assert_eq(p.server.up, 0);
        }
        pair_free(&p);
    }
    free(text);
    free(key);
    cert_free(&own);
    cert_free(&other);
    free_realm(&r);
}

Test(tls, client_certificate)
{
    mutual(true, true);
}

Test(tls, client_certificate_missing)
{
    mutual(false, true);
}

Test(tls, client_certificate_of_another_ca)
{
    mutual(true, false);
}

/* A client that writes at once must still learn from the alert why it was thrown out. */
Test(tls, the_alert_explains_a_failed_write)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 },
             (kci_tls_params){ .verify_peer = true, .ca_pem = kc_str(r.ca_text) });
    for (int i = 0; i < 30; i++)
        end_send(&p.client, 1 << 20, 0, 1);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.written + p.client.unwritten, 30);
    cr_assert(p.client.err == KC_E_TLS || p.client.err == KC_E_TRANSPORT, "%s", p.client.why);
    pair_free(&p);
    free_realm(&r);
}

/* files */

Test(tls, files_and_passwords)
{
    realm r = new_realm();
    char dir[] = "/tmp/kclient-tls-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    char *locked = cert_key_text(&r.server, "secret");
    char *ca = file_write(dir, "ca.pem", r.ca_text, strlen(r.ca_text));
    char *crt = file_write(dir, "crt.pem", r.server_text, strlen(r.server_text));
    char *key = file_write(dir, "key.pem", locked, strlen(locked));
    char *both_text = text_join(cert_key_text(&r.server, NULL), cert_text(&r.server));
    char *both = file_write(dir, "both.pem", both_text, strlen(both_text));
    char *junk = file_write(dir, "junk.pem", "hello", 5);
    char *empty = file_write(dir, "empty.pem", "", 0);
    char *p12 = cert_pkcs12_file(dir, &r.server, &r.ca, "secret");
    const struct {
        kci_tls_params params;
        kc_err err;
        const char *sentence;
    } cases[] = {
        { { .cert_file = crt, .key_file = key, .key_password = "secret" }, KC_OK, "" },
        { { .cert_file = both }, KC_OK, "" },
        { { .cert_pem = kc_str(both_text) }, KC_OK, "" },
        { { .pkcs12_file = p12, .pkcs12_password = "secret" }, KC_OK, "" },
        { { .cert_file = crt, .key_file = key, .key_password = "wrong" },
          KC_E_BAD_PROPERTY,
          "be right" },
        { { .cert_file = crt, .key_file = key }, KC_E_BAD_PROPERTY, "must be set" },
        { { .cert_file = crt }, KC_E_BAD_PROPERTY, "private key" },
        { { .cert_file = "/nowhere/x.pem" }, KC_E_IO, "no such file" },
        { { .cert_file = dir }, KC_E_IO, "directory" },
        { { .cert_file = junk }, KC_E_BAD_PROPERTY, "no certificate" },
        { { .cert_file = empty }, KC_E_BAD_PROPERTY, "no certificate" },
        { { .cert_file = crt, .key_file = junk }, KC_E_BAD_PROPERTY, "junk.pem" },
        { { .cert_file = crt, .key_pem = kc_str("x") }, KC_E_BAD_PROPERTY, "private key" },
        { { .key_pem = kc_str(locked) }, KC_E_BAD_PROPERTY, "without certificate" },
        { { .pkcs12_file = p12, .pkcs12_password = "wrong" }, KC_E_BAD_PROPERTY, "password" },
        { { .pkcs12_file = crt }, KC_E_BAD_PROPERTY, "PKCS#12" },
        { { .ca_file = junk }, KC_E_BAD_PROPERTY, "BEGIN CERTIFICATE" },
        { { .ca_file = "/nowhere/ca.pem" }, KC_E_IO, "/nowhere/ca.pem" },
        { { .ca_pem = kc_str("") }, KC_E_BAD_PROPERTY, "trusted" },
        { { .ca_file = ca, .verify_peer = true, .verify_host = true }, KC_OK, "" },
        { { .verify_peer = true }, KC_OK, "" },
        { { .server = true }, KC_E_BAD_PROPERTY, "certificate" },
    };
    int fds = count_fds();
    for (size_t i = 0; i < KCI_COUNT_OF(cases); i++) {
        kci_tls *tls = NULL;
        kc_error detail = { 0 };
        kc_err err = kci_tls_new(&cases[i].params, &tls, &detail);
        cr_assert_eq(err, cases[i].err, "case %zu: %d %s", i, err, detail.text);
        cr_assert(strstr(detail.text, cases[i].sentence), "case %zu: %s", i, detail.text);
        cr_assert_null(strstr(detail.text, "secret"));
        cr_assert_eq(tls != NULL, err == KC_OK);
        kci_tls_unref(tls);
    }
    cr_assert_eq(count_fds(), fds);
    char *all[] = { ca, crt, key, both, junk, empty, p12 };
    for (size_t i = 0; i < KCI_COUNT_OF(all); i++) {
        unlink(all[i]);
        free(all[i]);
    }
    rmdir(dir);
    free(locked);
    free(both_text);
    free_realm(&r);
}

/* Java's usual form of a truststore. */
Test(tls, truststores_in_pkcs12)
{
    realm r = new_realm();
    char dir[] = "/tmp/kclient-tls-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    cert other = cert_make((cert_spec){ .name = "Other CA", .ca = true });
    const cert key_only = { NULL, r.server.key };
    const struct {
        const cert *in_it;
        const cert *key;
        const char *password, *given;
        bool good;
        const char *sentence;
    } cases[] = {
        { &r.ca, NULL, "secret", "secret", true, "" },
        { &r.ca, NULL, "", NULL, true, "" },
        { &r.ca, &r.server, "secret", "secret", true, "" }, /* a keystore holds its CA too */
        { &other, NULL, "secret", "secret", false, "ssl.truststore" },
        { &r.ca, NULL, "secret", "wrong", false, "check its password" },
        { &r.ca, NULL, "secret", NULL, false, "check its password" },
        { NULL, &key_only, "secret", "secret", false, "holds no certificate" },
    };
    for (size_t i = 0; i < KCI_COUNT_OF(cases); i++) {
        static pair p;
        kc_error detail = { 0 };
        char *file = cert_pkcs12_file(dir, cases[i].key, cases[i].in_it, cases[i].password);
        kci_tls_params params = { .verify_peer = true,
                                  .verify_host = true,
                                  .ca_pkcs12_file = file,
                                  .ca_pkcs12_password = cases[i].given };
        pair_init(&p, false);
        if (kci_tls_new(&params, &p.client_tls, &detail) == KC_OK) {
            p.server_tls = server_of(r.server_text, r.server_key, (kci_tls_params){ 0 });
            p.server_name = "localhost";
            cr_assert_eq(pair_connect(&p), KC_OK);
            while (!p.client.up && !p.client.closed)
                kci_loop_step(p.loop, 100000);
            snprintf(detail.text, sizeof detail.text, "%.400s", p.client.why);
        }
        cr_assert_eq(p.client.up, cases[i].good, "case %zu: %s", i, detail.text);
        cr_assert(strstr(detail.text, cases[i].sentence), "case %zu: %s", i, detail.text);
        cr_assert_null(strstr(detail.text, "secret"));
        pair_free(&p);
        unlink(file);
        free(file);
    }
    rmdir(dir);
    cert_free(&other);
    free_realm(&r);
}

/* the wrong peer */

Test(tls, plain_client_on_a_tls_port)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    p.server_tls = server_of(r.server_text, r.server_key, (kci_tls_params){ 0 });
    cr_assert_eq(pair_connect(&p), KC_OK);
    end_send(&p.client, 20, 0, 1);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert(p.client.err == KC_E_PROTOCOL || p.client.err == KC_E_TRANSPORT);
    cr_assert(strstr(p.client.why, "security.protocol"), "%s", p.client.why);
    cr_assert(pair_until(&p, &p.server.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.server.err, KC_E_TLS);
    pair_free(&p);
    free_realm(&r);
}

static void tls_client_to(const char *answer, size_t size, bool hang_up, kc_err err,
                          const char *why)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    p.raw = true;
    p.setup_timeout_us = err == KC_E_TIMED_OUT ? 300000 : 60000000;
    p.client_tls = client_of(r.ca_text, (kci_tls_params){ 0 });
    p.server_name = "localhost";
    cr_assert_eq(pair_connect(&p), KC_OK);
    while (p.raw_server < 0)
        kci_loop_step(p.loop, 1000);
    pair_steps(&p, 10);
    raw_write(&p, p.raw_server, answer, size);
    if (hang_up) {
        close(p.raw_server);
        p.raw_server = -1;
    }
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, err, "%s", p.client.why);
    cr_assert(strstr(p.client.why, why), "%s", p.client.why);
    pair_free(&p);
    free_realm(&r);
}

Test(tls, client_on_a_plain_port)
{
    tls_client_to("", 0, true, KC_E_TLS, "security.protocol");
    tls_client_to("", 0, false, KC_E_TIMED_OUT, "security.protocol");
    tls_client_to("HTTP/1.1 400 Bad\r\n\r\n", 20, false, KC_E_TLS, "does not speak TLS");
    tls_client_to("\0\0\0\x0a\0\0\0\1\0\0\0\0\0\0", 14, false, KC_E_TLS, "TLS");
    tls_client_to("\x15\x03\x03\x00\x02\x02\x28", 7, false, KC_E_TLS, "in common");
    tls_client_to("\x16\x03\x03\x00", 4, true, KC_E_TLS, "closed the connection during");
}

Test(tls, the_peer_vanishes)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    end_send_raw(&p.server, "\0\0\0\x40half", 8);
    cr_assert(pair_until(&p, &p.server.written, 1, PAIR_PATIENCE_MS));
    kci_conn_close(p.server.conn);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_TRANSPORT);
    cr_assert(strstr(p.client.why, "4 of 64"), "%s", p.client.why);
    pair_free(&p);
    free_realm(&r);
}

Test(tls, a_clean_end)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    kci_conn_close(p.client.conn);
    cr_assert(pair_until(&p, &p.server.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.server.err, KC_E_TRANSPORT);
    cr_assert(strstr(p.server.why, "closed the connection"), "%s", p.server.why);
    pair_free(&p);
    free_realm(&r);
}

/* A network that takes and gives few bytes at a time, or none. */
static kci_sys rough;
static kci_random dice;
static size_t most_bytes;

static ssize_t rough_move(bool read, int sock, const struct iovec *iov, int count)
{
    kci_sys *real = kci_sys_posix(false);
    if (kci_random_below(&dice, 4) == 0)
        return -EAGAIN;
    int at = 0;
    while (at < count - 1 && iov[at].iov_len == 0)
        at++;
    struct iovec part = iov[at];
    size_t most = 1 + kci_random_below(&dice, most_bytes);
    if (part.iov_len > most)
        part.iov_len = most;
    return read ? real->sock_readv(real, sock, &part, 1) : real->sock_writev(real, sock, &part, 1);
}

static ssize_t rough_readv(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    (void)sys;
    return rough_move(true, sock, iov, count);
}

static ssize_t rough_writev(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    (void)sys;
    return rough_move(false, sock, iov, count);
}

static void through_a_rough_network(bool tls, size_t most, int frames)
{
    kci_random_seed(&dice, most);
    most_bytes = most;
    rough = *kci_sys_posix(false);
    rough.sock_readv = rough_readv;
    rough.sock_writev = rough_writev;
    realm r = new_realm();
    static pair p;
    pair_init_on(&p, &rough);
    if (tls)
        open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    else
        cr_assert_eq(pair_connect(&p), KC_OK);
    expect_up(&p);
    uint32_t sizes[50];
    for (int i = 0; i < frames; i++) {
        sizes[i] = 1 + (uint32_t)kci_random_below(&dice, most * 100);
        end_send(&p.client, sizes[i], (uint8_t)i, 1 + i % 6);
        end_send(&p.server, sizes[i], (uint8_t)i, 1 + i % 2);
    }
    cr_assert(pair_until(&p, &p.server.frame_count, frames, PAIR_PATIENCE_MS));
    cr_assert(pair_until(&p, &p.client.frame_count, frames, PAIR_PATIENCE_MS));
    for (int i = 0; i < frames; i++) {
        cr_assert(frame_is(p.server.frames[i], sizes[i], (uint8_t)i));
        cr_assert(frame_is(p.client.frames[i], sizes[i], (uint8_t)i));
    }
    cr_assert(pair_until(&p, &p.client.written, frames, PAIR_PATIENCE_MS));
    pair_free(&p);
    free_realm(&r);
}

Test(tls, byte_at_a_time)
{
    through_a_rough_network(true, 1, 20);
    through_a_rough_network(false, 1, 20);
}

Test(tls, a_few_bytes_at_a_time)
{
    through_a_rough_network(true, 40, 50);
    through_a_rough_network(false, 40, 50);
}

Test(tls, many_bytes_at_a_time)
{
    through_a_rough_network(true, 20000, 50);
    through_a_rough_network(false, 20000, 50);
}

Test(tls, back_pressure_without_spinning)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    kci_conn_set_reading(p.server.conn, false);
    for (int i = 0; i < 30; i++)
        end_send(&p.client, 1 << 20, 0, 1);
    cr_assert(pair_calms_down(&p));
    cr_assert_gt(kci_conn_queued(p.client.conn), 0);
    p.server.drop_frames = true;
    kci_conn_set_reading(p.server.conn, true);
    cr_assert(pair_until(&p, &p.server.frame_count, 30, PAIR_PATIENCE_MS));
    pair_free(&p);
    free_realm(&r);
}

/* Takes all at every seventh call. */
static ssize_t write_a_little(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    static int calls;
    (void)count;
    struct iovec first = *iov;
    if (calls++ % 7 != 6 && first.iov_len > 1000)
        first.iov_len = 1000;
    return kci_sys_posix(false)->sock_writev(sys, sock, &first, 1);
}

/* A socket that was full, and then, when it is asked once more, is not: no event will tell. */
Test(tls, a_socket_that_takes_a_little_at_a_time)
{
    realm r = new_realm();
    static pair p;
    kci_sys slow = *kci_sys_posix(false);
    slow.sock_writev = write_a_little;
    pair_init_on(&p, &slow);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    p.server.drop_frames = true;
    for (int i = 0; i < 30; i++)
        end_send(&p.client, 100000, 0, 3);
    cr_assert(pair_until(&p, &p.server.frame_count, 30, PAIR_PATIENCE_MS));
    pair_free(&p);
    free_realm(&r);
}

static void stop_reading(end *e, kci_frame *frame)
{
    (void)frame;
    kci_conn_set_reading(e->conn, false);
}

/* Frames that lie decrypted, or undecrypted but read, are announced by no socket. */
Test(tls, reading_can_be_stopped_from_a_frame)
{
    realm r = new_realm();
    static pair p;
    pair_init(&p, false);
    open_tls(&p, &r, (kci_tls_params){ 0 }, (kci_tls_params){ 0 });
    expect_up(&p);
    p.server.on_frame = stop_reading;
    for (int i = 0; i < 5; i++)
        end_send(&p.client, i < 3 ? 50 : 20000, (uint8_t)i, 1);
    for (int i = 1; i <= 5; i++) {
        cr_assert(pair_until(&p, &p.server.frame_count, i, PAIR_PATIENCE_MS), "frame %d", i);
        pair_steps(&p, 10);
        cr_assert_eq(p.server.frame_count, i);
        kci_conn_set_reading(p.server.conn, true);
    }
    pair_free(&p);
    free_realm(&r);
}

Test(tls, every_allocation_may_fail)
{
    realm r = new_realm();
    int fds = count_fds();
    int64_t n = 1;
    for (bool reached_end = false; !reached_end; n++) {
        cr_assert_lt(n, 200);
        static pair p;
        pair_init(&p, false);
        p.client.drop_frames = p.server.drop_frames = true;
        p.server_tls = server_of(r.server_text, r.server_key, (kci_tls_params){ 0 });
        p.client_tls = client_of(r.ca_text, (kci_tls_params){ 0 });
        p.server_name = "localhost";
        uint64_t count = kci_mem_count();
        kci_mem_fail_after(n, false);
        kc_err err = pair_connect(&p);
        int64_t until = p.sys->mono_us(p.sys) + 30000000;
        if (err == KC_OK)
            end_send(&p.client, 100000, 0, 1);
        while (err == KC_OK && !p.client.closed && !p.server.closed && !p.server.frame_count &&
               p.serve_err == KC_OK && p.sys->mono_us(p.sys) < until)
            kci_loop_step(p.loop, 100000);
        kci_mem_fail_after(0, false);
        reached_end = kci_mem_count() - count < (uint64_t)n;
        cr_assert(p.sys->mono_us(p.sys) < until, "hangs at %lld", (long long)n);
        if (reached_end)
            cr_assert_eq(p.server.frame_count, 1);
        pair_free(&p);
    }
    cr_assert_gt(n, 8);
    cr_assert_eq(count_fds(), fds);

    for (n = 1;; n++) {
        kci_tls_params params = { .ca_pem = kc_str(r.ca_text), .verify_peer = true };
        kci_tls *tls = NULL;
        kci_mem_fail_after(n, false);
        kc_err err = kci_tls_new(&params, &tls, NULL);
        kci_mem_fail_after(0, false);
        kci_tls_unref(tls);
        if (err == KC_OK)
            break;
        cr_assert_eq(err, KC_E_NO_MEMORY);
    }
    free_realm(&r);
}

/* Whether what a client says first has a name in it, which is not yet encrypted then. */
static bool says(const realm *r, const char *name)
{
    static pair p;
    uint8_t hello[4096];
    size_t got = 0;
    pair_init(&p, false);
    p.raw = true;
    p.client_tls = client_of(r->ca_text, (kci_tls_params){ 0 });
    p.server_name = name;
    cr_assert_eq(pair_connect(&p), KC_OK);
    while (got < 5 || got < 5 + ((size_t)hello[3] << 8 | hello[4])) {
        kci_loop_step(p.loop, 1000);
        ssize_t n = p.raw_server < 0 ? 0 : read(p.raw_server, hello + got, sizeof hello - got);
        got += n > 0 ? (size_t)n : 0;
    }
    pair_free(&p);
    return memmem(hello, got, name, strlen(name)) != NULL;
}

/* The server's name is told in clear so that it can choose a certificate; an address must not be
 * (RFC 6066, 3). */
Test(tls, names_are_told_and_addresses_are_not)
{
    realm r = new_realm();
    cr_expect(says(&r, "localhost"));
    cr_expect_not(says(&r, "127.0.0.1"));
    cr_expect_not(says(&r, "::1"));
    free_realm(&r);
}

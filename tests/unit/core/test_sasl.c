/* SPDX-License-Identifier: Apache-2.0 */
/* SASL: PLAIN and SCRAM against a scripted broker, and servers that are not what they say. The
 * numbers themselves are checked by tests/vectors/check_scram.c. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/sha2.h"
#include "core/scram.h"
#include "fake.h"

TestSuite(sasl, .timeout = 60);

static fake f;

/* -- hashes and base64 --------------------------------------------------------------------------
 */

static void expect_digest(kci_sha2_kind kind, kc_bytes data, const char *hex)
{
    uint8_t digest[KCI_SHA2_MAX], pieces[KCI_SHA2_MAX];
    char text[2 * KCI_SHA2_MAX + 1] = "";
    kci_sha2 s;

    kci_sha2_of(kind, data, digest);
    for (size_t i = 0; i < kci_sha2_size(kind); i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    cr_assert_str_eq(text, hex);
    kci_sha2_begin(&s, kind);
    for (size_t i = 0; i < data.size; i++)
        kci_sha2_add(&s, kc_mem(data.data + i, 1));
    kci_sha2_end(&s, pieces);
    cr_assert_arr_eq(pieces, digest, kci_sha2_size(kind));
}

Test(sasl, digests)
{
    static uint8_t million[1000000];

    memset(million, 'a', sizeof million);
    expect_digest(KCI_SHA256, kc_str("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest(KCI_SHA256, kc_str(""),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest(KCI_SHA256, kc_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect_digest(KCI_SHA256, kc_mem(million, sizeof million),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    expect_digest(KCI_SHA512, kc_str("abc"),
                  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    expect_digest(KCI_SHA512, kc_mem(million, sizeof million),
                  "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                  "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b");
}

Test(sasl, digests_of_every_length_around_a_block)
{
    uint8_t data[260], whole[KCI_SHA2_MAX];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (int kind = KCI_SHA256; kind <= KCI_SHA512; kind++)
        for (size_t size = 0; size < sizeof data; size++)
            for (size_t cut = 0; cut <= size; cut += 37) {
                uint8_t parts[KCI_SHA2_MAX];
                kci_sha2 s;
                kci_sha2_of((kci_sha2_kind)kind, kc_mem(data, size), whole);
                kci_sha2_begin(&s, (kci_sha2_kind)kind);
                kci_sha2_add(&s, kc_mem(data, cut));
                kci_sha2_add(&s, kc_mem(data + cut, size - cut));
                kci_sha2_end(&s, parts);
                cr_assert_arr_eq(parts, whole, kci_sha2_size((kci_sha2_kind)kind));
            }
}

Test(sasl, base64)
{
    static const char *const pairs[][2] = {
        { "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
        { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xff\xfe\xfd", "//79" }
    };
    static const char *const bad[] = {
        "Z",    "Zg",       "Zg=",  "Zh==",   "Zm9=",  "Z===",
        "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm9v=", "Z\xc3\xa4="
    };
    uint8_t out[16];

    for (size_t i = 0; i < KCI_COUNT_OF(pairs); i++) {
        kci_buf b = { 0 };
        kci_base64_put(&b, kc_str(pairs[i][0]));
        cr_assert_eq(b.size, strlen(pairs[i][1]));
        cr_assert(b.size == 0 || memcmp(b.data, pairs[i][1], b.size) == 0);
        int64_t size = kci_base64_decode(kc_str(pairs[i][1]), out, sizeof out);
        cr_assert_eq(size, (int64_t)strlen(pairs[i][0]));
        cr_assert(memcmp(out, pairs[i][0], (size_t)size) == 0);
        kci_buf_free(&b);
    }
    for (size_t i = 0; i < KCI_COUNT_OF(bad); i++)
        cr_assert_eq(kci_base64_decode(kc_str(bad[i]), out, sizeof out), -1, "%s", bad[i]);
    cr_assert_eq(kci_base64_decode(kc_str("Zm9vYg=="), out, 4), 4);
    cr_assert_eq(kci_base64_decode(kc_str("Zm9vYg=="), out, 3), -1);
}

/* -- a server -----------------------------------------------------------------------------------
 */

static kci_sha2_kind kind;
static const char *mechanism, *password = "pen,cil=";
static const char *server_first_extra = "", *server_prefix = "", *server_error;
static int iterations = 4096;
static bool keep_nonce = true, wrong_signature;
static int16_t refuse_with;
static int64_t lifetime_ms;
static char client_first_bare[400], server_first[300], user[60];
static int handshakes, steps;

static void answer_step(const fake_request *r, const char *text, int16_t err)
{
    kci_sasl_authenticate_response body;

    kci_msg_init(&kci_sasl_authenticate_response_msg, &body);
    body.error_code = err;
    if (err)
        body.error_message = kc_str("no such user");
    body.auth_bytes = kc_str(text);
    body.session_lifetime_ms = lifetime_ms;
    fake_answer(r, &body);
}

static void base64_text(kc_bytes data, char *out, size_t size)
{
    kci_buf b = { 0 };
    kci_base64_put(&b, data);
    snprintf(out, size, "%.*s", (int)b.size, (const char *)b.data);
    kci_buf_free(&b);
}

static void scram_first(const fake_request *r, const char *message)
{
    char nonce[100] = "";

    snprintf(client_first_bare, sizeof client_first_bare, "%s", message + 3);
    sscanf(message, "n,,n=%59[^,],r=%99s", user, nonce);
    if (!keep_nonce)
        nonce[0] ^= 1;
    snprintf(server_first, sizeof server_first, "%sr=%sSERVER,s=c2FsdA==,i=%d%s", server_prefix,
             nonce, iterations, server_first_extra);
    answer_step(r, server_first, 0);
}

static void scram_final(const fake_request *r, const char *message)
{
    uint8_t salted[KCI_SHA2_MAX], client[KCI_SHA2_MAX], stored[KCI_SHA2_MAX], proof[KCI_SHA2_MAX],
        server[KCI_SHA2_MAX], signature[KCI_SHA2_MAX];
    char transcript[1200], text[200], expected[200];
    size_t size = kci_sha2_size(kind);
    const char *p = strstr(message, ",p=");

    cr_assert_not_null(p);
    snprintf(transcript, sizeof transcript, "%s,%s,%.*s", client_first_bare, server_first,
             (int)(p - message), message);
    kci_pbkdf2(kind, kc_str(password), kc_str("salt"), (uint32_t)iterations, salted);
    kci_hmac(kind, kc_mem(salted, size), kc_str("Client Key"), client);
    kci_sha2_of(kind, kc_mem(client, size), stored);
    kci_hmac(kind, kc_mem(stored, size), kc_str(transcript), proof);
    for (size_t i = 0; i < size; i++)
        proof[i] ^= client[i];
    base64_text(kc_mem(proof, size), expected, sizeof expected);
    if (strcmp(expected, p + 3) != 0) {
        answer_step(r, "", KC_E_SASL_AUTHENTICATION_FAILED);
        return;
    }
    kci_hmac(kind, kc_mem(salted, size), kc_str("Server Key"), server);
    kci_hmac(kind, kc_mem(server, size), kc_str(transcript), signature);
    signature[3] ^= wrong_signature;
    strcpy(text, "v=");
    base64_text(kc_mem(signature, size), text + 2, sizeof text - 2);
    answer_step(r, server_error ? server_error : text, 0);
}

static void plain(const fake_request *r, kc_bytes message)
{
    char expected[100];
    int size = snprintf(expected, sizeof expected, "%cuser%c%s", 0, 0, password);
    bool ok = message.size == (size_t)size && memcmp(message.data, expected, message.size) == 0;

    answer_step(r, "", ok ? 0 : KC_E_SASL_AUTHENTICATION_FAILED);
}

static bool server(struct fake *of, const fake_request *r)
{
    kci_sasl_handshake_response handshake;
    kci_sasl_authenticate_request request;
    kci_reader in = r->body;
    kci_arena arena = { 0 };
    char message[400];

    (void)of;
    if (r->head.key == KCI_API_SASL_HANDSHAKE) {
        kc_bytes offered[2] = { kc_str("GSSAPI"), kc_str("OTHER") };
        kci_msg_init(&kci_sasl_handshake_response_msg, &handshake);
        handshakes++;
        steps = 0;
        handshake.error_code = refuse_with;
        handshake.mechanisms.data = offered;
        handshake.mechanisms.count = 2;
        fake_answer(r, &handshake);
        return true;
    }
    if (r->head.key != KCI_API_SASL_AUTHENTICATE)
        return false;
    cr_assert_eq(
        kci_decode(&kci_sasl_authenticate_request_msg, r->head.version, &in, &arena, &request),
        KC_OK);
    snprintf(message, sizeof message, "%.*s", (int)request.auth_bytes.size,
             (const char *)request.auth_bytes.data);
    if (strcmp(mechanism, "PLAIN") == 0)
        plain(r, request.auth_bytes);
    else if (steps++ == 0)
        scram_first(r, message);
    else
        scram_final(r, message);
    kci_arena_free(&arena);
    return true;
}

static void begin_brokers(int brokers, const char *name, const char *secret, const char *more)
{
    char property[64], password_property[64];
    const char *const properties[] = { "security.protocol=SASL_PLAINTEXT",
                                       property,
                                       "sasl.username=user",
                                       password_property,
                                       "bootstrap.servers=10.0.0.1:9001",
                                       more,
                                       NULL };

    mechanism = name;
    kind = strstr(name, "512") ? KCI_SHA512 : KCI_SHA256;
    snprintf(property, sizeof property, "sasl.mechanism=%s", name);
    snprintf(password_property, sizeof password_property, "sasl.password=%s", secret);
    fake_init(&f, brokers, properties);
    f.hook = server;
}

static void begin_with(const char *name, const char *secret, const char *more)
{
    begin_brokers(1, name, secret, more);
}

static void begin(const char *name, const char *secret)
{
    begin_with(name, secret, NULL);
}

static kc_err call(probe *p)
{
    probe_init(p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p->call.timeout_us = 5000000;
    probe_start(p);
    cr_assert(fake_until(&f, &p->done, 6000));
    return p->err;
}

Test(sasl, each_mechanism)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };

    for (size_t i = 0; i < 3; i++) {
        probe p;
        begin(names[i], password);
        cr_assert_eq(call(&p), KC_OK, "%s: %s", names[i], p.why);
        fake_free(&f);
    }
    cr_assert_eq(handshakes, 3);
    cr_assert_str_eq(user, "user");
}

/* A server that takes its time for each answer. */
static struct {
    kci_timer timer;
    fake_request request;
    uint8_t body[1000];
} slow;

static void answer_at_last(kci_timer *timer)
{
    (void)timer;
    cr_assert(server(&f, &slow.request));
}

static bool slow_server(struct fake *of, const fake_request *r)
{
    size_t size = kci_rd_left(&r->body);

    if (r->head.key != KCI_API_SASL_HANDSHAKE && r->head.key != KCI_API_SASL_AUTHENTICATE)
        return false;
    cr_assert_leq(size, sizeof slow.body);
    memcpy(slow.body, r->body.pos, size);
    slow.request = *r;
    slow.request.body = kci_reader_of(slow.body, size);
    slow.timer.fn = answer_at_last;
    kci_timer_set(of->loop, &slow.timer, kci_loop_now(of->loop) + 700000);
    return true;
}

/* Each request has request.timeout.ms, not all of a set-up together. */
Test(sasl, each_step_has_its_own_time)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-512" };

    for (size_t i = 0; i < 2; i++) {
        probe p;
        begin_with(names[i], password, "request.timeout.ms=1000");
        cr_assert_eq(kci_loop_reserve_timers(f.loop, 1), KC_OK);
        f.hook = slow_server;
        cr_assert_eq(call(&p), KC_OK, "%s: %s", names[i], p.why);
        cr_assert_gt(sim_now(f.world), 1400000);
        kci_loop_reserve_timers(f.loop, -1);
        fake_free(&f);
    }
}

static bool silent_from_authenticate(struct fake *of, const fake_request *r)
{
    return r->head.key == KCI_API_SASL_AUTHENTICATE || server(of, r);
}

Test(sasl, a_step_without_answer_ends_after_its_time)
{
    probe p;

    begin_with("PLAIN", password, "request.timeout.ms=1000");
    f.hook = silent_from_authenticate;
    cr_assert_eq(call(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "SASL"), "%s", p.why);
    cr_assert_geq(handshakes, 3);
    cr_assert_leq(handshakes, 5);
    fake_free(&f);
}

Test(sasl, counters_tell_who_came_up)
{
    const kci_stats *stats;
    probe p;

    begin("PLAIN", "wrong");
    stats = kci_client_stats(f.client);
    cr_assert_eq(call(&p), KC_E_AUTHENTICATION);
    cr_assert_eq(atomic_load(&stats->connects), 0, "it was never up");
    cr_assert_eq(atomic_load(&stats->connect_failures), 1);
    cr_assert_eq(atomic_load(&stats->disconnects), 0);
    cr_assert_eq(atomic_load(&stats->connections), 0);
    fake_free(&f);
}

Test(sasl, wrong_passwords_are_told_at_once_and_not_tried_in_a_hurry)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-256" };

    for (size_t i = 0; i < 2; i++) {
        kc_error problem;
        probe p;
        begin(names[i], "wrong");
        int64_t before = sim_now(f.world);
        cr_assert_eq(call(&p), KC_E_AUTHENTICATION, "%s: %s", names[i], p.why);
        cr_assert_lt(sim_now(f.world) - before, 500000);
        cr_assert(strstr(p.why, "no such user"), "%s", p.why);
        cr_assert_eq(kci_client_last_problem(f.client, &problem), KC_E_AUTHENTICATION);
        cr_assert_eq(kci_client_refusal(f.client, &problem), KC_E_AUTHENTICATION);
        cr_assert(strstr(problem.text, "no such user"), "%s", problem.text);
        kci_client_want_topic(f.client, kc_str("t"));
        fake_run(&f, 30000);
        cr_assert_geq(handshakes, 2);
        cr_assert_leq(handshakes, 3, "%d: accounts get locked", handshakes);
        fake_run(&f, 3600000);
        cr_assert_leq(handshakes, 20, "%d in an hour", handshakes);
        cr_assert_geq(handshakes, 12, "%d in an hour", handshakes);
        fake_free(&f);
        handshakes = 0;
    }
}

/* Whoever asks while no log-in is due is told why, without another. */
Test(sasl, calls_after_a_refusal_end_at_once)
{
    probe p;

    begin("SCRAM-SHA-256", "wrong");
    cr_assert_eq(call(&p), KC_E_AUTHENTICATION);
    int before = handshakes;
    for (int i = 0; i < 100; i++) {
        int64_t now = sim_now(f.world);
        cr_assert_eq(call(&p), KC_E_AUTHENTICATION);
        cr_assert(strstr(p.why, "no such user"), "%s", p.why);
        cr_assert_leq(sim_now(f.world) - now, 1000);
    }
    for (int cls = 0; cls < KCI_CLASS_COUNT; cls++) {
        probe_init(&p, &f, KCI_NODE_ANY, (kci_class)cls);
        probe_start(&p);
        cr_assert(fake_until(&f, &p.done, 10));
        cr_assert_eq(p.err, KC_E_AUTHENTICATION, "class %d", cls);
    }
    cr_assert_eq(handshakes, before);
    fake_free(&f);
}

/* The password is put right in the cluster. */
Test(sasl, a_refusal_ends_with_the_next_log_in)
{
    probe p;

    begin("PLAIN", "new");
    cr_assert_eq(call(&p), KC_E_AUTHENTICATION);
    kci_client_want_topic(f.client, kc_str("t"));
    password = "new";
    fake_run(&f, 13000);
    cr_assert_eq(kci_client_refusal(f.client, NULL), KC_OK);
    cr_assert_eq(call(&p), KC_OK, "%s", p.why);
    cr_assert_eq(handshakes, 2);
    fake_free(&f);
}

/* One broker that does not take what the others take must not keep the client from these. */
static int stubborn_logins;

static bool one_is_stubborn(struct fake *of, const fake_request *r)
{
    if (r->broker->id == 2 && r->head.key == KCI_API_SASL_AUTHENTICATE) {
        stubborn_logins++;
        answer_step(r, "", KC_E_SASL_AUTHENTICATION_FAILED);
        return true;
    }
    return server(of, r);
}

Test(sasl, a_broker_that_refuses_alone_is_left_alone)
{
    probe p;

    begin_brokers(3, "PLAIN", password, NULL);
    f.hook = one_is_stubborn;
    cr_assert_eq(call(&p), KC_OK, "%s", p.why);
    kci_client_want_topic(f.client, kc_str("t"));
    fake_run(&f, 1000);
    for (int i = 0; i < 300; i++) {
        probe_init(&p, &f, 1 + i % 3, (kci_class)(i % KCI_CLASS_COUNT));
        probe_start(&p);
        cr_assert(fake_until(&f, &p.done, 1000));
        cr_assert_eq(p.err, i % 3 == 1 ? KC_E_AUTHENTICATION : KC_OK, "%d: %s", i, p.why);
        fake_run(&f, 100);
    }
    cr_assert_leq(stubborn_logins, 3, "%d", stubborn_logins);
    cr_assert_eq(kci_client_refusal(f.client, NULL), KC_OK);
    fake_free(&f);
}

Test(sasl, a_mechanism_that_the_broker_does_not_have)
{
    probe p;

    begin("SCRAM-SHA-512", password);
    refuse_with = KC_E_UNSUPPORTED_SASL_MECHANISM;
    cr_assert_eq(call(&p), KC_E_AUTHENTICATION);
    cr_assert(strstr(p.why, "GSSAPI,OTHER"), "%s", p.why);
    fake_free(&f);
}

static void expect_refusal(const char *what)
{
    probe p;

    begin("SCRAM-SHA-256", password);
    cr_assert_eq(call(&p), KC_E_AUTHENTICATION, "%s", p.why);
    cr_assert(strstr(p.why, what), "%s", p.why);
    fake_free(&f);
}

Test(sasl, a_server_that_does_not_know_the_password)
{
    wrong_signature = true;
    expect_refusal("does not know the password");
}

Test(sasl, a_server_with_another_nonce)
{
    keep_nonce = false;
    expect_refusal("nonce");
}

/* What a server may say, without a server. */
static kc_err final_of(kci_scram *s, const char *first_message)
{
    kc_bytes out;
    kc_error why;
    cr_assert_eq(kci_scram_begin(s, KCI_SHA256, kc_str("user"), kc_str("pencil"), false,
                                 kc_str("rOprNGfwEbeRWgbNEkqO")),
                 KC_OK);
    cr_assert_eq(kci_scram_client_first(s, &out), KC_OK);
    return kci_scram_client_final(s, kc_str(first_message), &out, &why);
}

Test(sasl, a_server_adds_to_the_nonce)
{
    kci_scram s;
    static const char rest[] = ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    char text[200];
    snprintf(text, sizeof text, "r=rOprNGfwEbeRWgbNEkqO%s", rest);
    cr_assert_eq(final_of(&s, text), KC_E_AUTHENTICATION, "nothing is added");
    kci_scram_end(&s);
    snprintf(text, sizeof text, "r=rOprNGfwEbeRWgbNEkqOx%s", rest);
    cr_assert_eq(final_of(&s, text), KC_OK);
    kci_scram_end(&s);
}

/* The example of RFC 7677: the whole signature counts, and nothing but it. */
Test(sasl, a_signature_is_compared_whole)
{
    static const char first[] = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    static const char *const bad[] = { "v=",
                                       "v=6rri",
                                       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=",
                                       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==",
                                       "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                                       "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=6rri" };
    kci_scram s;
    kc_error why;
    cr_assert_eq(final_of(&s, first), KC_OK);
    for (size_t i = 0; i < KCI_COUNT_OF(bad); i++)
        cr_assert_eq(kci_scram_verify(&s, kc_str(bad[i]), &why), KC_E_AUTHENTICATION, "%s", bad[i]);
    cr_assert_eq(
        kci_scram_verify(&s, kc_str("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), &why),
        KC_OK);
    kci_scram_end(&s);
}

Test(sasl, a_server_that_wants_few_iterations)
{
    iterations = 4095;
    expect_refusal("4095");
}

Test(sasl, a_server_that_wants_too_many)
{
    iterations = 100001;
    expect_refusal("100001");
}

Test(sasl, a_server_that_demands_extensions)
{
    server_prefix = "m=x,";
    expect_refusal("extension");
}

Test(sasl, a_server_that_refuses_at_last)
{
    server_error = "e=other-error";
    expect_refusal("other-error");
}

Test(sasl, a_server_that_ends_without_a_proof)
{
    server_error = "";
    expect_refusal("malformed");
}

Test(sasl, extensions_that_are_not_mandatory_are_passed_over)
{
    probe p;

    server_first_extra = ",x=y";
    begin("SCRAM-SHA-256", password);
    cr_assert_eq(call(&p), KC_OK, "%s", p.why);
    fake_free(&f);
}

Test(sasl, messages_that_make_no_sense)
{
    static const char *const bad[] = { "",
                                       "r",
                                       "r=",
                                       "r=n",
                                       "r=nx",
                                       "r=nx,s=",
                                       "r=nx,s=c2FsdA==",
                                       "r=nx,s=c2FsdA==,i=",
                                       "r=nx,s=c2FsdA==,i=-4096",
                                       "r=nx,s=c2FsdA==,i=4096x",
                                       "r=nx,s=c2FsdA==,i=99999999999",
                                       "r=nx,s=c2FsdA=,i=4096",
                                       "r=nx,s=,i=4096",
                                       "s=c2FsdA==,r=nx,i=1",
                                       "r=n,s=c2FsdA==,i=4096",
                                       "r=mx,s=c2FsdA==,i=4096",
                                       "r=nx,s=c2FsdA==,i=04096" };

    for (size_t i = 0; i < KCI_COUNT_OF(bad); i++) {
        kci_scram s;
        kc_bytes out;
        kc_error detail;
        cr_assert_eq(kci_scram_begin(&s, KCI_SHA256, kc_str("u"), kc_str("p"), false, kc_str("n")),
                     KC_OK);
        cr_assert_eq(kci_scram_client_first(&s, &out), KC_OK);
        cr_assert_eq(kci_scram_client_final(&s, kc_str(bad[i]), &out, &detail), KC_E_AUTHENTICATION,
                     "%s", bad[i]);
        kci_scram_end(&s);
    }
}

Test(sasl, a_connection_is_renewed_before_its_session_ends)
{
    int calls = 0;

    lifetime_ms = 10000;
    begin("PLAIN", password);
    for (int64_t end = sim_now(f.world) + 60000000; sim_now(f.world) < end; calls++) {
        probe p;
        cr_assert_eq(call(&p), KC_OK, "%s", p.why);
        fake_run(&f, 500);
    }
    cr_assert_geq(handshakes, 6);
    cr_assert_leq(handshakes, 9);
    cr_assert_gt(calls, 100);
    cr_assert_eq(atomic_load(&kci_client_stats(f.client)->connects), handshakes);
    cr_assert_eq(atomic_load(&kci_client_stats(f.client)->disconnects), handshakes - 1);
    fake_free(&f);
}

/* -- secrets ------------------------------------------------------------------------------------
 */

static const char canary[] = "c4naryInTheM1ne";
static int lines, traces;

/* base64 of the canary, at each of the three places in a group of bytes where it may begin. */
static const char *const disguises[] = { "YzRuYXJ5SW5UaGVNMW5l", "M0bmFyeUluVGhlTTFuZ",
                                         "jNG5hcnlJblRoZU0xbm" };

static void expect_no_secret(const char *text)
{
    cr_expect_null(strstr(text, canary), "%s", text);
    for (size_t i = 0; i < KCI_COUNT_OF(disguises); i++)
        cr_expect_null(strstr(text, disguises[i]), "%s", text);
}

static void look_for_secrets(void *arg, int level, const char *area, const char *text)
{
    (void)arg, (void)area;
    lines++;
    traces += level == KC_LOG_TRACE;
    expect_no_secret(text);
}

static void listen_to_one(const char *name, const char *secret, kc_err expected)
{
    kc_error problem = { 0 };
    probe p;

    begin(name, secret);
    kc_client_set_log(f.client, look_for_secrets, NULL, KC_LOG_TRACE);
    cr_assert_eq(call(&p), expected, "%s: %s", name, p.why);
    fake_run(&f, 3000);
    expect_no_secret(p.why);
    kci_client_last_problem(f.client, &problem);
    expect_no_secret(problem.text);
    fake_free(&f);
}

/* CVE-2026-33558: passwords in debug logs. */
Test(sasl, no_line_and_no_error_has_the_password)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };

    for (size_t at = 0; at < KCI_COUNT_OF(disguises); at++) { /* the disguises are right */
        char text[200], padded[100];
        snprintf(padded, sizeof padded, "%.*s%s%s", (int)at, "xx", canary, "yy");
        base64_text(kc_str(padded), text, sizeof text);
        cr_assert(strstr(text, disguises[at]), "%s", text);
    }
    for (size_t i = 0; i < KCI_COUNT_OF(names); i++) {
        password = canary;
        listen_to_one(names[i], canary, KC_OK);
        password = "another";
        listen_to_one(names[i], canary, KC_E_AUTHENTICATION);
    }
    cr_expect_gt(lines, 30);
    cr_expect_gt(traces, 0);
}

Test(sasl, failing_allocations)
{
    static const char *const names[] = { "PLAIN", "SCRAM-SHA-512" };

    for (size_t i = 0; i < 2; i++) {
        int good = 0;
        for (int n = 1; good < 3; n++) {
            probe p;
            int64_t before = kci_mem_live();
            begin(names[i], password);
            kci_mem_fail_after(n, false);
            kc_err err = call(&p);
            kci_mem_fail_after(0, false);
            cr_assert(err != KC_E_AUTHENTICATION, "%s", p.why);
            good = err == KC_OK ? good + 1 : 0;
            fake_free(&f);
            cr_assert_eq(kci_mem_live(), before, "allocation %d", n);
            cr_assert_lt(n, 500);
        }
    }
}

Test(sasl, needs_a_mechanism_and_credentials)
{
    kc_config *config = kc_config_new();
    kc_client *client;
    kc_error detail;

    kc_config_set(config, "bootstrap.servers", "a:1", NULL);
    kc_config_set(config, "security.protocol", "SASL_PLAINTEXT", NULL);
    cr_assert_eq(kc_client_new(config, &client, &detail), KC_E_NOT_SUPPORTED);
    cr_assert(strstr(detail.text, "SCRAM-SHA-512"), "%s", detail.text);
    kc_config_set(config, "sasl.mechanism", "PLAIN", NULL);
    cr_assert_eq(kc_client_new(config, &client, &detail), KC_E_BAD_PROPERTY);
    kc_config_free(config);
}
